package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// nodeKind describes a kind of Infrahub node to Terraform: M is its model, T the client's node. Resource, data
// source and list resource of the kind share it.
type nodeKind[M, T any] struct {
	// typeName follows "infrahub_" in the name of the Terraform type.
	typeName string
	// title begins the summary of a diagnostic, such as "Proposed Change".
	title string
	// schema returns the schema of the resource.
	schema func(ctx context.Context) schema.Schema
	// nodes returns the client's operations. Reads ask only for those secrets that known holds.
	nodes func(client *infrahub.Client, known M) infrahub.Nodes[T]
	// base returns what every model has.
	base func(model *M) *nodeModel
	// everywhere is whether a node exists on every branch, and so outlives the branch that it was created on.
	everywhere bool
	// describe names an object in a diagnostic.
	describe func(model M, branch string) string
	// expand returns the node that a plan or a state describes.
	expand func(model M) T
	// flatten returns the model of a node. What only Terraform knows comes from known: a plan or a state.
	flatten func(node T, known M) M
	// secrets, if set, copies the write-only values of the configuration into before and after, so that an update sends those
	// that changed. On create, state is empty and before is ignored.
	secrets func(config, plan, state M, before, after *T)
	// afterRead, if set, returns the warnings of a refresh. The node is nil if it does not exist any more.
	afterRead func(ctx context.Context, client *infrahub.Client, known M, node *T) diag.Diagnostics
	// afterUpdate, if set, returns the warnings after a successful update from before to after.
	afterUpdate func(ctx context.Context, client *infrahub.Client, plan M, before, after T) diag.Diagnostics
	// afterDelete, if set, returns the warnings after a successful destroy.
	afterDelete func(ctx context.Context, client *infrahub.Client, known M) diag.Diagnostics
	// keepGone, if set, reports whether a node that does not exist any more stays in the state.
	keepGone func(known M) bool
	// otherType, if set, returns the resource type of an object of another kind with this id or name, "" if none is found.
	otherType func(ctx context.Context, client *infrahub.Client, given string) string
	// adoption, if set, describes how a create adopts what exists.
	adoption *adoption[M, T]
}

// nodeModel is embedded by the model of every kind.
type nodeModel struct {
	ID       types.String   `tfsdk:"id"`
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

// nodeResource implements CRUD, terraform import and identity for resources that map to one Infrahub node. Resources that make
// Infrahub import a repository override Create and Update.
type nodeResource[M, T any] struct {
	resourceBase
	nodeKind[M, T]
}

// Metadata returns the name of the type.
func (r *nodeResource[M, T]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.typeName
}

// Schema returns the schema of the kind.
func (r *nodeResource[M, T]) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = r.schema(ctx)
}

// IdentitySchema returns the identity of every resource: its id, which never changes.
func (r *nodeResource[M, T]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = idIdentity()
}

// Create saves the object as soon as it exists, whatever the read after it returns.
func (r *nodeResource[M, T]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, r.base(&plan).Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	r.create(ctx, req, resp, plan, config, r.adoptNode(plan, req.Plan))
}

// create creates the object, or adopts the one that exists. It reports whether there is a new object.
func (r *nodeResource[M, T]) create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse, plan, config M, adopt adopter[T]) bool {
	if r.adopt(ctx, req, resp, plan, false, adopt) {
		return false
	}
	want := r.expand(plan)
	if r.secrets != nil {
		var state M
		r.secrets(config, plan, state, new(T), &want)
	}
	id, err := r.nodesWithoutSecrets().Create(ctx, want)
	if err != nil {
		if isTaken(err) && r.adopt(ctx, req, resp, plan, true, adopt) {
			return false // somebody else has created it in the meantime
		}
		resp.Diagnostics.Append(r.failed(ctx, "Not Created", plan, err))
		return false
	}
	r.base(&plan).ID = types.StringValue(id)
	resp.State.Raw = nullUnknowns(req.Plan.Raw)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
	resp.Diagnostics.Append(saveText(ctx, resp.Private, branchKey, r.Branch())...)
	r.saveRead(ctx, plan, req.Plan, &resp.State, &resp.Diagnostics)
	return true
}

// ModifyPlan announces what a create adopts.
func (r *nodeResource[M, T]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planAdoption(ctx, req, &resp.Diagnostics)
}

// Read removes the object from the state if the server says that it does not exist, unless the kind keeps it.
func (r *nodeResource[M, T]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, found := r.readNode(ctx, req, resp)
	if found != nil {
		resp.Diagnostics.Append(r.saveRefreshed(ctx, *found, state, &resp.State)...)
	}
}

// saveRefreshed saves what a refresh has read, if that is not in the state already: Set takes a sixth of the time of a refresh.
func (r *nodeResource[M, T]) saveRefreshed(ctx context.Context, found T, known M, state *tfsdk.State) diag.Diagnostics {
	refreshed := r.flatten(found, known)
	if reflect.DeepEqual(refreshed, known) {
		return nil
	}
	return state.Set(ctx, refreshed)
}

// readNode returns the state and the node, nil if there is nothing to save.
func (r *nodeResource[M, T]) readNode(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) (M, *T) {
	var state M
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return state, nil
	}
	id := r.base(&state).ID.ValueString()
	r.adopted.see(id)
	// Set first, because an object that is gone needs its identity too.
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
	ctx, cancel := withTimeout(ctx, r.base(&state).Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	found, err := r.nodes(r.Client, state).Refresh(ctx, id)
	if errors.Is(err, infrahub.ErrBranchNotFound) {
		r.readWithoutBranch(ctx, id, state, req.Private, resp)
		return state, nil
	}
	if err == nil {
		resp.Diagnostics.Append(saveText(ctx, resp.Private, branchKey, r.Branch())...)
	}
	gone := errors.Is(err, infrahub.ErrNotFound)
	if err != nil && !gone {
		resp.Diagnostics.Append(r.failed(ctx, "Not Read", state, err))
		return state, nil
	}
	if r.afterRead != nil {
		resp.Diagnostics.Append(r.afterRead(ctx, r.Client, state, found)...)
	}
	if gone && (r.keepGone == nil || !r.keepGone(state)) {
		resp.State.RemoveResource(ctx)
	}
	return state, found
}

// readWithoutBranch decides about an object whose branch does not exist. Configure has warned of that. What exists on the default
// branch too stays as it is; what was on the branch alone is gone with it. If the object was last seen on another branch, the
// provider's branch is probably misspelt, and nothing is known.
func (r *nodeResource[M, T]) readWithoutBranch(ctx context.Context, id string, state M, private privateReader, resp *resource.ReadResponse) {
	_, err := r.nodes(r.OnDefaultBranch(), state).Get(ctx, id)
	seenOn, diags := loadText(ctx, private, branchKey)
	resp.Diagnostics.Append(diags...)
	switch {
	case err == nil:
	case errors.Is(err, infrahub.ErrNotFound) && seenOn == r.Branch():
		resp.State.RemoveResource(ctx)
	case errors.Is(err, infrahub.ErrNotFound):
		resp.Diagnostics.Append(r.failed(ctx, "Not Read", state, fmt.Errorf("branch %s: %w", r.Branch(), infrahub.ErrBranchNotFound)))
	default:
		resp.Diagnostics.Append(r.failed(ctx, "Not Read", state, err))
	}
}

// Update saves what was planned. What others changed in the meantime is left to the next refresh.
func (r *nodeResource[M, T]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	setIdentity(ctx, resp.Identity, r.base(&state).ID.ValueString(), &resp.Diagnostics)
	ctx, cancel := withTimeout(ctx, r.base(&plan).Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	before, after := r.expand(state), r.expand(plan)
	if r.secrets != nil {
		r.secrets(config, plan, state, &before, &after)
	}
	if err := r.nodesWithoutSecrets().Update(ctx, before, after); err != nil {
		resp.Diagnostics.Append(r.failed(ctx, "Not Updated", state, err))
		return
	}
	resp.State.Raw = nullUnknowns(req.Plan.Raw)
	r.saveRead(ctx, plan, req.Plan, &resp.State, &resp.Diagnostics)
	if r.afterUpdate != nil {
		resp.Diagnostics.Append(r.afterUpdate(ctx, r.Client, plan, before, after)...)
	}
}

// saveRead saves what a read returns, except for what was planned, which an apply must return as it is.
func (r *nodeResource[M, T]) saveRead(ctx context.Context, known M, plan tfsdk.Plan, state *tfsdk.State, diags *diag.Diagnostics) {
	found, err := r.nodes(r.Client, known).Get(ctx, r.base(&known).ID.ValueString())
	if err != nil {
		diags.Append(r.failed(ctx, "Not Read", known, err))
		return
	}
	diags.Append(state.Set(ctx, r.flatten(*found, known))...)
	keepPlanned(plan, state, diags)
}

// Delete treats an object that is already gone as deleted.
func (r *nodeResource[M, T]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state M
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, r.base(&state).Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	id := r.base(&state).ID.ValueString()
	token, diags := loadText(ctx, req.Private, adoptedKey)
	resp.Diagnostics.Append(diags...)
	if !r.adopted.beginDelete(id, token) {
		resp.Diagnostics.AddWarning(r.title+" Still Exists", fmt.Sprintf(
			"%s: another resource has adopted this object (id %s) in the same apply. It was not deleted, and is managed by that resource from now on.", r.describe(state, r.Branch()), id))
		return
	}
	err := r.nodesWithoutSecrets().Delete(ctx, id)
	defer func() { r.adopted.endDelete(id, err == nil) }()
	if errors.Is(err, infrahub.ErrBranchNotFound) {
		err = r.deleteWithoutBranch(ctx, id, state, req.Private, &resp.Diagnostics, err)
	}
	if err != nil {
		resp.Diagnostics.Append(r.failed(ctx, "Not Deleted", state, err))
		return
	}
	if r.afterDelete != nil {
		resp.Diagnostics.Append(r.afterDelete(ctx, r.Client, state)...)
	}
}

// deleteWithoutBranch deletes an object whose branch does not exist. What was last seen on that very branch was deleted with it; if
// the default branch has the object too, it is only forgotten, with a warning. On any other branch it may still exist.
func (r *nodeResource[M, T]) deleteWithoutBranch(ctx context.Context, id string, state M, private privateReader, diags *diag.Diagnostics, missing error) error {
	onDefault := r.nodes(r.OnDefaultBranch(), state)
	if r.everywhere {
		return onDefault.Delete(ctx, id)
	}
	seenOn, problems := loadText(ctx, private, branchKey)
	diags.Append(problems...)
	if seenOn != r.Branch() {
		return missing
	}
	_, err := onDefault.Get(ctx, id)
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	diags.AddWarning(r.title+" Still Exists", fmt.Sprintf(
		"%s: the branch does not exist any more, but the default branch has this object too, from before or by a merge. It was only removed from the state. "+
			"To delete it, import it with a provider on the default branch, and destroy it there.", r.describe(state, r.Branch())))
	return nil
}

// ImportState finds the id of an object by its id or name, or takes it from the identity. Read does the rest.
func (r *nodeResource[M, T]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	given, byIdentity := importID(ctx, req, "the id of the object, or its name in the argument id of an import block, or on the command line", &resp.Diagnostics)
	if byIdentity && !isUUID(given) && !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(invalidIdentity(given, "the UUID of a "+strings.ToLower(r.title)))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	id, err := findID(ctx, r.nodesWithoutSecrets(), given, !byIdentity)
	if err != nil {
		var other string
		if errors.Is(err, infrahub.ErrNotFound) && r.otherType != nil {
			other = r.otherType(ctx, r.Client, given)
		}
		resp.Diagnostics.Append(importNotFound(strings.ToLower(r.title), given, "the provider's branch", otherTypeHint(other), err))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	setIdentity(ctx, resp.Identity, id, &resp.Diagnostics)
}

// nodesWithoutSecrets returns the client's operations; what they read holds no secrets.
func (r *nodeResource[M, T]) nodesWithoutSecrets() infrahub.Nodes[T] {
	var none M
	return r.nodes(r.Client, none)
}

// failed returns the diagnostic of an operation, such as "Not Created", on the attribute that the server names.
func (r *nodeResource[M, T]) failed(ctx context.Context, outcome string, model M, err error) diag.Diagnostic {
	return errorDiagnostic(r.title+" "+outcome, subject{
		object: r.describe(model, r.Branch()), kind: "infrahub_" + r.typeName, attributes: slices.Sorted(maps.Keys(r.schema(ctx).Attributes)),
	}, err)
}

// idIdentity is an identity that is an id alone.
func idIdentity() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{
			RequiredForImport: true,
			Description:       "Id of the object, as its attribute id.",
		},
	}}
}

// setIdentity sets an identity explicitly, because Terraform hands the identity of a replaced object to its successor.
func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, id string, diags *diag.Diagnostics) {
	if identity != nil {
		diags.Append(identity.SetAttribute(ctx, path.Root("id"), id)...)
	}
}

// importID returns the id or name that an import block or command gives, or the id of its identity, and which of the two.
// Expects says what is missing where it is empty.
func importID(ctx context.Context, req resource.ImportStateRequest, expects string, diags *diag.Diagnostics) (given string, byIdentity bool) {
	id := types.StringValue(req.ID)
	byIdentity = req.ID == "" && req.Identity != nil
	if byIdentity {
		diags.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
	}
	if id.ValueString() == "" && !diags.HasError() {
		diags.AddError("Invalid Import Id", "The id is empty. Give "+expects+".")
	}
	return id.ValueString(), byIdentity
}

// findID returns the id of the node that is given by its id or, if names are accepted, by its name. A name may look like an id.
func findID[T any](ctx context.Context, nodes infrahub.Nodes[T], given string, acceptName bool) (string, error) {
	if isUUID(given) {
		if _, err := nodes.Get(ctx, given); err == nil || !acceptName || !errors.Is(err, infrahub.ErrNotFound) {
			return given, err
		}
	}
	return nodes.IDByName(ctx, given)
}

// emptyModel returns the model of an object of which nothing is known: every value is null.
func emptyModel[M any](ctx context.Context, schema schema.Schema) (M, diag.Diagnostics) {
	var model M
	state := tfsdk.State{Schema: schema, Raw: nullObject(schema.Type().TerraformType(ctx))}
	diags := state.Get(ctx, &model)
	return model, diags
}

func nullObject(of tftypes.Type) tftypes.Value {
	values := map[string]tftypes.Value{}
	if object, ok := of.(tftypes.Object); ok {
		for name, attribute := range object.AttributeTypes {
			values[name] = tftypes.NewValue(attribute, nil)
		}
	}
	return tftypes.NewValue(of, values)
}
