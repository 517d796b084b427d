package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newRepositoriesDataSource() datasource.DataSource {
	readOnly := repositoryData(readOnlyRepositoryKind(), readOnlyRepositoryParts)
	readWrite := repositoryData(readWriteRepositoryKind(), readWriteRepositoryParts)
	attributes := readOnly.attributes
	attributes["kind"] = schema.StringAttribute{MarkdownDescription: "Kind of the repository: `CoreRepository` or `CoreReadOnlyRepository`.", Computed: true}
	attributes["ref"] = schema.StringAttribute{
		MarkdownDescription: "Branch, tag or commit that a read-only repository is pinned to, and the default branch of a read-write one.", Computed: true,
	}
	return &nodeListDataSource{
		typeName: "repositories", attributes: attributes, filters: repositoryFilters(), filter: readRepositoryFilter,
		description: "The Git repositories in Infrahub of both kinds, as they are on the provider's branch. A repository is listed if it passes all filters.",
		lists: func(ctx context.Context, config tfsdk.Config) []nodeList {
			var kind types.String
			_ = config.GetAttribute(ctx, path.Root("kind"), &kind) // it was validated
			switch infrahub.Kind(kind.ValueString()) {
			case infrahub.ReadOnly:
				return []nodeList{readOnly.list}
			case infrahub.ReadWrite:
				return []nodeList{readWrite.list}
			default:
				return []nodeList{readOnly.list, readWrite.list}
			}
		},
	}
}

func repositoryFilters() map[string]schema.Attribute {
	oneOf := func(values ...string) []validator.String { return []validator.String{stringvalidator.OneOf(values...)} }
	return map[string]schema.Attribute{
		"kind": schema.StringAttribute{
			MarkdownDescription: "Kind to list: `CoreRepository` (read-write) or `CoreReadOnlyRepository`. Without it both are listed.",
			Optional:            true,
			Validators:          oneOf(string(infrahub.ReadWrite), string(infrahub.ReadOnly)),
		},
		"tag": schema.StringAttribute{
			MarkdownDescription: "Name of a tag that the repositories have; it must exist.", Optional: true, Validators: requiredText(),
		},
		"credential_id": schema.StringAttribute{
			MarkdownDescription: "Id of the credential that the repositories use; it must exist.", Optional: true, Validators: requiredText(),
		},
		"sync_status": schema.StringAttribute{
			MarkdownDescription: "Status of the import: `unknown`, `syncing`, `in-sync` or `error-import`.",
			Optional:            true,
			Validators:          oneOf("unknown", "syncing", "in-sync", "error-import"),
		},
		"operational_status": schema.StringAttribute{
			MarkdownDescription: "Whether Infrahub reaches the repository: `unknown`, `online`, `error-cred`, `error-connection` or `error`.",
			Optional:            true,
			Validators:          oneOf("unknown", "online", "error-cred", "error-connection", "error"),
		},
	}
}

// readRepositoryFilter checks that tag and credential exist. Infrahub lists nothing for one that does not
// (infrahub-behaviour.md, Kinds 6), which would look like an answer.
func readRepositoryFilter(ctx context.Context, client *infrahub.Client, config tfsdk.Config, filter *infrahub.Filter) diag.Diagnostics {
	var tag, credential types.String
	diags := config.GetAttribute(ctx, path.Root("credential_id"), &credential)
	diags.Append(config.GetAttribute(ctx, path.Root("tag"), &tag)...)
	for attribute, values := range map[string]*[]string{"sync_status": &filter.SyncStatuses, "operational_status": &filter.OperationalStatuses} {
		var status types.String
		diags.Append(config.GetAttribute(ctx, path.Root(attribute), &status)...)
		if !status.IsNull() {
			*values = []string{status.ValueString()}
		}
	}
	diags.Append(credentialReference().check(credential)...)
	if diags.HasError() {
		return diags
	}
	if !credential.IsNull() {
		filter.CredentialIDs = []string{credential.ValueString()}
		_, err := client.Credentials(false).Get(ctx, credential.ValueString())
		diags.Append(filterNotFound("credential_id", fmt.Sprintf("Credential %q on branch %s", credential.ValueString(), client.Branch()), err)...)
	}
	if !tag.IsNull() {
		filter.Tags = []string{tag.ValueString()}
		_, err := client.Tags().GetByName(ctx, tag.ValueString())
		diags.Append(filterNotFound("tag", fmt.Sprintf("Tag %q on branch %s", tag.ValueString(), client.Branch()), err)...)
	}
	return diags
}

// filterNotFound returns the error of an object that a filter names, if it does not exist or could not be read.
func filterNotFound(attribute, object string, err error) diag.Diagnostics {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, infrahub.ErrNotFound):
		return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root(attribute), "Filter Value Not Found", fmt.Sprintf(
			"%s: Infrahub does not have it, so that no repository can have it. Correct %s, or remove it to list the repositories without this filter.", object, attribute))}
	default:
		return diag.Diagnostics{diag.WithPath(path.Root(attribute), errorDiagnostic("Filter Value Not Read", subject{object: object}, err))}
	}
}
