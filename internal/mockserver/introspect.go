package mockserver

import (
	"maps"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// introspect adds the fields by which a client asks for the schema itself.
func introspect(schema *ast.Schema, fields map[string]any) map[string]any {
	fields["__schema"] = resolver(func(map[string]any) (any, error) { return showSchema(schema), nil })
	fields["__type"] = resolver(func(arguments map[string]any) (any, error) {
		name, _ := arguments["name"].(string)
		return showType(schema, schema.Types[name]), nil
	})
	return fields
}

func showSchema(schema *ast.Schema) object {
	types, directives := []any{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		types = append(types, showType(schema, schema.Types[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Directives)) {
		directive := schema.Directives[name]
		locations := []any{}
		for _, each := range directive.Locations {
			locations = append(locations, string(each))
		}
		directives = append(directives, object{"__Directive", map[string]any{
			"name": name, "description": orNull(directive.Description), "locations": locations,
			"args": showArguments(schema, directive.Arguments), "isRepeatable": directive.IsRepeatable,
		}})
	}
	return object{"__Schema", map[string]any{
		"types": types, "directives": directives, "description": nil, "queryType": showType(schema, schema.Query),
		"mutationType": showType(schema, schema.Mutation), "subscriptionType": nil,
	}}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// showType resolves what lies behind a type only when asked: types refer to each other.
func showType(schema *ast.Schema, of *ast.Definition) any {
	if of == nil {
		return nil
	}
	list := func(kinds []ast.DefinitionKind, items func() []any) resolver {
		return func(map[string]any) (any, error) {
			if !slices.Contains(kinds, of.Kind) {
				return nil, nil
			}
			return items(), nil
		}
	}
	composite := []ast.DefinitionKind{ast.Object, ast.Interface}
	return object{"__Type", map[string]any{
		"kind": string(of.Kind), "name": of.Name, "description": orNull(of.Description), "ofType": nil, "specifiedByURL": nil, "isOneOf": nil,
		"fields": list(composite, func() []any {
			fields := []any{}
			for _, field := range of.Fields {
				if len(field.Name) < 2 || field.Name[:2] != "__" {
					fields = append(fields, object{"__Field", map[string]any{
						"name": field.Name, "description": orNull(field.Description), "args": showArguments(schema, field.Arguments),
						"type": showReference(schema, field.Type), "isDeprecated": false, "deprecationReason": nil,
					}})
				}
			}
			return fields
		}),
		"interfaces": list(composite, func() []any { return showTypes(schema, schema.GetImplements(of)) }),
		"possibleTypes": list([]ast.DefinitionKind{ast.Interface, ast.Union}, func() []any {
			return showTypes(schema, schema.GetPossibleTypes(of))
		}),
		"enumValues": list([]ast.DefinitionKind{ast.Enum}, func() []any {
			values := []any{}
			for _, each := range of.EnumValues {
				values = append(values, object{"__EnumValue", map[string]any{
					"name": each.Name, "description": orNull(each.Description), "isDeprecated": false, "deprecationReason": nil,
				}})
			}
			return values
		}),
		"inputFields": list([]ast.DefinitionKind{ast.InputObject}, func() []any {
			inputs := []any{}
			for _, field := range of.Fields {
				inputs = append(inputs, showInput(schema, field.Name, field.Description, field.Type, field.DefaultValue))
			}
			return inputs
		}),
	}}
}

func showTypes(schema *ast.Schema, of []*ast.Definition) []any {
	types := []any{}
	for _, each := range of {
		types = append(types, showType(schema, each))
	}
	return types
}

func showReference(schema *ast.Schema, of *ast.Type) any {
	wrap := func(kind string, inner ast.Type) object {
		return object{"__Type", map[string]any{
			"kind": kind, "name": nil, "ofType": resolver(func(map[string]any) (any, error) { return showReference(schema, &inner), nil }),
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
	return showType(schema, schema.Types[of.NamedType])
}

func showArguments(schema *ast.Schema, of ast.ArgumentDefinitionList) []any {
	arguments := []any{}
	for _, each := range of {
		arguments = append(arguments, showInput(schema, each.Name, each.Description, each.Type, each.DefaultValue))
	}
	return arguments
}

func showInput(schema *ast.Schema, name, description string, of *ast.Type, fallback *ast.Value) object {
	var value any
	if fallback != nil {
		value = fallback.String()
	}
	return object{"__InputValue", map[string]any{
		"name": name, "description": orNull(description), "type": showReference(schema, of), "defaultValue": value,
		"isDeprecated": false, "deprecationReason": nil,
	}}
}
