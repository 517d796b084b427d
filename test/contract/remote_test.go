package contract

import (
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// remote is a Git repository that brings one query along. It has v1.0.0, v1.1.0, an annotated v2.0.0, a v3.0.0 that
// cannot be imported, and a later commit on main.
type remote struct {
	*mocktest.Remote
	location string
	query    string // its name
}

// newRemote makes a repository at a path of the Git server. A path below private/ needs a credential.
func (s *server) newRemote(t *testing.T, path string) *remote {
	t.Helper()
	r := &remote{Remote: mocktest.NewRemote(t, s.root, path), location: s.git + "/" + path}
	r.query = strings.NewReplacer("/", "_", ".git", "", "-", "_").Replace(path) + "_" + s.suffix
	r.Release(t, "v1.0.0", r.files("1.0"))
	r.Release(t, "v1.1.0", r.files("1.1"))
	r.Commit(t, "v2.0.0", r.files("2.0"))
	r.AnnotatedTag(t, "v2.0.0")
	r.Release(t, "v3.0.0", mocktest.BrokenFiles())
	r.Commit(t, "main", r.files("main"))
	return r
}

// files returns the files of a commit. Each version has another query text.
func (r *remote) files(version string) map[string]string {
	return mocktest.QueryFiles(r.query, version)
}

// commitOnBranch makes a branch with a commit of its own, known by its name, and returns to main.
func (r *remote) commitOnBranch(t *testing.T, name string, files map[string]string) {
	t.Helper()
	r.Branch(t, name)
	r.Commit(t, name, files)
	r.Branch(t, "main")
}
