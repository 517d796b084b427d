package mockserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Request is a request that was answered.
type Request struct {
	Time         time.Time
	Method, Path string
	// Branch is the Infrahub branch, "" where the path is no GraphQL endpoint.
	Branch string
	// Operation is the name of the GraphQL operation, "login" or "refresh".
	Operation string
	// Fields are the names of the top-level fields.
	Fields    []string
	Mutation  bool
	Variables map[string]any
	Header    http.Header
	Status    int
	Duration  time.Duration
	RequestID string
}

// Input returns what a request sends: the fields of its variable $data or, where it has none, its variables.
func (r Request) Input() map[string]any {
	if data, ok := r.Variables["data"].(map[string]any); ok {
		return data
	}
	return r.Variables
}

// Recorder is an http.Handler that logs the requests which go through it. It reads what they ask
// from their bodies, so it may stand before any Infrahub, a proxy to a real one included.
type Recorder struct {
	next     http.Handler
	mu       sync.Mutex
	requests []Request
}

// Record puts a Recorder before a handler.
func Record(next http.Handler) *Recorder { return &Recorder{next: next} }

// Requests returns what was logged since the start or the last Reset, in the order of arrival.
func (r *Recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := slices.Clone(r.requests)
	slices.SortStableFunc(requests, func(a, b Request) int { return a.Time.Compare(b.Time) })
	return requests
}

// Reset forgets what was logged.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

func (r *Recorder) ServeHTTP(w http.ResponseWriter, asked *http.Request) {
	began := time.Now()
	content, err := io.ReadAll(asked.Body)
	if err != nil {
		return // the client is gone
	}
	asked.Body = io.NopCloser(bytes.NewReader(content))
	logged := newRequest(asked, content)
	watched := &statusRecorder{ResponseWriter: w}
	r.next.ServeHTTP(watched, asked)
	logged.Time, logged.Duration = began, time.Since(began)
	logged.Status, logged.RequestID = watched.status, w.Header().Get("X-Request-Id")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, logged)
}

func newRequest(asked *http.Request, content []byte) Request {
	described := Request{Method: asked.Method, Path: asked.URL.Path, Header: maps.Clone(asked.Header)}
	if name, ok := strings.CutPrefix(asked.URL.Path, "/api/auth/"); ok {
		described.Operation = name
		return described
	}
	if asked.URL.Path != "/graphql" && !strings.HasPrefix(asked.URL.Path, "/graphql/") {
		return described
	}
	of := parseOperation(content)
	described.Branch, described.Operation, described.Fields = branchOf(asked.URL.Path), of.name, of.fields
	described.Mutation, described.Variables = of.mutation, of.variables
	return described
}

// operation is what the body of a GraphQL request asks for, as far as it can be read.
type operation struct {
	name      string
	fields    []string
	mutation  bool
	variables map[string]any
}

func parseOperation(content []byte) operation {
	var asked request
	if json.Unmarshal(content, &asked) != nil {
		return operation{}
	}
	found := operation{name: asked.OperationName, variables: asked.Variables}
	document, err := parser.ParseQuery(&ast.Source{Input: asked.Query})
	if err != nil {
		return found
	}
	definition := document.Operations.ForName(asked.OperationName)
	if definition == nil {
		return found
	}
	found.name, found.mutation = cmp.Or(asked.OperationName, definition.Name), definition.Operation == ast.Mutation
	for _, selection := range definition.SelectionSet {
		if field, ok := selection.(*ast.Field); ok {
			found.fields = append(found.fields, field.Name)
		}
	}
	return found
}
