package mockserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

func TestImport_Objects(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	root := t.TempDir()
	r := mocktest.NewRemote(t, root, "r.git")
	for _, each := range []struct {
		tag   string
		files map[string]string
	}{
		{"one", mocktest.QueryFiles("q", "1")},
		{"two", mocktest.QueryFiles("q", "2")},
		{"renamed", mocktest.QueryFiles("p", "2")},
		{"nothing", map[string]string{".infrahub.yaml": ""}},
		{"shape", map[string]string{".infrahub.yml": "queries: 5\nfoo: x\n"}},
		{"path", map[string]string{".infrahub.yml": mocktest.QueryFiles("q", "1")[".infrahub.yml"]}},
		{"missing", map[string]string{"README": "x"}},
		{"taken", mocktest.QueryFiles("taken", "mine")},
	} {
		r.Release(t, each.tag, each.files)
	}
	m.createReadOnly(t, newRemote(t, root, "taken.git"), "owner", "v1.0.0")
	id := m.importReadOnly(t, r, "r", "one")
	for _, test := range []struct{ ref, queries, reason string }{
		{"one", `["query { BuiltinTag { count } } # 1"]`, ""},
		{"two", `["query { BuiltinTag { count } } # 2"]`, ""},
		{"renamed", `["query { BuiltinTag { count } } # 2"]`, ""},
		{"nothing", `[]`, ""},
		{"shape", `[]`, `2 validation errors for InfrahubRepositoryConfig\\nqueries\\n  Input should be a valid list [type=list_type, input_value=5, input_type=int]`},
		{"path", `[]`, `RepositoryFileNotFoundError: File 'queries/q.gql' does not exist.`},
		{"missing", `[]`, `Repository 'r' is missing a configuration file. Please add a '.infrahub.yml' or '.infrahub.yaml' file to the repository root.`},
		{"taken", `[]`, `"Violates uniqueness constraint \'name\'"`},
	} {
		m.changeRef(t, "main", id, test.ref)
		m.WaitForTasks(t)
		got := m.Ask(t, `{CoreGraphQLQuery{edges{node{query{value} repository{node{id}}}}}}`)
		var queries []string
		for i := range 3 {
			node := fmt.Sprintf("data.CoreGraphQLQuery.edges.%d.node.", i)
			if got.At(node+"repository.node.id") == id {
				queries = append(queries, `"`+got.Text(node+"query.value")+`"`)
			}
		}
		if listed := "[" + strings.Join(queries, ",") + "]"; listed != test.queries {
			t.Errorf("%s: the queries are %s, want %s", test.ref, listed, test.queries)
		}
		if test.reason != "" {
			if reason := m.failureReason(t, id, pull); !strings.Contains(reason, strings.ReplaceAll(test.reason, `\\n`, `\n`)) {
				t.Errorf("%s: the reason is %s", test.ref, reason)
			}
		}
	}
}
