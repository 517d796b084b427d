package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newRepositoryDataSource() datasource.DataSource {
	repository := repositoryData(readWriteRepositoryKind(), readWriteRepositoryParts)
	repository.attributes["default_branch"] = schema.StringAttribute{
		MarkdownDescription: "Git branch that Infrahub's default branch is to follow.", Computed: true,
	}
	return &nodeDataSource[readWriteRepositoryModel, infrahub.Repository]{
		nodeData:    repository,
		description: "A read-write repository that exists in Infrahub (CoreRepository), by its id or its name, as it is on the provider's branch.",
	}
}
