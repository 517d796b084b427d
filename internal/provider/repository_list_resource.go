package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/list"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newRepositoryListResource() list.ListResource {
	return &nodeListResource[readWriteRepositoryModel, infrahub.Repository]{
		nodeKind:    readWriteRepositoryKind(),
		description: "Lists the read-write repositories, with commit and statuses as they are on the provider's branch.",
		filters:     repositoryFilters(),
	}
}
