package acceptance

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// remote is a Git repository. Commits also has the newest commit of main.
type remote struct{ *mocktest.Remote }

// newRemote makes a repository with v1.0.0 and v1.1.0 at a path of the Git server. A path below private/ needs a
// credential.
func (s *server) newRemote(t *testing.T, path string) remote {
	t.Helper()
	r := s.newEmptyRemote(t, path)
	r.release(t, "v1.0.0")
	r.release(t, "v1.1.0")
	return r
}

func (s *server) newEmptyRemote(t *testing.T, path string) remote {
	t.Helper()
	return remote{mocktest.NewRemote(t, s.gitRoot, path)}
}

// release commits a release to main and tags it.
func (r remote) release(t *testing.T, tag string) {
	t.Helper()
	r.Release(t, tag, nil)
	r.Commits["main"] = r.Commits[tag]
}

// breakMain commits a configuration to main that cannot be imported, and tags it.
func (r remote) breakMain(t *testing.T, tag string) {
	t.Helper()
	r.Release(t, tag, mocktest.BrokenFiles())
	r.Commits["main"] = r.Commits[tag]
}

// newBranch makes a branch with a commit of its own, which imports nothing, and returns to main.
func (r remote) newBranch(t *testing.T, name string) {
	t.Helper()
	r.commitOnBranch(t, name, map[string]string{".infrahub.yml": "queries: []\n", "branch.txt": name + "\n"})
}

// commitOnBranch makes a branch with a commit of its own, and returns to main.
func (r remote) commitOnBranch(t *testing.T, name string, files map[string]string) {
	t.Helper()
	r.Branch(t, name)
	r.Commit(t, name, files)
	r.Branch(t, "main")
}
