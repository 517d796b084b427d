package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// nodeFilter is an attribute that holds one text to filter a list by. Data sources and list resources share it.
type nodeFilter struct {
	attribute, description string
	validators             []validator.String
	// apply adds a value to the client's filter. It is nil if the attribute chooses the lists to read.
	apply func(filter *infrahub.Filter, value string)
	// find, if set, returns ErrNotFound for a value that does not exist, because the server lists nothing for it.
	find func(ctx context.Context, client *infrahub.Client, value string) error
	// expects describes the values that find accepts.
	expects string
}

// readFilter returns the client's filter for a configuration. A value that does not exist is an error.
func readFilter(ctx context.Context, client *infrahub.Client, config tfsdk.Config, filters []nodeFilter) (infrahub.Filter, diag.Diagnostics) {
	var filter infrahub.Filter
	diags := config.GetAttribute(ctx, path.Root("names"), &filter.Names)
	for _, each := range filters {
		var value types.String
		diags.Append(config.GetAttribute(ctx, path.Root(each.attribute), &value)...)
		if diags.HasError() || value.IsNull() || each.apply == nil {
			continue
		}
		each.apply(&filter, value.ValueString())
		if each.find != nil {
			diags.Append(each.require(ctx, client, value.ValueString())...)
		}
	}
	return filter, diags
}

// require returns an error if the filter's value does not exist, or could not be looked up.
func (f nodeFilter) require(ctx context.Context, client *infrahub.Client, value string) diag.Diagnostics {
	switch err := f.find(ctx, client, value); {
	case err == nil:
		return nil
	case errors.Is(err, infrahub.ErrNotFound):
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root(f.attribute), "Filter Value Not Found", fmt.Sprintf(
			"%q does not exist on branch %s, so nothing can match. %s must be %s. Correct it, or remove it to list without this filter.",
			value, client.Branch(), f.attribute, f.expects))}
	default:
		return diag.Diagnostics{diag.WithPath(path.Root(f.attribute), errorDiagnostic(
			"Filter Value Not Read", subject{object: fmt.Sprintf("%s %q on branch %s", f.attribute, value, client.Branch())}, err))}
	}
}

// repositoryFilters returns the filters of lists of repositories, besides names. The server takes any value and lists nothing for
// one that does not exist (infrahub-behaviour.md, Kinds 6); the statuses are those of (infrahub-behaviour.md, Kinds 1).
func repositoryFilters() []nodeFilter {
	return []nodeFilter{
		{
			attribute: "tag", description: "Name of a tag that the repositories have; it must exist. Without it they may have any tags.",
			validators: requiredText(),
			apply:      func(filter *infrahub.Filter, tag string) { filter.Tags = []string{tag} },
			find: func(ctx context.Context, client *infrahub.Client, tag string) error {
				_, err := client.Tags().GetByName(ctx, tag)
				return err
			},
			expects: "the name of a tag that exists",
		},
		{
			attribute: "credential_id", description: "Id of the credential that the repositories use; it must exist, and names are not accepted. Without it they may use any or none.",
			validators: requiredText(),
			apply:      func(filter *infrahub.Filter, id string) { filter.CredentialIDs = []string{id} },
			find: func(ctx context.Context, client *infrahub.Client, id string) error {
				_, err := client.Credentials(false).Get(ctx, id)
				return err
			},
			expects: "the id of a password credential that exists; names are not accepted",
		},
		{
			attribute: "sync_status", description: "Status of the import: `unknown`, `syncing`, `in-sync` or `error-import`. Without it the status may be any.",
			validators: []validator.String{stringvalidator.OneOf("unknown", "syncing", "in-sync", "error-import")},
			apply:      func(filter *infrahub.Filter, status string) { filter.SyncStatuses = []string{status} },
		},
		{
			attribute: "operational_status", description: "Whether Infrahub reaches the repositories: `unknown`, `online`, `error-cred`, `error-connection` or `error`. Without it the status may be any.",
			validators: []validator.String{stringvalidator.OneOf("unknown", "online", "error-cred", "error-connection", "error")},
			apply:      func(filter *infrahub.Filter, status string) { filter.OperationalStatuses = []string{status} },
		},
	}
}
