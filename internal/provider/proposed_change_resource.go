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

func newProposedChangeResource() resource.Resource {
	r := &proposedChangeResource{}
	r.kind, r.fields, r.does = "Proposed Change", []string{"name", "description", "source_branch", "destination_branch"}, r
	return r
}

type proposedChangeResource struct {
	nodeResource[proposedChangeModel, *proposedChangeModel]
}

type proposedChangeModel struct {
	nodeModel
	Name              types.String `tfsdk:"name"`
	Description       types.String `tfsdk:"description"`
	SourceBranch      types.String `tfsdk:"source_branch"`
	DestinationBranch types.String `tfsdk:"destination_branch"`
	IsDraft           types.Bool   `tfsdk:"is_draft"`
	State             types.String `tfsdk:"state"`
}

func (m *proposedChangeModel) forgetUnknown() { m.State = types.StringNull() }

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

// ModifyPlan keeps the state, which no apply changes. Infrahub changes only what is open: what was refused
// is proposed anew, and what was merged stays as it was.
func (r *proposedChangeResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	keepComputed(ctx, req, resp, "state")
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() || resp.Diagnostics.HasError() {
		return
	}
	var plan, state proposedChangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	replaced := !plan.SourceBranch.Equal(state.SourceBranch) || !plan.DestinationBranch.Equal(state.DestinationBranch)
	if replaced || state.proposedChange().Open() || state.State.IsNull() {
		return
	}
	for _, each := range []struct {
		name    string
		changed bool
	}{
		{"name", !plan.Name.IsUnknown() && !plan.Name.Equal(state.Name)},
		{"description", !plan.Description.IsUnknown() && !plan.Description.Equal(state.Description)},
		{"is_draft", !plan.IsDraft.IsUnknown() && !plan.IsDraft.Equal(state.IsDraft)},
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

func (r *proposedChangeResource) object(m proposedChangeModel) string {
	return fmt.Sprintf("Proposed change %q of branch %s", m.Name.ValueString(), m.SourceBranch.ValueString())
}

func (r *proposedChangeResource) create(ctx context.Context, want proposedChangeModel) (string, error) {
	return r.ProposedChanges().Create(ctx, want.proposedChange())
}

// read keeps what is not open any more: a proposed change that reviewers refused must not come back by
// itself.
func (r *proposedChangeResource) read(ctx context.Context, known proposedChangeModel) (proposedChangeModel, diag.Diagnostics, error) {
	found, err := r.ProposedChanges().Get(ctx, known.ID.ValueString())
	if err != nil {
		return known, nil, err
	}
	state := proposedChangeModel{
		nodeModel:         known.nodeModel,
		Name:              types.StringValue(found.Name),
		Description:       types.StringPointerValue(found.Description),
		SourceBranch:      types.StringValue(found.SourceBranch),
		DestinationBranch: types.StringValue(found.DestinationBranch),
		IsDraft:           types.BoolValue(found.Draft),
		State:             types.StringValue(found.State),
	}
	if !found.Open() && !known.Name.IsNull() {
		// What reviewers edited before they merged or closed it is no drift: nothing can change it any more.
		state.Name, state.Description, state.IsDraft = known.Name, known.Description, known.IsDraft
	}
	return state, r.warnIfRefused(ctx, *found), nil
}

// warnIfRefused tells of a proposed change that will not be merged. One whose branch was merged without it, or
// is gone, is no news: Infrahub cancels it then.
func (r *proposedChangeResource) warnIfRefused(ctx context.Context, found infrahub.ProposedChange) diag.Diagnostics {
	if found.State != "closed" && found.State != "canceled" {
		return nil
	}
	if branch, err := r.Branches().GetByName(ctx, found.SourceBranch); errors.Is(err, infrahub.ErrNotFound) || err == nil && branch.Merged() {
		return nil // nothing is left to propose
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Proposed Change Was Not Merged", fmt.Sprintf(
		"The proposed change %q is %s in Infrahub. If the branch %q is to be proposed again, apply with -replace for this resource; else remove it from the configuration.",
		found.Name, found.State, found.SourceBranch))}
}

func (r *proposedChangeResource) update(ctx context.Context, before, after proposedChangeModel) error {
	return r.ProposedChanges().Update(ctx, before.proposedChange(), after.proposedChange())
}

func (r *proposedChangeResource) remove(ctx context.Context, id string) error {
	return r.ProposedChanges().Delete(ctx, id)
}

func (r *proposedChangeResource) exists(ctx context.Context, id string) error {
	_, err := r.ProposedChanges().Get(ctx, id)
	return err
}

func (r *proposedChangeResource) named(ctx context.Context, name string) (string, error) {
	found, err := r.ProposedChanges().GetByName(ctx, name)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// proposedChange is the model as the client knows it.
func (m proposedChangeModel) proposedChange() infrahub.ProposedChange {
	return infrahub.ProposedChange{
		ID: m.ID.ValueString(), Name: m.Name.ValueString(), Description: optional(m.Description),
		SourceBranch: m.SourceBranch.ValueString(), DestinationBranch: m.DestinationBranch.ValueString(),
		Draft: m.IsDraft.ValueBool(), State: m.State.ValueString(),
	}
}
