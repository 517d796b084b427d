package infrahub

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	genqlient "github.com/Khan/genqlient/graphql"
	"github.com/hashicorp/go-retryablehttp"
)

// contextKey is the type of the keys under which a context holds what the layers of the transport need to know of
// an operation.
type contextKey int

const (
	noRetryKey       contextKey = iota // bool: do not repeat the request
	callerContextKey                   // context.Context: that of the caller of a mutation
	priorityKey                        // string: the value of X-Priority
	requestIDKey                       // *string: receives the request id of a mutation
	attemptsKey                        // *attempts: collects how the attempts failed
	readKey                            // bool: the request changes nothing
	mergeKey                           // bool: the request starts a merge
)

// attempts is how the attempts to send one request failed so far.
type attempts struct {
	// outcomeUnknown is whether the server may have carried out one of them.
	outcomeUnknown bool
	// lastFailure describes the last one that failed, "" if none did.
	lastFailure string
	// lastStatus is the HTTP status of the last one that failed, 0 if it got no response.
	lastStatus int
	// failures is how many of them failed otherwise than by the refusal of an overloaded server.
	failures int
	// overloadedSince is when an overloaded server refused the first one.
	overloadedSince time.Time
}

// withAttempts returns a context in which each attempt that fails is noted.
func withAttempts(ctx context.Context) (context.Context, *attempts) {
	noted := &attempts{}
	return context.WithValue(ctx, attemptsKey, noted), noted
}

// note notes the response or the error of an attempt.
func (a *attempts) note(response *http.Response, err error) {
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		if a.overloadedSince.IsZero() {
			a.overloadedSince = time.Now()
		}
	} else {
		a.failures++
	}
	switch {
	case err != nil:
		a.outcomeUnknown = a.outcomeUnknown || !neverSent(err)
		if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			a.lastFailure, a.lastStatus = withoutURL(err).Error(), 0
		}
	case response.StatusCode != http.StatusOK:
		a.outcomeUnknown = a.outcomeUnknown || response.StatusCode >= http.StatusInternalServerError
		a.lastFailure, a.lastStatus = fmt.Sprintf("HTTP status %d", response.StatusCode), response.StatusCode
	}
}

// exhausted reports whether no further attempt is allowed.
func (a *attempts) exhausted(maxRetries int) bool {
	return maxRetries == 0 || a.failures > maxRetries || !a.overloadedSince.IsZero() && time.Since(a.overloadedSince) > overloadTimeout
}

// neverSent reports whether a request failed before it reached the server: no connection was made, the login before it was refused,
// or it was canceled before its turn.
func neverSent(err error) bool {
	if _, loginFailed := errors.AsType[*Error](err); loginFailed || errors.Is(err, errNotSent) {
		return true
	}
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "dial"
}

// withoutURL returns an error of net/http without the URL that it repeats, twice if the request was for a login.
func withoutURL(err error) error {
	for {
		wrapper, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = wrapper.Err
	}
}

// withRequestID returns a context in which each mutation stores its request id in target, where the last one
// stays.
func withRequestID(ctx context.Context, target *string) context.Context {
	return context.WithValue(ctx, requestIDKey, target)
}

func storeRequestID(ctx context.Context, id string) {
	if target, ok := ctx.Value(requestIDKey).(*string); ok {
		*target = id
	}
}

// withLowPriority returns a context whose requests a busy server may handle last (infrahub-behaviour.md, Errors
// 10).
func withLowPriority(ctx context.Context) context.Context {
	return context.WithValue(ctx, priorityKey, "low")
}

func priority(ctx context.Context) string {
	if priority, ok := ctx.Value(priorityKey).(string); ok {
		return priority
	}
	return "medium"
}

// withoutRetries returns a context whose requests are not repeated after a failure that may have come too late.
func withoutRetries(ctx context.Context) context.Context {
	return context.WithValue(ctx, noRetryKey, true)
}

// withMerge returns a context whose request starts a merge. It is not repeated by itself while another merge runs or the server is
// overloaded, because what the default branch has got meanwhile has to be looked at first.
func withMerge(ctx context.Context) context.Context {
	return context.WithValue(ctx, mergeKey, true)
}

// operationContext returns the context to send an operation with. A mutation in flight is never canceled, because
// its outcome would be unknown. A create is not repeated: if its reply is lost, the caller looks for the node.
// Updates and deletes are idempotent.
func operationContext(ctx context.Context, operation *genqlient.Request) context.Context {
	if strings.HasPrefix(operation.OpName, "Create") {
		ctx = withoutRetries(ctx)
	}
	if isMutation(operation) {
		return context.WithValue(context.WithoutCancel(ctx), callerContextKey, ctx)
	}
	return context.WithValue(ctx, readKey, true)
}

func isMutation(operation *genqlient.Request) bool {
	return strings.HasPrefix(strings.TrimSpace(operation.Query), "mutation")
}

const (
	shortestRetry = 250 * time.Millisecond
	longestRetry  = 30 * time.Second // the longest Retry-After that the server sends (infrahub-behaviour.md, Errors 10)
	mergeRetry    = 5 * time.Second  // a merge takes 6 to 28 s (infrahub-behaviour.md, Branches 2)
	overloadRetry = 5 * time.Second  // the longest wait after a refusal without Retry-After
	// overloadTimeout bounds how long a request is repeated that an overloaded server refuses.
	overloadTimeout = 2 * time.Minute
)

func newRetryClient(client *http.Client, maxRetries int) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   client,
		RetryMax:     math.MaxInt32, // checkRetry counts
		RetryWaitMin: shortestRetry,
		RetryWaitMax: longestRetry,
		Backoff:      backoff,
		CheckRetry: func(ctx context.Context, response *http.Response, err error) (bool, error) {
			again, failure := checkRetry(ctx, response, err)
			noted, ok := ctx.Value(attemptsKey).(*attempts)
			return again && ok && !noted.exhausted(maxRetries), failure
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// backoff returns how long to wait before the next attempt: the time in Retry-After, or else a time that doubles
// from shortest to longest. It adds up to a quarter, so that clients that were refused together do not return
// together.
func backoff(shortest, longest time.Duration, attempt int, response *http.Response) time.Duration {
	wait := retryablehttp.DefaultBackoff(shortest, longest, attempt, response)
	switch {
	case response == nil:
	case response.StatusCode == http.StatusLocked:
		wait = max(wait, mergeRetry)
	case response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "":
		wait = min(wait, overloadRetry)
	}
	return wait + rand.N(wait/4+1)
}

// checkRetry reports whether to repeat a request. An error ends the request. A read is also repeated after an internal error of
// the server (infrahub-behaviour.md, Errors 7): that may be of a moment, and a repeated read changes nothing.
func checkRetry(ctx context.Context, response *http.Response, err error) (bool, error) {
	if noted, ok := ctx.Value(attemptsKey).(*attempts); ok {
		noted.note(response, err)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if caller, ok := ctx.Value(callerContextKey).(context.Context); ok && caller.Err() != nil {
		return false, err
	}
	if response != nil && (response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusLocked) {
		merge, _ := ctx.Value(mergeKey).(bool)
		return !merge, nil // the server refused it before it carried it out
	}
	if noRetry, _ := ctx.Value(noRetryKey).(bool); noRetry {
		return false, nil
	}
	if refusal, ok := errors.AsType[*Error](err); ok { // the login was refused, before the request was sent
		return isBusyStatus(refusal.Status), nil
	}
	if errors.Is(err, errTooLong) {
		return false, nil
	}
	if err != nil {
		return retryablehttp.ErrorPropagatedRetryPolicy(ctx, response, err)
	}
	read, _ := ctx.Value(readKey).(bool)
	return retryableStatus(response.StatusCode) || read && response.StatusCode == http.StatusInternalServerError, nil
}

// retryableStatus reports whether a status means that the server, or a proxy before it, may respond later.
func retryableStatus(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}
