package infrahub_test

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// liveWithSync returns options of a mock server that takes as long as a real one, and syncs read-write
// repositories each minute.
func liveWithSync() mockserver.Options {
	options := live()
	options.SyncInterval = time.Minute
	return options
}

// relocate starts an import from another location.
func relocate(t *testing.T, client *infrahub.Client, before infrahub.Repository, location string) *infrahub.Import {
	t.Helper()
	after := before
	after.Location = location
	return startUpdate(t, client, before, after)
}

// A changed location starts no import (infrahub-behaviour.md, Importing 16), so the ref is changed to another
// spelling and back.
func TestRelocate_ReadOnlyChangesTheRefTwice(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		fork := newFork(t)
		before := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
		s.Log.Reset()
		wantImported(t, relocate(t, client, before, fork.Path), fork, "v1.0.0")
		var sent []object
		for _, request := range s.requests("UpdateReadOnlyRepository") {
			sent = append(sent, request.Input())
		}
		wantEqual(t, "variables", []object{
			{"id": before.ID, "location": set(fork.Path), "ref": set("v1.0.0^0")},
			{"id": before.ID, "ref": set("v1.0.0")},
		}, sent)
		if node := getRepository(t, client, infrahub.ReadOnly, before.ID); node.Ref != "v1.0.0" || node.Location != fork.Path {
			t.Errorf("the repository is %+v", node)
		}
	})
}

func TestRelocate_ReadOnlyToAnotherRef(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		fork := newFork(t)
		before := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
		after := before
		after.Location, after.Ref, after.Name = fork.Path, "main", "renamed"
		wantImported(t, startUpdate(t, client, before, after), fork, "main")
		if node := getRepository(t, client, infrahub.ReadOnly, before.ID); node.Ref != "main" || node.Name != "renamed" {
			t.Errorf("the repository is %+v", node)
		}
	})
}

func TestRelocate_ReadOnlyCanBeRepeatedAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		fork := newFork(t)
		hidden := fork.Path + ".hidden"
		must(t, os.Rename(fork.Path, hidden))
		before := createImported(t, client, readOnly(newRemote(t), "main"))
		wantFailure(t, relocate(t, client, before, fork.Path), "")
		must(t, os.Rename(hidden, fork.Path))
		now := getRepository(t, client, infrahub.ReadOnly, before.ID)
		started, err := client.Relocate(t.Context(), *now, *now)
		must(t, err)
		wantImported(t, started, fork, "main")
	})
}

func TestRelocate_ReadOnlyToALocationWithoutTheRef(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		r := newRemote(t)
		r.Release(t, "v3.0.0", queryFiles("3.0"))
		before := createImported(t, client, readOnly(r, "v3.0.0"))
		failure := importError(t, relocate(t, client, before, newFork(t).Path), "")
		if failure.Repository.Ref != "v3.0.0" || failure.Workflow != pullReadOnly {
			t.Errorf("got %+v", failure)
		}
	})
}

// Only the periodic sync takes a read-write repository to its new location (infrahub-behaviour.md, Importing 16).
func TestRelocate_ReadWriteWaitsForThePeriodicSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, liveWithSync())
		client := s.client(t)
		fork := newFork(t)
		before := createImported(t, client, readWrite(newRemote(t)))
		s.Log.Reset()
		wantImported(t, relocate(t, client, before, fork.Path), fork, "main")
		wantEqual(t, "variables", object{"id": before.ID, "location": set(fork.Path)}, s.variables(t, "UpdateRepository"))
	})
}

func TestRelocate_ReadWriteToTheSameCommitsIsAWarning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, liveWithSync()).client(t)
		r := newRemote(t)
		before := createImported(t, client, readWrite(r))
		began := time.Now()
		imported := waitFor(t, relocate(t, client, before, newRemote(t).Path))
		wantEqual(t, "commit", "main", commitName(r, imported.Commit))
		wantContains(t, imported.Warning, "No other commit than before was seen")
		wantDuration(t, began, time.Minute, 10*time.Minute)
	})
}

func TestRelocate_ReadWriteToNowhereFailsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, liveWithSync()).client(t)
		r := newRemote(t)
		before := createImported(t, client, readWrite(r))
		began := time.Now()
		wantFailure(t, relocate(t, client, before, r.Path+".none"), "")
		wantDuration(t, began, 0, 10*time.Second)
	})
}

func TestRelocate_ReadWriteToABrokenConfigurationFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, liveWithSync()).client(t)
		fork := newFork(t)
		fork.Commit(t, "main", mocktest.BrokenFiles())
		before := createImported(t, client, readWrite(newRemote(t)))
		wantFailure(t, relocate(t, client, before, fork.Path), "after its periodic sync the repository is error-import and ")
	})
}

func TestRelocate_ReadWriteCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		before := createImported(t, client, readWrite(newRemote(t)))
		started := relocate(t, client, before, newRemote(t).Path)
		_, err := started.Wait(canceledAfter(t, 5*time.Second))
		wantUnfinished(t, err, context.Canceled, "the next periodic sync")
	})
}

func TestSetRef_OnAMergedOrMissingBranchSendsNoMutation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		created := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
		s.createRelease(t)
		s.mergeRelease(t)
		s.Log.Reset()
		for branch, want := range map[string]error{"release": infrahub.ErrMerged, "none": infrahub.ErrBranchNotFound} {
			_, err := client.WithBranch(branch).SetRef(t.Context(), created.ID, "v1.1.0", true)
			wantErrorIs(t, err, want)
		}
		wantEqual(t, "mutations", []string{}, mocktest.Mutations(s.requests()))
	})
}

func TestSetRef_ImportsUnlessATaskProvesThatTheRefWasImported(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ref, onMain string
		fault       mockserver.Fault
		imports     bool
	}{
		"main has imported it":      {"v1.0.0", "", mockserver.Fault{Operation: "none"}, false},
		"main could not import it":  {"v2.0.0", "v2.0.0", mockserver.Fault{Operation: "none"}, true},
		"the tasks are not visible": {"v1.0.0", "", mockserver.Fault{NoTasks: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				created := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
				time.Sleep(time.Minute) // the echo, which names the commit, has ended
				if test.onMain != "" {
					wantFailure(t, changeRef(t, client, created, test.onMain), "")
				}
				s.createRelease(t)
				s.Inject(test.fault)
				started, err := client.WithBranch("release").SetRef(t.Context(), created.ID, test.ref, false)
				if err != nil || (started != nil) != test.imports {
					t.Errorf("got %v, %v; want an import: %t", started, err, test.imports)
				}
			})
		})
	}
}
