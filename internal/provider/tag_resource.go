package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newTagResource() resource.Resource {
	return &nodeResource[tagModel, infrahub.Tag]{nodeKind: tagKind()}
}

type tagModel struct {
	nodeModel
	Name          types.String `tfsdk:"name"`
	Description   types.String `tfsdk:"description"`
	AdoptExisting types.Bool   `tfsdk:"adopt_existing"`
}

func tagKind() nodeKind[tagModel, infrahub.Tag] {
	return nodeKind[tagModel, infrahub.Tag]{
		typeName: "tag",
		title:    "Tag",
		schema:   tagSchema,
		nodes:    func(client *infrahub.Client, _ tagModel) infrahub.Nodes[infrahub.Tag] { return client.Tags() },
		base:     func(model *tagModel) *nodeModel { return &model.nodeModel },
		describe: func(model tagModel, branch string) string {
			return "Tag " + model.Name.ValueString() + " on branch " + branch
		},
		expand: func(model tagModel) infrahub.Tag {
			return infrahub.Tag{ID: model.ID.ValueString(), Name: model.Name.ValueString(), Description: optional(model.Description)}
		},
		flatten: func(tag infrahub.Tag, known tagModel) tagModel {
			known.ID = types.StringValue(tag.ID)
			known.Name = types.StringValue(tag.Name)
			known.Description = types.StringPointerValue(tag.Description)
			return known
		},
		adoption: &adoption[tagModel, infrahub.Tag]{setting: func(model tagModel) types.Bool { return model.AdoptExisting }},
	}
}

func tagSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A tag that repositories, and other objects in Infrahub, can carry (BuiltinTag). " +
			"It exists on the provider's branch, and on the branches that start from it later.",
		Attributes: map[string]schema.Attribute{
			"id": idAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Unique name of the tag. Changing it renames the tag in place; objects that carry the tag keep it.",
				Required:            true,
				Validators:          requiredText(),
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What the tag is for. Removing it clears it.",
				Optional:            true,
				Validators:          nonEmptyText(),
			},
			"adopt_existing": adoptExistingAttribute("the same name", ""),
			"timeouts":       timeoutsAttribute(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}
