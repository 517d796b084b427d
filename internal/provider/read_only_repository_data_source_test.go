package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestReadOnlyRepositoryDataSource_WithoutTagsHaveAnEmptySet(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createReadOnlyRepository(t, "network", newRemote(t).Path, "v1.0.0")
	state, diags := s.connect(t).readDataSource(readOnlyType, attributes{"name": "network"})
	diags.requireNone(t)
	if difference := cmp.Diff([]string{}, state["tags"]); difference != "" {
		t.Errorf("tags (-want +got):\n%s", difference)
	}
	if _, isSet := state["credential_id"]; isSet {
		t.Errorf("credential_id of a repository without a credential is %v", state["credential_id"])
	}
}

func TestReadOnlyRepositoryDataSource_ReadTheRefOfTheProvidersBranch(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	r := newRemote(t)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	s.createBranch(t, "release")
	s.Post(t, "release", `mutation($id:String!){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:"v1.1.0"}}){ok}}`, "id", id)
	s.WaitForTasks(t)
	for branch, ref := range map[string]string{"main": "v1.0.0", "release": "v1.1.0"} {
		state, diags := s.connectWith(t, attributes{"branch": branch}).readDataSource(readOnlyType, attributes{"id": id})
		diags.requireNone(t)
		if state["ref"] != ref || state["commit"] != r.Commits[ref] {
			t.Errorf("on %s: ref %v, commit %v; want %s", branch, state["ref"], state["commit"], ref)
		}
	}
}
