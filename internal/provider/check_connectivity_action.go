package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// checkConnectivityAction is the action that Infrahub itself offers as "Check connectivity" (infrahub-behaviour.md, Importing 5).
type checkConnectivityAction struct {
	actionBase
}

func newCheckConnectivityAction() action.Action {
	return &checkConnectivityAction{actionBase{
		typeName: "check_connectivity",
		description: "Lets Infrahub connect to the Git remote of a repository of either kind with the credential that it has now, as \"Check connectivity\" does in Infrahub, " +
			"and fails with Infrahub's reason if it does not reach it: after a change of a credential or a firewall. It imports nothing. " +
			"The action changes no state; `operational_status` of the resource shows the result after the next refresh. It needs Terraform 1.14.",
	}}
}

// Invoke lets Infrahub connect.
func (a *checkConnectivityAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var model actionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	resp.Diagnostics.Append(anyRepositoryReference().check(model.RepositoryID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, model.Timeouts.Invoke, &resp.Diagnostics)
	defer cancel()
	repository, problem := a.find(ctx, model.RepositoryID)
	if problem != nil {
		resp.Diagnostics.Append(problem)
		return
	}
	progress, location := progressOf(resp), redactedLocation(repository)
	progress(fmt.Sprintf("Infrahub connects %s to %s", repository.Name, location))
	if err := a.check(ctx, repository.ID); err != nil {
		resp.Diagnostics.Append(a.notReached(*repository, err))
		return
	}
	progress(fmt.Sprintf("Infrahub reaches %s", location))
}

// check checks a repository. A check in flight cannot be canceled, so check does not wait for it once ctx has ended.
func (a *checkConnectivityAction) check(ctx context.Context, id string) error {
	result := make(chan error, 1)
	go func() { result <- a.CheckConnectivity(ctx, id) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notReached returns why Infrahub does not reach a repository, or why that is not known.
func (a *checkConnectivityAction) notReached(repository infrahub.Repository, err error) diag.Diagnostic {
	object, location := a.describeForAction(repository), redactedLocation(&repository)
	unreached, failed := errors.AsType[*infrahub.ConnectivityError](err)
	switch {
	case failed:
		hint := importHint(&infrahub.ImportError{Repository: repository, Cause: unreached.Cause})
		return diag.NewAttributeErrorDiagnostic(path.Root("repository_id"), "Repository Not Reached", withRequestID(fmt.Sprintf(
			"%s: Infrahub does not reach %s: %s\n\n%s As long as this lasts, the next import of it fails. Then %s.",
			object, location, withPeriod(unreached.Reason), hint, invokeAgain), unreached.RequestID))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		why, next := "The wait was interrupted.", ""
		if errors.Is(err, context.DeadlineExceeded) {
			why, next = "The timeout expired.", " See whether Infrahub's workers run: one of them makes the connection. Give it more time in timeouts, and "+invokeAgain+"."
		}
		return diag.NewErrorDiagnostic("Connectivity Check Not Finished", fmt.Sprintf(
			"%s: %s Infrahub may still be connecting to %s; it goes on without Terraform, and then shows the result as operational status of the repository.%s",
			object, why, location, next))
	default:
		return a.failed("Connectivity Not Checked", object, err)
	}
}
