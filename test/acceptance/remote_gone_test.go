package acceptance

import (
	"os"
	"testing"
)

// remove deletes the repository on disk.
func (r remote) remove(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(r.Path); err != nil {
		t.Fatal(err)
	}
}

func TestRemoteGone_ResolvedRefIsPlannedAndDestroyed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w, r := s.newRefWorkspace(t, "resolve_ref = true")
	s.waitUntilIdle(t)
	r.remove(t)
	w.planNothing("-var=ref=v1.0.0")
	w.assertPrinted("plan", "Warning: Git Repository Not Found", "this does not stop the plan", r.Commits["v1.0.0"])
	w.run(1, "plan", "-var=ref=v1.1.0")
	w.assertPrinted("plan", "Error: Git Repository Not Found")
	w.destroy("-var=ref=v1.0.0")
	s.assertNothingLeft(t)
}

// A data source has no state to fall back to. Its error says how to destroy without it.
func TestRemoteGone_DataSourceIsDestroyedWithoutARefresh(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := s.newRemote(t, "network.git")
	w := s.newWorkspace(t, requirement+s.fill(`
		data "infrahub_git_ref" "release" {
			location = "GIT/network.git"
		}
		resource "infrahub_read_only_repository" "test" {
			name     = "network-NAME"
			location = data.infrahub_git_ref.release.location
			ref      = data.infrahub_git_ref.release.tag
		}
	`))
	w.apply()
	r.remove(t)
	w.run(1, "destroy", "-auto-approve")
	w.assertPrinted("destroy", "Git Repository Not Found", "destroy -refresh=false")
	w.destroy("-refresh=false")
	s.assertNothingLeft(t)
}
