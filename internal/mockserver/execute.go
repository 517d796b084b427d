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

// question is the body of a GraphQL request.
type question struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// answer is the body of a GraphQL response.
type answer struct {
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

// members is a JSON object that keeps its order: GraphQL answers in the order of the question.
type members []member

type member struct {
	key   string
	value any
}

func (m members) MarshalJSON() ([]byte, error) {
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
	old       bool
	errors    []responseError
	fatal     error
}

// prepare parses and validates a document. What the server's own parser and its query analyser
// refuse is errInternal: syntax, missing and ill-typed variables.
func (s *Server) prepare(q question) (*ast.OperationDefinition, map[string]any, []responseError, error) {
	document, err := parser.ParseQuery(&ast.Source{Input: q.Query})
	if err != nil || len(document.Operations) == 0 {
		return nil, nil, nil, errInternal
	}
	if invalid := validator.ValidateWithRules(s.schema, document, rules.NewDefaultRules()); len(invalid) > 0 {
		return nil, nil, s.refuse(invalid), nil
	}
	operation := document.Operations.ForName(q.OperationName)
	switch {
	case q.OperationName == "" && len(document.Operations) > 1:
		return nil, nil, s.refuse(gqlerror.List{{Message: "Must provide operation name if query contains multiple operations."}}), nil
	case operation == nil:
		return nil, nil, s.refuse(gqlerror.List{{Message: fmt.Sprintf("Unknown operation named '%s'.", q.OperationName)}}), nil
	}
	variables, err := validator.VariableValues(s.schema, operation, q.Variables)
	if err != nil {
		return nil, nil, nil, errInternal
	}
	return operation, variables, nil, nil
}

// refuse words what validation found as the server does: with single quotes.
func (s *Server) refuse(invalid gqlerror.List) []responseError {
	var refused []responseError
	for _, each := range invalid {
		response := responseError{Message: strings.ReplaceAll(each.Message, `"`, `'`), Extensions: extensions(s.old(), failure{status: 500})}
		for _, at := range each.Locations {
			response.Locations = append(response.Locations, location{Line: at.Line, Column: at.Column})
		}
		refused = append(refused, response)
	}
	return refused
}

// execute answers a valid operation. Top-level fields run one after the other, each on its own:
// some mutations may fail while others are done (infrahub.md, Errors).
func (s *Server) execute(ctx context.Context, operation *ast.OperationDefinition, variables map[string]any, root object) (answer, error) {
	run := &execution{ctx: ctx, schema: s.schema, variables: variables, old: s.old()}
	data, ok := run.object(root, []ast.SelectionSet{operation.SelectionSet}, nil)
	if run.fatal != nil {
		return answer{}, run.fatal
	}
	if !ok {
		data = nil
	}
	return answer{Data: data, Errors: run.errors}, nil
}

// object completes the selected fields of an object; false if a field that must not be null is.
func (e *execution) object(o object, selections []ast.SelectionSet, path []any) (any, bool) {
	var collected []*selected
	for _, selection := range selections {
		collected = e.collect(o.typename, selection, collected)
	}
	completed := make(members, 0, len(collected))
	for _, each := range collected {
		value, ok := e.field(o, each, append(slices.Clip(path), each.key))
		if !ok || e.fatal != nil {
			return nil, false
		}
		completed = append(completed, member{key: each.key, value: value})
	}
	return completed, true
}

// selected is a field of the answer, and every place in the document that selects it.
type selected struct {
	key    string
	fields []*ast.Field
}

func (s *selected) selections() []ast.SelectionSet {
	var sets []ast.SelectionSet
	for _, field := range s.fields {
		sets = append(sets, field.SelectionSet)
	}
	return sets
}

// collect gathers the fields that a selection asks of a type, fragments included.
func (e *execution) collect(typename string, selection ast.SelectionSet, collected []*selected) []*selected {
	for _, each := range selection {
		switch each := each.(type) {
		case *ast.Field:
			if e.included(each.Directives) {
				collected = add(collected, each)
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

func add(collected []*selected, field *ast.Field) []*selected {
	for _, each := range collected {
		if each.key == field.Alias {
			each.fields = append(each.fields, field)
			return collected
		}
	}
	return append(collected, &selected{key: field.Alias, fields: []*ast.Field{field}})
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
	named := directly(selections)
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

// directly are the fields that selections name without a named fragment.
func directly(selections []ast.SelectionSet) (names []string) {
	for _, each := range slices.Concat(selections...) {
		switch each := each.(type) {
		case *ast.Field:
			names = append(names, each.Name)
		case *ast.InlineFragment:
			names = append(names, directly([]ast.SelectionSet{each.SelectionSet})...)
		}
	}
	return names
}

func (e *execution) field(o object, s *selected, path []any) (any, bool) {
	field := s.fields[0]
	if field.Name == "__typename" {
		return o.typename, true
	}
	value := o.fields[field.Name]
	if resolve, ok := value.(resolver); ok {
		resolved, err := resolve(e.arguments(field))
		if err != nil {
			return nil, e.fail(err, field, path)
		}
		value = resolved
	}
	return e.complete(field.Definition.Type, value, s, path)
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

// complete gives a value the shape of its type; false if it is null and must not be.
func (e *execution) complete(as *ast.Type, value any, s *selected, path []any) (any, bool) {
	if value == nil {
		if as.NonNull {
			name := s.fields[0].ObjectDefinition.Name + "." + s.fields[0].Name
			e.fail(failure{message: "Cannot return null for non-nullable field " + name + ".", status: 500}, s.fields[0], path)
		}
		return nil, !as.NonNull
	}
	switch value := value.(type) {
	case object:
		if _, isNode := value.fields["hfid"]; isNode && s.fields[0].ObjectDefinition.Name == value.typename+"Create" {
			value = value.withoutFragments(s.selections())
		}
		completed, ok := e.object(value, s.selections(), path)
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
			done, ok := e.complete(element, item, s, append(slices.Clip(path), i))
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

// fail records what went wrong with a field; false if the null must go further up.
func (e *execution) fail(err error, field *ast.Field, path []any) bool {
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
		response := responseError{Message: each.message, Path: path, Extensions: extensions(e.old, each)}
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
