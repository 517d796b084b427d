package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newReadOnlyRepositoryDataSource() datasource.DataSource {
	repository := repositoryData(readOnlyRepositoryKind(), readOnlyRepositoryParts)
	repository.attributes["ref"] = schema.StringAttribute{
		MarkdownDescription: "Branch, tag or commit that the repository is pinned to on the provider's branch.", Computed: true,
	}
	return &nodeDataSource[readOnlyRepositoryModel, infrahub.Repository]{
		nodeData:    repository,
		description: "A read-only repository that exists in Infrahub (CoreReadOnlyRepository), by its id or its name, as it is on the provider's branch.",
	}
}
