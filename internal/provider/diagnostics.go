package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

// notConnected is the one diagnostic of a provider that cannot use its server.
func notConnected(config infrahub.Config, err error) diag.Diagnostic {
	attribute, next := "address", "Check the address in the provider block or "+addressVariable+", and that the server runs."
	summary := "Infrahub Not Reached"
	var old *infrahub.TooOldError
	switch {
	case errors.Is(err, tlsconfig.ErrNoCertificate):
		summary, attribute, next = "Invalid Provider Configuration", "tls_ca_pem", "Give certificates in PEM form: -----BEGIN CERTIFICATE-----."
	case errors.Is(err, infrahub.ErrUnauthorized) && config.Token != "":
		summary, attribute, next = "Infrahub Refused the Token", "api_token", "Check api_token in the provider block or "+tokenVariable+": it may be revoked, or of another server."
	case errors.Is(err, infrahub.ErrUnauthorized):
		summary, attribute, next = "Infrahub Refused the Login", "username", "Check username and password in the provider block, or "+usernameVariable+" and "+passwordVariable+"."
	case errors.Is(err, infrahub.ErrBranchNotFound):
		summary, attribute, next = "Infrahub Branch Not Found", "branch", fmt.Sprintf("Create the branch %q in Infrahub, or set another in the provider block or %s.", config.Branch, branchVariable)
	case errors.Is(err, infrahub.ErrNotInfrahub):
		summary, next = "Not an Infrahub Server", "Something else answered: check that the address is Infrahub's own, and what proxies stand before it."
	case isCertificate(err):
		next = "If the server's certificate is of an authority of your own, name that in tls_ca_file or tls_ca_pem."
	case errors.As(err, &old):
		summary, next = "Infrahub Is Too Old", "Update Infrahub to "+infrahub.OldestVersion+" or newer."
	}
	return diag.WithPath(path.Root(attribute), diag.NewErrorDiagnostic(summary, detail("Server "+config.Address.Redacted(), err, next)))
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// failed is the diagnostic of an operation on an object: summary such as "Repository Not Created",
// object such as "read-only repository network on branch main". An error that the server relates to a
// field is put on the one of the attributes that has its name, credential_id for credential.
func failed(summary, object string, err error, attributes ...string) diag.Diagnostic {
	var failure *infrahub.Error
	diagnostic := diag.NewErrorDiagnostic(summary, detail(object, err, nextStep(err)))
	if !errors.As(err, &failure) {
		return diagnostic
	}
	for _, attribute := range attributes {
		if failure.Field != "" && (attribute == failure.Field || strings.TrimSuffix(attribute, "_id") == failure.Field) {
			return diag.WithPath(path.Root(attribute), diagnostic)
		}
	}
	return diagnostic
}

// detail tells object, cause, next step and the request by which the server's log can be searched.
func detail(object string, err error, next string) string {
	var lines []string
	lines = append(lines, object+": "+cause(err))
	if next != "" {
		lines = append(lines, next)
	}
	if failure, ok := errors.AsType[*infrahub.Error](err); ok && failure.RequestID != "" {
		lines = append(lines, "Request id: "+failure.RequestID)
	}
	return strings.Join(lines, "\n\n")
}

// cause is an error in the server's own words where it has any, as a sentence.
func cause(err error) string {
	text := err.Error()
	if failure, ok := errors.AsType[*infrahub.Error](err); ok {
		text = failure.Message
	}
	return sentence(text)
}

// nextStep is what a person can do about a failed request.
func nextStep(err error) string {
	var failure *infrahub.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "Give it more time in timeouts, or the provider's timeout, and apply again."
	case errors.Is(err, infrahub.ErrUnauthorized):
		return "Check that the account of the token may do this in Infrahub, and that the token is still valid."
	case errors.Is(err, infrahub.ErrBranchNotFound):
		return "The branch is not there: create it, or name another one."
	case errors.Is(err, infrahub.ErrMerged):
		return "Use a branch of another name, made after the merge."
	case errors.Is(err, infrahub.ErrInactive):
		return "Make the branch after the repository was imported: depends_on = [infrahub_read_only_repository.NAME]. Replace the one that is there now (-replace)."
	case errors.Is(err, infrahub.ErrExists):
		return "Import it (terraform import), or choose another name."
	case errors.Is(err, infrahub.ErrAmbiguous):
		return "Give its id instead of its name."
	case errors.Is(err, infrahub.ErrNotFound):
		return "It was deleted outside of Terraform while this ran: plan again."
	case errors.Is(err, infrahub.ErrNotInfrahub), errors.Is(err, infrahub.ErrUnreachable):
		return "What was changed so far is in the state. Check the connection and the server, then apply again."
	case !errors.As(err, &failure):
		return ""
	}
	switch failure.Field {
	case "credential":
		return "Check credential_id, and username and password of that credential: Infrahub tries them before it accepts a repository."
	case "tags":
		return "Create the tag in Infrahub first, or correct its name."
	case "source_branch":
		return "Check that the branch exists and is not merged, and that no other proposed change of it is open: import that one (terraform import), or close it."
	case "destination_branch":
		return "Name Infrahub's default branch."
	case "name", "location":
		if strings.Contains(failure.Message, "uniqueness") {
			return fmt.Sprintf("Another repository of either kind has this %s already: import that one (terraform import), or choose another %s.", failure.Field, failure.Field)
		}
		if failure.Field == "location" {
			return "Check that the Infrahub server itself reaches this location, and whether it needs a credential."
		}
	}
	return ""
}

// importFailed tells why an import failed and what to do.
func importFailed(failure *infrahub.ImportError) diag.Diagnostic {
	repository := failure.Repository
	lines := []string{
		fmt.Sprintf("Infrahub did not import the %s %q at %q into branch %q: %s", repository.Kind, repository.Name, repository.Ref, failure.Branch, sentence(failure.Reason)),
		importHint(failure) + " Then apply again: the import is tried once more, also without a change in the configuration.",
	}
	if failure.TaskID != "" {
		lines = append(lines, fmt.Sprintf("Task %s (%s, %s); its whole log is in Infrahub under Tasks.", failure.TaskID, failure.Workflow, failure.State))
	}
	if failure.RequestID != "" {
		lines = append(lines, "Request id: "+failure.RequestID)
	}
	return diag.NewErrorDiagnostic("Import Failed", strings.Join(lines, "\n\n"))
}

func sentence(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// importHint is a next step fit for the cause.
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

// importUnfinished tells what was still running when the wait ended.
func importUnfinished(unfinished *infrahub.UnfinishedError) diag.Diagnostic {
	repository := unfinished.Repository
	why, next := "The wait was interrupted.", "Plan again to see what has become of it."
	if errors.Is(unfinished, context.DeadlineExceeded) {
		why, next = "Its timeout is over.", "If no task has started, see whether Infrahub's workers run. Give it more time in timeouts, and apply again."
	}
	if unfinished.RequestID != "" {
		next += "\n\nRequest id: " + unfinished.RequestID
	}
	return diag.NewErrorDiagnostic("Import Not Finished", fmt.Sprintf(
		"%s Infrahub is still importing the %s %q at %q into branch %q, and goes on with it:\n\n  %s\n\n%s",
		why, repository.Kind, repository.Name, repository.Ref, unfinished.Branch, strings.Join(unfinished.Tasks, "\n  "), next))
}
