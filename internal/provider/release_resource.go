package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newReleaseResource() resource.Resource { return &releaseResource{} }

// releaseResource brings a ref of a read-only repository to the default branch, through a branch and a proposed change of its own. It
// owns both while they exist, but not the repository, and so is no node of Infrahub.
type releaseResource struct {
	resourceBase
}

type releaseModel struct {
	ID               types.String   `tfsdk:"id"`
	RepositoryID     types.String   `tfsdk:"repository_id"`
	Ref              types.String   `tfsdk:"ref"`
	Merge            types.String   `tfsdk:"merge"`
	Description      types.String   `tfsdk:"description"`
	Commit           types.String   `tfsdk:"commit"`
	Branch           types.String   `tfsdk:"branch"`
	ProposedChangeID types.String   `tfsdk:"proposed_change_id"`
	State            types.String   `tfsdk:"state"`
	Checks           types.List     `tfsdk:"checks"`
	Timeouts         timeouts.Value `tfsdk:"timeouts"`
}

const (
	mergeWhenChecksPass = "when_checks_pass"
	mergeByReviewer     = "by_reviewer"
)

// Metadata returns the name of the type.
func (r *releaseResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_release"
}

// IdentitySchema returns the identity: the id, which is that of the repository.
func (r *releaseResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = idIdentity()
}

// Schema returns the attributes.
func (r *releaseResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The release of a read-only repository that Infrahub's default branch has. A change of `ref` imports it on a branch of its own, proposes the branch, waits for Infrahub's checks, and merges it or leaves that to a reviewer. " +
			"The default branch changes by the merge alone, and the merge takes back nothing that others have released. " +
			"What an apply could not finish the next one goes on with; a new `ref` gives up a release that is not merged. " +
			"Destroying it gives up a release that is not merged, and leaves the default branch as it is.\n\n" +
			"Use one `infrahub_release` for a repository, and set `ignore_changes = [ref]` in the `lifecycle` of its `infrahub_read_only_repository`, whose `ref` then counts for the first import alone.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "Id of the repository. It never changes.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"repository_id": schema.StringAttribute{
				MarkdownDescription: "Id of the `infrahub_read_only_repository`; names are not accepted. Changing it **replaces** this resource.",
				Required:            true,
				Validators:          requiredText(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"ref": schema.StringAttribute{
				MarkdownDescription: "Tag, branch or commit of the Git repository to release; a tag is best. A plan fails if the remote does not have it, and warns if the remote cannot be asked. Changing it releases in place. If the default branch has it already, nothing is done.",
				Required:            true,
				Validators:          gitRef(),
			},
			"merge": schema.StringAttribute{
				MarkdownDescription: "Who merges: `" + mergeWhenChecksPass + "` merges in the apply, once all checks have passed; `" + mergeByReviewer + "` ends the apply with the release in review, and the first apply after the merge in Infrahub cleans up. " +
					"Changing it takes effect for a release that is in review. After an import it is `" + mergeByReviewer + "`, until the configuration says otherwise.",
				Required:   true,
				Validators: []validator.String{stringvalidator.OneOf(mergeWhenChecksPass, mergeByReviewer)},
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What reviewers should know; the description of the proposed change. Without it that has none. Changing it changes the one that is open.",
				Optional:            true,
				Validators:          nonEmptyText(),
			},
			"commit": schema.StringAttribute{
				MarkdownDescription: "Hash of the commit that Infrahub has imported of the release: on the default branch once it is merged, before on the branch of the release.",
				Computed:            true,
			},
			"branch": schema.StringAttribute{
				MarkdownDescription: "Name of the Infrahub branch on which the release is prepared. Null once that is merged and deleted.",
				Computed:            true,
			},
			"proposed_change_id": schema.StringAttribute{
				MarkdownDescription: "Id of the proposed change of the release. Null if the default branch had the ref without one.",
				Computed:            true,
			},
			"state": schema.StringAttribute{
				MarkdownDescription: "How far the release is: `open`, `merging`, `merged`, `closed` or `canceled`, as Infrahub says of the proposed change; null before there is one. A release that was closed is proposed again by `-replace`.",
				Computed:            true,
			},
			"checks":   checksAttribute("The checks of the proposed change, as the last apply or refresh saw them. Null if there was no proposed change."),
			"timeouts": timeoutsAttribute(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}

// expandRelease returns the release that a plan describes.
func expandRelease(model releaseModel) infrahub.Release {
	return infrahub.Release{
		RepositoryID: model.RepositoryID.ValueString(), Ref: model.Ref.ValueString(), Description: optional(model.Description),
		Review: model.Merge.ValueString() == mergeByReviewer,
	}
}

// flattenRelease returns the model of a release. What only Terraform knows comes from known.
func flattenRelease(ctx context.Context, release infrahub.Release, known releaseModel) (releaseModel, diag.Diagnostics) {
	known.ID = known.RepositoryID
	known.Commit, known.Branch = textOrNull(release.Commit), textOrNull(release.Branch)
	known.State = textOrNull(release.State)
	if !release.Merged() || release.ChangeID != "" {
		known.ProposedChangeID = textOrNull(release.ChangeID)
	}
	if known.ProposedChangeID.IsUnknown() {
		known.ProposedChangeID = types.StringNull()
	}
	if release.Checks == nil {
		known.Checks = types.ListNull(checkType())
		return known, nil
	}
	var diags diag.Diagnostics
	known.Checks, diags = flattenChecks(ctx, release.Checks)
	return known, diags
}

// textOrNull returns null for "".
func textOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// Create saves nothing if the release does not get through: Terraform would replace what it has saved, and the next create goes on
// with what it finds in Infrahub.
func (r *releaseResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan releaseModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(repositoryReference().check(plan.RepositoryID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	release, err := r.release(ctx, plan, &resp.Diagnostics)
	if err != nil {
		if release.Branch != "" {
			resp.Diagnostics.AddWarning("Release Is Not Finished", fmt.Sprintf(
				"%s: the branch %q stays in Infrahub, and the default branch is unchanged unless the error says otherwise. The next apply goes on with it. To give it up instead, delete that branch in Infrahub.", describeRelease(plan), release.Branch))
		}
		return
	}
	saved, diags := flattenRelease(ctx, release, plan)
	resp.Diagnostics.Append(diags...)
	setIdentity(ctx, resp.Identity, saved.ID.ValueString(), &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, saved)...)
}

// Update releases another ref, or goes on with the one that is planned. If that fails the state says how far it came.
func (r *releaseResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state releaseModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	setIdentity(ctx, resp.Identity, state.ID.ValueString(), &resp.Diagnostics)
	if !plan.State.IsUnknown() && plan.Branch.Equal(state.Branch) {
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...) // nothing is due
		return
	}
	ctx, cancel := withTimeout(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	release, err := r.release(ctx, plan, &resp.Diagnostics)
	if err != nil && release.Branch == "" && !release.Merged() {
		return // nothing was begun
	}
	known := plan
	if plan.Ref.Equal(state.Ref) {
		known.ProposedChangeID = state.ProposedChangeID
	}
	saved, diags := flattenRelease(ctx, release, known)
	resp.Diagnostics.Append(diags...)
	if release.Checks == nil && plan.Ref.Equal(state.Ref) {
		saved.Checks = state.Checks
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, saved)...)
}

// release releases, and reports what went wrong.
func (r *releaseResource) release(ctx context.Context, plan releaseModel, diags *diag.Diagnostics) (infrahub.Release, error) {
	release, err := r.Release(ctx, expandRelease(plan))
	if release.Warning != "" {
		diags.AddWarning("Import Completed With Warnings", describeRelease(plan)+": "+withPeriod(release.Warning))
	}
	if err != nil {
		diags.Append(r.failed("Not Finished", plan, r.addNearestRefs(ctx, err)))
	}
	return release, err
}

// Delete gives up what is not merged.
func (r *releaseResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state releaseModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, state.Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	if err := r.GiveUpRelease(ctx, state.RepositoryID.ValueString()); err != nil {
		resp.Diagnostics.Append(r.failed("Not Given Up", state, err))
	}
}

// ImportState takes the id or the name of the repository.
func (r *releaseResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	given, byIdentity := importID(ctx, req, "the id or the name of the read-only repository", &resp.Diagnostics)
	if byIdentity && !isUUID(given) && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(invalidIdentity(given, "the UUID of a read-only repository"))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	id, err := findID(ctx, r.Repositories(infrahub.ReadOnly), given, !byIdentity)
	if err != nil {
		var hint string
		if errors.Is(err, infrahub.ErrNotFound) && otherRepositoryType(ctx, r.Client, infrahub.ReadOnly, given) != "" {
			hint = isReadWriteHint
		}
		resp.Diagnostics.Append(importNotFound(infrahub.ReadOnly.String(), given, "the default branch", hint, err))
		return
	}
	for _, name := range []string{"id", "repository_id"} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), id)...)
	}
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

const isReadWriteHint = "It is a read-write repository, an infrahub_repository, which follows its branch and has no releases."

// failed returns the diagnostic of an operation, such as "Not Finished".
func (r *releaseResource) failed(outcome string, model releaseModel, err error) diag.Diagnostic {
	advice := checksAdvice{
		again:     "Apply again: the checks that have failed run once more. Or set another ref: that gives this release up.",
		newBranch: "Apply again: that prepares the release on a new branch.",
	}
	if diagnostic := importDiagnostic(err, startedByUpdate); diagnostic != nil {
		return diagnostic
	}
	if diagnostic := checksDiagnostic(err, "ref", advice); diagnostic != nil {
		return diagnostic
	}
	object := describeRelease(model)
	if wrong, ok := errors.AsType[*infrahub.WrongReleaseError](err); ok {
		return diag.NewAttributeErrorDiagnostic(path.Root("ref"), "Another Ref Was Released", fmt.Sprintf(
			"%s: it was merged, but then the default branch had %s. Somebody has changed it at the same time. Plan again.", object, pinnedTo(wrong.Ref, wrong.Commit)))
	}
	if errors.Is(err, infrahub.ErrNotFound) {
		return diag.NewAttributeErrorDiagnostic(path.Root("repository_id"), "Release "+outcome, detail(object, err, "Check repository_id. "+repositoryReference().hint()))
	}
	if refused, ok := errors.AsType[*infrahub.Error](err); ok && strings.HasPrefix(refused.Operation, "MergeProposedChange") {
		return mergeRefused(object, "set it to "+mergeByReviewer, err)
	}
	return errorDiagnostic("Release "+outcome, subject{object: object, kind: "infrahub_release", attributes: []string{"ref"}}, err)
}

func describeRelease(model releaseModel) string {
	return fmt.Sprintf("Release %s of the read-only repository %s", model.Ref.ValueString(), model.RepositoryID.ValueString())
}
