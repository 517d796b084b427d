package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// importStarter is what started an import. It decides about the next step.
type importStarter int

const (
	// startedByCreate lets Terraform mark the repository as tainted if the import fails.
	startedByCreate importStarter = iota
	// startedByUpdate lets the next plan show a failed import.
	startedByUpdate
	// startedByAction leaves nothing in the state.
	startedByAction
)

// importDiagnostic returns the diagnostic of an import that failed or is not known to have worked, nil of any other error.
func importDiagnostic(err error, starter importStarter) diag.Diagnostic {
	if failure, ok := errors.AsType[*infrahub.ImportError](err); ok {
		return importFailed(failure, starter)
	}
	if unfinished, ok := errors.AsType[*infrahub.UnfinishedError](err); ok {
		return importUnfinished(unfinished, starter)
	}
	if unobserved, ok := errors.AsType[*infrahub.UnobservedError](err); ok {
		return importUnobserved(unobserved, starter)
	}
	return nil
}

// importFailed returns why an import failed and what to do.
func importFailed(failure *infrahub.ImportError, starter importStarter) diag.Diagnostic {
	repository := failure.Repository
	again := "Then apply again: the import is tried once more, also without a change in the configuration."
	switch starter {
	case startedByCreate:
		again = "Then apply again: Terraform replaces the repository, which was created and not imported."
	case startedByAction:
		again = "Then " + invokeAgain + "."
	case startedByUpdate:
	}
	lines := []string{
		fmt.Sprintf("Infrahub did not import the %s %q at %q into branch %q: %s", repository.Kind, repository.Name, repository.Ref, failure.Branch, withPeriod(failure.Reason)),
		importHint(failure) + " " + again,
	}
	if failure.TaskID != "" {
		lines = append(lines, fmt.Sprintf("Task %s (%s, %s). Infrahub shows its whole log under Tasks.", failure.TaskID, failure.Workflow, failure.State))
	}
	return diag.NewErrorDiagnostic("Import Failed", withRequestID(strings.Join(lines, "\n\n"), failure.RequestID))
}

func withRequestID(text, id string) string {
	if id == "" {
		return text
	}
	return text + "\n\nRequest id: " + id
}

// importHint returns a next step that fits the cause.
func importHint(failure *infrahub.ImportError) string {
	ref := "default_branch"
	if failure.Repository.Kind == infrahub.ReadOnly {
		ref = "ref"
	}
	switch failure.Cause {
	case infrahub.RefMissing:
		nearest := ""
		if len(failure.Nearest) > 0 {
			nearest = fmt.Sprintf(" The nearest that it has: %s.", strings.Join(failure.Nearest, ", "))
		}
		return fmt.Sprintf("Push %q to the remote, or correct %s.%s", failure.Repository.Ref, ref, nearest)
	case infrahub.CredentialRefused:
		return "Check credential_id, and username and password of that credential."
	case infrahub.RemoteUnreachable:
		return "Check that the Infrahub server itself reaches " + redactedLocation(&failure.Repository) + "."
	case infrahub.RepositoryMissing:
		return "Check location: the remote has no such repository, or hides it from this credential."
	case infrahub.ConfigurationInvalid:
		return fmt.Sprintf("Correct .infrahub.yml in the Git repository, and push it or set %s to where it is right.", ref)
	case infrahub.ContentInvalid:
		return fmt.Sprintf("Correct the file, or what .infrahub.yml says of it, in the Git repository, and push it or set %s to where it is right.", ref)
	case infrahub.TagMoved:
		return "Git refused to fetch: most likely a tag was moved that Infrahub has cloned already. Move it back and release under a new tag, or apply with -replace for the repository: then Infrahub clones it anew."
	case infrahub.ObjectExists:
		if failure.Owner != "" {
			return fmt.Sprintf("It belongs to the repository %q: give one of the two another name, or remove it there.", failure.Owner)
		}
		return "Give it another name in the Git repository, or remove the one that Infrahub has."
	default:
		return "Correct what the reason says, in the Git repository or in Infrahub."
	}
}

// importUnfinished returns what was still running when the wait ended.
func importUnfinished(unfinished *infrahub.UnfinishedError, starter importStarter) diag.Diagnostic {
	repository := unfinished.Repository
	why, next, again := "The wait was interrupted.", "Plan again to see how it ended.", "apply again"
	if starter == startedByAction {
		next, again = "Infrahub shows under Tasks how it ends.", invokeAgain
	}
	if errors.Is(unfinished, context.DeadlineExceeded) {
		why, next = "The timeout expired.", "If no task has started, see whether Infrahub's workers run. Give it more time in timeouts, and "+again+"."
	}
	if starter == startedByCreate {
		next += " Terraform marks the repository as tainted, and the next apply would replace it: if Infrahub shows that the import worked, keep the repository by terraform untaint."
	}
	return diag.NewErrorDiagnostic("Import Not Finished", withRequestID(fmt.Sprintf(
		"%s When it was last looked at, Infrahub was importing the %s %q at %q into branch %q; it goes on without Terraform:\n\n  %s\n\n%s",
		why, repository.Kind, repository.Name, repository.Ref, unfinished.Branch, strings.Join(unfinished.Tasks, "\n  "), next), unfinished.RequestID))
}

// importUnobserved returns why nothing is known of an import. It is a warning for a create: as an error it would let Terraform
// replace a repository that may be good.
func importUnobserved(unobserved *infrahub.UnobservedError, starter importStarter) diag.Diagnostic {
	repository, unread, status := unobserved.Repository, "the list of its tasks", "The repository could not be read either."
	switch {
	case unobserved.TasksListed:
		unread, status = "the repository", "Its tasks do not tell all."
	case unobserved.Status != "":
		status = fmt.Sprintf("The repository itself shows %s, which does not tell.", unobserved.Status)
	}
	next := "The next plan looks at the import again, and the next apply imports again unless it is known to have worked."
	if starter == startedByAction {
		next = "Infrahub shows under Tasks how it ended."
	}
	text := withRequestID(fmt.Sprintf(
		"Infrahub was asked to import the %s %q at %q into branch %q. How that ended is not known: since %s %s could not be read: %s %s\n\n%s %s",
		repository.Kind, repository.Name, repository.Ref, unobserved.Branch, unobserved.Since.UTC().Format(time.RFC3339), unread,
		message(errors.Unwrap(unobserved)), status, observeStep(unobserved), next), unobserved.RequestID)
	if starter == startedByCreate {
		return diag.NewWarningDiagnostic("Import Not Observed", text)
	}
	return diag.NewErrorDiagnostic("Import Not Observed", text)
}

// observeStep returns what a user can do so that the import can be observed.
func observeStep(unobserved *infrahub.UnobservedError) string {
	switch {
	case errors.Is(unobserved, infrahub.ErrUnauthorized):
		return "Check that the account may read repositories and tasks, and that the token is still valid."
	case errors.Is(unobserved, infrahub.ErrBusy):
		return isBusyStep + " Wait, then plan again."
	case errors.Is(unobserved, infrahub.ErrNotInfrahub):
		return isForeignStep + " Check what proxies and login pages stand before the server."
	case errors.Is(unobserved, infrahub.ErrUnreachable):
		return "No answer came. Check the connection and the server."
	default:
		return "Check the server's log."
	}
}
