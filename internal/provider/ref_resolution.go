package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// refResolution is embedded by the model of a repository whose ref a plan can resolve at the Git remote.
type refResolution struct {
	ResolveRef    types.Bool   `tfsdk:"resolve_ref"`
	PlannedCommit types.String `tfsdk:"planned_commit"`
}

// enabled reports whether the plan asks the remote; false, too, where that is not known yet.
func (p refResolution) enabled() bool { return p.ResolveRef.ValueBool() }

// resolveRef plans the commit that the ref stands for, unless it is planned already. An apply resolves what the plan could not
// know yet before it changes anything.
func (d *providerData) resolveRef(ctx context.Context, plan repositoryParts, diags *diag.Diagnostics) {
	resolution := plan.resolution
	if resolution == nil || !resolution.PlannedCommit.IsUnknown() {
		return
	}
	switch {
	case !resolution.enabled() && !resolution.ResolveRef.IsUnknown():
		resolution.PlannedCommit = types.StringNull()
	case !resolution.enabled(), plan.Location.IsUnknown(), plan.ref.IsUnknown(), d == nil:
	default:
		location := plan.Location.ValueString()
		found, err := d.resolve(ctx, location, plan.ref.ValueString())
		if err != nil {
			diags.Append(gitDiagnostic(location, err))
			return
		}
		resolution.PlannedCommit = types.StringValue(found.Commit)
	}
}

// refMoved reports whether the ref stands for another commit than was imported. Where nobody waits for imports the commit lags
// behind, so the commit that was planned last counts.
func (d *providerData) refMoved(plan, state repositoryParts) bool {
	if plan.resolution == nil {
		return false
	}
	planned := plan.resolution.PlannedCommit
	if planned.IsNull() || planned.IsUnknown() || state.Commit.Equal(planned) {
		return false
	}
	if d.waits(plan.WaitForImport) {
		return true
	}
	last := state.Commit
	if !state.resolution.PlannedCommit.IsNull() {
		last = state.resolution.PlannedCommit
	}
	return !last.IsNull() && !last.Equal(planned)
}

// checkCommit returns the error of an import that ended on another commit than was planned.
func (p refResolution) checkCommit(imported infrahub.Repository) diag.Diagnostics {
	var diags diag.Diagnostics
	if commit := types.StringPointerValue(imported.Commit); !p.PlannedCommit.IsNull() && !p.PlannedCommit.Equal(commit) {
		diags.AddAttributeError(path.Root("ref"), "Another Commit Was Imported", fmt.Sprintf(
			"The plan was to import %q of the %s %q at commit %s, but Infrahub imported commit %s: the ref was moved in between.\n\n"+
				"If that commit is right, plan and apply again. If not, move the ref back, or set another one.",
			imported.Ref, imported.Kind, imported.Name, p.PlannedCommit.ValueString(), commit.ValueString()))
	}
	return diags
}

// refs returns what a Git remote has. It is asked with the provider's settings, and never with a credential that Infrahub holds.
func (d *providerData) refs(ctx context.Context, location string) (*gitremote.Refs, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	remote := d.git
	remote.Location = location
	return remote.Refs(ctx)
}

// resolve returns what a ref of a Git remote stands for now.
func (d *providerData) resolve(ctx context.Context, location, ref string) (gitremote.Ref, error) {
	refs, err := d.refs(ctx, location)
	if err != nil {
		return gitremote.Ref{}, err
	}
	return refs.Resolve(ref)
}
