package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// repositoryModel is embedded by the models of both kinds.
type repositoryModel struct {
	nodeModel
	Name              types.String `tfsdk:"name"`
	Location          location     `tfsdk:"location"`
	CredentialID      types.String `tfsdk:"credential_id"`
	Tags              types.Set    `tfsdk:"tags"`
	Description       types.String `tfsdk:"description"`
	AdoptExisting     types.Bool   `tfsdk:"adopt_existing"`
	WaitForImport     types.Bool   `tfsdk:"wait_for_import"`
	ReimportTriggers  types.Map    `tfsdk:"reimport_triggers"`
	Commit            types.String `tfsdk:"commit"`
	InternalStatus    types.String `tfsdk:"internal_status"`
	OperationalStatus types.String `tfsdk:"operational_status"`
	SyncStatus        types.String `tfsdk:"sync_status"`
}

// repositoryParts points into the model of either kind.
type repositoryParts struct {
	*repositoryModel
	// ref is the ref of a read-only repository, the default branch of the other kind.
	ref *types.String
	// resolution is nil for a kind that is not pinned to a ref.
	resolution *refResolution
}

// computed returns the values that a plan decides on.
func (p repositoryParts) computed() [5]types.String {
	values := [5]types.String{p.Commit, p.InternalStatus, p.OperationalStatus, p.SyncStatus}
	if p.resolution != nil {
		values[4] = p.resolution.PlannedCommit
	}
	return values
}

// repositoryKind describes a kind of repository whose model is M.
func repositoryKind[M any](typeName, title string, kind infrahub.Kind, schema func(context.Context) schema.Schema, parts func(*M) repositoryParts) nodeKind[M, infrahub.Repository] {
	return nodeKind[M, infrahub.Repository]{
		typeName: typeName,
		title:    title,
		schema:   schema,
		nodes: func(client *infrahub.Client, _ M) infrahub.Nodes[infrahub.Repository] {
			return client.Repositories(kind)
		},
		everywhere: true,
		base:       func(model *M) *nodeModel { return &parts(model).nodeModel },
		describe: func(model M, branch string) string {
			return title + " " + parts(&model).Name.ValueString() + " on branch " + branch
		},
		expand: func(model M) infrahub.Repository { return expandRepository(kind, parts(&model)) },
		flatten: func(repository infrahub.Repository, known M) M {
			flattenRepository(repository, parts(&known))
			return known
		},
		otherType: func(ctx context.Context, client *infrahub.Client, given string) string {
			return otherRepositoryType(ctx, client, kind, given)
		},
		adoption: repositoryAdoption(kind, parts),
	}
}

// otherRepositoryType returns the resource type of the repository of the other kind that has an id or a name, "" if none is
// found. A name is unique over both kinds (infrahub-behaviour.md, Kinds 3).
func otherRepositoryType(ctx context.Context, client *infrahub.Client, kind infrahub.Kind, given string) string {
	if _, err := findID(ctx, client.Repositories(kind.Other()), given, true); err != nil {
		return ""
	}
	return typeNameOf(kind.Other().String())
}

func expandRepository(kind infrahub.Kind, model repositoryParts) infrahub.Repository {
	return infrahub.Repository{
		Kind:         kind,
		ID:           model.ID.ValueString(),
		Name:         model.Name.ValueString(),
		Location:     model.Location.ValueString(),
		Ref:          model.ref.ValueString(),
		Description:  optional(model.Description),
		CredentialID: optional(model.CredentialID),
		Tags:         texts(model.Tags),
	}
}

// flattenRepository writes a repository into a model. No tags are null or an empty set, as they were in the model.
func flattenRepository(repository infrahub.Repository, model repositoryParts) {
	model.ID = types.StringValue(repository.ID)
	model.Name = types.StringValue(repository.Name)
	model.Location = newLocation(repository.Location)
	*model.ref = types.StringValue(repository.Ref)
	model.Description = types.StringPointerValue(repository.Description)
	model.CredentialID = types.StringPointerValue(repository.CredentialID)
	if len(repository.Tags) > 0 || !model.Tags.IsNull() {
		model.Tags = textSet(repository.Tags)
	}
	model.Commit = types.StringPointerValue(repository.Commit)
	model.InternalStatus = types.StringValue(repository.InternalStatus)
	model.OperationalStatus = types.StringValue(repository.OperationalStatus)
	model.SyncStatus = types.StringValue(repository.SyncStatus)
}

// texts returns the elements of a set of strings.
func texts(set types.Set) []string {
	var elements []string
	for _, element := range set.Elements() {
		if text, ok := element.(types.String); ok {
			elements = append(elements, text.ValueString())
		}
	}
	return elements
}

func textSet(elements []string) types.Set {
	values := []attr.Value{}
	for _, element := range elements {
		values = append(values, types.StringValue(element))
	}
	return types.SetValueMust(types.StringType, values)
}

// isHealthy reports whether the statuses are those that a good import leaves behind.
func (m *repositoryModel) isHealthy() bool {
	return m.InternalStatus.ValueString() == "active" && m.OperationalStatus.ValueString() == "online" && m.SyncStatus.ValueString() == "in-sync"
}

func repositoryAttributes(ctx context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": idAttribute(),
		"name": schema.StringAttribute{
			MarkdownDescription: "Name of the repository, unique among repositories of both kinds and without a slash. Changing it renames the repository in place.",
			Required:            true,
			Validators:          repositoryName(),
		},
		"location": schema.StringAttribute{
			MarkdownDescription: "URL of the Git repository as the Infrahub server reaches it, unique among repositories of both kinds and without a username or password. " +
				"A suffix `.git` that Infrahub appends, as it does on github.com and gitlab.com, is no difference. Changing it is an update in place, after which Infrahub imports from the new location.",
			Required:      true,
			CustomType:    locationType{},
			Validators:    append(requiredText(), gitURL{stored: true}),
			PlanModifiers: []planmodifier.String{ignoreGitSuffix{}},
		},
		"credential_id": schema.StringAttribute{
			MarkdownDescription: "Id of the `infrahub_password_credential` with which Infrahub reaches a private repository; names are not accepted. Removing it detaches the credential. " +
				"After a change that starts no import the apply lets Infrahub connect to the repository, for a minute at most, and warns if it does not reach it.",
			Optional:   true,
			Validators: requiredText(),
		},
		"tags": schema.SetAttribute{
			MarkdownDescription: "Names of the tags of the repository; they must exist in Infrahub. Removing it, or an empty set, removes all tags.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Set{setvalidator.ValueStringsAre(requiredText()...)},
		},
		"description": schema.StringAttribute{
			MarkdownDescription: "What the repository is for. Removing it clears it.",
			Optional:            true,
			Validators:          nonEmptyText(),
		},
		"adopt_existing": adoptExistingAttribute("the same kind, name and location", "What is not known to be imported is imported then. "),
		"wait_for_import": schema.BoolAttribute{
			MarkdownDescription: "Whether an apply waits until Infrahub has imported, and fails if the import fails. Defaults to the provider's setting, which is `true`; changing it changes nothing in Infrahub. " +
				"If `false`, `commit` and the statuses are those of the moment, and a later refresh updates them.",
			Optional: true,
		},
		"reimport_triggers": schema.MapAttribute{
			MarkdownDescription: "Any values; when one changes, Infrahub imports the repository again, although nothing else changed. Removing it is such a change as well.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Map{mapvalidator.SizeAtLeast(1)},
		},
		"commit": schema.StringAttribute{
			MarkdownDescription: "Hash of the commit that Infrahub imported last on the provider's branch.",
			Computed:            true,
		},
		"internal_status": schema.StringAttribute{
			MarkdownDescription: "Whether the repository is in use on the provider's branch: `active`, `staging` or `inactive`.",
			Computed:            true,
		},
		"operational_status": schema.StringAttribute{
			MarkdownDescription: "Whether Infrahub reaches the repository: `unknown`, `online`, `error-cred`, `error-connection` or `error`.",
			Computed:            true,
		},
		"sync_status": schema.StringAttribute{
			MarkdownDescription: "What Infrahub says of its import: `unknown`, `syncing`, `in-sync` or `error-import`. It lags behind; the apply reports whether an import worked.",
			Computed:            true,
		},
		"timeouts": timeoutsAttribute(ctx, timeouts.Opts{Create: true, Read: true, Update: true, Delete: true}),
	}
}
