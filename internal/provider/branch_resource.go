package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
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

func newBranchResource() resource.Resource { return &branchResource{} }

type branchResource struct {
	client
}

type branchModel struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	Description types.String   `tfsdk:"description"`
	SyncWithGit types.Bool     `tfsdk:"sync_with_git"`
	Status      types.String   `tfsdk:"status"`
	Timeouts    timeouts.Value `tfsdk:"timeouts"`
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

func (r *branchResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan branchModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	id, err := r.CreateBranch(ctx, plan.branch())
	if err != nil {
		resp.Diagnostics.Append(failed("Branch Not Created", r.object(plan), err, "name", "description"))
		return
	}
	plan.ID, plan.Status = types.StringValue(id), types.StringNull()
	plan.SyncWithGit = types.BoolPointerValue(plan.branch().SyncWithGit)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...) // it exists, whatever the read says
	found, err := r.BranchWithID(ctx, id)
	if err != nil {
		resp.Diagnostics.Append(failed("Branch Not Read", r.object(plan), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan.with(*found))...)
}

// Read keeps a branch that was merged: it still exists, and made anew under its name it would be refused.
func (r *branchResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state branchModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	found, err := r.BranchWithID(ctx, state.ID.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.Diagnostics.Append(branchGone(state.Name.ValueString()))
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failed("Branch Not Read", r.object(state), err))
	default:
		if found.Merged() {
			resp.Diagnostics.Append(branchMerged(found.Name))
		}
		resp.Diagnostics.Append(resp.State.Set(ctx, state.with(*found))...)
	}
}

// Update changes a description. The status is as planned: it changes by itself alone.
func (r *branchResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state branchModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	if err := r.UpdateBranch(ctx, state.branch(), plan.branch()); err != nil {
		resp.Diagnostics.Append(failed("Branch Not Updated", r.object(state), err, "description"))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	if _, err := r.BranchWithID(ctx, plan.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(failed("Branch Not Read", r.object(plan), err))
	}
}

func (r *branchResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state branchModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	if err := r.DeleteBranch(ctx, state.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(failed("Branch Not Deleted", r.object(state), err))
	}
}

func (r *branchResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByIDOrName(ctx, req, resp, "branch", func(id string) error {
		_, err := r.BranchWithID(ctx, id)
		return err
	}, func(name string) (string, error) {
		found, err := r.BranchNamed(ctx, name)
		if err != nil {
			return "", err
		}
		return found.ID, nil
	})
}

// ModifyPlan keeps the status, which no apply changes.
func (r *branchResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	keepComputed(ctx, req, resp, "status")
}

func (r *branchResource) object(model branchModel) string {
	return "Branch " + model.Name.ValueString()
}

// with is the state of what the server has; only timeouts are Terraform's own.
func (m branchModel) with(found infrahub.Branch) branchModel {
	return branchModel{
		ID:          types.StringValue(found.ID),
		Name:        types.StringValue(found.Name),
		Description: types.StringPointerValue(found.Description),
		SyncWithGit: types.BoolPointerValue(found.SyncWithGit),
		Status:      types.StringValue(found.Status),
		Timeouts:    m.Timeouts,
	}
}

// branch is the model as the client knows it.
func (m branchModel) branch() infrahub.Branch {
	wanted := infrahub.Branch{ID: m.ID.ValueString(), Name: m.Name.ValueString(), Description: optional(m.Description)}
	if !m.SyncWithGit.IsUnknown() {
		wanted.SyncWithGit = m.SyncWithGit.ValueBoolPointer()
	}
	return wanted
}
