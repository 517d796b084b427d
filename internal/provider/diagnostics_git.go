package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

// gitDiagnostic returns the diagnostic of a remote that could not be asked, or that has no such ref or version.
func gitDiagnostic(location string, err error) diag.Diagnostic {
	var (
		ref        *gitremote.RefNotFoundError
		constraint *gitremote.ConstraintError
		version    *gitremote.NoMatchError
	)
	summary, attribute, next := "Git Remote Not Reached", "location",
		"The provider asks the remote itself, from where it runs: check the location, and the provider's proxy and tls_ca_file."
	switch {
	case errors.As(err, &ref):
		summary, attribute, next = "Git Ref Not Found", "ref", "Push it to the remote, or correct ref."
	case errors.As(err, &constraint):
		summary, attribute, next = "Invalid Version Constraint", "version", "Conditions are joined by commas: \">= 1.2, < 2.0\", \"~> 1.2\", \"1.4.x\"."
	case errors.As(err, &version):
		summary, attribute, next = "Git Tag Not Found", "version",
			"Push such a tag, or correct version and prefix. Prereleases count only with include_prereleases."
	case errors.Is(err, gitremote.ErrAuthentication):
		summary, next = "Git Remote Refused", fmt.Sprintf(
			"The credential that Infrahub has is not the provider's: set git_username and git_token in the provider block, or %s and %s. Over ssh, load a key into your SSH agent.",
			gitUsernameVariable, gitTokenVariable)
	case errors.Is(err, gitremote.ErrNotFound):
		summary, next = "Git Repository Not Found", fmt.Sprintf(
			"Check the location. Some hosts say so of a private repository: set git_token in the provider block, or %s.", gitTokenVariable)
	case errors.Is(err, gitremote.ErrNotGit):
		next = "Something else answered: check the location, and what proxies or login pages stand before it."
	case errors.Is(err, context.DeadlineExceeded):
		next = "Check that the remote answers from here, or give it more time in the provider's timeout."
	}
	text := err.Error()
	if attribute != "location" && location != "" { // which the others do not name
		text = withoutQuery(location) + ": " + text
	}
	return diag.WithPath(path.Root(attribute), diag.NewErrorDiagnostic(summary, withPeriod(text)+"\n\n"+next))
}

// withoutQuery returns a location without its query, which may hold a secret.
func withoutQuery(location string) string {
	before, _, _ := strings.Cut(location, "?")
	return before
}
