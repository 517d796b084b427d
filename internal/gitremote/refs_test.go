package gitremote_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

// tagged returns the refs of a repository with these tags.
func tagged(t *testing.T, tags ...string) *gitremote.Refs {
	t.Helper()
	made, _ := newRepository(t, t.TempDir(), "r.git")
	for _, tag := range tags {
		done(t, made.Tag(tag))
	}
	return asked(t, made.Path)
}

func asked(t *testing.T, path string) *gitremote.Refs {
	t.Helper()
	refs, err := gitremote.Remote{Location: path}.Refs(t.Context())
	done(t, err)
	return refs
}

// versatile is a repository with every sort of ref: main is the branch of HEAD, and "both" is a branch of
// main and a tag of its first commit.
func versatile(t *testing.T) (refs *gitremote.Refs, first, second, feature string) {
	t.Helper()
	made, first := newRepository(t, t.TempDir(), "r.git")
	for _, tag := range []string{"v1.9.0", "both"} {
		done(t, made.Tag(tag))
	}
	done(t, made.AnnotatedTag("v1.10.0"))
	done(t, made.Branch("feature/bgp"))
	feature = commit(t, made, "f")
	done(t, made.Branch("main"))
	second = commit(t, made, "2")
	done(t, made.Branch("both"))
	pull := exec.CommandContext(t.Context(), "git", "-C", made.Path, "update-ref", "refs/pull/1/head", second)
	pull.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	done(t, pull.Run())
	return asked(t, made.Path), first, second, feature
}

func TestResolve(t *testing.T) {
	t.Parallel()
	refs, first, second, feature := versatile(t)
	branch := func(name, commit string) gitremote.Ref {
		return gitremote.Ref{Name: name, Kind: gitremote.Branch, Commit: commit}
	}
	tag := gitremote.Ref{Name: "v1.9.0", Kind: gitremote.Tag, Commit: first}
	annotated := gitremote.Ref{Name: "v1.10.0", Kind: gitremote.Tag, Commit: first, Annotated: true}
	some := strings.Repeat("0a", 20)
	for ref, want := range map[string]gitremote.Ref{
		"main":                            branch("main", second),
		"feature/bgp":                     branch("feature/bgp", feature),
		"both":                            branch("both", second),
		"refs/tags/both":                  {Name: "both", Kind: gitremote.Tag, Commit: first},
		"v1.9.0":                          tag,
		"tags/v1.9.0":                     tag,
		"v1.10.0":                         annotated,
		"refs/tags/v1.10.0":               annotated,
		"refs/heads/main":                 branch("main", second),
		"heads/main":                      branch("main", second),
		"refs/remotes/origin/feature/bgp": branch("feature/bgp", feature),
		"origin/feature/bgp":              branch("feature/bgp", feature),
		"HEAD":                            branch("HEAD", second),
		feature:                           {Name: feature, Kind: gitremote.Commit, Commit: feature},
		strings.ToUpper(some):             {Name: some, Kind: gitremote.Commit, Commit: some},
	} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			got, err := refs.Resolve(ref)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestResolve_RefThatInfrahubCannotFind(t *testing.T) {
	t.Parallel()
	refs, first, _, _ := versatile(t)
	for _, test := range []struct{ ref, nearest, says string }{
		{"v1.9.1", "v1.9.0", `no branch or tag "v1.9.1"; the nearest are v1.9.0, `},
		{"refs/heads/feature/bgp", "feature/bgp", "the nearest are feature/bgp"},
		{"refs/pull/1/head", "", "no branch or tag"},
		{"v1.9.0^{}", "v1.9.0", "the nearest are v1.9.0"},
		{"", "", "no branch or tag"},
		{first[:7], "", "a commit needs all of its 40 digits"},
		{first + "0", "", "no branch or tag"},
	} {
		t.Run(test.ref, func(t *testing.T) {
			t.Parallel()
			_, err := refs.Resolve(test.ref)
			var missing *gitremote.RefNotFoundError
			if !errors.As(err, &missing) || missing.Ref != test.ref || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want %q", err, test.says)
			}
			if test.nearest != "" && missing.Nearest[0] != test.nearest {
				t.Errorf("the nearest are %q, want %q first", missing.Nearest, test.nearest)
			}
		})
	}
}

func TestResolve_EmptyRepository(t *testing.T) {
	t.Parallel()
	_, err := (&gitremote.Refs{}).Resolve("main")
	var missing *gitremote.RefNotFoundError
	if !errors.As(err, &missing) || len(missing.Nearest) > 0 || strings.Contains(err.Error(), "nearest") {
		t.Errorf("got %v", err)
	}
}

func TestTags_AreSortedAndPeeled(t *testing.T) {
	t.Parallel()
	refs, first, second, feature := versatile(t)
	tags := []gitremote.Ref{
		{Name: "both", Kind: gitremote.Tag, Commit: first},
		{Name: "v1.10.0", Kind: gitremote.Tag, Commit: first, Annotated: true},
		{Name: "v1.9.0", Kind: gitremote.Tag, Commit: first},
	}
	branches := []gitremote.Ref{
		{Name: "both", Kind: gitremote.Branch, Commit: second},
		{Name: "feature/bgp", Kind: gitremote.Branch, Commit: feature},
		{Name: "main", Kind: gitremote.Branch, Commit: second},
	}
	if diff := cmp.Diff(tags, refs.Tags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(branches, refs.Branches()); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
}
