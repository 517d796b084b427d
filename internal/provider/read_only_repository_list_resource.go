package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/list"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newReadOnlyRepositoryListResource() list.ListResource {
	return &nodeListResource[readOnlyRepositoryModel, infrahub.Repository]{
		nodeKind:    readOnlyRepositoryKind(),
		description: "Lists the read-only repositories, with ref, commit and statuses as they are on the provider's branch.",
		filters:     repositoryFilters(),
	}
}
