package infrahub

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	genqlient "github.com/Khan/genqlient/graphql"
	"github.com/hashicorp/go-retryablehttp"
)

// contextKey keys what the layers below MakeRequest need to know of an operation.
type contextKey int

const (
	onlyOnceKey contextKey = iota
	callerKey
	priorityKey
	requestIDKey
)

// withRequestID makes the transport note the request id of each mutation; the last one stays.
func withRequestID(ctx context.Context, into *string) context.Context {
	return context.WithValue(ctx, requestIDKey, into)
}

// withOperation prepares the context of an operation. A mutation that was begun is not broken off, for
// then nobody knew whether it was carried out. A create is not repeated blindly: if its reply is lost
// its caller looks it up instead. Updates and deletes are idempotent.
func withOperation(ctx context.Context, operation *genqlient.Request) context.Context {
	ctx = context.WithValue(ctx, onlyOnceKey, strings.HasPrefix(operation.OpName, "Create"))
	if isMutation(operation) {
		ctx = context.WithValue(context.WithoutCancel(ctx), callerKey, ctx)
	}
	return ctx
}

func isMutation(operation *genqlient.Request) bool {
	return strings.HasPrefix(strings.TrimSpace(operation.Query), "mutation")
}

// withLowPriority lets the server answer others first when it is busy (infrahub.md, Errors, overload).
func withLowPriority(ctx context.Context) context.Context {
	return context.WithValue(ctx, priorityKey, "low")
}

func priority(ctx context.Context) string {
	if priority, ok := ctx.Value(priorityKey).(string); ok {
		return priority
	}
	return "medium"
}

const (
	shortestRetry = 250 * time.Millisecond
	longestRetry  = 30 * time.Second // the longest Retry-After that the server sends
	mergeRetry    = 5 * time.Second  // a merge takes 6 to 28 s (infrahub.md, Branches)
)

func newRetrying(client *http.Client, maxRetries int) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   client,
		RetryMax:     maxRetries,
		RetryWaitMin: shortestRetry,
		RetryWaitMax: longestRetry,
		Backoff:      backoff,
		CheckRetry:   retryable,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// backoff doubles from shortest to longest, or waits for as long as Retry-After asks, and adds up to
// a quarter so that clients refused together do not come back together.
func backoff(shortest, longest time.Duration, attempt int, response *http.Response) time.Duration {
	wait := retryablehttp.DefaultBackoff(shortest, longest, attempt, response)
	if response != nil && response.StatusCode == http.StatusLocked {
		wait = max(wait, mergeRetry)
	}
	return wait + rand.N(wait/4+1)
}

func retryable(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if caller, ok := ctx.Value(callerKey).(context.Context); ok && caller.Err() != nil {
		return false, err
	}
	if response != nil && (response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusLocked) {
		return true, nil // refused before it was carried out
	}
	if onlyOnce, _ := ctx.Value(onlyOnceKey).(bool); onlyOnce {
		return false, nil
	}
	if refused, ok := errors.AsType[*Error](err); ok { // by a login, before anything was sent
		return busy(refused.Status), nil
	}
	if err != nil {
		return retryablehttp.ErrorPropagatedRetryPolicy(ctx, response, err)
	}
	return busy(response.StatusCode), nil
}

// busy reports whether a status says that the server, or what stands before it, may answer later.
func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}
