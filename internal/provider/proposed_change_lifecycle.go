package provider

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// waits reports whether an apply waits for the checks. What is not known yet may be true.
func (m proposedChangeModel) waits() bool {
	return m.WaitForChecks.ValueBool() || m.WaitForChecks.IsUnknown() || m.merges()
}

// merges reports whether an apply merges. What is not known yet may be true.
func (m proposedChangeModel) merges() bool { return m.Merge.ValueBool() || m.Merge.IsUnknown() }

// pending reports whether a proposed change is neither merged nor given up.
func (m proposedChangeModel) pending() bool {
	return m.State.ValueString() == "open" || m.State.ValueString() == "merging"
}

// edited reports whether a plan changes what Infrahub has of a proposed change.
func (m proposedChangeModel) edited(state proposedChangeModel) bool {
	return !m.Name.Equal(state.Name) || !m.Description.Equal(state.Description) || !m.IsDraft.Equal(state.IsDraft)
}

// planChecks plans the checks and the state. An apply that waits finds them out. Without a change of the configuration an update is
// planned if checks have failed or were not seen to end, because nothing runs them again by itself (infrahub-behaviour.md,
// Proposals 12), or if it is to be merged and is not yet.
func (r *proposedChangeResource) planChecks(ctx context.Context, plan, state proposedChangeModel, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	checks, status := path.Root("checks"), path.Root("state")
	if req.State.Raw.IsNull() {
		if !plan.waits() {
			resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, checks, types.ListNull(checkType()))...)
		}
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, checks, state.Checks)...)
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, status, state.State)...)
	if !plan.waits() {
		return
	}
	again, diags := checksDue(ctx, state, req.Private)
	resp.Diagnostics.Append(diags...)
	due := state.pending() && (again || plan.merges())
	if !due && resp.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, checks, types.ListUnknown(checkType()))...)
	if state.pending() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, status, types.StringUnknown())...)
	}
}

// checksDue reports whether the checks have to run again, because one has failed or an earlier apply has not seen how they ended.
func checksDue(ctx context.Context, state proposedChangeModel, private privateReader) (bool, diag.Diagnostics) {
	failed, diags := hasFailedCheck(ctx, state.Checks)
	unseen, problems := loadText(ctx, private, checksUnseenKey)
	return failed || unseen != "", append(diags, problems...)
}

// Create proposes a branch, waits for its checks and merges it, as the plan asks.
func (r *proposedChangeResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config proposedChangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, plan.Timeouts.Create, &resp.Diagnostics)
	defer cancel()
	created := r.create(ctx, req, resp, plan, config, r.adoptProposedChange(plan, req.Plan, resp.Private))
	if !created || !plan.waits() || resp.Diagnostics.HasError() {
		return
	}
	r.settle(ctx, settling{
		again: "Then apply again: Terraform marks the proposed change as tainted, so the next apply cancels it and proposes the branch again, and its checks run anew. " +
			"To keep it, run terraform untaint: then the next apply only runs its checks again.",
		state: &resp.State, private: resp.Private, diags: &resp.Diagnostics,
	})
}

// adoptProposedChange brings a proposed change to the plan, waits for its checks and merges it, as the plan asks. A failure is an
// error without a state: the next apply adopts it again.
func (r *proposedChangeResource) adoptProposedChange(plan proposedChangeModel, planned tfsdk.Plan, private privateWriter) adopter[infrahub.ProposedChange] {
	adopt := r.adoptNode(plan, planned)
	return func(ctx context.Context, found existing[infrahub.ProposedChange]) (tfsdk.State, diag.Diagnostics, error) {
		state, diags, err := adopt(ctx, found)
		if err != nil || diags.HasError() || !plan.waits() {
			return state, diags, err
		}
		r.settle(ctx, settling{
			update: true, runAgain: true, // nobody knows what the checks of earlier runs have seen
			again: "Then apply again: the proposed change existed before, so it is not kept in the state, where Terraform would mark it as tainted and replace it. The next apply adopts it again, and its checks run once more.",
			state: &state, private: private, diags: &diags,
		})
		return state, diags, nil
	}
}

// Update edits a proposed change, runs its checks again where they may be out of date or have failed, and merges it, as the plan asks.
func (r *proposedChangeResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state proposedChangeModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	again, diags := checksDue(ctx, state, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := withTimeout(ctx, plan.Timeouts.Update, &resp.Diagnostics)
	defer cancel()
	r.nodeResource.Update(ctx, req, resp)
	if !plan.waits() || resp.Diagnostics.HasError() {
		return
	}
	r.settle(ctx, settling{
		// Checks that have passed may tell of an earlier commit, which must not merge a later one (infrahub-behaviour.md, Proposals 12).
		update: true, runAgain: again || plan.edited(state) || plan.merges(),
		again: "Then apply again: the checks run once more, also without a change in the configuration.",
		state: &resp.State, private: resp.Private, diags: &resp.Diagnostics,
	})
}

// settling is an apply that waits for the checks of a proposed change, after it was created or updated.
type settling struct {
	// update is whether the proposed change existed before, and so may have checks of earlier runs.
	update bool
	// runAgain is whether the checks of earlier runs do not count.
	runAgain bool
	// again says how a user gets the checks to run again.
	again   string
	state   *tfsdk.State
	private privateWriter
	diags   *diag.Diagnostics
}

// settle waits for the checks, merges if that is asked for, and saves what has become of the proposed change.
func (r *proposedChangeResource) settle(ctx context.Context, s settling) {
	var model proposedChangeModel
	s.diags.Append(s.state.Get(ctx, &model)...)
	if s.diags.HasError() {
		return
	}
	change, pending := expandProposedChange(model), model.pending()
	checks, err := r.waitForChecks(ctx, &change, s)
	merging := err == nil && pending && model.merges()
	if merging {
		err = r.MergeProposedChange(ctx, change)
	}
	found, unread := readAfterSettling(ctx, r.Client, change.ID)
	switch {
	case unread == nil && merging && found.State == "merged":
		err = nil // perhaps a reviewer was faster
	case unread != nil && err == nil:
		s.diags.Append(r.failed(ctx, "Not Read", model, unread))
	}
	if unread == nil {
		model.State = types.StringValue(found.State)
	}
	unseen := ""
	if err != nil && !merging {
		unseen = "true"
	}
	if err != nil {
		s.diags.Append(r.notSettled(change, model, merging, s.again, err))
	}
	list, diags := flattenChecks(ctx, checks)
	s.diags.Append(diags...)
	model.Checks = list
	s.diags.Append(s.state.Set(ctx, model)...)
	s.diags.Append(saveText(ctx, s.private, checksUnseenKey, unseen)...)
}

// waitForChecks waits for the checks of a proposed change. One that somebody else has merged in the meantime has passed.
func (r *proposedChangeResource) waitForChecks(ctx context.Context, change *infrahub.ProposedChange, s settling) ([]infrahub.Check, error) {
	if !change.Open() {
		return r.Checks(ctx, *change)
	}
	run, err := r.FirstChecks(*change), error(nil)
	if s.runAgain {
		run, err = r.RunChecks(ctx, *change)
	}
	var checks []infrahub.Check
	if err == nil {
		checks, err = run.Wait(ctx)
	}
	if _, failed := errors.AsType[*infrahub.ChecksFailedError](err); failed && s.update && !s.runAgain {
		s.runAgain = true // these are of an earlier run
		return r.waitForChecks(ctx, change, s)
	}
	if ended, ok := errors.AsType[*infrahub.NotOpenError](err); ok && (ended.State == "merging" || ended.State == "merged") {
		change.State = ended.State
		return r.Checks(ctx, *change)
	}
	return checks, err
}

// notSettled returns why an apply has not settled a proposed change. Merging is whether its checks have passed.
func (r *proposedChangeResource) notSettled(change infrahub.ProposedChange, model proposedChangeModel, merging bool, again string, err error) diag.Diagnostic {
	attribute := "wait_for_checks"
	if model.merges() {
		attribute = "merge"
	}
	advice := checksAdvice{again: again, newBranch: "Make a new branch: apply with -replace for its infrahub_branch. What is set on the branch, and the proposed change, are to follow it: " +
		"replace_triggered_by = [infrahub_branch.NAME.id] in the lifecycle of each."}
	if problem := checksDiagnostic(err, attribute, advice); problem != nil {
		return problem
	}
	if merging {
		return mergeRefused("The "+describeChange(change), "remove merge", err)
	}
	return checksNotRead(change, attribute, err)
}

// readAfterSettling reads a proposed change. A timeout or an interrupt of the wait before leaves time for it.
func readAfterSettling(ctx context.Context, client *infrahub.Client, id string) (*infrahub.ProposedChange, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return client.ProposedChanges().Get(ctx, id)
}

// Read reads the checks as well, if the resource waits for them or has them in its state.
func (r *proposedChangeResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, found := r.readNode(ctx, req, resp)
	if found == nil {
		return
	}
	model := flattenProposedChange(*found, state)
	if state.waits() || !state.Checks.IsNull() {
		r.readChecks(ctx, *found, &model, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// readChecks reads the checks into a model. An account that may not read them is an error only where an apply waits for them
// (infrahub-behaviour.md, Proposals 18).
func (r *proposedChangeResource) readChecks(ctx context.Context, change infrahub.ProposedChange, model *proposedChangeModel, diags *diag.Diagnostics) {
	ctx, cancel := withTimeout(ctx, model.Timeouts.Read, diags)
	defer cancel()
	checks, err := r.Checks(ctx, change)
	switch {
	case err == nil:
		list, problems := flattenChecks(ctx, checks)
		diags.Append(problems...)
		model.Checks = list
	case errors.Is(err, infrahub.ErrUnauthorized) && !model.waits():
		model.Checks = types.ListNull(checkType())
	default:
		diags.Append(checksNotRead(change, "checks", err))
	}
}
