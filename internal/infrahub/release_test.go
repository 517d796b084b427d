package infrahub_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// releaseStart is a mock server with a read-only repository at v1.0.0, and a client of it.
type releaseStart struct {
	*server
	client *infrahub.Client
	remote *mocktest.Remote
	id     string
}

func startRelease(t *testing.T, options mockserver.Options) *releaseStart {
	t.Helper()
	s := start(t, options)
	r := releaseStart{server: s, client: s.client(t), remote: newCheckedRemote(t, "vlans")}
	r.id = r.create(t, readOnly(r.remote, "v1.0.0"))
	s.Log.Reset()
	return &r
}

func (r *releaseStart) create(t *testing.T, repository infrahub.Repository) string {
	t.Helper()
	id, started, err := r.client.CreateRepository(t.Context(), repository)
	must(t, err)
	_, err = started.Wait(t.Context())
	must(t, err)
	return id
}

func (r *releaseStart) wantOnMain(t *testing.T, ref string) {
	t.Helper()
	found, err := r.client.Repositories(infrahub.ReadOnly).Get(t.Context(), r.id)
	must(t, err)
	wantEqual(t, "ref and commit of main", [2]string{ref, ref}, [2]string{found.Ref, commitName(r.remote, found.Commit)})
}

// branches returns the names of all branches.
func (r *releaseStart) branches(t *testing.T) []string {
	t.Helper()
	var names []string
	for branch, err := range r.client.Branches().List(t.Context(), infrahub.Filter{}) {
		must(t, err)
		names = append(names, branch.Name)
	}
	return names
}

func (r *releaseStart) state(t *testing.T, changeID string) string {
	t.Helper()
	change, err := r.client.ProposedChanges().Get(t.Context(), changeID)
	must(t, err)
	return change.State
}

func TestRelease_IsImportedCheckedMergedAndCleanedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, live())
		got, err := s.client.Release(t.Context(), infrahub.Release{RepositoryID: s.id, Ref: "v1.2.0"})
		must(t, err)
		wantEqual(t, "state and branch", [2]string{"merged", ""}, [2]string{got.State, got.Branch})
		wantEqual(t, "commit", "v1.2.0", commitName(s.remote, &got.Commit))
		wantEqual(t, "branches", []string{"main"}, s.branches(t))
		wantEqual(t, "state of the change", "merged", s.state(t, got.ChangeID))
		var labels []string
		for _, check := range got.Checks {
			labels = append(labels, check.Label+" "+check.Conclusion)
		}
		wantEqual(t, "checks", []string{"Check: vlans success", "Data Integrity success", "Schema Integrity success"}, labels)
		s.wantOnMain(t, "v1.2.0")
	})
}

func TestRelease_OfWhatTheDefaultBranchHasChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, mockserver.Options{})
		got, err := s.client.Release(t.Context(), infrahub.Release{RepositoryID: s.id, Ref: "v1.0.0"})
		must(t, err)
		wantEqual(t, "state", "merged", got.State)
		s.wantOperations(t, "ReadOnlyRepositories", "Branches")
	})
}

func TestRelease_FailingCheckStopsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, live())
		got, err := s.client.Release(t.Context(), infrahub.Release{RepositoryID: s.id, Ref: "v1.1.0"})
		failed, ok := errors.AsType[*infrahub.ChecksFailedError](err)
		if !ok || len(failed.Failed) != 1 {
			t.Fatalf("the error is %v", err)
		}
		wantEqual(t, "messages", []string{"VLAN 12 is used twice (vlan-1, BuiltinTag)"}, failed.Failed[0].Messages)
		wantEqual(t, "state of the change", "open", s.state(t, got.ChangeID))
		wantEqual(t, "requests to merge", 0, len(s.requests("MergeProposedChange")))
		s.wantOnMain(t, "v1.0.0")

		// The cure gives the failed release up.
		cured, err := s.client.Release(t.Context(), infrahub.Release{RepositoryID: s.id, Ref: "v1.2.0"})
		must(t, err)
		wantEqual(t, "states", [2]string{"merged", "canceled"}, [2]string{cured.State, s.state(t, got.ChangeID)})
		wantEqual(t, "branches", []string{"main"}, s.branches(t))
		s.wantOnMain(t, "v1.2.0")
	})
}

// A run that ends at any point is taken up by the next one: nothing is done twice, and nothing is left behind.
func TestRelease_IsTakenUpAfterAnInterruption(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{
		"CreateBranch", "UpdateReadOnlyRepository", "Tasks", "CreateProposedChange", "ChecksProgress", "PinnedRefs", "MergeProposedChange", "DeleteBranch",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := startRelease(t, live())
				ctx, interrupt := context.WithCancel(t.Context())
				go func() {
					for len(s.requests(operation)) == 0 {
						time.Sleep(100 * time.Millisecond)
					}
					interrupt()
				}()
				want := infrahub.Release{RepositoryID: s.id, Ref: "v1.2.0"}
				if _, err := s.client.Release(ctx, want); err == nil {
					t.Log("the first run got through")
				}
				time.Sleep(3 * time.Minute) // what the server began goes on
				got, err := s.client.Release(t.Context(), want)
				must(t, err)
				wantEqual(t, "state", "merged", got.State)
				wantEqual(t, "branches", []string{"main"}, s.branches(t))
				s.wantOnMain(t, "v1.2.0")
				for _, once := range []string{"CreateBranch", "CreateProposedChange", "UpdateReadOnlyRepository"} {
					wantEqual(t, "requests "+once, 1, len(s.requests(once)))
				}
			})
		})
	}
}

// A server that lists no task of the checks would be waited for without an end: that of a run that has just begun, or of one that it
// has forgotten.
func TestRelease_RunsChecksWhoseTasksAreNotListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, live())
		ctx, interrupt := context.WithCancel(t.Context())
		go func() {
			for len(s.requests("CreateProposedChange")) == 0 {
				time.Sleep(100 * time.Millisecond)
			}
			interrupt()
		}()
		want := infrahub.Release{RepositoryID: s.id, Ref: "v1.2.0"}
		if _, err := s.client.Release(ctx, want); err == nil {
			t.Fatal("the first run was not interrupted")
		}
		got, err := s.client.Release(t.Context(), want)
		must(t, err)
		wantEqual(t, "state", "merged", got.State)
		wantEqual(t, "requests to run checks", 1, len(s.requests("RunChecks")))
	})
}

func TestRelease_ReviewEndsWithAnOpenChangeAndIsFinishedAfterTheMerge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, live())
		want := infrahub.Release{RepositoryID: s.id, Ref: "v1.2.0", Review: true, Description: new("to be reviewed")}
		got, err := s.client.Release(t.Context(), want)
		must(t, err)
		wantEqual(t, "state", "open", got.State)
		wantEqual(t, "requests to merge", 0, len(s.requests("MergeProposedChange")))
		s.wantOnMain(t, "v1.0.0")
		change, err := s.client.ProposedChanges().Get(t.Context(), got.ChangeID)
		must(t, err)
		must(t, s.client.MergeProposedChange(t.Context(), *change))
		got, err = s.client.Release(t.Context(), want)
		must(t, err)
		wantEqual(t, "state and branch", [2]string{"merged", ""}, [2]string{got.State, got.Branch})
		wantEqual(t, "branches", []string{"main"}, s.branches(t))
	})
}

// Two releases of two processes: the one that is merged later would take the earlier one back. It says so, and gets through when it
// is run again, on a new branch.
func TestRelease_OfTwoProcessesTakeNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, live())
		other := mocktest.NewRemote(t, t.TempDir(), "other.git")
		other.Release(t, "v1.0.0", nil)
		other.Release(t, "v2.0.0", nil)
		otherID := s.create(t, infrahub.Repository{Kind: infrahub.ReadOnly, Name: "other", Location: other.Path, Ref: "v1.0.0"})
		wants := []infrahub.Release{{RepositoryID: s.id, Ref: "v1.2.0"}, {RepositoryID: otherID, Ref: "v2.0.0"}}
		failures := make(chan error, len(wants))
		for n, want := range wants {
			go func() {
				time.Sleep(time.Duration(n) * 2 * time.Second)
				_, err := s.server.client(t).Release(t.Context(), want)
				failures <- err
			}()
		}
		lost := 0
		for range wants {
			err := <-failures
			if _, taken := errors.AsType[*infrahub.TakenBackError](err); taken {
				lost++
			} else {
				must(t, err)
			}
		}
		wantEqual(t, "releases that have to be run again", 1, lost)
		for _, want := range wants {
			_, err := s.client.Release(t.Context(), want)
			must(t, err)
		}
		s.wantOnMain(t, "v1.2.0")
		found, err := s.client.Repositories(infrahub.ReadOnly).Get(t.Context(), otherID)
		must(t, err)
		wantEqual(t, "ref of the other", "v2.0.0", found.Ref)
		wantEqual(t, "branches", []string{"main"}, s.branches(t))
	})
}

// Releases of one process take turns.
func TestRelease_OfOneProcessTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, live())
		other := mocktest.NewRemote(t, t.TempDir(), "other.git")
		other.Release(t, "v1.0.0", nil)
		other.Release(t, "v2.0.0", nil)
		otherID := s.create(t, infrahub.Repository{Kind: infrahub.ReadOnly, Name: "other", Location: other.Path, Ref: "v1.0.0"})
		failures := make(chan error, 2)
		for _, want := range []infrahub.Release{{RepositoryID: s.id, Ref: "v1.2.0"}, {RepositoryID: otherID, Ref: "v2.0.0"}} {
			go func() {
				_, err := s.client.Release(t.Context(), want)
				failures <- err
			}()
		}
		must(t, <-failures)
		must(t, <-failures)
		s.wantOnMain(t, "v1.2.0")
	})
}

func TestRelease_GiveUpLeavesTheDefaultBranch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, mockserver.Options{})
		got, err := s.client.Release(t.Context(), infrahub.Release{RepositoryID: s.id, Ref: "v1.2.0", Review: true})
		must(t, err)
		if !slices.Contains(s.branches(t), got.Branch) {
			t.Fatalf("there is no branch %s", got.Branch)
		}
		must(t, s.client.GiveUpRelease(t.Context(), s.id))
		wantEqual(t, "branches", []string{"main"}, s.branches(t))
		wantEqual(t, "state of the change", "canceled", s.state(t, got.ChangeID))
		s.wantOnMain(t, "v1.0.0")
	})
}

// Infrahub merges a change whose validators have not appeared (infrahub-behaviour.md, Proposals 16).
func TestRelease_IsNotMergedBeforeItsSchemaIsChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRelease(t, live())
		s.Inject(mockserver.Fault{Operation: "UpdateReadOnlyRepository", Times: 1, Delay: 100 * time.Millisecond}) // the ref is younger than its branch
		s.Inject(mockserver.Fault{Operation: "proposed-changed-schema-integrity", Times: 1, Delay: 5 * time.Minute})
		began := time.Now()
		got, err := s.client.Release(t.Context(), infrahub.Release{RepositoryID: s.id, Ref: "v1.2.0"})
		must(t, err)
		var labels []string
		for _, check := range got.Checks {
			labels = append(labels, check.Label)
		}
		wantEqual(t, "checks", []string{"Check: vlans", "Data Integrity", "Schema Integrity"}, labels)
		wantDuration(t, began, 5*time.Minute, 10*time.Minute)
	})
}
