package infrahub_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

func TestWait_Failure(t *testing.T) {
	t.Parallel()
	const invalid = "Repository 'network' has an invalid configuration file '.infrahub.yml'. The file could not be parsed as valid YAML: "
	for _, test := range []struct {
		name, before, ref string // without a ref before it is a create
		reason            string
		cause             infrahub.Cause
		workflows         []string
		commit            string // of the repository afterwards
	}{
		{"a create, ref missing", "", "v9.9.9", "The branch v9.9.9 isn't a valid branch for the repository network at ", infrahub.RefMissing, []string{addReadOnly}, ""},
		{"a create, broken .infrahub.yml", "", "v2.0.0", invalid, infrahub.ConfigurationInvalid, []string{addReadOnly}, "v2.0.0"},
		{"a changed ref, ref missing", "v1.0.0", "v9.9.9", "Ref v9.9.9 not found.", infrahub.RefMissing, []string{pullReadOnly, importLast}, "v1.0.0"},
		{"a changed ref, broken .infrahub.yml", "v1.0.0", "v2.0.0", invalid, infrahub.ConfigurationInvalid, []string{pullReadOnly, importLast}, "v2.0.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			forEachDelay(t, func(t *testing.T, options mockserver.Options) {
				s := start(t, options)
				client := s.client(t)
				r := newRemote(t)
				want, mutation := readOnly(r, test.ref), "CreateReadOnlyRepository"
				var started *infrahub.Import
				if test.before == "" {
					want, started = startCreate(t, client, want)
				} else {
					mutation = "UpdateReadOnlyRepository"
					before := createImported(t, client, readOnly(r, test.before))
					want.ID = before.ID
					started = changeRef(t, client, before, test.ref)
				}
				failure := importError(t, started, test.reason)
				if failure.Repository.ID != want.ID || failure.Repository.Ref != test.ref || failure.Branch != "main" || failure.State != "FAILED" ||
					failure.TaskID == "" || !slices.Contains(test.workflows, failure.Workflow) || failure.Cause != test.cause {
					t.Errorf("got %+v", failure)
				}
				wantEqual(t, "request id", s.requests(mutation)[0].RequestID, failure.RequestID)
				if text := failure.Error(); !strings.HasPrefix(text, "import of read-only repository network at "+test.ref+": "+test.reason) {
					t.Errorf("the text is %q", text)
				}
				wantEqual(t, "commit", test.commit, commitName(r, getRepository(t, client, infrahub.ReadOnly, want.ID).Commit))
			})
		})
	}
}

func TestWait_BrokenDefaultBranchOfAReadWriteRepositoryFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t)
		r.Commit(t, "main", mocktest.BrokenFiles())
		_, started := startCreate(t, start(t, live()).client(t), readWrite(r))
		failure := importError(t, started, "Repository 'network' has an invalid configuration file '.infrahub.yml'.")
		wantEqual(t, "workflow", addReadWrite, failure.Workflow)
	})
}

// Only the default branch was requested, so other branches are worth a warning (infrahub-behaviour.md, Importing
// 20).
func TestWait_AnotherBrokenBranchOfAReadWriteRepositoryIsAWarning(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		r := newRemote(t)
		r.Branch(t, "feature")
		r.Commit(t, "feature", mocktest.BrokenFiles())
		_, started := startCreate(t, start(t, options).client(t), readWrite(r))
		imported := waitFor(t, started)
		if commit := commitName(r, imported.Commit); commit != "main" || imported.SyncStatus != "in-sync" {
			t.Errorf("imported %s, %s; want main, in-sync", commit, imported.SyncStatus)
		}
		wantContains(t, imported.Warning, "Unable to synchronize the following branches of repository network")
		wantContains(t, imported.Warning, "feature (step=import)")
	})
}

func TestWait_ObjectOfAnotherRepositoryNamesItsOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		owner := readOnly(newRemote(t), "v1.0.0")
		owner.Name = "owner"
		createImported(t, client, owner)
		_, started := startCreate(t, client, readOnly(newRemote(t), "v1.0.0"))
		failure := importError(t, started, `Violates uniqueness constraint 'name' (while creating the CoreGraphQLQuery "tags")`)
		if failure.Cause != infrahub.ObjectExists || failure.Owner != "owner" {
			t.Errorf("got %+v", failure)
		}
	})
}

func TestWait_CompletedTasksOfARepositoryWithAnErrorStatusFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		options := live()
		options.SyncInterval = 10 * time.Second
		client := start(t, options).client(t)
		r := newRemote(t)
		before := createImported(t, client, readWrite(r))
		must(t, os.Rename(r.Path, r.Path+".gone"))
		time.Sleep(30 * time.Second) // the periodic sync finds no remote
		started := startReimport(t, client, before)
		began := time.Now()
		wantFailure(t, started, "its tasks completed, but the repository is in-sync and error")
		wantDuration(t, began, time.Minute, 70*time.Second)
	})
}

func TestWait_NoticesThatTheRepositoryIsDeleted(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"its task fails": {Operation: "none"}, "its task never ends": {StuckTask: true, Operation: addReadOnly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				s.Inject(fault)
				client := s.client(t)
				created, started := startCreate(t, client, readOnly(newRemote(t), "v1.0.0"))
				time.AfterFunc(400*time.Millisecond, func() {
					if err := client.Repositories(infrahub.ReadOnly).Delete(t.Context(), created.ID); err != nil {
						t.Error(err)
					}
				})
				began := time.Now()
				_, err := wait(t, started)
				if _, failed := errors.AsType[*infrahub.ImportError](err); !failed && !errors.Is(err, infrahub.ErrNotFound) {
					t.Errorf("got %v", err)
				}
				wantDuration(t, began, 0, 40*time.Second)
			})
		})
	}
}

func TestWait_DeadlineWhileTasksRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stuck string // "": both
		tasks []string
	}{
		"the pull":  {pullReadOnly, []string{pullReadOnly + ": RUNNING", importLast + ": COMPLETED"}},
		"the fetch": {importLast, []string{pullReadOnly + ": COMPLETED", importLast + ": RUNNING"}},
		"both":      {"", []string{pullReadOnly + ": RUNNING", importLast + ": RUNNING"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				before := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
				time.Sleep(time.Minute) // the echo of the create has ended
				s.Inject(mockserver.Fault{StuckTask: true, Operation: test.stuck})
				started := changeRef(t, client, before, "v1.1.0")
				const timeout = 100 * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				began := time.Now()
				_, err := started.Wait(ctx)
				wantDuration(t, began, timeout, timeout)
				failure := unfinishedError(t, err, context.DeadlineExceeded, test.tasks...)
				if id := s.requests("UpdateReadOnlyRepository")[0].RequestID; failure.RequestID != id || failure.Branch != "main" || failure.Repository.Ref != "v1.1.0" {
					t.Errorf("got %+v, want the request id %s", failure, id)
				}
			})
		})
	}
}

func TestWait_Canceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		_, started := startCreate(t, s.client(t), readOnly(newRemote(t), "v1.0.0"))
		began := time.Now()
		_, err := started.Wait(canceledAfter(t, 7*time.Second))
		wantDuration(t, began, 7*time.Second, 7*time.Second)
		wantUnfinished(t, err, context.Canceled, addReadOnly+": RUNNING")
	})
}

func TestWait_CanceledBeforeATaskIsSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		_, started := startCreate(t, s.client(t), readOnly(newRemote(t), "v1.0.0"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := started.Wait(ctx)
		wantUnfinished(t, err, context.Canceled, addReadOnly+": not started")
	})
}

// logOf returns a fault that gives the tasks logs of these error messages, so many times or always (0).
func logOf(times int, messages ...string) mockserver.Fault {
	var lines []string
	for _, message := range messages {
		lines = append(lines, `{"node":{"message":"`+message+`","severity":"error"}}`)
	}
	return mockserver.Fault{
		Operation: "TaskLogs", Times: times, Status: 200, ContentType: "application/json",
		Body: `{"data":{"InfrahubTask":{"edges":[{"node":{"logs":{"edges":[` + strings.Join(lines, ",") + `]}}}]}}}`,
	}
}

// The line with the reason is written up to some seconds after the end of the task (infrahub-behaviour.md,
// Importing 24).
func TestWait_ReadsTheLogUntilItIsComplete(t *testing.T) {
	t.Parallel()
	const half = "Encountered exception during execution: ValueError('Half the reason')"
	for _, test := range []struct {
		name        string
		fault       mockserver.Fault
		reason      string
		least, most time.Duration
	}{
		{"empty at first", logOf(8), "The branch v9.9.9 isn't a valid branch", time.Second, 4 * time.Second},
		{"half complete at first", logOf(8, half), "The branch v9.9.9 isn't a valid branch", time.Second, 4 * time.Second},
		{"never complete", logOf(0, half), "Half the reason", 10 * time.Second, 11 * time.Second},
		{"always empty", logOf(0), "the task ended as FAILED and its log does not say why", 10 * time.Second, 11 * time.Second},
		{
			"not readable", refusal("TaskLogs", "PERMISSION_DENIED", 0),
			"the task ended as FAILED; its log could not be read: TaskLogs: Refused", 0, time.Second,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				_, started := startCreate(t, s.client(t), readOnly(newRemote(t), "v9.9.9"))
				time.Sleep(time.Minute) // the task has ended
				s.Inject(test.fault)
				began := time.Now()
				wantFailure(t, started, test.reason)
				wantDuration(t, began, test.least, test.most)
			})
		})
	}
}
