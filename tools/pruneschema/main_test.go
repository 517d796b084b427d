package main

import (
	"strings"
	"testing"
)

const full = `
"An object with a name."
interface Named {
  name: String
}

interface Tracked {
  since: Int
}

type Query {
  repository(ids: [ID], "Maximum number of results." limit: Int): Repository
  tag: Tag
}

"A Git repository."
type Repository implements Named & Tracked {
  name: String
  since: Int
  "URL of the repository."
  location: String
  tag: Tag
  status: Status
}

type Tag {
  name: String
  color: String
}

input RepositoryInput {
  name: String
  location: String
}

enum Status {
  ACTIVE
  INACTIVE
}
`

func TestPrune_KeepsListedNames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		keep string
		want string
	}{
		"fields, in the order of the keep file": {
			keep: "Query: repository\nRepository: location name",
			want: `type Query {
  repository: Repository
}
"""
A Git repository.
"""
type Repository {
  """
  URL of the repository.
  """
  location: String
  name: String
}
`,
		},
		"a type without fields is kept whole": {
			keep: "Query: tag\nTag:",
			want: `type Query {
  tag: Tag
}
type Tag {
  name: String
  color: String
}
`,
		},
		"arguments": {
			keep: "Query: repository(limit)\nRepository: name",
			want: `type Query {
  repository(
    """
    Maximum number of results.
    """
    limit: Int
  ): Repository
}
"""
A Git repository.
"""
type Repository {
  name: String
}
`,
		},
		"input fields and enum values": {
			keep: "Query: tag\nTag: name\nRepositoryInput: name\nStatus: INACTIVE",
			want: `type Query {
  tag: Tag
}
type Tag {
  name: String
}
input RepositoryInput {
  name: String
}
enum Status {
  INACTIVE
}
`,
		},
		"only the listed interface": {
			keep: "Query: repository\nNamed:\nRepository: name",
			want: `type Query {
  repository: Repository
}
"""
An object with a name.
"""
interface Named {
  name: String
}
"""
A Git repository.
"""
type Repository implements Named {
  name: String
}
`,
		},
		"comments and empty lines are skipped": {
			keep: "# Roots\n\nQuery: tag # and not repository\nTag: name\n",
			want: `type Query {
  tag: Tag
}
type Tag {
  name: String
}
`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := prune(test.keep, full)
			if err != nil {
				t.Fatal(err)
			}
			_, got, _ = strings.Cut(got, "DO NOT EDIT.\n\n")
			if got != test.want {
				t.Errorf("pruned to\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestPrune_Errors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		keep string
		full string
		want []string
	}{
		"a missing type": {
			keep: "Query: tag\nBranch: name",
			want: []string{"the schema has no type Branch"},
		},
		"all missing fields": {
			keep: "Query: tag\nTag: name size weight",
			want: []string{"type Tag has no field size", "type Tag has no field weight"},
		},
		"a missing enum value": {
			keep: "Query: tag\nTag: name\nStatus: ACTIVE STAGING",
			want: []string{"type Status has no field STAGING"},
		},
		"a missing argument": {
			keep: "Query: repository(ids offset)\nRepository: name",
			want: []string{"field Query.repository has no argument offset"},
		},
		"a kept field whose type is not kept": {
			keep: "Query: repository\nRepository: name tag",
			want: []string{"is not valid on its own", "Undefined type Tag"},
		},
		"a type that lacks a field of its interface": {
			keep: "Query: repository\nNamed: name\nRepository: location",
			want: []string{"is not valid on its own", "name"},
		},
		"a schema with a syntax error": {
			keep: "Query: tag",
			full: "type Query {",
			want: []string{"read the schema"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := full
			if test.full != "" {
				schema = test.full
			}
			pruned, err := prune(test.keep, schema)
			if err == nil {
				t.Fatalf("no error; pruned to\n%s", pruned)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not contain %q", err, want)
				}
			}
		})
	}
}

func TestPrune_IsIdempotent(t *testing.T) {
	t.Parallel()
	const keep = "Query: repository(ids limit)\nNamed: name\nRepository: name location status\nStatus:"
	once, err := prune(keep, full)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := prune(keep, once)
	if err != nil {
		t.Fatal(err)
	}
	if once != twice {
		t.Errorf("pruned once\n%s\ntwice\n%s", once, twice)
	}
}

func TestPruneKinds_KeepsListedNames(t *testing.T) {
	t.Parallel()
	const full = `{"main":"hash","profiles":[{"kind":"ProfileTag"}],"templates":[],
		"nodes":[{"id":"1","kind":"Tag","attributes":[{"id":"2","name":"name"},{"name":"color"}],"relationships":[{"name":"groups"}]},{"kind":"Group"}],
		"generics":[{"kind":"Named","used_by":["Tag","Group"],"attributes":[],"relationships":[]}]}`
	got, err := pruneKinds("Query: Tag Named\nTag: id name\nNamed: name\nGroup: name", full)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"generics":[{"attributes":[],"kind":"Named","relationships":[],"used_by":["Tag"]}],"main":"hash",` +
		`"nodes":[{"attributes":[{"id":null,"name":"name"}],"id":null,"kind":"Tag","relationships":[]}],"profiles":[],"templates":[]}`
	if compact := strings.Join(strings.Fields(strings.ReplaceAll(got, ": ", ":")), ""); compact != want {
		t.Errorf("got %s, want %s", compact, want)
	}
}
