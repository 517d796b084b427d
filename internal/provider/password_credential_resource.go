package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

var (
	_ resource.ResourceWithConfigure   = (*passwordCredentialResource)(nil)
	_ resource.ResourceWithImportState = (*passwordCredentialResource)(nil)
)

func newPasswordCredentialResource() resource.Resource { return &passwordCredentialResource{} }

type passwordCredentialResource struct {
	client
}

type passwordCredentialModel struct {
	ID                types.String   `tfsdk:"id"`
	Name              types.String   `tfsdk:"name"`
	Label             types.String   `tfsdk:"label"`
	Description       types.String   `tfsdk:"description"`
	Username          types.String   `tfsdk:"username"`
	Password          types.String   `tfsdk:"password"`
	PasswordWO        types.String   `tfsdk:"password_wo"`
	PasswordWOVersion types.Int64    `tfsdk:"password_wo_version"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

func (r *passwordCredentialResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_password_credential"
}

func (r *passwordCredentialResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
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
				Validators:          anyText(),
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"description": schema.StringAttribute{
				MarkdownDescription: "What the credential is for. Removing it clears it.",
				Optional:            true,
				Validators:          anyText(),
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "Name of the account at the Git server. Removing it clears it.",
				Optional:            true,
				Validators:          anyText(),
			},
			"password": schema.StringAttribute{
				MarkdownDescription: "Password or token of the account. It is kept in the state, and a change outside of Terraform is seen; use `password_wo` to keep it out of the state. Removing it clears it.",
				Optional:            true,
				Sensitive:           true,
				Validators:          append(anyText(), stringvalidator.ConflictsWith(path.MatchRoot("password_wo"))),
			},
			"password_wo": schema.StringAttribute{
				MarkdownDescription: "Password or token of the account, sent to Infrahub and kept nowhere else: neither in the state nor in a plan. It is sent when `password_wo_version` changes. Needs Terraform 1.11 or OpenTofu 1.11.",
				Optional:            true,
				Sensitive:           true,
				WriteOnly:           true,
				Validators:          append(anyText(), stringvalidator.AlsoRequires(path.MatchRoot("password_wo_version"))),
			},
			"password_wo_version": schema.Int64Attribute{
				MarkdownDescription: "Any number; change it to have `password_wo` sent again, for Terraform cannot see that a write-only value changed.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("password_wo"))},
			},
			"timeouts": timeouts.Attributes(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
		},
	}
}

func (r *passwordCredentialResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config passwordCredentialModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	want := plan.credential()
	if !config.PasswordWO.IsNull() {
		want.Password = optional(config.PasswordWO)
	}
	id, err := r.Credentials(false).Create(ctx, want)
	if err != nil {
		resp.Diagnostics.Append(failed("Credential Not Created", r.object(plan), err, "name", "label", "description", "username", "password"))
		return
	}
	plan.ID = types.StringValue(id)
	plan.Label = types.StringPointerValue(optional(plan.Label))
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...) // it exists, whatever the read says
	state, err := r.read(ctx, plan)
	if err != nil {
		resp.Diagnostics.Append(failed("Credential Not Read", r.object(plan), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (r *passwordCredentialResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state passwordCredentialModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Read, &resp.Diagnostics)
	defer cancel()
	state, err := r.read(ctx, state)
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(failed("Credential Not Read", r.object(state), err))
	default:
		resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	}
}

func (r *passwordCredentialResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state passwordCredentialModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	before, after := state.credential(), plan.credential()
	if !plan.PasswordWOVersion.Equal(state.PasswordWOVersion) {
		// Nobody knows what it was, so it counts as changed, also to nothing.
		before.Password = new(string)
		if !config.PasswordWO.IsNull() {
			after.Password = optional(config.PasswordWO)
		}
	}
	if err := r.Credentials(false).Update(ctx, before, after); err != nil {
		resp.Diagnostics.Append(failed("Credential Not Updated", r.object(state), err, "name", "label", "description", "username", "password"))
		return
	}
	updated, err := r.read(ctx, plan)
	if err != nil {
		resp.Diagnostics.Append(failed("Credential Not Read", r.object(plan), err))
		return
	}
	if plan.Label.IsUnknown() {
		plan.Label = updated.Label
	}
	plan.PasswordWO = types.StringNull()
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...) // what others changed meanwhile, the next refresh finds
}

func (r *passwordCredentialResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state passwordCredentialModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := within(ctx, state.Timeouts.Delete, &resp.Diagnostics)
	defer cancel()
	if err := r.Credentials(false).Delete(ctx, state.ID.ValueString()); err != nil {
		resp.Diagnostics.Append(failed("Credential Not Deleted", r.object(state), err))
	}
}

func (r *passwordCredentialResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByIDOrName(ctx, req, resp, "credential", func(id string) error {
		_, err := r.Credentials(false).Get(ctx, id)
		return err
	}, func(name string) (string, error) {
		found, err := r.Credentials(false).GetByName(ctx, name)
		if err != nil {
			return "", err
		}
		return found.ID, nil
	})
}

func (r *passwordCredentialResource) object(model passwordCredentialModel) string {
	return "Credential " + model.Name.ValueString() + " on branch " + r.Branch()
}

// read makes a state of what the server has and of what Terraform alone knows in known. The password
// is asked for only where the state holds one (infrahub.md, Writing 6).
func (r *passwordCredentialResource) read(ctx context.Context, known passwordCredentialModel) (passwordCredentialModel, error) {
	found, err := r.Credentials(infrahub.WithPassword(!known.Password.IsNull())).Get(ctx, known.ID.ValueString())
	if err != nil {
		return known, err
	}
	return passwordCredentialModel{
		ID:                types.StringValue(found.ID),
		Name:              types.StringValue(found.Name),
		Label:             types.StringPointerValue(found.Label),
		Description:       types.StringPointerValue(found.Description),
		Username:          types.StringPointerValue(found.Username),
		Password:          types.StringPointerValue(found.Password),
		PasswordWO:        types.StringNull(),
		PasswordWOVersion: known.PasswordWOVersion,
		Timeouts:          known.Timeouts,
	}, nil
}

// credential is the model as the client knows it; a write-only password is not in it.
func (m passwordCredentialModel) credential() infrahub.Credential {
	return infrahub.Credential{
		ID:          m.ID.ValueString(),
		Name:        m.Name.ValueString(),
		Label:       optional(m.Label),
		Description: optional(m.Description),
		Username:    optional(m.Username),
		Password:    optional(m.Password),
	}
}
