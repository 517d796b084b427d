package mockserver_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// mock is a running server, reached over the network, and the states that its repositories went
// through on main.
type mock struct {
	*mockserver.Server
	mocktest.Endpoint
	inProcess mocktest.Endpoint // the same server without the network
	history   *history
}

// history is, by repository, each state before a change: commit, sync_status, operational_status.
type history struct {
	mu     sync.Mutex
	states map[string][][3]string
}

func (h *history) add(id string, state [3]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states[id] = append(h.states[id], state)
}

// take returns the states of a repository so far, and forgets them.
func (h *history) take(id string) [][3]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.states[id]
	delete(h.states, id)
	return taken
}

func start(t *testing.T, options mockserver.Options) mock {
	t.Helper()
	var server *mocktest.Server
	passed := &history{states: map[string][][3]string{}}
	options.BeforeChange = func(branch, id string) {
		if branch == "main" {
			passed.add(id, repositoryState(t, server.Endpoint, id))
		}
	}
	server = mocktest.New(t, options)
	return mock{
		Server: server.Server, Endpoint: mocktest.Endpoint{Address: mocktest.Serve(t, server), Token: server.Token},
		inProcess: server.Endpoint, history: passed,
	}
}

// repositoryState reads commit, sync_status and operational_status of a repository on main.
func repositoryState(t *testing.T, endpoint mocktest.Endpoint, id string) [3]string {
	t.Helper()
	return stateIn(endpoint.Post(t, "main", readState, "ids", []string{id}))
}

const readState = `query($ids:[ID]){CoreGenericRepository(ids:$ids){edges{node{sync_status{value} operational_status{value}
	...on CoreRepository{commit{value}} ...on CoreReadOnlyRepository{commit{value}}}}}}`

func stateIn(response mocktest.Response) [3]string {
	const node = "data.CoreGenericRepository.edges.0.node."
	return [3]string{response.Text(node + "commit.value"), response.Text(node + "sync_status.value"), response.Text(node + "operational_status.value")}
}

// post sends a body with headers: pairs of a name and a value.
func (m mock) post(t *testing.T, path, body string, headers ...string) mocktest.Response {
	t.Helper()
	return m.Send(t, http.MethodPost, path, body, headers...)
}

// newRemote makes a repository with v1.0.0, v1.1.0, an annotated v2.0.0 that is broken, and main after
// them. It imports one query that is named after it.
func newRemote(t *testing.T, root, path string) *mocktest.Remote {
	t.Helper()
	r := mocktest.NewRemote(t, root, path)
	name := strings.TrimSuffix(filepath.Base(path), ".git")
	r.Release(t, "v1.0.0", mocktest.QueryFiles(name, "1.0"))
	r.Release(t, "v1.1.0", mocktest.QueryFiles(name, "1.1"))
	r.Commit(t, "v2.0.0", mocktest.BrokenFiles())
	r.AnnotatedTag(t, "v2.0.0")
	r.Commit(t, "main", mocktest.QueryFiles(name, "main"))
	return r
}

const createReadOnly = `mutation($name:String! $location:String! $ref:String){CoreReadOnlyRepositoryCreate(data:{
	name:{value:$name} location:{value:$location} ref:{value:$ref}}){ok object{id}}}`

// readOnly makes a read-only repository at a ref and returns its id.
func (m mock) readOnly(t *testing.T, r *mocktest.Remote, name, ref string) string {
	t.Helper()
	return m.Ask(t, createReadOnly, "name", name, "location", r.Path, "ref", ref).Text("data.CoreReadOnlyRepositoryCreate.object.id")
}

func (m mock) bump(t *testing.T, branch, id, ref string) {
	t.Helper()
	m.history.take(id)
	got := m.Post(t, branch, `mutation($id:String! $ref:String){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:$ref}}){ok}}`, "id", id, "ref", ref)
	if got.At("data.CoreReadOnlyRepositoryUpdate.ok") != true {
		t.Fatalf("bump to %s: %s", ref, got.Body)
	}
}
