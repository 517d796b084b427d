package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// resolution is what a plan knows from the Git remote of the ref that a repository is pinned to.
type resolution struct {
	ResolveRef    types.Bool   `tfsdk:"resolve_ref"`
	PlannedCommit types.String `tfsdk:"planned_commit"`
}

// wanted reports whether the remote is to be asked; false, too, where that is not known yet.
func (p resolution) wanted() bool { return p.ResolveRef.ValueBool() }

// resolve asks the remote what the ref of a plan stands for, unless that is planned already. What a plan
// could not know yet, the apply finds out before it changes anything.
func (r *repositoryBase) resolve(ctx context.Context, plan repositoryState, diags *diag.Diagnostics) {
	planned := plan.planned()
	if planned == nil || !planned.PlannedCommit.IsUnknown() {
		return
	}
	at, ref := plan.common().Location, *plan.ref()
	switch {
	case !planned.wanted() && !planned.ResolveRef.IsUnknown():
		planned.PlannedCommit = types.StringNull()
	case !planned.wanted(), at.IsUnknown(), ref.IsUnknown(), r.connection == nil:
	default:
		found, err := r.connection.resolve(ctx, at.ValueString(), ref.ValueString())
		if err != nil {
			diags.Append(notResolved(at.ValueString(), err))
			return
		}
		planned.PlannedCommit = types.StringValue(found.Commit)
	}
}

// refMoved reports whether the ref stands for another commit than was imported. Where nobody waits for
// imports the commit lags behind, so what was planned last counts.
func (r *repositoryBase) refMoved(plan, state repositoryState) bool {
	planned, before := plan.planned(), state.planned()
	if planned == nil || planned.PlannedCommit.IsNull() || planned.PlannedCommit.IsUnknown() || state.common().Commit.Equal(planned.PlannedCommit) {
		return false
	}
	if r.waits(plan.common().WaitForImport) {
		return true
	}
	last := state.common().Commit
	if !before.PlannedCommit.IsNull() {
		last = before.PlannedCommit
	}
	return !last.IsNull() && !last.Equal(planned.PlannedCommit)
}

// unlike is the error of an import that ended on another commit than was planned.
func (p resolution) unlike(imported infrahub.Repository) diag.Diagnostics {
	var diags diag.Diagnostics
	if commit := types.StringPointerValue(imported.Commit); !p.PlannedCommit.IsNull() && !p.PlannedCommit.Equal(commit) {
		diags.AddAttributeError(path.Root("ref"), "Another Commit Was Imported", fmt.Sprintf(
			"The plan was to import %q of the %s %q at commit %s, but Infrahub imported commit %s: the ref was moved in between.\n\n"+
				"If that commit is right, plan and apply again. If not, move the ref back, or set another one.",
			imported.Ref, imported.Kind, imported.Name, p.PlannedCommit.ValueString(), commit.ValueString()))
	}
	return diags
}
