package infrahub_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// Most tests run in synctest bubbles: a minute there passes at once, and the client, the mock server and the test
// share the clock. Sockets would stop that clock, so the client and the server talk through pipes.

// pipes is a network with one server.
type pipes struct{ *mocktest.Pipes }

// serve serves a handler on pipes until the test ends.
func serve(t *testing.T, handler http.Handler) pipes {
	t.Helper()
	return pipes{mocktest.ServePipes(t, handler)}
}

// client returns a client of main with the mock server's token, unless an edit changes that.
func (p pipes) client(t *testing.T, edits ...func(*infrahub.Config)) *infrahub.Client {
	t.Helper()
	config := infrahub.Config{
		Address: &url.URL{Scheme: "http", Host: "infrahub.test"}, Branch: "main", Token: sensitive.New(mockserver.DefaultToken), MaxRetries: 2,
		UserAgent: "tests/1.0", Network: infrahub.Network{Dial: p.Dial},
	}
	for _, edit := range edits {
		edit(&config)
	}
	client, err := infrahub.New(config)
	must(t, err)
	t.Cleanup(func() { time.Sleep(10 * time.Second) }) // a poller that still runs after this fails the test
	return client
}

// noRetries edits a client to send each request once.
func noRetries(config *infrahub.Config) { config.MaxRetries = 0 }

// server is a mock server behind pipes.
type server struct {
	*mocktest.Server
	pipes
}

// start starts a mock server without delays, unless options change that.
func start(t *testing.T, options mockserver.Options) *server {
	t.Helper()
	mock := mocktest.New(t, options)
	return &server{Server: mock, pipes: serve(t, mock.Log)}
}

// live returns options of a mock server that takes as long as a real one.
func live() mockserver.Options {
	return mockserver.Options{Delay: mockserver.LiveDelay, SyncInterval: time.Minute}
}

// requests returns the requests so far: all of them, or those of the operations.
func (s *server) requests(operations ...string) []mockserver.Request {
	synctest.Wait() // the mock server drops a connection before it logs the request
	return slices.DeleteFunc(s.Log.Requests(), func(r mockserver.Request) bool {
		return len(operations) > 0 && !slices.Contains(operations, r.Operation)
	})
}

// variables returns the variables of the only request of an operation.
func (s *server) variables(t *testing.T, operation string) map[string]any {
	t.Helper()
	requests := s.requests(operation)
	if len(requests) != 1 {
		t.Fatalf("%d requests %s, want one", len(requests), operation)
	}
	return requests[0].Input()
}

// sentIDs returns the variable "id" of each request of an operation.
func (s *server) sentIDs(operation string) []any {
	var ids []any
	for _, request := range s.requests(operation) {
		ids = append(ids, request.Input()["id"])
	}
	return ids
}

// wantOperations fails the test unless these operations were sent, in this order, and no others.
func (s *server) wantOperations(t *testing.T, operations ...string) {
	t.Helper()
	var sent []string
	for _, request := range s.requests() {
		sent = append(sent, request.Operation)
	}
	wantEqual(t, "operations", operations, sent)
}

// count returns how many nodes of a kind main has.
func (s *server) count(t *testing.T, kind string) any {
	t.Helper()
	return s.Ask(t, "{"+kind+"{count}}").At("data." + kind + ".count")
}

// createRelease creates the branch "release".
func (s *server) createRelease(t *testing.T) {
	t.Helper()
	s.Ask(t, `mutation{BranchCreate(data:{name:"release" sync_with_git:false} wait_until_completion:true){ok}}`)
}

// mergeRelease merges the branch "release" into main.
func (s *server) mergeRelease(t *testing.T) {
	t.Helper()
	s.Ask(t, `mutation{BranchMerge(data:{name:"release"} wait_until_completion:true){ok}}`)
}
