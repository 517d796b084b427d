package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestBranchesDataSource_ListsTheDefaultBranchTooAlsoOnABranchThatIsGone(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	for _, name := range []string{"release-2", "gone", "release-1"} {
		s.createBranch(t, name)
	}
	p := s.connectWith(t, attributes{"branch": "gone"})
	s.deleteBranch(t, "gone")
	state, diags := p.readDataSource(branchesType, attributes{})
	diags.requireNone(t)
	branches := listed(t, state, "branches")
	if difference := cmp.Diff([]string{"main", "release-1", "release-2"}, namesOf(branches)); difference != "" {
		t.Errorf("names (-want +got):\n%s", difference)
	}
	for _, branch := range branches {
		if branch["is_default"] != (branch["name"] == "main") || branch["status"] != "OPEN" {
			t.Errorf("listed %v", branch)
		}
	}
	state, diags = p.readDataSource(branchesType, attributes{"names": []string{"release-2", "main", "missing"}})
	diags.requireNone(t)
	if difference := cmp.Diff([]string{"main", "release-2"}, namesOf(listed(t, state, "branches"))); difference != "" {
		t.Errorf("names (-want +got):\n%s", difference)
	}
}
