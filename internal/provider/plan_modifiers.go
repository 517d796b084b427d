package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// idAttribute returns the attribute that every resource has which is a node in Infrahub.
func idAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "UUID of the object in Infrahub. It never changes.",
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

// useStateFor plans no change of a computed attribute that no apply changes. Otherwise it would show as known after
// apply whenever another attribute is updated.
func useStateFor(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse, name string) {
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return // destroy, create
	}
	var value types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root(name), &value)...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), value)...)
}

// nullUnknowns returns a planned object in which everything unknown is null: what can be saved before a read.
func nullUnknowns(plan tftypes.Value) tftypes.Value {
	known, err := tftypes.Transform(plan, func(_ *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if !value.IsKnown() {
			return tftypes.NewValue(value.Type(), nil), nil
		}
		return value, nil
	})
	if err != nil { // the function returns no error, and a plan is well formed
		return plan
	}
	return known
}

// keepPlanned replaces in a state what the plan knows already: an apply must return that as it was planned. What the
// server has changed since then is left to the next refresh.
func keepPlanned(plan tfsdk.Plan, state *tfsdk.State, diags *diag.Diagnostics) {
	var planned, saved map[string]tftypes.Value
	if err := plan.Raw.As(&planned); err != nil {
		diags.AddError("Plan Not Read", fmt.Sprintf("The plan is not an object: %v. This is a bug of the provider: please report it.", err))
		return
	}
	if err := state.Raw.As(&saved); err != nil {
		diags.AddError("State Not Read", fmt.Sprintf("The state is not an object: %v. This is a bug of the provider: please report it.", err))
		return
	}
	for name, value := range planned {
		if value.IsFullyKnown() {
			saved[name] = value
		}
	}
	state.Raw = tftypes.NewValue(state.Raw.Type(), saved)
}
