package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newReadOnlyRepositoryResource() resource.Resource {
	return &repositoryResource[readOnlyRepositoryModel]{
		nodeResource: nodeResource[readOnlyRepositoryModel, infrahub.Repository]{nodeKind: readOnlyRepositoryKind()},
		kind:         infrahub.ReadOnly,
		parts:        readOnlyRepositoryParts,
	}
}

type readOnlyRepositoryModel struct {
	repositoryModel
	Ref types.String `tfsdk:"ref"`
	refResolution
}

func readOnlyRepositoryParts(model *readOnlyRepositoryModel) repositoryParts {
	return repositoryParts{&model.repositoryModel, &model.Ref, &model.refResolution}
}

func readOnlyRepositoryKind() nodeKind[readOnlyRepositoryModel, infrahub.Repository] {
	return repositoryKind("read_only_repository", "Read-only Repository", infrahub.ReadOnly, readOnlyRepositorySchema, readOnlyRepositoryParts)
}

func readOnlyRepositorySchema(ctx context.Context) schema.Schema {
	attributes := repositoryAttributes(ctx)
	attributes["ref"] = schema.StringAttribute{
		MarkdownDescription: "Branch, tag or commit that the repository is pinned to. Changing it is an update in place: Infrahub imports the new ref, and the apply ends when it has. " +
			"Infrahub does not follow a branch that moves; set `resolve_ref`, or apply with a changed `reimport_triggers` for that. Defaults to `main`.",
		Optional:   true,
		Computed:   true,
		Default:    stringdefault.StaticString("main"),
		Validators: gitRef(),
	}
	attributes["resolve_ref"] = schema.BoolAttribute{
		MarkdownDescription: "Whether each plan asks the Git remote what `ref` stands for, with `git_username` and `git_token` of the provider. " +
			"A missing ref, or a remote that cannot be asked, then fails the plan; it is only a warning if `ref` and `location` have not changed. " +
			"A ref that stands for another commit than was imported, such as a branch that moved, is imported again. Defaults to `false`.",
		Optional: true,
	}
	attributes["planned_commit"] = schema.StringAttribute{
		MarkdownDescription: "Commit that `ref` stood for when it was planned, where `resolve_ref` is set. Null if the remote does not show it, as for an abbreviated hash that is not the end of a branch or a tag. If the ref has been moved by the time of the apply, the apply fails and names both commits.",
		Computed:            true,
	}
	return schema.Schema{
		MarkdownDescription: "A Git repository that Infrahub imports at a pinned ref, and only when the ref changes (CoreReadOnlyRepository). " +
			"An apply that changes `ref` is green when Infrahub has imported that commit. If the import fails, the next plan shows it and the next apply tries again.",
		Attributes: attributes,
	}
}
