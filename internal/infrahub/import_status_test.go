package infrahub_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// An account that may not see tasks is left with what the repository says of itself.
func TestJudged_WithoutTasks(t *testing.T) {
	t.Parallel()
	begun := func(t *testing.T) (*infrahub.Client, remote, infrahub.Repository) {
		t.Helper()
		s := start(t, live())
		s.Inject(mockserver.Fault{NoTasks: true})
		client, r := s.client(t), newRemote(t)
		return client, r, established(t, client, readOnly(r, "v1.0.0"))
	}
	weak := func(t *testing.T, r remote, started *infrahub.Import, name string) {
		t.Helper()
		imported := settle(t, started)
		if commit := r.name(imported.Commit); commit != name || imported.SyncStatus != "in-sync" {
			t.Errorf("imported %s, %s; want %s", commit, imported.SyncStatus, name)
		}
		if !strings.Contains(imported.Warning, "does not show its tasks") {
			t.Errorf("warning = %q", imported.Warning)
		}
	}
	for name, test := range map[string]func(t *testing.T){
		"a create and a bump end with the new commit and a warning": func(t *testing.T) {
			client, r, before := begun(t)
			weak(t, r, bump(t, client, before, "v1.1.0"), "v1.1.0")
		},
		"a broken configuration fails, though it is in sync at first": func(t *testing.T) {
			client, r, before := begun(t)
			r.release(t, "v1.2.0", broken())
			fails(t, bump(t, client, before, "v1.2.0"), "the repository is error-import")
		},
		"a missing ref fails, though the repository never says so": func(t *testing.T) {
			client, _, before := begun(t)
			fails(t, bump(t, client, before, "v9.9.9"), "the commit did not change")
		},
		"a create of a missing ref fails": func(t *testing.T) {
			s := start(t, live())
			s.Inject(mockserver.Fault{NoTasks: true})
			_, started := begin(t, s.client(t), readOnly(newRemote(t), "v9.9.9"))
			fails(t, started, "the repository is unknown and error")
		},
		"a refresh learns nothing": func(t *testing.T) {
			client, _, before := begun(t)
			if moved, err := client.LastImport(t.Context(), before); moved || err != nil {
				t.Errorf("got %v, %v", moved, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test)
		})
	}
}
