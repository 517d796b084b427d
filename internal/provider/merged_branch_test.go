package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// mergedAndDeleted returns a branch resource and a ref on that branch, which was merged and then deleted without the provider.
// Both have been refreshed in between.
func mergedAndDeleted(t *testing.T) (s *server, branch, ref *instance, branchConfig, refConfig attributes) {
	t.Helper()
	s = startServer(t, mockserver.Options{})
	id := s.createReadOnlyRepository(t, "network", newRemote(t).Path, "v1.0.0")
	p := s.connect(t)
	branch, branchConfig = p.newInstance(branchType), attributes{"name": "release"}
	branch.mustApply(branchConfig)
	ref, refConfig = p.newInstance(readOnlyRefType), attributes{"repository_id": id, "branch": "release", "ref": "v1.1.0"}
	ref.mustApply(refConfig)
	s.WaitForTasks(t)
	s.mergeBranch(t, "release")
	for _, i := range []*instance{branch, ref} {
		i.refresh().onlyWarning(t).expect(t, "", "Branch Was Merged", `"release"`)
	}
	s.deleteBranch(t, "release")
	s.Log.Reset()
	return s, branch, ref, branchConfig, refConfig
}

func TestMergedBranch_IsNotCreatedAgainOnceItWasDeleted(t *testing.T) {
	t.Parallel()
	s, branch, ref, branchConfig, refConfig := mergedAndDeleted(t)
	for _, test := range []struct {
		i      *instance
		config attributes
	}{{branch, branchConfig}, {ref, refConfig}} {
		for range 2 {
			before := test.i.state
			test.i.refresh().onlyWarning(t).expect(t, "", "Branch Was Merged and Deleted",
				`"release"`, "does not create it again", "remove from the configuration", "another name", "-replace")
			if difference := cmp.Diff(before, test.i.state); difference != "" {
				t.Errorf("the state changes (-before +after):\n%s", difference)
			}
			test.i.expectEmptyPlan(test.config)
		}
	}
	s.expectMutations(t)
}

func TestMergedBranch_ThatWasDeletedCannotChange(t *testing.T) {
	t.Parallel()
	_, _, ref, _, refConfig := mergedAndDeleted(t)
	ref.refresh().requireNoErrors(t)
	ref.plan(refConfig.with(attributes{"ref": "v1.0.0"})).diagnostics.onlyError(t).expect(t, "branch", "Ref Not Planned", "release", "merged", "another name")
}

func TestMergedBranch_ThatWasDeletedIsDestroyedAndReplaced(t *testing.T) {
	t.Parallel()
	s, branch, ref, branchConfig, refConfig := mergedAndDeleted(t)
	for _, i := range []*instance{ref, branch} {
		i.refresh().requireNoErrors(t)
		i.mustDestroy()
	}
	s.expectMutations(t)
	branch.mustApply(branchConfig)
	ref.mustApply(refConfig)
	ref.refresh().requireNone(t)
	ref.expectEmptyPlan(refConfig)
}

// Somebody created a branch of the same name: it is another one, and the refs on it count again.
func TestMergedBranch_AnotherBranchOfTheNameIsNotTakenForIt(t *testing.T) {
	t.Parallel()
	s, branch, ref, branchConfig, refConfig := mergedAndDeleted(t)
	s.updateRef(t, ref.state.text("repository_id"), "v1.0.0")
	s.createBranch(t, "release")
	branch.refresh().onlyWarning(t).expect(t, "", "Branch Was Merged and Deleted", `"release"`)
	branch.expectEmptyPlan(branchConfig)
	ref.refresh().requireNone(t)
	if plan := ref.plan(refConfig); ref.state.text("ref") != "v1.0.0" || plan.state["commit"] != unknown {
		t.Errorf("refreshed %v, planned %v", ref.state, plan.state)
	}
	s.deleteBranch(t, "release")
	ref.refresh().onlyWarning(t).expect(t, "", "Branch Is Gone")
	if ref.state != nil {
		t.Errorf("kept %v", ref.state)
	}
}

func TestMergedBranch_ThatWasDeletedBeforeARefreshSawItMergedIsCreatedAgain(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(branchType)
	i.mustApply(attributes{"name": "release"})
	s.mergeBranch(t, "release")
	s.deleteBranch(t, "release")
	i.refresh().onlyWarning(t).expect(t, "", "Branch Is Gone", "unless it was merged", "creates it again")
	if i.state != nil {
		t.Errorf("kept %v", i.state)
	}
}
