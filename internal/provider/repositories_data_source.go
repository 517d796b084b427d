package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func newRepositoriesDataSource() datasource.DataSource {
	readOnly := repositoryData(readOnlyRepositoryKind(), readOnlyRepositoryParts)
	readWrite := repositoryData(readWriteRepositoryKind(), readWriteRepositoryParts)
	attributes := readOnly.attributes
	attributes["kind"] = schema.StringAttribute{MarkdownDescription: "Kind of the repository: `CoreRepository` or `CoreReadOnlyRepository`.", Computed: true}
	attributes["ref"] = schema.StringAttribute{
		MarkdownDescription: "Branch, tag or commit that a read-only repository is pinned to, and the default branch of a read-write one.", Computed: true,
	}
	return &nodeListDataSource{
		typeName: "repositories", attributes: attributes, filters: append(repositoryFilters(), kindFilter()),
		description: "The Git repositories in Infrahub of both kinds, as they are on the provider's branch. A repository is listed if it passes all filters.",
		lists: func(ctx context.Context, config tfsdk.Config) []nodeList {
			var kind types.String
			_ = config.GetAttribute(ctx, path.Root("kind"), &kind) // it was validated
			switch infrahub.Kind(kind.ValueString()) {
			case infrahub.ReadOnly:
				return []nodeList{readOnly.list}
			case infrahub.ReadWrite:
				return []nodeList{readWrite.list}
			default:
				return []nodeList{readOnly.list, readWrite.list}
			}
		},
	}
}

// kindFilter chooses which lists are read.
func kindFilter() nodeFilter {
	return nodeFilter{
		attribute: "kind", description: "Kind to list: `CoreRepository` (read-write) or `CoreReadOnlyRepository`. Without it both are listed.",
		validators: []validator.String{stringvalidator.OneOf(string(infrahub.ReadWrite), string(infrahub.ReadOnly))},
	}
}
