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

func newRepositoryResource() resource.Resource {
	return &repositoryResource[readWriteRepositoryModel]{
		nodeResource: nodeResource[readWriteRepositoryModel, infrahub.Repository]{nodeKind: readWriteRepositoryKind()},
		kind:         infrahub.ReadWrite,
		parts:        readWriteRepositoryParts,
	}
}

type readWriteRepositoryModel struct {
	repositoryModel
	DefaultBranch types.String `tfsdk:"default_branch"`
}

func readWriteRepositoryParts(model *readWriteRepositoryModel) repositoryParts {
	return repositoryParts{&model.repositoryModel, &model.DefaultBranch, nil}
}

func readWriteRepositoryKind() nodeKind[readWriteRepositoryModel, infrahub.Repository] {
	return repositoryKind("repository", "Repository", infrahub.ReadWrite, readWriteRepositorySchema, readWriteRepositoryParts)
}

func readWriteRepositorySchema(ctx context.Context) schema.Schema {
	attributes := repositoryAttributes(ctx)
	attributes["default_branch"] = schema.StringAttribute{
		MarkdownDescription: "Git branch that Infrahub's default branch follows. Infrahub stores a changed one but never acts on it, so changing it **replaces** the repository, and what was imported from it goes with it. Defaults to `main`.",
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString("main"),
		Validators:          gitBranch(),
		PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplaceIf(replaceRepository,
			"Changing it replaces the repository.", "Changing it replaces the repository.")},
	}
	return schema.Schema{
		MarkdownDescription: "A Git repository that Infrahub keeps in sync with its branches, both ways (CoreRepository). " +
			"Use `infrahub_read_only_repository` for one that is pinned to a release.",
		Attributes: attributes,
	}
}

// replaceRepository warns of what goes with the repository (infrahub-behaviour.md, Importing 18).
func replaceRepository(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
	resp.RequiresReplace = true
	resp.Diagnostics.AddAttributeWarning(req.Path, "Repository Will Be Replaced", fmt.Sprintf(
		"Infrahub does not act on a changed default branch, so changing %q to %q deletes the repository and creates it again. What was imported from it goes with it.",
		req.StateValue.ValueString(), req.PlanValue.ValueString()))
}
