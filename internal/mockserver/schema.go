package mockserver

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// schemaText is the SDL of what the mock server imitates of Infrahub's GraphQL schema; schema.keep lists it.
//
//go:embed schema.graphql
var schemaText string

// kindsText is what GET /api/schema tells of the same kinds.
//
//go:embed schema.json
var kindsText []byte

// wholeSchemaText is the compressed SDL of Infrahub's whole GraphQL schema. It tells what a server knows and the mock server
// does not imitate from what no server knows.
//
//go:embed infrahub.graphql.gz
var wholeSchemaText []byte

func loadSchema() (*ast.Schema, error) {
	return gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText})
}

// loadWholeSchema takes a tenth of a second and megabytes: it is loaded once a document needs it.
func loadWholeSchema() (*ast.Schema, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(wholeSchemaText))
	if err != nil {
		return nil, fmt.Errorf("unpack the schema: %w", err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("unpack the schema: %w", err)
	}
	return gqlparser.LoadSchema(&ast.Source{Name: "infrahub.graphql", Input: string(text)})
}

// serveSchema answers GET /api/schema (infrahub-behaviour.md, Clients 1).
func (s *Server) serveSchema(w http.ResponseWriter, r *http.Request) {
	namespaces := r.URL.Query()["namespaces"]
	if s.refuseREST(w, r) {
		return
	}
	if len(namespaces) == 0 {
		s.replyText(w, "application/json", string(kindsText))
		return
	}
	var schema map[string]json.RawMessage
	if json.Unmarshal(kindsText, &schema) != nil {
		s.replyInternalError(w)
		return
	}
	for _, list := range []string{"nodes", "generics"} {
		kept := slices.DeleteFunc(kindSchemas(schema[list]), func(k kindSchema) bool { return !slices.Contains(namespaces, k.namespace) })
		schemas := make([]json.RawMessage, len(kept))
		for i, k := range kept {
			schemas[i] = k.text
		}
		schema[list], _ = json.Marshal(schemas) // what was read can be written
	}
	s.replyJSON(w, http.StatusOK, schema)
}

// kindSchema is what GET /api/schema tells of one kind.
type kindSchema struct {
	kind, namespace string
	text            json.RawMessage
}

func kindSchemas(list json.RawMessage) []kindSchema {
	var texts []json.RawMessage
	_ = json.Unmarshal(list, &texts) // the embedded schema is read by every test
	schemas := make([]kindSchema, len(texts))
	for i, text := range texts {
		var names struct{ Kind, Namespace string }
		_ = json.Unmarshal(text, &names)
		schemas[i] = kindSchema{names.Kind, names.Namespace, text}
	}
	return schemas
}

// serveKindSchema answers GET /api/schema/{kind}.
func (s *Server) serveKindSchema(w http.ResponseWriter, r *http.Request) {
	if s.refuseREST(w, r) {
		return
	}
	var schema struct{ Nodes, Generics json.RawMessage }
	_ = json.Unmarshal(kindsText, &schema)
	for _, k := range slices.Concat(kindSchemas(schema.Nodes), kindSchemas(schema.Generics)) {
		if k.kind == r.PathValue("kind") {
			s.replyJSON(w, http.StatusOK, k.text)
			return
		}
	}
	s.replyREST(w, http.StatusUnprocessableEntity, "Unable to find the schema '"+r.PathValue("kind")+"' in the registry")
}

// serveGraphQLSchema answers GET /schema.graphql.
func (s *Server) serveGraphQLSchema(w http.ResponseWriter, r *http.Request) {
	if !s.refuseREST(w, r) {
		s.replyText(w, "text/plain; charset=utf-8", schemaText)
	}
}

// notImitatedPaths are the endpoints of a server that the mock server does not imitate.
func notImitatedPaths() []string {
	return []string{
		"/api/artifact/", "/api/auth/ldap/", "/api/auth/logout", "/api/config", "/api/diff/", "/api/file/", "/api/menu", "/api/oauth2/", "/api/oidc/",
		"/api/schema/", "/api/storage/", "/api/telemetry/", "/api/transform/",
	}
}

// serveUnknownPath answers a request to a path that the mock server does not serve (infrahub-behaviour.md, Errors 13).
func (s *Server) serveUnknownPath(w http.ResponseWriter, r *http.Request) {
	for _, path := range notImitatedPaths() {
		if strings.HasPrefix(r.URL.Path, path) {
			s.replyREST(w, http.StatusNotImplemented, r.URL.Path+notImitated)
			return
		}
	}
	s.replyREST(w, http.StatusNotFound, "The requested endpoint "+r.URL.Path+" does not exist")
}

// notImitated ends the error of what a server does and the mock server does not imitate.
const notImitated = " is not imitated by infrahub-mock"

// refuseREST refuses a request to a REST endpoint with a bad token or an unknown branch. It reports whether it did.
func (s *Server) refuseREST(w http.ResponseWriter, r *http.Request) bool {
	if _, err := s.authenticate(r); err != nil {
		s.replyREST(w, http.StatusUnauthorized, err.Error())
		return true
	}
	if s.branch(branchParameter(r)) == nil {
		s.replyREST(w, http.StatusBadRequest, branchNotFound(branchParameter(r)).message)
		return true
	}
	if r.URL.Query().Has("at") {
		s.replyREST(w, http.StatusNotImplemented, "The parameter at"+notImitated)
		return true
	}
	return false
}

// branchParameter returns the branch that a request to a REST endpoint names, main if it names none.
func branchParameter(r *http.Request) string {
	if name := r.URL.Query().Get("branch"); name != "" {
		return name
	}
	return mainBranch
}

func (s *Server) replyText(w http.ResponseWriter, contentType, text string) {
	w.Header().Set("Content-Type", contentType)
	_, _ = io.WriteString(w, text) // the client may be gone
}
