package infrahub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sharedReads holds, for all branches of a client, the reads that share requests.
type sharedReads struct {
	// mutated is whether the client has sent a mutation. From then on no read is served from a page, because a mutation may change
	// nodes of other kinds too (infrahub-behaviour.md, Writing 7).
	mutated atomic.Bool

	mutex  sync.Mutex
	byKind map[kindKey]any // *nodeReads of the kind
}

// kindKey tells apart reads that cannot share a request.
type kindKey struct {
	kind, branch string
	secrets      bool
}

// nodeReads are the reads of the nodes of one kind on one branch.
type nodeReads[T any] struct {
	shared *sharedReads
	mutex  sync.Mutex
	// inFlight is how many requests for ids are under way.
	inFlight int
	// next gathers the reads for the next request. It is nil while nothing waits.
	next *readBatch[T]
	pages[T]
}

// reads returns the reads that share requests with this kind's.
func (n Nodes[T]) reads() *nodeReads[T] {
	shared, key := n.client.reads, kindKey{kind: n.kind, branch: n.client.branch, secrets: n.withSecrets}
	shared.mutex.Lock()
	defer shared.mutex.Unlock()
	if reads, ok := shared.byKind[key].(*nodeReads[T]); ok {
		return reads
	}
	reads := &nodeReads[T]{shared: shared, pages: pages[T]{total: unknownTotal}}
	shared.byKind[key] = reads
	return reads
}

// readBatch is one request for several ids.
type readBatch[T any] struct {
	ids []string
	// done is closed when nodes, or err, are there.
	done  chan struct{}
	nodes []T
	err   error
}

// gatherTime is how long a read waits for others while a request of its kind is under way.
const gatherTime = 2 * time.Millisecond

// Get returns the node with an id as it is now, or ErrNotFound. Reads that begin while another one of the kind is under way go
// together in one request.
func (n Nodes[T]) Get(ctx context.Context, id string) (*T, error) {
	batch := n.reads().join(ctx, n, id)
	if batch == nil {
		return n.getAlone(ctx, id)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-batch.done:
	}
	if batch.err != nil {
		if len(batch.ids) == 1 || holdsForEveryNode(batch.err) {
			return nil, batch.err
		}
		return n.getAlone(ctx, id)
	}
	return n.find(batch.nodes, id)
}

// holdsForEveryNode reports whether a read of any node would fail in the same way.
func holdsForEveryNode(err error) bool {
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrBranchNotFound) || errors.Is(err, ErrNotInfrahub)
}

func (n Nodes[T]) find(nodes []T, id string) (*T, error) {
	found := slices.IndexFunc(nodes, func(node T) bool {
		foundID, _ := n.key(node)
		return foundID == id
	})
	if found < 0 {
		return nil, n.notFound(id)
	}
	return &nodes[found], nil
}

func (n Nodes[T]) notFound(wanted string) error {
	return fmt.Errorf("%s %s on branch %s: %w", n.kind, wanted, n.client.branch, ErrNotFound)
}

// getAlone reads one node by a request of its own.
func (n Nodes[T]) getAlone(ctx context.Context, id string) (*T, error) {
	reads := n.reads()
	reads.begin()
	defer reads.end()
	return n.get(ctx, Filter{IDs: []string{id}}, id)
}

func (r *nodeReads[T]) begin() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.inFlight++
}

func (r *nodeReads[T]) end() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.inFlight--
}

// join adds a read to the next request, or returns nil if it need not wait for others.
func (r *nodeReads[T]) join(ctx context.Context, nodes Nodes[T], id string) *readBatch[T] {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	switch {
	case r.next != nil && len(r.next.ids) < pageSize:
		r.next.ids = append(r.next.ids, id)
	case r.inFlight == 0:
		return nil
	default:
		r.next = &readBatch[T]{ids: []string{id}, done: make(chan struct{})}
		// A caller that gives up must not take the others' nodes with it.
		go r.send(context.WithoutCancel(ctx), nodes, r.next)
	}
	return r.next
}

// send waits until the batch has gathered, and reads its nodes.
func (r *nodeReads[T]) send(ctx context.Context, nodes Nodes[T], batch *readBatch[T]) {
	time.Sleep(gatherTime)
	r.mutex.Lock()
	if r.next == batch {
		r.next = nil
	}
	r.inFlight++
	r.mutex.Unlock()
	defer r.end()
	batch.nodes, batch.err = nodes.list(ctx, Filter{IDs: batch.ids}, page{limit: pageSize})
	close(batch.done)
}
