package provider

import (
	"cmp"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// overload is a handler before a server that refuses every second request if it is on (infrahub-behaviour.md, Errors 10).
type overload struct {
	next     http.Handler
	on       bool
	requests atomic.Int64
}

func (o *overload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if sent := o.requests.Add(1); o.on && sent%2 == 1 {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	o.next.ServeHTTP(w, r)
}

// TEST_OVERLOAD_REPOSITORIES makes the fleet larger.
func TestOverload_PlansAndAppliesSucceed(t *testing.T) {
	t.Parallel()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("TEST_OVERLOAD_REPOSITORIES"), "20"))
	if err != nil {
		t.Fatal(err)
	}
	requests := map[bool]int64{}
	for _, on := range []bool{false, true} {
		remote := newRemote(t)
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, n)
			front := &overload{next: f.Log, on: on}
			f.pipes = mocktest.ServePipes(t, front)
			config := func(ref string) func(int) attributes {
				return func(i int) attributes {
					return attributes{"name": nameOf(i), "location": linkTo(t, remote, i), "ref": ref}
				}
			}
			step := func(name string, do func()) {
				before := front.requests.Load()
				do()
				t.Logf("%s of %d: %d requests", name, n, front.requests.Load()-before)
			}
			step("create", func() { f.apply(t, config("v1.0.0")) })
			step("plan", func() {
				f.restart(t)
				refreshAtOnce(t, f.instances[0].testProvider, f.instances)
				for i, instance := range f.instances {
					instance.expectEmptyPlan(config("v1.0.0")(i))
				}
			})
			step("bump", func() { f.apply(t, config("v1.1.0")) })
			step("destroy", func() { f.apply(t, func(int) attributes { return nil }) })
			if left := f.Ask(t, `{CoreReadOnlyRepository{count}}`).At("data.CoreReadOnlyRepository.count"); left != 0.0 {
				t.Errorf("%v repositories are left", left)
			}
			requests[on] = front.requests.Load()
		})
	}
	if most := requests[false] * 5 / 2; requests[true] > most {
		t.Errorf("%d requests, want at most %d: 2.5 times those without refusals", requests[true], most)
	}
}
