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
	id, err := req.ID, infrahub.ErrNotFound
	if uuid().MatchString(req.ID) {
		err = exists(req.ID)
	}
	if errors.Is(err, infrahub.ErrNotFound) {
		id, err = named(req.ID)
	}
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.Diagnostics.AddError("Object Not Found", fmt.Sprintf(
			"Infrahub has no %s with the id or the name %q on the provider's branch. Look the id up in Infrahub, and check the resource type and the branch.", what, req.ID))
	case err != nil:
		resp.Diagnostics.Append(failed("Object Not Read", fmt.Sprintf("The %s %q", what, req.ID), err))
	default:
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	}
}
