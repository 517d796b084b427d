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
	// Moved is whether it was the first import from another location.
	Moved bool `json:"moved"`
	// Unproven is whether no task is known that imported the ref, nor one that failed to.
	Unproven bool `json:"unproven,omitempty"`
}

// failedImportKey is the record's key in private state.
const failedImportKey = "failed_import"

// loadFailedImport returns the record in private state, nil if there is none.
func loadFailedImport(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
},
) (*failedImport, diag.Diagnostics) {
	encoded, diags := private.GetKey(ctx, failedImportKey)
	if len(encoded) == 0 {
		return nil, diags
	}
	var record failedImport
	if err := json.Unmarshal(encoded, &record); err != nil {
		diags.AddError("Private State Not Read", fmt.Sprintf("The record of the last import cannot be read: %v.", err))
	}
	return &record, diags
}

// privateWriter is the private state of a response.
type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// save keeps the record, with the reason why the import is not known to have worked.
func (f failedImport) save(ctx context.Context, private privateWriter, err error) diag.Diagnostics {
	f.Reason = importReason(err)
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

// retryWarning announces that an apply imports again. Object is such as repository "network".
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
	return message(err)
}
