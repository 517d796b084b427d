package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// lastImport is what a refresh found of a repository whose last import the state may not know: this process, or an earlier one
// that was killed, may have started it, or another client; or another client has stored a ref without importing it
// (infrahub-behaviour.md, Writing 11).
type lastImport struct {
	repository infrahub.Repository
	// adopting is whether this is a terraform import, so that there is no state yet.
	adopting bool
	// sameRef, sameLocation and sameCommit are whether the repository has those of the state.
	sameRef, sameLocation, sameCommit bool
	// object names the repository in a diagnostic, and again says how to import it again.
	object, again string
}

// record records that an import is due if the last one failed, or is not known to have been one of this ref and location. It
// returns why that could not be read.
func (l lastImport) record(ctx context.Context, client *infrahub.Client, private privateWriter, diags *diag.Diagnostics) error {
	sameSource := l.sameRef && l.sameLocation && !l.adopting
	if sameSource && l.sameCommit {
		return nil
	}
	last, err := client.LastImport(ctx, l.repository)
	if err != nil {
		return err
	}
	found := failedImport{Ref: l.repository.Ref, Moved: last.Moved}
	switch {
	case sameSource && !last.Stored:
		// The commit moved, so an import of this ref has worked as far as the commit. Its sync_status shows whether the rest failed.
	case last.Failure != nil:
		diags.Append(found.save(ctx, private, last.Failure)...)
	case last.Proven, !l.sameCommit && !l.adopting: // the commit has changed with the ref
		diags.Append(clearFailedImport(ctx, private)...)
	case l.adopting:
		diags.Append(l.unproven(last.TasksHidden))
	default:
		found.Moved, found.Unproven = !l.sameLocation, true
		diags.Append(found.save(ctx, private, noProof(last.TasksHidden))...)
	}
	return nil
}

// noProof returns why nothing is known of the last import.
func noProof(tasksHidden bool) error {
	if tasksHidden {
		return errors.New("this account cannot see the tasks that would show it")
	}
	return errors.New("no task is listed any more that imported it")
}

// unproven returns the warning of an import into the state of a repository of whose last import nothing is known.
func (l lastImport) unproven(tasksHidden bool) diag.Diagnostic {
	commit := ""
	if l.repository.Commit != nil {
		commit = ", commit " + *l.repository.Commit
	}
	return diag.NewWarningDiagnostic("Import Not Proven", fmt.Sprintf(
		"Infrahub has %s at %q%s. Whether that is the commit of this ref is not known: %s Another client may have stored the ref without an import.\n\n"+
			"To import it again, %s", l.object, l.repository.Ref, commit, withPeriod(noProof(tasksHidden).Error()), l.again))
}
