package infrahub_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// startWithoutTasks starts a server that takes as long as a real one and shows no tasks.
func startWithoutTasks(t *testing.T) *server {
	t.Helper()
	s := start(t, live())
	s.Inject(mockserver.Fault{NoTasks: true})
	return s
}

// wantImportedByStatus waits for an import. It fails the test unless the import ends with a commit and a warning.
func wantImportedByStatus(t *testing.T, started *infrahub.Import, r *mocktest.Remote, commit string) {
	t.Helper()
	imported := waitFor(t, started)
	if name := commitName(r, imported.Commit); name != commit || imported.SyncStatus != "in-sync" {
		t.Errorf("imported %s, %s; want %s, in-sync", name, imported.SyncStatus, commit)
	}
	wantContains(t, imported.Warning, "does not show its tasks")
}

// Without tasks the client decides by what the repository shows.
func TestWaitByStatus(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, before infrahub.Repository){
		"a changed ref ends with the new commit and a warning": func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, before infrahub.Repository) {
			wantImportedByStatus(t, changeRef(t, client, before, "v1.1.0"), r, "v1.1.0")
		},
		"an import on demand ends with the commit and a warning": func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, before infrahub.Repository) {
			wantImportedByStatus(t, startReimport(t, client, before), r, "v1.0.0")
		},
		"a broken configuration fails, although it is in sync at first": func(t *testing.T, client *infrahub.Client, r *mocktest.Remote, before infrahub.Repository) {
			r.Release(t, "v1.2.0", mocktest.BrokenFiles())
			wantFailure(t, changeRef(t, client, before, "v1.2.0"), "the repository is error-import")
		},
		"a missing ref fails, although the repository never shows it": func(t *testing.T, client *infrahub.Client, _ *mocktest.Remote, before infrahub.Repository) {
			wantFailure(t, changeRef(t, client, before, "v9.9.9"), "the commit did not change")
		},
		"the last import is unknown": func(t *testing.T, client *infrahub.Client, _ *mocktest.Remote, before infrahub.Repository) {
			last, err := client.LastImport(t.Context(), before)
			must(t, err)
			wantEqual(t, "last import", infrahub.LastImport{TasksHidden: true}, last)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, r := startWithoutTasks(t).client(t), newRemote(t)
				test(t, client, r, createImported(t, client, readOnly(r, "v1.0.0")))
			})
		})
	}
}

func TestWaitByStatus_CreateOfAMissingRefFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, started := startCreate(t, startWithoutTasks(t).client(t), readOnly(newRemote(t), "v9.9.9"))
		wantFailure(t, started, "the repository is unknown and error")
	})
}

func TestWaitByStatus_Canceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, started := startCreate(t, startWithoutTasks(t).client(t), readOnly(newRemote(t), "v1.0.0"))
		_, err := started.Wait(canceledAfter(t, time.Second))
		wantUnfinished(t, err, context.Canceled, "its tasks are not visible")
	})
}
