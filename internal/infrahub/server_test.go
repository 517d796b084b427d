package infrahub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// These tests run in synctest bubbles: a minute there takes no time, and is a minute to the client, to
// the mock and to the test. Sockets would stop that clock, so client and server talk through pipes.

// pipes is a network with one server.
type pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.dialed <- there:
		return here, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.dialed:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

// serve lets a handler answer what is dialed, until the test ends.
func serve(t *testing.T, handler http.Handler) *pipes {
	t.Helper()
	p := &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
	front := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = front.Serve(p) }() // it ends with http.ErrServerClosed
	t.Cleanup(func() { _ = front.Close() })
	return p
}

const address = "http://infrahub.test"

// client talks to the server with the mock's token, unless an edit says otherwise.
func (p *pipes) client(t *testing.T, edits ...func(*infrahub.Config)) *infrahub.Client {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	config := infrahub.Config{
		Address: at, Branch: "main", Token: mockserver.DefaultToken, MaxRetries: 2, UserAgent: "tests/1.0",
	}
	for _, edit := range edits {
		edit(&config)
	}
	client, err := infrahub.New(config)
	if err != nil {
		t.Fatal(err)
	}
	infrahub.DialThrough(t, client, p.dial)
	t.Cleanup(func() { time.Sleep(10 * time.Second) }) // a poller that goes on after this fails the test
	return client
}

// server is a mock of Infrahub and the log of what it is asked.
type server struct {
	*mockserver.Server
	*pipes
	log *mockserver.Recorder
}

func start(t *testing.T, options mockserver.Options) *server {
	t.Helper()
	mock, err := mockserver.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mock.Close)
	log := mockserver.Record(mock)
	return &server{Server: mock, pipes: serve(t, log), log: log}
}

// requests are those that were answered, of any operation or of the ones named.
func (s *server) requests(operations ...string) []mockserver.Request {
	synctest.Wait() // a connection is dropped before its request is logged
	return slices.DeleteFunc(s.log.Requests(), func(r mockserver.Request) bool {
		return len(operations) > 0 && !slices.Contains(operations, r.Operation)
	})
}

// operations are the names of the requests so far, in the order of their arrival.
func (s *server) operations() []string {
	var names []string
	for _, request := range s.requests() {
		names = append(names, request.Operation)
	}
	return names
}

// variables are those of the only request of an operation.
func (s *server) variables(t *testing.T, operation string) map[string]any {
	t.Helper()
	requests := s.requests(operation)
	if len(requests) != 1 {
		t.Fatalf("%d requests %s, want one", len(requests), operation)
	}
	return requests[0].Input()
}

// ask sends a document to main, past client and log, and returns the data.
func (s *server) ask(t *testing.T, document string) map[string]any {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql/main", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Infrahub-Key", mockserver.DefaultToken)
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	var envelope struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &envelope); err != nil || envelope.Errors != nil {
		t.Fatalf("%s: %s, %v", document, answer.Body, err)
	}
	return envelope.Data
}
