package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

var (
	_ resource.ResourceWithConfigure   = (*repositoryResource)(nil)
	_ resource.ResourceWithImportState = (*repositoryResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*repositoryResource)(nil)
)

func newRepositoryResource() resource.Resource {
	return &repositoryResource{repositoryBase{
		kind:    infrahub.ReadWrite,
		title:   "Repository",
		refName: "default_branch",
		model:   func() repositoryState { return &readWriteRepositoryModel{} },
	}}
}

type repositoryResource struct {
	repositoryBase
}

type readWriteRepositoryModel struct {
	repositoryModel
	DefaultBranch types.String `tfsdk:"default_branch"`
}

func (m *readWriteRepositoryModel) ref() *types.String { return &m.DefaultBranch }

func (m *readWriteRepositoryModel) planned() *resolution { return nil }

func (r *repositoryResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_repository"
}

func (r *repositoryResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := repositoryAttributes(ctx)
	attributes["default_branch"] = schema.StringAttribute{
		MarkdownDescription: "Git branch that Infrahub's default branch follows. Infrahub stores a changed one but never acts on it, so changing it **replaces** the repository, and what was imported from it goes with it. Defaults to `main`.",
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString("main"),
		Validators:          requiredText(),
		PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplaceIf(replaceRepository,
			"Changing it replaces the repository.", "Changing it replaces the repository.")},
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Git repository that Infrahub keeps in sync with its branches, both ways (CoreRepository). " +
			"Use `infrahub_read_only_repository` for one that is pinned to a release.",
		Attributes: attributes,
	}
}

// replaceRepository warns of what goes with the repository (infrahub.md, Importing).
func replaceRepository(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
	resp.RequiresReplace = true
	resp.Diagnostics.AddAttributeWarning(req.Path, "Repository Will Be Replaced", fmt.Sprintf(
		"Infrahub does not act on a changed default branch, so changing %q to %q deletes the repository and creates it again. What was imported from it goes with it.",
		req.StateValue.ValueString(), req.PlanValue.ValueString()))
}
