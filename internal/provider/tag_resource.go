package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

var (
	_ resource.ResourceWithConfigure   = (*tagResource)(nil)
	_ resource.ResourceWithImportState = (*tagResource)(nil)
)

func newTagResource() resource.Resource {
	r := &tagResource{}
	r.kind, r.fields, r.does = "Tag", []string{"name", "description"}, r
	return r
}

type tagResource struct {
	nodeResource[tagModel, *tagModel]
}

type tagModel struct {
	nodeModel
	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
}

func (r *tagResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_tag"
}

func (r *tagResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A tag that repositories, and other objects in Infrahub, can carry (BuiltinTag). " +
			"It lives on the provider's branch, and on the branches that are made of it later.",
		Attributes: map[string]schema.Attribute{
			"id": idAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Unique name of the tag. Changing it renames the tag in place; what carries the tag keeps it.",
				Required:            true,
				Validators:          requiredText(),
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What the tag is for. Removing it clears it.",
				Optional:            true,
				Validators:          anyText(),
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}

func (r *tagResource) object(m tagModel) string {
	return "Tag " + m.Name.ValueString() + " on branch " + r.Branch()
}

func (r *tagResource) create(ctx context.Context, want tagModel) (string, error) {
	return r.Tags().Create(ctx, want.tag())
}

func (r *tagResource) read(ctx context.Context, known tagModel) (tagModel, diag.Diagnostics, error) {
	found, err := r.Tags().Get(ctx, known.ID.ValueString())
	if err != nil {
		return known, nil, err
	}
	return tagModel{
		nodeModel:   known.nodeModel,
		Name:        types.StringValue(found.Name),
		Description: types.StringPointerValue(found.Description),
	}, nil, nil
}

func (r *tagResource) update(ctx context.Context, before, after tagModel) error {
	return r.Tags().Update(ctx, before.tag(), after.tag())
}

func (r *tagResource) remove(ctx context.Context, id string) error { return r.Tags().Delete(ctx, id) }

func (r *tagResource) exists(ctx context.Context, id string) error {
	_, err := r.Tags().Get(ctx, id)
	return err
}

func (r *tagResource) named(ctx context.Context, name string) (string, error) {
	found, err := r.Tags().GetByName(ctx, name)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// tag is the model as the client knows it.
func (m tagModel) tag() infrahub.Tag {
	return infrahub.Tag{ID: m.ID.ValueString(), Name: m.Name.ValueString(), Description: optional(m.Description)}
}
