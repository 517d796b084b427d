package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// usernameOfPassword warns of a credential that has a password and no username: Infrahub then fails to reach private repositories,
// and does not say why.
type usernameOfPassword struct{}

func (usernameOfPassword) Description(context.Context) string {
	return "should be set if the credential has a password"
}

func (v usernameOfPassword) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

func (usernameOfPassword) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	for _, name := range []string{"password", "password_wo"} {
		var password types.String
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(name), &password)...)
		if !password.IsNull() && !password.IsUnknown() {
			resp.Diagnostics.AddAttributeWarning(req.Path, "Credential Has No Username",
				"The credential has a password and no username. Git hosts may refuse it, and the error of the import then does not say that the username is missing.\n\n"+
					"Set username to the account that the password belongs to. For a token most hosts accept any name, such as git.")
			return
		}
	}
}
