package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// branchID returns the id of a branch on the server, "" if there is none.
func (s *server) branchID(t *testing.T, name string) string {
	t.Helper()
	return s.Ask(t, `query($name:String!){Branch(name:$name){id}}`, "name", name).Text("data.Branch.0.id")
}

func TestBranch_CreateUpdateAndDelete(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(branchType)
	config := attributes{"name": "release-1.2"}
	i.mustApply(config)
	if difference := cmp.Diff(config.with(attributes{"id": s.branchID(t, "release-1.2"), "status": "OPEN", "sync_with_git": true}), i.state); difference != "" {
		t.Errorf("state (-want +got):\n%s", difference)
	}
	i.mustApply(config.with(attributes{"description": "Release 1.2"}))
	i.mustApply(config)
	i.refresh().requireNone(t)
	if i.state["description"] != nil {
		t.Errorf("the description is not cleared: %v", i.state)
	}
	s.Log.Reset()
	i.mustDestroy()
	s.expectMutations(t, "DeleteBranch: name")
	if id := s.branchID(t, "release-1.2"); id != "" {
		t.Errorf("the server still has the branch, id %s", id)
	}
}

func TestBranch_LostResponseOfACreateIsFoundByTheName(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"after the branch was created":  {Operation: "CreateBranch", Times: 1, Drop: true, After: true},
		"before the branch was created": {Operation: "CreateBranch", Times: 1, Drop: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			p := s.connectWith(t, attributes{"max_retries": 2})
			s.Inject(fault)
			i := p.newInstance(branchType)
			i.mustApply(attributes{"name": "release"})
			if id := s.branchID(t, "release"); i.id() != id || id == "" {
				t.Errorf("saved %v, the server has the id %q", i.state, id)
			}
		})
	}
}

func TestBranch_CreateDoesNotTakeOverAnExistingBranch(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	i := s.connect(t).newInstance(branchType)
	i.apply(i.plan(attributes{"name": "release"})).onlyError(t).expect(t, "name", "Branch Not Created",
		"release already exists", "terraform import", "another name", "\n\nimport {\n  to = infrahub_branch.NAME\n  id = \""+s.branchID(t, "release")+"\"\n}\n\n", "adopt_existing")
	s.expectMutations(t)
	if i.state != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestBranch_MergedOutsideIsKeptWithAWarning(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(branchType)
	config := attributes{"name": "release"}
	i.mustApply(config)
	s.mergeBranch(t, "release")
	i.refresh().onlyWarning(t).expect(t, "", "Branch Was Merged", `"release"`, "another name", "remove from the configuration")
	if i.state.text("status") != "MERGED" {
		t.Errorf("refreshed %v", i.state)
	}
	i.expectEmptyPlan(config)
	i.mustDestroy()
}

func TestBranch_DeletedOutsideIsRemovedWithAWarning(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(branchType)
	i.mustApply(attributes{"name": "release"})
	s.deleteBranch(t, "release")
	i.refresh().onlyWarning(t).expect(t, "", "Branch Is Gone", `"release"`, "creates it again", "another name")
	if i.state != nil {
		t.Errorf("the deleted branch is kept: %v", i.state)
	}
}

func TestBranch_DestroyLeavesAnotherBranchOfTheSameNameAlone(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(branchType)
	i.mustApply(attributes{"name": "release"})
	s.deleteBranch(t, "release")
	s.createBranch(t, "release")
	s.Log.Reset()
	i.mustDestroy()
	s.expectMutations(t)
}

func TestBranch_NameWithASlashIsImported(t *testing.T) {
	t.Parallel()
	i := startServer(t, mockserver.Options{}).connect(t).newInstance(branchType)
	config := attributes{"name": "feature/x", "description": "x"}
	i.mustApply(config)
	imported := i.newInstance(branchType)
	imported.importByID("feature/x").requireNone(t)
	if difference := cmp.Diff(i.state, imported.state); difference != "" {
		t.Errorf("(-created +imported)\n%s", difference)
	}
	imported.expectEmptyPlan(config)
}
