package acceptance

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

// remote is a Git repository with the tags v1.0.0 and v1.1.0 on main.
type remote struct {
	*gitserver.Repository
	path string
	// commits is what each tag, and main, stands for.
	commits map[string]string
}

// newRemote makes a repository at a path of the test's Git server: below private/ it needs a credential.
func (s *server) newRemote(t *testing.T, path string) *remote {
	t.Helper()
	r := s.newEmptyRemote(t, path)
	r.release(t, "v1.0.0")
	r.release(t, "v1.1.0")
	return r
}

func (s *server) newEmptyRemote(t *testing.T, path string) *remote {
	t.Helper()
	created, err := gitserver.NewRepository(s.gitRoot, path)
	if err != nil {
		t.Fatal(err)
	}
	return &remote{Repository: created, path: path, commits: map[string]string{}}
}

// release commits something new to main and tags it.
func (r *remote) release(t *testing.T, tag string) {
	t.Helper()
	r.commit(t, map[string]string{"release.txt": r.path + " " + tag + "\n", ".infrahub.yml": "queries: []\n"})
	r.tag(t, tag)
}

// broken commits to main a configuration that cannot be read, and tags it.
func (r *remote) broken(t *testing.T, tag string) {
	t.Helper()
	r.commit(t, map[string]string{"release.txt": r.path + " " + tag + "\n", ".infrahub.yml": "queries: [\n"})
	r.tag(t, tag)
}

func (r *remote) commit(t *testing.T, files map[string]string) {
	t.Helper()
	hash, err := r.Commit(files)
	if err != nil {
		t.Fatal(err)
	}
	r.commits["main"] = hash
}

func (r *remote) tag(t *testing.T, tag string) {
	t.Helper()
	if err := r.Tag(tag); err != nil {
		t.Fatal(err)
	}
	r.commits[tag] = r.commits["main"]
}

// branch makes a branch with a commit of its own and goes back to main.
func (r *remote) branch(t *testing.T, name string) {
	t.Helper()
	r.branchWith(t, name, map[string]string{"branch.txt": name + "\n", ".infrahub.yml": "queries: []\n"})
}

func (r *remote) branchWith(t *testing.T, name string, files map[string]string) {
	t.Helper()
	if err := r.Branch(name); err != nil {
		t.Fatal(err)
	}
	hash, err := r.Commit(files)
	if err != nil {
		t.Fatal(err)
	}
	r.commits[name] = hash
	if err := r.Branch("main"); err != nil {
		t.Fatal(err)
	}
}
