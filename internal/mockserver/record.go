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

// Request is a recorded request.
type Request struct {
	Time         time.Time
	Method, Path string
	// Branch is the Infrahub branch, "" if the path is no GraphQL endpoint.
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

// Recorder is an http.Handler that passes requests on and records them. It parses their bodies itself, so
// the next handler may also be a proxy to a live Infrahub.
type Recorder struct {
	next     http.Handler
	mu       sync.Mutex
	requests []Request
}

// Record returns a Recorder that passes requests on to a handler.
func Record(next http.Handler) *Recorder { return &Recorder{next: next} }

// Requests returns the requests since the start or the last Reset, in the order of arrival. A request is
// recorded after it was answered.
func (r *Recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := slices.Clone(r.requests)
	slices.SortStableFunc(requests, func(a, b Request) int { return a.Time.Compare(b.Time) })
	return requests
}

// Reset deletes the recorded requests.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

func (r *Recorder) ServeHTTP(w http.ResponseWriter, received *http.Request) {
	start := time.Now()
	content, err := io.ReadAll(received.Body)
	if err != nil {
		return // the client is gone
	}
	received.Body = io.NopCloser(bytes.NewReader(content))
	recorded := newRequest(received, content)
	recorder := &statusRecorder{ResponseWriter: w}
	r.next.ServeHTTP(recorder, received)
	recorded.Time, recorded.Duration = start, time.Since(start)
	recorded.Status, recorded.RequestID = recorder.status, w.Header().Get("X-Request-Id")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, recorded)
}

// newRequest returns what the record has of a request before it is answered.
func newRequest(received *http.Request, content []byte) Request {
	path := received.URL.Path
	recorded := Request{Method: received.Method, Path: path, Header: maps.Clone(received.Header)}
	if name, ok := strings.CutPrefix(path, "/api/auth/"); ok {
		recorded.Operation = name
		return recorded
	}
	if path != "/graphql" && !strings.HasPrefix(path, "/graphql/") {
		return recorded
	}
	operation := parseOperation(content)
	recorded.Branch, recorded.Operation, recorded.Fields = branchOf(path), operation.name, operation.fields
	recorded.Mutation, recorded.Variables = operation.mutation, operation.variables
	return recorded
}

// operation is the operation of a GraphQL request.
type operation struct {
	name      string
	fields    []string
	mutation  bool
	variables map[string]any
}

// parseOperation returns the operation in the body of a request, as far as the body is valid.
func parseOperation(content []byte) operation {
	var body request
	if json.Unmarshal(content, &body) != nil {
		return operation{}
	}
	parsed := operation{name: body.OperationName, variables: body.Variables}
	document, err := parser.ParseQuery(&ast.Source{Input: body.Query})
	if err != nil {
		return parsed
	}
	definition := document.Operations.ForName(body.OperationName)
	if definition == nil {
		return parsed
	}
	parsed.name, parsed.mutation = cmp.Or(body.OperationName, definition.Name), definition.Operation == ast.Mutation
	for _, selection := range definition.SelectionSet {
		if field, ok := selection.(*ast.Field); ok {
			parsed.fields = append(parsed.fields, field.Name)
		}
	}
	return parsed
}
