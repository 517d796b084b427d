package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// waits reports whether an apply waits for imports, as the resource or else the provider says.
func (d *providerData) waits(resource types.Bool) bool {
	if !resource.IsNull() {
		return resource.ValueBool()
	}
	return d == nil || d.waitForImport
}

// wait returns the repository as an import left it. It returns nil if there is no import, or nobody waits for it.
func (d *providerData) wait(ctx context.Context, started *infrahub.Import, waitForImport types.Bool, diags *diag.Diagnostics) (*infrahub.Repository, error) {
	if started == nil || !d.waits(waitForImport) {
		return nil, nil
	}
	imported, err := started.Wait(ctx)
	if err != nil {
		return nil, d.addNearestRefs(ctx, err)
	}
	if imported.Warning != "" {
		diags.AddWarning("Import Completed With Warnings", fmt.Sprintf("The %s %q at %q, branch %q: %s",
			imported.Kind, imported.Name, imported.Ref, imported.Branch, withPeriod(imported.Warning)))
	}
	return &imported.Repository, nil
}

// waitAndRecord waits for the import of an update, and records in private state how it ended.
func (d *providerData) waitAndRecord(ctx context.Context, started *infrahub.Import, waitForImport types.Bool, record failedImport, private privateWriter, diags *diag.Diagnostics) (*infrahub.Repository, error) {
	imported, err := d.wait(ctx, started, waitForImport, diags)
	if err != nil {
		diags.Append(record.save(ctx, private, err)...)
	} else {
		diags.Append(clearFailedImport(ctx, private)...)
	}
	return imported, err
}

// readAfterImport reads the repository that an import left behind. A timeout or an interrupt of the import leaves time for it.
func readAfterImport(ctx context.Context, client *infrahub.Client, kind infrahub.Kind, id string) (*infrahub.Repository, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return client.Repositories(kind).Get(ctx, id)
}

// suggestionTimeout bounds how long the search for similar refs may take.
const suggestionTimeout = 10 * time.Second

// addNearestRefs adds to the failure of a missing ref the refs of the remote that are most like it. The remote is asked
// without a credential: a suggestion is not worth sending a secret.
func (d *providerData) addNearestRefs(ctx context.Context, err error) error {
	failure, ok := errors.AsType[*infrahub.ImportError](err)
	if !ok || failure.Cause != infrahub.RefMissing {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, suggestionTimeout)
	defer cancel()
	remote := d.git
	remote.Location, remote.Username, remote.Token = failure.Repository.Location, "", sensitive.Text{}
	if refs, listing := remote.Refs(ctx); listing == nil {
		failure.Nearest = refs.Nearest(failure.Repository.Ref, 3)
	}
	return err
}
