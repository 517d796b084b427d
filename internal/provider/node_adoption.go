package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// adoption describes how a create of a kind adopts an object that exists already, if adopt_existing is set.
type adoption[M, T any] struct {
	// setting returns the attribute adopt_existing.
	setting func(model M) types.Bool
	// nodes, if set, replaces that of the kind for reading what exists, with the secrets that the configuration sets.
	nodes func(client *infrahub.Client, config M) infrahub.Nodes[T]
	// find, if set, replaces the lookup by name. Refused is whether the server has refused to create the object; planning whether
	// nothing was sent yet. Both ask for an error about conflicts that a create may or did run into.
	find func(ctx context.Context, client *infrahub.Client, want M, planning, refused bool) (*T, error)
	// equate, if set, gives what exists the values of the plan that count as the same.
	equate func(found *M, want M)
	// conflict, if set, returns why an object cannot be brought to the plan; nil if it can.
	conflict func(found T, want M) *adoptionConflict
	// secrets, if set, returns the names of the attributes whose secret values differ.
	secrets func(config M, before, after T) []string
	// destroys, if set, is what a destroy does with the object: "cancels" instead of "deletes".
	destroys string
	// note, if set, is a sentence about what else an apply does.
	note string
}

// adoptionConflict is why an object that exists cannot be adopted.
type adoptionConflict struct {
	attribute string
	// reason is one or more sentences, with the next step.
	reason string
	// ids are those of the objects that exist.
	ids []string
}

func (c *adoptionConflict) Error() string { return c.reason }

// existing is an object that exists and that a create adopts.
type existing[T any] struct {
	id            string
	before, after T
	// changes has a line for each attribute that an apply changes.
	changes []string
}

// adoptExistingAttribute returns the attribute adopt_existing of a resource. Match is what an object has to have, and more is a
// sentence to add, or "".
func adoptExistingAttribute(match, more string) schema.BoolAttribute {
	return schema.BoolAttribute{
		MarkdownDescription: "Whether a create adopts an object that exists in Infrahub with " + match + ", and brings it to the configuration, instead of failing. " + more +
			"The plan names the object and what will change. A destroy treats an adopted object like any other. It is no property of the object: changing it alone sends nothing. Defaults to the provider's setting, which is `false`.",
		Optional: true,
	}
}

// adopts reports whether a create adopts what exists, as the resource or else the provider says. An unknown setting is not set yet.
func (r *nodeResource[M, T]) adopts(model M) bool {
	if r.adoption == nil || r.providerData == nil {
		return false
	}
	setting := r.adoption.setting(model)
	if setting.IsNull() {
		return r.adoptExisting
	}
	return setting.ValueBool()
}

// findExisting returns the object that a create adopts, nil if there is none. Planning and refused are those of adoption.find.
func (r *nodeResource[M, T]) findExisting(ctx context.Context, plan tfsdk.Plan, config tfsdk.Config, planning, refused bool, diags *diag.Diagnostics) (*existing[T], error) {
	var want, configured M
	diags.Append(plan.Get(ctx, &want)...)
	diags.Append(config.Get(ctx, &configured)...)
	if diags.HasError() {
		return nil, nil
	}
	var name types.String
	diags.Append(plan.GetAttribute(ctx, path.Root("name"), &name)...)
	found, err := r.lookUp(ctx, name.ValueString(), want, configured, planning, refused)
	if errors.Is(err, infrahub.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	model := r.flatten(*found, want)
	if r.adoption.equate != nil {
		r.adoption.equate(&model, want)
	}
	current := tfsdk.State{Schema: plan.Schema, Raw: nullObject(plan.Schema.Type().TerraformType(ctx))}
	diags.Append(current.Set(ctx, model)...)
	// What the plan leaves open stays as it is.
	target := tfsdk.State{Schema: plan.Schema, Raw: current.Raw.Copy()}
	keepPlanned(plan, &target, diags)
	diags.Append(target.Get(ctx, &want)...)
	if diags.HasError() {
		return nil, nil
	}
	if r.adoption.conflict != nil {
		if conflict := r.adoption.conflict(*found, want); conflict != nil {
			conflict.ids = []string{r.base(&model).ID.ValueString()}
			return nil, conflict
		}
	}
	e := &existing[T]{id: r.base(&model).ID.ValueString(), before: r.expand(model), after: r.expand(want)}
	if r.secrets != nil {
		var none M
		r.secrets(configured, want, none, new(T), &e.after)
	}
	e.changes = changedAttributes(ctx, current, target, config, diags)
	if r.adoption.secrets != nil {
		e.changes = append(e.changes, r.adoption.secrets(configured, e.before, e.after)...)
	}
	return e, nil
}

func (r *nodeResource[M, T]) lookUp(ctx context.Context, name string, want, configured M, planning, refused bool) (*T, error) {
	if r.adoption.find != nil {
		return r.adoption.find(ctx, r.Client, want, planning, refused)
	}
	nodes := r.nodesWithoutSecrets()
	if r.adoption.nodes != nil {
		nodes = r.adoption.nodes(r.Client, configured)
	}
	return nodes.GetByName(ctx, name)
}

// changedAttributes returns a line for each attribute in which the target differs from what is. Secrets are left out.
func changedAttributes(ctx context.Context, current, target tfsdk.State, config tfsdk.Config, diags *diag.Diagnostics) []string {
	var lines []string
	attributes := current.Schema.GetAttributes()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if attributes[name].IsSensitive() {
			continue
		}
		var before, after, configured attr.Value
		diags.Append(current.GetAttribute(ctx, path.Root(name), &before)...)
		diags.Append(target.GetAttribute(ctx, path.Root(name), &after)...)
		diags.Append(config.GetAttribute(ctx, path.Root(name), &configured)...)
		switch {
		case diags.HasError():
			return nil
		case configured.IsUnknown() && !isSettingOnly(name):
			lines = append(lines, fmt.Sprintf("%s: %s -> (known after apply)", name, shownValue(before)))
		case !before.Equal(after):
			lines = append(lines, fmt.Sprintf("%s: %s -> %s", name, shownValue(before), shownValue(after)))
		}
	}
	return lines
}

// isSettingOnly reports whether an attribute tells the provider what to do, and is no property of the object.
func isSettingOnly(name string) bool {
	return slices.Contains([]string{"adopt_existing", "merge", "password_wo_version", "reimport_triggers", "resolve_ref", "timeouts", "wait_for_checks", "wait_for_import"}, name)
}

func shownValue(value attr.Value) string {
	if value.IsNull() {
		return "null"
	}
	return value.String()
}

// planAdoption announces what a create will adopt, and what changes then; or it says why that is impossible. It asks nothing unless
// adopt_existing is set and all is known by which an object is found.
func (r *nodeResource[M, T]) planAdoption(ctx context.Context, req resource.ModifyPlanRequest, diags *diag.Diagnostics) {
	if r.adoption == nil || r.providerData == nil || r.branchMissing {
		return
	}
	if !req.State.Raw.IsNull() {
		var id types.String
		diags.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
		r.adopted.see(id.ValueString())
		return
	}
	var plan M
	diags.Append(req.Plan.Get(ctx, &plan)...)
	if diags.HasError() || !r.adopts(plan) {
		return
	}
	for name, attribute := range req.Plan.Schema.GetAttributes() {
		var value attr.Value
		diags.Append(req.Plan.GetAttribute(ctx, path.Root(name), &value)...)
		if attribute.IsRequired() && value.IsUnknown() {
			return
		}
	}
	ctx, cancel := withTimeout(ctx, r.base(&plan).Timeouts.Read, diags)
	defer cancel()
	found, err := r.findExisting(ctx, req.Plan, req.Config, true, false, diags)
	switch {
	case diags.HasError(), errors.Is(err, infrahub.ErrBranchNotFound):
	case err != nil:
		if !r.endsWithDelete(ctx, req.Identity, err) {
			diags.Append(r.notAdopted(ctx, plan, err))
		}
	case found != nil && !r.isReplaced(ctx, req.Identity, found.id):
		diags.AddWarning("Existing "+r.title+" Will Be Adopted", r.announcement(plan, *found))
	}
}

// seenTimeout bounds how long a conflict waits for a refresh of the same plan to show that the object is in the state.
const seenTimeout = time.Second

// endsWithDelete reports whether a conflict is about an object in the state. What becomes of that is another plan: most likely it is
// deleted or renamed before the create, as when a repository becomes one of the other kind.
func (r *nodeResource[M, T]) endsWithDelete(ctx context.Context, identity *tfsdk.ResourceIdentity, err error) bool {
	conflict, ok := errors.AsType[*adoptionConflict](err)
	if !ok || len(conflict.ids) == 0 {
		return false
	}
	ticker := time.NewTicker(seenTimeout / 20)
	defer ticker.Stop()
	for deadline := time.Now().Add(seenTimeout); ; {
		if slices.ContainsFunc(conflict.ids, func(id string) bool { return r.isReplaced(ctx, identity, id) }) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case now := <-ticker.C:
			if now.After(deadline) {
				return false
			}
		}
	}
}

// isReplaced reports whether the create replaces the object that was found, which is deleted first. Terraform plans it as any other
// create; a CLI that knows identities hands over that of the object.
func (r *nodeResource[M, T]) isReplaced(ctx context.Context, identity *tfsdk.ResourceIdentity, id string) bool {
	var replaced types.String
	if identity != nil && !identity.Raw.IsNull() {
		_ = identity.GetAttribute(ctx, path.Root("id"), &replaced)
	}
	return replaced.ValueString() == id || r.adopted.isSeen(id)
}

func (r *nodeResource[M, T]) announcement(plan M, found existing[T]) string {
	text := fmt.Sprintf("%s exists, with the id %s. The apply adopts it (adopt_existing) instead of creating it, and a later destroy %s it. ", r.describe(plan, r.Branch()), found.id, cmp.Or(r.adoption.destroys, "deletes"))
	if len(found.changes) == 0 {
		text += "None of its attributes changes."
	} else {
		text += "What changes:\n\n  " + strings.Join(found.changes, "\n  ")
	}
	if r.adoption.note != "" {
		text += "\n\n" + r.adoption.note
	}
	return text
}

// notAdopted returns the diagnostic of an object that exists and cannot be adopted, or could not be.
func (r *nodeResource[M, T]) notAdopted(ctx context.Context, model M, err error) diag.Diagnostic {
	if conflict, ok := errors.AsType[*adoptionConflict](err); ok {
		return diag.NewAttributeErrorDiagnostic(path.Root(conflict.attribute), "Existing "+r.title+" Not Adopted",
			fmt.Sprintf("%s: %s", r.describe(model, r.Branch()), conflict.reason))
	}
	return r.failed(ctx, "Not Adopted", model, err)
}

// adopter brings an object that exists to the plan, and returns its state or why it could not be changed. A state is dropped if there
// are errors: Terraform would mark the object as tainted, and the next apply would delete what somebody else may have made.
type adopter[T any] func(ctx context.Context, found existing[T]) (tfsdk.State, diag.Diagnostics, error)

// adopt looks for an object that a create adopts, and adopts it. It reports whether the create is done, with or without an error.
func (r *nodeResource[M, T]) adopt(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse, plan M, refused bool, adopt adopter[T]) bool {
	if !r.adopts(plan) {
		return false
	}
	found, err := r.findExisting(ctx, req.Plan, req.Config, false, refused, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.Append(r.notAdopted(ctx, plan, err))
	}
	if resp.Diagnostics.HasError() {
		return true
	}
	if found == nil {
		return false
	}
	token, ok := r.adopted.add(ctx, found.id)
	if !ok {
		return false
	}
	state, diags, err := adopt(ctx, *found)
	if errors.Is(err, infrahub.ErrNotFound) { // the server has undone a create that it was working on
		r.adopted.remove(found.id)
		return false
	}
	if err != nil {
		diags.Append(r.notAdopted(ctx, plan, err))
	}
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		r.adopted.remove(found.id)
		return true
	}
	resp.State = state
	setIdentity(ctx, resp.Identity, found.id, &resp.Diagnostics)
	resp.Diagnostics.Append(saveText(ctx, resp.Private, branchKey, r.Branch())...)
	resp.Diagnostics.Append(saveText(ctx, resp.Private, adoptedKey, token)...)
	return true
}

// adoptNode brings a node to the plan, and reads it.
func (r *nodeResource[M, T]) adoptNode(plan M, planned tfsdk.Plan) adopter[T] {
	return func(ctx context.Context, found existing[T]) (state tfsdk.State, diags diag.Diagnostics, err error) {
		if err := r.nodesWithoutSecrets().Update(ctx, found.before, found.after); err != nil {
			return state, diags, err
		}
		r.base(&plan).ID = types.StringValue(found.id)
		state = tfsdk.State{Schema: planned.Schema, Raw: nullUnknowns(planned.Raw)}
		r.saveRead(ctx, plan, planned, &state, &diags)
		if r.afterUpdate != nil && !diags.HasError() {
			diags.Append(r.afterUpdate(ctx, r.Client, plan, found.before, found.after)...)
		}
		return state, diags, nil
	}
}

// isTaken reports whether a create was refused because another object has the name or the location.
func isTaken(err error) bool {
	_, ok := errors.AsType[*infrahub.TakenError](err)
	return ok
}

// adoptedNodes are the nodes that this process has adopted, is deleting or has deleted. If a resource is replaced with
// create_before_destroy, or renamed without a moved block, one and the same apply adopts the object and deletes it.
type adoptedNodes struct {
	mu sync.Mutex
	// seen are the nodes that are in the state already.
	seen map[string]bool
	// tokens are in the private state of the resources that have adopted a node, by the id of the node.
	tokens map[string]string
	// deletes are the ends of the deletes that are under way or have succeeded, by the id of the node.
	deletes map[string]chan struct{}
}

func (a *adoptedNodes) see(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen == nil {
		a.seen = map[string]bool{}
	}
	a.seen[id] = true
}

func (a *adoptedNodes) isSeen(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen[id]
}

// add notes that a node is being adopted, and returns a token for the private state. It waits for the end of a delete that is under
// way, and reports false if the node was deleted: a node that was found before may be gone.
func (a *adoptedNodes) add(ctx context.Context, id string) (token string, ok bool) {
	a.mu.Lock()
	end := a.deletes[id]
	a.mu.Unlock()
	if end != nil {
		select {
		case <-end:
		case <-ctx.Done():
			return "", false
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.deletes[id] != nil {
		return "", false
	}
	if a.tokens == nil {
		a.tokens = map[string]string{}
	}
	a.tokens[id] = uuid.NewString()
	return a.tokens[id], true
}

func (a *adoptedNodes) remove(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tokens, id)
}

// beginDelete reports whether a resource may delete a node: not if another resource has adopted it since. While it is being deleted,
// and after it was, nobody adopts it.
func (a *adoptedNodes) beginDelete(id, token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if adopted, ok := a.tokens[id]; ok && adopted != token {
		return false
	}
	if a.deletes == nil {
		a.deletes = map[string]chan struct{}{}
	}
	a.deletes[id] = make(chan struct{})
	return true
}

// endDelete notes how the delete of a node ended.
func (a *adoptedNodes) endDelete(id string, deleted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.deletes[id])
	if !deleted {
		delete(a.deletes, id)
	}
	delete(a.tokens, id)
}
