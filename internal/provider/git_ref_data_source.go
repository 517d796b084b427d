package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

var _ datasource.DataSourceWithConfigure = (*gitRefDataSource)(nil)

func newGitRefDataSource() datasource.DataSource { return &gitRefDataSource{} }

// gitRefDataSource finds the ref of a release at the Git remote. It asks Infrahub nothing.
type gitRefDataSource struct {
	dataSourceBase
}

type gitRefModel struct {
	Location           types.String `tfsdk:"location"`
	Ref                types.String `tfsdk:"ref"`
	Version            types.String `tfsdk:"version"`
	Prefix             types.String `tfsdk:"prefix"`
	IncludePrereleases types.Bool   `tfsdk:"include_prereleases"`
	Kind               types.String `tfsdk:"kind"`
	Tag                types.String `tfsdk:"tag"`
	Commit             types.String `tfsdk:"commit"`
	Annotated          types.Bool   `tfsdk:"annotated"`
	Candidates         types.List   `tfsdk:"candidates"`
}

func (d *gitRefDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_git_ref"
}

func (d *gitRefDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	named := stringvalidator.ConflictsWith(path.MatchRoot("ref"))
	resp.Schema = schema.Schema{
		MarkdownDescription: "What a Git remote has: its newest release, or one ref by its name, and the commit that it stands for. " +
			"The provider asks the remote itself (as `git ls-remote` does), with its `git_username` and `git_token`, proxy and certificates. " +
			"Terraform keeps the answer from plan to apply.",
		Attributes: map[string]schema.Attribute{
			"location": schema.StringAttribute{
				MarkdownDescription: "URL of the Git repository, as it is reached from where Terraform runs, and without a username or password.",
				Required:            true,
				Validators:          append(requiredText(), gitURL{}),
			},
			"ref": schema.StringAttribute{
				MarkdownDescription: "Branch, tag or commit to look up. Without it the newest tag that is a version is found, and this is its name.",
				Optional:            true,
				Computed:            true,
				Validators:          gitRef(),
			},
			"version": schema.StringAttribute{
				MarkdownDescription: "Constraint on the version, such as `>= 1.2, < 2.0` or `~> 1.2`. Without it every version is allowed.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), versionConstraint{}, named},
			},
			"prefix": schema.StringAttribute{
				MarkdownDescription: "What stands before the version in the name of a tag, such as `network-` for `network-1.4.0`. Without it a tag is a version alone. A `v` before the version needs no mention.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), named},
			},
			"include_prereleases": schema.BoolAttribute{
				MarkdownDescription: "Whether versions such as `2.0.0-rc.1` count. Defaults to `false`; a constraint that names a prerelease allows the prereleases of that version alone.",
				Optional:            true,
				Validators:          []validator.Bool{boolvalidator.ConflictsWith(path.MatchRoot("ref"))},
			},
			"kind": schema.StringAttribute{
				MarkdownDescription: "What the ref is: `tag`, `branch` or `commit`.",
				Computed:            true,
			},
			"tag": schema.StringAttribute{
				MarkdownDescription: "Name of the tag; null if the ref is no tag.",
				Computed:            true,
			},
			"commit": schema.StringAttribute{
				MarkdownDescription: "Hash of the commit that the ref stands for; of an annotated tag the commit that it points to. " +
					"Null if the remote does not show it, as for an abbreviated hash that is not the end of a branch or a tag.",
				Computed: true,
			},
			"annotated": schema.BoolAttribute{
				MarkdownDescription: "Whether the ref is an annotated tag.",
				Computed:            true,
			},
			"candidates": schema.ListAttribute{
				MarkdownDescription: "All tags that `version`, `prefix` and `include_prereleases` allow, the newest first. Empty for a ref by its name.",
				ElementType:         types.StringType,
				Computed:            true,
			},
		},
	}
}

func (d *gitRefDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model gitRefModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	location := model.Location.ValueString()
	refs, err := d.refs(ctx, location)
	if err == nil {
		err = model.find(refs, &resp.Diagnostics)
	}
	if err != nil {
		// A data source has no prior state to keep, and does not know whether the plan is a destroy.
		resp.Diagnostics.Append(gitDiagnostic(location, err,
			"Every plan reads this data source, that of a destroy as well. To destroy without it: terraform destroy -refresh=false."))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// find fills in what was asked for, and warns of what the remote leaves open.
func (m *gitRefModel) find(refs *gitremote.Refs, diags *diag.Diagnostics) error {
	var candidates []gitremote.Ref
	var found gitremote.Ref
	if m.Ref.IsNull() {
		versions, err := refs.Versions(m.Version.ValueString(), m.Prefix.ValueString(), m.IncludePrereleases.ValueBool())
		if err != nil {
			return err
		}
		candidates, found = versions.Tags, versions.Tags[0]
		m.warnOfUnreadable(versions, diags)
		m.Ref = types.StringValue(found.Name)
	} else {
		var err error
		if found, err = refs.Resolve(m.Ref.ValueString()); err != nil {
			return err
		}
		consequence := "commit is null."
		if found.Copied {
			consequence = "commit is that of the remote."
		}
		if warning := refWarning(m.Location.ValueString(), m.Ref.ValueString(), found, consequence); warning != nil {
			diags.Append(warning)
		}
	}
	m.Kind, m.Commit, m.Annotated = types.StringValue(string(found.Kind)), types.StringNull(), types.BoolValue(found.Annotated)
	if found.Commit != "" {
		m.Commit = types.StringValue(found.Commit)
	}
	m.Tag = types.StringNull()
	if found.Kind == gitremote.Tag {
		m.Tag = types.StringValue(found.Name)
	}
	names := []attr.Value{}
	for _, each := range candidates {
		names = append(names, types.StringValue(each.Name))
	}
	m.Candidates = types.ListValueMust(types.StringType, names)
	return nil
}

// warnOfUnreadable warns of tags that may be newer than the one that is returned.
func (m *gitRefModel) warnOfUnreadable(versions gitremote.Versions, diags *diag.Diagnostics) {
	if len(versions.Unreadable) == 0 {
		return
	}
	diags.AddAttributeWarning(path.Root("version"), "Git Tag Not Read as a Version", fmt.Sprintf(
		"%s: these tags look like versions that are at least as new as %s, but are none: %s. They do not count.\n\n"+
			"A version has three numbers, such as v1.2.3 or 2025.01.3. Push the release under such a tag, set ref to the tag that you mean, or set prefix or version so that it does not match them.",
		withoutQuery(m.Location.ValueString()), versions.Tags[0].Name, strings.Join(versions.Unreadable, ", ")))
}

// versionConstraint validates what can be read as one.
type versionConstraint struct{}

func (versionConstraint) Description(context.Context) string {
	return "must be a version constraint, such as \">= 1.2, < 2.0\""
}

func (v versionConstraint) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (versionConstraint) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || req.ConfigValue.ValueString() == "" {
		return
	}
	_, err := (&gitremote.Refs{}).Versions(req.ConfigValue.ValueString(), "", false)
	if _, unreadable := errors.AsType[*gitremote.ConstraintError](err); unreadable {
		resp.Diagnostics.Append(gitDiagnostic("", err))
	}
}
