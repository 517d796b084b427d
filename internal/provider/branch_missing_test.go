package provider

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestBranchMissing_IsOneWarningThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	newProvider(t).configure(s.block().with(attributes{"branch": "release"})).onlyWarning(t).
		expect(t, "branch", "Infrahub Branch Not Found", `no branch "release"`, "branch = infrahub_branch.NAME.name", branchVariable)
}

// The alias of a provider is on the branch that the other one creates.
func TestBranchMissing_PlanOfANewObjectWaitsForTheBranchOfTheSameConfiguration(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	alias := newProvider(t)
	alias.configure(s.block().with(attributes{"branch": "release"})).requireNoErrors(t)
	tag := attributes{"name": "core"}
	i := alias.newInstance(tagType)
	plan := i.plan(tag)
	plan.diagnostics.requireNone(t)

	// At apply, the branch comes first.
	s.connect(t).newInstance(branchType).mustApply(attributes{"name": "release"})
	alias.configure(s.block().with(attributes{"branch": "release"})).requireNone(t)
	i.apply(plan).requireNone(t)
	i.expectEmptyPlan(tag)
}

func TestBranchMissing_NothingIsChangedOnAMisspeltBranch(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p := newProvider(t)
	p.configure(s.block().with(attributes{"branch": "mian"})).requireNoErrors(t)
	s.Log.Reset()
	i := p.newInstance(tagType)
	i.apply(i.plan(attributes{"name": "core"})).onlyError(t).expect(t, "", "Tag Not Created", "Branch: mian not found.", "Nothing was changed")
	if i.state != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestBranchMissing_ObjectOfADeletedBranchIsForgottenAndDestroyed(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.createBranch(t, "release")
	on := func() *testProvider {
		p := newProvider(t)
		p.configure(s.block().with(attributes{"branch": "release"})).requireNoErrors(t)
		return p
	}
	tag, repository := on().newInstance(tagType), on().newInstance(readOnlyType)
	tag.mustApply(attributes{"name": "core"})
	repository.mustApply(readOnlyConfig(r, "v1.0.0"))
	s.deleteBranch(t, "release")

	forgotten := *on().newInstance(tagType)
	forgotten.state, forgotten.private, forgotten.identity = tag.state, tag.private, tag.identity
	forgotten.refresh().requireNone(t)
	if forgotten.state != nil {
		t.Errorf("a tag of the deleted branch is kept: %v", forgotten.state)
	}
	tag.mustDestroy()

	// The repository exists on every branch.
	repository.refresh().requireNone(t)
	if repository.state == nil {
		t.Fatal("a repository that still exists is forgotten")
	}
	repository.mustDestroy()
	if got := s.Ask(t, `{CoreReadOnlyRepository{count}}`).At("data.CoreReadOnlyRepository.count"); got != 0.0 {
		t.Errorf("%v repositories are left", got)
	}
}

func TestBranchMissing_MisspeltBranchForgetsNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	p := newProvider(t)
	p.configure(s.block().with(attributes{"branch": "release"})).requireNone(t)
	i := p.newInstance(tagType)
	i.mustApply(attributes{"name": "core"})
	before := i.state
	p.configure(s.block().with(attributes{"branch": "relaese"})).requireNoErrors(t)
	i.refresh().onlyError(t).expect(t, "", "Tag Not Read", "relaese")
	if i.state == nil || i.state.text("id") != before.text("id") {
		t.Errorf("the tag is forgotten: %v", i.state)
	}
}

func TestBranchMissing_DestroyOnAMisspeltBranchKeepsTheObject(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p := s.connect(t)
	i := p.newInstance(tagType)
	i.mustApply(attributes{"name": "core"})
	p.configure(s.block().with(attributes{"branch": "mian"})).requireNoErrors(t)
	i.apply(i.plan(nil)).onlyError(t).expect(t, "", "Tag Not Deleted", "Branch: mian not found.", "Nothing was changed")
	if i.state == nil {
		t.Error("a tag that still exists left the state")
	}
	if got := s.Ask(t, `{BuiltinTag{count}}`).At("data.BuiltinTag.count"); got != 1.0 {
		t.Errorf("%v tags, want the one", got)
	}
}

func TestBranchMissing_DestroyOfWhatTheDefaultBranchHasTooOnlyForgetsIt(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(tagType)
	i.mustApply(attributes{"name": "core"})
	s.createBranch(t, "release")
	i.configure(s.block().with(attributes{"branch": "release"})).requireNone(t)
	i.refresh().requireNone(t)
	s.deleteBranch(t, "release")
	i.configure(s.block().with(attributes{"branch": "release"})).requireNoErrors(t)
	diags := i.apply(i.plan(nil))
	diags.requireNoErrors(t)
	diags.onlyWarning(t).expect(t, "", "Tag Still Exists", "core", "only removed from the state")
	if got := s.Ask(t, `{BuiltinTag{count}}`).At("data.BuiltinTag.count"); got != 1.0 {
		t.Errorf("%v tags, want the one of the default branch", got)
	}
}
