package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newBranchDataSource() datasource.DataSource {
	return &nodeDataSource[branchModel, infrahub.Branch]{nodeData: branchData(), description: "A branch that exists in Infrahub, by its id or its name."}
}

func branchData() nodeData[branchModel, infrahub.Branch] {
	return nodeData[branchModel, infrahub.Branch]{
		nodeKind: branchKind(),
		attributes: map[string]schema.Attribute{
			"description":   schema.StringAttribute{MarkdownDescription: "What the branch is for; null if that is not set.", Computed: true},
			"sync_with_git": schema.BoolAttribute{MarkdownDescription: "Whether the read-write repositories have a Git branch of this name too.", Computed: true},
			"status": schema.StringAttribute{
				MarkdownDescription: "Status of the branch: `OPEN`, `NEED_REBASE`, `NEED_UPGRADE_REBASE`, `MERGING`, `MERGE_FAILED`, `MERGED` or `DELETING`. A merged branch takes no more changes.",
				Computed:            true,
			},
			"is_default": schema.BoolAttribute{MarkdownDescription: "Whether it is the default branch, into which all others are merged.", Computed: true},
		},
		more: func(branch infrahub.Branch) map[string]attr.Value {
			return map[string]attr.Value{"is_default": types.BoolValue(branch.Default)}
		},
	}
}
