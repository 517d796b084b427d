package infrahub_test

import (
	"testing"
	"testing/synctest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestProposedChange_CancelSendsNothingIfItIsNotOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		s.createRelease(t)
		id, err := client.ProposedChanges().Create(t.Context(), infrahub.ProposedChange{Name: "Release", SourceBranch: "release", DestinationBranch: "main"})
		must(t, err)
		s.mergeRelease(t)
		s.Log.Reset()
		must(t, client.ProposedChanges().Delete(t.Context(), id))
		must(t, client.ProposedChanges().Delete(t.Context(), missingID))
		s.wantOperations(t, "ProposedChanges", "ProposedChanges")
	})
}
