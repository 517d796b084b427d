package graphql_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A field without omitempty would be sent as null, which clears a relationship (infrahub-behaviour.md, Writing 4).
func TestInputs_LeaveOutWhatIsNotSet(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "generated.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	inputs := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok || !strings.HasSuffix(spec.Name.Name, "CreateInput") && !strings.HasSuffix(spec.Name.Name, "UpdateInput") {
			return true
		}
		input, ok := spec.Type.(*ast.StructType)
		if !ok {
			t.Errorf("%s is no struct", spec.Name.Name)
			return true
		}
		inputs++
		for _, field := range input.Fields.List {
			for _, name := range field.Names {
				if options := jsonTag(t, field); !slices.Contains(options[1:], "omitempty") {
					t.Errorf("%s.%s has the JSON tag %q, without omitempty", spec.Name.Name, name.Name, strings.Join(options, ","))
				}
			}
		}
		return true
	})
	if inputs < 12 {
		t.Errorf("found the inputs of %d mutations, want at least a create and an update of six kinds", inputs)
	}
}

// jsonTag returns the name and the options of a field's JSON tag.
func jsonTag(t *testing.T, field *ast.Field) []string {
	t.Helper()
	if field.Tag == nil {
		return []string{""}
	}
	text, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(reflect.StructTag(text).Get("json"), ",")
}
