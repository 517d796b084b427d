package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// parallelism is how many resources Terraform changes at once by default.
const parallelism = 10

// pollInterval is the shortest time between two lists of tasks of a provider with default settings.
const pollInterval = 250 * time.Millisecond

// waitingTasks stands for the lists of tasks that are requested in each interval while an import is waited for.
const waitingTasks = "Tasks while waiting"

// fleet is many read-only repositories in a mock server with delays like those of a live one.
type fleet struct {
	*server
	pipes     *mocktest.Pipes
	instances []*instance
}

// newFleet returns n repositories that do not exist yet.
func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	s := &server{Server: mocktest.New(t, mockserver.Options{Delay: mockserver.LiveDelay})}
	s.Inject(mockserver.Fault{Delay: 20 * time.Millisecond})
	f := &fleet{server: s, pipes: mocktest.ServePipes(t, s.Log), instances: make([]*instance, n)}
	t.Cleanup(func() { time.Sleep(time.Hour) }) // what still runs after this fails the test
	f.restart(t)
	return f
}

// restart replaces the provider's process, as each run of the CLI does.
func (f *fleet) restart(t *testing.T) {
	t.Helper()
	p := serveProvider(t, &infrahubProvider{version: "test", dial: f.pipes.Dial})
	p.configure(attributes{"address": f.Address, "api_token": f.Token}).requireNone(t)
	for i, before := range f.instances {
		f.instances[i] = p.newInstance("infrahub_read_only_repository")
		if before != nil {
			f.instances[i].state, f.instances[i].private, f.instances[i].identity = before.state, before.private, before.identity
		}
	}
}

// apply refreshes and plans every repository, applies the plans as Terraform does, and returns how often each operation was requested
// by the applies. A nil configuration is a destroy.
func (f *fleet) apply(t *testing.T, config func(i int) attributes) map[string]int {
	t.Helper()
	f.restart(t)
	plans := make([]resourcePlan, len(f.instances))
	for i, instance := range f.instances {
		if instance.state != nil {
			instance.refresh().requireNone(t)
		}
		plans[i] = instance.plan(config(i))
	}
	synctest.Wait()
	f.Log.Reset()
	began, slots := time.Now(), make(chan struct{}, parallelism)
	var applied sync.WaitGroup
	for i, instance := range f.instances {
		slots <- struct{}{}
		applied.Go(func() {
			defer func() { <-slots }()
			instance.apply(plans[i]).requireNone(t)
		})
	}
	applied.Wait()
	took := time.Since(began)
	synctest.Wait()
	counts := map[string]int{}
	for _, request := range f.Log.Requests() {
		if request.Operation == "Tasks" && request.Header.Get("X-Priority") == "low" {
			counts[waitingTasks]++
		} else {
			counts[request.Operation]++
		}
	}
	if most := int(took/pollInterval) + 1; counts[waitingTasks] > most {
		t.Errorf("%d lists of tasks while waiting, want at most one each %s: %d in %s", counts[waitingTasks], pollInterval, most, took)
	}
	t.Logf("%s: %v", took, counts)
	f.WaitForTasks(t)
	return counts
}

// Each request is needed:
//   - create: the list of tasks shows which tasks are older than the mutation, so that none of them is taken for its own. The lists
//     after it show when the import has ended, and the read which commit it imported. What a mutation returns is not reliable.
//   - bump: as a create. Besides, the list shows whether an earlier import still runs, which must end first, and the read before the
//     mutation whether the server has the ref already: then no import starts by itself.
//   - edit: the mutation, and the read after it.
//   - destroy: the mutation. That its node does not exist is no error, so nothing is read.
//
// Of those of many repositories at once, reads and lists of tasks are shared; mutations are not, because each can fail alone.
func TestRequests_OfAChange(t *testing.T) {
	t.Parallel()
	const create, read, update, remove, tasks = "CreateReadOnlyRepository", "ReadOnlyRepositories", "UpdateReadOnlyRepository", "DeleteReadOnlyRepository", "Tasks"
	// The most requests of each operation, beside the lists of tasks while waiting. Mutations are exact.
	type requests map[string]int
	for _, test := range []struct {
		n                           int
		create, bump, edit, destroy requests
	}{
		{
			n:      1,
			create: requests{tasks: 1, create: 1, read: 1},
			bump:   requests{tasks: 1, update: 1, read: 2},
			edit:   requests{update: 1, read: 1}, destroy: requests{remove: 1},
		},
		{ // at ten at once a list of tasks, or a read, serves about five
			n:      100,
			create: requests{tasks: 30, create: 100, read: 30},
			bump:   requests{tasks: 30, update: 100, read: 60},
			edit:   requests{update: 100, read: 30}, destroy: requests{remove: 100},
		},
	} {
		t.Run(fmt.Sprintf("of %d", test.n), func(t *testing.T) {
			t.Parallel()
			remote := newRemote(t)
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, test.n)
				config := func(ref string, description any) func(int) attributes {
					return func(i int) attributes {
						return attributes{"name": nameOf(i), "location": linkTo(t, remote, i), "ref": ref, "description": description}
					}
				}
				for _, change := range []struct {
					name   string
					config func(int) attributes
					want   requests
				}{
					{"create", config("v1.0.0", nil), test.create},
					{"bump", config("v1.1.0", nil), test.bump},
					{"edit", config("v1.1.0", "edited"), test.edit},
					{"destroy", func(int) attributes { return nil }, test.destroy},
				} {
					got := f.apply(t, change.config)
					delete(got, waitingTasks)
					if difference := cmp.Diff(slices.Sorted(maps.Keys(change.want)), slices.Sorted(maps.Keys(got))); difference != "" {
						t.Errorf("operations of a %s (-want +got):\n%s", change.name, difference)
					}
					for operation, most := range change.want {
						if sent := got[operation]; sent > most || mutates(operation) && sent != most {
							t.Errorf("%s: %d requests %s, want %d at most", change.name, sent, operation, most)
						}
					}
				}
			})
		})
	}
}

func mutates(operation string) bool {
	return strings.HasPrefix(operation, "Create") || strings.HasPrefix(operation, "Update") || strings.HasPrefix(operation, "Delete")
}
