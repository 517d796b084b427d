package provider

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// interruptedRelease is a bump of a release from v1.0.0 to v1.1.0 that something interrupts, with a server of its own.
type interruptedRelease struct {
	*server
	t *testing.T
	*instance
	remote *mocktest.Remote
	pipes  *mocktest.Pipes
	config attributes
	// dead is whether the provider was killed, so that the server gets no more requests.
	dead atomic.Bool
	// afterRequest is called after each request, unless it is nil. Requests of a killed provider may still be under way when it changes.
	afterRequest atomic.Pointer[func()]
}

func newInterruptedRelease(t *testing.T, remote *mocktest.Remote) *interruptedRelease {
	t.Helper()
	r := &interruptedRelease{server: &server{Server: mocktest.New(t, mockserver.Options{Delay: mockserver.LiveDelay})}, t: t, remote: remote}
	r.pipes = mocktest.ServePipes(t, http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if r.dead.Load() {
			panic(http.ErrAbortHandler)
		}
		r.ServeHTTP(w, request)
		if after := r.afterRequest.Load(); after != nil {
			(*after)()
		}
	}))
	t.Cleanup(func() { time.Sleep(time.Hour) }) // what still runs after this fails the test
	repository := r.createReadOnlyRepository(t, "network", remote.Path, "v1.0.0")
	r.config = attributes{"repository_id": repository, "ref": "v1.0.0", "merge": mergeWhenChecksPass}
	r.restart()
	r.mustApply(r.config)
	r.config = r.config.with(attributes{"ref": "v1.1.0"})
	r.Log.Reset()
	return r
}

// restart starts a new provider, which goes on with the state.
func (r *interruptedRelease) restart() {
	r.dead.Store(false)
	r.afterRequest.Store(nil)
	p := serveProvider(r.t, &infrahubProvider{version: "test", dial: r.pipes.Dial})
	p.configure(attributes{"address": r.Address, "api_token": r.Token, "max_retries": 0}).requireNone(r.t)
	before := r.instance
	r.instance = p.newInstance(releaseType)
	if before != nil {
		r.state, r.private, r.identity = before.state, before.private, before.identity
	}
}

// when calls act once the server has carried out a request for an operation, before its response is sent.
func (r *interruptedRelease) when(operation string, act func()) {
	var once sync.Once
	r.afterRequest.Store(new(func() {
		requests := r.Log.Requests()
		if slices.ContainsFunc(requests, func(request mockserver.Request) bool { return request.Operation == operation }) {
			once.Do(act)
		}
	}))
}

// describe returns what the server has of the release.
func (r *interruptedRelease) describe() string {
	main := r.Ask(r.t, `{CoreReadOnlyRepository{edges{node{ref{value}}}}}`).Text("data.CoreReadOnlyRepository.edges.0.node.ref.value")
	listed, _ := r.Ask(r.t, `{Branch{name}}`).At("data.Branch").([]any)
	open, _ := r.Ask(r.t, `{CoreProposedChange(state__value:"open"){edges{node{id}}}}`).At("data.CoreProposedChange.edges").([]any)
	return fmt.Sprintf("main %s, branches %d, open changes %d", main, len(listed)-1, len(open))
}

// interruptions are what interrupts an apply.
func interruptions() []struct {
	name string
	run  func(r *interruptedRelease, operation string, plan resourcePlan) diagnostics
} {
	return []struct {
		name string
		run  func(r *interruptedRelease, operation string, plan resourcePlan) diagnostics
	}{
		{"refused", func(r *interruptedRelease, operation string, plan resourcePlan) diagnostics {
			r.Inject(mockserver.Fault{Operation: operation, Times: 1, Status: http.StatusBadRequest, ContentType: "application/json", Body: `{"errors": ["The request could not be read"]}`})
			return r.apply(plan)
		}},
		{"response lost", func(r *interruptedRelease, operation string, plan resourcePlan) diagnostics {
			r.Inject(mockserver.Fault{Operation: operation, Times: 1, After: true, Drop: true})
			return r.apply(plan)
		}},
		{"Ctrl-C", func(r *interruptedRelease, operation string, plan resourcePlan) diagnostics {
			ctx, interrupt := context.WithCancel(r.ctx)
			r.ctx = ctx
			r.when(operation, interrupt)
			return r.apply(plan)
		}},
		{"kill -9", func(r *interruptedRelease, operation string, plan resourcePlan) diagnostics {
			state, private := r.state, r.private
			r.when(operation, func() { r.dead.Store(true) })
			diags := r.apply(plan)
			if r.dead.Load() {
				r.state, r.private = state, private
				return nil
			}
			return diags
		}},
	}
}

// TestReleaseMatrix interrupts a release at every step. What the user reads, what is left in Infrahub and how many applies follow until
// the plan is empty is in testdata/release_matrix.md; UPDATE_GOLDEN=1 writes it.
func TestReleaseMatrix(t *testing.T) {
	t.Parallel()
	remote := newRemote(t)
	points := []string{
		"CreateBranch", "UpdateReadOnlyRepository", "Tasks", "CreateProposedChange", "ChecksProgress", "PinnedRefs", "MergeProposedChange",
		"ProposedChanges", "DeleteBranch",
	}
	kinds := interruptions()
	rows := make([]string, len(points)*len(kinds))
	t.Cleanup(func() { // after the last cell
		compareGolden(t, "release_matrix.md", "| interrupted at | by | the user reads | left in Infrahub | applies until the plan is empty | end |\n|---|---|---|---|---|---|\n"+strings.Join(rows, ""))
	})
	for p, operation := range points {
		for k, kind := range kinds {
			t.Run(operation+"/"+kind.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := newInterruptedRelease(t, remote)
					plan := r.plan(r.config)
					r.Log.Reset()
					diags := kind.run(r, operation, plan)
					told := "-"
					for _, diagnostic := range diags.errors() {
						told = diagnostic.summary
					}
					left := r.describe()
					applies := r.applyUntilDone()
					rows[p*len(kinds)+k] = fmt.Sprintf("| %s | %s | %s | %s | %d | %s |\n", operation, kind.name, told, left, applies, r.describe())
					if difference := cmp.Diff("main v1.1.0, branches 0, open changes 0", r.describe()); difference != "" {
						t.Errorf("the end (-want +got):\n%s", difference)
					}
					mutations := r.Log.Requests()
					merges := 0
					for _, request := range mutations {
						if request.Operation == "MergeProposedChange" {
							merges++
						}
					}
					if merges > 2 {
						t.Errorf("%d requests to merge", merges)
					}
				})
			})
		}
	}
}

// applyUntilDone applies until the plan is empty, and returns how many applies that took.
func (r *interruptedRelease) applyUntilDone() int {
	r.t.Helper()
	for applies := range 5 {
		r.restart()
		r.refresh().requireNoErrors(r.t)
		plan := r.plan(r.config)
		plan.diagnostics.requireNoErrors(r.t)
		if cmp.Diff(r.state, plan.state) == "" {
			return applies
		}
		r.apply(plan)
	}
	r.t.Error("five applies have not led to an empty plan")
	return 5
}
