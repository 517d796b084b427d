package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
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

// anyRepositoryReference is what actions take, which find the kind by the id.
func anyRepositoryReference() reference {
	return reference{"repository_id", "a repository of either kind", "infrahub_repository.NAME.id or infrahub_read_only_repository.NAME.id"}
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
