package mockserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// object is what stands for a composite type: the name of its type, and a value or a resolver a field.
type object struct {
	typename string
	fields   map[string]any
}

// resolver computes a field that takes arguments, changes something or may fail.
type resolver func(arguments map[string]any) (any, error)

// errInternal is answered with the text "Internal Server Error" (infrahub.md, Errors).
var errInternal = errors.New("internal server error")

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

// orderedObject is a JSON object that keeps its order: GraphQL answers in the order of the question.
type orderedObject []orderedField

type orderedField struct {
	key   string
	value any
}

func (m orderedObject) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, each := range m {
		if i > 0 {
			out.WriteByte(',')
		}
		value, err := json.Marshal(each.value)
		if err != nil {
			return nil, err
		}
		out.WriteString(strconv.Quote(each.key) + ":")
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// execution is the run of one operation.
type execution struct {
	ctx       context.Context
	schema    *ast.Schema
	variables map[string]any
	is19      bool
	errors    []responseError
	fatal     error
}

// validate parses and validates a document. What the server's own parser and its query analyser
// refuse is errInternal: syntax, missing and ill-typed variables.
func (s *Server) validate(q request) (*ast.OperationDefinition, map[string]any, []responseError, error) {
	document, err := parser.ParseQuery(&ast.Source{Input: q.Query})
	if err != nil || len(document.Operations) == 0 {
		return nil, nil, nil, errInternal
	}
	if invalid := validator.ValidateWithRules(s.schema, document, rules.NewDefaultRules()); len(invalid) > 0 {
		return nil, nil, s.validationErrors(invalid), nil
	}
	operation := document.Operations.ForName(q.OperationName)
	switch {
	case q.OperationName == "" && len(document.Operations) > 1:
		return nil, nil, s.validationErrors(gqlerror.List{{Message: "Must provide operation name if query contains multiple operations."}}), nil
	case operation == nil:
		return nil, nil, s.validationErrors(gqlerror.List{{Message: fmt.Sprintf("Unknown operation named '%s'.", q.OperationName)}}), nil
	}
	variables, err := validator.VariableValues(s.schema, operation, q.Variables)
	if err != nil {
		return nil, nil, nil, errInternal
	}
	return operation, variables, nil, nil
}

// validationErrors words what validation found as the server does: with single quotes.
func (s *Server) validationErrors(invalid gqlerror.List) []responseError {
	var refused []responseError
	for _, each := range invalid {
		response := responseError{Message: strings.ReplaceAll(each.Message, `"`, `'`), Extensions: extensions(s.is19(), failure{status: 500})}
		for _, at := range each.Locations {
			response.Locations = append(response.Locations, location{Line: at.Line, Column: at.Column})
		}
		refused = append(refused, response)
	}
	return refused
}

// execute answers a valid operation. Top-level fields run one after the other, each on its own:
// some mutations may fail while others are done (infrahub.md, Errors).
func (s *Server) execute(ctx context.Context, operation *ast.OperationDefinition, variables map[string]any, root object) (response, error) {
	run := &execution{ctx: ctx, schema: s.schema, variables: variables, is19: s.is19()}
	data, ok := run.completeObject(root, []ast.SelectionSet{operation.SelectionSet}, nil)
	if run.fatal != nil {
		return response{}, run.fatal
	}
	if !ok {
		data = nil
	}
	return response{Data: data, Errors: run.errors}, nil
}

// completeObject completes the selected fields of an completeObject; false if a field that must not be null is.
func (e *execution) completeObject(o object, selections []ast.SelectionSet, path []any) (any, bool) {
	var collected []*collectedField
	for _, selection := range selections {
		collected = e.collect(o.typename, selection, collected)
	}
	completed := make(orderedObject, 0, len(collected))
	for _, each := range collected {
		value, ok := e.resolveField(o, each, append(slices.Clip(path), each.key))
		if !ok || e.fatal != nil {
			return nil, false
		}
		completed = append(completed, orderedField{key: each.key, value: value})
	}
	return completed, true
}

// collectedField is a field of the answer, and every place in the document that selects it.
type collectedField struct {
	key    string
	fields []*ast.Field
}

func (s *collectedField) selections() []ast.SelectionSet {
	var sets []ast.SelectionSet
	for _, field := range s.fields {
		sets = append(sets, field.SelectionSet)
	}
	return sets
}

// collect gathers the fields that a selection asks of a type, fragments included.
func (e *execution) collect(typename string, selection ast.SelectionSet, collected []*collectedField) []*collectedField {
	for _, each := range selection {
		switch each := each.(type) {
		case *ast.Field:
			if e.included(each.Directives) {
				collected = appendField(collected, each)
			}
		case *ast.InlineFragment:
			if e.included(each.Directives) && e.applies(each.TypeCondition, typename) {
				collected = e.collect(typename, each.SelectionSet, collected)
			}
		case *ast.FragmentSpread:
			if e.included(each.Directives) && e.applies(each.Definition.TypeCondition, typename) {
				collected = e.collect(typename, each.Definition.SelectionSet, collected)
			}
		}
	}
	return collected
}

func appendField(collected []*collectedField, field *ast.Field) []*collectedField {
	for _, each := range collected {
		if each.key == field.Alias {
			each.fields = append(each.fields, field)
			return collected
		}
	}
	return append(collected, &collectedField{key: field.Alias, fields: []*ast.Field{field}})
}

func (e *execution) included(directives ast.DirectiveList) bool {
	for _, directive := range directives {
		condition := directive.ArgumentMap(e.variables)["if"] == true
		if directive.Name == "skip" && condition || directive.Name == "include" && !condition {
			return false
		}
	}
	return true
}

func (e *execution) applies(condition, typename string) bool {
	if condition == "" || condition == typename {
		return true
	}
	for _, possible := range e.schema.GetPossibleTypes(e.schema.Types[condition]) {
		if possible.Name == typename {
			return true
		}
	}
	return false
}

// withoutFragments is an object as the answer of a create has it: what is selected by a named fragment
// is null (infrahub.md, Writing 10). With nothing else selected, its attributes are there, but no more.
func (o object) withoutFragments(selections []ast.SelectionSet) object {
	named := fieldsOutsideFragments(selections)
	seen := object{o.typename, map[string]any{"id": o.fields["id"]}}
	for name, value := range o.fields {
		of, isObject := value.(object)
		isAttribute := isObject && !strings.HasPrefix(of.typename, "NestedEdged") || name == "display_label"
		if slices.Contains(named, name) || named == nil && isAttribute {
			seen.fields[name] = value
		}
	}
	return seen
}

// fieldsOutsideFragments are the fields that selections name without a named fragment.
func fieldsOutsideFragments(selections []ast.SelectionSet) (names []string) {
	for _, each := range slices.Concat(selections...) {
		switch each := each.(type) {
		case *ast.Field:
			names = append(names, each.Name)
		case *ast.InlineFragment:
			names = append(names, fieldsOutsideFragments([]ast.SelectionSet{each.SelectionSet})...)
		}
	}
	return names
}

func (e *execution) resolveField(o object, s *collectedField, path []any) (any, bool) {
	field := s.fields[0]
	if field.Name == "__typename" {
		return o.typename, true
	}
	value := o.fields[field.Name]
	if resolve, ok := value.(resolver); ok {
		resolved, err := resolve(e.arguments(field))
		if err != nil {
			return nil, e.addError(err, field, path)
		}
		value = resolved
	}
	return e.completeValue(field.Definition.Type, value, s, path)
}

// arguments coerces what the document and the variables say to the types of the schema.
func (e *execution) arguments(field *ast.Field) map[string]any {
	arguments := field.ArgumentMap(e.variables)
	for _, definition := range field.Definition.Arguments {
		if value, given := arguments[definition.Name]; given {
			arguments[definition.Name] = e.coerce(definition.Type, value)
		}
	}
	return arguments
}

func (e *execution) coerce(to *ast.Type, value any) any {
	if value == nil {
		return nil
	}
	if to.Elem != nil {
		items, ok := value.([]any)
		if !ok {
			items = []any{value}
		}
		coerced := make([]any, len(items))
		for i, item := range items {
			coerced[i] = e.coerce(to.Elem, item)
		}
		return coerced
	}
	switch value := value.(type) {
	case map[string]any:
		coerced := map[string]any{}
		for _, definition := range e.schema.Types[to.NamedType].Fields {
			if member, given := value[definition.Name]; given {
				coerced[definition.Name] = e.coerce(definition.Type, member)
			}
		}
		return coerced
	case float64:
		return int64(value)
	case int64:
		if to.NamedType == "ID" {
			return strconv.FormatInt(value, 10)
		}
	}
	return value
}

// completeValue gives a value the shape of its type; false if it is null and must not be.
func (e *execution) completeValue(as *ast.Type, value any, s *collectedField, path []any) (any, bool) {
	if value == nil {
		if as.NonNull {
			name := s.fields[0].ObjectDefinition.Name + "." + s.fields[0].Name
			e.addError(failure{message: "Cannot return null for non-nullable field " + name + ".", status: 500}, s.fields[0], path)
		}
		return nil, !as.NonNull
	}
	switch value := value.(type) {
	case object:
		if _, isNode := value.fields["hfid"]; isNode && s.fields[0].ObjectDefinition.Name == value.typename+"Create" {
			value = value.withoutFragments(s.selections())
		}
		completed, ok := e.completeObject(value, s.selections(), path)
		if !ok {
			return nil, !as.NonNull
		}
		return completed, true
	case []any:
		completed := make([]any, len(value))
		for i, item := range value {
			element := as.Elem
			if element == nil {
				return value, true // a scalar that holds a list: GenericScalar
			}
			done, ok := e.completeValue(element, item, s, append(slices.Clip(path), i))
			if !ok {
				return nil, !as.NonNull
			}
			completed[i] = done
		}
		return completed, true
	default:
		return value, true
	}
}

// addError records what went wrong with a field; false if the null must go further up.
func (e *execution) addError(err error, field *ast.Field, path []any) bool {
	var found failures
	var single failure
	switch {
	case errors.As(err, &found):
	case errors.As(err, &single):
		found = failures{single}
	default:
		e.fatal = err
		return false
	}
	for _, each := range found {
		response := responseError{Message: each.message, Path: path, Extensions: extensions(e.is19, each)}
		if each.below == nil {
			response.Locations = []location{{Line: field.Position.Line, Column: field.Position.Column}}
		}
		for _, step := range each.below {
			response.Path = append(slices.Clip(response.Path), step)
		}
		e.errors = append(e.errors, response)
	}
	return !field.Definition.Type.NonNull
}
