package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// failedImport is the record of an import that failed, or is not known to have worked. Private state keeps it, because the
// server forgets: it has the new ref, so that a refresh shows no difference (infrahub-behaviour.md, Importing 25).
type failedImport struct {
	Ref    string `json:"ref"`
	Reason string `json:"reason"`
	// Moved is whether this was the first import after the repository's location changed.
	Moved bool `json:"moved"`
	// Commit is what an update found imported, "" for a create.
	Commit string `json:"commit,omitempty"`
	// Unobserved is whether nothing is known of how the import ended.
	Unobserved bool `json:"unobserved,omitempty"`
	// Unproven is whether no task is known that imported the ref, nor one that failed to.
	Unproven bool `json:"unproven,omitempty"`
}

// failedImportKey is the record's key in private state.
const failedImportKey = "failed_import"

// loadFailedImport returns the record in private state, nil if there is none.
func loadFailedImport(ctx context.Context, private privateReader) (*failedImport, diag.Diagnostics) {
	encoded, diags := private.GetKey(ctx, failedImportKey)
	if len(encoded) == 0 {
		return nil, diags
	}
	var record failedImport
	if err := json.Unmarshal(encoded, &record); err != nil {
		diags.AddError("Private State Not Read", fmt.Sprintf("The record of the last import cannot be read: %v.", err))
		return nil, diags
	}
	return &record, diags
}

// save keeps the record, with the reason why the import is not known to have worked.
func (f failedImport) save(ctx context.Context, private privateWriter, err error) diag.Diagnostics {
	f.Reason = importReason(err)
	_, f.Unobserved = errors.AsType[*infrahub.UnobservedError](err)
	encoded, err := json.Marshal(f)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Private State Not Written", fmt.Sprintf("The record of the import cannot be written: %v.", err))}
	}
	return private.SetKey(ctx, failedImportKey, encoded)
}

// clearFailedImport forgets the record.
func clearFailedImport(ctx context.Context, private privateWriter) diag.Diagnostics {
	return private.SetKey(ctx, failedImportKey, nil)
}

// observe checks again on an import that could not be observed. It clears the record once the import is proven, or the repository
// is healthy and no task shows that its ref was stored without an import. Where the tasks are hidden, a commit that has not changed
// proves nothing: a ref that the remote does not have leaves the repository in-sync (infrahub-behaviour.md, Importing 11).
func (f failedImport) observe(ctx context.Context, client *infrahub.Client, repository infrahub.Repository, private privateWriter) diag.Diagnostics {
	last, err := client.LastImport(ctx, repository)
	switch {
	case err != nil:
		return nil
	case last.Failure != nil && !last.TasksHidden:
		return f.save(ctx, private, last.Failure)
	case last.TasksHidden && f.Commit != "" && repository.Commit != nil && f.Commit == *repository.Commit:
		return nil
	case last.Proven && repository.Kind == infrahub.ReadOnly, repository.Healthy() && !last.Stored:
		return clearFailedImport(ctx, private)
	default:
		return nil
	}
}

// retryWarning announces that an apply imports again. The object is given as, for example, repository "network".
func (f failedImport) retryWarning(object string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Import Is Due Again", fmt.Sprintf(
		"The last import of the %s at %q is not known to have worked: %s\n\nThis apply imports again.", object, f.Ref, withPeriod(f.Reason)))
}

// importReason returns why an import is not known to have worked, without the object that the record names already.
func importReason(err error) string {
	if failure, ok := errors.AsType[*infrahub.ImportError](err); ok {
		return failure.Reason
	}
	if _, ok := errors.AsType[*infrahub.UnfinishedError](err); ok {
		return "it had not ended when it was last looked at"
	}
	if unobserved, ok := errors.AsType[*infrahub.UnobservedError](err); ok {
		return "its tasks could not be listed: " + message(errors.Unwrap(unobserved))
	}
	return message(err)
}
