package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// importDiagnostic returns the diagnostic of an import that failed or is not known to have worked, nil of any other error.
func importDiagnostic(err error) diag.Diagnostic {
	if failure, ok := errors.AsType[*infrahub.ImportError](err); ok {
		return importFailed(failure)
	}
	if unfinished, ok := errors.AsType[*infrahub.UnfinishedError](err); ok {
		return importUnfinished(unfinished)
	}
	return nil
}

// importFailed returns why an import failed and what to do.
func importFailed(failure *infrahub.ImportError) diag.Diagnostic {
	repository := failure.Repository
	lines := []string{
		fmt.Sprintf("Infrahub did not import the %s %q at %q into branch %q: %s", repository.Kind, repository.Name, repository.Ref, failure.Branch, withPeriod(failure.Reason)),
		importHint(failure) + " Then apply again: the import is tried once more, also without a change in the configuration.",
	}
	if failure.TaskID != "" {
		lines = append(lines, fmt.Sprintf("Task %s (%s, %s). Infrahub shows its whole log under Tasks.", failure.TaskID, failure.Workflow, failure.State))
	}
	if failure.RequestID != "" {
		lines = append(lines, "Request id: "+failure.RequestID)
	}
	return diag.NewErrorDiagnostic("Import Failed", strings.Join(lines, "\n\n"))
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
		return "Check that the Infrahub server itself reaches " + failure.Repository.Location + "."
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
func importUnfinished(unfinished *infrahub.UnfinishedError) diag.Diagnostic {
	repository := unfinished.Repository
	why, next := "The wait was interrupted.", "Plan again to see what has become of it."
	if errors.Is(unfinished, context.DeadlineExceeded) {
		why, next = "The timeout expired.", "If no task has started, see whether Infrahub's workers run. Give it more time in timeouts, and apply again."
	}
	if unfinished.RequestID != "" {
		next += "\n\nRequest id: " + unfinished.RequestID
	}
	return diag.NewErrorDiagnostic("Import Not Finished", fmt.Sprintf(
		"%s Infrahub is still importing the %s %q at %q into branch %q, and goes on with it:\n\n  %s\n\n%s",
		why, repository.Kind, repository.Name, repository.Ref, unfinished.Branch, strings.Join(unfinished.Tasks, "\n  "), next))
}
