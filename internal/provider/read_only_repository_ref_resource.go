package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

var (
	_ resource.ResourceWithConfigure   = (*readOnlyRepositoryRefResource)(nil)
	_ resource.ResourceWithImportState = (*readOnlyRepositoryRefResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*readOnlyRepositoryRefResource)(nil)
)

func newReadOnlyRepositoryRefResource() resource.Resource { return &readOnlyRepositoryRefResource{} }

// readOnlyRepositoryRefResource is what a read-only repository is pinned to on one branch. It owns
// neither of the two.
type readOnlyRepositoryRefResource struct {
	client
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

func (r *readOnlyRepositoryRefResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_read_only_repository_ref"
}

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
				MarkdownDescription: "Id of the `infrahub_read_only_repository`. Changing it forgets the ref of the one and sets that of the other.",
				Required:            true,
				Validators:          []validator.String{nodeID()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"branch": schema.StringAttribute{
				MarkdownDescription: "Name of the Infrahub branch on which the ref holds; the other branches keep theirs. Make the branch after the repository was imported: Infrahub keeps no ref on one that is older. Changing it forgets the ref on the one and sets that on the other.",
				Required:            true,
				Validators:          branchName(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"ref": schema.StringAttribute{
				MarkdownDescription: "Branch, tag or commit of the Git repository to import on this branch. Changing it is an update in place, done when Infrahub has imported it.",
				Required:            true,
				Validators:          requiredText(),
			},
			"wait_for_import": schema.BoolAttribute{
				MarkdownDescription: "Whether an apply waits until Infrahub has imported, and fails if the import fails. Defaults to the provider's setting, which is `true`.",
				Optional:            true,
			},
			"commit": schema.StringAttribute{
				MarkdownDescription: "Hash of the commit that Infrahub imported last on this branch.",
				Computed:            true,
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{Create: true, Read: true, Update: true}),
		},
	}
}

func (r *readOnlyRepositoryRefResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	started, err := r.on(plan).SetRef(ctx, plan.RepositoryID.ValueString(), plan.Ref.ValueString(), false)
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Set", plan, err))
		return
	}
	plan.ID = types.StringValue(plan.RepositoryID.ValueString() + "/" + plan.Branch.ValueString())
	imported, err := r.wait(ctx, started, plan.WaitForImport, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Imported", plan, err))
	}
	r.save(ctx, plan, imported, &resp.State, &resp.Diagnostics)
}

// Read keeps the ref on a branch that was merged, which takes no more changes.
func (r *readOnlyRepositoryRefResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	branch, err := r.Branches().GetByName(ctx, state.Branch.ValueString())
	if errors.Is(err, infrahub.ErrNotFound) {
		resp.Diagnostics.Append(branchGone(state.Branch.ValueString()))
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
		return
	}
	if branch.Merged() {
		resp.Diagnostics.Append(branchMerged(branch.Name))
	}
	found, err := r.on(state).Repositories(infrahub.ReadOnly).Get(ctx, state.RepositoryID.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
		return
	}
	if found.Ref != state.Ref.ValueString() && !state.Ref.IsNull() {
		r.remember(ctx, state, *found, resp)
	}
	state.Ref, state.Commit = types.StringValue(found.Ref), types.StringPointerValue(found.Commit)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// remember looks at how the import went of a ref that is not the state's: an apply that was killed may
// have set it.
func (r *readOnlyRepositoryRefResource) remember(ctx context.Context, state readOnlyRepositoryRefModel, found infrahub.Repository, resp *resource.ReadResponse) {
	_, err := r.on(state).LastImport(ctx, found)
	switch {
	case err == nil:
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, nil)...)
	case importFailure(err) != nil:
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, memory{Ref: found.Ref, Reason: reasonOf(err)}.encode())...)
	default:
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
	}
}

func (r *readOnlyRepositoryRefResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	due := plan.Commit.IsUnknown()
	var started *infrahub.Import
	var err error
	if due {
		started, err = r.on(plan).SetRef(ctx, plan.RepositoryID.ValueString(), plan.Ref.ValueString(), true)
	}
	if err != nil {
		// On a branch that is merged or gone nothing was changed, and nothing can be tried again.
		if !errors.Is(err, infrahub.ErrMerged) && !errors.Is(err, infrahub.ErrBranchNotFound) {
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, memory{Ref: plan.Ref.ValueString(), Reason: cause(err)}.encode())...)
		}
		resp.Diagnostics.Append(r.failed("Not Set", plan, err))
		return
	}
	imported, err := r.wait(ctx, started, plan.WaitForImport, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, memory{Ref: plan.Ref.ValueString(), Reason: reasonOf(err)}.encode())...)
		resp.Diagnostics.Append(r.failed("Not Imported", plan, err))
	} else {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, nil)...)
	}
	r.save(ctx, plan, imported, &resp.State, &resp.Diagnostics)
}

// Delete changes nothing: what the branch has imported is for the branch to keep.
func (r *readOnlyRepositoryRefResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

// ImportState takes the id or the name of the repository, a slash, and the name of the branch. Neither of
// the first two has a slash in it.
func (r *readOnlyRepositoryRefResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	repository, branch, found := strings.Cut(req.ID, "/")
	if !found || repository == "" || branch == "" {
		resp.Diagnostics.AddError("Invalid Import Id", fmt.Sprintf(
			"%q is not a repository and a branch: give the id or the name of the read-only repository, a slash, and the name of the Infrahub branch, such as network/release-1.2.", req.ID))
		return
	}
	on := r.WithBranch(branch)
	id := importedID(repository, "read-only repository", fmt.Sprintf("branch %q", branch), func(id string) error {
		_, err := on.Repositories(infrahub.ReadOnly).Get(ctx, id)
		return err
	}, func(name string) (string, error) {
		found, err := on.Repositories(infrahub.ReadOnly).GetByName(ctx, name)
		if err != nil {
			return "", err
		}
		return found.ID, nil
	}, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	for name, value := range map[string]string{"id": id + "/" + branch, "repository_id": id, "branch": branch} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
}

// ModifyPlan keeps the commit unless an import is due, and refuses to change what was merged.
func (r *readOnlyRepositoryRefResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroy
	}
	var plan, state readOnlyRepositoryRefModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	creating := req.State.Raw.IsNull()
	if !creating {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	remembered, diags := recall(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	changed := creating || !plan.Ref.Equal(state.Ref)
	again := !creating && remembered != nil
	merged := (changed || again) && r.merged(ctx, plan, &resp.Diagnostics)
	switch {
	case merged && changed:
		resp.Diagnostics.Append(r.failed("Not Planned", plan, fmt.Errorf("the branch %s is %w", plan.Branch.ValueString(), infrahub.ErrMerged)))
	case !changed && (!again || merged):
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("commit"), state.Commit)...)
	default:
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("commit"), types.StringUnknown())...)
		if again {
			resp.Diagnostics.Append(importDueAgain("ref of the read-only repository "+state.RepositoryID.ValueString()+" on branch "+state.Branch.ValueString(), *remembered))
		}
	}
}

// merged reports whether the branch of a plan takes no more changes. One that is not there yet may be made by
// the same apply.
func (r *readOnlyRepositoryRefResource) merged(ctx context.Context, plan readOnlyRepositoryRefModel, diags *diag.Diagnostics) bool {
	if r.connection == nil || plan.Branch.IsUnknown() {
		return false
	}
	branch, err := r.Branches().GetByName(ctx, plan.Branch.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		return false
	case err != nil:
		diags.Append(r.failed("Not Planned", plan, err))
		return false
	default:
		return branch.Merged()
	}
}

// save makes the state of what was imported, or else of what the server has now. If that cannot be
// read, the plan is saved.
func (r *readOnlyRepositoryRefResource) save(ctx context.Context, plan readOnlyRepositoryRefModel, imported *infrahub.Repository, state *tfsdk.State, diags *diag.Diagnostics) {
	if imported == nil && plan.Commit.IsUnknown() {
		// Also after a timeout or an interrupt there is time for one read.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		found, err := r.on(plan).Repositories(infrahub.ReadOnly).Get(ctx, plan.RepositoryID.ValueString())
		if err != nil {
			diags.Append(r.failed("Not Read", plan, err))
			found = &infrahub.Repository{}
		}
		imported = found
	}
	if plan.Commit.IsUnknown() {
		plan.Commit = types.StringPointerValue(imported.Commit)
	}
	diags.Append(state.Set(ctx, plan)...)
}

// on is the client for the branch of a model.
func (r *readOnlyRepositoryRefResource) on(model readOnlyRepositoryRefModel) *infrahub.Client {
	return r.WithBranch(model.Branch.ValueString())
}

// failed is the diagnostic of an operation: what is "Not Set".
func (r *readOnlyRepositoryRefResource) failed(what string, m readOnlyRepositoryRefModel, err error) diag.Diagnostic {
	if told := importFailure(err); told != nil {
		return told
	}
	object := fmt.Sprintf("Ref %s of the read-only repository %s on branch %s", m.Ref.ValueString(), m.RepositoryID.ValueString(), m.Branch.ValueString())
	told := failed("Ref "+what, object, err, "ref")
	switch {
	case errors.Is(err, infrahub.ErrBranchNotFound), errors.Is(err, infrahub.ErrMerged), errors.Is(err, infrahub.ErrInactive):
		return diag.WithPath(path.Root("branch"), told)
	case errors.Is(err, infrahub.ErrNotFound):
		return diag.WithPath(path.Root("repository_id"), diag.NewErrorDiagnostic("Ref "+what, detail(object, err,
			"Check that repository_id is the id of a read-only repository that is still there: infrahub_read_only_repository.NAME.id.")))
	default:
		return told
	}
}
