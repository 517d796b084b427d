package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/list"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newPasswordCredentialListResource() list.ListResource {
	return &nodeListResource[passwordCredentialModel, infrahub.Credential]{
		nodeKind: passwordCredentialKind(), description: "Lists the password credentials, without their passwords.",
	}
}
