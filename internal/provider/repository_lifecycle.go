package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// repositoryBase is what both kinds of repository do alike; they differ in what they call the ref.
type repositoryBase struct {
	client
	kind infrahub.Kind
	// title begins a summary: "Repository".
	title string
	// refName is the attribute that holds the ref.
	refName string
	// model makes an empty model of the kind.
	model func() repositoryState
}

// repositoryState is the model of either kind.
type repositoryState interface {
	// common is what both kinds have.
	common() *repositoryModel
	// ref is the attribute that holds the ref.
	ref() *types.String
	// planned is what a plan knows of the ref from the Git remote, nil of a kind that is not pinned.
	planned() *resolution
}

type repositoryModel struct {
	ID                types.String   `tfsdk:"id"`
	Name              types.String   `tfsdk:"name"`
	Location          location       `tfsdk:"location"`
	CredentialID      types.String   `tfsdk:"credential_id"`
	Tags              types.Set      `tfsdk:"tags"`
	Description       types.String   `tfsdk:"description"`
	WaitForImport     types.Bool     `tfsdk:"wait_for_import"`
	ReimportTriggers  types.Map      `tfsdk:"reimport_triggers"`
	Commit            types.String   `tfsdk:"commit"`
	InternalStatus    types.String   `tfsdk:"internal_status"`
	OperationalStatus types.String   `tfsdk:"operational_status"`
	SyncStatus        types.String   `tfsdk:"sync_status"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

func (m *repositoryModel) common() *repositoryModel { return m }

func repositoryAttributes(ctx context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": idAttribute(),
		"name": schema.StringAttribute{
			MarkdownDescription: "Name of the repository, unique among repositories of both kinds and without a slash. Changing it renames the repository in place.",
			Required:            true,
			Validators:          repositoryName(),
		},
		"location": schema.StringAttribute{
			MarkdownDescription: "URL of the Git repository as the Infrahub server reaches it, unique among repositories of both kinds and without a username or password. " +
				"A suffix `.git` that Infrahub appends is no difference. Changing it is an update in place, after which Infrahub imports from the new location.",
			Required:      true,
			CustomType:    locationType{},
			Validators:    append(requiredText(), gitURL{}),
			PlanModifiers: []planmodifier.String{keepLocation{}},
		},
		"credential_id": schema.StringAttribute{
			MarkdownDescription: "Id of the `infrahub_password_credential` with which Infrahub reaches a private repository. Removing it detaches the credential.",
			Optional:            true,
			Validators:          []validator.String{nodeID()},
		},
		"tags": schema.SetAttribute{
			MarkdownDescription: "Names of the tags of the repository; they must exist in Infrahub. Removing it, or an empty set, removes all tags.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.ValueStringsAre(requiredText()...)},
		},
		"description": schema.StringAttribute{
			MarkdownDescription: "What the repository is for. Removing it clears it.",
			Optional:            true,
			Validators:          anyText(),
		},
		"wait_for_import": schema.BoolAttribute{
			MarkdownDescription: "Whether an apply waits until Infrahub has imported, and fails if the import fails. Defaults to the provider's setting, which is `true`. " +
				"If `false`, `commit` and the statuses are those of the moment, and a later refresh updates them.",
			Optional: true,
		},
		"reimport_triggers": schema.MapAttribute{
			MarkdownDescription: "Any values; when one changes Infrahub imports the repository again, although nothing else changed.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Map{mapvalidator.SizeAtLeast(1)},
		},
		"commit": schema.StringAttribute{
			MarkdownDescription: "Hash of the commit that Infrahub imported last on the provider's branch.",
			Computed:            true,
		},
		"internal_status": schema.StringAttribute{
			MarkdownDescription: "Whether the repository is in use on the provider's branch: `active`, `staging` or `inactive`.",
			Computed:            true,
		},
		"operational_status": schema.StringAttribute{
			MarkdownDescription: "Whether Infrahub reaches the repository: `unknown`, `online`, `error-cred`, `error-connection` or `error`.",
			Computed:            true,
		},
		"sync_status": schema.StringAttribute{
			MarkdownDescription: "What Infrahub says of its import: `unknown`, `syncing`, `in-sync` or `error-import`. It lags behind; whether an import worked is told by the apply.",
			Computed:            true,
		},
		"timeouts": timeouts.Attributes(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
	}
}

func (r *repositoryBase) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan := r.model()
	resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	want := r.repository(ctx, plan, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.common().Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	if r.resolve(ctx, plan, &resp.Diagnostics); resp.Diagnostics.HasError() {
		return
	}
	id, started, err := r.CreateRepository(ctx, want)
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Created", plan, err))
		return
	}
	plan.common().ID = types.StringValue(id)
	imported, err := r.imported(ctx, started, plan, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(r.failed("Not Imported", plan, err))
	}
	r.save(ctx, plan, imported, &resp.State, &resp.Diagnostics)
}

func (r *repositoryBase) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state := r.model()
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.common().Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	found, err := r.Repositories(r.kind).Get(ctx, state.common().ID.ValueString())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
	default:
		r.remember(ctx, state, *found, resp)
		resp.Diagnostics.Append(resp.State.Set(ctx, r.state(ctx, state, *found, &resp.Diagnostics))...)
	}
}

// remember looks at how the import went of a ref or location that is not the state's: this process or
// an earlier one, which was killed before it could save what it knew, may have set it.
func (r *repositoryBase) remember(ctx context.Context, state repositoryState, found infrahub.Repository, resp *resource.ReadResponse) {
	before := state.common().Location
	if before.IsNull() || found.Ref == state.ref().ValueString() && before.sameRemote(newLocation(found.Location)) {
		return
	}
	moved, err := r.LastImport(ctx, found)
	failure := memory{Ref: found.Ref, Moved: moved}
	switch {
	case err == nil:
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, nil)...)
		return
	case importFailure(err) != nil:
		failure.Reason = reasonOf(err)
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, failure.encode())...)
	default:
		resp.Diagnostics.Append(r.failed("Not Read", state, err))
	}
}

func (r *repositoryBase) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan, state := r.model(), r.model()
	resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	before, after := r.repository(ctx, state, &resp.Diagnostics), r.repository(ctx, plan, &resp.Diagnostics)
	remembered, diags := recall(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.common().Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	if r.resolve(ctx, plan, &resp.Diagnostics); resp.Diagnostics.HasError() {
		return
	}
	failure := memory{Ref: after.Ref, Moved: before.Location != after.Location || remembered != nil && remembered.Moved}
	started, err := r.update(ctx, before, after, remembered, plan.common().Commit.IsUnknown())
	if err != nil {
		// What it changed is found by the next refresh; that an import is due must not be forgotten.
		if remembered != nil || r.importDue(plan, state) {
			failure.Reason = cause(err)
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, failure.encode())...)
		}
		resp.Diagnostics.Append(r.failed("Not Updated", state, err))
		return
	}
	imported, err := r.imported(ctx, started, plan, &resp.Diagnostics)
	if err != nil {
		failure.Reason = reasonOf(err)
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, failure.encode())...)
		resp.Diagnostics.Append(r.failed("Not Imported", plan, err))
	} else {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, failureKey, nil)...)
	}
	r.save(ctx, plan, imported, &resp.State, &resp.Diagnostics)
}

// update changes the repository and starts the import that is due: for what changed, for one that failed
// before, or again for what the ref stands for now.
func (r *repositoryBase) update(ctx context.Context, before, after infrahub.Repository, remembered *memory, again bool) (*infrahub.Import, error) {
	if remembered != nil && remembered.Moved {
		return r.Relocate(ctx, before, after)
	}
	started, err := r.UpdateRepository(ctx, before, after)
	if err == nil && started == nil && again {
		return r.Reimport(ctx, after)
	}
	return started, err
}

func (r *repositoryBase) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	state := r.model()
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.common().Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	if err := r.Repositories(r.kind).Delete(ctx, state.common().ID.ValueString()); err != nil {
		resp.Diagnostics.Append(r.failed("Not Deleted", state, err))
	}
}

func (r *repositoryBase) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByIDOrName(ctx, req, resp, r.kind.String(), func(id string) error {
		_, err := r.Repositories(r.kind).Get(ctx, id)
		return err
	}, func(name string) (string, error) {
		found, err := r.Repositories(r.kind).GetByName(ctx, name)
		if err != nil {
			return "", err
		}
		return found.ID, nil
	})
}

// ModifyPlan says what an apply will change beyond the configuration.
func (r *repositoryBase) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroy
	}
	plan := r.model()
	resp.Diagnostics.Append(req.Plan.Get(ctx, plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if planned := plan.planned(); planned != nil {
		planned.PlannedCommit = types.StringUnknown()
		r.resolve(ctx, plan, &resp.Diagnostics)
	}
	if req.State.Raw.IsNull() {
		r.warnOfBranch(&resp.Diagnostics)
	} else {
		r.planUpdate(ctx, plan, req, resp)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// warnOfBranch tells what it means to create a repository on another branch than the default one.
func (r *repositoryBase) warnOfBranch(diags *diag.Diagnostics) {
	if r.connection == nil || r.branch.Default || r.branch.ID == "" {
		return
	}
	diags.AddWarning(r.title+" Is Created on a Branch", fmt.Sprintf(
		"The provider's branch is %q, which is not Infrahub's default branch. The repository is seen on all branches, but is imported into this one alone: "+
			"elsewhere it is inactive and has no commit until the branch is merged. Deleting it on any branch deletes it everywhere.\n\n"+
			"To have a branch import another ref of a repository that the default branch has already, use infrahub_read_only_repository_ref.", r.branch.Name))
}

// planUpdate plans nothing beyond the configuration if no import is due; else the commit, and the
// statuses where they are not what a good import leaves behind.
func (r *repositoryBase) planUpdate(ctx context.Context, plan repositoryState, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	state := r.model()
	resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	remembered, diags := recall(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	p, s := plan.common(), state.common()
	p.Commit, p.InternalStatus, p.OperationalStatus, p.SyncStatus = s.Commit, s.InternalStatus, s.OperationalStatus, s.SyncStatus
	if remembered != nil || r.importDue(plan, state) {
		p.Commit = types.StringUnknown()
		if !r.waits(p.WaitForImport) || !healthy(s) {
			p.InternalStatus, p.OperationalStatus, p.SyncStatus = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
		}
	}
	if remembered != nil {
		resp.Diagnostics.Append(importDueAgain(fmt.Sprintf("%s %q", r.kind, s.Name.ValueString()), *remembered))
	}
}

// importDue reports whether an update from state to plan makes Infrahub import.
func (r *repositoryBase) importDue(plan, state repositoryState) bool {
	p, s := plan.common(), state.common()
	return !p.Location.Equal(s.Location) || !p.ReimportTriggers.Equal(s.ReimportTriggers) ||
		r.kind == infrahub.ReadOnly && !plan.ref().Equal(*state.ref()) || r.refMoved(plan, state)
}

// healthy reports whether statuses are those that a good import leaves behind.
func healthy(m *repositoryModel) bool {
	return m.InternalStatus.ValueString() == "active" && m.OperationalStatus.ValueString() == "online" && m.SyncStatus.ValueString() == "in-sync"
}

// imported waits for an import and makes sure that it ended on the commit that was planned.
func (r *repositoryBase) imported(ctx context.Context, started *infrahub.Import, plan repositoryState, diags *diag.Diagnostics) (*infrahub.Repository, error) {
	imported, err := r.wait(ctx, started, plan.common().WaitForImport, diags)
	if err == nil && imported != nil && plan.planned() != nil {
		diags.Append(plan.planned().unlike(*imported)...)
	}
	return imported, err
}

// save makes the state of what was imported, or else of what the server has now. If that cannot be
// read, the plan is saved: the object must not be lost.
func (r *repositoryBase) save(ctx context.Context, plan repositoryState, imported *infrahub.Repository, state *tfsdk.State, diags *diag.Diagnostics) {
	if imported == nil {
		// Also after a timeout or an interrupt there is time for one read.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		found, err := r.Repositories(r.kind).Get(ctx, plan.common().ID.ValueString())
		if err != nil {
			diags.Append(r.failed("Not Read", plan, err))
			plan.common().forgetUnknown()
			diags.Append(state.Set(ctx, plan)...)
			return
		}
		imported = found
	}
	saved := r.state(ctx, plan, *imported, diags)
	if !diags.HasError() {
		saved.common().keepPlanned(plan.common())
		*saved.ref() = *plan.ref()
	}
	diags.Append(state.Set(ctx, saved)...)
}

// keepPlanned holds what was promised where the server has moved on since the plan; the next refresh
// takes that over.
func (m *repositoryModel) keepPlanned(plan *repositoryModel) {
	keep := func(value *types.String, planned types.String) {
		if !planned.IsUnknown() {
			*value = planned
		}
	}
	m.Location, m.Tags = plan.Location, plan.Tags
	keep(&m.Name, plan.Name)
	keep(&m.Description, plan.Description)
	keep(&m.CredentialID, plan.CredentialID)
	keep(&m.Commit, plan.Commit)
	keep(&m.InternalStatus, plan.InternalStatus)
	keep(&m.OperationalStatus, plan.OperationalStatus)
	keep(&m.SyncStatus, plan.SyncStatus)
}

// forgetUnknown leaves to the next refresh what could not be read.
func (m *repositoryModel) forgetUnknown() {
	for _, value := range []*types.String{&m.Commit, &m.InternalStatus, &m.OperationalStatus, &m.SyncStatus} {
		if value.IsUnknown() {
			*value = types.StringNull()
		}
	}
}

// repository is a model as the client knows it.
func (r *repositoryBase) repository(ctx context.Context, m repositoryState, diags *diag.Diagnostics) infrahub.Repository {
	c := m.common()
	wanted := infrahub.Repository{
		Kind:         r.kind,
		ID:           c.ID.ValueString(),
		Name:         c.Name.ValueString(),
		Location:     c.Location.ValueString(),
		Ref:          m.ref().ValueString(),
		Description:  optional(c.Description),
		CredentialID: optional(c.CredentialID),
	}
	if !c.Tags.IsNull() {
		diags.Append(c.Tags.ElementsAs(ctx, &wanted.Tags, false)...)
	}
	return wanted
}

// state is what the server has, with what Terraform alone knows from known: a plan or a state.
func (r *repositoryBase) state(ctx context.Context, known repositoryState, found infrahub.Repository, diags *diag.Diagnostics) repositoryState {
	state := r.model()
	k := known.common()
	*state.common() = repositoryModel{
		ID:                types.StringValue(found.ID),
		Name:              types.StringValue(found.Name),
		Location:          newLocation(found.Location),
		CredentialID:      types.StringPointerValue(found.CredentialID),
		Tags:              types.SetNull(types.StringType),
		Description:       types.StringPointerValue(found.Description),
		WaitForImport:     k.WaitForImport,
		ReimportTriggers:  k.ReimportTriggers,
		Commit:            types.StringPointerValue(found.Commit),
		InternalStatus:    types.StringValue(found.InternalStatus),
		OperationalStatus: types.StringValue(found.OperationalStatus),
		SyncStatus:        types.StringValue(found.SyncStatus),
		Timeouts:          k.Timeouts,
	}
	*state.ref() = types.StringValue(found.Ref)
	if kept := state.planned(); kept != nil {
		*kept = *known.planned()
	}
	if len(found.Tags) > 0 || !k.Tags.IsNull() { // no tags are null or an empty set, as they were
		tags, problems := types.SetValueFrom(ctx, types.StringType, append([]string{}, found.Tags...))
		diags.Append(problems...)
		state.common().Tags = tags
	}
	return state
}

// failed is the diagnostic of an operation on a repository: what is "Not Created".
func (r *repositoryBase) failed(what string, m repositoryState, err error) diag.Diagnostic {
	if told := importFailure(err); told != nil {
		return told
	}
	object := fmt.Sprintf("%s %s on branch %s", r.title, m.common().Name.ValueString(), r.Branch())
	return failed(r.title+" "+what, object, err, "name", "location", r.refName, "credential_id", "tags", "description")
}
