package provider

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const (
	readOnly       = "infrahub_read_only_repository"
	readOnlyRef    = "infrahub_read_only_repository_ref"
	readWrite      = "infrahub_repository"
	credential     = "infrahub_password_credential"
	tag            = "infrahub_tag"
	branch         = "infrahub_branch"
	proposedChange = "infrahub_proposed_change"
)

// server is the Infrahub of one test, with a log of what it is asked.
type server struct {
	*mockserver.Server
	address string
	log     *mockserver.Recorder
}

func newServer(t *testing.T, options mockserver.Options) *server {
	t.Helper()
	mock, err := mockserver.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mock.Close)
	log := mockserver.Record(mock)
	return &server{Server: mock, address: serve(t, log), log: log}
}

// serve listens on loopback until the test ends.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	return listening.URL
}

// block is a provider block for the server. Nothing is tried twice, so that faults show at once.
func (s *server) block() attributes {
	return attributes{"address": s.address, "api_token": mockserver.DefaultToken, "max_retries": 0}
}

// connected is a provider that was configured for the server.
func (s *server) connected(t *testing.T) *protocol {
	t.Helper()
	p := newProtocol(t)
	p.configure(s.block()).none(t)
	s.log.Reset()
	return p
}

// sent is every mutation since the last look, as "Operation: variable variable".
func (s *server) sent() []string {
	sent := []string{}
	for _, request := range s.log.Requests() {
		if request.Mutation {
			sent = append(sent, strings.TrimSpace(request.Operation+": "+strings.Join(slices.Sorted(maps.Keys(request.Input())), " ")))
		}
	}
	s.log.Reset()
	return sent
}

// answer is a fault that replaces the next answer to an operation.
func answer(operation string, status int, body string) mockserver.Fault {
	return mockserver.Fault{Operation: operation, Times: 1, Status: status, Body: body, ContentType: "application/json"}
}

// remote is a Git repository on disk, with v1.0.0 and v1.1.0 on main.
type remote struct {
	*gitserver.Repository
	// commits is what each tag stands for.
	commits map[string]string
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	made, err := gitserver.NewRepository(t.TempDir(), "network.git")
	if err != nil {
		t.Fatal(err)
	}
	r := &remote{Repository: made, commits: map[string]string{}}
	r.release(t, "v1.0.0")
	r.release(t, "v1.1.0")
	return r
}

// release commits something new to main and tags it.
func (r *remote) release(t *testing.T, tag string) {
	t.Helper()
	commit, err := r.Commit(map[string]string{"release.txt": r.Path + " " + tag, ".infrahub.yml": "queries: []\n"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Tag(tag); err != nil {
		t.Fatal(err)
	}
	r.commits[tag] = commit
}

// pinned is the configuration of a read-only repository of this remote.
func (r *remote) pinned(ref string) attributes {
	return attributes{"name": "network", "location": r.Path, "ref": ref}
}

// idle waits until every task of the server has ended.
func (s *server) idle(t *testing.T) {
	t.Helper()
	const busy = `{"query": "{ InfrahubTask(state: [SCHEDULED, PENDING, RUNNING]) { count } }"}`
	for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		asked := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql/main", strings.NewReader(busy))
		asked.Header.Set("Content-Type", "application/json")
		answered := httptest.NewRecorder()
		s.ServeHTTP(answered, asked)
		if strings.Contains(answered.Body.String(), `"count":0`) {
			return
		}
	}
	t.Fatal("the server's tasks do not end")
}
