package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

func newPasswordCredentialResource() resource.Resource {
	return &nodeResource[passwordCredentialModel, infrahub.Credential]{nodeKind: passwordCredentialKind()}
}

type passwordCredentialModel struct {
	nodeModel
	Name              types.String `tfsdk:"name"`
	Label             types.String `tfsdk:"label"`
	Description       types.String `tfsdk:"description"`
	Username          types.String `tfsdk:"username"`
	Password          types.String `tfsdk:"password"`
	PasswordWO        types.String `tfsdk:"password_wo"`
	PasswordWOVersion types.Int64  `tfsdk:"password_wo_version"`
	AdoptExisting     types.Bool   `tfsdk:"adopt_existing"`
}

func passwordCredentialKind() nodeKind[passwordCredentialModel, infrahub.Credential] {
	return nodeKind[passwordCredentialModel, infrahub.Credential]{
		typeName: "password_credential",
		title:    "Credential",
		schema:   passwordCredentialSchema,
		// The password is read only where the state holds one (infrahub-behaviour.md, Writing 6).
		nodes: func(client *infrahub.Client, known passwordCredentialModel) infrahub.Nodes[infrahub.Credential] {
			return client.Credentials(infrahub.WithPassword(!known.Password.IsNull()))
		},
		base: func(model *passwordCredentialModel) *nodeModel { return &model.nodeModel },
		describe: func(model passwordCredentialModel, branch string) string {
			return "Credential " + model.Name.ValueString() + " on branch " + branch
		},
		expand: func(model passwordCredentialModel) infrahub.Credential {
			return infrahub.Credential{
				ID: model.ID.ValueString(), Name: model.Name.ValueString(), Label: optional(model.Label),
				Description: optional(model.Description), Username: optional(model.Username), Password: optionalSecret(model.Password),
			}
		},
		flatten: func(credential infrahub.Credential, known passwordCredentialModel) passwordCredentialModel {
			known.ID = types.StringValue(credential.ID)
			known.Name = types.StringValue(credential.Name)
			known.Label = types.StringPointerValue(credential.Label)
			known.Description = types.StringPointerValue(credential.Description)
			known.Username = types.StringPointerValue(credential.Username)
			known.Password = revealed(credential.Password)
			known.PasswordWO = types.StringNull()
			return known
		},
		secrets:     sendWriteOnlyPassword,
		afterUpdate: checkRepositoriesOf,
		adoption: &adoption[passwordCredentialModel, infrahub.Credential]{
			setting: func(model passwordCredentialModel) types.Bool { return model.AdoptExisting },
			// Only to send a password that differs; what is read is not kept.
			nodes: func(client *infrahub.Client, config passwordCredentialModel) infrahub.Nodes[infrahub.Credential] {
				return client.Credentials(infrahub.WithPassword(!config.Password.IsNull() || !config.PasswordWO.IsNull()))
			},
			secrets: changedPassword,
		},
	}
}

// optionalSecret is optional for a secret.
func optionalSecret(value types.String) *sensitive.Text {
	text := optional(value)
	if text == nil {
		return nil
	}
	return new(sensitive.New(*text))
}

// revealed returns a secret for the state, null for nil.
func revealed(value *sensitive.Text) types.String {
	if value == nil {
		return types.StringNull()
	}
	return types.StringValue(value.Reveal())
}

// changedPassword returns the name of the attribute that has another password than the server, without either.
func changedPassword(config passwordCredentialModel, before, after infrahub.Credential) []string {
	switch {
	case !config.PasswordWO.IsNull() && !config.PasswordWO.Equal(revealed(before.Password)):
		return []string{"password_wo"}
	case config.Password.IsUnknown(), config.PasswordWO.IsNull() && !revealed(after.Password).Equal(revealed(before.Password)):
		return []string{"password"}
	default:
		return nil
	}
}

// checkRepositoriesOf lets Infrahub connect to the repositories that use a credential whose username or password has changed.
func checkRepositoriesOf(ctx context.Context, client *infrahub.Client, plan passwordCredentialModel, before, after infrahub.Credential) diag.Diagnostics {
	if before.SameLogin(after) {
		return nil
	}
	check := connectivityCheck{
		object: "Credential " + after.Name + " on branch " + client.Branch(), noun: "credential", attribute: "password",
		next: "Correct username and password, or what else the reason says, and apply again.",
	}
	switch {
	case before.SameLogin(infrahub.Credential{Username: before.Username, Password: after.Password}):
		check.attribute = "username"
	case !plan.PasswordWOVersion.IsNull():
		check.attribute = "password_wo"
	}
	check.find(ctx, client, plan.ID.ValueString())
	return check.run(ctx, client)
}

// sendWriteOnlyPassword sends the write-only password when its version changes. Nobody knows what it was before, so it
// counts as changed, also where the configuration has none any more.
func sendWriteOnlyPassword(config, plan, state passwordCredentialModel, before, after *infrahub.Credential) {
	if plan.PasswordWOVersion.Equal(state.PasswordWOVersion) {
		return
	}
	before.Password = new(sensitive.Text)
	if !config.PasswordWO.IsNull() {
		after.Password = optionalSecret(config.PasswordWO)
	}
}

// checkedRepositories describes what connectivityCheck does after a change of the credential.
func checkedRepositories() string {
	return fmt.Sprintf("After a change of the password or of `username` the apply lets Infrahub connect to the repositories that use the credential, "+
		"to %d of them at most and for a minute at most, and warns of those that it does not reach.", maxChecks)
}

func passwordCredentialSchema(ctx context.Context) schema.Schema {
	return schema.Schema{
		MarkdownDescription: "A username and password (or token) that Infrahub uses to reach private Git repositories (CorePasswordCredential). " +
			"Infrahub returns the password in clear to everyone who may read credentials.",
		Attributes: map[string]schema.Attribute{
			"id": idAttribute(),
			"name": schema.StringAttribute{
				MarkdownDescription: "Unique name of the credential. Changing it renames the credential in place.",
				Required:            true,
				Validators:          requiredText(),
			},
			"label": schema.StringAttribute{
				MarkdownDescription: "Name to show to people. Without it Infrahub makes one of the name when it creates the credential, and keeps that when the name changes; removing it here leaves the label as it is.",
				Optional:            true,
				Computed:            true,
				Validators:          nonEmptyText(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What the credential is for. Removing it clears it.",
				Optional:            true,
				Validators:          nonEmptyText(),
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "Name of the account at the Git server. Removing it clears it.",
				Optional:            true,
				Validators:          append(nonEmptyText(), usernameOfPassword{}),
			},
			"password": schema.StringAttribute{
				MarkdownDescription: "Password or token of the account. It is kept in the state, and a change outside of Terraform is seen; use `password_wo` to keep it out of the state. Removing it clears it. " + checkedRepositories(),
				Optional:            true,
				Sensitive:           true,
				Validators:          append(nonEmptyText(), stringvalidator.ConflictsWith(path.MatchRoot("password_wo"))),
			},
			"password_wo": schema.StringAttribute{
				MarkdownDescription: "Password or token of the account, sent to Infrahub and kept nowhere else: neither in the state nor in a plan. It is sent when `password_wo_version` changes. Removing it together with `password_wo_version` clears the password. Needs Terraform 1.11 or OpenTofu 1.11. " + checkedRepositories(),
				Optional:            true,
				Sensitive:           true,
				WriteOnly:           true,
				Validators:          append(nonEmptyText(), stringvalidator.AlsoRequires(path.MatchRoot("password_wo_version"))),
			},
			"password_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Any number that goes with `password_wo`. Changing it sends `password_wo` again: Terraform cannot see that a write-only value changed. Removing it together with `password_wo` clears the password.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("password_wo"))},
			},
			"adopt_existing": adoptExistingAttribute("the same name", ""),
			"timeouts":       timeoutsAttribute(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}
