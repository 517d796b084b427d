package infrahub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// CRASHED is not the end of a run (infrahub-behaviour.md, Importing 28).
func TestCrashed_TaskIsWaitedForUntilItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t)
		before := createImported(t, client, readOnly(r, "v1.0.0"))
		s.Inject(mockserver.Fault{Operation: pullReadOnly, Times: 1, CrashedTask: true, Delay: 2 * time.Minute})
		began := time.Now()
		wantImported(t, changeRef(t, client, before, "v1.1.0"), r, "v1.1.0")
		if took := time.Since(began); took < 2*time.Minute {
			t.Errorf("the wait ended after %s, while the task was CRASHED", took)
		}
	})
}

func TestCrashed_TaskThatFailsAfterwardsGivesItsReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t)
		before := createImported(t, client, readOnly(r, "v1.0.0"))
		s.Inject(mockserver.Fault{Operation: pullReadOnly, Times: 1, CrashedTask: true, Delay: 2 * time.Minute})
		wantFailure(t, changeRef(t, client, before, "v9.9.9"), "Ref v9.9.9 not found.")
	})
}

func TestCrashed_TaskThatNeverEndsFailsTheImportInMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t)
		before := createImported(t, client, readOnly(r, "v1.0.0"))
		s.Inject(mockserver.Fault{Operation: pullReadOnly, Times: 1, CrashedTask: true})
		began := time.Now()
		failure := importError(t, changeRef(t, client, before, "v1.1.0"),
			"Infrahub has not heard of the task for a while and calls it CRASHED; nothing followed within 6m0s, so its worker has probably stopped")
		wantEqual(t, "state", "CRASHED", failure.State)
		wantDuration(t, began, 6*time.Minute, 7*time.Minute)
	})
}

// A change beside an import that still runs can end with an error of that import for ever (infrahub-behaviour.md, Importing 29).
func TestCrashed_NextChangeWaitsForTheTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		s.Inject(mockserver.Fault{Operation: addReadOnly, Times: 1, CrashedTask: true, Delay: 3 * time.Minute})
		client := s.client(t)
		created, _ := startCreate(t, client, readOnly(r, "v1.0.0"))
		time.Sleep(30 * time.Second)
		began := time.Now()
		started := changeRef(t, client, created, "v1.1.0")
		wantDuration(t, began, 2*time.Minute, 3*time.Minute)
		wantImported(t, started, r, "v1.1.0")
	})
}
