package mockserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const seed = `
tags:
  - name: blue
    description: Sky
credentials:
  - name: git
    username: bot
    password: pw
repositories:
  - name: writable
    location: %[1]s/writable.git
    credential: git
    tags: [blue]
read_only_repositories:
  - id: 6f1a1c37-5b0a-4c47-9d56-0d3f3f1f5b1c
    name: pinned
    location: %[1]s/pinned.git
    ref: v1.0.0
branches:
  - name: release
    description: Next
`

func TestSeed_CreatesItsObjects(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	newRemote(t, root, "writable.git")
	pinned := newRemote(t, root, "pinned.git")
	m := start(t, mockserver.Options{})
	parsed, err := mockserver.ParseSeed(fmt.Appendf(nil, seed, root))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.ApplySeed(t.Context(), parsed); err != nil {
		t.Fatal(err)
	}
	const query = `{BuiltinTag{edges{node{hfid description{value}}}} CorePasswordCredential{edges{node{hfid username{value} password{value}}}}
		CoreRepository{edges{node{hfid credential{node{hfid}} tags{edges{node{hfid}}}}}} CoreReadOnlyRepository{edges{node{id ref{value} commit{value}}}}}`
	want := `{"BuiltinTag":{"edges":[{"node":{"description":{"value":"Sky"},"hfid":["blue"]}}]},` +
		`"CorePasswordCredential":{"edges":[{"node":{"hfid":["git"],"password":{"value":"pw"},"username":{"value":"bot"}}}]},` +
		`"CoreReadOnlyRepository":{"edges":[{"node":{"commit":{"value":"` + pinned.Commits["v1.0.0"] + `"},"id":"6f1a1c37-5b0a-4c47-9d56-0d3f3f1f5b1c","ref":{"value":"v1.0.0"}}}]},` +
		`"CoreRepository":{"edges":[{"node":{"credential":{"node":{"hfid":["git"]}},"hfid":["writable"],"tags":{"edges":[{"node":{"hfid":["blue"]}}]}}}]}}`
	for _, branch := range []string{"main", "release"} { // the branch was created after the imports
		if got := m.Post(t, branch, query).JSON(t, "data"); got != want {
			t.Errorf("on %s: got %s\nwant %s", branch, got, want)
		}
	}
}

func TestSeed_Refused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, content, want string }{
		{"syntax", "tags: [\n", "line 1: did not find expected node content"},
		{"unknown list", "tag: []\n", "line 1: field tag not found"},
		{"unknown field", "tags:\n  - name: a\n    colour: b\n", "line 3: field colour not found"},
		{"wrong type", "tags:\n  - name: [a]\n", "line 2: cannot unmarshal !!seq into string"},
		{"two documents", "tags: []\n---\ntags: []\n", "there is more than one document"},
		{"ref of a read-write one", "repositories:\n  - name: a\n    ref: v1\n", "line 2: repositories: a read-write repository has a default_branch, no ref"},
		{"default branch of a read-only one", "read_only_repositories:\n  - name: a\n    default_branch: v1\n", "line 2: read_only_repositories: a read-only repository has a ref, no default_branch"},
		{"no name", "tags:\n  - name: a\n  - description: b\n", "line 3: tags: name is mandatory for BuiltinTag at name"},
		{"twice", "credentials:\n- name: a\n- name: b\n- name: a\n", "line 4: credentials: Violates uniqueness constraint 'name'"},
		{"unknown credential", "repositories:\n  - name: a\n    location: none\n    credential: git\n", "line 2: repositories: Unable to find the node git / CoreCredential in the database."},
		{"no remote", "repositories:\n  - name: a\n    location: http://127.0.0.1:9/a.git\n", "line 2: repositories: Unable to clone the repository a, please check the address and the credential"},
		{"bad branch", "branches:\n  - name: a b c\n", "line 2: branches: Branch name contains invalid patterns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := mockserver.ParseSeed([]byte(test.content))
			if err == nil {
				err = start(t, mockserver.Options{}).ApplySeed(t.Context(), parsed)
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
