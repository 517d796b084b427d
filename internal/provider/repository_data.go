package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// repositoryData returns a kind of repository as data sources show it. No tags are an empty set, so that a configuration can
// search them.
func repositoryData[M any](kind nodeKind[M, infrahub.Repository], parts func(*M) repositoryParts) nodeData[M, infrahub.Repository] {
	flatten := kind.flatten
	kind.flatten = func(repository infrahub.Repository, known M) M {
		parts(&known).Tags = textSet(nil)
		return flatten(repository, known)
	}
	return nodeData[M, infrahub.Repository]{nodeKind: kind, more: repositoryKindAndRef, attributes: map[string]schema.Attribute{
		"location":      schema.StringAttribute{MarkdownDescription: "URL of the Git repository as the Infrahub server reaches it.", Computed: true},
		"credential_id": schema.StringAttribute{MarkdownDescription: "Id of the credential with which Infrahub reaches it; null if it has none.", Computed: true},
		"tags":          schema.SetAttribute{MarkdownDescription: "Names of its tags; empty if it has none.", ElementType: types.StringType, Computed: true},
		"description":   schema.StringAttribute{MarkdownDescription: "What the repository is for; null if that is not set.", Computed: true},
		"commit": schema.StringAttribute{
			MarkdownDescription: "Hash of the commit that Infrahub imported last on the provider's branch; null if it has imported none.", Computed: true,
		},
		"internal_status": schema.StringAttribute{
			MarkdownDescription: "Whether the repository is in use on the provider's branch: `active`, `staging` or `inactive`.", Computed: true,
		},
		"operational_status": schema.StringAttribute{
			MarkdownDescription: "Whether Infrahub reaches the repository: `unknown`, `online`, `error-cred`, `error-connection` or `error`.", Computed: true,
		},
		"sync_status": schema.StringAttribute{
			MarkdownDescription: "Status of its import: `unknown`, `syncing`, `in-sync` or `error-import`. It lags behind; `infrahub_repository_tasks` shows how an import ended.",
			Computed:            true,
		},
	}}
}

// repositoryKindAndRef returns what tells apart the repositories of a list of both kinds. The ref is the default branch of a
// read-write repository.
func repositoryKindAndRef(repository infrahub.Repository) map[string]attr.Value {
	return map[string]attr.Value{"kind": types.StringValue(string(repository.Kind)), "ref": types.StringValue(repository.Ref)}
}
