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
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// planRetry plans a configuration whose last import failed, and expects a warning that the apply imports again.
func (i *instance) planRetry(config attributes, why ...string) resourcePlan {
	i.t.Helper()
	plan := i.plan(config)
	plan.diagnostics.requireNoErrors(i.t)
	plan.diagnostics.onlyWarning(i.t).expect(i.t, "", "Import Is Due Again", append(why, "This apply imports again.")...)
	if plan.state["commit"] != unknown {
		i.t.Errorf("the plan does not change the commit: %v", plan.state)
	}
	return plan
}

// expectImportDone expects that no failed import is recorded and that there is nothing to do.
func (i *instance) expectImportDone(config attributes) {
	i.t.Helper()
	if record := i.recordedFailure(); record != nil {
		i.t.Errorf("%+v is still recorded", *record)
	}
	i.refresh().requireNone(i.t)
	i.expectEmptyPlan(config)
}

func TestFailedImport_IsRetriedByTheNextApplyAndThenCleared(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	missing := readOnlyConfig(r, "v9.9.9")

	i.apply(i.plan(missing)).onlyError(t).expect(t, "", "Import Failed", "Ref v9.9.9 not found.", `Push "v9.9.9"`, "apply again")
	if i.state.text("ref") != "v9.9.9" || i.state.text("commit") != r.Commits["v1.0.0"] {
		t.Errorf("saved %v", i.state)
	}
	if got := i.recordedFailure(); got == nil || got.Ref != "v9.9.9" || got.Moved || !strings.Contains(got.Reason, "Ref v9.9.9 not found") {
		t.Fatalf("recorded %+v", got)
	}

	// The server shows no failure: it has the new ref and the old commit, in sync.
	i.refresh().requireNone(t)
	i.planRetry(missing, "read-only repository", `"network"`, `"v9.9.9"`, "Ref v9.9.9 not found.")
	i.apply(i.planRetry(missing)).onlyError(t).expect(t, "", "Import Failed", "Ref v9.9.9 not found.")
	if i.recordedFailure() == nil {
		t.Error("a failed retry is not recorded")
	}

	r.Release(t, "v9.9.9", nil)
	s.Log.Reset()
	i.apply(i.planRetry(missing)).requireNone(t)
	s.expectMutations(t, "ImportLatestCommit: id", "ReimportCommit: id")
	if i.state.text("commit") != r.Commits["v9.9.9"] {
		t.Errorf("saved %v, want commit %s", i.state, r.Commits["v9.9.9"])
	}
	i.expectImportDone(missing)
}

func TestFailedImport_IsClearedByTheImportOfAnotherRef(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	i.apply(i.plan(readOnlyConfig(r, "v9.9.9"))).onlyError(t)
	s.Log.Reset()
	i.apply(i.planRetry(readOnlyConfig(r, "v1.1.0"), `"v9.9.9"`)).requireNone(t)
	s.expectMutations(t, "UpdateReadOnlyRepository: id ref")
	i.expectImportDone(readOnlyConfig(r, "v1.1.0"))
}

func TestFailedImport_OfARelocationRelocatesAgain(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	other := mocktest.NewRemote(t, t.TempDir(), "other.git", "v1.0.0")
	i := s.connect(t).newInstance(readOnlyType)
	r.Release(t, "v2.0.0", nil)
	i.mustApply(readOnlyConfig(r, "v2.0.0"))
	relocated := readOnlyConfig(other, "v2.0.0")
	i.apply(i.plan(relocated)).onlyError(t).expect(t, "", "Import Failed", "v2.0.0")
	if got := i.recordedFailure(); got == nil || !got.Moved {
		t.Fatalf("recorded %+v", got)
	}
	if i.state.text("location") != other.Path {
		t.Errorf("saved %v", i.state)
	}
	other.Release(t, "v2.0.0", nil)
	s.Log.Reset()
	i.refresh().requireNone(t)
	i.apply(i.planRetry(relocated)).requireNone(t)
	s.expectMutations(t, "UpdateReadOnlyRepository: id ref", "UpdateReadOnlyRepository: id ref")
	if i.state.text("commit") != other.Commits["v2.0.0"] {
		t.Errorf("saved %v, want commit %s", i.state, other.Commits["v2.0.0"])
	}
	i.expectImportDone(relocated)
}

// applyWithLostResponse applies a changed ref that the server carries out without a response, and refreshes.
func (i *instance) applyWithLostResponse(s *server, config attributes) {
	i.t.Helper()
	s.Inject(mockserver.Fault{Operation: "UpdateReadOnlyRepository", Times: 1, After: true, Status: http.StatusInternalServerError, Body: "Internal Server Error"})
	before := i.state.text("ref")
	i.apply(i.plan(config)).onlyError(i.t).expect(i.t, "", "Read-only Repository Not Updated", "network", "500")
	if got := i.recordedFailure(); got == nil || got.Ref != config.text("ref") || !strings.Contains(got.Reason, "500") {
		i.t.Fatalf("recorded %+v", got)
	}
	if i.state.text("ref") != before {
		i.t.Errorf("saved %v, although the server may not have changed it", i.state)
	}
	s.WaitForTasks(i.t)
	i.refresh().requireNone(i.t)
	if i.state.text("ref") != config.text("ref") {
		i.t.Fatalf("refreshed %v", i.state)
	}
}

func TestFailedImport_OfAnUpdateWithoutAResponseIsFoundByTheRefresh(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	i.applyWithLostResponse(s, readOnlyConfig(r, "v9.9.9"))
	i.planRetry(readOnlyConfig(r, "v9.9.9"), "Ref v9.9.9 not found.")
}

func TestFailedImport_OfAnUpdateWithoutAResponseIsClearedIfTheImportWorked(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	i.applyWithLostResponse(s, readOnlyConfig(r, "v1.1.0"))
	if i.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("refreshed %v", i.state)
	}
	i.expectImportDone(readOnlyConfig(r, "v1.1.0"))
}

func TestFailedImport_IsKeptIfTheRetryIsRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	i.apply(i.plan(readOnlyConfig(r, "v9.9.9"))).onlyError(t)
	s.crashOnce("ImportLatestCommit")
	i.apply(i.planRetry(readOnlyConfig(r, "v9.9.9"))).onlyError(t).expect(t, "", "Read-only Repository Not Updated")
	i.planRetry(readOnlyConfig(r, "v9.9.9"), "500")
}

func TestFailedImport_OtherFailedUpdatesAreNotRecorded(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	s.crashOnce("UpdateReadOnlyRepository")
	i.apply(i.plan(readOnlyConfig(r, "v1.0.0").with(attributes{"description": "Other"}))).onlyError(t).expect(t, "", "Read-only Repository Not Updated")
	i.expectImportDone(readOnlyConfig(r, "v1.0.0"))
}

func TestFailedImport_PlanOfBothKindsHasAnUnknownCommitAndAWarning(t *testing.T) {
	t.Parallel()
	for _, typeName := range []string{readOnlyType, readWriteType} {
		i := startServer(t, mockserver.Options{}).connect(t).newInstance(typeName)
		state, config := importedRepository(typeName)
		i.state, i.private = state, privateWithFailure(t, `{"ref": "v1.0.0", "reason": "it was too early"}`)
		plan := i.planRetry(config, `"network"`, `"v1.0.0"`, "it was too early.")
		if difference := cmp.Diff(state.with(attributes{"commit": unknown}), plan.state); difference != "" {
			t.Errorf("%s: plan (-want +got):\n%s", typeName, difference)
		}
		i.state = state.with(attributes{"sync_status": "error-import"})
		plan = i.planRetry(config)
		for _, status := range []string{"internal_status", "operational_status", "sync_status"} {
			if plan.state[status] != unknown {
				t.Errorf("%s: %s is planned to stay %v", typeName, status, plan.state[status])
			}
		}
	}
}

func TestFailedImport_UnreadableRecordIsAnError(t *testing.T) {
	t.Parallel()
	i := startServer(t, mockserver.Options{}).connect(t).newInstance(readOnlyType)
	state, config := importedRepository(readOnlyType)
	i.state, i.private = state, privateWithFailure(t, `["not", "a", "record"]`)
	i.plan(config).diagnostics.onlyError(t).expect(t, "", "Private State Not Read")
}

func TestUnfinishedImport_TimeoutIsSavedAndRecorded(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	shortUpdate := func(ref string) attributes {
		return readOnlyConfig(r, ref).with(attributes{"timeouts": attributes{"update": "3s"}})
	}
	i.mustApply(shortUpdate("v1.0.0"))
	s.Inject(mockserver.Fault{Operation: "git-repository-pull-read-only", StuckTask: true})
	i.apply(i.plan(shortUpdate("v1.1.0"))).onlyError(t).expect(t, "", "Import Not Finished",
		"The timeout expired.", `"network"`, `"v1.1.0"`, `"main"`, "git-repository-pull-read-only: RUNNING, task ", "timeouts", "apply again")
	if i.state.text("ref") != "v1.1.0" || i.state["commit"] == unknown {
		t.Errorf("saved %v", i.state)
	}
	i.planRetry(shortUpdate("v1.1.0"), "had not ended")
}

func TestUnfinishedImport_InterruptIsSavedAndRecorded(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	plan := i.plan(readOnlyConfig(r, "v1.1.0").with(attributes{"timeouts": attributes{"update": "10s"}}))
	s.Inject(mockserver.Fault{Operation: "git-repository-pull-read-only", StuckTask: true})
	s.Log.Reset()
	stopped := make(chan error, 1)
	go func() {
		for !slices.ContainsFunc(s.Log.Requests(), func(r mockserver.Request) bool { return r.Mutation }) {
			time.Sleep(10 * time.Millisecond)
		}
		_, err := i.StopProvider(i.ctx, &tfprotov6.StopProviderRequest{})
		stopped <- err
	}()
	i.apply(plan).onlyError(t).expect(t, "", "Import Not Finished",
		"The wait was interrupted.", "git-repository-pull-read-only: ", "Plan again")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if i.state.text("ref") != "v1.1.0" || i.state["commit"] == unknown {
		t.Errorf("saved %v", i.state)
	}
	i.planRetry(readOnlyConfig(r, "v1.1.0"), "had not ended")
}
