package provider

import (
	"context"
	"fmt"

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

func newBranchResource() resource.Resource {
	return &branchResource{nodeResource[branchModel, infrahub.Branch]{nodeKind: branchKind()}}
}

type branchResource struct {
	nodeResource[branchModel, infrahub.Branch]
}

type branchModel struct {
	nodeModel
	Name          types.String `tfsdk:"name"`
	Description   types.String `tfsdk:"description"`
	SyncWithGit   types.Bool   `tfsdk:"sync_with_git"`
	Status        types.String `tfsdk:"status"`
	AdoptExisting types.Bool   `tfsdk:"adopt_existing"`
}

func branchKind() nodeKind[branchModel, infrahub.Branch] {
	return nodeKind[branchModel, infrahub.Branch]{
		typeName: "branch",
		title:    "Branch",
		schema:   branchSchema,
		nodes:    func(client *infrahub.Client, _ branchModel) infrahub.Nodes[infrahub.Branch] { return client.Branches() },
		base:     func(model *branchModel) *nodeModel { return &model.nodeModel },
		describe: func(model branchModel, _ string) string { return "Branch " + model.Name.ValueString() },
		expand: func(model branchModel) infrahub.Branch {
			branch := infrahub.Branch{ID: model.ID.ValueString(), Name: model.Name.ValueString(), Description: optional(model.Description)}
			if !model.SyncWithGit.IsUnknown() {
				branch.SyncWithGit = model.SyncWithGit.ValueBoolPointer()
			}
			return branch
		},
		flatten: func(branch infrahub.Branch, known branchModel) branchModel {
			known.ID = types.StringValue(branch.ID)
			known.Name = types.StringValue(branch.Name)
			known.Description = types.StringPointerValue(branch.Description)
			known.SyncWithGit = types.BoolPointerValue(branch.SyncWithGit)
			known.Status = types.StringValue(branch.Status)
			return known
		},
		afterRead: warnOfEndedBranch,
		keepGone:  branchModel.merged,
		adoption: &adoption[branchModel, infrahub.Branch]{
			setting:  func(model branchModel) types.Bool { return model.AdoptExisting },
			conflict: checkAdoptedBranch,
		},
	}
}

// merged reports whether the branch was merged when it was last read. One that was deleted since stays in the state: it did its
// work, and must not be created again by accident.
func (m branchModel) merged() bool { return infrahub.Branch{Status: m.Status.ValueString()}.Merged() }

// warnOfEndedBranch warns of a branch that was merged or deleted. A merged one stays in the state: it still exists, and
// Infrahub would refuse to create it again under its name.
func warnOfEndedBranch(_ context.Context, _ *infrahub.Client, known branchModel, branch *infrahub.Branch) diag.Diagnostics {
	switch {
	case branch == nil && known.merged():
		return diag.Diagnostics{branchMergedAndDeleted(known.Name.ValueString())}
	case branch == nil:
		return diag.Diagnostics{branchGone(known.Name.ValueString())}
	case branch.Merged():
		return diag.Diagnostics{branchMerged(branch.Name)}
	default:
		return nil
	}
}

// checkAdoptedBranch returns why a branch cannot be adopted. Of a branch only the description changes.
func checkAdoptedBranch(found infrahub.Branch, want branchModel) *adoptionConflict {
	switch {
	case found.Default:
		return &adoptionConflict{attribute: "name", reason: "it is Infrahub's default branch, which a destroy would try to delete. Remove the resource, and refer to the branch by its name."}
	case !found.Writable():
		return &adoptionConflict{attribute: "name", reason: fmt.Sprintf("it exists (id %s) with the status %s, and takes no more changes. Use a branch of another name.", found.ID, found.Status)}
	case found.SyncWithGit != nil && !want.SyncWithGit.IsNull() && *found.SyncWithGit != want.SyncWithGit.ValueBool():
		return &adoptionConflict{attribute: "sync_with_git", reason: fmt.Sprintf(
			"it exists (id %s) with sync_with_git = %t, which Infrahub cannot change. Set that, delete the branch in Infrahub, or use a branch of another name.", found.ID, *found.SyncWithGit)}
	default:
		return nil
	}
}

// ModifyPlan keeps the status, which no apply changes.
func (r *branchResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planAdoption(ctx, req, &resp.Diagnostics)
	useStateFor(ctx, req, resp, "status")
}

func branchSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
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
				Validators:          nonEmptyText(),
			},
			"sync_with_git": schema.BoolAttribute{
				MarkdownDescription: "Whether the read-write repositories get a Git branch of this name too. Read-only repositories do not need it. Defaults to what Infrahub does, which is `true`; changing it **replaces** the branch.",
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Bool{boolplanmodifier.UseStateForUnknown(), boolplanmodifier.RequiresReplace()},
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "What Infrahub says of the branch: `OPEN`, `NEED_REBASE`, `NEED_UPGRADE_REBASE`, `MERGING`, `MERGE_FAILED` or `MERGED`. A merged branch takes no more changes. One that was deleted after it was merged is not created again: it stays in the state as `MERGED` until it is removed from the configuration, or replaced with `-replace`.",
				Computed:            true,
			},
			"adopt_existing": adoptExistingAttribute("the same name", "The default branch and merged branches are not adopted. "),
			"timeouts":       timeoutsAttribute(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}
