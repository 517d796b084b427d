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

func newProposedChangeResource() resource.Resource {
	return &proposedChangeResource{nodeResource[proposedChangeModel, infrahub.ProposedChange]{nodeKind: proposedChangeKind()}}
}

type proposedChangeResource struct {
	nodeResource[proposedChangeModel, infrahub.ProposedChange]
}

type proposedChangeModel struct {
	nodeModel
	Name              types.String `tfsdk:"name"`
	Description       types.String `tfsdk:"description"`
	SourceBranch      types.String `tfsdk:"source_branch"`
	DestinationBranch types.String `tfsdk:"destination_branch"`
	IsDraft           types.Bool   `tfsdk:"is_draft"`
	WaitForChecks     types.Bool   `tfsdk:"wait_for_checks"`
	Merge             types.Bool   `tfsdk:"merge"`
	State             types.String `tfsdk:"state"`
	Checks            types.List   `tfsdk:"checks"`
	AdoptExisting     types.Bool   `tfsdk:"adopt_existing"`
}

func proposedChangeKind() nodeKind[proposedChangeModel, infrahub.ProposedChange] {
	return nodeKind[proposedChangeModel, infrahub.ProposedChange]{
		typeName: "proposed_change",
		title:    "Proposed Change",
		schema:   proposedChangeSchema,
		nodes: func(client *infrahub.Client, _ proposedChangeModel) infrahub.Nodes[infrahub.ProposedChange] {
			return client.ProposedChanges()
		},
		base: func(model *proposedChangeModel) *nodeModel { return &model.nodeModel },
		describe: func(model proposedChangeModel, _ string) string {
			return fmt.Sprintf("Proposed change %q of branch %s", model.Name.ValueString(), model.SourceBranch.ValueString())
		},
		expand:      expandProposedChange,
		flatten:     flattenProposedChange,
		afterRead:   warnOfRefusedChange,
		afterDelete: warnOfRunningMerge,
		adoption: &adoption[proposedChangeModel, infrahub.ProposedChange]{
			setting: func(model proposedChangeModel) types.Bool { return model.AdoptExisting },
			find:    findProposedChange, destroys: "cancels",
		},
	}
}

// findProposedChange returns what a create adopts: the open proposed change of the branch, or the one that merges or has merged it.
func findProposedChange(ctx context.Context, client *infrahub.Client, want proposedChangeModel, _, _ bool) (*infrahub.ProposedChange, error) {
	return client.CurrentProposedChange(ctx, want.SourceBranch.ValueString(), want.DestinationBranch.ValueString())
}

func expandProposedChange(model proposedChangeModel) infrahub.ProposedChange {
	return infrahub.ProposedChange{
		ID: model.ID.ValueString(), Name: model.Name.ValueString(), Description: optional(model.Description),
		SourceBranch: model.SourceBranch.ValueString(), DestinationBranch: model.DestinationBranch.ValueString(),
		Draft: model.IsDraft.ValueBool(), State: model.State.ValueString(),
	}
}

// flattenProposedChange ignores what reviewers edited before a proposed change was merged or closed: nothing can change it
// any more, so a refresh must not show it as drift.
func flattenProposedChange(change infrahub.ProposedChange, known proposedChangeModel) proposedChangeModel {
	if change.Open() || known.Name.IsNull() {
		known.Name = types.StringValue(change.Name)
		known.Description = types.StringPointerValue(change.Description)
		known.IsDraft = types.BoolValue(change.Draft)
	}
	known.ID = types.StringValue(change.ID)
	known.SourceBranch = types.StringValue(change.SourceBranch)
	known.DestinationBranch = types.StringValue(change.DestinationBranch)
	known.State = types.StringValue(change.State)
	if known.Checks.IsUnknown() {
		known.Checks = types.ListNull(checkType())
	}
	return known
}

// warnOfRefusedChange warns of a proposed change that was closed or canceled. Infrahub cancels those whose branch was merged
// without them or deleted; about these there is nothing to do.
func warnOfRefusedChange(ctx context.Context, client *infrahub.Client, _ proposedChangeModel, change *infrahub.ProposedChange) diag.Diagnostics {
	if change == nil || change.State != "closed" && change.State != "canceled" {
		return nil
	}
	if branch, err := client.Branches().GetByName(ctx, change.SourceBranch); errors.Is(err, infrahub.ErrNotFound) || err == nil && branch.Merged() {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Proposed Change Was Not Merged", fmt.Sprintf(
		"The proposed change %q is %s in Infrahub. To propose the branch %q again, apply with -replace for this resource; otherwise remove it from the configuration.",
		change.Name, change.State, change.SourceBranch))}
}

// warnOfRunningMerge warns of a proposed change whose merge a destroy could not stop. If it cannot be read, nothing is known of it.
func warnOfRunningMerge(ctx context.Context, client *infrahub.Client, known proposedChangeModel) diag.Diagnostics {
	change, err := client.ProposedChanges().Get(ctx, known.ID.ValueString())
	if err != nil || change.State != "merging" {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Proposed Change Is Being Merged", fmt.Sprintf(
		"Infrahub is merging the proposed change %q, branch %q, and cannot cancel it any more. It was only removed from the state: the merge into %q goes on. "+
			"Look in Infrahub how it ends.", change.Name, change.SourceBranch, change.DestinationBranch))}
}

// defaultDestination is the destination branch of a proposed change that names none.
const defaultDestination = "main"

// ValidateConfig refuses to merge a branch into itself, and to merge a draft.
func (r *proposedChangeResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config proposedChangeModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if config.IsDraft.ValueBool() && config.Merge.ValueBool() {
		resp.Diagnostics.AddAttributeError(path.Root("merge"), "Invalid Proposed Change", "Infrahub refuses to merge a draft: set either is_draft or merge.")
	}
	if resp.Diagnostics.HasError() || config.SourceBranch.IsUnknown() || config.DestinationBranch.IsUnknown() {
		return
	}
	destination := config.DestinationBranch
	if destination.IsNull() {
		destination = types.StringValue(defaultDestination)
	}
	if config.SourceBranch.Equal(destination) {
		resp.Diagnostics.AddAttributeError(path.Root("source_branch"), "Invalid Proposed Change", fmt.Sprintf(
			"The branch %q cannot be merged into itself: name the branch that holds the change in source_branch, and the one to merge it into in destination_branch.", destination.ValueString()))
	}
}

// ModifyPlan announces what a create adopts, and plans what an apply waits for. Infrahub updates only open proposed changes: a change of one that was closed or canceled
// replaces it, and a change of a merged one is an error.
func (r *proposedChangeResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var plan, state proposedChangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	r.planAdoption(ctx, req, &resp.Diagnostics)
	r.planChecks(ctx, plan, state, req, resp)
	if req.State.Raw.IsNull() {
		return
	}
	replaced := !plan.SourceBranch.Equal(state.SourceBranch) || !plan.DestinationBranch.Equal(state.DestinationBranch)
	if replaced || expandProposedChange(state).Open() || state.State.IsNull() {
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

func proposedChangeSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A proposed change: a branch that Infrahub checks and people review. People merge it in Infrahub, or the apply does. " +
			"Destroying it cancels one that is still open; one that was merged is only forgotten, and so is one that is being merged, with a warning.",
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
				Validators:          nonEmptyText(),
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
				Default:             stringdefault.StaticString(defaultDestination),
				Validators:          branchName(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"is_draft": schema.BoolAttribute{
				MarkdownDescription: "Whether Infrahub refuses to merge it yet. Defaults to `false`; changing it changes the proposed change in place.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"wait_for_checks": schema.BoolAttribute{
				MarkdownDescription: "Whether an apply waits until all checks that Infrahub runs have ended, and fails if one has failed. Defaults to `false`; changing it changes nothing in Infrahub. " +
					"A change of the proposed change, and each apply after checks have failed, runs them again. After a create that fails here Terraform replaces the proposed change; `terraform untaint` keeps it.",
				Optional: true,
			},
			"merge": schema.BoolAttribute{
				MarkdownDescription: "Whether an apply waits for the checks, as with `wait_for_checks`, and merges the proposed change once they have passed. Defaults to `false`; changing it to `true` merges one that is open. " +
					"The apply merges nothing, and fails, if the merge would take back a ref or commit that a read-only repository of the default branch has got since the branch was created.",
				Optional: true,
			},
			"state": schema.StringAttribute{
				MarkdownDescription: "What has become of it: `open`, `merging`, `merged`, `closed` or `canceled`. Only an open one can be changed in place.",
				Computed:            true,
			},
			"checks": checksAttribute("The checks that Infrahub runs on it, as they were last seen. Null unless `wait_for_checks` or `merge` is set."),
			"adopt_existing": adoptExistingAttribute("the same branches",
				"One that is open is adopted, and one that merges or has merged the branch. "),
			"timeouts": timeoutsAttribute(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}
