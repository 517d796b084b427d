package provider

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// nodeResource is what resources do alike that are one object in Infrahub, set no import going and hold
// no secret. M is the model.
type nodeResource[M any, P interface {
	*M
	node() *nodeModel
	forgetUnknown()
}] struct {
	client
	// does is the resource itself.
	does operations[M]
	// kind is what people call the object, and begins a sentence: "Tag".
	kind string
	// fields are the attributes on which an error of the server may be put.
	fields []string
}

// operations are what differs between the resources, in terms of the model.
type operations[M any] interface {
	// object names one in a diagnostic.
	object(model M) string
	// create returns the id.
	create(ctx context.Context, want M) (string, error)
	// read returns a model of what the server has and of what Terraform alone knows in known. What it has to
	// say about that is told after a refresh.
	read(ctx context.Context, known M) (M, diag.Diagnostics, error)
	update(ctx context.Context, before, after M) error
	// remove does what a destroy means.
	remove(ctx context.Context, id string) error
	// named returns the id of the one with a name.
	named(ctx context.Context, name string) (string, error)
	// exists returns infrahub.ErrNotFound if there is none with the id.
	exists(ctx context.Context, id string) error
}

// nodeModel is embedded by the model.
type nodeModel struct {
	ID       types.String   `tfsdk:"id"`
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

func (m *nodeModel) node() *nodeModel { return m }

// forgetUnknown makes null what a plan does not know and a create has not read yet.
func (m *nodeModel) forgetUnknown() {}

func (r *nodeResource[M, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	node := P(&plan).node()
	ctx, cancel := within(ctx, node.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	id, err := r.does.create(ctx, plan)
	if err != nil {
		resp.Diagnostics.Append(failed(r.kind+" Not Created", r.does.object(plan), err, r.fields...))
		return
	}
	node.ID = types.StringValue(id)
	P(&plan).forgetUnknown()
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...) // it exists, whatever the read says
	state, _, err := r.does.read(ctx, plan)
	if err != nil {
		resp.Diagnostics.Append(failed(r.kind+" Not Read", r.does.object(plan), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (r *nodeResource[M, P]) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state M
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, P(&state).node().Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	found, told, err := r.does.read(ctx, state)
	resp.Diagnostics.Append(told...)
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failed(r.kind+" Not Read", r.does.object(state), err))
	default:
		resp.Diagnostics.Append(resp.State.Set(ctx, found)...)
	}
}

// Update saves what was planned, if it can be read then: what others changed meanwhile the next refresh finds.
func (r *nodeResource[M, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state M
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, P(&plan).node().Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	if err := r.does.update(ctx, state, plan); err != nil {
		resp.Diagnostics.Append(failed(r.kind+" Not Updated", r.does.object(state), err, r.fields...))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	if _, _, err := r.does.read(ctx, plan); err != nil {
		resp.Diagnostics.Append(failed(r.kind+" Not Read", r.does.object(plan), err))
	}
}

func (r *nodeResource[M, P]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state M
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	node := P(&state).node()
	ctx, cancel := within(ctx, node.Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	if err := r.does.remove(ctx, node.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(failed(r.kind+" Not Deleted", r.does.object(state), err))
	}
}

func (r *nodeResource[M, P]) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByIDOrName(ctx, req, resp, strings.ToLower(r.kind),
		func(id string) error { return r.does.exists(ctx, id) },
		func(name string) (string, error) { return r.does.named(ctx, name) })
}
