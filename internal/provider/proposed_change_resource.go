package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

var (
	_ resource.ResourceWithConfigure      = (*proposedChangeResource)(nil)
	_ resource.ResourceWithImportState    = (*proposedChangeResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*proposedChangeResource)(nil)
	_ resource.ResourceWithValidateConfig = (*proposedChangeResource)(nil)
)

func newProposedChangeResource() resource.Resource { return &proposedChangeResource{} }

type proposedChangeResource struct {
	client
}

type proposedChangeModel struct {
	ID                types.String   `tfsdk:"id"`
	Name              types.String   `tfsdk:"name"`
	Description       types.String   `tfsdk:"description"`
	SourceBranch      types.String   `tfsdk:"source_branch"`
	DestinationBranch types.String   `tfsdk:"destination_branch"`
	IsDraft           types.Bool     `tfsdk:"is_draft"`
	State             types.String   `tfsdk:"state"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

// destinationBranch is where changes go that do not say so.
const destinationBranch = "main"

func (r *proposedChangeResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_proposed_change"
}

func (r *proposedChangeResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A proposed change: a branch that Infrahub checks and people review, and then merge in Infrahub. " +
			"Destroying it cancels one that is still open; one that was merged is only forgotten.",
		Attributes: map[string]schema.Attribute{
			"id": idAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Title of the proposed change. It need not be unique, and can be changed while the proposed change is open.",
				Required:            true,
				Validators:          requiredText(),
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What reviewers should know. Removing it clears it.",
				Optional:            true,
				Validators:          anyText(),
			},
			"source_branch": schema.StringAttribute{
				MarkdownDescription: "Name of the branch to merge. A branch can have one open proposed change at a time. Changing it **replaces** the proposed change.",
				Required:            true,
				Validators:          branchName(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"destination_branch": schema.StringAttribute{
				MarkdownDescription: "Name of the branch to merge into; Infrahub takes only its default branch. Defaults to `main`. Changing it **replaces** the proposed change.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(destinationBranch),
				Validators:          branchName(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"is_draft": schema.BoolAttribute{
				MarkdownDescription: "Whether Infrahub refuses to merge it yet. Defaults to `false`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"state": schema.StringAttribute{
				MarkdownDescription: "What has become of it: `open`, `merging`, `merged`, `closed` or `canceled`. Only an open one can be changed in place.",
				Computed:            true,
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}

// ValidateConfig refuses a branch that is to be merged into itself.
func (r *proposedChangeResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config proposedChangeModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.SourceBranch.IsUnknown() || config.DestinationBranch.IsUnknown() {
		return
	}
	destination := config.DestinationBranch
	if destination.IsNull() {
		destination = types.StringValue(destinationBranch)
	}
	if config.SourceBranch.Equal(destination) {
		resp.Diagnostics.AddAttributeError(path.Root("source_branch"), "Invalid Proposed Change", fmt.Sprintf(
			"The branch %q cannot be merged into itself: name the branch that holds the change in source_branch, and the one to merge it into in destination_branch.", destination.ValueString()))
	}
}

func (r *proposedChangeResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan proposedChangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	id, err := r.CreateProposedChange(ctx, plan.proposedChange())
	if err != nil {
		resp.Diagnostics.Append(failed("Proposed Change Not Created", r.object(plan), err, "name", "description", "source_branch", "destination_branch"))
		return
	}
	plan.ID, plan.State = types.StringValue(id), types.StringNull()
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...) // it exists, whatever the read says
	found, err := r.ProposedChange(ctx, id)
	if err != nil {
		resp.Diagnostics.Append(failed("Proposed Change Not Read", r.object(plan), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan.with(*found))...)
}

// Read keeps what is not open any more: a proposed change that reviewers refused must not come back by
// itself.
func (r *proposedChangeResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state proposedChangeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	found, err := r.ProposedChange(ctx, state.ID.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failed("Proposed Change Not Read", r.object(state), err))
	default:
		r.warnIfRefused(ctx, *found, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.State.Set(ctx, state.with(*found))...)
	}
}

// warnIfRefused tells of a proposed change that will not be merged. One whose branch was merged without it is
// no news: Infrahub cancels it then.
func (r *proposedChangeResource) warnIfRefused(ctx context.Context, found infrahub.ProposedChange, diags *diag.Diagnostics) {
	if found.State != "closed" && found.State != "canceled" {
		return
	}
	if branch, err := r.BranchNamed(ctx, found.SourceBranch); err == nil && branch.Merged() {
		return
	}
	diags.AddWarning("Proposed Change Was Not Merged", fmt.Sprintf(
		"The proposed change %q is %s in Infrahub. If the branch %q is to be proposed again, apply with -replace for this resource; else remove it from the configuration.",
		found.Name, found.State, found.SourceBranch))
}

// Update changes what people read. The state is as planned: it changes in Infrahub alone.
func (r *proposedChangeResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state proposedChangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	if err := r.UpdateProposedChange(ctx, state.proposedChange(), plan.proposedChange()); err != nil {
		resp.Diagnostics.Append(failed("Proposed Change Not Updated", r.object(state), err, "name", "description"))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	if _, err := r.ProposedChange(ctx, plan.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(failed("Proposed Change Not Read", r.object(plan), err))
	}
}

func (r *proposedChangeResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state proposedChangeModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	if err := r.CancelProposedChange(ctx, state.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(failed("Proposed Change Not Canceled", r.object(state), err))
	}
}

func (r *proposedChangeResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByIDOrName(ctx, req, resp, "proposed change", func(id string) error {
		_, err := r.ProposedChange(ctx, id)
		return err
	}, func(name string) (string, error) {
		found, err := r.ProposedChangeNamed(ctx, name)
		if err != nil {
			return "", err
		}
		return found.ID, nil
	})
}

// ModifyPlan keeps the state, which no apply changes. Infrahub changes only what is open: what was refused
// is proposed anew, and what was merged stays as it was.
func (r *proposedChangeResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	keepComputed(ctx, req, resp, "state")
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() || len(resp.RequiresReplace) > 0 || resp.Diagnostics.HasError() {
		return
	}
	var plan, state proposedChangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if state.proposedChange().Open() || state.State.IsNull() {
		return
	}
	for _, each := range []struct {
		name    string
		changed bool
	}{
		{"name", !plan.Name.Equal(state.Name)},
		{"description", !plan.Description.Equal(state.Description)},
		{"is_draft", !plan.IsDraft.Equal(state.IsDraft)},
	} {
		switch merged := strings.HasPrefix(state.State.ValueString(), "merg"); {
		case each.changed && merged:
			resp.Diagnostics.AddAttributeError(path.Root(each.name), "Proposed Change Is Not Open", fmt.Sprintf(
				"The proposed change %q is %s, and Infrahub changes only open ones. Take the change of %s back, or remove the resource from the configuration: a merged one is only forgotten.",
				state.Name.ValueString(), state.State.ValueString(), each.name))
		case each.changed:
			resp.RequiresReplace = append(resp.RequiresReplace, path.Root(each.name))
		}
	}
}

func (r *proposedChangeResource) object(model proposedChangeModel) string {
	return fmt.Sprintf("Proposed change %q of branch %s", model.Name.ValueString(), model.SourceBranch.ValueString())
}

// with is the state of what the server has; only timeouts are Terraform's own.
func (m proposedChangeModel) with(found infrahub.ProposedChange) proposedChangeModel {
	return proposedChangeModel{
		ID:                types.StringValue(found.ID),
		Name:              types.StringValue(found.Name),
		Description:       types.StringPointerValue(found.Description),
		SourceBranch:      types.StringValue(found.SourceBranch),
		DestinationBranch: types.StringValue(found.DestinationBranch),
		IsDraft:           types.BoolValue(found.Draft),
		State:             types.StringValue(found.State),
		Timeouts:          m.Timeouts,
	}
}

// proposedChange is the model as the client knows it.
func (m proposedChangeModel) proposedChange() infrahub.ProposedChange {
	return infrahub.ProposedChange{
		ID: m.ID.ValueString(), Name: m.Name.ValueString(), Description: optional(m.Description),
		SourceBranch: m.SourceBranch.ValueString(), DestinationBranch: m.DestinationBranch.ValueString(),
		Draft: m.IsDraft.ValueBool(), State: m.State.ValueString(),
	}
}
