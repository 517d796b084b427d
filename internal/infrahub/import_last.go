package infrahub

import (
	"context"
	"errors"
)

// LastImport reports the outcome of the last import of the ref and location that a read-only repository has now.
// The error is nil if it worked or nothing is known of it, or else an *ImportError or an *UnfinishedError. Moved is
// whether the repository has not been imported from its location at all.
func (c *Client) LastImport(ctx context.Context, repository Repository) (moved bool, err error) {
	if repository.Kind != ReadOnly {
		return false, nil
	}
	last, err := c.lastImport(ctx, repository)
	if err != nil {
		return false, err
	}
	return last.moved, last.failure
}

// lastImport is the outcome of the last import of the ref and location that a repository has. If it is neither
// proven nor a failure, nothing is known of it.
type lastImport struct {
	// proven is whether a task proves that the import worked.
	proven bool
	// moved is whether nothing was imported from the location yet.
	moved bool
	// failure is why the import failed or has not ended.
	failure error
}

func (c *Client) lastImport(ctx context.Context, repository Repository) (lastImport, error) {
	tasks, err := c.tasks.page(ctx, 0)
	if errors.Is(err, ErrUnauthorized) {
		return lastImport{}, nil // the tasks are hidden from this account
	}
	if err != nil {
		return lastImport{}, err
	}
	history := newImportHistory(tasks, repository, c.branch)
	i := &Import{client: c, repository: repository}
	switch pull := history.pull; {
	case history.fetchFailed():
		return lastImport{failure: i.taskError(ctx, history.fetch)}, nil
	case history.worked():
		return lastImport{proven: true}, nil
	case !pull.exists() && !history.otherPull.exists():
		return lastImport{}, nil
	case !pull.exists():
		moved := deref(history.otherPull.Model.Location) != repository.Location
		return lastImport{moved: moved, failure: i.newError("it was never imported")}, nil
	case !pull.ended():
		return lastImport{failure: i.newUnfinishedError(context.Canceled, pull.describe())}, nil
	default:
		return lastImport{failure: i.taskError(ctx, pull)}, nil
	}
}

// importHistory holds the tasks that show how the ref and location of a read-only repository were imported: the
// newest of each sort, or none. The task that adds a repository counts as a pull.
type importHistory struct {
	// pull is the pull of the ref from the location that a change on this branch started.
	pull task
	// otherPull is the pull of another ref or from another location that a change on this branch started.
	otherPull task
	// fetch is the import of the last commit of the ref on this branch. With the pull it makes up the import of a
	// changed ref, and it can fail alone (infrahub-behaviour.md, Importing 6).
	fetch task
	// proof is a completed import of the repository's commit: an import of its objects on this branch, or a pull of
	// the ref from the location on any branch. A merge takes over ref, commit and objects of another branch without
	// an import (infrahub-behaviour.md, Branches 2).
	proof task
}

func newImportHistory(tasks []task, repository Repository, branch string) importHistory {
	var history importHistory
	for _, t := range tasks {
		if t.Model.RepositoryID == repository.ID {
			history.add(t, repository, branch)
		}
	}
	return history
}

func (h *importHistory) add(t task, repository Repository, branch string) {
	var (
		onBranch   = t.Model.Branch == branch
		pulls      = t.Workflow == pullReadOnly || t.Workflow == addReadOnly
		sameRef    = deref(t.Model.Ref) == repository.Ref
		sameSource = sameRef && deref(t.Model.Location) == repository.Location
		proves     = t.completed() && t.Model.Commit != nil && equal(t.Model.Commit, repository.Commit)
	)
	switch {
	case proves && (pulls && sameSource || t.Workflow == importObjects && onBranch):
		h.proof = latest(h.proof, t)
	case t.Workflow == importLastCommit && onBranch && sameRef:
		h.fetch = latest(h.fetch, t)
	case !pulls || !onBranch || t.Model.Commit != nil:
		// Another workflow or branch, or an echo.
	case sameSource:
		h.pull = latest(h.pull, t)
	default:
		h.otherPull = latest(h.otherPull, t)
	}
}

// fetchFailed reports whether half of the import failed: its pull completed, its fetch failed, and no later task
// proves that it worked.
func (h importHistory) fetchFailed() bool {
	return h.pull.completed() && h.fetch.ended() && !h.fetch.completed() && !h.proof.Created.After(h.fetch.Created)
}

// worked reports whether the import worked: its pull or a task that is not older proves it.
func (h importHistory) worked() bool {
	return h.pull.completed() || h.proof.exists() && !h.pull.Created.After(h.proof.Created)
}

// latest returns the task that was created later.
func latest(a, b task) task {
	if b.Created.After(a.Created) {
		return b
	}
	return a
}
