package provider

import (
	"net/http"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// refusals are changes that the server refuses or never sees, together with a change that would import.
func refusals(other *mocktest.Remote) map[string]attributes {
	return map[string]attributes{
		"unknown tag":        {"ref": "v1.1.0", "tags": []string{"nope"}},
		"unknown credential": {"ref": "v1.1.0", "credential_id": "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"},
		"location is taken":  {"location": other.Path},
	}
}

func TestFailedImport_RefusedChangeIsNotRecordedAndItsRevertPlansNothing(t *testing.T) {
	t.Parallel()
	other := newRemote(t)
	for name, change := range refusals(other) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			p := s.connect(t)
			p.newInstance(readOnlyType).mustApply(readOnlyConfig(other, "v1.0.0").with(attributes{"name": "other"}))
			i, config := p.newInstance(readOnlyType), readOnlyConfig(r, "v1.0.0")
			i.mustApply(config)
			s.WaitForTasks(t)
			i.apply(i.plan(config.with(change))).onlyError(t)
			if record := i.recordedFailure(); record != nil {
				t.Errorf("recorded %+v, although nothing was started", *record)
			}
			s.Log.Reset()
			i.refresh().requireNone(t)
			i.expectEmptyPlan(config)
			s.expectMutations(t)
		})
	}
}

func TestFailedImport_ChangeThatNeverReachedTheServerIsNotRecorded(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	plan := i.plan(readOnlyConfig(r, "v1.1.0"))
	s.Inject(mockserver.Fault{Operation: "UpdateReadOnlyRepository", Times: 1, Status: http.StatusTooManyRequests, Body: "slow down", ContentType: "text/plain"})
	i.apply(plan).onlyError(t).expect(t, "", "Read-only Repository Not Updated", "429", "Nothing was changed by this request")
	if record := i.recordedFailure(); record != nil {
		t.Errorf("recorded %+v", *record)
	}
	i.expectEmptyPlan(readOnlyConfig(r, "v1.0.0"))
}

func TestFailedImport_RefusedRefOnABranchIsNotRecorded(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	s.createBranch(t, "release")
	i := s.connect(t).newInstance(readOnlyRefType)
	config := attributes{"repository_id": id, "branch": "release", "ref": "v1.0.0"}
	i.mustApply(config)
	plan := i.plan(config.with(attributes{"ref": "v1.1.0"}))
	s.failOnce("UpdateReadOnlyRepository", http.StatusTooManyRequests, "slow down")
	i.apply(plan).onlyError(t)
	if record := i.recordedFailure(); record != nil {
		t.Errorf("recorded %+v", *record)
	}
	i.expectEmptyPlan(config)
}

// blindAfter hides the tasks, and lets reads of the repository fail, once an operation was carried out.
func (s *server) blindAfter(operation string, reads int) {
	hidden := func(request mockserver.Request) bool { return request.Operation == operation }
	s.injectAfter(mockserver.Fault{NoTasks: true}, hidden)
	if reads > 0 {
		s.injectAfter(mockserver.Fault{
			Operation: "ReadOnlyRepositories", Times: reads, Status: http.StatusOK, Body: "<html>Sign in</html>", ContentType: "text/html",
		}, hidden)
	}
}

func TestUnobservedImport_OfACreateIsAWarningAndKeepsTheRepository(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	config := readOnlyConfig(r, "v1.0.0")
	plan := i.plan(config)
	s.blindAfter("CreateReadOnlyRepository", 2)
	diags := i.apply(plan)
	diags.requireNoErrors(t)
	diags.onlyWarning(t).expect(t, "", "Import Not Observed", `"network"`, `"v1.0.0"`, "How that ended is not known", "next plan looks at the import again", "Request id: ")
	if record := i.recordedFailure(); record == nil || !record.Unobserved {
		t.Fatalf("recorded %+v, want an import that was not observed", record)
	}
	if i.id() == "" {
		t.Fatal("the repository is lost")
	}
	for range 200 { // the tasks are still hidden; the repository shows success at last
		i.refresh().requireNone(t)
		if i.recordedFailure() == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	i.expectEmptyPlan(config)
}

func TestUnobservedImport_OfAnUpdateIsAnErrorAndLookedAtAgain(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	missing := readOnlyConfig(r, "v9.9.9")
	plan := i.plan(missing)
	s.blindAfter("UpdateReadOnlyRepository", 0)
	i.apply(plan).onlyError(t).expect(t, "", "Import Not Observed", `"v9.9.9"`, "the list of its tasks could not be read", "in-sync and online, which does not tell")
	if record := i.recordedFailure(); record == nil || !record.Unobserved || record.Ref != "v9.9.9" {
		t.Errorf("recorded %+v", record)
	}
	// With hidden tasks a repository that is in-sync at the old commit looks as if nothing had failed.
	i.refresh().requireNoErrors(t)
	if i.recordedFailure() == nil {
		t.Error("the failure is forgotten")
	}
}
