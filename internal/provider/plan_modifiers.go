package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// idAttribute is what every resource that is a node in Infrahub has.
func idAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "UUID of the object in Infrahub. It never changes.",
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

// keepComputed plans no change of a computed attribute that no apply changes: where anything else is
// updated it would show as known after apply.
func keepComputed(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse, name string) {
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return // destroy, create
	}
	var value types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root(name), &value)...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(name), value)...)
}

// patience is how long an operation may take where timeouts say nothing.
const patience = 20 * time.Minute

// within bounds an operation by its timeout.
func within(ctx context.Context, timeout func(context.Context, time.Duration) (time.Duration, diag.Diagnostics), diags *diag.Diagnostics) (context.Context, context.CancelFunc) {
	limit, problems := timeout(ctx, patience)
	diags.Append(problems...)
	return context.WithTimeout(ctx, limit)
}

// importByIDOrName takes over an existing object by its UUID or else by its name; Read does the rest.
func importByIDOrName(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse, what string, exists func(id string) error, named func(name string) (string, error)) {
	id := importedID(req.ID, what, "the provider's branch", exists, named, &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	}
}

// importedID finds the id of an object that is given by its UUID or else by its name.
func importedID(given, what, where string, exists func(id string) error, named func(name string) (string, error), diags *diag.Diagnostics) string {
	id, err := given, infrahub.ErrNotFound
	if uuid().MatchString(given) {
		err = exists(given)
	}
	if errors.Is(err, infrahub.ErrNotFound) {
		id, err = named(given)
	}
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		diags.AddError("Object Not Found", fmt.Sprintf(
			"Infrahub has no %s with the id or the name %q on %s. Look the id up in Infrahub, and check the resource type and the branch.", what, given, where))
	case err != nil:
		diags.Append(failed("Object Not Read", fmt.Sprintf("The %s %q", what, given), err))
	}
	return id
}
