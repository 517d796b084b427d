package infrahub_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The workflows that the tests expect (infrahub-behaviour.md, Importing 3).
const (
	addReadOnly   = "git-repository-add-read-only"
	addReadWrite  = "git-repository-add-read-write"
	pullReadOnly  = "git-repository-pull-read-only"
	importLast    = "git-read-only-repository-import-last-commit"
	importObjects = "git-repository-import-object"
)

// startCreate creates a repository and returns it with its id, and the import that this starts.
func startCreate(t *testing.T, client *infrahub.Client, want infrahub.Repository) (infrahub.Repository, *infrahub.Import) {
	t.Helper()
	id, started, err := client.CreateRepository(t.Context(), want)
	must(t, err)
	want.ID = id
	return want, started
}

// startUpdate updates a repository and returns the import that this has to start.
func startUpdate(t *testing.T, client *infrahub.Client, before, after infrahub.Repository) *infrahub.Import {
	t.Helper()
	started, err := client.UpdateRepository(t.Context(), before, after)
	must(t, err)
	if started == nil {
		t.Fatalf("the update from %+v to %+v started no import", before, after)
	}
	return started
}

// changeRef starts the import of another ref.
func changeRef(t *testing.T, client *infrahub.Client, before infrahub.Repository, ref string) *infrahub.Import {
	t.Helper()
	after := before
	after.Ref = ref
	return startUpdate(t, client, before, after)
}

// startReimport starts an import on demand.
func startReimport(t *testing.T, client *infrahub.Client, repository infrahub.Repository) *infrahub.Import {
	t.Helper()
	started, err := client.Reimport(t.Context(), repository)
	must(t, err)
	return started
}

// wait waits for an import. One that does not end fails the test instead of hanging it.
func wait(t *testing.T, started *infrahub.Import) (*infrahub.Imported, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	return started.Wait(ctx)
}

// waitFor waits for an import that has to work.
func waitFor(t *testing.T, started *infrahub.Import) *infrahub.Imported {
	t.Helper()
	imported, err := wait(t, started)
	must(t, err)
	return imported
}

// createImported creates a repository and returns it as imported.
func createImported(t *testing.T, client *infrahub.Client, want infrahub.Repository) infrahub.Repository {
	t.Helper()
	_, started := startCreate(t, client, want)
	return waitFor(t, started).Repository
}

// wantImported waits for an import. It fails the test unless the import ends with a commit of the remote, without
// a warning.
func wantImported(t *testing.T, started *infrahub.Import, r *mocktest.Remote, commit string) {
	t.Helper()
	got := waitFor(t, started)
	if name := commitName(r, got.Commit); name != commit || got.SyncStatus != "in-sync" || got.OperationalStatus != "online" || got.Warning != "" {
		t.Errorf("imported %s, %s and %s, warning %q; want %s, in-sync and online", name, got.SyncStatus, got.OperationalStatus, got.Warning, commit)
	}
}

// importError waits for an import that has to fail, for a reason that begins like this, and returns the error.
func importError(t *testing.T, started *infrahub.Import, reason string) *infrahub.ImportError {
	t.Helper()
	imported, err := wait(t, started)
	failure, ok := errors.AsType[*infrahub.ImportError](err)
	if !ok || !strings.HasPrefix(failure.Reason, reason) {
		t.Fatalf("got %v, %v; want an ImportError for %q", imported, err, reason)
	}
	return failure
}

// wantFailure waits for an import that has to fail, for a reason that begins like this.
func wantFailure(t *testing.T, started *infrahub.Import, reason string) {
	t.Helper()
	_ = importError(t, started, reason)
}

// unfinishedError returns the error of a wait that was given up, with this cause. The tasks are those that it has
// to name, each without its id.
func unfinishedError(t *testing.T, err, cause error, tasks ...string) *infrahub.UnfinishedError {
	t.Helper()
	failure, ok := errors.AsType[*infrahub.UnfinishedError](err)
	if !ok || !errors.Is(err, cause) {
		t.Fatalf("got %v, want an UnfinishedError for %v", err, cause)
	}
	var got []string
	for _, text := range failure.Tasks {
		text, id, hasID := strings.Cut(text, ", task ")
		if hasID && id == "" {
			t.Errorf("%q names no task", text)
		}
		got = append(got, text)
	}
	wantEqual(t, "tasks", tasks, got)
	return failure
}

// wantUnfinished fails the test unless a wait was given up, with this cause and these tasks.
func wantUnfinished(t *testing.T, err, cause error, tasks ...string) {
	t.Helper()
	_ = unfinishedError(t, err, cause, tasks...)
}

// endedTasks returns how many tasks of a workflow have ended, on any branch.
func (s *server) endedTasks(t *testing.T, workflow string) int {
	t.Helper()
	count, _ := s.Ask(t, `{InfrahubTask(workflow:["`+workflow+`"] state:[COMPLETED FAILED]){count}}`).At("data.InfrahubTask.count").(float64)
	return int(count)
}

// forEachDelay runs a test in a bubble without delays and with those of a real server.
func forEachDelay(t *testing.T, test func(t *testing.T, options mockserver.Options)) {
	t.Helper()
	for name, delay := range map[string]mockserver.Delay{"no delay": mockserver.NoDelay, "live delay": mockserver.LiveDelay} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, mockserver.Options{Delay: delay}) })
		})
	}
}

func TestImport_OfACreate(t *testing.T) {
	t.Parallel()
	for kind, workflow := range map[infrahub.Kind]string{infrahub.ReadOnly: addReadOnly, infrahub.ReadWrite: addReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			forEachDelay(t, func(t *testing.T, options mockserver.Options) {
				s := start(t, options)
				r := newRemote(t)
				_, started := startCreate(t, s.client(t), ofKind(r, kind))
				wantImported(t, started, r, "main")
				wantEqual(t, "ended tasks", 1, s.endedTasks(t, workflow))
			})
		})
	}
}

func TestImport_OfAChangedRef(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := createImported(t, client, readOnly(r, "v1.0.0"))
		time.Sleep(time.Minute) // the echo of the create has ended
		pulls, imports := s.endedTasks(t, pullReadOnly), s.endedTasks(t, importLast)
		s.Log.Reset()
		wantImported(t, changeRef(t, client, before, "v1.1.0"), r, "v1.1.0")
		if s.endedTasks(t, pullReadOnly) <= pulls || s.endedTasks(t, importLast) <= imports {
			t.Error("the wait ended before both tasks")
		}
		wantEqual(t, "variables", object{"id": before.ID, "ref": set("v1.1.0")}, s.variables(t, "UpdateReadOnlyRepository"))
		wantEqual(t, "ref", "v1.1.0", getRepository(t, client, infrahub.ReadOnly, before.ID).Ref)
	})
}

func TestImport_OfAChangedRefWithOtherChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		before := createImported(t, client, readOnly(r, "v1.0.0"))
		after := before
		after.Ref, after.Name = "v1.1.0", "renamed"
		wantImported(t, startUpdate(t, client, before, after), r, "v1.1.0")
		wantEqual(t, "variables",
			object{"id": before.ID, "ref": set("v1.1.0"), "name": set("renamed")}, s.variables(t, "UpdateReadOnlyRepository"))
	})
}

// The tasks of imports and of their echoes resemble each other.
func TestImport_IsNotConfusedWithAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		do   func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, created infrahub.Repository, creating *infrahub.Import)
	}{
		{"a change right after a create", func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, created infrahub.Repository, creating *infrahub.Import) {
			waitFor(t, creating) // its echo goes on
			wantImported(t, changeRef(t, client, created, "v1.1.0"), r, "v1.1.0")
		}},
		{"a change during a create", func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, created infrahub.Repository, _ *infrahub.Import) {
			wantImported(t, changeRef(t, client, created, "v1.1.0"), r, "v1.1.0")
		}},
		{"a change to a missing ref right after a create", func(t *testing.T, client *infrahub.Client, _ *mocktest.Remote, created infrahub.Repository, creating *infrahub.Import) {
			waitFor(t, creating)
			wantFailure(t, changeRef(t, client, created, "v9.9.9"), "Ref v9.9.9 not found.")
		}},
		{"a change back", func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, created infrahub.Repository, creating *infrahub.Import) {
			waitFor(t, creating)
			for _, ref := range []string{"v1.1.0", "v1.0.0", "v1.1.0", "v1.0.0"} {
				wantImported(t, changeRef(t, client, created, ref), r, ref)
				created.Ref = ref
			}
		}},
		{"a change to a ref that failed before", func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, created infrahub.Repository, creating *infrahub.Import) {
			waitFor(t, creating)
			wantFailure(t, changeRef(t, client, created, "v3.0.0"), "Ref v3.0.0 not found.")
			created.Ref = "v3.0.0"
			wantImported(t, changeRef(t, client, created, "v1.0.0"), r, "v1.0.0")
			created.Ref = "v1.0.0"
			r.Release(t, "v3.0.0", queryFiles("3.0"))
			wantImported(t, changeRef(t, client, created, "v3.0.0"), r, "v3.0.0")
		}},
		{"a change to a ref that worked before", func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, created infrahub.Repository, creating *infrahub.Import) {
			waitFor(t, creating)
			r.Branch(t, "moving")
			wantImported(t, changeRef(t, client, created, "moving"), r, "main")
			created.Ref = "moving"
			wantImported(t, changeRef(t, client, created, "v1.0.0"), r, "v1.0.0")
			created.Ref = "v1.0.0"
			r.Commit(t, "moved", mocktest.BrokenFiles())
			wantFailure(t, changeRef(t, client, created, "moving"), "Repository 'network' has an invalid configuration file '.infrahub.yml'.")
		}},
		{"a change during another one", func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, created infrahub.Repository, creating *infrahub.Import) {
			waitFor(t, creating)
			first := changeRef(t, client, created, "v1.1.0")
			created.Ref = "v1.1.0"
			wantImported(t, changeRef(t, client, created, "main"), r, "main")
			waitFor(t, first)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			forEachDelay(t, func(t *testing.T, options mockserver.Options) {
				client := start(t, options).client(t)
				r := newRemote(t)
				created, creating := startCreate(t, client, readOnly(r, "v1.0.0"))
				test.do(t, client, r, created, creating)
			})
		})
	}
}

func TestImport_OnABranchLeavesMainAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		before := createImported(t, client, readOnly(r, "v1.0.0"))
		s.createRelease(t)
		onBranch := s.client(t, func(config *infrahub.Config) { config.Branch = "release" })
		wantImported(t, changeRef(t, onBranch, before, "v1.1.0"), r, "v1.1.0")
		onMain := getRepository(t, client, infrahub.ReadOnly, before.ID)
		if commit := commitName(r, onMain.Commit); commit != "v1.0.0" || onMain.Ref != "v1.0.0" {
			t.Errorf("main has the commit %s and the ref %s", commit, onMain.Ref)
		}
		failure := importError(t, changeRef(t, onBranch, before, "v9.9.9"), "Ref v9.9.9 not found.")
		wantEqual(t, "branch of the error", "release", failure.Branch)
	})
}

// The server starts no import for a ref that it has already, so the client asks for one.
func TestImport_OfARefThatSomebodyElseHasSetMeanwhile(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := createImported(t, client, readOnly(r, "v1.0.0"))
		waitFor(t, changeRef(t, s.client(t), before, "v1.1.0"))
		s.Log.Reset()
		wantImported(t, changeRef(t, client, before, "v1.1.0"), r, "v1.1.0")
		for _, operation := range []string{"ImportLatestCommit", "ReimportCommit"} {
			wantEqual(t, operation, object{"id": before.ID}, s.variables(t, operation))
		}
	})
}

// An echo that comes late would record the earlier commit over the later one (infrahub-behaviour.md, Importing
// 22).
func TestImport_ChangeOfTheRefWaitsForEarlierImports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		created, _ := startCreate(t, client, readOnly(r, "v1.0.0"))
		started := changeRef(t, client, created, "v1.1.0")
		ended := s.endedTasks(t, addReadOnly) + s.endedTasks(t, pullReadOnly) + s.endedTasks(t, importLast)
		wantEqual(t, "tasks of the create and its echo that ended before the change was sent", 3, ended)
		wantImported(t, started, r, "v1.1.0")
	})
}

func TestImport_ChangeOfTheRefDoesNotWaitForATaskWithoutEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true, Operation: addReadOnly, Times: 1})
		client := s.client(t)
		r := newRemote(t)
		created, _ := startCreate(t, client, readOnly(r, "v1.0.0"))
		time.Sleep(10 * time.Second)
		began := time.Now()
		started := changeRef(t, client, created, "v1.1.0")
		wantDuration(t, began, infrahub.IdleTimeout, infrahub.IdleTimeout+5*time.Second)
		wantImported(t, started, r, "v1.1.0")
	})
}

func TestImport_ChangeOfTheRefIsNotSentIfTheCallerGivesUpBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		client := s.client(t)
		before, _ := startCreate(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(10 * time.Second)
		after := before
		after.Ref = "v1.1.0"
		_, err := client.UpdateRepository(canceledAfter(t, 5*time.Second), before, after)
		wantErrorIs(t, err, context.Canceled)
		wantEqual(t, "updates", 0, len(s.requests("UpdateReadOnlyRepository")))
	})
}

func TestReimport_ReadOnlyImportsTheLastCommitOfItsRef(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := createImported(t, client, readOnly(r, "main"))
		r.Commit(t, "pushed", queryFiles("pushed"))
		s.Log.Reset()
		wantImported(t, startReimport(t, client, before), r, "pushed")
		for _, operation := range []string{"ImportLatestCommit", "ReimportCommit"} {
			wantEqual(t, operation, object{"id": before.ID}, s.variables(t, operation))
		}
		wantEqual(t, "updates", 0, len(s.requests("UpdateReadOnlyRepository")))
	})
}

func TestReimport_ReadWriteImportsItsCommitAgain(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := createImported(t, client, readWrite(r))
		s.Log.Reset()
		wantImported(t, startReimport(t, client, before), r, "main")
		wantEqual(t, "variables", object{"id": before.ID}, s.variables(t, "ReimportCommit"))
		wantEqual(t, "imports of the last commit", 0, len(s.requests("ImportLatestCommit")))
		wantEqual(t, "ended tasks", 1, s.endedTasks(t, importObjects))
	})
}

func TestReimport_HalvesAreImportsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		before := createImported(t, client, readOnly(r, "main"))
		r.Commit(t, "pushed", queryFiles("pushed"))
		again, err := client.ReimportCommit(t.Context(), before)
		must(t, err)
		wantImported(t, again, r, "main")
		wantEqual(t, "imports of the last commit", 0, len(s.requests("ImportLatestCommit")))
		latest, err := client.ImportLatestCommit(t.Context(), before)
		must(t, err)
		wantImported(t, latest, r, "pushed")
		wantEqual(t, "imports of the same commit", 1, len(s.requests("ReimportCommit")))
	})
}

func TestReimport_OfABrokenConfiguration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		r := newRemote(t)
		before := createImported(t, client, readOnly(r, "main"))
		r.Commit(t, "pushed", mocktest.BrokenFiles())
		wantFailure(t, startReimport(t, client, before), "Repository 'network' has an invalid configuration file '.infrahub.yml'.")
	})
}

func TestReimport_OfAMissingRepository(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := start(t, mockserver.Options{}).client(t)
				_, err := client.Reimport(t.Context(), infrahub.Repository{Kind: kind, ID: missingID, Name: "network"})
				wantKind(t, err, infrahub.ErrNotFound)
			})
		})
	}
}
