package infrahub_test

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// queryFiles returns the files of a repository that imports a query, which differs from version to version.
func queryFiles(version string) map[string]string { return mocktest.QueryFiles("tags", version) }

// newRemote returns a repository with the tags v1.0.0, v1.1.0 and v2.0.0, whose configuration is invalid, and a
// branch main with one commit more.
func newRemote(t *testing.T) *mocktest.Remote {
	t.Helper()
	r := mocktest.NewRemote(t, t.TempDir(), "network.git")
	r.Release(t, "v1.0.0", queryFiles("1.0"))
	r.Release(t, "v1.1.0", queryFiles("1.1"))
	r.Release(t, "v2.0.0", mocktest.BrokenFiles())
	r.Commit(t, "main", queryFiles("main"))
	return r
}

// newFork returns a repository with other commits under the names v1.0.0 and main.
func newFork(t *testing.T) *mocktest.Remote {
	t.Helper()
	r := newRemote(t)
	r.Branch(t, "fork")
	r.Release(t, "v1.0.0", queryFiles("another 1.0"))
	r.Branch(t, "main")
	r.Commit(t, "main", queryFiles("another main"))
	return r
}

// commitName returns the name of a commit of the remote, "" for none.
func commitName(r *mocktest.Remote, commit *string) string {
	if commit == nil {
		return ""
	}
	return r.NameOf(*commit)
}

// readOnly returns a read-only repository of the remote.
func readOnly(r *mocktest.Remote, ref string) infrahub.Repository {
	return infrahub.Repository{Kind: infrahub.ReadOnly, Name: "network", Location: r.Path, Ref: ref}
}

// readWrite returns a read-write repository of the remote.
func readWrite(r *mocktest.Remote) infrahub.Repository {
	return infrahub.Repository{Kind: infrahub.ReadWrite, Name: "network", Location: r.Path, Ref: "main"}
}

// ofKind returns a repository of the remote at main, of either kind.
func ofKind(r *mocktest.Remote, kind infrahub.Kind) infrahub.Repository {
	if kind == infrahub.ReadOnly {
		return readOnly(r, "main")
	}
	return readWrite(r)
}
