package infrahub_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// front is a handler before a mock server, which counts what passes.
type front struct {
	server *mocktest.Server
	// refuse reports whether to respond that the server is overloaded, and what to write in Retry-After.
	refuse func() (refused bool, retryAfter string)
	// takes is how long a response takes.
	takes time.Duration

	requests, underWay atomic.Int64

	mutex sync.Mutex
	most  int64
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	now := f.underWay.Add(1)
	defer f.underWay.Add(-1)
	f.mutex.Lock()
	f.most = max(f.most, now)
	f.mutex.Unlock()
	time.Sleep(f.takes)
	if refused, retryAfter := f.refuse(); refused {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.server.Log.ServeHTTP(w, r)
}

func never() (refused bool, retryAfter string) { return false, "" }

func startFront(t *testing.T, f *front, edits ...func(*infrahub.Config)) *infrahub.Client {
	t.Helper()
	f.server = mocktest.New(t, mockserver.Options{})
	if f.refuse == nil {
		f.refuse = never
	}
	return serve(t, f).client(t, edits...)
}

// eachAtOnce calls do n times at once and waits for all of them.
func eachAtOnce(n int, do func(i int)) {
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() { do(i) })
	}
	callers.Wait()
}

func createTag(t *testing.T, client *infrahub.Client, name string) {
	t.Helper()
	if _, err := client.Tags().Create(t.Context(), infrahub.Tag{Name: name}); err != nil {
		t.Errorf("tag %s: %v", name, err)
	}
}

func TestThrottle_BoundsTheRequestsUnderWay(t *testing.T) {
	t.Parallel()
	for configured, want := range map[int]int64{0: 10, 3: 3} {
		t.Run(strconv.Itoa(configured), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &front{takes: time.Second}
				client := startFront(t, f, func(c *infrahub.Config) { c.Concurrency, c.Timeout = configured, 2*time.Second })
				eachAtOnce(50, func(i int) { createTag(t, client, "tag-"+strconv.Itoa(i)) })
				wantEqual(t, "most requests under way", want, f.most)
				wantEqual(t, "requests", 50, f.requests.Load())
			})
		})
	}
}

func TestThrottle_OneRefusalMakesEveryRequestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var refusals atomic.Int64
		f := &front{refuse: func() (bool, string) { return refusals.Add(1) == 1, "20" }}
		client := startFront(t, f)
		go createTag(t, client, "first")
		time.Sleep(time.Second)
		began := time.Now()
		go eachAtOnce(20, func(i int) { createTag(t, client, "tag-"+strconv.Itoa(i)) })
		time.Sleep(18 * time.Second)
		wantEqual(t, "requests while the server wants none", 1, f.requests.Load())
		time.Sleep(12 * time.Second)
		wantEqual(t, "requests after that", 22, f.requests.Load())
		wantDuration(t, began, 18*time.Second, 31*time.Second)
	})
}

// Half of all requests are refused, and none of them is lost.
func TestThrottle_OverloadedServerGetsEveryRequestInTheEnd(t *testing.T) {
	t.Parallel()
	for _, retryAfter := range []string{"1", ""} {
		t.Run("Retry-After "+retryAfter, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(3, 4))
				var mutex sync.Mutex
				f := &front{takes: 20 * time.Millisecond, refuse: func() (bool, string) {
					mutex.Lock()
					defer mutex.Unlock()
					return random.IntN(2) == 0, retryAfter
				}}
				client := startFront(t, f)
				const tags = 200
				eachAtOnce(tags, func(i int) { createTag(t, client, "tag-"+strconv.Itoa(i)) })
				if got := f.requests.Load(); got > tags*5/2 {
					t.Errorf("%d requests for %d tags, want at most 2.5 for each", got, tags)
				}
				wantEqual(t, "tags", any(float64(tags)), f.server.Ask(t, `{BuiltinTag{count}}`).At("data.BuiltinTag.count"))
			})
		})
	}
}

func TestThrottle_OverloadThatStaysIsReportedAfterTwoMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &front{refuse: func() (bool, string) { return true, "10" }}
		client := startFront(t, f)
		began := time.Now()
		_, err := client.Tags().Create(t.Context(), infrahub.Tag{Name: "core"})
		if !errors.Is(err, infrahub.ErrBusy) || infrahub.OutcomeUnknown(err) {
			t.Errorf("got %v, outcome unknown: %t", err, infrahub.OutcomeUnknown(err))
		}
		wantDuration(t, began, 2*time.Minute, 2*time.Minute+13*time.Second)
	})
}

func TestThrottle_ChangeThatIsCanceledBeforeItsTurnIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &front{takes: 30 * time.Second}
		client := startFront(t, f, func(c *infrahub.Config) { c.Concurrency = 1 })
		go createTag(t, client, "first")
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := client.Tags().Create(ctx, infrahub.Tag{Name: "second"})
		if !errors.Is(err, context.DeadlineExceeded) || infrahub.OutcomeUnknown(err) {
			t.Errorf("got %v, outcome unknown: %t", err, infrahub.OutcomeUnknown(err))
		}
		time.Sleep(time.Minute)
		wantEqual(t, "requests", 1, f.requests.Load())
	})
}
