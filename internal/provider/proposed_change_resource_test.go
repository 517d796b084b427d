package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// proposing is a server with a branch release, and a provider that was configured for it.
func proposing(t *testing.T) (*server, *instance, attributes) {
	t.Helper()
	s := newServer(t, mockserver.Options{})
	s.newBranch(t, "release")
	return s, s.connected(t).newInstance(proposedChange), attributes{"name": "Release 1.2", "source_branch": "release"}
}

func TestProposedChange_CreateChangeAndCancel(t *testing.T) {
	t.Parallel()
	s, i, config := proposing(t)
	i.applied(config)
	i.wrote(s, "CreateProposedChange: destination_branch id is_draft name source_branch")
	if i.state.text("state") != "open" || i.state.text("destination_branch") != "main" || i.state["is_draft"] != false || i.state["description"] != nil {
		t.Errorf("saved %v", i.state)
	}
	i.refresh().none(t)
	i.unchanged(config)
	for _, test := range []struct {
		change attributes
		sent   string
	}{
		{attributes{"description": "See the notes."}, "UpdateProposedChange: description id"},
		{attributes{"description": nil}, "UpdateProposedChange: description id"},
		{attributes{"is_draft": true}, "UpdateProposedChange: id is_draft"},
		{attributes{"is_draft": nil}, "UpdateProposedChange: id is_draft"},
		{attributes{"name": "Release 1.2.1"}, "UpdateProposedChange: id name"},
	} {
		config = config.with(test.change)
		i.applied(config)
		i.wrote(s, test.sent)
		i.refresh().none(t)
		i.unchanged(config)
	}
	for _, attribute := range []string{"source_branch", "destination_branch"} {
		if plan := i.plan(config.with(attributes{attribute: "other"})); !slices.Equal(plan.replace, []string{attribute}) {
			t.Errorf("another %s replaces %v", attribute, plan.replace)
		}
	}
	i.apply(i.plan(nil)).none(t)
	i.wrote(s, "CancelProposedChange: id")
	if answer := s.post(t, "main", `{CoreProposedChange{edges{node{state{value}}}}}`); !strings.Contains(answer, `"canceled"`) {
		t.Errorf("the server has %s", answer)
	}
}

func TestProposedChange_MergedIsOnlyForgotten(t *testing.T) {
	t.Parallel()
	s, i, config := proposing(t)
	i.applied(config)
	s.ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+i.state.text("id")+`" state:{value:"merged"}}){ok}}`)
	i.refresh().none(t)
	if i.state.text("state") != "merged" {
		t.Errorf("read %v", i.state)
	}
	i.unchanged(config)
	for _, attribute := range []string{"name", "description"} {
		i.plan(config.with(attributes{attribute: "Other"})).diagnostics.oneError(t).is(t, attribute, "Proposed Change Is Not Open", "merged", "only forgotten")
	}
	s.sent()
	i.apply(i.plan(nil)).none(t)
	i.wrote(s)
}

func TestProposedChange_WhatReviewersEditedBeforeTheEndIsNoDrift(t *testing.T) {
	t.Parallel()
	for state, warnings := range map[string]int{"merged": 0, "closed": 1, "canceled": 1} {
		s, i, config := proposing(t)
		config = config.with(attributes{"is_draft": true, "description": "Draft"})
		i.applied(config)
		s.ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+i.state.text("id")+`" name:{value:"Better"} description:{value:"Better"} is_draft:{value:false}}){ok}}`)
		s.ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+i.state.text("id")+`" state:{value:"`+state+`"}}){ok}}`)
		if got := i.refresh().warnings(); len(got) != warnings {
			t.Errorf("%s: warnings %v", state, got)
		}
		if i.state.text("state") != state {
			t.Errorf("read %v", i.state)
		}
		i.unchanged(config)
		adopted := i.newInstance(proposedChange)
		_ = adopted.adopt(i.state.text("id"))
		if adopted.state.text("name") != "Better" || adopted.state["is_draft"] != false {
			t.Errorf("imported %v", adopted.state)
		}
	}
}

func TestProposedChange_OfTheNextBranchReplacesAMergedOne(t *testing.T) {
	t.Parallel()
	s, i, config := proposing(t)
	i.applied(config)
	s.ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+i.state.text("id")+`" state:{value:"merged"}}){ok}}`)
	i.refresh().none(t)
	plan := i.plan(config.with(attributes{"name": "Release 1.3", "source_branch": "release-1.3", "description": unknown}))
	plan.diagnostics.none(t)
	if !slices.Equal(plan.replace, []string{"source_branch"}) {
		t.Errorf("replaces %v", plan.replace)
	}
	i.plan(config.with(attributes{"description": unknown})).diagnostics.none(t)
}

func TestProposedChange_CanceledOutsideIsKeptAndNotProposedAgainByItself(t *testing.T) {
	t.Parallel()
	s, i, config := proposing(t)
	i.applied(config)
	s.ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+i.state.text("id")+`" state:{value:"canceled"}}){ok}}`)
	i.refresh().oneWarning(t).is(t, "", "Proposed Change Was Not Merged", `"Release 1.2"`, "canceled", "-replace")
	i.unchanged(config)
	if plan := i.plan(config.with(attributes{"description": "Again"})); !slices.Equal(plan.replace, []string{"description"}) {
		t.Errorf("a change replaces %v, want the description", plan.replace)
	}
	s.sent()
	i.apply(i.plan(nil)).none(t)
	i.wrote(s)
}

func TestProposedChange_WhoseBranchWasMergedWithoutItIsNoNews(t *testing.T) {
	t.Parallel()
	s, i, config := proposing(t)
	i.applied(config)
	s.merge(t, "release")
	i.refresh().none(t)
	if i.state.text("state") != "canceled" {
		t.Errorf("read %v", i.state)
	}
	i.unchanged(config)
}

func TestProposedChange_DeletedOutsideIsProposedAgain(t *testing.T) {
	t.Parallel()
	s, i, config := proposing(t)
	i.applied(config)
	remove := `mutation{CoreProposedChangeDelete(data:{id:"` + i.state.text("id") + `"}){ok}}`
	s.ask(t, remove)
	gone := *i
	i.refresh().none(t)
	if i.state != nil {
		t.Errorf("what is gone is kept: %v", i.state)
	}
	s.sent()
	gone.apply(gone.plan(nil)).none(t)
	gone.wrote(s)
	i.applied(config)
}

func TestProposedChange_Refused(t *testing.T) {
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
			s, i, config := proposing(t)
			s.newBranch(t, "taken")
			s.ask(t, `mutation{CoreProposedChangeCreate(data:{name:{value:"p"} source_branch:{value:"taken"} destination_branch:{value:"main"}}){ok}}`)
			s.newBranch(t, "merged")
			s.merge(t, "merged")
			got := i.apply(i.plan(config.with(test.change))).oneError(t)
			got.is(t, test.attribute, "Proposed Change Not Created", append(test.parts, "Release 1.2", "Request id: ")...)
			if i.state != nil {
				t.Errorf("saved %v", i.state)
			}
		})
	}
}

func TestProposedChange_IntoItselfIsRefusedByValidation(t *testing.T) {
	t.Parallel()
	p := newProtocol(t)
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
		diags := p.validate(proposedChange, attributes{"name": "Release"}.with(test.config))
		if !test.refused {
			diags.none(t)
			continue
		}
		diags.oneError(t).is(t, "source_branch", "Invalid Proposed Change", "merged into itself")
	}
}

func TestProposedChange_IsImportedByIDAndByAnUnambiguousName(t *testing.T) {
	t.Parallel()
	s, i, config := proposing(t)
	i.applied(config)
	for _, id := range []string{i.state.text("id"), "Release 1.2"} {
		adopted := i.newInstance(proposedChange)
		adopted.adopt(id).none(t)
		if difference := cmp.Diff(i.state, adopted.state); difference != "" {
			t.Errorf("%s (-applied +imported):\n%s", id, difference)
		}
	}
	s.newBranch(t, "other")
	i.newInstance(proposedChange).applied(config.with(attributes{"source_branch": "other"}))
	i.newInstance(proposedChange).adopt("Release 1.2").oneError(t).is(t, "", "Object Not Read", "2 proposed changes", "Give its id")
}
