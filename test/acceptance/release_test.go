package acceptance

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// unlessLive makes a test parallel on the mock only. On a live server a test that merges a branch runs before all
// others, because a merge takes back the refs of all repositories (infrahub-behaviour.md, Branches 7).
func unlessLive(parallel func()) {
	if os.Getenv("INFRAHUB_ADDRESS") == "" {
		parallel()
	}
}

// release is a repository with v1.0.0 and v1.1.0, and a workspace with an example of ../../examples/release-bump.
type release struct {
	*server
	*workspace
	remote remote
	// name is the name of the repository.
	name string
}

// newRelease applies an example at v1.0.0.
func newRelease(t *testing.T, example string) *release {
	t.Helper()
	r := prepareRelease(t, example, "automation.git")
	r.apply()
	return r
}

// prepareRelease returns a release with a repository at a path of the Git server. Nothing is applied.
func prepareRelease(t *testing.T, example, path string) *release {
	t.Helper()
	s := newServer(t)
	return s.newReleaseOf(t, example, path, s.newRemote(t, path))
}

// newReleaseOf returns a release of a repository at a path of the Git server. Nothing is applied.
func (s *server) newReleaseOf(t *testing.T, example, path string, remote remote) *release {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(examples, "release-bump", example, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	name := s.name("automation")
	w := s.newWorkspace(t, string(content), "TF_VAR_name="+name, "TF_VAR_location="+s.gitAddress+"/"+path)
	return &release{server: s, workspace: w, remote: remote, name: name}
}

// setVersion changes the version in the configuration, as Renovate does.
func (r *release) setVersion(from, to string) {
	r.t.Helper()
	content := r.read("main.tf")
	before, after := `default = "`+from+`"`, `default = "`+to+`"`
	if strings.Count(content, before) != 1 {
		r.t.Fatalf("the configuration has %s not once:\n%s", before, content)
	}
	r.write("main.tf", strings.Replace(content, before, after, 1))
}

// change returns the name of the proposed change of a version.
func (r *release) change(version string) string { return r.name + " " + version }

// assertRef checks that a branch has a version and its commit.
func (r *release) assertRef(branch, version string) {
	r.t.Helper()
	found, err := r.client.WithBranch(branch).Repositories(infrahub.ReadOnly).GetByName(r.t.Context(), r.name)
	if err != nil {
		r.t.Fatal(err)
	}
	if commit := r.remote.Commits[version]; found.Ref != version || found.Commit == nil || *found.Commit != commit {
		r.t.Errorf("branch %s has %+v, want %s at %s", branch, found, version, commit)
	}
}

// operations returns the names of the mutations in the log, each once and sorted.
func (r *release) operations() []string {
	names := map[string]bool{}
	for _, mutation := range r.mutations() {
		name, _, _ := strings.Cut(mutation, ":")
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// assertOperations checks the names of the mutations in the log.
func (r *release) assertOperations(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.operations()); diff != "" {
		r.t.Errorf("mutations sent (-want +got):\n%s", diff)
	}
}

// applyVersion changes the version in the configuration, applies it, and checks the names of the mutations.
func (r *release) applyVersion(from, to string, operations ...string) {
	r.t.Helper()
	r.setVersion(from, to)
	r.resetLog()
	r.apply()
	r.assertOperations(operations...)
}

// end destroys everything and checks that nothing is left.
func (r *release) end() {
	r.t.Helper()
	r.destroy()
	r.assertNothingLeft(r.t)
}

// merge merges a branch outside of Terraform.
func (r *release) merge(branch string) {
	r.t.Helper()
	r.direct.Ask(r.t, `mutation($name: String) { BranchMerge(data: {name: $name}, wait_until_completion: true) { ok } }`, "name", branch)
}

// mergeProposed merges a proposed change as its reviewers do.
func (r *release) mergeProposed(name string) {
	r.t.Helper()
	r.direct.Ask(r.t, `mutation($id: String) { CoreProposedChangeUpdate(data: {id: $id, state: {value: "merged"}}) { ok } }`, "id", r.proposed(name).ID)
}

func (r *release) proposed(name string) *infrahub.ProposedChange {
	r.t.Helper()
	found, err := r.client.ProposedChanges().GetByName(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

func TestRelease_DirectIsAChangeOfOneLine(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "direct")
	r.assertRef("main", "v1.0.0")

	r.resetLog()
	r.setVersion("v1.0.0", "v1.2.0")
	r.workspace.run(1, "plan")
	r.assertPrinted("plan", "Git Ref Not Found", `"v1.2.0"`, "v1.1.0")
	r.setVersion("v1.2.0", "v1.1.0")
	r.apply()
	r.assertRef("main", "v1.1.0")
	r.assertMutations(t, "UpdateReadOnlyRepository: id ref")
	r.planNothing()
	r.end()
}

func TestRelease_DirectOfAPrivateRepository(t *testing.T) {
	t.Parallel()
	r := prepareRelease(t, "direct", "private/automation.git")
	r.write("main.tf", strings.Replace(r.read("main.tf"), "= var.credential_id", "= infrahub_password_credential.git.id", 1)+r.fill(`
		resource "infrahub_password_credential" "git" {
			name     = "git-NAME"
			username = "`+gitUsername+`"
			password = "`+gitPassword+`"
		}`))
	r.workspace.run(1, "plan")
	r.assertPrinted("plan", "Git Remote Refused")
	r.workspace.environment = append(r.workspace.environment, "INFRAHUB_GIT_USERNAME="+gitUsername, "INFRAHUB_GIT_TOKEN="+gitPassword)
	r.apply()
	r.assertRef("main", "v1.0.0")
	r.planNothing()
	r.end()
}

// releaseChecked prepares the example "reviewed" with a check that passes at v1.0.0 and v1.2.0, and fails at v1.1.0.
func releaseChecked(t *testing.T, merge string) *release {
	t.Helper()
	s := newServer(t)
	remote := s.newEmptyRemote(t, "automation.git")
	for _, each := range []struct{ tag, message string }{{"v1.0.0", ""}, {"v1.1.0", "VLAN 12 is used twice"}, {"v1.2.0", ""}} {
		remote.Release(t, each.tag, mocktest.CheckFiles("query_"+s.suffix, each.tag, "vlans_"+s.suffix, each.message))
	}
	r := s.newReleaseOf(t, "reviewed", "automation.git", remote)
	r.workspace.environment = append(r.workspace.environment, "TF_VAR_merge="+merge)
	r.apply()
	return r
}

// wholeRelease are the mutations of a release that the apply merges.
func wholeRelease() []string {
	return []string{"CreateBranch", "CreateProposedChange", "DeleteBranch", "MergeProposedChange", "UpdateReadOnlyRepository"}
}

// assertOutput checks an output.
func (r *release) assertOutput(name, want string) {
	r.t.Helper()
	r.workspace.run(0, "output", "-json", name)
	if got := strings.TrimSpace(r.printed["output"]); got != want {
		r.t.Errorf("the output %s is %s, want %s", name, got, want)
	}
}

// releaseBranches returns the branches of releases of the repository.
func (r *release) releaseBranches() []infrahub.Branch {
	r.t.Helper()
	repository, err := r.client.Repositories(infrahub.ReadOnly).GetByName(r.t.Context(), r.name)
	if err != nil {
		r.t.Fatal(err)
	}
	branches, err := r.client.ReleaseBranches(r.t.Context(), repository.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return branches
}

// branchOfRelease returns the only branch of a release of the repository.
func (r *release) branchOfRelease() string {
	r.t.Helper()
	branches := r.releaseBranches()
	if len(branches) != 1 {
		r.t.Fatalf("the branches of releases are %+v, want one", branches)
	}
	return branches[0].Name
}

func TestRelease_ReachesMainOnceItsChecksHavePassed(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	r := releaseChecked(t, "when_checks_pass")
	r.assertOperations("CreateReadOnlyRepository") // the first release needs no branch
	r.assertOutput("released", `"v1.0.0"`)
	r.planNothing()

	r.setVersion("v1.0.0", "v1.1.0")
	r.resetLog()
	r.workspace.run(1, "apply", "-auto-approve")
	r.assertPrinted("apply", "Checks Failed", "Check: vlans_"+r.suffix, "VLAN 12 is used twice", "Apply again", "set another ref")
	r.assertOperations("CreateBranch", "CreateProposedChange", "UpdateReadOnlyRepository")
	r.assertRef("main", "v1.0.0")
	r.assertRef(r.branchOfRelease(), "v1.1.0")
	r.planChanges()

	r.applyVersion("v1.1.0", "v1.2.0", wholeRelease()...)
	r.assertRef("main", "v1.2.0")
	r.assertOutput("released", `"v1.2.0"`)
	r.workspace.run(1, "output", "in_review") // nothing is in review
	if failed := r.proposed(r.change("v1.1.0")); failed.State != "canceled" {
		r.t.Errorf("the proposed change of the failed release is %s", failed.State)
	}
	r.planNothing()
	r.end()
}

func TestRelease_ReviewedReachesMainOnlyByTheMerge(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	r := releaseChecked(t, "by_reviewer")
	for _, next := range []struct {
		from, to string
		merge    func(version string)
	}{
		{"v1.0.0", "v1.2.0", func(version string) { r.mergeProposed(r.change(version)) }},
		{"v1.2.0", "v1.0.0", func(string) { r.merge(r.branchOfRelease()) }},
	} {
		r.applyVersion(next.from, next.to, "CreateBranch", "CreateProposedChange", "UpdateReadOnlyRepository")
		r.assertRef(r.branchOfRelease(), next.to)
		r.assertRef("main", next.from)
		r.assertOutput("released", `"`+next.from+`"`)
		r.assertOutput("in_review", `"`+r.proposed(r.change(next.to)).ID+`"`)
		r.planNothing()

		next.merge(next.to)
		poll(t, "the proposed change to be closed", time.Minute, func() bool { return !r.proposed(r.change(next.to)).Open() })
		r.resetLog()
		r.apply()
		r.assertOperations("DeleteBranch")
		r.assertRef("main", next.to)
		r.planNothing()
	}
	r.end()
}

func TestRelease_NextVersionReplacesOneUnderReviewAndARevertGivesItUp(t *testing.T) {
	t.Parallel()
	r := releaseChecked(t, "by_reviewer")
	r.remote.Release(t, "v1.3.0", mocktest.CheckFiles("query_"+r.suffix, "v1.3.0", "vlans_"+r.suffix, ""))
	r.setVersion("v1.0.0", "v1.2.0")
	r.apply()
	r.applyVersion("v1.2.0", "v1.3.0", "CreateBranch", "CreateProposedChange", "DeleteBranch", "UpdateReadOnlyRepository")
	r.assertRef(r.branchOfRelease(), "v1.3.0")
	r.assertRef("main", "v1.0.0")
	r.applyVersion("v1.3.0", "v1.0.0", "DeleteBranch")
	r.assertRef("main", "v1.0.0")
	r.planNothing()
	r.end()
}

// Two Terraforms release two repositories at once. The merge of the slower one would take the other back: it says so, and its next apply
// releases on a new branch.
func TestRelease_OfTwoTerraformsTakesNothingBack(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	s := newServer(t)
	slow := s.newReleaseOf(t, "reviewed", "slow.git", s.newRemote(t, "slow.git"))
	quick := s.newReleaseOf(t, "reviewed", "quick.git", s.newRemote(t, "quick.git"))
	quick.name = s.name("quick")
	quick.workspace.environment = append(quick.workspace.environment, "TF_VAR_name="+quick.name)
	for _, r := range []*release{slow, quick} {
		r.apply()
		r.setVersion("v1.0.0", "v1.1.0")
	}
	err := slow.runUntil(func() bool { return len(slow.releaseBranches()) == 1 }, func(started *exec.Cmd) {
		signalGroup(t, started, syscall.SIGSTOP)
		defer signalGroup(t, started, syscall.SIGCONT)
		quick.apply()
	}, "apply", "-auto-approve", "-no-color")
	if err == nil {
		t.Fatalf("the slower apply has merged\n%s", slow.printed["apply"])
	}
	slow.assertPrinted("apply", "Merge Would Take Back Refs", quick.name, `"v1.1.0"`, `"v1.0.0"`, "Apply again")
	slow.assertRef("main", "v1.0.0")
	quick.assertRef("main", "v1.1.0")

	slow.apply()
	for _, r := range []*release{slow, quick} {
		r.assertRef("main", "v1.1.0")
		r.planNothing()
	}
	quick.destroy()
	slow.end()
}

// signalGroup sends a signal to a CLI and its provider.
func signalGroup(t *testing.T, started *exec.Cmd, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-started.Process.Pid, signal); err != nil {
		t.Error(err)
	}
}

// The guide releases several repositories together by a branch, the refs on it and a proposed change.
func TestRelease_OfSeveralRepositoriesByItsParts(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	newestOnly(t)
	s := newServer(t)
	repositories := []*release{}
	for _, name := range []string{"automation", "design"} {
		remote := s.newRemote(t, "network/"+name+".git")
		remote.release(t, "v1.2.0")
		repositories = append(repositories, &release{server: s, workspace: &workspace{t: t}, remote: remote, name: s.name("network-" + name)})
	}
	w := s.newWorkspace(t, s.example(t, filepath.Join(guideExamples, "releases", "main.tf")))
	w.apply()
	w.planNothing()

	w.write("main.tf", strings.NewReplacer("2026-07", "2026-08", "v1.1.0", "v1.2.0").Replace(w.read("main.tf")))
	s.resetLog()
	w.apply()
	for _, r := range repositories {
		r.assertRef("main", "v1.2.0")
	}
	repositories[0].assertOperations("CreateBranch", "CreateProposedChange", "DeleteBranch", "MergeProposedChange", "UpdateReadOnlyRepository")
	w.planNothing()
	w.destroy()
	s.assertNothingLeft(t)
}
