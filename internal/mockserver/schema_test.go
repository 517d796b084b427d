package mockserver

import (
	"encoding/json"
	"slices"
	"testing"
)

// Each kind of the mock has its attributes and relationships in the GraphQL schema and in the answer to GET /api/schema, and no
// others, so that no client asks for what is not imitated.
func TestSchema_HasTheKinds(t *testing.T) {
	t.Parallel()
	schema, err := loadSchema()
	if err != nil {
		t.Fatal(err)
	}
	var told struct{ Nodes, Generics json.RawMessage }
	if err := json.Unmarshal(kindsText, &told); err != nil {
		t.Fatal(err)
	}
	nodes := kindSchemas(told.Nodes)
	if len(nodes) != len(newKinds()) {
		t.Errorf("GET /api/schema tells of %d kinds, want %d", len(nodes), len(newKinds()))
	}
	for _, k := range newKinds() {
		var want []string
		for _, a := range k.attributes {
			if a.name != checkSource {
				want = append(want, a.name)
			}
		}
		for _, r := range k.relationships {
			want = append(want, r.name)
		}
		slices.Sort(want)
		var fields []string
		for _, field := range schema.Types[k.name].Fields {
			if !slices.Contains([]string{"id", "hfid", "display_label"}, field.Name) {
				fields = append(fields, field.Name)
			}
		}
		if slices.Sort(fields); !slices.Equal(fields, want) {
			t.Errorf("%s has the fields %v, want %v", k.name, fields, want)
		}
		if names := toldFields(t, nodes, k.name); !slices.Equal(names, want) {
			t.Errorf("GET /api/schema tells of %s %v, want %v", k.name, names, want)
		}
		for _, name := range []string{k.name, k.family()} {
			if schema.Query.Fields.ForName(name) == nil {
				t.Errorf("%s cannot be queried", name)
			}
		}
	}
}

// toldFields returns the attributes and relationships that GET /api/schema tells of a kind, sorted.
func toldFields(t *testing.T, nodes []kindSchema, kind string) []string {
	t.Helper()
	var names []string
	for _, node := range nodes {
		if node.kind != kind {
			continue
		}
		var parsed struct{ Attributes, Relationships []struct{ Name string } }
		if err := json.Unmarshal(node.text, &parsed); err != nil {
			t.Fatal(err)
		}
		for _, field := range slices.Concat(parsed.Attributes, parsed.Relationships) {
			names = append(names, field.Name)
		}
	}
	slices.Sort(names)
	return names
}

func TestSchema_WholeSchemaCanBeLoaded(t *testing.T) {
	t.Parallel()
	whole, err := loadWholeSchema()
	if err != nil || whole.Query.Fields.ForName("CoreStandardGroup") == nil {
		t.Errorf("got %v", err)
	}
}
