package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// importAction is an action that imports.
type importAction struct {
	actionBase
	// refuse returns why a repository cannot be imported as it is now, nil if it can. A nil function refuses none.
	refuse func(repository infrahub.Repository) diag.Diagnostic
	// start starts the import.
	start func(ctx context.Context, client *infrahub.Client, repository infrahub.Repository) (*infrahub.Import, error)
}

type importActionModel struct {
	actionModel
	WaitForImport types.Bool `tfsdk:"wait_for_import"`
}

// Schema adds to the attributes whether the action waits.
func (a *importAction) Schema(ctx context.Context, req action.SchemaRequest, resp *action.SchemaResponse) {
	a.actionBase.Schema(ctx, req, resp)
	resp.Schema.Attributes["wait_for_import"] = schema.BoolAttribute{
		MarkdownDescription: "Whether the action waits until Infrahub has imported, and fails if the import fails. Defaults to the provider's setting, which is `true`.",
		Optional:            true,
	}
}

// Invoke starts the import and waits for its end.
func (a *importAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var model importActionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	resp.Diagnostics.Append(anyRepositoryReference().check(model.RepositoryID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, model.Timeouts.Invoke, &resp.Diagnostics)
	defer cancel()
	progress := progressOf(resp)
	ctx = infrahub.WithProgress(ctx, progress)
	repository, problem := a.findImportable(ctx, model.RepositoryID)
	if problem != nil {
		resp.Diagnostics.Append(problem)
		return
	}
	started, err := a.start(ctx, a.Client, *repository)
	if err != nil {
		resp.Diagnostics.Append(a.failed("Import Not Started", a.describeForAction(*repository), err))
		return
	}
	if !a.waits(model.WaitForImport) {
		progress(fmt.Sprintf("Infrahub imports %s at %s into branch %s; the action does not wait for the end", repository.Name, repository.Ref, a.Branch()))
		return
	}
	imported, err := a.wait(ctx, started, model.WaitForImport, &resp.Diagnostics)
	if err != nil {
		problem := importDiagnostic(err, startedByAction)
		if problem == nil {
			problem = a.failed("Import Not Observed", a.describeForAction(*repository), err)
		}
		resp.Diagnostics.Append(problem)
		return
	}
	progress(importedLine(*repository, *imported, a.Branch()))
}

// findImportable returns the repository with an id, or why it cannot be imported on this branch.
func (a *importAction) findImportable(ctx context.Context, id types.String) (*infrahub.Repository, diag.Diagnostic) {
	repository, problem := a.find(ctx, id)
	if problem != nil {
		return nil, problem
	}
	object := a.describeForAction(*repository)
	if repository.Inactive() {
		return nil, diag.NewAttributeErrorDiagnostic(path.Root("repository_id"), "Repository Is Inactive", object+
			": it is inactive here, so Infrahub imports nothing. It was created on another branch, or after this branch was created. "+
			"Set the branch of the provider to one on which it is active, or merge the branch on which it was created.")
	}
	if a.refuse != nil {
		if problem := a.refuse(*repository); problem != nil {
			return nil, problem
		}
	}
	if err := a.CheckWritable(ctx); err != nil {
		return nil, a.failed("Import Not Started", object, err)
	}
	return repository, nil
}

// importedLine describes an import that worked.
func importedLine(before, after infrahub.Repository, branch string) string {
	commit := "none"
	if after.Commit != nil {
		commit = *after.Commit
	}
	line := fmt.Sprintf("Imported %s at %s into branch %s: commit %s", after.Name, after.Ref, branch, commit)
	if before.Commit != nil && *before.Commit == commit {
		line += ", as before"
	}
	return line
}
