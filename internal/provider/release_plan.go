package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// Read finds out how far the release is. A reviewer may have merged or closed it, and others may have released since.
func (r *releaseResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state releaseModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	setIdentity(ctx, resp.Identity, state.ID.ValueString(), &resp.Diagnostics)
	ctx, cancel := withTimeout(ctx, state.Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	main, err := r.Repositories(infrahub.ReadOnly).Refresh(ctx, state.RepositoryID.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
		return
	case err == nil && state.Ref.IsNull():
		err = r.adopt(ctx, *main, &state)
	}
	if err == nil {
		err = r.refresh(ctx, *main, &state, &resp.Diagnostics)
	}
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// adopt describes what a terraform import finds: the release in preparation, or else what the default branch has.
func (r *releaseResource) adopt(ctx context.Context, main infrahub.Repository, state *releaseModel) error {
	state.Ref, state.State, state.Checks = types.StringValue(main.Ref), types.StringValue("merged"), types.ListNull(checkType())
	state.Merge = types.StringValue(mergeByReviewer) // nothing is merged unasked
	branches, err := r.ReleaseBranches(ctx, main.ID)
	if err != nil {
		return err
	}
	for _, branch := range branches {
		if !branch.Writable() {
			continue
		}
		there, err := r.WithBranch(branch.Name).Repositories(infrahub.ReadOnly).Get(ctx, main.ID)
		if err != nil {
			return err
		}
		state.Ref, state.Branch, state.State = types.StringValue(there.Ref), types.StringValue(branch.Name), types.StringNull()
		for change, err := range r.ProposedChanges().List(ctx, infrahub.Filter{SourceBranch: branch.Name}) {
			if err != nil {
				return err
			}
			if change.Open() {
				state.ProposedChangeID = types.StringValue(change.ID)
			}
		}
	}
	return nil
}

// refresh updates the state to what Infrahub has.
func (r *releaseResource) refresh(ctx context.Context, main infrahub.Repository, state *releaseModel, diags *diag.Diagnostics) error {
	branch, err := r.branchOf(ctx, *state)
	if err != nil {
		return err
	}
	if branch == nil {
		state.Branch = types.StringNull()
	}
	merged := state.State.ValueString() == "merged"
	if merged || main.Ref == state.Ref.ValueString() || branch != nil && branch.Merged() {
		if main.Ref != state.Ref.ValueString() && branch == nil {
			if err := r.findLeftover(ctx, main, state); err != nil {
				return err
			}
		}
		// A ref that others have set since is a difference to the configuration, and released again.
		state.Ref, state.State, state.Commit = types.StringValue(main.Ref), types.StringValue("merged"), types.StringPointerValue(main.Commit)
		return nil
	}
	givenUp := isGivenUp(state.State.ValueString())
	change, err := r.refreshChange(ctx, state)
	switch {
	case err != nil:
		return err
	case branch == nil && !givenUp && state.State.ValueString() != "closed":
		// Infrahub cancels what is open when its branch is deleted. The next apply proposes it again.
		state.State, state.ProposedChangeID, state.Commit, state.Checks = types.StringNull(), types.StringNull(), types.StringNull(), types.ListNull(checkType())
		return nil
	case isGivenUp(state.State.ValueString()):
		diags.AddWarning("Release Was Not Merged", fmt.Sprintf(
			"%s: its proposed change %s is %s in Infrahub. To propose it again, apply with -replace for this resource. To give it up, set ref to another release or the one that the default branch has.",
			describeRelease(*state), state.ProposedChangeID.ValueString(), state.State.ValueString()))
	}
	if branch == nil {
		return nil
	}
	there, err := r.WithBranch(branch.Name).Repositories(infrahub.ReadOnly).Get(ctx, main.ID)
	if err != nil {
		return err
	}
	state.Commit = types.StringPointerValue(there.Commit)
	if change == nil || !change.Open() {
		return nil
	}
	return r.refreshReview(ctx, *change, state, diags)
}

// isGivenUp reports whether people have ended a proposed change without a merge.
func isGivenUp(state string) bool { return state == "closed" || state == "canceled" }

// findLeftover finds the branch of a release that was merged after its apply was killed, so that the next apply cleans up.
func (r *releaseResource) findLeftover(ctx context.Context, main infrahub.Repository, state *releaseModel) error {
	branches, err := r.ReleaseBranches(ctx, main.ID)
	if err == nil && len(branches) > 0 {
		state.Branch = types.StringValue(branches[0].Name)
	}
	return err
}

// branchOf returns the branch of the release, nil if it has none or the branch does not exist any more.
func (r *releaseResource) branchOf(ctx context.Context, state releaseModel) (*infrahub.Branch, error) {
	if state.Branch.IsNull() {
		return nil, nil
	}
	branch, err := r.Branches().GetByName(ctx, state.Branch.ValueString())
	if errors.Is(err, infrahub.ErrNotFound) {
		return nil, nil
	}
	return branch, err
}

// refreshChange updates the state to what has become of the proposed change of a release that is not merged, and returns it, nil if
// there is none.
func (r *releaseResource) refreshChange(ctx context.Context, state *releaseModel) (*infrahub.ProposedChange, error) {
	if state.ProposedChangeID.IsNull() {
		return nil, nil
	}
	change, err := r.ProposedChanges().Get(ctx, state.ProposedChangeID.ValueString())
	if errors.Is(err, infrahub.ErrNotFound) {
		state.State, state.ProposedChangeID, state.Checks = types.StringNull(), types.StringNull(), types.ListNull(checkType())
		return nil, nil
	}
	if err == nil {
		state.State = types.StringValue(change.State)
	}
	return change, err
}

// refreshReview updates the state to what the checks of a release in review say, and warns if its merge would take something back.
func (r *releaseResource) refreshReview(ctx context.Context, change infrahub.ProposedChange, state *releaseModel, diags *diag.Diagnostics) error {
	checks, err := r.Checks(ctx, change)
	if err != nil {
		return err
	}
	found, problems := flattenChecks(ctx, checks)
	state.Checks = found
	diags.Append(problems...)
	err = r.CheckMerge(ctx, change.SourceBranch)
	if taken, ok := errors.AsType[*infrahub.TakenBackError](err); ok {
		diags.Append(releaseTooOld(*state, taken))
		return nil
	}
	return err
}

// releaseTooOld returns the warning of a release in review whose merge would do harm.
func releaseTooOld(state releaseModel, taken *infrahub.TakenBackError) diag.Diagnostic {
	found := mergeTakesBack(taken, checksAdvice{newBranch: "To prepare the release on a new branch, apply with -replace for this resource."})
	return diag.NewAttributeWarningDiagnostic(path.Root("ref"), "Release Must Not Be Merged", describeRelease(state)+" is in review, but its branch has become too old. "+found.Detail())
}

// ModifyPlan plans a release if the default branch does not have it, as far as this resource brings it there, and the cleaning up after
// a merge.
func (r *releaseResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroy
	}
	var plan, state releaseModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	creating := req.State.Raw.IsNull()
	if !creating {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	resp.Diagnostics.Append(repositoryReference().check(plan.RepositoryID)...)
	resp.Diagnostics.Append(r.checkProviderBranch()...)
	if resp.Diagnostics.HasError() {
		return
	}
	due := creating
	if !due {
		var diags diag.Diagnostics
		due, diags = isDue(ctx, plan, state)
		resp.Diagnostics.Append(diags...)
	}
	if due {
		if creating || !plan.Ref.Equal(state.Ref) {
			r.checkRef(ctx, plan, &resp.Diagnostics)
		}
		plan.Commit, plan.Branch, plan.ProposedChangeID, plan.State = types.StringUnknown(), types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
		plan.Checks = types.ListUnknown(checkType())
	} else {
		plan.Commit, plan.Branch, plan.ProposedChangeID, plan.State, plan.Checks = state.Commit, state.Branch, state.ProposedChangeID, state.State, state.Checks
		if state.State.ValueString() == "merged" {
			plan.Branch = types.StringNull() // the apply deletes it
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// isDue reports whether an apply has something to do for the release of a plan.
func isDue(ctx context.Context, plan, state releaseModel) (bool, diag.Diagnostics) {
	if !plan.Ref.Equal(state.Ref) || !plan.RepositoryID.Equal(state.RepositoryID) {
		return true, nil
	}
	switch state.State.ValueString() {
	case "merged", "closed", "canceled":
		return false, nil
	case "":
		return true, nil // not proposed yet, or the branch or the proposed change was deleted outside of Terraform
	default:
		failed, diags := hasFailedCheck(ctx, state.Checks)
		return failed || plan.Merge.ValueString() == mergeWhenChecksPass || !plan.Description.Equal(state.Description), diags
	}
}

// checkProviderBranch refuses a provider that works on another branch than the default one: what it sees of the repository there is
// not what a release is compared with.
func (r *releaseResource) checkProviderBranch() diag.Diagnostics {
	if r.providerData == nil || r.branch.Default || r.branch.ID == "" {
		return nil
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("Release on a Branch", fmt.Sprintf(
		"The provider's branch is %q, and infrahub_release brings a ref to the default branch. Use a provider on the default branch for it (provider = infrahub.ALIAS), or set the ref on the branch with infrahub_read_only_repository_ref.", r.branch.Name))}
}

// checkRef reports a repository that does not exist or is of the other kind, and a ref that its remote does not have. A remote that
// cannot be asked stops no plan: Infrahub reads it with a credential of its own.
func (r *releaseResource) checkRef(ctx context.Context, plan releaseModel, diags *diag.Diagnostics) {
	if r.providerData == nil || plan.RepositoryID.IsUnknown() {
		return
	}
	id := plan.RepositoryID.ValueString()
	main, err := r.Repositories(infrahub.ReadOnly).Refresh(ctx, id)
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		next := repositoryReference().hint()
		if otherRepositoryType(ctx, r.Client, infrahub.ReadOnly, id) != "" {
			next = isReadWriteHint
		}
		diags.AddAttributeError(path.Root("repository_id"), "Release Not Planned", fmt.Sprintf("Infrahub has no read-only repository with the id %s. %s", id, next))
		return
	case err != nil:
		diags.Append(r.failed("Not Planned", plan, err))
		return
	case plan.Ref.IsUnknown(), main.Ref == plan.Ref.ValueString():
		return
	}
	_, err = r.resolve(ctx, main.Location, plan.Ref.ValueString())
	if err == nil {
		return
	}
	summary, _, text := explainGit(main.Location, err, nil)
	if _, missing := errors.AsType[*gitremote.RefNotFoundError](err); missing {
		diags.AddAttributeError(path.Root("ref"), summary, text)
		return
	}
	diags.AddAttributeWarning(path.Root("ref"), "Release Not Looked Up", text+"\n\nSo the plan does not know whether the remote has this ref. Infrahub reads it with its own credential.")
}
