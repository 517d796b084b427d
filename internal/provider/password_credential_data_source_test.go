package provider

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestPasswordCredentialDataSource_DoesNotRequestThePassword(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createCredential(t)
	p := s.connect(t)
	_, diags := p.readDataSource(credentialType, attributes{"name": "git"})
	diags.requireNone(t)
	if requests := s.Log.Requests(); len(requests) != 1 || requests[0].Variables["withPassword"] != false {
		t.Errorf("sent %+v", requests)
	}
}
