package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

var (
	_ resource.ResourceWithConfigure   = (*branchResource)(nil)
	_ resource.ResourceWithImportState = (*branchResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*branchResource)(nil)
)

func newBranchResource() resource.Resource {
	r := &branchResource{}
	r.kind, r.fields, r.does = "Branch", []string{"name", "description"}, r
	return r
}

type branchResource struct {
	nodeResource[branchModel, *branchModel]
}

type branchModel struct {
	nodeModel
	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	SyncWithGit types.Bool   `tfsdk:"sync_with_git"`
	Status      types.String `tfsdk:"status"`
}

func (m *branchModel) forgetUnknown() {
	m.Status = types.StringNull()
	if m.SyncWithGit.IsUnknown() {
		m.SyncWithGit = types.BoolNull()
	}
}

func (r *branchResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_branch"
}

func (r *branchResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An Infrahub branch: a copy of the default branch on which a release can be imported and reviewed before it is merged. " +
			"Destroying it deletes the branch in Infrahub, and what was not merged of it is lost.",
		Attributes: map[string]schema.Attribute{
			"id": idAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Name of the branch, unique in Infrahub and such as Git takes for a branch. Changing it **replaces** the branch.",
				Required:            true,
				Validators:          branchName(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What the branch is for. Removing it clears it.",
				Optional:            true,
				Validators:          anyText(),
			},
			"sync_with_git": schema.BoolAttribute{
				MarkdownDescription: "Whether the read-write repositories get a Git branch of this name too. Read-only repositories do not need it. Defaults to what Infrahub does, which is `true`; changing it **replaces** the branch.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown(), boolplanmodifier.RequiresReplace()},
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "What Infrahub says of the branch: `OPEN`, `NEED_REBASE`, `NEED_UPGRADE_REBASE`, `MERGING`, `MERGE_FAILED` or `MERGED`. A merged branch takes no more changes.",
				Computed:            true,
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}

// ModifyPlan keeps the status, which no apply changes.
func (r *branchResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	keepComputed(ctx, req, resp, "status")
}

func (r *branchResource) object(m branchModel) string { return "Branch " + m.Name.ValueString() }

func (r *branchResource) create(ctx context.Context, want branchModel) (string, error) {
	return r.Branches().Create(ctx, want.branch())
}

// read keeps a branch that was merged: it still exists, and made anew under its name it would be refused.
func (r *branchResource) read(ctx context.Context, known branchModel) (branchModel, diag.Diagnostics, error) {
	found, err := r.Branches().Get(ctx, known.ID.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		return known, diag.Diagnostics{branchGone(known.Name.ValueString())}, err
	case err != nil:
		return known, nil, err
	}
	var told diag.Diagnostics
	if found.Merged() {
		told.Append(branchMerged(found.Name))
	}
	return branchModel{
		nodeModel:   known.nodeModel,
		Name:        types.StringValue(found.Name),
		Description: types.StringPointerValue(found.Description),
		SyncWithGit: types.BoolPointerValue(found.SyncWithGit),
		Status:      types.StringValue(found.Status),
	}, told, nil
}

func (r *branchResource) update(ctx context.Context, before, after branchModel) error {
	return r.Branches().Update(ctx, before.branch(), after.branch())
}

func (r *branchResource) remove(ctx context.Context, id string) error { return r.Branches().Delete(ctx, id) }

func (r *branchResource) exists(ctx context.Context, id string) error {
	_, err := r.Branches().Get(ctx, id)
	return err
}

func (r *branchResource) named(ctx context.Context, name string) (string, error) {
	found, err := r.Branches().GetByName(ctx, name)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// branch is the model as the client knows it.
func (m branchModel) branch() infrahub.Branch {
	wanted := infrahub.Branch{ID: m.ID.ValueString(), Name: m.Name.ValueString(), Description: optional(m.Description)}
	if !m.SyncWithGit.IsUnknown() {
		wanted.SyncWithGit = m.SyncWithGit.ValueBoolPointer()
	}
	return wanted
}
