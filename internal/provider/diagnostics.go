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

// connectDiagnostic returns the one diagnostic of a provider that cannot use its server.
func connectDiagnostic(config infrahub.Config, err error) diag.Diagnostic {
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
	case isCertificateError(err):
		next = "If the server's certificate is of an authority of your own, name that in tls_ca_file or tls_ca_pem."
	case errors.As(err, &old):
		summary, next = "Infrahub Is Too Old", "Update Infrahub to "+infrahub.OldestVersion+" or newer."
	}
	return diag.WithPath(path.Root(attribute), diag.NewErrorDiagnostic(summary, detail("Server "+config.Address.Redacted(), err, next)))
}

func isCertificateError(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// errorDiagnostic returns the diagnostic of an operation on an object: summary such as "Repository Not Created", object such as
// "read-only repository network on branch main". An error that the server relates to a field is put on the attribute of that
// name, or credential_id for credential.
func errorDiagnostic(summary, object string, err error, attributes ...string) diag.Diagnostic {
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

// detail returns object, cause, next step, and the id of the request by which the server's log can be searched.
func detail(object string, err error, next string) string {
	var lines []string
	lines = append(lines, object+": "+message(err))
	if next != "" {
		lines = append(lines, next)
	}
	if failure, ok := errors.AsType[*infrahub.Error](err); ok && failure.RequestID != "" {
		lines = append(lines, "Request id: "+failure.RequestID)
	}
	return strings.Join(lines, "\n\n")
}

// message returns an error in the server's own words, where it has any, as a sentence.
func message(err error) string {
	text := err.Error()
	if failure, ok := errors.AsType[*infrahub.Error](err); ok {
		text = failure.Message
	}
	return withPeriod(text)
}

// nextStep returns what a user can do about a failed request.
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
		if strings.HasPrefix(failure.Message, "Unable to find the node") { // Infrahub 1.9 gives no code (infrahub-behaviour.md, Errors 11)
			return "Check credential_id. " + credentialReference().hint()
		}
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

// withPeriod returns a text as a sentence.
func withPeriod(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// importNotFound returns the diagnostic of a terraform import whose object was not found or could not be read.
func importNotFound(kind, given, where string, err error) diag.Diagnostic {
	if errors.Is(err, infrahub.ErrNotFound) {
		return diag.NewErrorDiagnostic("Object Not Found", fmt.Sprintf(
			"Infrahub has no %s with the id or the name %q on %s. Look the id up in Infrahub, and check the resource type and the branch.", kind, given, where))
	}
	return errorDiagnostic("Object Not Read", fmt.Sprintf("The %s %q", kind, given), err)
}

// branchMerged returns the warning for a configuration that still names a branch that was merged.
func branchMerged(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Branch Was Merged", fmt.Sprintf(
		"The Infrahub branch %q was merged, and takes no more changes: the default branch has everything that was on it.\n\n"+
			"For the next change use a branch of another name; to clean up, remove from the configuration the branch and what is managed on it.", name))
}

// branchGone returns the warning for a configuration that still names a branch that was deleted.
func branchGone(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Branch Is Gone", fmt.Sprintf(
		"The Infrahub branch %q was deleted outside of Terraform, and what was changed on it with it, unless it was merged before.\n\n"+
			"The plan creates it again, with everything that the configuration has on it. If its work is done, remove from the configuration the branch and what is managed on it, or use a branch of another name.", name))
}

// branchMergedAndDeleted returns the warning for a configuration that still names a branch that was deleted after its merge.
func branchMergedAndDeleted(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Branch Was Merged and Deleted", fmt.Sprintf(
		"The Infrahub branch %q was merged, and then deleted outside of Terraform. Its work is done, so the plan does not create it again.\n\n"+
			"To clean up, remove from the configuration the branch and what is managed on it. For the next change use a branch of another name, "+
			"or apply with -replace for this resource to create one of the same name.", name))
}
