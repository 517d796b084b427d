package gitremote_test

import (
	"errors"
	"fmt"
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
	git(t, r.Path, "update-ref", "refs/pull/1/head", second)
	return listRefs(t, r.Path), r.Commits["first"], second, feature
}

// git runs a command in a repository and returns its output.
func git(t *testing.T, directory string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", append([]string{"-C", directory}, arguments...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_AUTHOR_NAME=Automation", "GIT_AUTHOR_EMAIL=automation@example.com", "GIT_COMMITTER_NAME=Automation", "GIT_COMMITTER_EMAIL=automation@example.com")
	output, err := command.Output()
	must(t, err)
	return strings.TrimSpace(string(output))
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
	copied := branch("main", second)
	copied.Copied = true
	commit := gitremote.Ref{Name: feature, Kind: gitremote.Commit, Commit: feature}
	unadvertised := func(name, commit string) gitremote.Ref {
		return gitremote.Ref{Name: name, Kind: gitremote.Commit, Commit: commit, Unadvertised: true}
	}
	for ref, want := range map[string]gitremote.Ref{
		"main":                            branch("main", second),
		"feature/bgp":                     branch("feature/bgp", feature),
		"both":                            branch("both", second),
		"refs/tags/both":                  tag("both", first),
		"v1.9.0":                          tag("v1.9.0", first),
		"tags/v1.9.0":                     tag("v1.9.0", first),
		"v1.10.0":                         annotatedTag("v1.10.0", first),
		"refs/tags/v1.10.0":               annotatedTag("v1.10.0", first),
		"refs/heads/main":                 copied,
		"heads/main":                      copied,
		"refs/remotes/origin/feature/bgp": branch("feature/bgp", feature),
		"remotes/origin/feature/bgp":      branch("feature/bgp", feature),
		"origin/feature/bgp":              branch("feature/bgp", feature),
		"HEAD":                            branch("HEAD", second),
		"@":                               branch("HEAD", second),
		"origin":                          branch("HEAD", second),
		"origin/HEAD":                     branch("HEAD", second),
		feature:                           commit,
		strings.ToUpper(feature):          commit,
		feature[:7]:                       commit,
		strings.ToUpper(feature[:12]):     commit,
		"v1.9.0-3-g" + feature[:7]:        commit,
		feature + "^0":                    commit,
		strings.ToUpper(unknown):          unadvertised(unknown, unknown),
		unknown[:7]:                       unadvertised(unknown[:7], ""),
		"v1.9.0-3-g" + unknown[:7]:        unadvertised("v1.9.0-3-g"+unknown[:7], ""),
		"v1.10.0^{commit}":                annotatedTag("v1.10.0", first),
		"v1.10.0^{}":                      annotatedTag("v1.10.0", first),
		"v1.10.0^0":                       annotatedTag("v1.10.0", first),
		"v1.10.0~0":                       annotatedTag("v1.10.0", first),
		"main^0~0^{}":                     branch("main", second),
		"main~1":                          unadvertised("main~1", ""),
		"v1.10.0^":                        unadvertised("v1.10.0^", ""),
		"main@{1}^0":                      unadvertised("main@{1}^0", ""),
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
		{"v1.9.1^{}", "v1.9.0", `no branch or tag "v1.9.1"; the nearest are v1.9.0`},
		{"v1.9.1~2", "v1.9.0", `no branch or tag "v1.9.1"`},
		{"^main", "", `no branch or tag ""`},
		{" main ", "main", "no branch or tag"},
		{"", "", "no branch or tag"},
		{first[:3], "", "no branch or tag"},
		{first + "0", "", "no branch or tag"},
		{strings.Repeat("x", 40), "", "no branch or tag"},
	} {
		t.Run(test.ref, func(t *testing.T) {
			t.Parallel()
			_, err := refs.Resolve(test.ref)
			notFound, ok := errors.AsType[*gitremote.RefNotFoundError](err)
			name, _, _ := strings.Cut(strings.ReplaceAll(test.ref, "~", "^"), "^")
			if !ok || notFound.Ref != name || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v, want %q", err, test.text)
			}
			if test.nearest != "" && notFound.Nearest[0] != test.nearest {
				t.Errorf("the nearest are %q, want %q first", notFound.Nearest, test.nearest)
			}
		})
	}
}

func TestResolve_HashOfATagObject(t *testing.T) {
	t.Parallel()
	r := newRemote(t, t.TempDir(), "r.git")
	r.AnnotatedTag(t, "v1.0.0")
	git(t, r.Path, "tag", "-a", "-m", "A tag of a tag", "stable", "v1.0.0")
	refs := listRefs(t, r.Path)
	for _, name := range []string{"v1.0.0", "stable"} {
		object := git(t, r.Path, "rev-parse", name)
		for _, ref := range []string{name, object, strings.ToUpper(object), object[:8], object + "^{commit}"} {
			got, err := refs.Resolve(ref)
			must(t, err)
			wantEqual(t, ref+" of "+name, annotatedTag(name, r.Commits["first"]), got)
		}
	}
}

func TestResolve_AbbreviatedHashOfSeveralCommits(t *testing.T) {
	t.Parallel()
	r := newRemote(t, t.TempDir(), "r.git")
	seen := map[string]string{}
	for n := 0; ; n++ {
		tag := fmt.Sprintf("v1.0.%d", n)
		r.Release(t, tag, nil)
		commit := r.Commits[tag]
		if other, again := seen[commit[:4]]; again {
			_, err := listRefs(t, r.Path).Resolve(commit[:4])
			ambiguous, ok := errors.AsType[*gitremote.RefNotFoundError](err)
			if !ok || len(ambiguous.Ambiguous) != 2 || !strings.Contains(err.Error(), commit) || !strings.Contains(err.Error(), other) {
				t.Errorf("got %v", err)
			}
			return
		}
		seen[commit[:4]] = commit
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
