package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestServerDataSource_ShowsWhatTheProviderIsConnectedToWithoutARequest(t *testing.T) {
	t.Parallel()
	for _, version := range []string{mockserver.DefaultVersion, "1.9.9"} {
		s := startServer(t, mockserver.Options{Version: version})
		s.createBranch(t, "release")
		id := s.Ask(t, `{InfrahubInfo{deployment_id}}`).Text("data.InfrahubInfo.deployment_id")
		p := s.connectWith(t, attributes{"branch": "release"})
		got, diags := p.readDataSource(serverType, attributes{})
		diags.requireNone(t)
		want := attributes{"version": version, "deployment_id": id, "address": s.Address, "branch": "release"}
		if difference := cmp.Diff(want, got); difference != "" {
			t.Errorf("(-want +got):\n%s", difference)
		}
		s.expectOperations(t)
	}
}
