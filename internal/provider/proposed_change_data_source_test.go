package provider

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestProposedChangeDataSource_NameOfSeveralIsAmbiguous(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	var ids []string
	for _, branch := range []string{"one", "two"} {
		s.createBranch(t, branch)
		ids = append(ids, s.propose(t, "Release", branch))
	}
	p := s.connect(t)
	_, diags := p.readDataSource(proposedChangeType, attributes{"name": "Release"})
	diags.onlyError(t).expect(t, "name", "Ambiguous Name", `2 proposed changes are named "Release"`, "Give its id instead")
	state, diags := p.readDataSource(proposedChangeType, attributes{"id": ids[1]})
	diags.requireNone(t)
	if state["source_branch"] != "two" {
		t.Errorf("read %v", state)
	}
}
