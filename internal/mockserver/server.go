// Package mockserver is an Infrahub in one process: the GraphQL schema that the provider uses, on every
// branch, with a store, an import engine that reads real Git repositories, faults on demand and a log of
// requests. It does what was measured on a live server; comments cite the fact, as in
// (infrahub-behaviour.md, Writing 2).
package mockserver

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// DefaultToken is the API token of a server whose options have none.
	DefaultToken = "11111111-2222-4333-8444-555555555555"
	// DefaultUsername and DefaultPassword log in to a server whose options have none.
	DefaultUsername = "admin"
	// DefaultPassword is the password of DefaultUsername.
	DefaultPassword = "infrahub"
	// DefaultVersion is the Infrahub that was measured.
	DefaultVersion = "1.11.9"
)

// Options of a server. The zero value is an Infrahub 1.11.9 without delays.
type Options struct {
	// Token is the API token; empty is DefaultToken.
	Token string
	// Username and Password log in; empty is DefaultUsername and DefaultPassword.
	Username, Password string
	// Version is the Infrahub to behave like; empty is DefaultVersion. Errors of 1.9 have no extensions.
	Version string
	// Delay is how long imports take.
	Delay Delay
	// AppendGitSuffix are the hosts whose http(s) locations get ".git" appended; nil is github.com and
	// gitlab.com.
	AppendGitSuffix []string
	// AccessTokenLifetime is the lifetime of an access token; 0 is one hour.
	AccessTokenLifetime time.Duration
	// SyncInterval is the time between two syncs of the read-write repositories. 0 is one second; negative is never.
	SyncInterval time.Duration
	// BeforeChange, if set, is called before an import changes a repository on a branch. The import waits
	// until it returns, so a test sees every state.
	BeforeChange func(branch, repository string)
	// Log, if set, gets a line for each request, without variables.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Token = cmp.Or(o.Token, DefaultToken)
	o.Username = cmp.Or(o.Username, DefaultUsername)
	o.Password = cmp.Or(o.Password, DefaultPassword)
	o.Version = cmp.Or(o.Version, DefaultVersion)
	o.AccessTokenLifetime = cmp.Or(o.AccessTokenLifetime, time.Hour)
	if o.AppendGitSuffix == nil {
		o.AppendGitSuffix = []string{"github.com", "gitlab.com"}
	}
	o.SyncInterval = cmp.Or(o.SyncInterval, time.Second)
	if o.BeforeChange == nil {
		o.BeforeChange = func(string, string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Server is an Infrahub; it is an http.Handler. Close stops what runs in the background.
type Server struct {
	options  Options
	schema   *ast.Schema
	whole    func() (*ast.Schema, error) // what a server knows
	store    *store
	sessions *sessions
	account  object
	faults   pendingFaults
	engine   *engine
	recent   recentRequests
	page     *page
	id       string
	mux      *http.ServeMux
}

// New starts a server.
func New(options Options) (*Server, error) {
	options = options.withDefaults()
	schema, err := loadSchema()
	if err != nil {
		return nil, fmt.Errorf("load the schema: %w", err)
	}
	page, err := newPage()
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: options, schema: schema, store: newStore(), sessions: newSessions(options.AccessTokenLifetime),
		page: page, id: uuid.NewString(), mux: http.NewServeMux(), whole: sync.OnceValues(loadWholeSchema),
	}
	s.account = s.newAccount()
	s.engine = newEngine(s)
	s.mux.HandleFunc("POST /graphql", s.serveGraphQL)
	s.mux.HandleFunc("POST /graphql/{branch...}", s.serveGraphQL)
	s.mux.HandleFunc("GET /api/info", func(w http.ResponseWriter, _ *http.Request) {
		s.replyJSON(w, http.StatusOK, map[string]any{"deployment_id": s.id, "version": s.options.Version})
	})
	s.mux.HandleFunc("GET /api/schema", s.serveSchema)
	s.mux.HandleFunc("GET /api/schema/{kind}", s.serveKindSchema)
	s.mux.HandleFunc("GET /schema.graphql", s.serveGraphQLSchema)
	s.mux.HandleFunc("GET /api/query/{query}", s.serveStoredQuery)
	s.mux.HandleFunc("POST /api/query/{query}", s.serveStoredQuery)
	s.mux.HandleFunc("/", s.serveUnknownPath)
	s.mux.HandleFunc("GET /{$}", s.servePage)
	s.mux.HandleFunc("POST /api/auth/login", s.withFaults("login", s.serveLogin))
	s.mux.HandleFunc("POST /api/auth/refresh", s.withFaults("refresh", s.serveRefresh))
	return s, nil
}

// Close stops the import engine and waits until nothing runs any more.
func (s *Server) Close() { s.engine.close() }

// is19 reports whether the server behaves like an Infrahub 1.9 (infrahub-behaviour.md, Errors 11).
func (s *Server) is19() bool { return strings.HasPrefix(s.options.Version, "1.9.") }

// requestInfo is what the handler of a GraphQL request finds out for the log; its key is requestInfoKey.
type requestInfo struct{ branch, operation string }

type requestInfoKey struct{}

// ServeHTTP answers a request and logs it without its variables, which may hold passwords.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, info := time.Now(), &requestInfo{}
	r = r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info))
	w.Header().Set("X-Request-Id", strings.ReplaceAll(uuid.NewString(), "-", ""))
	recorder := &statusRecorder{ResponseWriter: w}
	s.mux.ServeHTTP(recorder, r)
	if r.Method == http.MethodPost {
		s.recent.add(handledRequest{
			at: start, operation: cmp.Or(info.operation, r.URL.Path), branch: info.branch, status: recorder.status, duration: time.Since(start),
		})
	}
	s.options.Log.LogAttrs(r.Context(), slog.LevelInfo, r.Method+" "+r.URL.Path,
		slog.String("operation", info.operation), slog.String("branch", info.branch), slog.Int("status", recorder.status),
		slog.Duration("duration", time.Since(start)), slog.String("request_id", w.Header().Get("X-Request-Id")))
}

// statusRecorder is an http.ResponseWriter that records the status.
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

// replyInternalError sends a text without request id (infrahub-behaviour.md, Errors 7).
func (s *Server) replyInternalError(w http.ResponseWriter) {
	w.Header().Del("X-Request-Id")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, "Internal Server Error")
}

// withFaults wraps an endpoint so that the faults of a name act on it.
func (s *Server) withFaults(name string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.serveWithFault(w, r, s.faults.forRequest(name), func(w http.ResponseWriter) { serve(w, r) })
	}
}

// serveWithFault serves a request; the fault may be nil.
func (s *Server) serveWithFault(w http.ResponseWriter, r *http.Request, fault *Fault, serve func(http.ResponseWriter)) {
	if fault == nil {
		serve(w)
		return
	}
	if fault.ExpireTokens {
		s.ExpireTokens()
	}
	fault.serve(w, r, serve)
}

// branch returns the branch of a name, nil if there is none.
func (s *Server) branch(name string) *branch {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.branches[name]
}
