// Package mockserver is an Infrahub in one process: the GraphQL schema that the provider knows, on
// every branch, with a store, an import engine that reads real Git repositories, faults on demand
// and a log of requests. What it does was measured on a live server (infrahub.md).
package mockserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

const (
	// DefaultToken is the API token of a server that is given none.
	DefaultToken = "11111111-2222-4333-8444-555555555555"
	// DefaultUsername and DefaultPassword log in to a server that is given none.
	DefaultUsername = "admin"
	// DefaultPassword belongs to DefaultUsername.
	DefaultPassword = "infrahub"
	// DefaultVersion is the Infrahub that was measured.
	DefaultVersion = "1.11.9"
)

// Options of a server. The zero value is an Infrahub 1.11.9 without delays.
type Options struct {
	// Token is the API token, DefaultToken if it is empty.
	Token string
	// Username and Password log in; "admin" and "infrahub" if they are empty.
	Username, Password string
	// Version is the Infrahub that the server behaves like: 1.9 gives errors without extensions.
	Version string
	// Delay is how long imports take.
	Delay Delay
	// AppendGitSuffix are the hosts whose http(s) locations get ".git" appended; github.com and
	// gitlab.com if it is nil.
	AppendGitSuffix []string
	// AccessTokenLifetime is one hour if it is 0.
	AccessTokenLifetime time.Duration
	// SyncInterval is the time between two looks at the remotes of read-write repositories. 0 is one
	// second with LiveDelay and never without; a negative one is never.
	SyncInterval time.Duration
	// BeforeChange is called before an import changes a repository on a branch, and holds it up until it
	// returns: a test misses no state. None if it is nil.
	BeforeChange func(branch, repository string)
	// Log gets a line a request, without variables; none if it is nil.
	Log *slog.Logger
}

func (o Options) complete() Options {
	o.Token = cmp.Or(o.Token, DefaultToken)
	o.Username = cmp.Or(o.Username, DefaultUsername)
	o.Password = cmp.Or(o.Password, DefaultPassword)
	o.Version = cmp.Or(o.Version, DefaultVersion)
	o.AccessTokenLifetime = cmp.Or(o.AccessTokenLifetime, time.Hour)
	if o.AppendGitSuffix == nil {
		o.AppendGitSuffix = []string{"github.com", "gitlab.com"}
	}
	if o.SyncInterval == 0 && o.Delay == LiveDelay {
		o.SyncInterval = time.Second
	}
	if o.BeforeChange == nil {
		o.BeforeChange = func(string, string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Server is an Infrahub; it is an http.Handler. Close it to stop what runs in the background.
type Server struct {
	options  Options
	schema   *ast.Schema
	store    *store
	sessions *sessions
	faults   pendingFaults
	engine   *engine
	recent   recentRequests
	overview *template.Template
	id       string
	mux      *http.ServeMux
}

// New starts a server.
func New(options Options) (*Server, error) {
	options = options.complete()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: graphql.Schema})
	if err != nil {
		return nil, fmt.Errorf("load the schema: %w", err)
	}
	page, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	s := &Server{
		options: options, schema: schema, store: newStore(), sessions: newSessions(options.AccessTokenLifetime),
		overview: page, id: uuid.NewString(), mux: http.NewServeMux(),
	}
	s.engine = newEngine(s)
	s.mux.HandleFunc("POST /graphql", s.serveGraphQL)
	s.mux.HandleFunc("POST /graphql/{branch...}", s.serveGraphQL)
	s.mux.HandleFunc("GET /api/info", func(w http.ResponseWriter, _ *http.Request) {
		s.replyJSON(w, http.StatusOK, map[string]any{"deployment_id": s.id, "version": s.options.Version})
	})
	s.mux.HandleFunc("GET /{$}", s.servePage)
	s.mux.HandleFunc("POST /api/auth/login", s.withFaults("login", s.serveLogin))
	s.mux.HandleFunc("POST /api/auth/refresh", s.withFaults("refresh", s.serveRefresh))
	return s, nil
}

// Close stops the import engine and waits until nothing runs any more.
func (s *Server) Close() { s.engine.close() }

// is19 reports whether the server is one whose errors have no extensions.
func (s *Server) is19() bool { return strings.HasPrefix(s.options.Version, "1.9.") }

// requestInfoKey finds what a request turned out to be, for the log.
type requestInfoKey struct{}

type requestInfo struct{ branch, operation string }

// ServeHTTP answers a request and logs it, without its variables: they hold passwords.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began, about := time.Now(), &requestInfo{}
	r = r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, about))
	w.Header().Set("X-Request-Id", strings.ReplaceAll(uuid.NewString(), "-", ""))
	watched := &statusRecorder{ResponseWriter: w}
	s.mux.ServeHTTP(watched, r)
	if r.Method == http.MethodPost {
		s.recent.add(handledRequest{
			at: began, operation: cmp.Or(about.operation, r.URL.Path), branch: about.branch, status: watched.status, duration: time.Since(began),
		})
	}
	s.options.Log.LogAttrs(r.Context(), slog.LevelInfo, r.Method+" "+r.URL.Path,
		slog.String("operation", about.operation), slog.String("branch", about.branch), slog.Int("status", watched.status),
		slog.Duration("duration", time.Since(began)), slog.String("request_id", w.Header().Get("X-Request-Id")))
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(content []byte) (int, error) {
	w.status = cmp.Or(w.status, http.StatusOK)
	return w.ResponseWriter.Write(content)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Server) replyJSON(w http.ResponseWriter, status int, body any) {
	content, err := json.Marshal(body)
	if err != nil {
		s.replyInternalError(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(content) // the client may be gone
}

// replyInternalError is what a request is answered that the server has no error for; it has no request id either.
func (s *Server) replyInternalError(w http.ResponseWriter) {
	w.Header().Del("X-Request-Id")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, "Internal Server Error")
}

// replyFailure answers a failure that ends a GraphQL request before it is carried out.
func (s *Server) replyFailure(w http.ResponseWriter, f failure) {
	each := map[string]any{"message": f.message, "extensions": extensions(false, f)}
	if s.is19() {
		each["extensions"] = map[string]any{"code": f.status}
	}
	s.replyJSON(w, f.status, map[string]any{"data": nil, "errors": []any{each}})
}

func (s *Server) serveFaulty(fault *Fault, w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	if fault.ExpireTokens {
		s.ExpireTokens()
	}
	fault.serve(w, r, serve)
}

// withFaults gives an endpoint that is no GraphQL its faults.
func (s *Server) withFaults(name string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if fault := s.faults.forRequest(name); fault != nil {
			s.serveFaulty(fault, w, r, func(w http.ResponseWriter) { serve(w, r) })
			return
		}
		serve(w, r)
	}
}

// serveGraphQL answers POST /graphql and POST /graphql/{branch}.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	operation := parseOperation(content)
	if about, ok := r.Context().Value(requestInfoKey{}).(*requestInfo); ok {
		about.branch, about.operation = branchOf(r.URL.Path), cmp.Or(operation.name, strings.Join(operation.fields, " "))
	}
	serve := func(w http.ResponseWriter) { s.handleGraphQL(w, r, content) }
	if fault := s.faults.forRequest(append(operation.fields, operation.name)...); fault != nil {
		s.serveFaulty(fault, w, r, serve)
		return
	}
	serve(w)
}

// branchOf returns the Infrahub branch that a GraphQL path names; a branch may have slashes.
func branchOf(path string) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return cmp.Or(name, mainBranch)
}

// handleGraphQL carries out a GraphQL request: who asks, on which branch, what.
func (s *Server) handleGraphQL(w http.ResponseWriter, r *http.Request, content []byte) {
	known, err := s.authenticate(r)
	var refusal failure
	if errors.As(err, &refusal) {
		s.replyFailure(w, refusal)
		return
	}
	b := s.branch(branchOf(r.URL.Path))
	if b == nil {
		s.replyJSON(w, http.StatusNotFound, map[string]any{"errors": []string{branchNotFound(branchOf(r.URL.Path)).message}})
		return
	}
	asked, complaint := parseRequest(r, content)
	if complaint != "" {
		s.replyJSON(w, http.StatusBadRequest, map[string]any{"errors": []string{complaint}})
		return
	}
	operation, variables, invalid, err := s.validate(asked)
	switch {
	case err != nil:
		s.replyInternalError(w)
		return
	case invalid != nil:
		s.replyJSON(w, http.StatusOK, response{Errors: invalid})
		return
	case operation.Operation == ast.Mutation && !known:
		s.replyFailure(w, unauthorized("Authentication is required to perform this operation", "AUTHENTICATION_REQUIRED"))
		return
	}
	root := s.queries(b)
	if operation.Operation == ast.Mutation {
		root = s.mutations(r.Context(), b)
	}
	answered, err := s.execute(r.Context(), operation, variables, root)
	switch {
	case errors.As(err, &refusal):
		s.replyFailure(w, refusal)
	case err != nil:
		s.replyInternalError(w)
	default:
		s.replyJSON(w, http.StatusOK, answered)
	}
}

// parseRequest reads the body of a request; the complaint says what is wrong with it.
func parseRequest(r *http.Request, content []byte) (asked request, complaint string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return asked, "Content-type must be application/json or multipart/form-data"
	}
	var whole any
	if json.Unmarshal(content, &whole) != nil {
		return asked, "Request body is not a valid JSON"
	}
	if _, batch := whole.([]any); batch {
		return asked, "This server does not support batching"
	}
	if json.Unmarshal(content, &asked) != nil {
		return request{}, ""
	}
	return asked, ""
}

func (s *Server) branch(name string) *branch {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.branches[name]
}
