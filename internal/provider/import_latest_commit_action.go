package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// newImportLatestCommitAction returns the action that Infrahub itself offers as "Import latest commit", of read-only repositories
// alone (infrahub-behaviour.md, Importing 4).
func newImportLatestCommitAction() action.Action {
	return &importAction{
		actionBase: actionBase{
			typeName: "import_latest_commit",
			description: "Imports the last commit of the ref of a read-only repository on the provider's branch, as \"Import latest commit\" does in Infrahub: " +
				"after a push to the branch that it is pinned to. The objects of a commit that Infrahub has already are not imported again: use `infrahub_reimport` for that. " +
				"Infrahub imports a read-write repository by itself, within a minute of a push. " +
				"The action changes no state; `commit` of the resource shows the new commit after the next refresh. It needs Terraform 1.14.",
			requireKind: requireReadOnly,
		},
		start: func(ctx context.Context, client *infrahub.Client, repository infrahub.Repository) (*infrahub.Import, error) {
			return client.ImportLatestCommit(ctx, repository)
		},
	}
}

// requireReadOnly refuses a read-write repository, which the periodic sync imports (infrahub-behaviour.md, Importing 19).
func requireReadOnly(repository infrahub.Repository) diag.Diagnostic {
	if repository.Kind == infrahub.ReadOnly {
		return nil
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("repository_id"), "Not a Read-Only Repository", fmt.Sprintf(
		"The repository %q (id %s) is a read-write one: Infrahub imports its new commits by itself, within a minute of a push, and not on demand. "+
			"Give the id of an infrahub_read_only_repository, or use infrahub_reimport to import the current commit again.", repository.Name, repository.ID))
}
