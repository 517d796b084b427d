package provider

import (
	"cmp"
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
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
		MarkdownDescription: "Git branch that Infrahub's default branch follows. Infrahub stores a changed one but never acts on it, so changing it **replaces** the repository, and what was imported from it goes with it; one that was changed outside of Terraform is written back in place. Defaults to `main`.",
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString("main"),
		Validators:          gitBranch(),
		PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplaceIf(replaceRepository,
			"Changing it replaces the repository, unless it only writes back the branch that was imported.",
			"Changing it replaces the repository, unless it only writes back the branch that was imported.")},
	}
	return schema.Schema{
		MarkdownDescription: "A Git repository that Infrahub keeps in sync with its branches, both ways (CoreRepository). " +
			"Use `infrahub_read_only_repository` for one that is pinned to a release.",
		Attributes: attributes,
	}
}

// replaceRepository replaces a repository if the configuration asks for another branch than the one that Infrahub imported, and
// warns of what goes with it. Infrahub stores a changed default branch and does nothing about it (infrahub-behaviour.md,
// Importing 18), so that writing back the branch that was imported needs no replacement.
func replaceRepository(ctx context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
	imported, diags := loadText(ctx, req.Private, importedBranchKey)
	resp.Diagnostics.Append(diags...)
	if imported == req.PlanValue.ValueString() {
		return
	}
	resp.RequiresReplace = true
	resp.Diagnostics.AddAttributeWarning(req.Path, "Repository Will Be Replaced", fmt.Sprintf(
		"Infrahub does not act on a changed default branch, so changing %q to %q deletes the repository and creates it again. What was imported from it goes with it.",
		cmp.Or(imported, req.StateValue.ValueString()), req.PlanValue.ValueString()))
}

// warnOfImportedBranch warns where server and configuration agree on a default branch that Infrahub never imported.
func warnOfImportedBranch(imported string, plan, state types.String) diag.Diagnostics {
	if imported == "" || !plan.Equal(state) || imported == plan.ValueString() {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeWarningDiagnostic(path.Root("default_branch"), "Another Default Branch Was Imported", fmt.Sprintf(
		"Infrahub has %q as the default branch, but follows %q: it does not act on a changed default branch. Set %q, or apply with -replace for this resource, and what was imported from it goes with it.",
		plan.ValueString(), imported, imported))}
}
