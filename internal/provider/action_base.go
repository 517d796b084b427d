package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// invokeAgain is how an action is repeated. An apply does not repeat one that a resource triggers, once that resource is up to date.
const invokeAgain = "invoke the action again (terraform apply -invoke=action.TYPE.NAME)"

// actionBase is embedded by every action. An action works on one repository, and finds its kind by its id. While a configuration is
// only validated, providerData is nil.
type actionBase struct {
	*providerData
	// typeName is the name of the type without the name of the provider.
	typeName    string
	description string
	// requireKind returns why the action does not take a repository of this kind, nil if it does. A nil function takes both.
	requireKind func(repository infrahub.Repository) diag.Diagnostic
}

// actionModel is what every action has in its configuration.
type actionModel struct {
	RepositoryID types.String   `tfsdk:"repository_id"`
	Timeouts     timeouts.Value `tfsdk:"timeouts"`
}

// Configure takes what the provider hands over.
func (a *actionBase) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.providerData = providerDataFrom(req.ProviderData, &resp.Diagnostics)
}

// Metadata returns the name of the type.
func (a *actionBase) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + a.typeName
}

// Schema returns the attributes that every action has.
func (a *actionBase) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: a.description,
		Attributes: map[string]schema.Attribute{
			"repository_id": schema.StringAttribute{
				MarkdownDescription: "Id of the `infrahub_repository` or `infrahub_read_only_repository`; names are not accepted.",
				Required:            true,
				Validators:          requiredText(),
			},
			"timeouts": actionTimeoutsAttribute(ctx),
		},
	}
}

// ModifyPlan refuses an id that no apply can make right. It does not look at what the same apply may change, such as the branch.
func (a *actionBase) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var id types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("repository_id"), &id)...)
	resp.Diagnostics.Append(anyRepositoryReference().check(id)...)
	if resp.Diagnostics.HasError() || id.IsUnknown() || a.providerData == nil || a.branchMissing {
		return
	}
	_, problem := a.find(ctx, id)
	resp.Diagnostics.Append(problem)
}

// find returns the repository with an id, or why the action cannot work on it.
func (a *actionBase) find(ctx context.Context, id types.String) (*infrahub.Repository, diag.Diagnostic) {
	found, problem := a.findRepository(ctx, id.ValueString(), invokeAgain)
	if problem != nil || a.requireKind == nil {
		return found, problem
	}
	return found, a.requireKind(*found)
}

// failed returns the diagnostic of an invocation that failed before or beside an import.
func (a *actionBase) failed(summary, object string, err error) diag.Diagnostic {
	if errors.Is(err, infrahub.ErrNotFound) {
		return repositoryNotFound(object)
	}
	return errorDiagnostic(summary, subject{object: object, again: invokeAgain}, err)
}

// describeForAction names a repository in a diagnostic of an action.
func (a *actionBase) describeForAction(repository infrahub.Repository) string {
	return fmt.Sprintf("The %s %q on branch %s", repository.Kind, repository.Name, a.Branch())
}

// progressOf returns a function that sends a line to the screen of the user.
func progressOf(resp *action.InvokeResponse) func(line string) {
	return func(line string) { resp.SendProgress(action.InvokeProgressEvent{Message: line}) }
}
