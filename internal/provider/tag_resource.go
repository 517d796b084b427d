package provider

import (
	"context"
	"errors"

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

func newTagResource() resource.Resource { return &tagResource{} }

type tagResource struct {
	client
}

type tagModel struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	Description types.String   `tfsdk:"description"`
	Timeouts    timeouts.Value `tfsdk:"timeouts"`
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

func (r *tagResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan tagModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	id, err := r.CreateTag(ctx, plan.tag())
	if err != nil {
		resp.Diagnostics.Append(failed("Tag Not Created", r.object(plan), err, "name", "description"))
		return
	}
	plan.ID = types.StringValue(id)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...) // it exists, whatever the read says
	r.confirm(ctx, plan, &resp.Diagnostics)
}

// confirm reads what was written. What others changed meanwhile is left to the next refresh: Terraform
// insists on what was planned.
func (r *tagResource) confirm(ctx context.Context, plan tagModel, diags *diag.Diagnostics) {
	if _, err := r.Tag(ctx, plan.ID.ValueString()); err != nil {
		diags.Append(failed("Tag Not Read", r.object(plan), err))
	}
}

func (r *tagResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state tagModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	found, err := r.Tag(ctx, state.ID.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failed("Tag Not Read", r.object(state), err))
	default:
		resp.Diagnostics.Append(resp.State.Set(ctx, state.with(*found))...)
	}
}

func (r *tagResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state tagModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	if err := r.UpdateTag(ctx, state.tag(), plan.tag()); err != nil {
		resp.Diagnostics.Append(failed("Tag Not Updated", r.object(state), err, "name", "description"))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	r.confirm(ctx, plan, &resp.Diagnostics)
}

func (r *tagResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state tagModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	if err := r.DeleteTag(ctx, state.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(failed("Tag Not Deleted", r.object(state), err))
	}
}

func (r *tagResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByIDOrName(ctx, req, resp, "tag", func(id string) error {
		_, err := r.Tag(ctx, id)
		return err
	}, func(name string) (string, error) {
		found, err := r.TagNamed(ctx, name)
		if err != nil {
			return "", err
		}
		return found.ID, nil
	})
}

func (r *tagResource) object(model tagModel) string {
	return "Tag " + model.Name.ValueString() + " on branch " + r.Branch()
}

// with is the state of what the server has; only timeouts are Terraform's own.
func (m tagModel) with(found infrahub.Tag) tagModel {
	return tagModel{
		ID:          types.StringValue(found.ID),
		Name:        types.StringValue(found.Name),
		Description: types.StringPointerValue(found.Description),
		Timeouts:    m.Timeouts,
	}
}

// tag is the model as the client knows it.
func (m tagModel) tag() infrahub.Tag {
	return infrahub.Tag{ID: m.ID.ValueString(), Name: m.Name.ValueString(), Description: optional(m.Description)}
}
