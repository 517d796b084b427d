package provider

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// runGit runs a Git command in a repository.
func runGit(t *testing.T, r *mocktest.Remote, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", append([]string{"-C", r.Path}, arguments...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_AUTHOR_NAME=Automation", "GIT_AUTHOR_EMAIL=automation@example.com", "GIT_COMMITTER_NAME=Automation", "GIT_COMMITTER_EMAIL=automation@example.com")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v: %s", arguments, err, output)
	}
}

// newRemoteOfForms returns a remote with an annotated tag v1.1.1 and a tag of that, stable, both at v1.1.0, and a later commit on main.
func newRemoteOfForms(t *testing.T) *mocktest.Remote {
	t.Helper()
	r := newRemote(t)
	r.AnnotatedTag(t, "v1.1.1")
	runGit(t, r, "tag", "-a", "-m", "A tag of a tag", "stable", "v1.1.1")
	r.Release(t, "between", nil)
	runGit(t, r, "tag", "-d", "between")
	r.Commit(t, "main", map[string]string{".infrahub.yml": "queries: []\n", "main": "main"})
	return r
}

// copyRemote copies a remote and returns the path of the copy, because a location is unique.
func copyRemote(t *testing.T, r *mocktest.Remote) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.git")
	if err := os.CopyFS(path, os.DirFS(r.Path)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolveRef_EveryFormThatInfrahubImports(t *testing.T) {
	t.Parallel()
	r := newRemoteOfForms(t)
	object, nested := r.TagObject(t, "v1.1.1"), r.TagObject(t, "stable")
	for ref, name := range map[string]string{
		object: "v1.1.0", strings.ToUpper(object): "v1.1.0", object[:8]: "v1.1.0", object + "^{commit}": "v1.1.0",
		nested: "v1.1.0", "stable": "v1.1.0", "v1.1.1": "v1.1.0",
		"refs/tags/v1.0.0": "v1.0.0", "tags/v1.0.0": "v1.0.0", "v1.0.0^{commit}": "v1.0.0", "v1.1.1^0": "v1.1.0", "v1.0.0~0": "v1.0.0",
		"HEAD": "main", "origin/main": "main", "refs/remotes/origin/main": "main",
		r.Commits["v1.0.0"]: "v1.0.0", strings.ToUpper(r.Commits["v1.0.0"]): "v1.0.0", r.Commits["v1.0.0"][:8]: "v1.0.0",
	} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			i := s.connect(t).newInstance(readOnlyType)
			config := resolvedConfig(r, ref)
			plan := i.plan(config)
			if plan.state.text("planned_commit") != r.Commits[name] {
				t.Errorf("planned %v, want commit %s", plan.state, r.Commits[name])
			}
			i.apply(plan).requireNone(t)
			s.WaitForTasks(t)
			i.refresh().requireNone(t)
			if i.state.text("commit") != r.Commits[name] {
				t.Errorf("imported %v, want commit %s", i.state, r.Commits[name])
			}
			i.expectEmptyPlan(config)

			// As an update, from another ref.
			other := s.connect(t).newInstance(readOnlyType)
			other.mustApply(resolvedConfig(r, "main").with(attributes{"name": "other", "location": copyRemote(t, r)}))
			updated := resolvedConfig(r, ref).with(attributes{"name": "other", "location": other.state.text("location")})
			other.mustApply(updated)
			s.WaitForTasks(t)
			other.refresh().requireNone(t)
			other.expectEmptyPlan(updated)
		})
	}
}

func TestResolveRef_HashThatTheRemoteDoesNotAdvertise(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemoteOfForms(t)
	commit := r.Commits["between"]
	i := s.connect(t).newInstance(readOnlyType)
	plan := i.plan(resolvedConfig(r, commit))
	plan.diagnostics.requireNoErrors(t)
	plan.diagnostics.onlyWarning(t).expect(t, "ref", "Git Commit Not Verified", r.Path, commit, "shows only when Infrahub imports it", "Check the hash")
	if plan.state.text("planned_commit") != commit {
		t.Errorf("planned %v", plan.state)
	}
	i.apply(plan).requireNone(t)
	if i.state.text("commit") != commit {
		t.Errorf("imported %v", i.state)
	}
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	i.expectEmptyPlan(resolvedConfig(r, commit)) // once imported it is there
}

func TestResolveRef_CommitThatTheRemoteDoesNotShowIsNotPlanned(t *testing.T) {
	t.Parallel()
	r := newRemoteOfForms(t)
	for _, ref := range []string{r.Commits["between"][:8], "main~1"} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			i := s.connect(t).newInstance(readOnlyType)
			config := resolvedConfig(r, ref)
			for n := range 2 {
				plan := i.plan(config)
				plan.diagnostics.requireNoErrors(t)
				plan.diagnostics.onlyWarning(t).expect(t, "ref", "Git Commit Not Known", r.Path, `"`+ref+`"`, "planned_commit is null", "all 40 digits")
				if plan.state["planned_commit"] != nil {
					t.Errorf("planned %v", plan.state)
				}
				if difference := cmp.Diff(i.state, plan.state); n > 0 && difference != "" {
					t.Errorf("the second plan is not empty (-state +plan):\n%s", difference)
				}
				i.apply(plan).requireNone(t)
				s.WaitForTasks(t)
				i.refresh().requireNone(t)
				if i.state.text("commit") != r.Commits["between"] {
					t.Errorf("imported %v", i.state)
				}
			}
		})
	}
}

func TestResolveRef_FullNameOfABranchDoesNotFollowTheRemote(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	config := resolvedConfig(r, "refs/heads/main")
	for range 2 {
		plan := i.plan(config)
		plan.diagnostics.requireNoErrors(t)
		plan.diagnostics.onlyWarning(t).expect(t, "ref", "Git Ref Does Not Follow the Remote", `"refs/heads/main"`, "planned_commit is null", `Set ref to "main"`)
		i.apply(plan).requireNone(t)
		if i.state.text("commit") != r.Commits["v1.1.0"] || i.state["planned_commit"] != nil {
			t.Errorf("saved %v", i.state)
		}
		s.WaitForTasks(t)
		r.Release(t, "v1.2.0", nil) // Infrahub would import the old commit again
		i.refresh().requireNone(t)
	}
}

func TestResolveRef_HashOfATagThatTheRemoteDoesNotAdvertiseIsNoMovedRef(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemoteOfForms(t)
	object := r.TagObject(t, "v1.1.1")
	runGit(t, r, "tag", "-d", "v1.1.1") // stable still leads to the object
	i := s.connect(t).newInstance(readOnlyType)
	plan := i.plan(resolvedConfig(r, object))
	plan.diagnostics.requireNoErrors(t)
	diags := i.apply(plan)
	diags.requireNoErrors(t)
	diags.onlyWarning(t).expect(t, "ref", "Git Ref Is No Commit", object, "Set ref to "+r.Commits["v1.1.0"])
	i.mustApply(resolvedConfig(r, r.Commits["v1.1.0"]))
}

func TestResolveRef_AbbreviatedHashOfSeveralCommitsFailsThePlan(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	seen := map[string]bool{}
	for n := 0; ; n++ {
		name := "x" + strings.Repeat("0", n)
		prefix := r.Commit(t, name, map[string]string{"n": name})[:4]
		r.Tag(t, name)
		if seen[prefix] {
			diags := s.connect(t).newInstance(readOnlyType).plan(resolvedConfig(r, prefix)).diagnostics
			diags.onlyError(t).expect(t, "ref", "Git Ref Is Ambiguous", prefix, r.Commits[name], "all 40 digits")
			return
		}
		seen[prefix] = true
	}
}

func TestGitRef_FormsOfARef(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemoteOfForms(t)
	p := s.connect(t)
	object, between := r.TagObject(t, "v1.1.1"), r.Commits["between"]
	for ref, want := range map[string]attributes{
		object:            {"kind": "tag", "tag": "v1.1.1", "annotated": true, "commit": r.Commits["v1.1.0"]},
		object[:10]:       {"kind": "tag", "tag": "v1.1.1", "annotated": true, "commit": r.Commits["v1.1.0"]},
		"stable^{commit}": {"kind": "tag", "tag": "stable", "annotated": true, "commit": r.Commits["v1.1.0"]},
		"HEAD":            {"kind": "branch", "annotated": false, "commit": r.Commits["main"]},
	} {
		state, diags := p.readDataSource(gitRefType, attributes{"location": r.Path, "ref": ref})
		diags.requireNone(t)
		want = want.with(attributes{"location": r.Path, "ref": ref, "candidates": stringList{}})
		if difference := cmp.Diff(want, state); difference != "" {
			t.Errorf("%s (-want +got):\n%s", ref, difference)
		}
	}
	for ref, want := range map[string]struct {
		summary string
		commit  any
	}{
		between:           {"Git Commit Not Verified", between},
		between[:10]:      {"Git Commit Not Known", nil},
		"main~1":          {"Git Commit Not Known", nil},
		"refs/heads/main": {"Git Ref Does Not Follow the Remote", r.Commits["main"]},
	} {
		state, diags := p.readDataSource(gitRefType, attributes{"location": r.Path, "ref": ref})
		diags.requireNoErrors(t)
		diags.onlyWarning(t).expect(t, "ref", want.summary, r.Path)
		if state["commit"] != want.commit {
			t.Errorf("%s: got %v, want %v", ref, state["commit"], want.commit)
		}
	}
}

func TestGitRef_TagsThatAreNotReadAsVersionsAreNamed(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	r.Tag(t, "1.2.0.1")
	p := s.connect(t)
	state, diags := p.readDataSource(gitRefType, attributes{"location": r.Path})
	diags.requireNoErrors(t)
	diags.onlyWarning(t).expect(t, "version", "Git Tag Not Read as a Version", r.Path, "at least as new as v1.1.0", "1.2.0.1", "three numbers")
	if state.text("tag") != "v1.1.0" {
		t.Errorf("got %v", state)
	}
	_, diags = p.readDataSource(gitRefType, attributes{"location": r.Path, "version": "< 1.1"})
	diags.requireNone(t)
	_, diags = p.readDataSource(gitRefType, attributes{"location": r.Path, "version": ">= 2"})
	diags.onlyError(t).expect(t, "version", "Git Tag Not Found", "not read as versions: 1.2.0.1", "three numbers")
}
