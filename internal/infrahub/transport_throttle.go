package infrahub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// defaultConcurrency is how many requests are under way at once unless the configuration says otherwise: as many as Terraform has
// operations under way.
const defaultConcurrency = 10

// throttle bounds how many requests are under way at once, and how long each attempt takes. When the server refuses one because it is
// overloaded, all of them wait as long as it asks for (infrahub-behaviour.md, Errors 10).
type throttle struct {
	next    http.RoundTripper
	timeout time.Duration
	// slots holds a value for each request that is under way.
	slots chan struct{}

	mutex sync.Mutex
	// resume is when the server wants to be asked again.
	resume time.Time
}

func newThrottle(next http.RoundTripper, concurrency int, timeout time.Duration) *throttle {
	if concurrency == 0 {
		concurrency = defaultConcurrency
	}
	return &throttle{next: next, timeout: timeout, slots: make(chan struct{}, concurrency)}
}

// errNotSent is a request that was canceled while it waited for its turn.
var errNotSent = errors.New("the request was not sent")

// RoundTrip implements http.RoundTripper.
func (t *throttle) RoundTrip(request *http.Request) (*http.Response, error) {
	release, err := t.acquire(request.Context())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
	}
	defer release()
	// The time in which a request waits for its turn does not count.
	ctx, cancel := context.WithTimeout(request.Context(), t.timeout)
	defer cancel() // the response has been read to its end
	response, err := t.next.RoundTrip(request.WithContext(ctx))
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		t.pause(response)
	}
	return response, err
}

// acquire waits until the server wants to be asked and a slot is free, and takes the slot. It returns the error of the request's context,
// or of its caller's, if that ends first.
func (t *throttle) acquire(ctx context.Context) (release func(), err error) {
	caller, ok := ctx.Value(callerContextKey).(context.Context)
	if !ok {
		caller = ctx
	}
	for {
		t.mutex.Lock()
		wait := time.Until(t.resume)
		t.mutex.Unlock()
		if wait > 0 {
			if err := sleep(caller, wait); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-caller.Done():
			return nil, caller.Err()
		case t.slots <- struct{}{}:
			return func() { <-t.slots }, nil
		}
	}
}

// pause makes every request wait for the time in Retry-After.
func (t *throttle) pause(response *http.Response) {
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil {
		return
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if resume := time.Now().Add(min(time.Duration(seconds)*time.Second, longestRetry)); resume.After(t.resume) {
		t.resume = resume
	}
}
