package gitremote_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// refsOfTags returns the refs of a repository with a branch main and these tags.
func refsOfTags(t *testing.T, tags ...string) *gitremote.Refs {
	t.Helper()
	return listRefs(t, mocktest.NewRemote(t, t.TempDir(), "r.git", tags...).Path)
}

// listRefs lists the refs of a remote that needs no credential.
func listRefs(t *testing.T, location string) *gitremote.Refs {
	t.Helper()
	refs, err := gitremote.Remote{Location: location}.Refs(t.Context())
	must(t, err)
	return refs
}

// allKindsOfRefs returns the refs of a repository with every kind of ref, and its commits. HEAD names the branch
// main, "both" is a branch at the newest commit of main and a tag of its first commit.
func allKindsOfRefs(t *testing.T) (refs *gitremote.Refs, first, second, feature string) {
	t.Helper()
	r := newRemote(t, t.TempDir(), "r.git")
	for _, tag := range []string{"v1.9.0", "both"} {
		r.Tag(t, tag)
	}
	r.AnnotatedTag(t, "v1.10.0")
	r.Branch(t, "feature/bgp")
	feature = r.Commit(t, "feature", map[string]string{"file": "f"})
	r.Branch(t, "main")
	second = r.Commit(t, "second", map[string]string{"file": "2"})
	r.Branch(t, "both")
	pull := exec.CommandContext(t.Context(), "git", "-C", r.Path, "update-ref", "refs/pull/1/head", second)
	pull.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	must(t, pull.Run())
	return listRefs(t, r.Path), r.Commits["first"], second, feature
}

func branch(name, commit string) gitremote.Ref {
	return gitremote.Ref{Name: name, Kind: gitremote.Branch, Commit: commit}
}

func tag(name, commit string) gitremote.Ref {
	return gitremote.Ref{Name: name, Kind: gitremote.Tag, Commit: commit}
}

func annotatedTag(name, commit string) gitremote.Ref {
	return gitremote.Ref{Name: name, Kind: gitremote.Tag, Commit: commit, Annotated: true}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	refs, first, second, feature := allKindsOfRefs(t)
	unknown := strings.Repeat("0a", 20)
	for ref, want := range map[string]gitremote.Ref{
		"main":                            branch("main", second),
		"feature/bgp":                     branch("feature/bgp", feature),
		"both":                            branch("both", second),
		"refs/tags/both":                  tag("both", first),
		"v1.9.0":                          tag("v1.9.0", first),
		"tags/v1.9.0":                     tag("v1.9.0", first),
		"v1.10.0":                         annotatedTag("v1.10.0", first),
		"refs/tags/v1.10.0":               annotatedTag("v1.10.0", first),
		"refs/heads/main":                 branch("main", second),
		"heads/main":                      branch("main", second),
		"refs/remotes/origin/feature/bgp": branch("feature/bgp", feature),
		"origin/feature/bgp":              branch("feature/bgp", feature),
		"HEAD":                            branch("HEAD", second),
		feature:                           {Name: feature, Kind: gitremote.Commit, Commit: feature},
		strings.ToUpper(unknown):          {Name: unknown, Kind: gitremote.Commit, Commit: unknown},
	} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			got, err := refs.Resolve(ref)
			must(t, err)
			wantEqual(t, "ref", want, got)
		})
	}
}

func TestResolve_RefThatInfrahubCannotFind(t *testing.T) {
	t.Parallel()
	refs, first, _, _ := allKindsOfRefs(t)
	for _, test := range []struct{ ref, nearest, text string }{
		{"v1.9.1", "v1.9.0", `no branch or tag "v1.9.1"; the nearest are v1.9.0, `},
		{"refs/heads/feature/bgp", "feature/bgp", "the nearest are feature/bgp"},
		{"refs/pull/1/head", "", "no branch or tag"},
		{"v1.9.0^{}", "v1.9.0", "the nearest are v1.9.0"},
		{"", "", "no branch or tag"},
		{first[:7], "", "a commit needs all of its 40 digits"},
		{first + "0", "", "no branch or tag"},
		{strings.Repeat("x", 40), "", "no branch or tag"},
	} {
		t.Run(test.ref, func(t *testing.T) {
			t.Parallel()
			_, err := refs.Resolve(test.ref)
			notFound, ok := errors.AsType[*gitremote.RefNotFoundError](err)
			if !ok || notFound.Ref != test.ref || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v, want %q", err, test.text)
			}
			if test.nearest != "" && notFound.Nearest[0] != test.nearest {
				t.Errorf("the nearest are %q, want %q first", notFound.Nearest, test.nearest)
			}
		})
	}
}

func TestResolve_EmptyRepository(t *testing.T) {
	t.Parallel()
	_, err := (&gitremote.Refs{}).Resolve("main")
	notFound, ok := errors.AsType[*gitremote.RefNotFoundError](err)
	if !ok || len(notFound.Nearest) > 0 || strings.Contains(err.Error(), "nearest") {
		t.Errorf("got %v", err)
	}
}

func TestRefs_AreSortedAndTagsArePeeled(t *testing.T) {
	t.Parallel()
	refs, first, second, feature := allKindsOfRefs(t)
	wantEqual(t, "tags", []gitremote.Ref{tag("both", first), annotatedTag("v1.10.0", first), tag("v1.9.0", first)}, refs.Tags())
	wantEqual(t, "branches", []gitremote.Ref{branch("both", second), branch("feature/bgp", feature), branch("main", second)}, refs.Branches())
}
