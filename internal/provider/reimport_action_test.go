package provider

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestReimport_RepositoryWithoutACommitIsRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v9.9.9")
	p := s.connect(t)
	config := attributes{"repository_id": id}
	p.planAction(reimportType, config).requireNone(t) // the same apply may import it
	p.invokeAction(t.Context(), reimportType, config, func(string) {}).onlyError(t).
		expect(t, "repository_id", "Nothing to Import Again", `"network"`, id, "never imported", "infrahub_import_latest_commit")
	s.expectMutations(t)
}

func TestReimport_NewerCommitIsNotTakenOver(t *testing.T) {
	t.Parallel()
	a := newActionTest(t, actionCases()[1])
	a.remote.Release(t, "v1.2.0", nil)
	a.invoke(nil).requireNone(t)
	a.expectLines("Imported network at main into branch main: commit " + a.remote.Commits["v1.1.0"] + ", as before")
}
