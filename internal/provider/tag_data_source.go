package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newTagDataSource() datasource.DataSource {
	return &nodeDataSource[tagModel, infrahub.Tag]{nodeData: tagData(), description: "A tag that exists in Infrahub (BuiltinTag), by its id or its name."}
}

func tagData() nodeData[tagModel, infrahub.Tag] {
	return nodeData[tagModel, infrahub.Tag]{nodeKind: tagKind(), attributes: map[string]schema.Attribute{
		"description": schema.StringAttribute{MarkdownDescription: "What the tag is for; null if that is not set.", Computed: true},
	}}
}
