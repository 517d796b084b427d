package infrahub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// TakenBackError is a merge that was not begun, because it would have taken back what the default branch has got since the branch
// was created (infrahub-behaviour.md, Branches 7).
type TakenBackError struct {
	Branch       string
	Repositories []TakenBack
}

func (e *TakenBackError) Error() string {
	var names []string
	for _, repository := range e.Repositories {
		names = append(names, repository.Name)
	}
	return fmt.Sprintf("the merge of branch %s would take back what the default branch has got since: %s", e.Branch, strings.Join(names, ", "))
}

// TakenBack is a read-only repository that a merge would set back.
type TakenBack struct {
	ID, Name string
	// Ref and Commit are those of the default branch. Commit is "" if it has none.
	Ref, Commit string
	// BranchRef and BranchCommit are those that it would have after the merge.
	BranchRef, BranchCommit string
	// Younger is whether it was created after the branch.
	Younger bool
}

// CheckMerge returns a *TakenBackError if a merge of the branch would give a read-only repository of the default branch a ref or
// commit that is older than its own. No check of Infrahub shows that (infrahub-behaviour.md, Proposals 8).
func (c *Client) CheckMerge(ctx context.Context, branch string) error {
	onBranch, began, err := c.WithBranch(branch).pinnedRefs(ctx, branch)
	if err != nil {
		return err
	}
	onDefault, _, err := c.OnDefaultBranch().pinnedRefs(ctx, branch)
	if err != nil {
		return err
	}
	branchRefs := map[string]*graphql.PinnedRef{}
	for _, repository := range onBranch {
		branchRefs[repository.Id] = repository
	}
	var lost []TakenBack
	for _, main := range onDefault {
		there := branchRefs[main.Id]
		if there == nil || deref(value(main.Internal_status)) == inactive {
			continue // deleted in between, or itself created on another branch
		}
		taken := TakenBack{
			ID: main.Id, Name: deref(value(main.Name)), Ref: main.Ref.Text(), Commit: main.Commit.Text(),
			BranchRef: there.Ref.Text(), BranchCommit: there.Commit.Text(), Younger: deref(value(there.Internal_status)) == inactive,
		}
		differs := taken.Ref != taken.BranchRef || taken.Commit != taken.BranchCommit
		if differs && (taken.Younger || main.Ref.ChangedAfter(began) || main.Commit.ChangedAfter(began)) {
			lost = append(lost, taken)
		}
	}
	if lost != nil {
		return &TakenBackError{Branch: branch, Repositories: lost}
	}
	return nil
}

// pinnedRefs returns what the read-only repositories are pinned to on the client's branch, and when another branch was created.
func (c *Client) pinnedRefs(ctx context.Context, branch string) (refs []*graphql.PinnedRef, began time.Time, err error) {
	for offset := 0; ; offset += pageSize {
		resp, err := graphql.PinnedRefs(ctx, c.graphql, branch, pageSize, offset)
		if err != nil {
			return nil, began, err
		}
		if len(resp.Branch) == 0 {
			return nil, began, fmt.Errorf("branch %s: %w", branch, ErrBranchNotFound)
		}
		if began, err = branchStart(branch, resp.Branch[0].Branched_from); err != nil {
			return nil, began, err
		}
		page := nodesOf(resp.CoreReadOnlyRepository.Edges, func(node *graphql.PinnedRef) *graphql.PinnedRef { return node })
		if refs = append(refs, page...); len(page) < pageSize {
			return refs, began, nil
		}
	}
}

// branchStart returns when a branch was created, from its branched_from.
func branchStart(branch string, branchedFrom *string) (time.Time, error) {
	began, err := time.Parse(time.RFC3339Nano, deref(branchedFrom))
	if err != nil {
		return began, fmt.Errorf("when branch %s was created cannot be read: %w", branch, err)
	}
	return began, nil
}

// UnfinishedMergeError is a merge that had not ended when the time ran out or the caller gave up.
type UnfinishedMergeError struct {
	Change ProposedChange
	// NotAsked is whether the server was not asked to merge yet, because it was merging another branch or was overloaded.
	NotAsked bool
	cause    error
}

func (e *UnfinishedMergeError) Error() string {
	if e.NotAsked {
		return fmt.Sprintf("the merge of the proposed change %s was not begun: %v", e.Change.Name, e.cause)
	}
	return fmt.Sprintf("the merge of the proposed change %s has not ended: %v", e.Change.Name, e.cause)
}

// Unwrap returns context.DeadlineExceeded or context.Canceled.
func (e *UnfinishedMergeError) Unwrap() error { return e.cause }

// mergeStartTimeout bounds how long a merge whose reply was lost may take to show that it has begun.
const mergeStartTimeout = 15 * time.Second

// MergeProposedChange merges a proposed change, if that takes nothing back, and waits until it is merged. It sets the state, because the
// mutation made for merges ignores drafts and permissions (infrahub-behaviour.md, Proposals 15). Errors: *TakenBackError;
// *NotOpenError if somebody else closed it; *UnfinishedMergeError; or an *Error with Infrahub's words if it refuses.
func (c *Client) MergeProposedChange(ctx context.Context, change ProposedChange) error {
	var failure error
	if change.Open() {
		if failure = c.startMerge(ctx, change); isTakenBack(failure) {
			return failure
		}
		if failure != nil && !OutcomeUnknown(failure) {
			if found, err := c.ProposedChanges().Get(context.WithoutCancel(ctx), change.ID); err != nil || found.State == "open" {
				return failure
			}
		}
	}
	return c.waitForMerge(ctx, change, failure)
}

// startMerge sends the mutation that merges. While another branch is being merged, or the server is overloaded, it waits, and then looks
// again at what the merge would take back.
func (c *Client) startMerge(ctx context.Context, change ProposedChange) error {
	asked := false
	for {
		other, err := c.otherMerge(ctx, change.SourceBranch)
		if err != nil {
			return err
		}
		if other == "" {
			if err := c.CheckMerge(ctx, change.SourceBranch); err != nil {
				return err
			}
			_, err := graphql.MergeProposedChange(withMerge(ctx), c.graphql.withBranch(""), change.ID)
			if refused, ok := errors.AsType[*Error](err); !ok || refused.Code != mergeInProgressCode && refused.Status != http.StatusTooManyRequests {
				return err
			}
			asked = asked || OutcomeUnknown(err)
		}
		reportProgress(ctx, "Waiting until Infrahub takes the merge of "+change.Name)
		if sleep(ctx, mergeRetry) != nil {
			return &UnfinishedMergeError{Change: change, NotAsked: !asked, cause: ctx.Err()}
		}
	}
}

// otherMerge returns the name of another branch that is being merged, "" if there is none.
func (c *Client) otherMerge(ctx context.Context, own string) (string, error) {
	for branch, err := range c.Branches().List(ctx, Filter{}) {
		if err != nil {
			return "", err
		}
		if branch.Name != own && branch.Status == string(graphql.BranchStatusMerging) {
			return branch.Name, nil
		}
	}
	return "", nil
}

// waitForMerge waits until a proposed change is merged. The merge was started, or failed to start with a failure.
func (c *Client) waitForMerge(ctx context.Context, change ProposedChange, failure error) error {
	polling, start := c.tasks.polling, time.Now()
	for interval := polling.MinInterval; ; interval = min(interval*3/2, polling.MaxInterval) {
		found, err := c.ProposedChanges().Get(ctx, change.ID)
		switch {
		case ctx.Err() != nil:
			return &UnfinishedMergeError{Change: change, cause: ctx.Err()}
		case err != nil && !mayEnd(err):
			return err
		case err != nil, found.State == "merging":
			reportProgress(ctx, "Infrahub merges "+change.Name)
		case found.State == "merged":
			return nil
		case !found.Open():
			return &NotOpenError{Change: change, State: found.State}
		case failure == nil:
			return c.mergeFailure(ctx, change)
		case time.Since(start) > mergeStartTimeout:
			return failure
		}
		if sleep(ctx, interval) != nil {
			return &UnfinishedMergeError{Change: change, cause: ctx.Err()}
		}
	}
}

// mergeFailure returns why a merge has left a proposed change open: its task has the words (infrahub-behaviour.md, Proposals 14).
func (c *Client) mergeFailure(ctx context.Context, change ProposedChange) error {
	failure := &Error{Operation: "MergeProposedChange", Message: "the merge has ended, and the proposed change is open again"}
	resp, err := graphql.Tasks(ctx, c.graphql, []string{change.ID}, []string{"proposed-change-merge"}, 1, 0)
	if err != nil || len(resp.InfrahubTask.Edges) == 0 || resp.InfrahubTask.Edges[0].Node == nil {
		return failure
	}
	last := newTask(*resp.InfrahubTask.Edges[0].Node)
	raised, err := c.readException(ctx, last.ID)
	failure.Message = "the merge has failed: " + last.reason(raised, err)
	return failure
}
