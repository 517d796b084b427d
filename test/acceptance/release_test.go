package acceptance

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
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
	content, err := os.ReadFile(filepath.Join(examples, "release-bump", example, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	name := s.name("automation")
	w := s.newWorkspace(t, string(content), "TF_VAR_name="+name, "TF_VAR_location="+s.gitAddress+"/"+path)
	return &release{server: s, workspace: w, remote: s.newRemote(t, path), name: name}
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

// branch returns the branch on which a version is reviewed.
func (r *release) branch(version string) string { return r.name + "-" + version }

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

func TestRelease_ReviewedReachesMainOnlyByTheMerge(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	r := newRelease(t, "reviewed")
	r.remote.release(t, "v1.2.0")
	if got := r.operations(); slices.Contains(got, "CreateBranch") || slices.Contains(got, "CreateProposedChange") {
		t.Errorf("the first release is reviewed: %v", got)
	}
	for _, next := range []struct {
		from, to string
		merge    func(version string)
	}{
		{"v1.0.0", "v1.1.0", func(version string) { r.mergeProposed(r.change(version)) }},
		{"v1.1.0", "v1.2.0", func(version string) { r.merge(r.branch(version)) }},
	} {
		r.applyVersion(next.from, next.to, "CreateBranch", "CreateProposedChange", "UpdateReadOnlyRepository")
		r.assertRef(r.branch(next.to), next.to)
		r.assertRef("main", next.from)
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

// The apply imports the commit that the plan has resolved, or fails.
func TestRelease_ReviewedTagThatMovesBetweenPlanAndApplyIsNotProposed(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "reviewed")
	r.waitUntilIdle(t) // so that Infrahub does not clone the tag before it moves
	r.remote.release(t, "v2.0.0")
	planned := r.remote.Commits["v2.0.0"]
	r.setVersion("v1.0.0", "v2.0.0")
	r.workspace.run(0, "plan", "-out=release.tfplan")
	r.remote.release(t, "v2.0.0")
	r.resetLog()
	r.workspace.run(1, "apply", "release.tfplan")
	r.assertPrinted("apply", planned, r.remote.Commits["v2.0.0"], "moved in between")
	if slices.Contains(r.operations(), "CreateProposedChange") {
		t.Error("the provider has sent CreateProposedChange")
	}
	r.apply()
	r.assertRef(r.branch("v2.0.0"), "v2.0.0")
	r.end()
}

func TestRelease_NextVersionReplacesOneUnderReview(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "reviewed")
	r.remote.release(t, "v1.2.0")
	r.setVersion("v1.0.0", "v1.1.0")
	r.apply()
	r.applyVersion("v1.1.0", "v1.2.0", "CancelProposedChange", "CreateBranch", "CreateProposedChange", "DeleteBranch", "UpdateReadOnlyRepository")
	r.assertRef(r.branch("v1.2.0"), "v1.2.0")
	r.assertRef("main", "v1.0.0")
	r.end()
}

func TestRelease_RevertedVersionLeavesMainAsItWas(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "reviewed")
	r.setVersion("v1.0.0", "v1.1.0")
	r.apply()
	r.applyVersion("v1.1.0", "v1.0.0", "CancelProposedChange", "DeleteBranch")
	r.assertRef("main", "v1.0.0")
	r.planNothing()
	r.end()
}
