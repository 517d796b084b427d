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
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newReadOnlyRepositoryRefResource() resource.Resource { return &readOnlyRepositoryRefResource{} }

// readOnlyRepositoryRefResource sets the ref of a read-only repository on one branch. It owns neither the repository nor the
// branch, and so is no node of Infrahub.
type readOnlyRepositoryRefResource struct {
	resourceBase
}

type readOnlyRepositoryRefModel struct {
	ID            types.String   `tfsdk:"id"`
	RepositoryID  types.String   `tfsdk:"repository_id"`
	Branch        types.String   `tfsdk:"branch"`
	Ref           types.String   `tfsdk:"ref"`
	WaitForImport types.Bool     `tfsdk:"wait_for_import"`
	Commit        types.String   `tfsdk:"commit"`
	Timeouts      timeouts.Value `tfsdk:"timeouts"`
}

// Metadata returns the name of the type.
func (r *readOnlyRepositoryRefResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_read_only_repository_ref"
}

// IdentitySchema returns the identity: the id, which names the repository and the branch.
func (r *readOnlyRepositoryRefResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = idIdentity()
}

// Schema returns the attributes.
func (r *readOnlyRepositoryRefResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The ref that a read-only repository is pinned to on one Infrahub branch, without owning the repository: a release can be imported on a branch, reviewed there, and merged. " +
			"Destroying it changes nothing in Infrahub.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "Id of the repository and name of the branch, with a slash between them. It never changes.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"repository_id": schema.StringAttribute{
				MarkdownDescription: "Id of the `infrahub_read_only_repository`; names are not accepted. Changing it **replaces** this resource: it forgets the ref of the one repository and sets that of the other.",
				Required:            true,
				Validators:          requiredText(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"branch": schema.StringAttribute{
				MarkdownDescription: "Name of the Infrahub branch on which the ref holds; the other branches keep theirs. Make the branch after the repository was imported: Infrahub keeps no ref on one that is older. Changing it **replaces** this resource: it forgets the ref on the one branch and sets that on the other.",
				Required:            true,
				Validators:          branchName(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"ref": schema.StringAttribute{
				MarkdownDescription: "Branch, tag or commit of the Git repository to import on this branch. Changing it is an update in place, done when Infrahub has imported it.",
				Required:            true,
				Validators:          gitRef(),
			},
			"wait_for_import": schema.BoolAttribute{
				MarkdownDescription: "Whether an apply waits until Infrahub has imported, and fails if the import fails. Defaults to the provider's setting, which is `true`; changing it changes nothing in Infrahub.",
				Optional:            true,
			},
			"commit": schema.StringAttribute{
				MarkdownDescription: "Hash of the commit that Infrahub imported last on this branch.",
				Computed:            true,
			},
			"timeouts": timeoutsAttribute(ctx, timeouts.Opts{Create: true, Read: true, Update: true}),
		},
	}
}

// Create sets the ref, and imports it unless a task proves that the branch has imported it already.
func (r *readOnlyRepositoryRefResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(repositoryReference().check(plan.RepositoryID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	started, err := r.onBranch(plan).SetRef(ctx, plan.RepositoryID.ValueString(), plan.Ref.ValueString(), false)
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Set", plan, err))
		return
	}
	plan.ID = types.StringValue(plan.RepositoryID.ValueString() + "/" + plan.Branch.ValueString())
	setIdentity(ctx, resp.Identity, plan.ID.ValueString(), &resp.Diagnostics)
	imported, err := r.wait(ctx, started, plan.WaitForImport, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Imported", plan, err))
	}
	r.save(ctx, plan, imported, &resp.State, &resp.Diagnostics)
}

// mergedBranchKey is the key in private state that is true once the branch was seen merged. Terraform keeps the ref on such a
// branch, also after the branch was deleted.
const mergedBranchKey = "merged_branch"

// Read keeps the ref on a branch that was merged, which takes no more changes.
func (r *readOnlyRepositoryRefResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	setIdentity(ctx, resp.Identity, state.ID.ValueString(), &resp.Diagnostics)
	ctx, cancel := withTimeout(ctx, state.Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	wasMerged, diags := req.Private.GetKey(ctx, mergedBranchKey)
	resp.Diagnostics.Append(diags...)
	branch, err := r.branchOf(ctx, state, len(wasMerged) > 0, &resp.Diagnostics)
	if errors.Is(err, infrahub.ErrNotFound) && len(wasMerged) > 0 {
		return
	}
	var found *infrahub.Repository
	if err == nil {
		resp.Diagnostics.Append(saveMerged(ctx, branch.Merged(), len(wasMerged) > 0, resp.Private)...)
		found, err = r.onBranch(state).Repositories(infrahub.ReadOnly).Get(ctx, state.RepositoryID.ValueString())
	}
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
		return
	}
	last := lastImport{
		repository: *found, adopting: state.Ref.IsNull(), sameCommit: state.Commit.Equal(types.StringPointerValue(found.Commit)),
		sameRef: state.Ref.ValueString() == found.Ref, sameLocation: true,
		object: fmt.Sprintf("the read-only repository %q on branch %s", found.Name, state.Branch.ValueString()),
		again:  "apply with -replace for this resource.",
	}
	if err := last.record(ctx, r.onBranch(state), resp.Private, &resp.Diagnostics); err != nil {
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
	}
	state.Ref, state.Commit = types.StringValue(found.Ref), types.StringPointerValue(found.Commit)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// branchOf returns the branch, ErrNotFound if it does not exist, and warns of one that has ended.
func (r *readOnlyRepositoryRefResource) branchOf(ctx context.Context, state readOnlyRepositoryRefModel, wasMerged bool, diags *diag.Diagnostics) (*infrahub.Branch, error) {
	name := state.Branch.ValueString()
	branch, err := r.Branches().GetByName(ctx, name)
	switch {
	case errors.Is(err, infrahub.ErrNotFound) && wasMerged:
		diags.Append(branchMergedAndDeleted(name))
	case errors.Is(err, infrahub.ErrNotFound):
		diags.Append(branchGone(name))
	case err == nil && branch.Merged():
		diags.Append(branchMerged(name))
	}
	return branch, err
}

// saveMerged records in private state whether the branch is merged, if that has changed.
func saveMerged(ctx context.Context, merged, wasMerged bool, private privateWriter) diag.Diagnostics {
	switch {
	case merged == wasMerged:
		return nil
	case merged:
		return private.SetKey(ctx, mergedBranchKey, []byte("true"))
	default:
		return private.SetKey(ctx, mergedBranchKey, nil)
	}
}

// Update sets the ref and imports it, also where only the last import failed.
func (r *readOnlyRepositoryRefResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	setIdentity(ctx, resp.Identity, plan.ID.ValueString(), &resp.Diagnostics)
	ctx, cancel := withTimeout(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	record := failedImport{Ref: plan.Ref.ValueString(), Commit: state.Commit.ValueString()}
	var started *infrahub.Import
	if plan.Commit.IsUnknown() { // an import is due
		var err error
		if started, err = r.onBranch(plan).SetRef(ctx, plan.RepositoryID.ValueString(), record.Ref, true); err != nil {
			// What was refused, or never sent, has started no import.
			if infrahub.OutcomeUnknown(err) {
				resp.Diagnostics.Append(record.save(ctx, resp.Private, err)...)
			}
			resp.Diagnostics.Append(r.failed("Not Set", plan, err))
			return
		}
	}
	imported, err := r.waitAndRecord(ctx, started, plan.WaitForImport, record, resp.Private, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Imported", plan, err))
	}
	r.save(ctx, plan, imported, &resp.State, &resp.Diagnostics)
}

// Delete changes nothing: the branch keeps what it has imported.
func (r *readOnlyRepositoryRefResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

// ImportState takes the id or the name of the repository, a slash, and the name of the branch. An id and the name of a
// repository have no slash in them.
func (r *readOnlyRepositoryRefResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	const expects = "the id or the name of the read-only repository, a slash, and the name of the Infrahub branch, such as network/release-1.2"
	given, byIdentity := importID(ctx, req, expects, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	repository, branch, found := strings.Cut(given, "/")
	switch isRef := found && repository != "" && branch != ""; {
	case byIdentity && (!isRef || !isUUID(repository)):
		resp.Diagnostics.Append(invalidIdentity(given, "the UUID of a read-only repository, a slash, and the name of a branch"))
		return
	case !isRef:
		resp.Diagnostics.AddError("Invalid Import Id", fmt.Sprintf("%q does not name a repository and a branch: give %s.", given, expects))
		return
	case nameFaults(branch) != nil:
		resp.Diagnostics.AddError("Invalid Import Id", fmt.Sprintf("No branch is named %q: the name has %s. Give %s.", branch, strings.Join(nameFaults(branch), ", and "), expects))
		return
	}
	client := r.WithBranch(branch)
	repositoryID, err := findID(ctx, client.Repositories(infrahub.ReadOnly), repository, !byIdentity)
	if err != nil {
		var hint string
		if errors.Is(err, infrahub.ErrNotFound) && otherRepositoryType(ctx, client, infrahub.ReadOnly, repository) != "" {
			hint = "It is a read-write repository, an infrahub_repository, which has no ref on a branch."
		}
		resp.Diagnostics.Append(importNotFound(infrahub.ReadOnly.String(), repository, fmt.Sprintf("branch %q", branch), hint, err))
		return
	}
	id := repositoryID + "/" + branch
	for name, value := range map[string]string{"id": id, "repository_id": repositoryID, "branch": branch} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// ModifyPlan keeps the commit unless an import is due, and refuses to change a branch that was merged.
func (r *readOnlyRepositoryRefResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroy
	}
	var plan, state readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(repositoryReference().check(plan.RepositoryID)...)
	creating := req.State.Raw.IsNull()
	if !creating {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	failed, diags := loadFailedImport(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	changed := creating || !plan.Ref.Equal(state.Ref)
	retry := !creating && failed != nil
	wasMerged, diags := req.Private.GetKey(ctx, mergedBranchKey)
	resp.Diagnostics.Append(diags...)
	merged := (changed || retry) && r.isMerged(ctx, plan, len(wasMerged) > 0 && plan.Branch.Equal(state.Branch), &resp.Diagnostics)
	switch {
	case merged && changed:
		resp.Diagnostics.Append(r.failed("Not Planned", plan, fmt.Errorf("the branch %s is %w", plan.Branch.ValueString(), infrahub.ErrMerged)))
	case !changed && (!retry || merged):
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("commit"), state.Commit)...)
	default:
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("commit"), types.StringUnknown())...)
		if retry {
			resp.Diagnostics.Append(failed.retryWarning("ref of the read-only repository " + state.RepositoryID.ValueString() + " on branch " + state.Branch.ValueString()))
		}
	}
}

// isMerged reports whether the branch of a plan takes no more changes. A branch that does not exist, and was not merged, may be
// created by the same apply.
func (r *readOnlyRepositoryRefResource) isMerged(ctx context.Context, plan readOnlyRepositoryRefModel, wasMerged bool, diags *diag.Diagnostics) bool {
	if r.providerData == nil || plan.Branch.IsUnknown() {
		return false
	}
	branch, err := r.Branches().GetByName(ctx, plan.Branch.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		return wasMerged
	case err != nil:
		diags.Append(r.failed("Not Planned", plan, err))
		return false
	default:
		return branch.Merged()
	}
}

// save saves the commit that was imported or, if nothing was waited for, the one that the server has now. If that cannot be
// read, the plan is saved.
func (r *readOnlyRepositoryRefResource) save(ctx context.Context, plan readOnlyRepositoryRefModel, imported *infrahub.Repository, state *tfsdk.State, diags *diag.Diagnostics) {
	if plan.Commit.IsUnknown() {
		if imported == nil {
			found, err := readAfterImport(ctx, r.onBranch(plan), infrahub.ReadOnly, plan.RepositoryID.ValueString())
			if err != nil {
				diags.Append(r.failed("Not Read", plan, err))
				found = &infrahub.Repository{}
			}
			imported = found
		}
		plan.Commit = types.StringPointerValue(imported.Commit)
	}
	diags.Append(state.Set(ctx, plan)...)
}

// onBranch returns the client for the branch of a model.
func (r *readOnlyRepositoryRefResource) onBranch(model readOnlyRepositoryRefModel) *infrahub.Client {
	return r.WithBranch(model.Branch.ValueString())
}

// failed returns the diagnostic of an operation, such as "Not Set". The failure of an import has its own.
func (r *readOnlyRepositoryRefResource) failed(outcome string, model readOnlyRepositoryRefModel, err error) diag.Diagnostic {
	if diagnostic := importDiagnostic(err, startedByUpdate); diagnostic != nil {
		return diagnostic
	}
	object := fmt.Sprintf("Ref %s of the read-only repository %s on branch %s", model.Ref.ValueString(), model.RepositoryID.ValueString(), model.Branch.ValueString())
	diagnostic := errorDiagnostic("Ref "+outcome, subject{object: object, kind: "infrahub_read_only_repository_ref", attributes: []string{"ref"}}, err)
	switch {
	case errors.Is(err, infrahub.ErrBranchNotFound), errors.Is(err, infrahub.ErrMerged), errors.Is(err, infrahub.ErrInactive):
		return diag.WithPath(path.Root("branch"), diagnostic)
	case errors.Is(err, infrahub.ErrNotFound):
		return diag.WithPath(path.Root("repository_id"), diag.NewErrorDiagnostic("Ref "+outcome, detail(object, err, "Check repository_id. "+repositoryReference().hint())))
	default:
		return diagnostic
	}
}
