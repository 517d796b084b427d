package provider

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// checkedChange is a proposed change, not created yet, of a branch with a repository whose check passes at v1.0.0 and v1.2.0, and
// fails at v1.1.0.
type checkedChange struct {
	*server
	*instance
	remote     *mocktest.Remote
	repository string
	config     attributes
}

// newCheckedChange returns a proposed change that waits for its checks, unless settings change that.
func newCheckedChange(t *testing.T, ref string, settings attributes) *checkedChange {
	t.Helper()
	s := startServer(t, mockserver.Options{})
	r := mocktest.NewRemote(t, t.TempDir(), "network.git")
	r.Release(t, "v1.0.0", mocktest.CheckFiles("tags", "1.0", "vlans", ""))
	r.Release(t, "v1.1.0", mocktest.CheckFiles("tags", "1.1", "vlans", "VLAN 12 is used twice"))
	r.Release(t, "v1.2.0", mocktest.CheckFiles("tags", "1.2", "vlans", ""))
	c := &checkedChange{server: s, remote: r, config: attributes{"name": "Release", "source_branch": "release", "wait_for_checks": true}.with(settings)}
	c.repository = s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	s.createBranch(t, "release")
	c.setRef(t, ref)
	c.instance = s.connect(t).newInstance(proposedChangeType)
	return c
}

// setRef imports a ref on the branch without the provider.
func (c *checkedChange) setRef(t *testing.T, ref string) {
	t.Helper()
	c.Post(t, "release", `mutation($id:String!,$ref:String!){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:$ref}}){ok}}`, "id", c.repository, "ref", ref)
	c.WaitForTasks(t)
}

// expectChecks expects checks in the state, each as its label and conclusion, and the messages of the failed ones.
func (c *checkedChange) expectChecks(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	checks, _ := c.state["checks"].([]attributes)
	for _, check := range checks {
		text := check.text("label") + ": " + check.text("conclusion")
		messages, _ := check["messages"].(stringList)
		for _, message := range messages {
			text += ": " + message
		}
		got = append(got, text)
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("checks (-want +got):\n%s", difference)
	}
}

// operations returns the operations since the last reset of the log.
func (c *checkedChange) operations() []string {
	var sent []string
	for _, request := range c.Log.Requests() {
		sent = append(sent, request.Operation)
	}
	return sent
}

const (
	vlansPassed = "Check: vlans: success"
	vlansFailed = "Check: vlans: failure: VLAN 12 is used twice (vlan-1, BuiltinTag)"
	dataPassed  = "Data Integrity: success"
	schemaFine  = "Schema Integrity: success"
)

func TestProposedChange_WaitsForItsChecks(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.mustApply(c.config)
	c.expectMutations(t, "CreateProposedChange: destination_branch id is_draft name source_branch")
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	if c.state.text("state") != "open" {
		t.Errorf("the state is %s", c.state.text("state"))
	}
	c.Log.Reset()
	c.refresh().requireNone(t)
	if difference := cmp.Diff([]string{"ProposedChanges", "Checks"}, c.operations()); difference != "" {
		t.Errorf("requests of a refresh (-want +got):\n%s", difference)
	}
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	c.expectEmptyPlan(c.config)
}

func TestProposedChange_FailedChecksFailTheApplyAndRunAgain(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.1.0", nil)
	c.apply(c.plan(c.config)).onlyError(t).expect(t, "wait_for_checks", "Checks Failed", `proposed change "Release" of branch release`,
		"Check: vlans\n    - VLAN 12 is used twice (vlan-1, BuiltinTag)", "set a ref that has the correction", "tainted", "terraform untaint")
	c.expectChecks(t, vlansFailed, dataPassed, schemaFine)
	if c.id() == "" || c.state.text("state") != "open" {
		t.Errorf("saved %v", c.state)
	}
	// Terraform replaces it, unless it is untainted, as here.
	for range 2 {
		c.refresh().requireNone(t)
		c.Log.Reset()
		c.apply(c.plan(c.config)).onlyError(t).expect(t, "wait_for_checks", "Checks Failed", "VLAN 12", "also without a change in the configuration")
		c.expectMutations(t, "RunChecks: change")
	}
	c.setRef(t, "v1.2.0")
	plan := c.plan(c.config)
	if plan.state["checks"] != unknown || plan.state["state"] != unknown {
		t.Errorf("planned %v", plan.state)
	}
	c.Log.Reset()
	c.apply(plan).requireNone(t)
	c.expectMutations(t, "RunChecks: change")
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	c.refresh().requireNone(t)
	c.expectEmptyPlan(c.config)
}

func TestProposedChange_AChangeRunsItsChecksAgain(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.mustApply(c.config)
	c.setRef(t, "v1.1.0")
	c.Log.Reset()
	c.apply(c.plan(c.config.with(attributes{"description": "Better"}))).onlyError(t).expect(t, "wait_for_checks", "Checks Failed", "VLAN 12")
	c.expectMutations(t, "UpdateProposedChange: description id", "RunChecks: change")
	c.expectChecks(t, vlansFailed, dataPassed, schemaFine)
}

func TestProposedChange_ThatDoesNotAskForChecksReadsNone(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.1.0", attributes{"wait_for_checks": nil})
	c.failOnce("Checks", http.StatusForbidden, "{}")
	plan := c.plan(c.config)
	if plan.state["checks"] != nil {
		t.Errorf("planned the checks %v", plan.state["checks"])
	}
	c.apply(plan).requireNone(t)
	c.WaitForTasks(t)
	c.refresh().requireNone(t)
	c.mustApply(c.config.with(attributes{"description": "Better"}))
	if c.state["checks"] != nil || slices.Contains(c.operations(), "Checks") || slices.Contains(c.operations(), "ChecksProgress") {
		t.Errorf("checks %v, sent %v", c.state["checks"], c.operations())
	}
}

func TestProposedChange_IsWaitedForLater(t *testing.T) {
	t.Parallel()
	for ref, test := range map[string]struct {
		mutations []string
		checks    []string
	}{
		"v1.2.0": {nil, []string{vlansPassed, dataPassed, schemaFine}},
		// Those of an earlier run have failed, so they run once more.
		"v1.1.0": {[]string{"RunChecks: change"}, []string{vlansFailed, dataPassed, schemaFine}},
	} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			c := newCheckedChange(t, ref, nil)
			c.mustApply(c.config.with(attributes{"wait_for_checks": nil}))
			c.Log.Reset()
			if diags := c.apply(c.plan(c.config)); diags.hasErrors() != (test.mutations != nil) {
				t.Errorf("got %v", diags)
			}
			c.expectMutations(t, test.mutations...)
			c.expectChecks(t, test.checks...)
		})
	}
}

func TestProposedChange_ChecksThatAreNotAskedForAnyMoreMayBeRefused(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.mustApply(c.config)
	refused := `{"data":null,"errors":[{"message":"You do not have one of the following permissions: view","extensions":{"code":"PERMISSION_DENIED","http_status":403}}]}`
	c.failOnce("Checks", http.StatusOK, refused)
	c.refresh().onlyError(t).expect(t, "checks", "Checks Not Read", "You do not have one of the following permissions", "view validators and checks", "remove wait_for_checks")
	c.mustApply(c.config.with(attributes{"wait_for_checks": nil}))
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	c.failOnce("Checks", http.StatusOK, refused)
	c.refresh().requireNone(t)
	c.expectChecks(t)
	c.expectEmptyPlan(c.config.with(attributes{"wait_for_checks": nil}))
}

func TestProposedChange_ChecksThatDoNotEndAreNamed(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.mustApply(c.config)
	c.Inject(mockserver.Fault{Operation: "git-repository-run-user-check", Times: 1, StuckTask: true})
	impatient := c.config.with(attributes{"description": "Better", "timeouts": timeoutsOf("2s", "update")})
	c.apply(c.plan(impatient)).onlyError(t).expect(t, "wait_for_checks", "Checks Not Finished", "The timeout expired", `proposed change "Release"`,
		"Check: vlans: in_progress", "more time in timeouts", "the checks run once more")
	// The description is there already: that the checks were not seen to pass is still known.
	c.Log.Reset()
	c.mustApply(impatient.with(attributes{"timeouts": timeoutsOf("1m", "update")}))
	c.expectMutations(t, "RunChecks: change")
	c.expectEmptyPlan(impatient.with(attributes{"timeouts": timeoutsOf("1m", "update")}))
}

func TestProposedChange_ClosedWhileItIsChecked(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.Inject(mockserver.Fault{Operation: "git-repository-run-user-check", Times: 1, StuckTask: true})
	plan := c.plan(c.config)
	c.injectAfter(mockserver.Fault{Operation: "none", Delay: time.Millisecond}, func(request mockserver.Request) bool {
		if request.Operation == "ChecksProgress" {
			c.Ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+c.proposed(t)+`" state:{value:"closed"}}){ok}}`)
			return true
		}
		return false
	})
	c.apply(plan).onlyError(t).expect(t, "wait_for_checks", "Proposed Change Is Not Open", "became closed", "not by Terraform", "-replace")
	if c.state.text("state") != "closed" {
		t.Errorf("saved %v", c.state)
	}
}

// proposed returns the id of the only proposed change.
func (c *checkedChange) proposed(t *testing.T) string {
	t.Helper()
	return c.Ask(t, `{CoreProposedChange{edges{node{id}}}}`).Text("data.CoreProposedChange.edges.0.node.id")
}

// mainRef returns the ref of the repository on main.
func (c *checkedChange) mainRef(t *testing.T) string {
	t.Helper()
	return c.Ask(t, `query($id:[ID]){CoreReadOnlyRepository(ids:$id){edges{node{ref{value}}}}}`, "id", []string{c.repository}).
		Text("data.CoreReadOnlyRepository.edges.0.node.ref.value")
}

// merging returns settings that merge, and wait for the checks by that alone.
func merging() attributes { return attributes{"wait_for_checks": nil, "merge": true} }

func TestProposedChange_MergesOnceItsChecksHavePassed(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", merging())
	c.mustApply(c.config)
	c.expectMutations(t, "CreateProposedChange: destination_branch id is_draft name source_branch", "MergeProposedChange: id")
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	if c.state.text("state") != "merged" || c.mainRef(t) != "v1.2.0" {
		t.Errorf("the state is %s, main has %s", c.state.text("state"), c.mainRef(t))
	}
	c.refresh().requireNone(t)
	c.expectEmptyPlan(c.config)
	c.Log.Reset()
	c.mustDestroy()
	c.expectMutations(t)
}

func TestProposedChange_FailedChecksMergeNothing(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.1.0", merging())
	c.apply(c.plan(c.config)).onlyError(t).expect(t, "merge", "Checks Failed", "VLAN 12")
	c.expectMutations(t, "CreateProposedChange: destination_branch id is_draft name source_branch")
	c.setRef(t, "v1.2.0")
	c.Log.Reset()
	c.mustApply(c.config)
	c.expectMutations(t, "RunChecks: change", "MergeProposedChange: id")
	if c.state.text("state") != "merged" {
		t.Errorf("the state is %s", c.state.text("state"))
	}
}

func TestProposedChange_IsMergedLater(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reviewer  bool
		mutations []string
	}{
		"by the apply": {false, []string{"RunChecks: change", "MergeProposedChange: id"}}, "by a reviewer who was faster": {true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckedChange(t, "v1.2.0", nil)
			c.mustApply(c.config)
			plan := c.plan(c.config.with(merging()))
			if test.reviewer {
				c.setProposedChangeState(t, c.id(), "merged")
			}
			c.Log.Reset()
			c.apply(plan).requireNone(t)
			c.expectMutations(t, test.mutations...)
			c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
			if c.state.text("state") != "merged" {
				t.Errorf("the state is %s", c.state.text("state"))
			}
		})
	}
}

func TestProposedChange_ChecksOfAnEarlierRefMergeNothing(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.mustApply(c.config)
	c.setRef(t, "v1.1.0")
	c.refresh().requireNone(t)
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	c.Log.Reset()
	c.apply(c.plan(c.config.with(merging()))).onlyError(t).expect(t, "merge", "Checks Failed", "VLAN 12")
	c.expectMutations(t, "RunChecks: change")
}

func TestProposedChange_MergeThatTakesBackARefIsNotBegun(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", merging())
	other := newRemote(t)
	otherID := c.createReadOnlyRepository(t, "other", other.Path, "v1.1.0")
	got := c.apply(c.plan(c.config)).onlyError(t)
	got.expect(t, "merge", "Merge Would Take Back Refs", `The branch "release" was not merged`,
		"other (id "+otherID+", created after the branch): it has \"v1.1.0\" at commit "+other.Commits["v1.1.0"]+", and would get \"main\" without a commit",
		"-replace for its infrahub_branch", "replace_triggered_by", "several repositories together")
	c.expectMutations(t, "CreateProposedChange: destination_branch id is_draft name source_branch")
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	c.refresh().requireNone(t)
	if plan := c.plan(c.config); plan.state["state"] != unknown || len(plan.replacedBy) > 0 {
		t.Errorf("the next plan does not merge: %v", plan.state)
	}
}

func TestProposedChange_MergeIsRefused(t *testing.T) {
	t.Parallel()
	for message, step := range map[string]string{
		"You are not allowed to merge proposed changes":                  "permission merge_proposed_change, or leave the merge to a reviewer",
		"A draft proposed change is not allowed to be merged":            "Set is_draft to false",
		"Unable to merge proposed change containing failing checks":      "The checks have run again",
		"Unable to merge the branch 'x', conflict resolution missing: y": "on a new branch",
		"Something else": "Nothing was changed",
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			c := newCheckedChange(t, "v1.2.0", merging())
			c.failOnce("MergeProposedChange", http.StatusOK, `{"data":null,"errors":[{"message":"`+message+`","extensions":{"code":"UNDEFINED_ERROR","http_status":422}}]}`)
			c.apply(c.plan(c.config)).onlyError(t).expect(t, "merge", "Proposed Change Not Merged", message, step, "Request id: ")
			if c.state.text("state") != "open" {
				t.Errorf("saved %v", c.state)
			}
			c.Log.Reset()
			c.mustApply(c.config)
			c.expectMutations(t, "RunChecks: change", "MergeProposedChange: id")
		})
	}
}

func TestProposedChange_MergeThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.instance = c.connectWith(t, attributes{"timeout": 3}).newInstance(proposedChangeType)
	c.mustApply(c.config)
	c.Inject(mockserver.Fault{Operation: "proposed-change-merge", Times: 1, StuckTask: true})
	c.apply(c.plan(c.config.with(merging()).with(attributes{"timeouts": timeoutsOf("2s", "update")}))).onlyError(t).
		expect(t, "merge", "Merge Not Finished", "The timeout expired", `proposed change "Release"`, "goes on without Terraform", "more time in timeouts")
	if c.state.text("state") != "merging" {
		t.Errorf("saved %v", c.state)
	}
}

func TestProposedChange_ADraftIsNotMerged(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	config := attributes{"name": "Release", "source_branch": "release", "merge": true}
	p.validate(proposedChangeType, config.with(attributes{"is_draft": true})).onlyError(t).expect(t, "merge", "Invalid Proposed Change", "refuses to merge a draft")
	for _, draft := range []any{false, nil, unknown} {
		p.validate(proposedChangeType, config.with(attributes{"is_draft": draft})).requireNone(t)
	}
}

func TestProposedChange_ImportedOneIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.2.0", nil)
	c.mustApply(c.config)
	c.instance = c.instance.newInstance(proposedChangeType)
	c.importByID("Release").requireNone(t)
	c.expectChecks(t)
	c.expectEmptyPlan(c.config.with(attributes{"wait_for_checks": nil}))
	c.Log.Reset()
	c.mustApply(c.config)
	c.expectMutations(t)
	c.expectChecks(t, vlansPassed, dataPassed, schemaFine)
	c.expectEmptyPlan(c.config)
}

// A create that was killed leaves a proposed change that no state knows.
func TestProposedChange_OfACreateThatWasKilledIsTakenUp(t *testing.T) {
	t.Parallel()
	const run = "RunChecks: change"
	for name, test := range map[string]struct {
		settings attributes
		// merged is whether the create had merged it.
		merged    bool
		announced string
		mutations []string
		state     string
	}{
		"open":                     {attributes{"wait_for_checks": false}, false, "None of its attributes changes.", nil, "open"},
		"open, with checks":        {attributes{}, false, "None of its attributes changes.", []string{run}, "open"},
		"open, to be merged":       {attributes{"merge": true}, false, "None of its attributes changes.", []string{run, "MergeProposedChange: id"}, "merged"},
		"merged":                   {attributes{"merge": true}, true, "None of its attributes changes.", nil, "merged"},
		"merged, described anew":   {attributes{"merge": true, "description": "Better"}, true, "None of its attributes changes.", nil, "merged"},
		"open, described anew":     {attributes{"wait_for_checks": false, "description": "Better"}, false, `description: null -> "Better"`, []string{"UpdateProposedChange: description id"}, "open"},
		"open, and merged by hand": {attributes{"wait_for_checks": false}, true, "None of its attributes changes.", nil, "merged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckedChange(t, "v1.2.0", adopting(test.settings))
			killed := c.connect(t).newInstance(proposedChangeType)
			killed.mustApply(attributes{"name": "Release", "source_branch": "release", "merge": test.merged})
			c.Log.Reset()
			plan := c.plan(c.config)
			plan.diagnostics.onlyWarning(t).expect(t, "", "Existing Proposed Change Will Be Adopted", killed.id(), "a later destroy cancels it", test.announced)
			c.apply(plan).requireNone(t)
			c.expectMutations(t, test.mutations...)
			if c.id() != killed.id() || c.state.text("state") != test.state {
				t.Errorf("saved %v", c.state)
			}
			c.refresh().requireNone(t)
			c.expectEmptyPlan(c.config)
		})
	}
}

// Terraform would replace a tainted proposed change, which somebody else may have made.
func TestProposedChange_ThatIsAdoptedAndDoesNotPassIsNotSaved(t *testing.T) {
	t.Parallel()
	c := newCheckedChange(t, "v1.1.0", adopting(attributes{}))
	killed := c.connect(t).newInstance(proposedChangeType)
	killed.mustApply(attributes{"name": "Release", "source_branch": "release"})
	for range 2 {
		plan := c.plan(c.config)
		plan.diagnostics.requireNoErrors(t)
		c.apply(plan).onlyError(t).expect(t, "wait_for_checks", "Checks Failed", "VLAN 12 is used twice", "existed before, so it is not kept in the state", "adopts it again")
		if c.state != nil {
			t.Errorf("saved %v", c.state)
		}
	}
	c.setRef(t, "v1.2.0")
	c.mustApply(c.config)
	if c.id() != killed.id() {
		t.Errorf("adopted %s, want %s", c.id(), killed.id())
	}
}

// What closed or canceled it is over, and a branch of the same name may have been merged before.
func TestProposedChange_ThatIsOverIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, c *checkedChange, other *instance){
		"canceled": func(_ *testing.T, _ *checkedChange, other *instance) { other.mustDestroy() },
		"merged, and its branch is made anew": func(t *testing.T, c *checkedChange, other *instance) {
			t.Helper()
			other.mustApply(attributes{"name": "Release", "source_branch": "release", "merge": true})
			c.deleteBranch(t, "release")
			c.createBranch(t, "release")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckedChange(t, "v1.2.0", adopting(attributes{"wait_for_checks": false}))
			other := c.connect(t).newInstance(proposedChangeType)
			other.mustApply(attributes{"name": "Release", "source_branch": "release"})
			end(t, c, other)
			c.Log.Reset()
			plan := c.plan(c.config)
			plan.diagnostics.requireNone(t)
			c.apply(plan).requireNone(t)
			c.expectMutations(t, "CreateProposedChange: destination_branch id is_draft name source_branch")
		})
	}
}
