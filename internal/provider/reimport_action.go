package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// newReimportAction returns the action that Infrahub itself offers as "Reimport current commit" (infrahub-behaviour.md, Importing 4).
func newReimportAction() action.Action {
	return &importAction{
		actionBase: actionBase{
			typeName: "reimport",
			description: "Imports the current commit of a repository of either kind again on the provider's branch, as \"Reimport current commit\" does in Infrahub: " +
				"after imported objects were changed or deleted by hand, or after an import that failed for a reason outside of the Git repository. " +
				"The commit stays the same: `infrahub_import_latest_commit` takes over a newer one, and `reimport_triggers` of a resource does both. " +
				"The action changes no state, and an import that failed in an apply stays due in the next one. It needs Terraform 1.14.",
		},
		refuse: requireCommit,
		start: func(ctx context.Context, client *infrahub.Client, repository infrahub.Repository) (*infrahub.Import, error) {
			return client.ReimportCommit(ctx, repository)
		},
	}
}

// requireCommit refuses a repository that has no commit to import again.
func requireCommit(repository infrahub.Repository) diag.Diagnostic {
	if repository.Commit != nil {
		return nil
	}
	next := "Infrahub shows under Tasks why it was not imported."
	if repository.Kind == infrahub.ReadOnly {
		next += " infrahub_import_latest_commit imports a first commit."
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("repository_id"), "Nothing to Import Again", fmt.Sprintf(
		"The %s %q (id %s) has no commit: it was never imported. %s", repository.Kind, repository.Name, repository.ID, next))
}
