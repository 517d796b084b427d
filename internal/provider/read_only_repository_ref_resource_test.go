package provider

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// newRefOnBranch returns a server with a read-only repository at v1.0.0 on main, a branch release that was created after its
// import, and a ref of the repository on that branch that does not exist yet.
func newRefOnBranch(t *testing.T) (s *server, r *mocktest.Remote, repository, ref *instance, config attributes) {
	t.Helper()
	s, r = startServer(t, mockserver.Options{}), newRemote(t)
	p := s.connect(t)
	repository, ref = p.newInstance(readOnlyType), p.newInstance(readOnlyRefType)
	repository.mustApply(readOnlyConfig(r, "v1.0.0"))
	s.WaitForTasks(t)
	repository.refresh().requireNone(t)
	s.createBranch(t, "release")
	s.Log.Reset()
	return s, r, repository, ref, attributes{"repository_id": repository.id(), "branch": "release", "ref": "v1.1.0"}
}

func TestReadOnlyRepositoryRef_ChangesItsBranchAlone(t *testing.T) {
	t.Parallel()
	s, r, repository, i, config := newRefOnBranch(t)
	i.mustApply(config)
	s.expectMutations(t, "UpdateReadOnlyRepository: id ref")
	if i.state.text("commit") != r.Commits["v1.1.0"] || i.id() != config.text("repository_id")+"/release" {
		t.Errorf("saved %v", i.state)
	}
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	i.expectEmptyPlan(config)
	repository.refresh().requireNone(t)
	repository.expectEmptyPlan(readOnlyConfig(r, "v1.0.0"))

	r.Release(t, "v1.2.0", nil)
	bumped := config.with(attributes{"ref": "v1.2.0"})
	plan := i.plan(bumped)
	plan.diagnostics.requireNone(t)
	if difference := cmp.Diff(i.state.with(attributes{"ref": "v1.2.0", "commit": unknown}), plan.state); difference != "" || plan.replacedBy != nil {
		t.Errorf("a bump is replaced by %v, plan (-want +got):\n%s", plan.replacedBy, difference)
	}
	i.apply(plan).requireNone(t)
	if i.state.text("commit") != r.Commits["v1.2.0"] {
		t.Errorf("saved %v", i.state)
	}
	for _, request := range s.Log.Requests() {
		if request.Operation == "UpdateReadOnlyRepository" && request.Branch != "release" {
			t.Errorf("wrote on %s", request.Branch)
		}
	}
	s.Log.Reset()
	i.mustApply(bumped.with(attributes{"wait_for_import": true}))
	i.mustDestroy()
	s.expectMutations(t)
	resp := s.Post(t, "release", `{CoreReadOnlyRepository{edges{node{ref{value}}}}}`)
	if ref := resp.Text("data.CoreReadOnlyRepository.edges.0.node.ref.value"); ref != "v1.2.0" {
		t.Errorf("the branch has %s", resp.Body)
	}
}

func TestReadOnlyRepositoryRef_RefThatTheBranchHasIsNotImportedAgain(t *testing.T) {
	t.Parallel()
	s, r, _, i, config := newRefOnBranch(t)
	i.mustApply(config.with(attributes{"ref": "v1.0.0"}))
	s.expectMutations(t)
	if i.state.text("commit") != r.Commits["v1.0.0"] {
		t.Errorf("saved %v", i.state)
	}
}

// A live server does not keep such a ref, and imports again and again (infrahub-behaviour.md, Branches 9).
func TestReadOnlyRepositoryRef_BranchThatIsOlderThanTheRepositoryIsRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.createBranch(t, "early")
	p := s.connect(t)
	repository := p.newInstance(readOnlyType)
	repository.mustApply(readOnlyConfig(r, "v1.0.0"))
	s.Log.Reset()
	i := p.newInstance(readOnlyRefType)
	i.apply(i.plan(attributes{"repository_id": repository.id(), "branch": "early", "ref": "v1.1.0"})).onlyError(t).
		expect(t, "branch", "Ref Not Set", "network", "early", "or after this one", "depends_on")
	s.expectMutations(t)
}

func TestReadOnlyRepositoryRef_FailedImportIsRetriedByTheNextApply(t *testing.T) {
	t.Parallel()
	s, r, _, i, config := newRefOnBranch(t)
	i.mustApply(config)
	missing := config.with(attributes{"ref": "v9.9.9"})
	i.apply(i.plan(missing)).onlyError(t).expect(t, "", "Import Failed", `into branch "release"`, "Ref v9.9.9 not found.", "The nearest that it has")
	i.refresh().requireNone(t)
	plan := i.planRetry(missing, "read-only repository", "branch release", `"v9.9.9"`)
	r.Release(t, "v9.9.9", nil)
	s.Log.Reset()
	i.apply(plan).requireNone(t)
	s.expectMutations(t, "ImportLatestCommit: id", "ReimportCommit: id")
	if i.state.text("commit") != r.Commits["v9.9.9"] {
		t.Errorf("saved %v", i.state)
	}
	i.expectImportDone(missing)
}

func TestReadOnlyRepositoryRef_FailedCreateIsSaved(t *testing.T) {
	t.Parallel()
	_, r, _, i, config := newRefOnBranch(t)
	i.apply(i.plan(config.with(attributes{"ref": "v9.9.9"}))).onlyError(t).expect(t, "", "Import Failed", "v9.9.9")
	if i.state.text("ref") != "v9.9.9" || i.state.text("commit") != r.Commits["v1.0.0"] {
		t.Errorf("saved %v", i.state)
	}
}

// The pull succeeds with the tag as it was, so half of the import looks good (infrahub-behaviour.md, Importing 15).
func TestReadOnlyRepositoryRef_MovedTagFailsEveryCreate(t *testing.T) {
	t.Parallel()
	s, r, _, i, config := newRefOnBranch(t)
	r.Release(t, "v1.1.0", nil)
	for range 2 { // Terraform taints the first one and creates it again
		created := i.newInstance(readOnlyRefType)
		created.apply(created.plan(config)).onlyError(t).expect(t, "", "Import Failed", "git fetch", "a tag was moved")
		s.WaitForTasks(t)
	}
}

func TestReadOnlyRepositoryRef_ImportOfAKilledApplyIsFoundByTheRefresh(t *testing.T) {
	t.Parallel()
	for ref, due := range map[string]bool{"v1.2.0": false, "v9.9.9": true} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			s, r, _, i, config := newRefOnBranch(t)
			r.Release(t, "v1.2.0", nil)
			i.mustApply(config)
			s.WaitForTasks(t)
			killed := *i // its state is never saved
			_ = killed.apply(killed.plan(config.with(attributes{"ref": ref})))
			s.WaitForTasks(t)
			i.refresh().requireNone(t)
			if due {
				i.planRetry(config.with(attributes{"ref": ref}), "Ref v9.9.9 not found")
				return
			}
			i.expectEmptyPlan(config.with(attributes{"ref": ref}))
		})
	}
}

func TestReadOnlyRepositoryRef_MergedBranchKeepsTheRefAndRefusesAnother(t *testing.T) {
	t.Parallel()
	s, r, repository, i, config := newRefOnBranch(t)
	i.mustApply(config)
	s.WaitForTasks(t)
	s.mergeBranch(t, "release")
	i.refresh().onlyWarning(t).expect(t, "", "Branch Was Merged", `"release"`)
	i.expectEmptyPlan(config)
	i.plan(config.with(attributes{"ref": "v1.0.0"})).diagnostics.onlyError(t).expect(t, "branch", "Ref Not Planned", "merged", "another name")
	i.newInstance(readOnlyRefType).plan(config).diagnostics.onlyError(t).expect(t, "branch", "Ref Not Planned", "merged")

	// Main took the ref over. With ignore_changes nothing is due there.
	repository.refresh().requireNone(t)
	if repository.state.text("ref") != "v1.1.0" || repository.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("main has %v", repository.state)
	}
	repository.expectEmptyPlan(readOnlyConfig(r, "v1.1.0"))
}

func TestReadOnlyRepositoryRef_BranchMergedAfterThePlanIsNotChanged(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := newRefOnBranch(t)
	plan := i.plan(config)
	s.mergeBranch(t, "release")
	i.apply(plan).onlyError(t).expect(t, "branch", "Ref Not Set", "merged", "another name")
	s.expectMutations(t)
}

func TestReadOnlyRepositoryRef_FailedImportOnAMergedBranchIsNotRetried(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := newRefOnBranch(t)
	i.mustApply(config)
	missing := config.with(attributes{"ref": "v9.9.9"})
	i.apply(i.plan(missing)).onlyError(t).expect(t, "", "Import Failed", "v9.9.9")
	s.WaitForTasks(t)
	s.mergeBranch(t, "release")
	i.refresh().onlyWarning(t).expect(t, "", "Branch Was Merged")
	i.expectEmptyPlan(missing)
}

func TestReadOnlyRepositoryRef_RefusalOfAMergedBranchIsNotRecorded(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := newRefOnBranch(t)
	i.mustApply(config)
	s.WaitForTasks(t)
	plan := i.plan(config.with(attributes{"ref": "v1.0.0"}))
	s.mergeBranch(t, "release")
	s.Log.Reset()
	i.apply(plan).onlyError(t).expect(t, "branch", "Ref Not Set", "merged")
	s.expectMutations(t)
	if i.recordedFailure() != nil {
		t.Error("an update that changed nothing is recorded as a failed import")
	}
	i.refresh().onlyWarning(t)
	i.expectEmptyPlan(config)
}

func TestReadOnlyRepositoryRef_ReadWriteRepositoryIsRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.createBranch(t, "release")
	p := s.connect(t)
	other := p.newInstance(readWriteType)
	other.mustApply(readWriteConfig(r))
	i := p.newInstance(readOnlyRefType)
	i.apply(i.plan(attributes{"repository_id": other.id(), "branch": "release", "ref": "main"})).onlyError(t).
		expect(t, "repository_id", "Ref Not Set", other.id(), "id of a read-only repository")
}

func TestReadOnlyRepositoryRef_DeletedBranchOrRepositoryRemovesIt(t *testing.T) {
	t.Parallel()
	s, _, repository, i, config := newRefOnBranch(t)
	i.mustApply(config)
	s.WaitForTasks(t)
	before := *i
	s.deleteBranch(t, "release")
	i.refresh().onlyWarning(t).expect(t, "", "Branch Is Gone", `"release"`)
	if i.state != nil {
		t.Errorf("kept %v", i.state)
	}
	i.apply(i.plan(config)).onlyError(t).expect(t, "branch", "Ref Not Set", "release", "Create the branch")
	s.createBranch(t, "release")
	repository.mustDestroy()
	i.apply(i.plan(config)).onlyError(t).expect(t, "repository_id", "Ref Not Set", config.text("repository_id"))
	before.refresh().requireNone(t)
	if before.state != nil {
		t.Errorf("kept %v", before.state)
	}
}

func TestReadOnlyRepositoryRef_ImportNeedsARepositoryAndABranch(t *testing.T) {
	t.Parallel()
	_, _, _, i, _ := newRefOnBranch(t)
	for _, id := range []string{"network", "/release", "network/", ""} {
		i.importByID(id).onlyError(t).expect(t, "", "Invalid Import Id", "network/release-1.2")
	}
	i.importByID("other/release").onlyError(t).expect(t, "", "Object Not Found", `"other"`, `branch "release"`)
}

func TestReadOnlyRepositoryRef_RepositoryWhoseNameLooksLikeAnIDIsImported(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	id := s.createReadOnlyRepository(t, nodeUUID, newRemote(t).Path, "v1.0.0")
	s.createBranch(t, "release")
	i := s.connect(t).newInstance(readOnlyRefType)
	i.importByID(nodeUUID + "/release").requireNone(t)
	if i.id() != id+"/release" {
		t.Errorf("imported %v, want the repository %s", i.state, id)
	}
}

func TestReadOnlyRepositoryRef_FailedReadNamesTheBranch(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := newRefOnBranch(t)
	i.mustApply(config)
	for _, operation := range []string{"Branches", "ReadOnlyRepositories"} {
		s.failOnce(operation, http.StatusServiceUnavailable, "no healthy upstream")
		i.refresh().onlyError(t).expect(t, "", "Ref Not Read", "release", "no healthy upstream")
	}
}

func TestReadOnlyRepositoryRef_WaitForImportFalseDoesNotWait(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := newRefOnBranch(t)
	s.Inject(mockserver.Fault{Operation: "git-repository-pull-read-only", StuckTask: true, Times: 1})
	i.mustApply(config.with(attributes{"wait_for_import": false}))
	if i.state.text("ref") != "v1.1.0" {
		t.Errorf("saved %v", i.state)
	}
}
