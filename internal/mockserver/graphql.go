package mockserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// request is the body of a GraphQL request.
type request struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// response is the body of a GraphQL response.
type response struct {
	Data   any             `json:"data"`
	Errors []responseError `json:"errors,omitempty"`
}

type responseError struct {
	Message    string         `json:"message"`
	Locations  []location     `json:"locations,omitempty"`
	Path       []any          `json:"path,omitempty"`
	Extensions map[string]any `json:"extensions,omitempty"`
}

type location struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// orderedObject is a JSON object whose fields keep their order: those of a response have the order of the
// request's document.
type orderedObject []orderedField

type orderedField struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o orderedObject) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, field := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		value, err := json.Marshal(field.value)
		if err != nil {
			return nil, err
		}
		out.WriteString(strconv.Quote(field.name) + ":")
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// errInternal is the error that is answered with the text "Internal Server Error" (infrahub-behaviour.md,
// Errors 7).
var errInternal = errors.New("internal server error")

// invalidDocument is the error of a document that does not fit the schema (infrahub-behaviour.md, Errors 8).
type invalidDocument []responseError

func (invalidDocument) Error() string { return "invalid document" }

// serveGraphQL answers POST /graphql and POST /graphql/{branch}.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	operation := parseOperation(content)
	if info, ok := r.Context().Value(requestInfoKey{}).(*requestInfo); ok {
		info.branch, info.operation = branchOf(r.URL.Path), cmp.Or(operation.name, strings.Join(operation.fields, " "))
	}
	fault := s.faults.forRequest(append(operation.fields, operation.name)...)
	s.serveWithFault(w, r, fault, func(w http.ResponseWriter) { s.handleGraphQL(w, r, content) })
}

// branchOf returns the Infrahub branch in the path of a GraphQL endpoint; its name may contain slashes.
func branchOf(path string) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return cmp.Or(name, mainBranch)
}

// handleGraphQL checks a GraphQL request in the server's order (token, branch, body, document, permission)
// and carries it out.
func (s *Server) handleGraphQL(w http.ResponseWriter, r *http.Request, content []byte) {
	authenticated, err := s.authenticate(r)
	if refusal, ok := errors.AsType[failure](err); ok {
		s.replyFailure(w, refusal)
		return
	}
	b := s.branch(branchOf(r.URL.Path))
	if b == nil { // infrahub-behaviour.md, Errors 5
		s.replyJSON(w, http.StatusNotFound, map[string]any{"errors": []string{branchNotFound(branchOf(r.URL.Path)).message}})
		return
	}
	if r.URL.Query().Has("at") {
		s.replyJSON(w, http.StatusOK, response{Errors: []responseError{{Message: "The parameter at" + notImitated + "."}}})
		return
	}
	parsed, problem := parseRequest(r, content)
	if problem != "" { // infrahub-behaviour.md, Errors 6
		s.replyJSON(w, http.StatusBadRequest, map[string]any{"errors": []string{problem}})
		return
	}
	operation, variables, err := s.validate(parsed)
	var invalid invalidDocument
	switch {
	case errors.As(err, &invalid):
		s.replyJSON(w, http.StatusOK, response{Errors: invalid})
		return
	case err != nil:
		s.replyInternalError(w)
		return
	case operation.Operation == ast.Mutation && !authenticated:
		s.replyFailure(w, unauthorized("Authentication is required to perform this operation", "AUTHENTICATION_REQUIRED"))
		return
	}
	root := s.queries(b)
	if operation.Operation == ast.Mutation {
		root = s.mutations(r.Context(), b)
	}
	result, err := s.execute(operation, variables, root)
	if err != nil {
		s.replyInternalError(w)
		return
	}
	s.replyJSON(w, http.StatusOK, result)
}

// replyFailure sends a failure that ends a GraphQL request before it is carried out.
func (s *Server) replyFailure(w http.ResponseWriter, f failure) {
	body := map[string]any{"message": f.message, "extensions": extensions(false, f)}
	if s.is19() {
		body["extensions"] = map[string]any{"code": f.status} // infrahub-behaviour.md, Errors 11
	}
	s.replyJSON(w, f.status, map[string]any{"data": nil, "errors": []any{body}})
}

// parseRequest reads the body of a request. The problem is the server's message if it cannot.
func parseRequest(r *http.Request, content []byte) (parsed request, problem string) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return request{}, "Content-type must be application/json or multipart/form-data"
	}
	var body any
	if json.Unmarshal(content, &body) != nil {
		return request{}, "Request body is not a valid JSON"
	}
	if _, isBatch := body.([]any); isBatch {
		return request{}, "This server does not support batching"
	}
	if json.Unmarshal(content, &parsed) != nil {
		return request{}, "" // validation refuses the missing document
	}
	return parsed, ""
}

// validate parses and validates a document. The error is an invalidDocument, or errInternal for what the
// server's own parser and query analyser refuse: syntax, missing variables, variables of a wrong type.
func (s *Server) validate(r request) (*ast.OperationDefinition, map[string]any, error) {
	document, err := parser.ParseQuery(&ast.Source{Input: r.Query})
	if err != nil || len(document.Operations) == 0 {
		return nil, nil, errInternal
	}
	if invalid := validator.ValidateWithRules(s.schema, document, rules.NewDefaultRules()); len(invalid) > 0 {
		return nil, nil, s.invalidDocument(s.notImitated(r.Query, invalid))
	}
	operation := document.Operations.ForName(r.OperationName)
	switch {
	case r.OperationName == "" && len(document.Operations) > 1:
		return nil, nil, s.invalidDocument(gqlerror.List{{Message: "Must provide operation name if query contains multiple operations."}})
	case operation == nil:
		return nil, nil, s.invalidDocument(gqlerror.List{{Message: fmt.Sprintf("Unknown operation named '%s'.", r.OperationName)}})
	}
	variables, err := validator.VariableValues(s.schema, operation, r.Variables)
	if err != nil || !hasRootField(operation) {
		return nil, nil, errInternal
	}
	return operation, variables, nil
}

// hasRootField reports whether an operation selects a field itself, and not by fragments alone.
func hasRootField(operation *ast.OperationDefinition) bool {
	return slices.ContainsFunc(operation.SelectionSet, func(selection ast.Selection) bool {
		_, isField := selection.(*ast.Field)
		return isField
	})
}

// notImitated returns the errors of a document that does not fit what the mock server imitates: those that a server has, or,
// if it has none, what is not imitated.
func (s *Server) notImitated(query string, invalid gqlerror.List) gqlerror.List {
	whole, err := s.whole()
	if err != nil {
		return invalid
	}
	document, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return invalid
	}
	if onServer := validator.ValidateWithRules(whole, document, rules.NewDefaultRules()); len(onServer) > 0 {
		return onServer
	}
	for _, one := range invalid {
		message, _, _ := strings.Cut(one.Message, " Did you mean")
		one.Message = strings.TrimSuffix(message, ".") + ": it" + notImitated + "."
	}
	return invalid
}

// invalidDocument returns the errors of the validator in the server's words: with single quotes.
func (s *Server) invalidDocument(list gqlerror.List) invalidDocument {
	var invalid invalidDocument
	for _, found := range list {
		one := responseError{Message: strings.ReplaceAll(found.Message, `"`, `'`), Extensions: extensions(s.is19(), failure{status: 500})}
		for _, at := range found.Locations {
			one.Locations = append(one.Locations, location{Line: at.Line, Column: at.Column})
		}
		invalid = append(invalid, one)
	}
	return invalid
}
