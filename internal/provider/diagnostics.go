package provider

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

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
	case errors.Is(err, infrahub.ErrUnauthorized) && !config.Token.IsEmpty():
		summary, attribute, next = "Infrahub Refused the Token", "api_token", "Check api_token in the provider block or "+tokenVariable+": it may be revoked, or belong to another server."
	case errors.Is(err, infrahub.ErrUnauthorized):
		summary, attribute, next = "Infrahub Refused the Login", "username", "Check username and password in the provider block, or "+usernameVariable+" and "+passwordVariable+"."
	case errors.Is(err, infrahub.ErrBusy):
		summary, next = "Infrahub Is Not Ready", "The server, or a proxy before it, is busy, restarting or failing: wait and try again, raise max_retries in the provider block or "+retriesVariable+", or look at the server's log."
	case errors.Is(err, infrahub.ErrNotInfrahub):
		summary, next = "Not an Infrahub Server", "Something else answered: check that the address is Infrahub's own, and what proxies stand before it."
	case isAnswer(err):
		summary, next = "Infrahub Refused the Request", "The server, or a proxy before it, answered, but did not accept the request: check the address in the provider block or "+addressVariable+", and what proxies stand before it."
	case errors.Is(err, syscall.ECONNREFUSED):
		next = "Nothing listens there: the server does not run or is still starting, or the port is wrong. Check the address in the provider block or " + addressVariable + "."
	case isCertificateError(err):
		next = "If a private authority issued the server's certificate, set tls_ca_file or tls_ca_pem."
	case errors.As(err, &old):
		summary, next = "Infrahub Is Too Old", "Update Infrahub to "+infrahub.OldestVersion+" or newer."
	}
	return diag.WithPath(path.Root(attribute), diag.NewErrorDiagnostic(summary, detail("Server "+config.Address.Redacted(), err, next)))
}

// isAnswer reports whether a request failed although a response came.
func isAnswer(err error) bool {
	failure, ok := errors.AsType[*infrahub.Error](err)
	return ok && failure.Status != 0
}

func isCertificateError(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// subject is what an operation was about.
type subject struct {
	// object names it, such as "Tag blue on branch main".
	object string
	// kind is the name of its Terraform type, such as "infrahub_tag", "" if it has none.
	kind string
	// attributes are those on which the diagnostic may be put.
	attributes []string
	// again is how the operation is repeated, "" if by an apply.
	again string
}

// errorDiagnostic returns the diagnostic of an operation that failed: summary such as "Repository Not Created". An error that the
// server relates to a field is put on the attribute of that name, or credential_id for credential.
func errorDiagnostic(summary string, about subject, err error) diag.Diagnostic {
	known := whatIsKnown(err)
	if strings.HasSuffix(summary, " Not Read") || strings.HasSuffix(summary, " Not Listed") {
		known = "" // a read changes nothing, and may follow a change that was carried out
	}
	diagnostic := diag.NewErrorDiagnostic(summary, detail(about.object, err, nextStep(about, known, err)))
	field := fieldOf(err)
	for _, attribute := range about.attributes {
		if field != "" && strings.TrimSuffix(attribute, "_id") == field {
			return diag.WithPath(path.Root(attribute), diagnostic)
		}
	}
	return diagnostic
}

// fieldOf returns the attribute or relationship that an error is about, "" if that is unknown.
func fieldOf(err error) string {
	if taken, ok := errors.AsType[*infrahub.TakenError](err); ok {
		return taken.Field
	}
	if failure, ok := errors.AsType[*infrahub.Error](err); ok {
		return failure.Field
	}
	return ""
}

// detail returns object, cause, next step, and the id of the request by which the server's log can be searched.
func detail(object string, err error, next string) string {
	lines := []string{object + ": " + message(err)}
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
	failure, isFailure := errors.AsType[*infrahub.Error](err)
	earlier, isWaiting := errors.AsType[*infrahub.EarlierImportsError](err)
	switch {
	case isFailure:
		return withPeriod(failure.Message)
	case isWaiting:
		return fmt.Sprintf("it waited for earlier imports of the repository, which still run (%s), and %s", strings.Join(earlier.Tasks, ", "), message(earlier.Unwrap()))
	case errors.Is(err, context.Canceled):
		return "it was interrupted."
	case errors.Is(err, context.DeadlineExceeded):
		return "the timeout expired."
	default:
		return withPeriod(err.Error())
	}
}

// nextStep returns what a user can do about a failed request. Known is a sentence about what it may have changed, "" if it was a
// read.
func nextStep(about subject, known string, err error) string {
	if taken, ok := errors.AsType[*infrahub.TakenError](err); ok {
		return takenStep(about, taken)
	}
	again := cmp.Or(about.again, "apply again")
	switch {
	case errors.Is(err, context.Canceled):
		return sentences("Nothing more was sent.", known, "To repeat it, "+cmp.Or(about.again, "run the command again")+".")
	case errors.Is(err, context.DeadlineExceeded):
		return sentences(known, "Give it more time in timeouts, and "+again+".")
	case errors.Is(err, infrahub.ErrUnauthorized):
		return sentences("Infrahub refused the account.", known, "Check that the account of the token may do this in Infrahub, and that the token is still valid.")
	case errors.Is(err, infrahub.ErrBranchNotFound):
		return sentences("Create the branch, or set another one: branch of the provider block ("+branchVariable+"), or of the resource if it has one.", known)
	case errors.Is(err, infrahub.ErrMerged):
		return "Use a branch of another name, created after the merge."
	case errors.Is(err, infrahub.ErrInactive):
		return "Create the branch after the repository was imported: depends_on = [infrahub_read_only_repository.NAME], and replace_triggered_by = [infrahub_read_only_repository.NAME.id] in its lifecycle. Replace the branch that exists now (-replace)."
	case errors.Is(err, infrahub.ErrAmbiguous):
		return "Give its id instead of its name."
	case errors.Is(err, infrahub.ErrNotFound):
		return "Infrahub does not have it on this branch: it was probably deleted outside of Terraform, so plan again."
	case errors.Is(err, infrahub.ErrBusy):
		return sentences(isBusyStep, known, "Wait and "+again+"; max_retries in the provider block says how often a request is repeated.")
	case errors.Is(err, infrahub.ErrNotInfrahub):
		return sentences(isForeignStep, known, "Check what proxies and login pages stand before the server, then "+again+".")
	case errors.Is(err, infrahub.ErrUnreachable):
		return sentences("No answer came.", known, "Check the connection and the server, then "+again+"; timeout in the provider block says how long one request may take.")
	}
	field := fieldOf(err)
	if (field == "name" || field == "location") && strings.Contains(err.Error(), "uniqueness") {
		return fmt.Sprintf("Another object has this %s already: import that one (terraform import), or choose another %s.", field, field)
	}
	switch field {
	case "credential":
		failure, ok := errors.AsType[*infrahub.Error](err)
		if ok && strings.HasPrefix(failure.Message, "Unable to find the node") { // Infrahub 1.9 gives no code (infrahub-behaviour.md, Errors 11)
			return "Check credential_id. " + credentialReference().hint()
		}
		return "Check credential_id, and username and password of that credential: Infrahub tries them before it accepts a repository."
	case "tags":
		return "Create the tag in Infrahub first, or correct its name."
	case "source_branch":
		return "Check that the branch exists and is not merged, and that no other proposed change of it is open: import that one (terraform import), or close it."
	case "destination_branch":
		return "Name Infrahub's default branch."
	case "location":
		return "Check that the Infrahub server itself reaches this location, and whether it needs a credential."
	}
	if isAnswer(err) {
		return known
	}
	return ""
}

const (
	isBusyStep    = "The server, or a proxy before it, is busy, restarting or failing."
	isForeignStep = "Something else than Infrahub answered."
)

// sentences joins sentences that are not empty.
func sentences(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " ")
}

// whatIsKnown returns whether a change that failed may have been carried out.
func whatIsKnown(err error) string {
	if infrahub.OutcomeUnknown(err) {
		return "The change may have been carried out all the same."
	}
	return "Nothing was changed by this request."
}

// takenStep returns what to do about a name, location or source branch that another object has.
func takenStep(about subject, taken *infrahub.TakenError) string {
	step := fmt.Sprintf("The %s %q has this %s.", taken.Kind, taken.Name, taken.Field)
	if holder := typeNameOf(taken.Kind); about.kind == "" || holder == about.kind {
		step += " To manage it here, import it (terraform import, or this block with the name of your resource for NAME):\n\n" + importBlock(holder, taken.ID) + "\n\n"
		if slices.Contains(about.attributes, "adopt_existing") {
			step += "Or set adopt_existing = true: a create then adopts an object that exists"
			if slices.Contains(about.attributes, "location") {
				step += ", if it has the same name and location"
			}
			step += ". "
		}
	} else {
		step += " "
	}
	if taken.Field == "source_branch" {
		return step + "Otherwise close that one in Infrahub: a branch has one open proposed change at a time."
	}
	return step + fmt.Sprintf("Otherwise choose another %s. To exchange the %ss of two objects, first give one of them a temporary %s in a separate apply; "+
		"create_before_destroy cannot work here, because a %s is unique.", taken.Field, taken.Field, taken.Field, taken.Field)
}

// importBlock returns the import block of an object, ready to paste. The address of the resource is not known to a provider.
func importBlock(typeName, id string) string {
	return fmt.Sprintf("import {\n  to = %s.NAME\n  id = %q\n}", typeName, id)
}

// typeNameOf returns the Terraform type of what the client calls a kind.
func typeNameOf(kind string) string {
	if kind == "credential" {
		kind = "password_credential"
	}
	return "infrahub_" + strings.NewReplacer(" ", "_", "-", "_").Replace(kind)
}

// withPeriod returns a text as a sentence.
func withPeriod(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// importNotFound returns the diagnostic of a terraform import whose object was not found or could not be read. The hint says
// more about an object that was not found; "" if nothing is known.
func importNotFound(kind, given, where, hint string, err error) diag.Diagnostic {
	if errors.Is(err, infrahub.ErrNotFound) {
		return diag.NewErrorDiagnostic("Object Not Found", fmt.Sprintf("Infrahub has no %s with the id or the name %q on %s. %s", kind, given, where,
			cmp.Or(hint, "Look the id up in Infrahub, and check the resource type and the branch.")))
	}
	return errorDiagnostic("Object Not Read", subject{object: fmt.Sprintf("The %s %q", kind, given)}, err)
}

// otherTypeHint returns what to do about an object of another resource type, "" if there is none.
func otherTypeHint(typeName string) string {
	if typeName == "" {
		return ""
	}
	return fmt.Sprintf("It belongs to another kind: use the resource type %s.", typeName)
}

// invalidIdentity returns the diagnostic of a terraform import whose identity cannot be one.
func invalidIdentity(given, expects string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Invalid Identity", fmt.Sprintf(
		"The id of the identity is %q. It must be %s. To import by name, set id in the import block instead of identity.", given, expects))
}

// branchMissing returns the warning of a provider whose branch does not exist. It is no error: the same configuration may create
// the branch, and what is left of a deleted one must not stand in the way of a plan or a destroy.
func branchMissing(name string) diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(path.Root("branch"), "Infrahub Branch Not Found", fmt.Sprintf(
		"Infrahub has no branch %q. If this configuration creates it, refer to that resource in the provider block (branch = infrahub_branch.NAME.name), so that it is created first. "+
			"If it was deleted, what was on it alone is gone. Otherwise create it, or set another branch in the provider block or %s: nothing can be changed on a branch that does not exist.", name, branchVariable))
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
		"The Infrahub branch %q was deleted outside of Terraform. What was changed on it is lost, unless it was merged first.\n\n"+
			"The plan creates it again, with everything that the configuration has on it. If its work is done, remove from the configuration the branch and what is managed on it, or use a branch of another name.", name))
}

// branchMergedAndDeleted returns the warning for a configuration that still names a branch that was deleted after its merge.
func branchMergedAndDeleted(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Branch Was Merged and Deleted", fmt.Sprintf(
		"The Infrahub branch %q was merged, and then deleted outside of Terraform. Its work is done, so the plan does not create it again.\n\n"+
			"To clean up, remove from the configuration the branch and what is managed on it. For the next change use a branch of another name, "+
			"or apply with -replace for this resource to create one of the same name.", name))
}
