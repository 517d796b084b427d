package provider

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// newProposedChange returns a server with a branch release, and a proposed change of it that does not exist yet.
func newProposedChange(t *testing.T) (*server, *instance, attributes) {
	t.Helper()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	return s, s.connect(t).newInstance(proposedChangeType), attributes{"name": "Release 1.2", "source_branch": "release"}
}

// setProposedChangeState ends a proposed change without the provider.
func (s *server) setProposedChangeState(t *testing.T, id, state string) {
	t.Helper()
	s.Ask(t, `mutation($id:String!,$state:String!){CoreProposedChangeUpdate(data:{id:$id state:{value:$state}}){ok}}`, "id", id, "state", state)
}

func TestProposedChange_DefaultsAndCancel(t *testing.T) {
	t.Parallel()
	s, i, config := newProposedChange(t)
	i.mustApply(config)
	want := config.with(attributes{"id": i.id(), "state": "open", "destination_branch": "main", "is_draft": false})
	if difference := cmp.Diff(want, i.state); difference != "" {
		t.Errorf("state (-want +got):\n%s", difference)
	}
	s.Log.Reset()
	i.mustDestroy()
	s.expectMutations(t, "CancelProposedChange: id")
	state := s.Ask(t, `{CoreProposedChange{edges{node{state{value}}}}}`).Text("data.CoreProposedChange.edges.0.node.state.value")
	if state != "canceled" {
		t.Errorf("on the server it is %s", state)
	}
}

func TestProposedChange_MergedCannotChangeAndIsOnlyForgotten(t *testing.T) {
	t.Parallel()
	s, i, config := newProposedChange(t)
	i.mustApply(config)
	s.setProposedChangeState(t, i.id(), "merged")
	i.refresh().requireNone(t)
	if i.state.text("state") != "merged" {
		t.Errorf("refreshed %v", i.state)
	}
	i.expectEmptyPlan(config)
	for _, attribute := range []string{"name", "description"} {
		i.plan(config.with(attributes{attribute: "Other"})).diagnostics.onlyError(t).expect(t, attribute, "Proposed Change Is Not Open", "merged", "only forgotten")
	}
	s.Log.Reset()
	i.mustDestroy()
	s.expectMutations(t)
}

func TestProposedChange_EditsBeforeItEndedAreNoDrift(t *testing.T) {
	t.Parallel()
	for state, warnings := range map[string]int{"merged": 0, "closed": 1, "canceled": 1} {
		s, i, config := newProposedChange(t)
		config = config.with(attributes{"is_draft": true, "description": "Draft"})
		i.mustApply(config)
		s.Ask(t, `mutation($id:String!){CoreProposedChangeUpdate(data:{id:$id name:{value:"Better"} description:{value:"Better"} is_draft:{value:false}}){ok}}`, "id", i.id())
		s.setProposedChangeState(t, i.id(), state)
		if got := i.refresh().warnings(); len(got) != warnings {
			t.Errorf("%s: warnings %v", state, got)
		}
		if i.state.text("state") != state {
			t.Errorf("refreshed %v", i.state)
		}
		i.expectEmptyPlan(config)
		imported := i.newInstance(proposedChangeType)
		_ = imported.importByID(i.id())
		if imported.state.text("name") != "Better" || imported.state["is_draft"] != false {
			t.Errorf("imported %v", imported.state)
		}
	}
}

func TestProposedChange_OfAnotherBranchReplacesAMergedOne(t *testing.T) {
	t.Parallel()
	s, i, config := newProposedChange(t)
	i.mustApply(config)
	s.setProposedChangeState(t, i.id(), "merged")
	i.refresh().requireNone(t)
	plan := i.plan(config.with(attributes{"name": "Release 1.3", "source_branch": "release-1.3", "description": unknown}))
	plan.diagnostics.requireNone(t)
	if !slices.Equal(plan.replacedBy, []string{"source_branch"}) {
		t.Errorf("replaced by %v", plan.replacedBy)
	}
	i.plan(config.with(attributes{"description": unknown})).diagnostics.requireNone(t)
}

func TestProposedChange_CanceledOutsideIsKeptWithAWarning(t *testing.T) {
	t.Parallel()
	s, i, config := newProposedChange(t)
	i.mustApply(config)
	s.setProposedChangeState(t, i.id(), "canceled")
	i.refresh().onlyWarning(t).expect(t, "", "Proposed Change Was Not Merged", `"Release 1.2"`, "canceled", "-replace")
	i.expectEmptyPlan(config)
	if plan := i.plan(config.with(attributes{"description": "Again"})); !slices.Equal(plan.replacedBy, []string{"description"}) {
		t.Errorf("a change is replaced by %v, want the description", plan.replacedBy)
	}
	s.Log.Reset()
	i.mustDestroy()
	s.expectMutations(t)
}

func TestProposedChange_CanceledByTheMergeOfItsBranchIsNoWarning(t *testing.T) {
	t.Parallel()
	s, i, config := newProposedChange(t)
	i.mustApply(config)
	s.mergeBranch(t, "release")
	i.refresh().requireNone(t)
	if i.state.text("state") != "canceled" {
		t.Errorf("refreshed %v", i.state)
	}
	i.expectEmptyPlan(config)
}

func TestProposedChange_DeletedOutsideIsProposedAgain(t *testing.T) {
	t.Parallel()
	s, i, config := newProposedChange(t)
	i.mustApply(config)
	s.Ask(t, `mutation($id:String!){CoreProposedChangeDelete(data:{id:$id}){ok}}`, "id", i.id())
	deleted := *i
	i.refresh().requireNone(t)
	s.Log.Reset()
	deleted.mustDestroy()
	s.expectMutations(t)
	i.mustApply(config)
}

func TestProposedChange_ServerRefusesTheBranch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change    attributes
		attribute string
		parts     []string
	}{
		"no such branch":          {attributes{"source_branch": "nowhere"}, "source_branch", []string{"source branch", "was not found", "Check that the branch exists"}},
		"proposed already":        {attributes{"source_branch": "taken"}, "source_branch", []string{"An open proposed change already exists", "terraform import"}},
		"merged already":          {attributes{"source_branch": "merged"}, "source_branch", []string{"has been merged"}},
		"not into another branch": {attributes{"destination_branch": "taken"}, "destination_branch", []string{"as a destination", "default branch"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, i, config := newProposedChange(t)
			s.createBranch(t, "taken")
			s.Ask(t, `mutation{CoreProposedChangeCreate(data:{name:{value:"p"} source_branch:{value:"taken"} destination_branch:{value:"main"}}){ok}}`)
			s.createBranch(t, "merged")
			s.mergeBranch(t, "merged")
			got := i.apply(i.plan(config.with(test.change))).onlyError(t)
			got.expect(t, test.attribute, "Proposed Change Not Created", append(test.parts, "Release 1.2", "Request id: ")...)
			if i.state != nil {
				t.Errorf("saved %v", i.state)
			}
		})
	}
}

func TestProposedChange_BranchIntoItselfIsInvalid(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, test := range []struct {
		config  attributes
		refused bool
	}{
		{attributes{"source_branch": "main"}, true},
		{attributes{"source_branch": "release", "destination_branch": "release"}, true},
		{attributes{"source_branch": "main", "destination_branch": "trunk"}, false},
		{attributes{"source_branch": unknown, "destination_branch": "release"}, false},
		{attributes{"source_branch": "release", "destination_branch": unknown}, false},
	} {
		diags := p.validate(proposedChangeType, attributes{"name": "Release"}.with(test.config))
		if !test.refused {
			diags.requireNone(t)
			continue
		}
		diags.onlyError(t).expect(t, "source_branch", "Invalid Proposed Change", "merged into itself")
	}
}

func TestProposedChange_NameOfTwoIsNotImported(t *testing.T) {
	t.Parallel()
	s, i, config := newProposedChange(t)
	i.mustApply(config)
	s.createBranch(t, "other")
	i.newInstance(proposedChangeType).mustApply(config.with(attributes{"source_branch": "other"}))
	i.newInstance(proposedChangeType).importByID("Release 1.2").onlyError(t).expect(t, "", "Object Not Read", "2 proposed changes", "Give its id")
}

func TestProposedChange_DestroyWhileItIsMergedWarns(t *testing.T) {
	t.Parallel()
	for name, merge := range map[string]func(t *testing.T, s *server, id string){
		"the state is merging": func(t *testing.T, s *server, id string) {
			t.Helper()
			s.setProposedChangeState(t, id, "merging")
		},
		"the merge begins before the cancel arrives": func(t *testing.T, s *server, id string) {
			t.Helper()
			s.injectAfter(mockserver.Fault{Operation: "CancelProposedChange", Times: 1, Delay: time.Millisecond}, func(request mockserver.Request) bool {
				if request.Operation == "ProposedChanges" {
					s.setProposedChangeState(t, id, "merging")
					return true
				}
				return false
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, i, config := newProposedChange(t)
			i.mustApply(config)
			plan := i.plan(nil)
			merge(t, s, i.id())
			i.apply(plan).onlyWarning(t).expect(t, "", "Proposed Change Is Being Merged",
				`"Release 1.2"`, "release", "only removed from the state", "goes on", "main")
			if i.state != nil {
				t.Errorf("kept %v", i.state)
			}
		})
	}
}
