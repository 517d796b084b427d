package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newProposedChangeDataSource() datasource.DataSource {
	return &nodeDataSource[proposedChangeModel, infrahub.ProposedChange]{
		description: "A proposed change that exists in Infrahub, by its id or its name. Names of proposed changes need not be unique: one that several have is an error.",
		nodeData: nodeData[proposedChangeModel, infrahub.ProposedChange]{nodeKind: proposedChangeKind(), attributes: map[string]schema.Attribute{
			"description":        schema.StringAttribute{MarkdownDescription: "What reviewers should know; null if that is not set.", Computed: true},
			"source_branch":      schema.StringAttribute{MarkdownDescription: "Name of the branch to merge.", Computed: true},
			"destination_branch": schema.StringAttribute{MarkdownDescription: "Name of the branch to merge into.", Computed: true},
			"is_draft":           schema.BoolAttribute{MarkdownDescription: "Whether Infrahub refuses to merge it yet.", Computed: true},
			"state": schema.StringAttribute{
				MarkdownDescription: "State of the proposed change: `open`, `merging`, `merged`, `closed` or `canceled`.", Computed: true,
			},
		}},
	}
}
