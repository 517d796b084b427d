package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// repositoryResource adds imports to what nodeResource does, for both kinds of repository.
type repositoryResource[M any] struct {
	nodeResource[M, infrahub.Repository]
	kind infrahub.Kind
	// parts returns what both kinds have in their model.
	parts func(model *M) repositoryParts
}

// Create waits for the import. If that of a new repository fails the repository is saved, and Terraform marks it as tainted.
func (r *repositoryResource[M]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	parts := r.parts(&plan)
	resp.Diagnostics.Append(credentialReference().check(parts.CredentialID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, parts.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	if r.planCommit(ctx, parts, nil, &resp.Diagnostics); resp.Diagnostics.HasError() {
		return
	}
	adopt := r.adoptRepository(plan, req.Plan, resp.Private)
	if r.adopt(ctx, req, resp, plan, false, adopt) {
		return
	}
	id, started, err := r.CreateRepository(ctx, r.expand(plan))
	if err != nil {
		if isTaken(err) && r.adopt(ctx, req, resp, plan, true, adopt) {
			return
		}
		resp.Diagnostics.Append(r.failed(ctx, "Not Created", plan, err))
		return
	}
	parts.ID = types.StringValue(id)
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
	resp.Diagnostics.Append(saveText(ctx, resp.Private, branchKey, r.Branch())...)
	if r.kind == infrahub.ReadWrite {
		resp.Diagnostics.Append(saveText(ctx, resp.Private, importedBranchKey, parts.ref.ValueString())...)
	}
	imported, err := r.wait(ctx, started, parts.WaitForImport, &resp.Diagnostics)
	if err != nil {
		if _, unobserved := errors.AsType[*infrahub.UnobservedError](err); unobserved {
			resp.Diagnostics.Append(failedImport{Ref: parts.ref.ValueString()}.save(ctx, resp.Private, err)...)
		}
		resp.Diagnostics.Append(r.importFailed(ctx, plan, err, startedByCreate))
	}
	r.save(ctx, plan, imported, err, req.Plan, resp.Private, &resp.State, &resp.Diagnostics)
}

// adoptRepository brings a repository to the plan and imports what is due. A failed import is an error without a state: the next apply
// adopts the repository again, and imports again.
func (r *repositoryResource[M]) adoptRepository(plan M, planned tfsdk.Plan, private privateWriter) adopter[infrahub.Repository] {
	return func(ctx context.Context, found existing[infrahub.Repository]) (state tfsdk.State, diags diag.Diagnostics, err error) {
		parts := r.parts(&plan)
		parts.ID = types.StringValue(found.id)
		started, err := r.UpdateRepository(ctx, found.before, found.after)
		if err == nil && started == nil {
			commit := ""
			if parts.resolution != nil {
				commit = parts.resolution.PlannedCommit.ValueString()
			}
			started, err = r.ImportIfDue(ctx, r.kind, found.id, commit)
		}
		if err != nil {
			return state, diags, err
		}
		if r.kind == infrahub.ReadWrite {
			diags.Append(saveText(ctx, private, importedBranchKey, found.before.Ref)...)
		}
		imported, failure := r.wait(ctx, started, parts.WaitForImport, &diags)
		if _, unobserved := errors.AsType[*infrahub.UnobservedError](failure); unobserved {
			diags.Append(failedImport{Ref: found.after.Ref}.save(ctx, private, failure)...)
			diags.Append(r.importFailed(ctx, plan, failure, startedByCreate))
		} else if failure != nil {
			diags.Append(notKept(r.importFailed(ctx, plan, failure, startedByUpdate)))
		}
		state = tfsdk.State{Schema: planned.Schema, Raw: nullObject(planned.Schema.Type().TerraformType(ctx))}
		r.save(ctx, plan, imported, failure, planned, private, &state, &diags)
		if imported == nil && !diags.HasError() && !parts.CredentialID.Equal(types.StringPointerValue(found.before.CredentialID)) {
			diags.Append(r.checkCredential(ctx, plan, found.after)...)
		}
		return state, diags, nil
	}
}

// notKept adds to the error of an import that the repository which was adopted is not in the state.
func notKept(failed diag.Diagnostic) diag.Diagnostic {
	return diag.NewErrorDiagnostic(failed.Summary(), failed.Detail()+
		"\n\nThe repository existed before, so it is not kept in the state, where Terraform would mark it as tainted and replace it. The next apply adopts it again, and imports again.")
}

// Read records how the last import ended where the state does not tell.
func (r *repositoryResource[M]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, found := r.readNode(ctx, req, resp)
	if found == nil {
		return
	}
	parts := r.parts(&state)
	failed, diags := loadFailedImport(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	last := lastImport{
		repository: *found, adopting: parts.Location.IsNull(), sameCommit: parts.Commit.Equal(types.StringPointerValue(found.Commit)),
		sameRef: parts.ref.ValueString() == found.Ref, sameLocation: parts.Location.storedAs(newLocation(found.Location)),
		object: fmt.Sprintf("the %s %q", r.kind, found.Name),
		again:  "apply a changed reimport_triggers. With resolve_ref each plan compares the commit with the Git remote.",
	}
	if failed != nil && failed.Unobserved && last.sameRef && last.sameLocation {
		resp.Diagnostics.Append(failed.observe(ctx, r.Client, *found, resp.Private)...)
	} else if err := last.record(ctx, r.Client, resp.Private, &resp.Diagnostics); err != nil {
		resp.Diagnostics.Append(r.failed(ctx, "Not Read", state, err))
	}
	branch, diags := loadText(ctx, req.Private, importedBranchKey)
	resp.Diagnostics.Append(diags...)
	if r.kind == infrahub.ReadWrite && branch == "" && !diags.HasError() {
		// After a terraform import, or with an older state: record the first branch seen.
		resp.Diagnostics.Append(saveText(ctx, resp.Private, importedBranchKey, cmp.Or(parts.ref.ValueString(), found.Ref))...)
	}
	resp.Diagnostics.Append(saveText(ctx, resp.Private, serverLocationKey, found.Location)...)
	resp.Diagnostics.Append(r.saveRefreshed(ctx, *found, state, &resp.State)...)
}

// Update changes the repository, and imports what changed, what failed before, or what reimport_triggers ask for.
func (r *repositoryResource[M]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	failed, diags := loadFailedImport(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	parts := r.parts(&plan)
	resp.Diagnostics.Append(credentialReference().check(parts.CredentialID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	setIdentity(ctx, resp.Identity, parts.ID.ValueString(), &resp.Diagnostics)
	ctx, cancel := withTimeout(ctx, parts.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	prior := r.parts(&state)
	if r.planCommit(ctx, parts, &prior, &resp.Diagnostics); resp.Diagnostics.HasError() {
		return
	}
	before, after := r.expand(state), r.expand(plan)
	record := failedImport{Ref: after.Ref, Moved: before.Location != after.Location || failed != nil && failed.Moved, Commit: prior.Commit.ValueString()}
	due := parts.Commit.IsUnknown() // the plan found an import due
	started, err := r.update(ctx, before, after, failed, due)
	if err != nil {
		// A refused or unsent change started no import. If the outcome is unknown, record that one is due: the next refresh sees
		// only the new values.
		if infrahub.OutcomeUnknown(err) && (failed != nil || r.importDue(parts, prior)) {
			resp.Diagnostics.Append(record.save(ctx, resp.Private, err)...)
		}
		resp.Diagnostics.Append(r.failed(ctx, "Not Updated", state, err))
		return
	}
	imported, err := r.waitAndRecord(ctx, started, parts.WaitForImport, record, resp.Private, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(r.importFailed(ctx, plan, err, startedByUpdate))
	}
	r.save(ctx, plan, imported, err, req.Plan, resp.Private, &resp.State, &resp.Diagnostics)
	if imported == nil && err == nil && !parts.CredentialID.Equal(prior.CredentialID) {
		resp.Diagnostics.Append(r.checkCredential(ctx, plan, after)...)
	}
}

// checkCredential lets Infrahub connect to a repository whose credential has changed without an import that was waited for.
func (r *repositoryResource[M]) checkCredential(ctx context.Context, plan M, changed infrahub.Repository) diag.Diagnostics {
	check := connectivityCheck{
		object: r.describe(plan, r.Branch()), noun: "repository", attribute: "credential_id",
		next:         "Correct credential_id, or username and password of that credential, and apply again.",
		repositories: []infrahub.Repository{changed},
	}
	return check.run(ctx, r.Client)
}

// update changes the repository and returns the import that this starts. Where it starts none and one is due all the same, it
// imports again what the ref stands for now.
func (r *repositoryResource[M]) update(ctx context.Context, before, after infrahub.Repository, failed *failedImport, due bool) (*infrahub.Import, error) {
	if failed != nil && failed.Moved {
		return r.Relocate(ctx, before, after)
	}
	started, err := r.UpdateRepository(ctx, before, after)
	if err == nil && started == nil && due {
		return r.Reimport(ctx, after)
	}
	return started, err
}

// save saves the repository as imported or, if that is nil, as the server has it now. If it cannot be read the plan is saved:
// the object must not be lost. Where the import has an error already, that says enough.
func (r *repositoryResource[M]) save(ctx context.Context, known M, imported *infrahub.Repository, failure error, plan tfsdk.Plan, private privateWriter, state *tfsdk.State, diags *diag.Diagnostics) {
	parts := r.parts(&known)
	if imported == nil {
		found, err := readAfterImport(ctx, r.Client, r.kind, parts.ID.ValueString())
		if err != nil {
			if failure == nil {
				diags.Append(r.failed(ctx, "Not Read", known, err))
			}
			diags.Append(state.Set(ctx, known)...)
			state.Raw = nullUnknowns(state.Raw)
			return
		}
		imported = found
	} else if parts.resolution != nil {
		diags.Append(parts.resolution.checkCommit(*imported)...)
	}
	diags.Append(saveText(ctx, private, serverLocationKey, imported.Location)...)
	diags.Append(state.Set(ctx, r.flatten(*imported, known))...)
	if !diags.HasError() {
		keepPlanned(plan, state, diags)
	}
}

// ModifyPlan plans what an apply changes beyond the configuration.
func (r *repositoryResource[M]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroy
	}
	var plan, state M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	parts := r.parts(&plan)
	resp.Diagnostics.Append(credentialReference().check(parts.CredentialID)...)
	var prior *repositoryParts
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		before := r.parts(&state)
		prior = &before
	}
	if resp.Diagnostics.HasError() {
		return
	}
	proposed := parts.computed()
	if parts.resolution != nil {
		parts.resolution.PlannedCommit = types.StringUnknown()
	}
	answered := r.planCommit(ctx, parts, prior, &resp.Diagnostics)
	r.planAdoption(ctx, req, &resp.Diagnostics)
	if prior == nil {
		r.warnOfBranch(&resp.Diagnostics)
	} else {
		r.planUpdate(ctx, parts, *prior, answered, req, resp)
	}
	if !answered && parts.Commit.IsUnknown() {
		parts.resolution.PlannedCommit = types.StringNull() // the import is due anyway, and its result cannot be checked
	}
	if parts.computed() != proposed { // Set takes a quarter of the time of a plan without changes
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	}
}

// warnOfBranch warns of what it means to create a repository on another branch than the default one.
func (r *repositoryResource[M]) warnOfBranch(diags *diag.Diagnostics) {
	if r.providerData == nil || r.branch.Default || r.branch.ID == "" {
		return
	}
	diags.AddWarning(r.title+" Is Created on a Branch", fmt.Sprintf(
		"The provider's branch is %q, which is not Infrahub's default branch. The repository is visible on all branches, but Infrahub imports it into this one alone: "+
			"on the others it is inactive and has no commit until the branch is merged. Deleting it on any branch deletes it everywhere.\n\n"+
			"To have a branch import another ref of a repository that the default branch has already, use infrahub_read_only_repository_ref.", r.branch.Name))
}

// planUpdate plans no change beyond the configuration if no import is due. Otherwise it plans a new commit, and new statuses
// where they are not those that a good import leaves behind. Answered is whether the plan has the answer of the Git remote.
func (r *repositoryResource[M]) planUpdate(ctx context.Context, plan, state repositoryParts, answered bool, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	failed, diags := loadFailedImport(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if r.kind == infrahub.ReadWrite {
		branch, diags := loadText(ctx, req.Private, importedBranchKey)
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(warnOfImportedBranch(branch, *plan.ref, *state.ref)...)
	}
	plan.Commit, plan.InternalStatus, plan.OperationalStatus, plan.SyncStatus = state.Commit, state.InternalStatus, state.OperationalStatus, state.SyncStatus
	if failed != nil && failed.Unproven && answered && plan.resolution != nil && plan.resolution.PlannedCommit.Equal(state.Commit) {
		failed = nil // the commit is that of the ref
	}
	if failed != nil || r.importDue(plan, state) {
		plan.Commit = types.StringUnknown()
		if !r.waits(plan.WaitForImport) || !state.isHealthy() {
			plan.InternalStatus, plan.OperationalStatus, plan.SyncStatus = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
		}
	}
	if failed != nil {
		resp.Diagnostics.Append(failed.retryWarning(fmt.Sprintf("%s %q", r.kind, state.Name.ValueString())))
	}
}

// importDue reports whether an update from state to plan makes Infrahub import.
func (r *repositoryResource[M]) importDue(plan, state repositoryParts) bool {
	return !plan.Location.Equal(state.Location) || !plan.ReimportTriggers.Equal(state.ReimportTriggers) ||
		r.kind == infrahub.ReadOnly && !plan.ref.Equal(*state.ref) || r.refMoved(plan, state)
}

// importFailed returns the diagnostic of an import that failed, is not known to have worked, or could not be waited for.
func (r *repositoryResource[M]) importFailed(ctx context.Context, model M, err error, starter importStarter) diag.Diagnostic {
	if diagnostic := importDiagnostic(err, starter); diagnostic != nil {
		return diagnostic
	}
	return r.failed(ctx, "Not Imported", model, err)
}
