package provider

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// dueAgain wants a plan that imports again, although the configuration is that of the state.
func (i *instance) dueAgain(config attributes, why ...string) planned {
	i.t.Helper()
	plan := i.plan(config)
	plan.diagnostics.noErrors(i.t)
	plan.diagnostics.oneWarning(i.t).is(i.t, "", "Import Is Due Again", append(why, "This apply imports again.")...)
	if plan.state["commit"] != unknown {
		i.t.Errorf("the plan does not change the commit: %v", plan.state)
	}
	return plan
}

// settled wants that nothing is remembered and nothing is to do.
func (i *instance) settled(config attributes) {
	i.t.Helper()
	if m := i.remembered(); m != nil {
		i.t.Errorf("%+v is still remembered", *m)
	}
	i.refresh().none(i.t)
	plan := i.plan(config)
	plan.diagnostics.none(i.t)
	if difference := cmp.Diff(i.state, plan.state); difference != "" {
		i.t.Errorf("the next plan is not empty (-state +plan):\n%s", difference)
	}
}

func TestFailedImport_IsRetriedByTheNextApplyAndThenForgotten(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	missing := r.pinned("v9.9.9")

	i.apply(i.plan(missing)).oneError(t).is(t, "", "Import Failed", "Ref v9.9.9 not found.", `Push "v9.9.9"`, "apply again")
	if i.state.text("ref") != "v9.9.9" || i.state.text("commit") != r.commits["v1.0.0"] {
		t.Errorf("saved %v", i.state)
	}
	if got := i.remembered(); got == nil || got.Ref != "v9.9.9" || got.Moved || !strings.Contains(got.Reason, "Ref v9.9.9 not found") {
		t.Fatalf("remembered %+v", got)
	}

	// The server forgets: it has the new ref and the old commit, in sync.
	i.refresh().none(t)
	i.dueAgain(missing, "read-only repository", `"network"`, `"v9.9.9"`, "Ref v9.9.9 not found.")
	i.apply(i.dueAgain(missing)).oneError(t).is(t, "", "Import Failed", "Ref v9.9.9 not found.")
	if i.remembered() == nil {
		t.Error("a retry that fails is forgotten")
	}

	r.release(t, "v9.9.9")
	s.sent()
	i.apply(i.dueAgain(missing)).none(t)
	if difference := cmp.Diff([]string{"ImportLatestCommit: id", "ReimportCommit: id"}, s.sent()); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
	if i.state.text("commit") != r.commits["v9.9.9"] {
		t.Errorf("saved %v, want commit %s", i.state, r.commits["v9.9.9"])
	}
	i.settled(missing)
}

func TestFailedImport_IsForgottenWhenAnotherRefIsImported(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	i.apply(i.plan(r.pinned("v9.9.9"))).oneError(t)
	s.sent()
	i.apply(i.dueAgain(r.pinned("v1.1.0"), `"v9.9.9"`)).none(t)
	if difference := cmp.Diff([]string{"UpdateReadOnlyRepository: id ref"}, s.sent()); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
	i.settled(r.pinned("v1.1.0"))
}

func TestFailedImport_OfAMoveIsMovedAgain(t *testing.T) {
	t.Parallel()
	s, r, other := newServer(t, mockserver.Options{}), newRemote(t), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	r.release(t, "v2.0.0")
	i.applied(r.pinned("v2.0.0"))
	moved := other.pinned("v2.0.0")
	i.apply(i.plan(moved)).oneError(t).is(t, "", "Import Failed", "v2.0.0")
	if got := i.remembered(); got == nil || !got.Moved {
		t.Fatalf("remembered %+v", got)
	}
	if i.state.text("location") != other.Path {
		t.Errorf("saved %v", i.state)
	}
	other.release(t, "v2.0.0")
	s.sent()
	i.refresh().none(t)
	i.apply(i.dueAgain(moved)).none(t)
	if difference := cmp.Diff([]string{"UpdateReadOnlyRepository: id ref", "UpdateReadOnlyRepository: id ref"}, s.sent()); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
	if i.state.text("commit") != other.commits["v2.0.0"] {
		t.Errorf("saved %v, want commit %s", i.state, other.commits["v2.0.0"])
	}
	i.settled(moved)
}

// lost is a change whose answer never comes, although it was made.
func (i *instance) lost(s *server, config attributes) {
	i.t.Helper()
	fault := answer("UpdateReadOnlyRepository", http.StatusInternalServerError, "Internal Server Error")
	fault.After = true
	s.Inject(fault)
	before := i.state.text("ref")
	i.apply(i.plan(config)).oneError(i.t).is(i.t, "", "Read-only Repository Not Updated", "network", "500")
	if got := i.remembered(); got == nil || got.Ref != config.text("ref") || !strings.Contains(got.Reason, "500") {
		i.t.Fatalf("remembered %+v", got)
	}
	if i.state.text("ref") != before {
		i.t.Errorf("saved %v, though the change is not known to have been made", i.state)
	}
	s.idle(i.t)
	i.refresh().none(i.t)
	if i.state.text("ref") != config.text("ref") {
		i.t.Fatalf("read %v", i.state)
	}
}

func TestFailedImport_OfAChangeWhoseAnswerIsLostIsFoundByTheRefresh(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	i.lost(s, r.pinned("v9.9.9"))
	i.dueAgain(r.pinned("v9.9.9"), "Ref v9.9.9 not found.")
}

func TestFailedImport_OfAChangeWhoseAnswerIsLostIsForgottenIfItWorked(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	i.lost(s, r.pinned("v1.1.0"))
	if i.state.text("commit") != r.commits["v1.1.0"] {
		t.Errorf("read %v", i.state)
	}
	i.settled(r.pinned("v1.1.0"))
}

func TestFailedImport_IsRememberedWhereTheRetryIsRefused(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	i.apply(i.plan(r.pinned("v9.9.9"))).oneError(t)
	s.Inject(answer("ImportLatestCommit", http.StatusInternalServerError, "Internal Server Error"))
	i.apply(i.dueAgain(r.pinned("v9.9.9"))).oneError(t).is(t, "", "Read-only Repository Not Updated")
	i.dueAgain(r.pinned("v9.9.9"), "500")
}

func TestFailedImport_OtherChangesAreNotRemembered(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	s.Inject(answer("UpdateReadOnlyRepository", http.StatusInternalServerError, "Internal Server Error"))
	i.apply(i.plan(r.pinned("v1.0.0").with(attributes{"description": "Other"}))).oneError(t).is(t, "", "Read-only Repository Not Updated")
	i.settled(r.pinned("v1.0.0"))
}

func TestFailedImport_PlanOfBothKindsIsUnknownAndSaysWhy(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{readOnly, readWrite} {
		i := newServer(t, mockserver.Options{}).connected(t).newInstance(kind)
		state, config := imported(kind)
		i.state, i.private = state, private(t, `{"ref": "v1.0.0", "reason": "it was too early"}`)
		plan := i.dueAgain(config, `"network"`, `"v1.0.0"`, "it was too early.")
		if difference := cmp.Diff(state.with(attributes{"commit": unknown}), plan.state); difference != "" {
			t.Errorf("%s: plan (-want +got):\n%s", kind, difference)
		}
		i.state = state.with(attributes{"sync_status": "error-import"})
		plan = i.dueAgain(config)
		for _, status := range []string{"internal_status", "operational_status", "sync_status"} {
			if plan.state[status] != unknown {
				t.Errorf("%s: %s is planned to stay %v", kind, status, plan.state[status])
			}
		}
	}
}

func TestFailedImport_UnreadableMemoryIsAnError(t *testing.T) {
	t.Parallel()
	i := newServer(t, mockserver.Options{}).connected(t).newInstance(readOnly)
	state, config := imported(readOnly)
	i.state, i.private = state, private(t, `["not", "a", "memory"]`)
	i.plan(config).diagnostics.oneError(t).is(t, "", "Private State Not Read")
}

func TestUnfinishedImport_TimeoutSavesStateAndIsRemembered(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	hurried := func(ref string) attributes {
		return r.pinned(ref).with(attributes{"timeouts": attributes{"update": "3s"}})
	}
	i.applied(hurried("v1.0.0"))
	s.Inject(mockserver.Fault{Operation: "git-repository-pull-read-only", StuckTask: true})
	i.apply(i.plan(hurried("v1.1.0"))).oneError(t).is(t, "", "Import Not Finished",
		"The timeout expired.", `"network"`, `"v1.1.0"`, `"main"`, "git-repository-pull-read-only: RUNNING, task ", "timeouts", "apply again")
	if i.state.text("ref") != "v1.1.0" || i.state["commit"] == unknown {
		t.Errorf("saved %v", i.state)
	}
	i.dueAgain(hurried("v1.1.0"), "had not ended")
}

func TestUnfinishedImport_InterruptSavesStateAndIsRemembered(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	plan := i.plan(r.pinned("v1.1.0").with(attributes{"timeouts": attributes{"update": "10s"}}))
	s.Inject(mockserver.Fault{Operation: "git-repository-pull-read-only", StuckTask: true})
	s.log.Reset()
	stopped := make(chan error, 1)
	go func() {
		for !slices.ContainsFunc(s.log.Requests(), func(r mockserver.Request) bool { return r.Mutation }) {
			time.Sleep(10 * time.Millisecond)
		}
		_, err := i.StopProvider(i.ctx, &tfprotov6.StopProviderRequest{})
		stopped <- err
	}()
	i.apply(plan).oneError(t).is(t, "", "Import Not Finished",
		"The wait was interrupted.", "git-repository-pull-read-only: ", "Plan again")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if i.state.text("ref") != "v1.1.0" || i.state["commit"] == unknown {
		t.Errorf("saved %v", i.state)
	}
	i.dueAgain(r.pinned("v1.1.0"), "had not ended")
}
