package provider

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// server is the mock Infrahub of one test.
type server struct {
	*mocktest.Server
	mu sync.Mutex
	// delayed waits to be injected after a request.
	delayed []delayedFault
}

type delayedFault struct {
	fault mockserver.Fault
	after func(request mockserver.Request) bool
}

func startServer(t *testing.T, options mockserver.Options) *server {
	t.Helper()
	s := &server{Server: mocktest.New(t, options)}
	s.Address = mocktest.Serve(t, s)
	return s
}

// ServeHTTP handles a request and injects the faults that follow it. The client has no response yet.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Log.ServeHTTP(w, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delayed = slices.DeleteFunc(s.delayed, func(delayed delayedFault) bool {
		due := slices.ContainsFunc(s.Log.Requests(), delayed.after)
		if due {
			s.Inject(delayed.fault)
		}
		return due
	})
}

// injectAfter injects a fault once a request for which after returns true was handled.
func (s *server) injectAfter(fault mockserver.Fault, after func(request mockserver.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Log.Reset()
	s.delayed = append(s.delayed, delayedFault{fault, after})
}

// block returns a provider block for the server. Requests are not retried, so that faults show at once.
func (s *server) block() attributes {
	return attributes{"address": s.Address, "api_token": s.Token, "max_retries": 0}
}

// connect returns a provider that is configured for the server.
func (s *server) connect(t *testing.T) *testProvider {
	t.Helper()
	return s.connectWith(t, attributes{})
}

// connectWith returns a provider that is configured for the server, with changes of its block.
func (s *server) connectWith(t *testing.T, changes attributes) *testProvider {
	t.Helper()
	p := newProvider(t)
	p.configure(s.block().with(changes)).requireNone(t)
	s.Log.Reset()
	return p
}

// takeMutations returns every mutation since the last call, each as "Operation: field field", and resets the log.
func (s *server) takeMutations() []string {
	mutations := mocktest.Mutations(s.Log.Requests())
	s.Log.Reset()
	return mutations
}

// expectMutations expects exactly these mutations since the last call.
func (s *server) expectMutations(t *testing.T, want ...string) {
	t.Helper()
	if difference := cmp.Diff(append([]string{}, want...), s.takeMutations()); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
}

// failOnce replaces the next response to an operation.
func (s *server) failOnce(operation string, status int, body string) {
	s.Inject(mockserver.Fault{Operation: operation, Times: 1, Status: status, Body: body, ContentType: "application/json"})
}

// crashOnce makes the server fail at the next request for an operation.
func (s *server) crashOnce(operation string) {
	s.failOnce(operation, http.StatusInternalServerError, "Internal Server Error")
}

func (s *server) createBranch(t *testing.T, name string) {
	t.Helper()
	s.Ask(t, `mutation($name:String!){BranchCreate(data:{name:$name sync_with_git:false} wait_until_completion:true){ok}}`, "name", name)
}

func (s *server) mergeBranch(t *testing.T, name string) {
	t.Helper()
	s.Ask(t, `mutation($name:String!){BranchMerge(data:{name:$name} wait_until_completion:true){ok}}`, "name", name)
}

func (s *server) deleteBranch(t *testing.T, name string) {
	t.Helper()
	s.Ask(t, `mutation($name:String!){BranchDelete(data:{name:$name} wait_until_completion:true){ok}}`, "name", name)
}

// newRemote returns a Git repository with the releases v1.0.0 and v1.1.0 on main.
func newRemote(t *testing.T) *mocktest.Remote {
	t.Helper()
	return mocktest.NewRemote(t, t.TempDir(), "network.git", "v1.0.0", "v1.1.0")
}

// readOnlyConfig returns the configuration of a read-only repository of a remote.
func readOnlyConfig(r *mocktest.Remote, ref string) attributes {
	return attributes{"name": "network", "location": r.Path, "ref": ref}
}

// readWriteConfig returns the configuration of a read-write repository of a remote.
func readWriteConfig(r *mocktest.Remote) attributes {
	return attributes{"name": "network", "location": r.Path}
}

// createReadOnlyRepository creates a read-only repository without the provider, waits for its import and returns its id.
func (s *server) createReadOnlyRepository(t *testing.T, name, location, ref string) string {
	t.Helper()
	resp := s.Ask(t, `mutation($name:String!,$location:String!,$ref:String!){
		CoreReadOnlyRepositoryCreate(data:{name:{value:$name} location:{value:$location} ref:{value:$ref}}){ok object{id}}
	}`, "name", name, "location", location, "ref", ref)
	s.WaitForTasks(t)
	return resp.Text("data.CoreReadOnlyRepositoryCreate.object.id")
}
