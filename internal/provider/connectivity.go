package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

const (
	// maxChecks bounds how many repositories an apply checks after a change of a credential.
	maxChecks = 20
	// parallelChecks is how many of them it checks at the same time. A worker of the server makes the connection, which takes
	// seconds (infrahub-behaviour.md, Importing 5).
	parallelChecks = 5
	// checksTimeout bounds how long all of these checks may take.
	checksTimeout = time.Minute
)

// connectivityCheck lets Infrahub connect to the repositories that a changed credential concerns. Infrahub itself does so only for
// the next import (infrahub-behaviour.md, Importing 17).
type connectivityCheck struct {
	// object is what was changed, such as "Credential git on branch main", and noun what it is called.
	object, noun string
	// attribute is the attribute that was changed.
	attribute string
	// next is what to do if a repository is not reached.
	next string

	repositories []infrahub.Repository
	// unchecked are the lines of what is not checked, and why.
	unchecked []string
}

// find takes the repositories of both kinds that use a credential, as many as are checked.
func (c *connectivityCheck) find(ctx context.Context, client *infrahub.Client, credentialID string) {
	filter := infrahub.Filter{CredentialIDs: []string{credentialID}}
	for _, kind := range []infrahub.Kind{infrahub.ReadWrite, infrahub.ReadOnly} {
		for repository, err := range client.Repositories(kind).List(ctx, filter) {
			if err != nil {
				c.unchecked = append(c.unchecked, fmt.Sprintf("every %s that uses it, because they could not be listed: %s", kind, withRequest(err)))
				break
			}
			if len(c.repositories) == maxChecks {
				c.unchecked = append(c.unchecked, fmt.Sprintf("the others that use it: a change checks %d at most", maxChecks))
				return
			}
			c.repositories = append(c.repositories, repository)
		}
	}
}

// run checks the repositories and returns warnings that name those that Infrahub does not reach, and those of which that is not
// known.
func (c *connectivityCheck) run(ctx context.Context, client *infrahub.Client) diag.Diagnostics {
	var unreached []string
	for n, err := range checkAll(ctx, client, c.repositories) {
		if err == nil {
			continue
		}
		line := fmt.Sprintf("%s %q: %s", c.repositories[n].Kind, c.repositories[n].Name, withRequest(err))
		if _, failed := errors.AsType[*infrahub.ConnectivityError](err); failed {
			unreached = append(unreached, line)
		} else {
			c.unchecked = append(c.unchecked, line)
		}
	}
	var diags diag.Diagnostics
	if unreached != nil {
		diags.AddAttributeWarning(path.Root(c.attribute), "Repositories Not Reached", fmt.Sprintf(
			"%s: Infrahub does not reach these repositories now:\n\n  %s\n\nThe %s was changed all the same. As long as this lasts, the next import of them fails. %s",
			c.object, strings.Join(unreached, "\n  "), c.noun, c.next))
	}
	if c.unchecked != nil {
		diags.AddAttributeWarning(path.Root(c.attribute), "Repositories Not Checked", fmt.Sprintf(
			"%s: whether Infrahub reaches these repositories now is not known:\n\n  %s\n\nThe %s was changed. Infrahub shows at each repository, as its operational status, whether it was reached last.",
			c.object, strings.Join(c.unchecked, "\n  "), c.noun))
	}
	return diags
}

// checkAll returns the result of each check: nil, a *ConnectivityError, or why it is not known. A check that has been sent cannot be
// canceled, so that checkAll does not wait for it once the time is over.
func checkAll(ctx context.Context, client *infrahub.Client, repositories []infrahub.Repository) []error {
	ctx, cancel := context.WithTimeout(ctx, checksTimeout)
	defer cancel()
	free := make(chan struct{}, parallelChecks)
	pending := make([]chan error, len(repositories))
	for n, repository := range repositories {
		result := make(chan error, 1)
		pending[n] = result
		go func() {
			select {
			case free <- struct{}{}:
				result <- client.CheckConnectivity(ctx, repository.ID)
				<-free
			case <-ctx.Done():
			}
		}()
	}
	results := make([]error, len(repositories))
	for n := range pending {
		select {
		case results[n] = <-pending[n]:
		case <-ctx.Done():
			results[n] = ctx.Err()
		}
		if errors.Is(results[n], context.DeadlineExceeded) || errors.Is(results[n], context.Canceled) {
			results[n] = errors.New("the check had not ended when the time was over")
		}
	}
	return results
}

// withRequest returns an error as a sentence, with the id of its request.
func withRequest(err error) string {
	id := ""
	if failure, ok := errors.AsType[*infrahub.Error](err); ok {
		id = failure.RequestID
	}
	if unreached, ok := errors.AsType[*infrahub.ConnectivityError](err); ok {
		id = unreached.RequestID
	}
	if id == "" {
		return message(err)
	}
	return message(err) + " (request id " + id + ")"
}
