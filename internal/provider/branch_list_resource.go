package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/list"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newBranchListResource() list.ListResource {
	return &nodeListResource[branchModel, infrahub.Branch]{
		nodeKind: branchKind(), description: "Lists the branches, except the default branch, which Terraform can neither create nor delete.",
		skip: func(branch infrahub.Branch) bool { return branch.Default },
	}
}
