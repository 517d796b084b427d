package provider

import (
	"cmp"
	"context"
	"fmt"
	"strings"

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

// planCommit plans the commit that the ref stands for, unless it is planned already. An apply resolves what the plan could not know
// yet before it changes anything. Prior is nil for a create. If the remote cannot be asked, or does not have the ref any more, that
// is an error only if the plan differs from prior in what the remote was asked; otherwise the planned commit stays. Answered is
// whether the plan has the answer of the remote.
func (d *providerData) planCommit(ctx context.Context, plan repositoryParts, prior *repositoryParts, diags *diag.Diagnostics) (answered bool) {
	resolution := plan.resolution
	if resolution == nil || !resolution.PlannedCommit.IsUnknown() {
		return true
	}
	switch {
	case !resolution.enabled() && !resolution.ResolveRef.IsUnknown():
		resolution.PlannedCommit = types.StringNull()
		return true
	case !resolution.enabled(), plan.Location.IsUnknown(), plan.ref.IsUnknown(), d == nil:
		return true
	}
	location, ref := plan.Location.ValueString(), plan.ref.ValueString()
	unchanged := prior != nil && plan.Location.Equal(prior.Location) && plan.ref.Equal(*prior.ref) && resolution.ResolveRef.Equal(prior.resolution.ResolveRef)
	found, err := d.resolve(ctx, location, ref)
	switch {
	case err != nil && unchanged:
		resolution.PlannedCommit = prior.resolution.PlannedCommit
		diags.Append(gitWarning(location, err, fmt.Sprintf(
			"ref and location have not changed, so this does not stop the plan: planned_commit stays at %s unless an import is due, whose commit cannot be checked then.", cmp.Or(resolution.PlannedCommit.ValueString(), "null"))))
		return false
	case err != nil:
		diags.Append(gitDiagnostic(location, err))
		return false
	}
	resolution.plan(location, ref, found, unchanged, diags)
	return true
}

// plan plans what the remote answered, and warns of what it leaves open. That a hash is not advertised is no news if the plan does
// not change the ref.
func (p *refResolution) plan(location, ref string, found gitremote.Ref, unchanged bool, diags *diag.Diagnostics) {
	p.PlannedCommit = types.StringNull()
	if found.Commit != "" && !found.Copied {
		p.PlannedCommit = types.StringValue(found.Commit)
		if unchanged {
			return
		}
	}
	warning := refWarning(location, ref, found, "So planned_commit is null, and resolve_ref does not notice when the ref moves.")
	if warning != nil {
		diags.Append(warning)
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

// checkCommit returns the error of an import that ended on another commit than was planned. A hash does not move: if it led to
// another commit, it is the hash of something else, such as a tag's object that the remote does not advertise.
func (p refResolution) checkCommit(imported infrahub.Repository) diag.Diagnostics {
	var diags diag.Diagnostics
	commit := types.StringPointerValue(imported.Commit)
	if p.PlannedCommit.IsNull() || p.PlannedCommit.Equal(commit) {
		return nil
	}
	if strings.EqualFold(p.PlannedCommit.ValueString(), imported.Ref) && !commit.IsNull() {
		diags.AddAttributeWarning(path.Root("ref"), "Git Ref Is No Commit", fmt.Sprintf(
			"The ref %s of the %s %q is the hash of another object than a commit, such as a tag: Infrahub imported commit %s.\n\n"+
				"Set ref to %s. Until then each apply imports it again.",
			imported.Ref, imported.Kind, imported.Name, commit.ValueString(), commit.ValueString()))
		return diags
	}
	diags.AddAttributeError(path.Root("ref"), "Another Commit Was Imported", fmt.Sprintf(
		"The plan was to import %q of the %s %q at commit %s, but Infrahub imported commit %s: the ref was moved in between.\n\n"+
			"If that commit is right, plan and apply again. If not, move the ref back, or set another one.",
		imported.Ref, imported.Kind, imported.Name, p.PlannedCommit.ValueString(), commit.ValueString()))
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
