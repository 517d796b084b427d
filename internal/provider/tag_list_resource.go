package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/list"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newTagListResource() list.ListResource {
	return &nodeListResource[tagModel, infrahub.Tag]{nodeKind: tagKind(), description: "Lists the tags on the provider's branch."}
}
