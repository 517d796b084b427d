package provider

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// releasing is a repository at v1.0.0 on main, and a branch release that was made after its import.
func releasing(t *testing.T) (s *server, r *remote, repository, ref *instance, config attributes) {
	t.Helper()
	s, r = newServer(t, mockserver.Options{}), newRemote(t)
	p := s.connected(t)
	repository, ref = p.newInstance(readOnly), p.newInstance(readOnlyRef)
	repository.applied(r.pinned("v1.0.0"))
	s.idle(t)
	repository.refresh().none(t)
	s.newBranch(t, "release")
	s.sent()
	return s, r, repository, ref, attributes{"repository_id": repository.state.text("id"), "branch": "release", "ref": "v1.1.0"}
}

func TestReadOnlyRepositoryRef_HoldsOnItsBranchAlone(t *testing.T) {
	t.Parallel()
	s, r, repository, i, config := releasing(t)
	i.applied(config)
	i.wrote(s, "UpdateReadOnlyRepository: id ref")
	if i.state.text("commit") != r.commits["v1.1.0"] || i.state.text("id") != config.text("repository_id")+"/release" {
		t.Errorf("saved %v", i.state)
	}
	s.idle(t)
	i.refresh().none(t)
	i.unchanged(config)
	repository.refresh().none(t)
	repository.unchanged(r.pinned("v1.0.0"))

	r.release(t, "v1.2.0")
	bumped := config.with(attributes{"ref": "v1.2.0"})
	plan := i.plan(bumped)
	plan.diagnostics.none(t)
	if difference := cmp.Diff(i.state.with(attributes{"ref": "v1.2.0", "commit": unknown}), plan.state); difference != "" || plan.replace != nil {
		t.Errorf("a bump replaces %v, plan (-want +got):\n%s", plan.replace, difference)
	}
	i.apply(plan).none(t)
	if i.state.text("commit") != r.commits["v1.2.0"] {
		t.Errorf("saved %v", i.state)
	}
	for _, request := range s.log.Requests() {
		if request.Operation == "UpdateReadOnlyRepository" && request.Branch != "release" {
			t.Errorf("written on %s", request.Branch)
		}
	}
	s.sent()
	i.applied(bumped.with(attributes{"wait_for_import": true}))
	i.apply(i.plan(nil)).none(t)
	i.wrote(s)
	if answer := s.post(t, "release", `{CoreReadOnlyRepository{edges{node{ref{value}}}}}`); !strings.Contains(answer, `"v1.2.0"`) {
		t.Errorf("the branch has %s", answer)
	}
}

func TestReadOnlyRepositoryRef_WhatTheBranchHasAlreadyIsNotImportedAgain(t *testing.T) {
	t.Parallel()
	s, r, _, i, config := releasing(t)
	i.applied(config.with(attributes{"ref": "v1.0.0"}))
	i.wrote(s)
	if i.state.text("commit") != r.commits["v1.0.0"] {
		t.Errorf("saved %v", i.state)
	}
}

// On a live server such a ref is not kept, and imported without end.
func TestReadOnlyRepositoryRef_OnABranchThatIsOlderThanTheRepositoryIsRefused(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	s.newBranch(t, "early")
	p := s.connected(t)
	repository := p.newInstance(readOnly)
	repository.applied(r.pinned("v1.0.0"))
	s.sent()
	i := p.newInstance(readOnlyRef)
	i.apply(i.plan(attributes{"repository_id": repository.state.text("id"), "branch": "early", "ref": "v1.1.0"})).oneError(t).
		is(t, "branch", "Ref Not Set", "network", "early", "older than the repository", "depends_on")
	i.wrote(s)
}

func TestReadOnlyRepositoryRef_FailedImportIsRetriedByTheNextApply(t *testing.T) {
	t.Parallel()
	s, r, _, i, config := releasing(t)
	i.applied(config)
	missing := config.with(attributes{"ref": "v9.9.9"})
	i.apply(i.plan(missing)).oneError(t).is(t, "", "Import Failed", `into branch "release"`, "Ref v9.9.9 not found.", "The nearest that it has")
	i.refresh().none(t)
	plan := i.dueAgain(missing, "read-only repository", "branch release", `"v9.9.9"`)
	r.release(t, "v9.9.9")
	s.sent()
	i.apply(plan).none(t)
	i.wrote(s, "ImportLatestCommit: id", "ReimportCommit: id")
	if i.state.text("commit") != r.commits["v9.9.9"] {
		t.Errorf("saved %v", i.state)
	}
	i.settled(missing)
}

func TestReadOnlyRepositoryRef_FailedCreateIsSaved(t *testing.T) {
	t.Parallel()
	_, r, _, i, config := releasing(t)
	i.apply(i.plan(config.with(attributes{"ref": "v9.9.9"}))).oneError(t).is(t, "", "Import Failed", "v9.9.9")
	if i.state.text("ref") != "v9.9.9" || i.state.text("commit") != r.commits["v1.0.0"] {
		t.Errorf("saved %v", i.state)
	}
}

// The pull works with the tag as it was, so that half of the import looks good.
func TestReadOnlyRepositoryRef_MovedTagIsNotTakenForImportedByTheNextCreate(t *testing.T) {
	t.Parallel()
	s, r, _, i, config := releasing(t)
	r.release(t, "v1.1.0")
	for range 2 { // Terraform taints the first, and creates it again
		created := i.newInstance(readOnlyRef)
		created.apply(created.plan(config)).oneError(t).is(t, "", "Import Failed", "git fetch", "a tag was moved")
		s.idle(t)
	}
}

func TestReadOnlyRepositoryRef_RefSetByAKilledApplyIsLookedInto(t *testing.T) {
	t.Parallel()
	for ref, due := range map[string]bool{"v1.2.0": false, "v9.9.9": true} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			s, r, _, i, config := releasing(t)
			r.release(t, "v1.2.0")
			i.applied(config)
			s.idle(t)
			killed := *i
			_ = killed.apply(killed.plan(config.with(attributes{"ref": ref})))
			s.idle(t)
			i.refresh().none(t)
			if due {
				i.dueAgain(config.with(attributes{"ref": ref}), "Ref v9.9.9 not found")
				return
			}
			i.unchanged(config.with(attributes{"ref": ref}))
		})
	}
}

func TestReadOnlyRepositoryRef_OnAMergedBranch(t *testing.T) {
	t.Parallel()
	s, r, repository, i, config := releasing(t)
	i.applied(config)
	s.idle(t)
	s.merge(t, "release")
	i.refresh().oneWarning(t).is(t, "", "Branch Was Merged", `"release"`)
	i.unchanged(config)
	i.plan(config.with(attributes{"ref": "v1.0.0"})).diagnostics.oneError(t).is(t, "branch", "Ref Not Planned", "merged", "another name")
	i.newInstance(readOnlyRef).plan(config).diagnostics.oneError(t).is(t, "branch", "Ref Not Planned", "merged")

	// Main has taken over, with ignore_changes, and nothing is due for it.
	repository.refresh().none(t)
	if repository.state.text("ref") != "v1.1.0" || repository.state.text("commit") != r.commits["v1.1.0"] {
		t.Errorf("main has %v", repository.state)
	}
	repository.unchanged(r.pinned("v1.1.0"))
}

func TestReadOnlyRepositoryRef_MergedBetweenPlanAndApplyWritesNothing(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := releasing(t)
	plan := i.plan(config)
	s.merge(t, "release")
	i.apply(plan).oneError(t).is(t, "branch", "Ref Not Set", "merged", "another name")
	i.wrote(s)
}

func TestReadOnlyRepositoryRef_FailureOnABranchThatWasMergedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := releasing(t)
	i.applied(config)
	missing := config.with(attributes{"ref": "v9.9.9"})
	i.apply(i.plan(missing)).oneError(t).is(t, "", "Import Failed", "v9.9.9")
	s.idle(t)
	s.merge(t, "release")
	i.refresh().oneWarning(t).is(t, "", "Branch Was Merged")
	i.unchanged(missing)
}

func TestReadOnlyRepositoryRef_RefusedByTheMergeOfItsBranchIsForgotten(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := releasing(t)
	i.applied(config)
	s.idle(t)
	plan := i.plan(config.with(attributes{"ref": "v1.0.0"}))
	s.merge(t, "release")
	s.sent()
	i.apply(plan).oneError(t).is(t, "branch", "Ref Not Set", "merged")
	i.wrote(s)
	if i.remembered() != nil {
		t.Error("what was not changed is remembered as failed")
	}
	i.refresh().oneWarning(t)
	i.unchanged(config)
}

func TestReadOnlyRepositoryRef_RepositoryOfTheOtherKindIsNone(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	s.newBranch(t, "release")
	p := s.connected(t)
	other := p.newInstance(readWrite)
	other.applied(r.pinned("").with(attributes{"ref": nil}))
	i := p.newInstance(readOnlyRef)
	i.apply(i.plan(attributes{"repository_id": other.state.text("id"), "branch": "release", "ref": "main"})).oneError(t).
		is(t, "repository_id", "Ref Not Set", other.state.text("id"), "id of a read-only repository")
}

func TestReadOnlyRepositoryRef_BranchOrRepositoryIsGone(t *testing.T) {
	t.Parallel()
	s, _, repository, i, config := releasing(t)
	i.applied(config)
	s.idle(t)
	before := *i
	s.deleteBranch(t, "release")
	i.refresh().oneWarning(t).is(t, "", "Branch Is Gone", `"release"`)
	if i.state != nil {
		t.Errorf("kept %v", i.state)
	}
	i.apply(i.plan(config)).oneError(t).is(t, "branch", "Ref Not Set", "release", "create it")
	s.newBranch(t, "release")
	repository.apply(repository.plan(nil)).none(t)
	i.apply(i.plan(config)).oneError(t).is(t, "repository_id", "Ref Not Set", config.text("repository_id"))
	before.refresh().none(t)
	if before.state != nil {
		t.Errorf("kept %v", before.state)
	}
}

func TestReadOnlyRepositoryRef_Import(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := releasing(t)
	i.applied(config)
	s.idle(t)
	i.refresh().none(t)
	for _, id := range []string{config.text("repository_id") + "/release", "network/release"} {
		adopted := i.newInstance(readOnlyRef)
		adopted.adopt(id).none(t)
		if difference := cmp.Diff(i.state, adopted.state); difference != "" {
			t.Errorf("%s (-applied +imported):\n%s", id, difference)
		}
		adopted.unchanged(config)
	}
	for _, id := range []string{"network", "/release", "network/", ""} {
		i.newInstance(readOnlyRef).adopt(id).oneError(t).is(t, "", "Invalid Import Id", "network/release-1.2")
	}
	i.newInstance(readOnlyRef).adopt("other/release").oneError(t).is(t, "", "Object Not Found", `"other"`, `branch "release"`)
}

func TestReadOnlyRepositoryRef_ReplacesAndKeeps(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := releasing(t)
	i.applied(config)
	for attribute, other := range map[string]string{"branch": "other", "repository_id": "9d0c96ac-83d5-4ca5-9f28-68b527a471d7"} {
		if plan := i.plan(config.with(attributes{attribute: other})); !slices.Equal(plan.replace, []string{attribute}) {
			t.Errorf("another %s replaces %v", attribute, plan.replace)
		}
	}
	before := i.state
	for _, operation := range []string{"Branches", "ReadOnlyRepositories"} {
		s.Inject(answer(operation, http.StatusServiceUnavailable, "no healthy upstream"))
		i.refresh().oneError(t).is(t, "", "Ref Not Read", "release", "no healthy upstream")
		if difference := cmp.Diff(before, i.state); difference != "" {
			t.Errorf("the state changed (-before +after):\n%s", difference)
		}
	}
}

func TestReadOnlyRepositoryRef_IsNotWaitedForWhereThatIsSaid(t *testing.T) {
	t.Parallel()
	s, _, _, i, config := releasing(t)
	s.Inject(mockserver.Fault{Operation: "git-repository-pull-read-only", StuckTask: true, Times: 1})
	i.applied(config.with(attributes{"wait_for_import": false}))
	if i.state.text("ref") != "v1.1.0" {
		t.Errorf("saved %v", i.state)
	}
}
