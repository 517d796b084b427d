package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// waits reports whether an apply waits for imports, by what the resource says or else the provider.
func (c *connection) waits(resource types.Bool) bool {
	if !resource.IsNull() {
		return resource.ValueBool()
	}
	return c == nil || c.waitForImport
}

// wait waits for an import, unless there is none or it is not wanted. Without an import it returns nil.
func (c *connection) wait(ctx context.Context, started *infrahub.Import, wanted types.Bool, diags *diag.Diagnostics) (*infrahub.Repository, error) {
	if started == nil || !c.waits(wanted) {
		return nil, nil
	}
	imported, err := started.Wait(ctx)
	if err != nil {
		return nil, c.withNearest(ctx, err)
	}
	if imported.Warning != "" {
		diags.AddWarning("Import Has a Flaw", fmt.Sprintf("The %s %q at %q, branch %q: %s",
			imported.Kind, imported.Name, imported.Ref, imported.Branch, sentence(imported.Warning)))
	}
	return &imported.Repository, nil
}

// withNearest adds to the failure of a missing ref what the remote has that is like it, where the
// remote lets itself be listed without a credential.
func (c *connection) withNearest(ctx context.Context, err error) error {
	failure, ok := errors.AsType[*infrahub.ImportError](err)
	if !ok || failure.Cause != infrahub.RefMissing {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hinting)
	defer cancel()
	remote := c.git
	remote.Location, remote.Username, remote.Token = failure.Repository.Location, "", "" // a hint is worth no secret
	if refs, listing := remote.Refs(ctx); listing == nil {
		failure.Nearest = refs.Nearest(failure.Repository.Ref, 3)
	}
	return err
}

// hinting bounds how long a failure may take to be explained better.
const hinting = 10 * time.Second

// importFailure is the diagnostic of an import that failed or is not known to have worked, nil of any
// other error.
func importFailure(err error) diag.Diagnostic {
	var failure *infrahub.ImportError
	var unfinished *infrahub.UnfinishedError
	switch {
	case errors.As(err, &failure):
		return importFailed(failure)
	case errors.As(err, &unfinished):
		return importUnfinished(unfinished)
	default:
		return nil
	}
}

// failureKey is where private state remembers that the last import failed. The server forgets: it
// has the new ref, so that a refresh shows no difference (infrahub.md, Importing).
const failureKey = "failed_import"

// memory is a failed import.
type memory struct {
	Ref    string `json:"ref"`
	Reason string `json:"reason"`
	// Moved is whether it was the first import from another location.
	Moved bool `json:"moved"`
}

// importDueAgain announces that an import is tried again: object is such as repository "network".
func importDueAgain(object string, m memory) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Import Is Due Again", fmt.Sprintf(
		"The last import of the %s at %q is not known to have worked: %s\n\nThis apply imports again.", object, m.Ref, sentence(m.Reason)))
}

func (m memory) encode() []byte {
	encoded, err := json.Marshal(m)
	if err != nil { // strings always encode
		return []byte("{}")
	}
	return encoded
}

// recall returns the failed import that private state remembers, nil if there is none.
func recall(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
},
) (*memory, diag.Diagnostics) {
	encoded, diags := private.GetKey(ctx, failureKey)
	if len(encoded) == 0 {
		return nil, diags
	}
	var m memory
	if err := json.Unmarshal(encoded, &m); err != nil {
		diags.AddError("Private State Not Read", fmt.Sprintf("What was remembered of the last import cannot be read: %v.", err))
	}
	return &m, diags
}

// reasonOf is why an import is not known to have worked.
func reasonOf(err error) string {
	if failure, ok := errors.AsType[*infrahub.ImportError](err); ok {
		return failure.Reason
	}
	if _, ok := errors.AsType[*infrahub.UnfinishedError](err); ok {
		return "it had not ended when it was last looked at"
	}
	return err.Error()
}
