package infrahub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Check is a validator of a proposed change (infrahub-behaviour.md, Proposals 2).
type Check struct {
	ID string
	// Label names it, such as "Data Integrity" or "Check: vlans".
	Label string
	Kind  string // data, schema, repository, user, artifact or generator
	State string // queued, in_progress or completed
	// Conclusion is unknown until it has completed, then success or failure.
	Conclusion string
	// Messages say what failed, in Infrahub's words. Only a check that failed has any.
	Messages  []string
	startedAt string
}

// Failed reports whether the check has ended without success.
func (c Check) Failed() bool { return c.ended() && c.Conclusion != "success" }

func (c Check) ended() bool { return c.State == "completed" }

// ChecksFailedError is a proposed change with checks that have failed.
type ChecksFailedError struct {
	Change ProposedChange
	// Failed are the checks that have failed.
	Failed []Check
}

func (e *ChecksFailedError) Error() string {
	var labels []string
	for _, check := range e.Failed {
		labels = append(labels, check.Label)
	}
	return fmt.Sprintf("checks of the proposed change %s have failed: %s", e.Change.Name, strings.Join(labels, ", "))
}

// ChecksUnfinishedError is a proposed change whose checks had not ended when the time ran out or the caller gave up.
type ChecksUnfinishedError struct {
	Change ProposedChange
	// Pending are the checks that had not ended, each with what was seen of it, such as "Check: vlans: in_progress".
	Pending []string
	cause   error
}

func (e *ChecksUnfinishedError) Error() string {
	return fmt.Sprintf("checks of the proposed change %s have not ended (%s): %v", e.Change.Name, strings.Join(e.Pending, ", "), e.cause)
}

// Unwrap returns context.DeadlineExceeded or context.Canceled, or why the checks could not be read.
func (e *ChecksUnfinishedError) Unwrap() error { return e.cause }

// NotOpenError is a proposed change that somebody else has merged, closed or canceled in the meantime.
type NotOpenError struct {
	Change ProposedChange
	State  string
}

func (e *NotOpenError) Error() string {
	return fmt.Sprintf("the proposed change %s is %s", e.Change.Name, e.State)
}

// repositoryChecks is the workflow that starts the checks of the repositories.
const repositoryChecks = "proposed-changed-repository-checks"

// checkWorkflows returns the workflows of checks (infrahub-behaviour.md, Proposals 3).
func checkWorkflows() []string {
	return []string{
		repositoryChecks, "proposed-changed-run-generator", "proposed-changed-data-integrity", "proposed-changed-schema-integrity",
		"proposed-changed-refresh-artifacts", "git-repository-trigger-user-checks", "git-repository-user-checks-definition-trigger",
		"git-repository-trigger-internal-checks", "git-repository-check-merge-conflict",
	}
}

const (
	// validatorsAtOnce is more validators than a proposed change has: one for each check definition of each repository.
	validatorsAtOnce = 10_000
	// resultsPerValidator is how many results of a failed validator are read.
	resultsPerValidator = 100
)

// Checks returns the checks that a proposed change has now. ErrNotFound if it does not exist.
func (c *Client) Checks(ctx context.Context, change ProposedChange) ([]Check, error) {
	resp, err := graphql.Checks(ctx, c.graphql.withBranch(""), change.ID, validatorsAtOnce)
	if err != nil {
		return nil, err
	}
	checks, _, err := c.checksOf(change, nodesOf(resp.CoreProposedChange.Edges, sameValidators))
	if err != nil {
		return nil, err
	}
	return checks, c.addMessages(ctx, change, checks)
}

func (c *Client) checksOf(change ProposedChange, found []*graphql.Validators) (checks []Check, state string, err error) {
	if len(found) == 0 {
		return nil, "", c.ProposedChanges().notFound(change.ID)
	}
	if validations := found[0].Validations; validations != nil {
		checks = nodesOf(validations.Edges, newCheck)
	}
	slices.SortFunc(checks, func(a, b Check) int { return strings.Compare(a.Label, b.Label) })
	return checks, deref(value(found[0].State)), nil
}

func sameValidators(node *graphql.Validators) *graphql.Validators { return node }

func newCheck(node *graphql.Validator) Check {
	return Check{
		ID: deref(node.Id), Label: deref(value(node.Label)), State: deref(value(node.State)), Conclusion: deref(value(node.Conclusion)),
		Kind:      strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(deref(node.Typename), "Core"), "Validator")),
		startedAt: deref(value(node.Started_at)),
	}
}

// CheckRun is one run of the checks of a proposed change.
type CheckRun struct {
	client *Client
	change ProposedChange
	// since is when the newest task of an earlier run was created, by the server's clock.
	since time.Time
	// before are the times at which the checks of earlier runs had started, by their ids.
	before map[string]string
}

// FirstChecks returns the last run of the checks: that which Infrahub starts for a new proposed change, or one that was started since.
func (c *Client) FirstChecks(change ProposedChange) *CheckRun {
	return &CheckRun{client: c, change: change}
}

// RunChecks makes Infrahub run all checks of a proposed change again. *NotOpenError if it is not open.
func (c *Client) RunChecks(ctx context.Context, change ProposedChange) (*CheckRun, error) {
	run := &CheckRun{client: c, change: change, before: map[string]string{}}
	before, err := run.progress(ctx)
	if err != nil {
		return nil, err
	}
	run.since = newestCreation(before.tasks)
	for _, check := range before.checks {
		run.before[check.ID] = check.startedAt
	}
	if before.state != "open" {
		return nil, &NotOpenError{Change: change, State: before.state}
	}
	_, failure := graphql.RunChecks(ctx, c.graphql.withBranch(""), change.ID)
	if failure == nil {
		return run, nil
	}
	if now, err := run.progress(ctx); err == nil && now.state != "open" {
		return nil, &NotOpenError{Change: change, State: now.state}
	}
	return nil, failure
}

// isListed reports whether the server lists a task that starts the checks of the repositories. It lists none of a run that has just
// begun, nor of one that it has forgotten.
func (r *CheckRun) isListed(ctx context.Context) (bool, error) {
	progress, err := r.progress(ctx)
	return slices.ContainsFunc(progress.tasks, func(t task) bool { return t.Workflow == repositoryChecks }), err
}

// checkProgress is what the server shows of a run.
type checkProgress struct {
	tasks  []task
	checks []Check
	state  string // of the proposed change
}

func (r *CheckRun) progress(ctx context.Context) (checkProgress, error) {
	resp, err := graphql.ChecksProgress(ctx, r.client.graphql.withBranch(""), r.change.ID, []string{r.change.ID}, checkWorkflows(), tasksPerPage, validatorsAtOnce)
	if err != nil {
		return checkProgress{}, err
	}
	var progress checkProgress
	for _, edge := range resp.InfrahubTask.Edges {
		if edge.Node != nil {
			progress.tasks = append(progress.tasks, newTask(*edge.Node))
		}
	}
	progress.checks, progress.state, err = r.client.checksOf(r.change, nodesOf(resp.CoreProposedChange.Edges, sameValidators))
	return progress, err
}

// Wait waits until all checks of the run have ended, and returns them. Errors: *ChecksFailedError, *ChecksUnfinishedError,
// *NotOpenError, or ErrNotFound if the proposed change is gone. With an error it returns the checks that were read last.
func (r *CheckRun) Wait(ctx context.Context) ([]Check, error) {
	checks, err := r.wait(withLowPriority(ctx))
	if err != nil {
		return checks, err
	}
	if err := r.client.addMessages(ctx, r.change, checks); err != nil {
		return checks, err
	}
	failed := slices.DeleteFunc(slices.Clone(checks), func(check Check) bool { return !check.Failed() })
	if len(failed) > 0 {
		return checks, &ChecksFailedError{Change: r.change, Failed: failed}
	}
	return checks, nil
}

func (r *CheckRun) wait(ctx context.Context) ([]Check, error) {
	polling := r.client.tasks.polling
	var checks []Check
	pending, line := []string{"no check was seen yet"}, progressLine{}
	for interval := polling.MinInterval; ; interval = min(interval*3/2, polling.MaxInterval) {
		progress, err := r.progress(ctx)
		var now []string
		if err == nil && progress.state == "open" {
			now, err = r.pending(ctx, progress)
		}
		switch {
		case ctx.Err() != nil:
			return checks, r.unfinished(pending, ctx.Err())
		case err != nil && !mayEnd(err):
			return checks, err
		case err != nil:
		case progress.state != "open":
			return progress.checks, &NotOpenError{Change: r.change, State: progress.state}
		case len(now) == 0:
			return progress.checks, nil
		default:
			checks, pending = progress.checks, now
			line.report(ctx, "Waiting for the checks of "+r.change.Name+": "+strings.Join(pending, "; "))
		}
		if sleep(ctx, interval) != nil {
			return checks, r.unfinished(pending, ctx.Err())
		}
	}
}

func (r *CheckRun) unfinished(pending []string, cause error) error {
	return &ChecksUnfinishedError{Change: r.change, Pending: pending, cause: cause}
}

// pending describes what has not ended yet. No field of the server says whether all checks are there, and between two tasks none
// runs, so it counts what has to be there (infrahub-behaviour.md, Proposals 3 and 4).
func (r *CheckRun) pending(ctx context.Context, progress checkProgress) ([]string, error) {
	var pending []string
	var last task
	for _, t := range progress.tasks {
		if !t.Created.After(r.since) {
			continue
		}
		if t.Workflow == repositoryChecks {
			last = latest(last, t)
		}
		if !t.ended() {
			pending = append(pending, t.describe())
		}
	}
	for _, check := range progress.checks {
		switch {
		case !check.ended():
			pending = append(pending, check.Label+": "+check.State)
		case check.Kind == "repository" && check.Failed() && r.isNew(check):
			return nil, nil // no other check runs beside a conflict of Git branches (infrahub-behaviour.md, Proposals 6)
		}
	}
	switch {
	case !last.exists():
		return append(pending, repositoryChecks+": not started"), nil
	case last.ended() && !last.completed():
		return nil, fmt.Errorf("the checks of the repositories were not started: %s", last.describe())
	case len(pending) > 0:
		return pending, nil
	}
	expected, err := r.client.expectedChecks(ctx, r.change.SourceBranch)
	if err != nil {
		return nil, err
	}
	for _, label := range expected {
		if !slices.ContainsFunc(progress.checks, func(check Check) bool { return check.Label == label && r.isNew(check) }) {
			pending = append(pending, label+": not started")
		}
	}
	return pending, nil
}

// isNew reports whether a check has run in this run. It keeps its old conclusion until its turn comes. That of the data counts in any
// case, because it runs again only if something has changed (infrahub-behaviour.md, Proposals 10 and 11).
func (r *CheckRun) isNew(check Check) bool {
	return check.Kind == "data" || check.startedAt != r.before[check.ID]
}

// expectedChecks returns the labels of the checks that a proposed change of a branch gets in any case (infrahub-behaviour.md,
// Proposals 2, 5 and 6). Of what the branch changes it knows the refs alone: other data may be checked as well.
func (c *Client) expectedChecks(ctx context.Context, source string) ([]string, error) {
	onBranch := c.WithBranch(source)
	expected := []string{"Data Integrity"}
	resp, err := graphql.WhatIsChecked(ctx, onBranch.graphql, source, validatorsAtOnce)
	if err != nil {
		return nil, err
	}
	if len(resp.Branch) == 0 {
		return nil, fmt.Errorf("branch %s: %w", source, ErrBranchNotFound)
	}
	branch := resp.Branch[0]
	began, err := branchStart(source, branch.Branched_from)
	if err != nil {
		return nil, err
	}
	for _, edge := range resp.CoreCheckDefinition.Edges {
		if edge.Node != nil && edge.Node.Repository.Node != nil { // left of a deleted repository (infrahub-behaviour.md, Proposals 7)
			expected = append(expected, "Check: "+deref(value(edge.Node.Name)))
		}
	}
	for _, edge := range resp.CoreReadOnlyRepository.Edges {
		if edge.Node != nil && edge.Node.Ref.ChangedAfter(began) {
			expected = append(expected, "Schema Integrity")
			break
		}
	}
	if !deref(branch.Sync_with_git) {
		return expected, nil
	}
	for repository, err := range onBranch.Repositories(ReadWrite).List(ctx, Filter{}) {
		if err != nil {
			return nil, err
		}
		if !repository.Inactive() {
			expected = append(expected, "Repository Validator: "+repository.Name)
		}
	}
	return expected, nil
}

// addMessages reads why those of the checks have failed that have.
func (c *Client) addMessages(ctx context.Context, change ProposedChange, checks []Check) error {
	for n, check := range checks {
		if !check.Failed() {
			continue
		}
		messages, err := c.checkMessages(ctx, change, check)
		if err != nil {
			return err
		}
		checks[n].Messages = messages
	}
	return nil
}

func (c *Client) checkMessages(ctx context.Context, change ProposedChange, check Check) ([]string, error) {
	resp, err := graphql.CheckResults(ctx, c.graphql.withBranch(""), change.ID, check.ID, resultsPerValidator)
	if err != nil {
		return nil, err
	}
	var results [][]string
	for _, found := range resp.CoreProposedChange.Edges {
		if found.Node == nil {
			continue
		}
		for _, validator := range found.Node.Validations.Edges {
			if validator.Node == nil {
				continue
			}
			for _, result := range validator.Node.Checks.Edges {
				if result.Node != nil && deref(value((*result.Node).GetConclusion())) != "success" {
					results = append(results, resultMessages(*result.Node))
				}
			}
		}
	}
	slices.SortFunc(results, slices.Compare) // the server's order changes
	return slices.Concat(results...), nil
}
