package infrahub

import (
	"context"
	"sync"
	"time"
)

// together makes calls that begin while another one is under way share the next one. A call that finds none under way is made at once.
type together[K, V any] struct {
	mutex sync.Mutex
	// underWay is how many calls are under way.
	underWay int
	// next gathers keys for the next call. It is nil while none waits.
	next *sharedCall[K, V]
}

// sharedCall is one call for several callers.
type sharedCall[K, V any] struct {
	keys []K
	// done is closed when value, or err, is there.
	done  chan struct{}
	value V
	err   error
}

const (
	// gatherTime is how long a call that need not be made at once waits for others.
	gatherTime = 2 * time.Millisecond
	// gatherSize is how many callers share a call at most.
	gatherSize = pageSize
)

// do returns what call returns for keys that include the caller's, and how many callers share it. The call begins after do was called.
func (t *together[K, V]) do(ctx context.Context, key K, call func(ctx context.Context, keys []K) (V, error)) (value V, callers int, err error) {
	shared := t.join(ctx, key, call)
	if shared == nil {
		defer t.end()
		value, err = call(ctx, []K{key})
		return value, 1, err
	}
	select {
	case <-ctx.Done():
		return value, 0, ctx.Err()
	case <-shared.done:
		return shared.value, len(shared.keys), shared.err
	}
}

// join adds a caller to the next call, or returns nil if the caller makes its own.
func (t *together[K, V]) join(ctx context.Context, key K, call func(ctx context.Context, keys []K) (V, error)) *sharedCall[K, V] {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	switch {
	case t.next != nil && len(t.next.keys) < gatherSize:
		t.next.keys = append(t.next.keys, key)
	case t.underWay == 0:
		t.underWay++
		return nil
	default:
		t.next = &sharedCall[K, V]{keys: []K{key}, done: make(chan struct{})}
		// A caller that gives up must not take the others' values with it.
		go t.make(context.WithoutCancel(ctx), t.next, call)
	}
	return t.next
}

// make makes a call once its callers have gathered.
func (t *together[K, V]) make(ctx context.Context, shared *sharedCall[K, V], call func(ctx context.Context, keys []K) (V, error)) {
	time.Sleep(gatherTime)
	t.mutex.Lock()
	if t.next == shared {
		t.next = nil
	}
	t.underWay++
	t.mutex.Unlock()
	defer t.end()
	shared.value, shared.err = call(ctx, shared.keys)
	close(shared.done)
}

func (t *together[K, V]) end() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.underWay--
}
