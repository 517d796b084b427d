package provider

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// The keys of the texts in private state. failedImportKey is another.
const (
	// branchKey is the branch on which the object was seen last.
	branchKey = "branch"
	// importedBranchKey is the default branch of a read-write repository that Infrahub imported.
	importedBranchKey = "imported_branch"
	// serverLocationKey is the location as the server has it. On some hosts the server appends .git; on others a location with
	// .git is another repository (infrahub-behaviour.md, Writing 8).
	serverLocationKey = "server_location"
	// adoptedKey is what tells the resource that has adopted an object from others that had it before.
	adoptedKey = "adopted"
	// checksUnseenKey is set if the last apply has not seen the checks of a proposed change pass.
	checksUnseenKey = "checks_unseen"
)

// privateReader is the private state of a request.
type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// privateWriter is the private state of a response.
type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// loadText returns a text in private state, "" if there is none.
func loadText(ctx context.Context, private privateReader, key string) (string, diag.Diagnostics) {
	var text string
	encoded, diags := private.GetKey(ctx, key)
	if len(encoded) > 0 {
		if err := json.Unmarshal(encoded, &text); err != nil {
			diags.AddError("Private State Not Read", fmt.Sprintf("The value %q cannot be read: %v.", key, err))
		}
	}
	return text, diags
}

// saveText keeps a text in private state.
func saveText(ctx context.Context, private privateWriter, key, text string) diag.Diagnostics {
	encoded, err := json.Marshal(text)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Private State Not Written", fmt.Sprintf("The value %q cannot be written: %v.", key, err))}
	}
	return private.SetKey(ctx, key, encoded)
}
