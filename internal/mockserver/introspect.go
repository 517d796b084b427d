package mockserver

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// introspect adds the fields __schema and __type.
func introspect(schema *ast.Schema, fields map[string]any) map[string]any {
	fields["__schema"] = resolver(func(map[string]any) (any, error) { return schemaObject(schema), nil })
	fields["__type"] = resolver(func(arguments map[string]any) (any, error) {
		name, _ := arguments["name"].(string)
		return typeObject(schema, schema.Types[name]), nil
	})
	return fields
}

func schemaObject(schema *ast.Schema) object {
	types, directives := []any{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		types = append(types, typeObject(schema, schema.Types[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Directives)) {
		directive := schema.Directives[name]
		locations := []any{}
		for _, location := range directive.Locations {
			locations = append(locations, string(location))
		}
		directives = append(directives, object{"__Directive", map[string]any{
			"name": name, "description": orNull(directive.Description), "locations": locations,
			"args": argumentObjects(schema, directive.Arguments), "isRepeatable": directive.IsRepeatable,
		}})
	}
	return object{"__Schema", map[string]any{
		"types": types, "directives": directives, "description": nil, "queryType": typeObject(schema, schema.Query),
		"mutationType": typeObject(schema, schema.Mutation), "subscriptionType": nil,
	}}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// typeObject returns the object of a type, nil if there is none. The types that it refers to are behind
// resolvers, because types refer to each other.
func typeObject(schema *ast.Schema, of *ast.Definition) any {
	if of == nil {
		return nil
	}
	// list resolves a field that only some kinds of types have.
	list := func(items func() []any, kinds ...ast.DefinitionKind) resolver {
		return func(map[string]any) (any, error) {
			if !slices.Contains(kinds, of.Kind) {
				return nil, nil
			}
			return items(), nil
		}
	}
	return object{"__Type", map[string]any{
		"kind": string(of.Kind), "name": of.Name, "description": orNull(of.Description), "ofType": nil, "specifiedByURL": nil, "isOneOf": nil,
		"fields":        list(func() []any { return fieldObjects(schema, of.Fields) }, ast.Object, ast.Interface),
		"interfaces":    list(func() []any { return typeObjects(schema, schema.GetImplements(of)) }, ast.Object, ast.Interface),
		"possibleTypes": list(func() []any { return typeObjects(schema, schema.GetPossibleTypes(of)) }, ast.Interface, ast.Union),
		"enumValues":    list(func() []any { return enumValueObjects(of.EnumValues) }, ast.Enum),
		"inputFields":   list(func() []any { return inputFieldObjects(schema, of.Fields) }, ast.InputObject),
	}}
}

func typeObjects(schema *ast.Schema, definitions []*ast.Definition) []any {
	objects := []any{}
	for _, definition := range definitions {
		objects = append(objects, typeObject(schema, definition))
	}
	return objects
}

func fieldObjects(schema *ast.Schema, fields ast.FieldList) []any {
	objects := []any{}
	for _, field := range fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		objects = append(objects, object{"__Field", map[string]any{
			"name": field.Name, "description": orNull(field.Description), "args": argumentObjects(schema, field.Arguments),
			"type": typeReference(schema, field.Type), "isDeprecated": false, "deprecationReason": nil,
		}})
	}
	return objects
}

func enumValueObjects(values ast.EnumValueList) []any {
	objects := []any{}
	for _, value := range values {
		objects = append(objects, object{"__EnumValue", map[string]any{
			"name": value.Name, "description": orNull(value.Description), "isDeprecated": false, "deprecationReason": nil,
		}})
	}
	return objects
}

func inputFieldObjects(schema *ast.Schema, fields ast.FieldList) []any {
	objects := []any{}
	for _, field := range fields {
		objects = append(objects, inputObject(schema, field.Name, field.Description, field.Type, field.DefaultValue))
	}
	return objects
}

func argumentObjects(schema *ast.Schema, arguments ast.ArgumentDefinitionList) []any {
	objects := []any{}
	for _, argument := range arguments {
		objects = append(objects, inputObject(schema, argument.Name, argument.Description, argument.Type, argument.DefaultValue))
	}
	return objects
}

func inputObject(schema *ast.Schema, name, description string, of *ast.Type, defaultValue *ast.Value) object {
	var value any
	if defaultValue != nil {
		value = defaultValue.String()
	}
	return object{"__InputValue", map[string]any{
		"name": name, "description": orNull(description), "type": typeReference(schema, of), "defaultValue": value,
		"isDeprecated": false, "deprecationReason": nil,
	}}
}

// typeReference returns the object of a type inside its wrappers NON_NULL and LIST.
func typeReference(schema *ast.Schema, of *ast.Type) any {
	wrap := func(kind string, inner ast.Type) object {
		return object{"__Type", map[string]any{
			"kind": kind, "name": nil, "ofType": resolver(func(map[string]any) (any, error) { return typeReference(schema, &inner), nil }),
		}}
	}
	switch {
	case of.NonNull:
		inner := *of
		inner.NonNull = false
		return wrap("NON_NULL", inner)
	case of.Elem != nil:
		return wrap("LIST", *of.Elem)
	}
	return typeObject(schema, schema.Types[of.NamedType])
}
