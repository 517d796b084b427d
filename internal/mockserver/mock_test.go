package mockserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// mock is a running server, its address, and the states that its repositories went through on main.
type mock struct {
	*mockserver.Server
	url     string
	history *history
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
	var server *mockserver.Server
	passed := &history{states: map[string][][3]string{}}
	options.BeforeChange = func(branch, id string) {
		if branch == "main" {
			passed.add(id, peek(t, server, id))
		}
	}
	server, err := mockserver.New(options)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server)
	t.Cleanup(func() {
		front.Close()
		server.Close()
	})
	return mock{Server: server, url: front.URL, history: passed}
}

// peek reads a repository on main without the network: an import waits for it.
func peek(t *testing.T, server *mockserver.Server, id string) [3]string {
	t.Helper()
	body := `{"query":"{CoreGenericRepository(ids:[\"` + id + `\"]){edges{node{sync_status{value} operational_status{value}
		...on CoreRepository{commit{value}} ...on CoreReadOnlyRepository{commit{value}}}}}}"}`
	request := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, "/graphql/main", strings.NewReader(strings.ReplaceAll(body, "\n\t\t", " ")))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, request)
	var got reply
	if err := json.Unmarshal(answer.Body.Bytes(), &got.body); err != nil {
		return [3]string{err.Error()}
	}
	at := func(name string) string {
		return got.textAt("data.CoreGenericRepository.edges.0.node." + name + ".value")
	}
	return [3]string{at("commit"), at("sync_status"), at("operational_status")}
}

// reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	text   string
	body   any
}

// at returns what a dotted path leads to, nil if it leads nowhere.
func (r reply) at(path string) any {
	value := r.body
	for step := range strings.SplitSeq(path, ".") {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(inner) {
				return nil
			}
			value = inner[i]
		default:
			return nil
		}
	}
	return value
}

func (r reply) textAt(path string) string {
	text, _ := r.at(path).(string)
	return text
}

// json returns what a path leads to, written out.
func (r reply) json(t *testing.T, path string) string {
	t.Helper()
	written, err := json.Marshal(r.at(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// send posts a body with headers: pairs of a name and a value.
func (m mock) send(t *testing.T, path, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t *testing.T, response *http.Response) reply {
	t.Helper()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	got := reply{status: response.StatusCode, header: response.Header, text: string(content)}
	if response.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(content, &got.body); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// on sends a document to a branch, with variables: pairs of a name and a value.
func (m mock) on(t *testing.T, branch, document string, variables ...any) reply {
	t.Helper()
	named := map[string]any{}
	for i := 0; i+1 < len(variables); i += 2 {
		name, _ := variables[i].(string)
		named[name] = variables[i+1]
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(map[string]any{"query": document, "variables": named}); err != nil {
		t.Fatal(err)
	}
	return m.send(t, "/graphql/"+branch, body.String(), "X-INFRAHUB-KEY", mockserver.DefaultToken)
}

// ask sends a document to main and expects no errors.
func (m mock) ask(t *testing.T, document string, variables ...any) reply {
	t.Helper()
	got := m.on(t, "main", document, variables...)
	if got.status != http.StatusOK || got.at("errors") != nil {
		t.Fatalf("%s: %d %s", document, got.status, got.text)
	}
	return got
}

// settle waits until no task waits or runs.
func (m mock) settle(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m.ask(t, `{InfrahubTask(state:[SCHEDULED PENDING RUNNING]){count}}`).at("data.InfrahubTask.count") == 0.0 {
			return
		}
	}
	t.Fatal("the tasks do not end")
}

const config = "queries:\n  - name: %s\n    file_path: queries/%s.gql\n"

// files are a repository's that brings one query along.
func files(name, version string) map[string]string {
	return map[string]string{
		".infrahub.yml":            strings.ReplaceAll(config, "%s", name),
		"queries/" + name + ".gql": "query { BuiltinTag { count } } # " + version,
	}
}

func broken() map[string]string { return map[string]string{".infrahub.yml": "queries: [\n"} }

// remote is a scratch repository with v1.0.0, v1.1.0 and a v2.0.0 that is annotated and broken.
type remote struct {
	*gitserver.Repository
	commits map[string]string
}

func newRemote(t *testing.T, root, path string) remote {
	t.Helper()
	made, err := gitserver.NewRepository(root, path)
	if err != nil {
		t.Fatal(err)
	}
	r := remote{Repository: made, commits: map[string]string{}}
	name := strings.TrimSuffix(filepath.Base(path), ".git")
	r.commit(t, "v1.0.0", files(name, "1.0"), made.Tag)
	r.commit(t, "v1.1.0", files(name, "1.1"), made.Tag)
	r.commit(t, "v2.0.0", broken(), made.AnnotatedTag)
	r.commit(t, "main", files(name, "main"), nil)
	return r
}

func (r remote) commit(t *testing.T, name string, content map[string]string, mark func(string) error) {
	t.Helper()
	hash, err := r.Commit(content)
	if err == nil && mark != nil {
		err = mark(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.commits[name] = hash
}

const createReadOnly = `mutation($name:String! $location:String! $ref:String){CoreReadOnlyRepositoryCreate(data:{
	name:{value:$name} location:{value:$location} ref:{value:$ref}}){ok object{id}}}`

// readOnly makes a read-only repository at a ref and returns its id.
func (m mock) readOnly(t *testing.T, r remote, name, ref string) string {
	t.Helper()
	return m.ask(t, createReadOnly, "name", name, "location", r.Path, "ref", ref).textAt("data.CoreReadOnlyRepositoryCreate.object.id")
}

func (m mock) bump(t *testing.T, branch, id, ref string) {
	t.Helper()
	m.history.take(id)
	got := m.on(t, branch, `mutation($id:String! $ref:String){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:$ref}}){ok}}`, "id", id, "ref", ref)
	if got.at("data.CoreReadOnlyRepositoryUpdate.ok") != true {
		t.Fatalf("bump to %s: %s", ref, got.text)
	}
}
