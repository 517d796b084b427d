package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// repositoryFilters returns the filters of the list resources of both kinds, besides names. The server takes any value and
// lists nothing for one that does not exist (infrahub-behaviour.md, Kinds 6); the statuses are those of
// (infrahub-behaviour.md, Kinds 1).
func repositoryFilters() []listFilter {
	return []listFilter{
		{
			attribute: "tag", description: "Name of a tag that the repositories have. It must exist.", validators: requiredText(),
			apply: func(filter *infrahub.Filter, tag string) { filter.Tags = []string{tag} },
			find: func(ctx context.Context, client *infrahub.Client, tag string) error {
				_, err := client.Tags().GetByName(ctx, tag)
				return err
			},
			expects: "the name of a tag that exists",
		},
		{
			attribute: "credential_id", description: "Id of the credential that the repositories use. It must exist; names are not accepted.", validators: requiredText(),
			apply: func(filter *infrahub.Filter, id string) { filter.CredentialIDs = []string{id} },
			find: func(ctx context.Context, client *infrahub.Client, id string) error {
				_, err := client.Credentials(false).Get(ctx, id)
				return err
			},
			expects: "the id of a password credential that exists; names are not accepted",
		},
		{
			attribute: "sync_status", description: "Status of the import: `unknown`, `syncing`, `in-sync` or `error-import`.",
			validators: []validator.String{stringvalidator.OneOf("unknown", "syncing", "in-sync", "error-import")},
			apply:      func(filter *infrahub.Filter, status string) { filter.SyncStatuses = []string{status} },
		},
		{
			attribute: "operational_status", description: "Whether Infrahub reaches the repositories: `unknown`, `online`, `error-cred`, `error-connection` or `error`.",
			validators: []validator.String{stringvalidator.OneOf("unknown", "online", "error-cred", "error-connection", "error")},
			apply:      func(filter *infrahub.Filter, status string) { filter.OperationalStatuses = []string{status} },
		},
	}
}
