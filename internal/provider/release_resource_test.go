package provider

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// release is an infrahub_release, not created yet, of a repository whose check passes at v1.0.0, which main has, and at v1.2.0, and
// fails at v1.1.0.
type release struct {
	*server
	*instance
	remote     *mocktest.Remote
	repository string
	config     attributes
}

func newRelease(t *testing.T, merge string) *release {
	t.Helper()
	s := startServer(t, mockserver.Options{})
	r := mocktest.NewRemote(t, t.TempDir(), "network.git")
	r.Release(t, "v1.0.0", mocktest.CheckFiles("tags", "1.0", "vlans", ""))
	r.Release(t, "v1.1.0", mocktest.CheckFiles("tags", "1.1", "vlans", "VLAN 12 is used twice"))
	r.Release(t, "v1.2.0", mocktest.CheckFiles("tags", "1.2", "vlans", ""))
	repository := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	return &release{
		server: s, instance: s.connect(t).newInstance(releaseType), remote: r, repository: repository,
		config: attributes{"repository_id": repository, "ref": "v1.0.0", "merge": merge},
	}
}

// to returns the configuration with another ref.
func (r *release) to(ref string) attributes { return r.config.with(attributes{"ref": ref}) }

// expectMain expects what main has of the repository.
func (r *release) expectMain(t *testing.T, ref string) {
	t.Helper()
	got := r.Ask(t, `{CoreReadOnlyRepository(name__value:"network"){edges{node{ref{value} commit{value}}}}}`)
	want := `{"commit":{"value":"` + r.remote.Commits[ref] + `"},"ref":{"value":"` + ref + `"}}`
	if node := got.JSON(t, "data.CoreReadOnlyRepository.edges.0.node"); node != want {
		t.Errorf("main has %s, want %s", node, want)
	}
}

// branches returns the names of the branches beside main.
func (r *release) branches(t *testing.T) []string {
	t.Helper()
	var names []string
	listed, _ := r.Ask(t, `{Branch{name}}`).At("data.Branch").([]any)
	for _, each := range listed {
		branch, _ := each.(map[string]any)
		if name, _ := branch["name"].(string); name != "main" {
			names = append(names, name)
		}
	}
	return names
}

func (r *release) expectState(t *testing.T, ref, state string, branches int) {
	t.Helper()
	if r.state.text("ref") != ref || r.state.text("state") != state || len(r.branches(t)) != branches || (r.state["branch"] != nil) != (branches > 0) {
		t.Errorf("the state is %v, the branches are %v; want %s, %s and %d branches", r.state, r.branches(t), ref, state, branches)
	}
}

// setState sets the state of the proposed change without the provider.
func (r *release) setState(t *testing.T, state string) {
	t.Helper()
	r.Ask(t, `mutation($id:String!,$state:String){CoreProposedChangeUpdate(data:{id:$id state:{value:$state}}){ok}}`, "id", r.state.text("proposed_change_id"), "state", state)
	r.WaitForTasks(t)
}

// operationsOf returns the names of these mutations.
func operationsOf(mutations []string) []string {
	var names []string
	for _, mutation := range mutations {
		name, _, _ := strings.Cut(mutation, ":")
		names = append(names, name)
	}
	return names
}

func (r *release) expectSent(t *testing.T, want ...string) {
	t.Helper()
	if difference := cmp.Diff(want, operationsOf(r.takeMutations())); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
}

// wholeRelease returns the mutations of a release that the apply merges.
func wholeRelease() []string {
	return []string{"CreateBranch", "UpdateReadOnlyRepository", "CreateProposedChange", "MergeProposedChange", "DeleteBranch"}
}

func TestRelease_OfWhatMainHasChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.mustApply(r.config)
	r.expectMutations(t)
	r.expectState(t, "v1.0.0", "merged", 0)
	if r.state.text("commit") != r.remote.Commits["v1.0.0"] || r.state["proposed_change_id"] != nil || r.state["checks"] != nil {
		t.Errorf("saved %v", r.state)
	}
	r.refresh().requireNone(t)
	r.expectEmptyPlan(r.config)
	r.mustDestroy()
	r.expectMutations(t)
}

func TestRelease_BumpIsOneLineAndOneApply(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.mustApply(r.config)
	plan := r.plan(r.to("v1.2.0"))
	plan.diagnostics.requireNone(t)
	want := r.state.with(attributes{"ref": "v1.2.0", "commit": unknown, "branch": unknown, "proposed_change_id": unknown, "state": unknown, "checks": unknown})
	if difference := cmp.Diff(want, plan.state); difference != "" || plan.replacedBy != nil {
		t.Errorf("the bump is replaced by %v, plan (-want +got):\n%s", plan.replacedBy, difference)
	}
	r.Log.Reset()
	r.apply(plan).requireNone(t)
	r.expectSent(t, wholeRelease()...)
	r.expectState(t, "v1.2.0", "merged", 0)
	r.expectMain(t, "v1.2.0")
	if checks, _ := r.state["checks"].([]attributes); len(checks) != 3 || r.state.text("commit") != r.remote.Commits["v1.2.0"] {
		t.Errorf("saved %v", r.state)
	}
	r.WaitForTasks(t)
	r.refresh().requireNone(t)
	r.expectEmptyPlan(r.to("v1.2.0"))
}

func TestRelease_FailingCheckStopsItAndIsCured(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.mustApply(r.config)
	r.Log.Reset()
	r.apply(r.plan(r.to("v1.1.0"))).onlyError(t).expect(t, "ref", "Checks Failed", "Check: vlans", "VLAN 12 is used twice (vlan-1, BuiltinTag)", "Apply again", "set another ref")
	r.expectSent(t, "CreateBranch", "UpdateReadOnlyRepository", "CreateProposedChange")
	r.expectState(t, "v1.1.0", "open", 1)
	r.expectMain(t, "v1.0.0")

	r.WaitForTasks(t)
	r.refresh().requireNone(t)
	r.Log.Reset()
	r.apply(r.plan(r.to("v1.1.0"))).onlyError(t).expect(t, "ref", "Checks Failed", "VLAN 12 is used twice")
	r.expectSent(t, "RunChecks")

	r.apply(r.plan(r.to("v1.2.0"))).requireNone(t)
	r.expectSent(t, slices.Concat([]string{"DeleteBranch"}, wholeRelease())...)
	r.expectState(t, "v1.2.0", "merged", 0)
	r.expectMain(t, "v1.2.0")
}

func TestRelease_RevertGivesUpTheFailedOne(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.mustApply(r.config)
	r.apply(r.plan(r.to("v1.1.0"))).onlyError(t)
	r.Log.Reset()
	r.mustApply(r.config)
	r.expectSent(t, "DeleteBranch")
	r.expectState(t, "v1.0.0", "merged", 0)
}

func TestRelease_ReviewIsEmptyUntilItIsMergedAndThenCleanedUp(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeByReviewer)
	r.mustApply(r.config)
	r.mustApply(r.to("v1.2.0"))
	r.expectSent(t, wholeRelease()[:3]...)
	r.expectState(t, "v1.2.0", "open", 1)
	r.expectMain(t, "v1.0.0")
	r.WaitForTasks(t)
	r.refresh().requireNone(t)
	r.expectEmptyPlan(r.to("v1.2.0"))

	r.setState(t, "merged")
	r.refresh().requireNone(t)
	plan := r.plan(r.to("v1.2.0"))
	plan.diagnostics.requireNone(t)
	if difference := cmp.Diff(r.state.with(attributes{"branch": nil}), plan.state); difference != "" {
		t.Errorf("the plan after the merge (-want +got):\n%s", difference)
	}
	r.Log.Reset()
	r.apply(plan).requireNone(t)
	r.expectSent(t, "DeleteBranch")
	r.expectState(t, "v1.2.0", "merged", 0)
	r.expectMain(t, "v1.2.0")
	r.refresh().requireNone(t)
	r.expectEmptyPlan(r.to("v1.2.0"))
}

func TestRelease_ClosedReviewIsProposedAgainOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeByReviewer)
	r.mustApply(r.to("v1.2.0"))
	closed := r.state.text("proposed_change_id")
	r.setState(t, "closed")
	r.refresh().onlyWarning(t).expect(t, "", "Release Was Not Merged", "closed", "-replace")
	r.expectEmptyPlan(r.to("v1.2.0"))
	r.mustDestroy() // as -replace does
	r.mustApply(r.to("v1.2.0"))
	if r.state.text("state") != "open" || r.state.text("proposed_change_id") == closed || len(r.branches(t)) != 1 {
		t.Errorf("saved %v, the branches are %v", r.state, r.branches(t))
	}
}

// A reviewer who closes a release may delete its branch as well, before or after the next refresh.
func TestRelease_ClosedReviewStaysClosedWithoutItsBranch(t *testing.T) {
	t.Parallel()
	for state, refreshed := range map[string]bool{"closed": false, "canceled": true} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, mergeByReviewer)
			r.mustApply(r.to("v1.2.0"))
			r.setState(t, state)
			if refreshed {
				r.refresh().onlyWarning(t)
			}
			r.deleteBranch(t, r.state.text("branch"))
			r.refresh().onlyWarning(t).expect(t, "", "Release Was Not Merged", state, "-replace")
			r.Log.Reset()
			r.expectEmptyPlan(r.to("v1.2.0"))
			r.mustApply(r.to("v1.2.0"))
			r.expectMutations(t)
		})
	}
}

func TestRelease_IsResumedAfterSomethingWasDeletedOutside(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, deletion, attribute string
		sent                      []string
	}{
		{"branch", `mutation($it:String!){BranchDelete(data:{name:$it} wait_until_completion:true){ok}}`, "branch", wholeRelease()[:3]},
		{"proposed change", `mutation($it:String!){CoreProposedChangeDelete(data:{id:$it}){ok}}`, "proposed_change_id", []string{"CreateProposedChange"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, mergeByReviewer)
			r.mustApply(r.to("v1.2.0"))
			r.Ask(t, test.deletion, "it", r.state.text(test.attribute))
			r.refresh().requireNone(t)
			r.Log.Reset()
			r.mustApply(r.to("v1.2.0"))
			r.expectSent(t, test.sent...)
			r.expectState(t, "v1.2.0", "open", 1)
		})
	}
}

func TestRelease_DestroyGivesUpTheReviewAndLeavesMain(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeByReviewer)
	r.mustApply(r.to("v1.2.0"))
	r.Log.Reset()
	r.mustDestroy()
	r.expectSent(t, "DeleteBranch")
	r.expectMain(t, "v1.0.0")
}

func TestRelease_SwitchToMergingMergesWhatIsInReview(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeByReviewer)
	r.mustApply(r.to("v1.2.0"))
	r.WaitForTasks(t)
	r.Log.Reset()
	r.mustApply(r.to("v1.2.0").with(attributes{"merge": mergeWhenChecksPass}))
	r.expectSent(t, wholeRelease()[3:]...)
	r.expectMain(t, "v1.2.0")
}

func TestRelease_DescriptionOfTheReviewChangesInPlace(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeByReviewer)
	r.mustApply(r.to("v1.2.0"))
	id := r.state.text("proposed_change_id")
	r.Log.Reset()
	r.mustApply(r.to("v1.2.0").with(attributes{"description": "VLANs of site 2"}))
	r.expectMutations(t, "UpdateProposedChange: description id")
	if r.state.text("proposed_change_id") != id {
		t.Errorf("it was proposed again: %v", r.state)
	}
}

// What others have set on main since is a difference, and released again.
func TestRelease_AnotherRefOnMainIsADifference(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.mustApply(r.to("v1.2.0"))
	r.WaitForTasks(t)
	r.Ask(t, `mutation($id:String!){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:"v1.0.0"}}){ok}}`, "id", r.repository)
	r.WaitForTasks(t)
	r.refresh().requireNone(t)
	r.expectState(t, "v1.0.0", "merged", 0)
	r.mustApply(r.to("v1.2.0"))
	r.expectMain(t, "v1.2.0")
}

func TestRelease_ReviewThatWouldTakeSomethingBackWarns(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeByReviewer)
	r.mustApply(r.to("v1.2.0"))
	other := mocktest.NewRemote(t, t.TempDir(), "other.git", "v1.0.0")
	r.createReadOnlyRepository(t, "younger", other.Path, "v1.0.0")
	r.refresh().onlyWarning(t).expect(t, "ref", "Release Must Not Be Merged", "younger", "created after the branch", `"v1.0.0"`, "-replace")
	r.expectEmptyPlan(r.to("v1.2.0"))
}

func TestRelease_Import(t *testing.T) {
	t.Parallel()
	for _, merged := range []bool{true, false} {
		r := newRelease(t, mergeByReviewer)
		if !merged {
			r.mustApply(r.to("v1.2.0"))
			r.WaitForTasks(t)
		}
		before := r.state
		for _, given := range []string{"network", r.repository} {
			imported := r.connect(t).newInstance(releaseType)
			imported.importByID(given).requireNone(t)
			if merged {
				before = attributes{"id": r.repository, "repository_id": r.repository, "ref": "v1.0.0", "merge": mergeByReviewer, "state": "merged", "commit": r.remote.Commits["v1.0.0"]}
			}
			for name, want := range before {
				if want != nil && cmp.Diff(want, imported.state[name]) != "" {
					t.Errorf("%s is %v, want %v", name, imported.state[name], want)
				}
			}
			imported.mustApply(r.config.with(attributes{"ref": imported.state.text("ref")}))
			imported.expectEmptyPlan(r.config.with(attributes{"ref": imported.state.text("ref")}))
		}
		r.takeMutations()
	}
}

// A create that fails saves nothing, because Terraform would replace what it has saved. The next one goes on.
func TestRelease_CreateThatFailsIsTakenUpByTheNextApply(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.failOnce("CreateProposedChange", http.StatusBadRequest, `{"errors": ["The request could not be read"]}`)
	diags := r.apply(r.plan(r.to("v1.2.0")))
	diags.errors()[0].expect(t, "", "Release Not Finished", r.repository, "The request could not be read", "Nothing was changed by this request.")
	diags.warnings()[0].expect(t, "", "Release Is Not Finished", r.branches(t)[0], "goes on")
	if r.state != nil {
		t.Errorf("saved %v", r.state)
	}
	r.Log.Reset()
	r.mustApply(r.to("v1.2.0"))
	r.expectState(t, "v1.2.0", "merged", 0)
	if sent := operationsOf(r.takeMutations()); slices.Contains(sent, "CreateBranch") || slices.Contains(sent, "UpdateReadOnlyRepository") {
		t.Errorf("the second apply sent %v", sent)
	}
}

func TestRelease_AccountThatMayNotMerge(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.failOnce("MergeProposedChange", http.StatusOK,
		`{"data":null,"errors":[{"message":"You are not allowed to merge proposed changes","extensions":{"code":"UNDEFINED_ERROR","http_status":422}}]}`)
	r.mustApply(r.config)
	r.apply(r.plan(r.to("v1.2.0"))).onlyError(t).expect(t, "merge", "Proposed Change Not Merged", "Release v1.2.0 of the read-only repository "+r.repository, "You are not allowed to merge proposed changes",
		"merge_proposed_change", "set it to by_reviewer")
	r.expectState(t, "v1.2.0", "open", 1)
	r.expectMain(t, "v1.0.0")
}

func TestRelease_BadInputFailsThePlan(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.mustApply(r.config)
	r.plan(r.to("v1.2.1")).diagnostics.onlyError(t).expect(t, "ref", "Git Ref Not Found", "v1.2.1", "v1.2.0")
	fresh := r.connect(t).newInstance(releaseType)
	readWrite := r.Ask(t, `mutation($location:String!){CoreRepositoryCreate(data:{name:{value:"synced"} location:{value:$location}}){ok object{id}}}`, "location", r.remote.Path+"/.")
	fresh.plan(r.config.with(attributes{"repository_id": readWrite.Text("data.CoreRepositoryCreate.object.id")})).diagnostics.onlyError(t).
		expect(t, "repository_id", "Release Not Planned", "infrahub_repository", "no releases")
	fresh.plan(r.config.with(attributes{"repository_id": nodeUUID})).diagnostics.onlyError(t).expect(t, "repository_id", "Release Not Planned", nodeUUID)
	fresh.plan(r.config.with(attributes{"repository_id": "network"})).diagnostics.onlyError(t).expect(t, "repository_id", "Not an Id", "network")
	r.createBranch(t, "other")
	r.connectWith(t, attributes{"branch": "other"}).newInstance(releaseType).plan(r.config).diagnostics.onlyError(t).
		expect(t, "", "Release on a Branch", `"other"`, "default branch")
	fresh.validate(releaseType, r.config.with(attributes{"merge": "always"})).onlyError(t).expect(t, "merge", "Invalid Attribute Value Match", mergeByReviewer)
}

// A remote that cannot be asked stops no plan: Infrahub has a credential of its own.
func TestRelease_RemoteThatCannotBeAskedWarns(t *testing.T) {
	t.Parallel()
	r := newRelease(t, mergeWhenChecksPass)
	r.mustApply(r.config)
	r.Ask(t, `mutation($id:String!){CoreReadOnlyRepositoryUpdate(data:{id:$id location:{value:"http://127.0.0.1:1/network.git"}}){ok}}`, "id", r.repository)
	r.plan(r.to("v1.2.0")).diagnostics.onlyWarning(t).expect(t, "ref", "Release Not Looked Up", "127.0.0.1:1")
}
