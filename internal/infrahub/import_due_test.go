package infrahub_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// importIfDue waits for the import that a repository needs. It returns false if it needs none.
func importIfDue(t *testing.T, client *infrahub.Client, kind infrahub.Kind, id string) (*infrahub.Imported, bool, error) {
	t.Helper()
	started, err := client.ImportIfDue(t.Context(), kind, id, "")
	must(t, err)
	if started == nil {
		return nil, false, nil
	}
	imported, err := started.Wait(t.Context())
	return imported, true, err
}

// A client that was killed after it has sent the create is another one's find, at every moment of the import.
func TestImportIfDue_OfACreateWhoseClientWasKilledIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		for at := time.Duration(0); at < 4*time.Second; at += 190 * time.Millisecond {
			t.Run(kind.String()+" after "+at.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s, r := start(t, live()), newRemote(t)
					client := s.client(t, func(config *infrahub.Config) { // fast enough to see what a connection check takes
						config.Polling = infrahub.Polling{MinInterval: 10 * time.Millisecond, MaxInterval: 100 * time.Millisecond}
					})
					go func() {
						_, _, err := client.CreateRepository(context.WithoutCancel(t.Context()), ofKind(r, kind))
						if err != nil {
							t.Error(err)
						}
					}()
					time.Sleep(at)
					for {
						found, err := client.Repositories(kind).GetByName(t.Context(), "network")
						if err == nil {
							imported, due, err := importIfDue(t, client, kind, found.ID)
							must(t, err)
							if due && commitName(r, imported.Commit) != "main" {
								t.Errorf("imported %+v", imported)
							}
							break
						}
						time.Sleep(10 * time.Millisecond)
					}
					if sent := s.requests("ImportLatestCommit", "ReimportCommit", "CheckConnectivity"); len(sent) > 0 {
						t.Errorf("sent %v", sent)
					}
					found, err := client.Repositories(kind).GetByName(t.Context(), "network")
					must(t, err)
					if commitName(r, found.Commit) != "main" {
						t.Errorf("not imported: %+v", found)
					}
				})
			})
		}
	}
}

func TestImportIfDue_OfAnImportThatRunsAndFailsIsThatFailure(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, r := start(t, live()), newRemote(t)
				client := s.client(t)
				missing := ofKind(r, kind)
				missing.Ref = "nope"
				created, _ := startCreate(t, client, missing)
				_, due, err := importIfDue(t, client, kind, created.ID)
				failure, ok := errors.AsType[*infrahub.ImportError](err)
				if !due || !ok || failure.Cause != infrahub.RefMissing {
					t.Errorf("got %v, want that the ref is missing", err)
				}
			})
		})
	}
}

// Only the periodic sync can import a read-write repository without a commit. If it does not, the failure of the task that added it is
// the reason.
func TestImportIfDue_OfAReadWriteRepositoryThatWasNeverImportedEndsWithTheReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t)
		missing := readWrite(r)
		missing.Ref = "nope"
		created, started := startCreate(t, client, missing)
		wantFailure(t, started, "The branch nope isn't a valid branch")
		began := time.Now()
		_, due, err := importIfDue(t, client, infrahub.ReadWrite, created.ID)
		if failure, ok := errors.AsType[*infrahub.ImportError](err); !due || !ok || failure.Cause != infrahub.RefMissing {
			t.Errorf("got %v, want that the branch is missing", err)
		}
		if waited := time.Since(began); waited < time.Minute || waited > 2*time.Minute {
			t.Errorf("waited %s, want as long as a sync may take", waited)
		}
	})
}

func TestImportIfDue_OfADeletedRepositoryIsNotFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, mockserver.Options{}).client(t)
		_, err := client.ImportIfDue(t.Context(), infrahub.ReadOnly, missingID, "")
		wantErrorIs(t, err, infrahub.ErrNotFound)
	})
}

// A repository of another branch is not in use here, and its tasks are those of that branch.
func TestImportIfDue_OfARepositoryThatIsNotInUseIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, mockserver.Options{}), newRemote(t)
		client := s.client(t)
		s.createRelease(t)
		created := createImported(t, client.WithBranch("release"), readOnly(r, "v1.0.0"))
		began := time.Now()
		if _, due, err := importIfDue(t, client, infrahub.ReadOnly, created.ID); due || err != nil {
			t.Errorf("imports on main: %v", err)
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestImportIfDue_OfAWorkerThatDiedIsStartedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t)
		s.Inject(mockserver.Fault{Operation: "git-repository-add-read-only", StuckTask: true, Times: 1})
		created, _ := startCreate(t, client, readOnly(r, "v1.0.0"))
		time.Sleep(16 * time.Minute)
		started, err := client.ImportIfDue(t.Context(), infrahub.ReadOnly, created.ID, "")
		must(t, err)
		if started == nil || len(s.requests("ImportLatestCommit")) != 1 {
			t.Errorf("nothing was started")
		}
	})
}
