package infrahub_test

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// remote is a Git repository and its commits by the name of their tag or branch.
type remote struct {
	*gitserver.Repository
	commits map[string]string
}

// imports is a configuration that imports a query, which differs from version to version.
func imports(version string) map[string]string {
	return map[string]string{
		".infrahub.yml": "queries:\n  - name: tags\n    file_path: tags.gql\n",
		"tags.gql":      "query { BuiltinTag { count } } # " + version,
	}
}

// broken is a configuration that cannot be read.
func broken() map[string]string { return map[string]string{".infrahub.yml": "queries: [\n"} }

// newRemote makes a repository with the tags v1.0.0, v1.1.0 and v2.0.0, which is broken, and a main
// after them.
func newRemote(t *testing.T) remote {
	t.Helper()
	made, err := gitserver.NewRepository(t.TempDir(), "network.git")
	if err != nil {
		t.Fatal(err)
	}
	r := remote{made, map[string]string{}}
	r.release(t, "v1.0.0", imports("1.0"))
	r.release(t, "v1.1.0", imports("1.1"))
	r.release(t, "v2.0.0", broken())
	r.commit(t, "main", imports("main"))
	return r
}

// commit adds a commit to the current branch and remembers it by a name.
func (r remote) commit(t *testing.T, name string, files map[string]string) {
	t.Helper()
	hash, err := r.Commit(files)
	if err != nil {
		t.Fatal(err)
	}
	r.commits[name] = hash
}

// release adds a commit and tags it.
func (r remote) release(t *testing.T, tag string, files map[string]string) {
	t.Helper()
	r.commit(t, tag, files)
	if err := r.Tag(tag); err != nil {
		t.Fatal(err)
	}
}

// on makes a branch the current one.
func (r remote) on(t *testing.T, branch string) {
	t.Helper()
	if err := r.Branch(branch); err != nil {
		t.Fatal(err)
	}
}

// name is how a commit is called in this repository.
func (r remote) name(commit *string) string {
	if commit == nil {
		return "none"
	}
	for name, hash := range r.commits {
		if hash == *commit {
			return name
		}
	}
	return *commit
}

// readOnly is a read-only repository of a remote.
func readOnly(r remote, ref string) infrahub.Repository {
	return infrahub.Repository{Kind: infrahub.ReadOnly, Name: "network", Location: r.Path, Ref: ref}
}

// readWrite is a read-write repository of a remote.
func readWrite(r remote) infrahub.Repository {
	return infrahub.Repository{Kind: infrahub.ReadWrite, Name: "network", Location: r.Path, Ref: "main"}
}
