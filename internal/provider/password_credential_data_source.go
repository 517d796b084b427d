package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// newPasswordCredentialDataSource reads no password: the model that it reads into holds none, so that none is requested.
func newPasswordCredentialDataSource() datasource.DataSource {
	return &nodeDataSource[passwordCredentialModel, infrahub.Credential]{
		description: "A credential that exists in Infrahub (CorePasswordCredential), by its id or its name. Its password is not read.",
		nodeData: nodeData[passwordCredentialModel, infrahub.Credential]{nodeKind: passwordCredentialKind(), attributes: map[string]schema.Attribute{
			"label":       schema.StringAttribute{MarkdownDescription: "Name to show to people; null if that is not set.", Computed: true},
			"description": schema.StringAttribute{MarkdownDescription: "What the credential is for; null if that is not set.", Computed: true},
			"username":    schema.StringAttribute{MarkdownDescription: "Name of the account at the Git server; null if that is not set.", Computed: true},
		}},
	}
}
