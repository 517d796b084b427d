package mockserver

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
)

// serveStoredQuery answers GET and POST /api/query/{query}: it carries out a query that a repository has brought, by id or name
// (infrahub-behaviour.md, Clients 6). Variables are in the parameters of a GET and in the body of a POST.
func (s *Server) serveStoredQuery(w http.ResponseWriter, r *http.Request) {
	if s.refuseREST(w, r) {
		return
	}
	if authenticated, _ := s.authenticate(r); !authenticated && r.Method == http.MethodPost {
		s.replyREST(w, http.StatusUnauthorized, "Authentication is required")
		return
	}
	parameters := r.URL.Query()
	if parameters.Has("update_group") && parameters.Get("update_group") != "false" || parameters.Has("subscribers") {
		s.replyREST(w, http.StatusNotImplemented, "A group of the nodes of a query"+notImitated)
		return
	}
	b := s.branch(branchParameter(r))
	s.store.mu.Lock()
	n := s.store.find(b, queryKind, r.PathValue("query"))
	s.store.mu.Unlock()
	if n == nil {
		s.replyREST(w, http.StatusNotFound, notFound(queryKind, r.PathValue("query")).message)
		return
	}
	var payload struct{ Variables map[string]any }
	if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&payload) != nil {
		payload.Variables = map[string]any{}
	}
	if r.Method == http.MethodGet {
		payload.Variables = map[string]any{}
		for name := range parameters {
			if name != "branch" {
				payload.Variables[name] = parameters.Get(name)
			}
		}
	}
	s.replyStoredQuery(w, b, n, payload.Variables)
}

// replyStoredQuery carries a stored query out. An error of it is the gateway's: 502.
func (s *Server) replyStoredQuery(w http.ResponseWriter, b *branch, query *node, values map[string]any) {
	operation, variables, err := s.validate(request{Query: query.text("query"), Variables: values})
	if err == nil && operation.Operation == ast.Mutation {
		s.replyREST(w, http.StatusNotImplemented, "A stored mutation"+notImitated)
		return
	}
	var result response
	if err == nil {
		result, err = s.execute(operation, variables, s.queries(b))
	}
	if invalid, ok := errors.AsType[invalidDocument](err); ok {
		result.Errors = invalid
	} else if err != nil {
		s.replyInternalError(w)
		return
	}
	if len(result.Errors) == 0 {
		s.replyJSON(w, http.StatusOK, map[string]any{"data": result.Data})
		return
	}
	var messages []any
	for _, one := range result.Errors {
		messages = append(messages, map[string]any{"message": "GraphQLQuery " + query.text("name") + ": " + one.Message, "extensions": map[string]any{"code": http.StatusBadGateway}})
	}
	s.replyJSON(w, http.StatusBadGateway, map[string]any{"data": nil, "errors": messages})
}
