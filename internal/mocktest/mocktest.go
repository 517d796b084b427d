// Package mocktest holds what the tests of several packages share: a mock server with a log of its
// requests, GraphQL requests beside the provider's own client, and Git repositories to import.
package mocktest

import (
	"cmp"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// Server is a mock server that stops when its test ends. Requests through its Endpoint are handled in
// this process: they need no socket and do not appear in Log.
type Server struct {
	*mockserver.Server
	Endpoint
	// Log records the requests that reach Address. It is also the handler to serve in another way.
	Log *mockserver.Recorder
}

// New returns a mock server that listens nowhere, for tests that serve its Log themselves.
func New(t testing.TB, options mockserver.Options) *Server {
	t.Helper()
	mock, err := mockserver.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mock.Close)
	return &Server{
		Server: mock,
		Endpoint: Endpoint{
			Address: "http://infrahub.test",
			Token:   cmp.Or(options.Token, mockserver.DefaultToken),
			Client:  &http.Client{Transport: inProcess{mock}},
		},
		Log: mockserver.Record(mock),
	}
}

// Start returns a mock server that listens on loopback.
func Start(t testing.TB, options mockserver.Options) *Server {
	t.Helper()
	s := New(t, options)
	s.Address = Serve(t, s.Log)
	return s
}

// Serve listens on loopback until the test ends and returns the address: http://127.0.0.1:PORT.
func Serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	return listening.URL
}

// ServeGit serves the Git repositories below a directory until the test ends and returns the address.
func ServeGit(t testing.TB, root string, options gitserver.Options) string {
	t.Helper()
	handler, err := gitserver.Handler(root, options)
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, handler)
}

// Mutations returns the mutations among logged requests, each as "Operation: field field", with the fields
// of its input.
func Mutations(requests []mockserver.Request) []string {
	mutations := []string{}
	for _, request := range requests {
		if request.Mutation {
			fields := strings.Join(slices.Sorted(maps.Keys(request.Input())), " ")
			mutations = append(mutations, strings.TrimSpace(request.Operation+": "+fields))
		}
	}
	return mutations
}

// inProcess is an http.RoundTripper that calls a handler.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, request)
	return recorder.Result(), nil
}
