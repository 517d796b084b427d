package provider

import (
	"slices"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestRepository_ChangedDefaultBranchReplacesWithAWarning(t *testing.T) {
	t.Parallel()
	i := startServer(t, mockserver.Options{}).connect(t).newInstance(readWriteType)
	state, config := importedRepository(readWriteType)
	i.state = state
	plan := i.plan(config.with(attributes{"default_branch": "stable"}))
	plan.diagnostics.requireNoErrors(t)
	plan.diagnostics.onlyWarning(t).expect(t, "default_branch", "Repository Will Be Replaced", `"v1.0.0"`, `"stable"`, "deletes")
	if !slices.Equal(plan.replacedBy, []string{"default_branch"}) {
		t.Errorf("replaced by %v", plan.replacedBy)
	}
}

// changeDefaultBranch changes the default branch of a repository outside of Terraform.
func (s *server) changeDefaultBranch(t *testing.T, id, branch string) {
	t.Helper()
	s.Ask(t, `mutation($id:String!,$branch:String){CoreRepositoryUpdate(data:{id:$id default_branch:{value:$branch}}){ok}}`, "id", id, "branch", branch)
}

// Infrahub stores a changed default branch and does nothing about it (infrahub-behaviour.md, Importing 18).
func TestRepository_DefaultBranchThatWasChangedOutsideIsWrittenBackInPlace(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, i *instance){
		"created here":                     func(*testing.T, *instance) {},
		"of a state without the record":    func(_ *testing.T, i *instance) { i.private = nil },
		"that was imported into the state": func(t *testing.T, i *instance) { i.importByID(i.id()).requireNone(t); i.refresh().requireNone(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			r.Branch(t, "stable")
			i, config := s.connect(t).newInstance(readWriteType), readWriteConfig(r)
			i.mustApply(config)
			prepare(t, i)
			s.changeDefaultBranch(t, i.id(), "stable")
			i.refresh().requireNone(t)
			if i.state.text("default_branch") != "stable" {
				t.Fatalf("refreshed %v", i.state)
			}
			plan := i.plan(config)
			plan.diagnostics.requireNone(t)
			if plan.replacedBy != nil {
				t.Fatalf("replaced by %v", plan.replacedBy)
			}
			s.Log.Reset()
			i.apply(plan).requireNone(t)
			s.expectMutations(t, "UpdateRepository: default_branch id")
			i.refresh().requireNone(t)
			i.expectEmptyPlan(config)
		})
	}
}

func TestRepository_DefaultBranchThatWasNeverImportedWarns(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	r.Branch(t, "stable")
	i, config := s.connect(t).newInstance(readWriteType), readWriteConfig(r)
	i.mustApply(config)
	s.changeDefaultBranch(t, i.id(), "stable")
	i.refresh().requireNone(t)
	plan := i.plan(config.with(attributes{"default_branch": "stable"}))
	plan.diagnostics.onlyWarning(t).expect(t, "default_branch", "Another Default Branch Was Imported", `"stable"`, `follows "main"`, "-replace")
}
