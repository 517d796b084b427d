package mockserver_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// mock is a running server, reached over the network, and the states that its repositories had on main.
type mock struct {
	*mockserver.Server
	mocktest.Endpoint
	inProcess mocktest.Endpoint // the same server without the network
	history   *history
}

// state is the state of a repository on a branch.
type state struct{ commit, sync, operational string }

// history holds the states of each repository before every change, by id.
type history struct {
	mu     sync.Mutex
	states map[string][]state
}

func (h *history) add(id string, s state) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states[id] = append(h.states[id], s)
}

// take removes and returns the states of a repository.
func (h *history) take(id string) []state {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.states[id]
	delete(h.states, id)
	return taken
}

func start(t *testing.T, options mockserver.Options) mock {
	t.Helper()
	var server *mocktest.Server
	past := &history{states: map[string][]state{}}
	options.BeforeChange = func(branch, id string) {
		if branch == "main" {
			past.add(id, readState(t, server.Endpoint, branch, id))
		}
	}
	server = mocktest.New(t, options)
	return mock{
		Server: server.Server, Endpoint: mocktest.Endpoint{Address: mocktest.Serve(t, server), Token: server.Token},
		inProcess: server.Endpoint, history: past,
	}
}

// post sends a body with headers, which are pairs of a name and a value.
func (m mock) post(t *testing.T, path, body string, headers ...string) mocktest.Response {
	t.Helper()
	return m.Send(t, http.MethodPost, path, body, headers...)
}

// until waits until a condition is true.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	const timeout = 10 * time.Second
	for deadline := time.Now().Add(timeout); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for: %s", timeout, what)
		}
	}
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

const createReadOnlyDocument = `mutation($name:String! $location:String! $ref:String){CoreReadOnlyRepositoryCreate(data:{
	name:{value:$name} location:{value:$location} ref:{value:$ref}}){ok object{id}}}`

// createReadOnly creates a read-only repository at a ref and returns its id.
func (m mock) createReadOnly(t *testing.T, r *mocktest.Remote, name, ref string) string {
	t.Helper()
	return m.Ask(t, createReadOnlyDocument, "name", name, "location", r.Path, "ref", ref).Text("data.CoreReadOnlyRepositoryCreate.object.id")
}

// importReadOnly creates a read-only repository and returns its id after the import.
func (m mock) importReadOnly(t *testing.T, r *mocktest.Remote, name, ref string) string {
	t.Helper()
	id := m.createReadOnly(t, r, name, ref)
	m.WaitForTasks(t)
	return id
}

// createReadWrite creates a read-write repository and returns its id.
func (m mock) createReadWrite(t *testing.T, r *mocktest.Remote, name, defaultBranch string) string {
	t.Helper()
	return m.Ask(t, `mutation($n:String $l:String $b:String){CoreRepositoryCreate(data:{name:{value:$n} location:{value:$l} default_branch:{value:$b}}){object{id}}}`,
		"n", name, "l", r.Path, "b", defaultBranch).Text("data.CoreRepositoryCreate.object.id")
}

// changeRef changes the ref of a read-only repository on a branch and empties its history.
func (m mock) changeRef(t *testing.T, branch, id, ref string) {
	t.Helper()
	m.history.take(id)
	got := m.Post(t, branch, `mutation($id:String! $ref:String){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:$ref}}){ok}}`, "id", id, "ref", ref)
	if got.At("data.CoreReadOnlyRepositoryUpdate.ok") != true {
		t.Fatalf("change the ref to %s: %s", ref, got.Body)
	}
}

func (m mock) createBranch(t *testing.T, name string) {
	t.Helper()
	m.Ask(t, `mutation($n:String!){BranchCreate(data:{name:$n}){ok}}`, "n", name)
}

func readState(t *testing.T, endpoint mocktest.Endpoint, branch, id string) state {
	t.Helper()
	got := endpoint.Post(t, branch, `query($ids:[ID]){CoreGenericRepository(ids:$ids){edges{node{sync_status{value} operational_status{value}
		...on CoreRepository{commit{value}} ...on CoreReadOnlyRepository{commit{value}}}}}}`, "ids", []string{id})
	const node = "data.CoreGenericRepository.edges.0.node."
	return state{got.Text(node + "commit.value"), got.Text(node + "sync_status.value"), got.Text(node + "operational_status.value")}
}

// describe returns a state as "commit sync_status operational_status". The commit is its name in the
// remote, "-" if there is none.
func describe(r *mocktest.Remote, s state) string {
	commit := "-"
	if s.commit != "" {
		commit = r.NameOf(s.commit)
	}
	return commit + " " + s.sync + " " + s.operational
}

// state describes the state of a repository on a branch.
func (m mock) state(t *testing.T, r *mocktest.Remote, branch, id string) string {
	t.Helper()
	return describe(r, readState(t, m.Endpoint, branch, id))
}

// states waits for all tasks and describes the distinct states that a repository had on main since it was
// created or its ref was changed.
func (m mock) states(t *testing.T, r *mocktest.Remote, id string) []string {
	t.Helper()
	m.WaitForTasks(t)
	var described []string
	for _, s := range append(m.history.take(id), readState(t, m.inProcess, "main", id)) {
		described = append(described, describe(r, s))
	}
	return slices.Compact(described)
}

// tasks lists the tasks of a repository as "workflow state", the oldest first.
func (m mock) tasks(t *testing.T, id string) []string {
	t.Helper()
	got := m.Ask(t, `query($ids:[String]){InfrahubTask(related_node__ids:$ids limit:100){edges{node{workflow state}}}}`, "ids", []string{id})
	edges, _ := got.At("data.InfrahubTask.edges").([]any)
	tasks := make([]string, len(edges))
	for i := range edges {
		node := fmt.Sprintf("data.InfrahubTask.edges.%d.node.", i)
		tasks[len(edges)-1-i] = got.Text(node+"workflow") + " " + got.Text(node+"state")
	}
	return tasks
}

// failureReason waits for the last line in the log of the newest failed task of a workflow.
func (m mock) failureReason(t *testing.T, id, workflow string) string {
	t.Helper()
	var message string
	until(t, "the last line of the log", func() bool {
		got := m.Ask(t, `query($ids:[String] $w:[String]){InfrahubTask(related_node__ids:$ids workflow:$w state:[FAILED]){edges{node{logs{edges{node{message severity}}}}}}}`,
			"ids", []string{id}, "w", []string{workflow})
		lines, _ := got.At("data.InfrahubTask.edges.0.node.logs.edges").([]any)
		message = got.Text(fmt.Sprintf("data.InfrahubTask.edges.0.node.logs.edges.%d.node.message", len(lines)-1))
		return strings.HasPrefix(message, "Finished in state Failed(")
	})
	return message
}
