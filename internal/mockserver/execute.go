package mockserver

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// object is the source of a value of an object type: the name of the type, and a value or a resolver for
// each field.
type object struct {
	typename string
	fields   map[string]any
}

// resolver computes a field that takes arguments, changes something or may fail.
type resolver func(arguments map[string]any) (any, error)

// execution executes one operation; its methods are the steps of the GraphQL specification.
type execution struct {
	schema    *ast.Schema
	variables map[string]any
	is19      bool
	errors    []responseError
	fatal     error // ends the operation
}

// execute executes a valid operation. Top-level fields are executed in turn, and a mutation may fail while
// others are carried out (infrahub-behaviour.md, Errors 12).
func (s *Server) execute(operation *ast.OperationDefinition, variables map[string]any, root object) (response, error) {
	e := &execution{schema: s.schema, variables: variables, is19: s.is19()}
	data, ok := e.completeObject(root, []ast.SelectionSet{operation.SelectionSet}, nil)
	if e.fatal != nil {
		return response{}, e.fatal
	}
	if !ok {
		data = nil
	}
	return response{Data: data, Errors: e.errors}, nil
}

// completeObject returns the selected fields of an object. It reports false if a non-null field is null.
func (e *execution) completeObject(o object, selections []ast.SelectionSet, path []any) (any, bool) {
	var collected []*collectedField
	for _, selection := range selections {
		collected = e.collectFields(o.typename, selection, collected)
	}
	completed := make(orderedObject, 0, len(collected))
	for _, field := range collected {
		value, ok := e.resolveField(o, field, append(slices.Clip(path), field.name))
		if !ok || e.fatal != nil {
			return nil, false
		}
		completed = append(completed, orderedField{name: field.name, value: value})
	}
	return completed, true
}

// collectedField is a field of the response, by its alias, with every place in the document that selects it.
type collectedField struct {
	name   string
	fields []*ast.Field
}

func (f *collectedField) selections() []ast.SelectionSet {
	var sets []ast.SelectionSet
	for _, field := range f.fields {
		sets = append(sets, field.SelectionSet)
	}
	return sets
}

// collectFields appends the fields that a selection selects of a type, those of fragments included.
func (e *execution) collectFields(typename string, set ast.SelectionSet, collected []*collectedField) []*collectedField {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			if e.included(selection.Directives) {
				collected = appendField(collected, selection)
			}
		case *ast.InlineFragment:
			if e.included(selection.Directives) && e.applies(selection.TypeCondition, typename) {
				collected = e.collectFields(typename, selection.SelectionSet, collected)
			}
		case *ast.FragmentSpread:
			if e.included(selection.Directives) && e.applies(selection.Definition.TypeCondition, typename) {
				collected = e.collectFields(typename, selection.Definition.SelectionSet, collected)
			}
		}
	}
	return collected
}

func appendField(collected []*collectedField, field *ast.Field) []*collectedField {
	for _, c := range collected {
		if c.name == field.Alias {
			c.fields = append(c.fields, field)
			return collected
		}
	}
	return append(collected, &collectedField{name: field.Alias, fields: []*ast.Field{field}})
}

// included reports whether the directives @skip and @include include a selection.
func (e *execution) included(directives ast.DirectiveList) bool {
	for _, directive := range directives {
		condition := directive.ArgumentMap(e.variables)["if"] == true
		if directive.Name == "skip" && condition || directive.Name == "include" && !condition {
			return false
		}
	}
	return true
}

// applies reports whether a fragment with a type condition applies to a type.
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

// withoutFragments returns the node of a create response: fields that a named fragment selects are missing,
// so they are null (infrahub-behaviour.md, Writing 10). If nothing else is selected it has its attributes.
func (o object) withoutFragments(selections []ast.SelectionSet) object {
	selected := fieldsOutsideFragments(selections)
	node := object{o.typename, map[string]any{"id": o.fields["id"]}}
	for name, value := range o.fields {
		field, isObject := value.(object)
		isAttribute := isObject && !strings.HasPrefix(field.typename, "NestedEdged") || name == "display_label"
		if slices.Contains(selected, name) || selected == nil && isAttribute {
			node.fields[name] = value
		}
	}
	return node
}

// fieldsOutsideFragments returns the names of the fields that are selected outside named fragments.
func fieldsOutsideFragments(selections []ast.SelectionSet) (names []string) {
	for _, selection := range slices.Concat(selections...) {
		switch selection := selection.(type) {
		case *ast.Field:
			names = append(names, selection.Name)
		case *ast.InlineFragment:
			names = append(names, fieldsOutsideFragments([]ast.SelectionSet{selection.SelectionSet})...)
		}
	}
	return names
}

func (e *execution) resolveField(o object, f *collectedField, path []any) (any, bool) {
	field := f.fields[0]
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
	return e.completeValue(field.Definition.Type, value, f, path)
}

// arguments returns the arguments of a field, coerced to the types of the schema.
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
			if field, given := value[definition.Name]; given {
				coerced[definition.Name] = e.coerce(definition.Type, field)
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

// completeValue returns a value in the shape of its type. It reports false if a non-null value is null.
func (e *execution) completeValue(as *ast.Type, value any, f *collectedField, path []any) (any, bool) {
	field := f.fields[0]
	switch value := value.(type) {
	case nil:
		if as.NonNull {
			name := field.ObjectDefinition.Name + "." + field.Name
			e.addError(failure{message: "Cannot return null for non-nullable field " + name + ".", status: 500}, field, path)
		}
		return nil, !as.NonNull
	case object:
		if _, isNode := value.fields["hfid"]; isNode && field.ObjectDefinition.Name == value.typename+"Create" {
			value = value.withoutFragments(f.selections())
		}
		completed, ok := e.completeObject(value, f.selections(), path)
		if !ok {
			return nil, !as.NonNull
		}
		return completed, true
	case []any:
		if as.Elem == nil {
			return value, true // a scalar that holds a list: GenericScalar
		}
		completed := make([]any, len(value))
		for i, item := range value {
			element, ok := e.completeValue(as.Elem, item, f, append(slices.Clip(path), i))
			if !ok {
				return nil, !as.NonNull
			}
			completed[i] = element
		}
		return completed, true
	default:
		return value, true
	}
}

// addError adds the error of a field to the response. It reports false if the field is non-null, so that
// its parent becomes null.
func (e *execution) addError(err error, field *ast.Field, path []any) bool {
	var list failures
	var single failure
	switch {
	case errors.As(err, &list):
	case errors.As(err, &single):
		list = failures{single}
	default:
		e.fatal = err
		return false
	}
	for _, f := range list {
		one := responseError{Message: f.message, Path: path, Extensions: extensions(e.is19, f)}
		if f.subPath == nil {
			one.Locations = []location{{Line: field.Position.Line, Column: field.Position.Column}}
		}
		for _, step := range f.subPath {
			one.Path = append(slices.Clip(one.Path), step)
		}
		e.errors = append(e.errors, one)
	}
	return !field.Definition.Type.NonNull
}
