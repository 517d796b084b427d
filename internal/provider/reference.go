package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// reference is an attribute that holds the id of another object.
type reference struct {
	attribute string
	// object is what the id belongs to, such as "a credential".
	object string
	// example is a value to write.
	example string
}

func credentialReference() reference {
	return reference{"credential_id", "a credential", "infrahub_password_credential.NAME.id"}
}

func repositoryReference() reference {
	return reference{"repository_id", "a read-only repository", "infrahub_read_only_repository.NAME.id"}
}

// anyRepositoryReference is what actions and the data source of tasks take, which find the kind by the id.
func anyRepositoryReference() reference {
	return reference{"repository_id", "a repository of either kind", "infrahub_repository.NAME.id or infrahub_read_only_repository.NAME.id"}
}

// findRepository returns the repository of either kind that repository_id names, or why there is none. Again is how the user repeats
// the operation, "" if by an apply.
func (d *providerData) findRepository(ctx context.Context, id, again string) (*infrahub.Repository, diag.Diagnostic) {
	object := fmt.Sprintf("Repository %s on branch %s", id, d.Branch())
	found, err := d.FindRepository(ctx, id)
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		return nil, repositoryNotFound(object)
	case err != nil:
		return nil, errorDiagnostic("Repository Not Read", subject{object: object, again: again}, err)
	default:
		return found, nil
	}
}

func repositoryNotFound(object string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("repository_id"), "Repository Not Found", fmt.Sprintf(
		"%s: Infrahub has no repository of either kind with this id. It was deleted, or the id is that of another object. %s", object, anyRepositoryReference().hint()))
}

// check returns the error of a value that is known and no id. Infrahub takes the name of a credential for its id
// (infrahub-behaviour.md, Writing 12), and each plan would change the id back to the name. A validator cannot check this:
// mock_provider of `terraform test` generates ids that are no UUIDs.
func (r reference) check(value types.String) diag.Diagnostics {
	var diags diag.Diagnostics
	if !value.IsNull() && !value.IsUnknown() && !isUUID(value.ValueString()) {
		diags.AddAttributeError(path.Root(r.attribute), "Not an Id", fmt.Sprintf("%s is %q. %s", r.attribute, value.ValueString(), r.hint()))
	}
	return diags
}

// hint returns what the attribute must hold.
func (r reference) hint() string {
	return fmt.Sprintf("It must be the id of %s that exists, such as %s; names are not accepted.", r.object, r.example)
}
