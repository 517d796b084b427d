package infrahub

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// The rule of nullable holds for every object that the documents select: the schema promises all others. The results of
// mutations are promised by the server alone, which answers either with them or with an error.
func TestNullable_IsWhatTheSchemaSays(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("graphql/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: string(content)})
	documents, err := filepath.Glob("graphql/*.graphql")
	if err != nil {
		t.Fatal(err)
	}
	objects := 0
	var check func(place string, selections ast.SelectionSet)
	check = func(place string, selections ast.SelectionSet) {
		for _, selection := range selections {
			switch selection := selection.(type) {
			case *ast.Field:
				field, definition := selection.Definition.Type, schema.Types[selection.Definition.Type.Name()]
				where := place + "." + selection.Name
				// The schema lets the server leave out the list of a relationship, as it never does.
				ofRelationship := strings.HasPrefix(definition.Name, "NestedEdged") && field.Elem != nil
				if !ofRelationship && definition.IsCompositeType() && !strings.HasSuffix(definition.Name, "Attribute") && definition.Name != "Dropdown" {
					objects++
					if mutated := strings.Count(where, ".") == 1 && !field.NonNull; field.NonNull == nullable(selection.Name) && !mutated {
						t.Errorf("%s has the type %s", where, field)
					}
					if field.Elem != nil && (!field.NonNull || !field.Elem.NonNull) {
						t.Errorf("%s is a list of the type %s", where, field)
					}
				}
				check(where, selection.SelectionSet)
			case *ast.FragmentSpread:
				check(place, selection.Definition.SelectionSet)
			case *ast.InlineFragment:
				check(place, selection.SelectionSet)
			}
		}
	}
	for _, path := range documents {
		if filepath.Base(path) == "schema.graphql" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		document, invalid := gqlparser.LoadQueryWithRules(schema, string(content), rules.NewDefaultRules())
		if invalid != nil {
			t.Fatalf("%s: %v", path, invalid)
		}
		for _, operation := range document.Operations {
			check(operation.Name, operation.SelectionSet)
		}
	}
	if objects < 50 {
		t.Errorf("found %d objects in the documents", objects)
	}
}

func TestLyingServer_TasksWithoutEndAreAnError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		id       func(request, i int) string
		want     string
		requests int
	}{
		"a page that repeats": {func(_, i int) string { return fmt.Sprint(i) }, "the server lists the same tasks again at offset 200", 2},
		"pages without end":   {func(request, i int) string { return fmt.Sprint(request, " ", i) }, "the list of tasks does not end after 100000", maxTaskPages},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := newOffline(t), 0
			client.graphql.http.HTTPClient.Transport = roundTripFunc(func(request *http.Request) (*http.Response, error) {
				var edges []string
				for i := range tasksPerPage {
					edges = append(edges, fmt.Sprintf(`{"node":{"id":%q}}`, test.id(requests, i)))
				}
				requests++
				body := `{"data":{"InfrahubTask":{"edges":[` + strings.Join(edges, ",") + `]}}}`
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: request}, nil
			})
			_, err := client.tasks.list(t.Context(), time.Now())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if requests != test.requests {
				t.Errorf("%d requests, want %d", requests, test.requests)
			}
		})
	}
}

// A terminal would obey what a server hides in its messages.
func TestPrintable_LeavesOutControlCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain":                      "plain",
		"two\nlines\twith a tab\r\n": "two\nlines\twith a tab",
		"\x1b[2J\x1b]0;title\x07red": "[2J]0;titlered",
		"a\u202eb\u2066c":            "abc",
		"\xff":                       "\uFFFD",
		strings.Repeat("é", 60):      strings.Repeat("é", 50) + "…",
	} {
		if got := printable(text, 101); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
