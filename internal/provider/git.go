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

// refs asks a Git remote itself what it has, with the provider's settings and never with a credential
// that Infrahub holds.
func (c *connection) refs(ctx context.Context, location string) (*gitremote.Refs, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	remote := c.git
	remote.Location = location
	return remote.Refs(ctx)
}

// resolve finds the commit that a ref of a Git remote stands for now.
func (c *connection) resolve(ctx context.Context, location, ref string) (gitremote.Ref, error) {
	refs, err := c.refs(ctx, location)
	if err != nil {
		return gitremote.Ref{}, err
	}
	return refs.Resolve(ref)
}

// notResolved is the diagnostic of a remote that could not be asked, or that has no such ref or version.
func notResolved(location string, err error) diag.Diagnostic {
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
		text = shownLocation(location) + ": " + text
	}
	return diag.WithPath(path.Root(attribute), diag.NewErrorDiagnostic(summary, sentence(text)+"\n\n"+next))
}

// shownLocation is a location without what people put into its query.
func shownLocation(location string) string {
	before, _, _ := strings.Cut(location, "?")
	return before
}
