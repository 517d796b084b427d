package infrahub

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// LastImport is what the server's tasks show of the last import of the ref and location that a read-only repository has on the
// client's branch. If it is neither proven nor a failure, nothing is known of it.
type LastImport struct {
	// Proven is whether a task proves that it worked.
	Proven bool
	// Moved is whether the repository has not been imported from its location at all.
	Moved bool
	// Stored is whether the ref or the location was stored without an import, as an upsert does (infrahub-behaviour.md,
	// Writing 11). It is a failure as well.
	Stored bool
	// TasksHidden is whether the server shows no tasks to this account.
	TasksHidden bool
	// Failure is an *ImportError or an *UnfinishedError, nil if the import worked or nothing is known of it.
	Failure error
}

// LastImport returns the outcome of the last import of the ref and location that a repository has. It is proven for what has no
// import of its own to prove: a read-write repository follows its remote, and an inactive one is not imported on this branch.
func (c *Client) LastImport(ctx context.Context, repository Repository) (LastImport, error) {
	if repository.Kind != ReadOnly || repository.Inactive() {
		return LastImport{Proven: true}, nil
	}
	i := &Import{client: c, repository: repository}
	tasks, err := c.importTasks(ctx, repository.ID)
	hidden := errors.Is(err, ErrUnauthorized)
	if err != nil && !hidden {
		return LastImport{}, err
	}
	history := newImportHistory(tasks, repository, c.branch)
	moved := history.lastPull.exists() && deref(history.lastPull.Model.Location) != repository.Location
	merged, err := c.mayBeMerged(ctx, repository, history)
	if err != nil {
		return LastImport{}, err
	}
	switch change := history.change; {
	case history.isProven():
		return LastImport{Proven: true}, nil
	case merged && !moved:
		return LastImport{}, nil
	case moved, history.isOvertaken():
		failure := i.newImportError("no task of Infrahub has imported it; another client may have stored it without an import")
		return LastImport{Moved: moved, Stored: true, Failure: failure}, nil
	case !change.exists() && repository.Commit == nil:
		return LastImport{TasksHidden: hidden, Failure: i.newImportError("it has no commit, so it was never imported")}, nil
	case !change.exists():
		return LastImport{TasksHidden: hidden}, nil
	case !change.ended():
		return LastImport{Failure: i.newUnfinishedError(errStillRunning, change.describe())}, nil
	case !change.completed():
		return LastImport{Failure: i.taskError(ctx, change)}, nil
	case history.isFetchUnfinished():
		return LastImport{Failure: i.newUnfinishedError(errStillRunning, history.fetch.describe())}, nil
	case history.fetchFailed():
		return LastImport{Failure: i.taskError(ctx, history.fetch)}, nil
	default:
		return LastImport{Proven: true}, nil
	}
}

// mayBeMerged reports whether a merge may have brought what no task has imported: the tasks of the branch are gone once it is deleted
// (infrahub-behaviour.md, Branches 17). A ref that was stored alone has left the commit of the earlier one.
func (c *Client) mayBeMerged(ctx context.Context, repository Repository, history importHistory) (bool, error) {
	last := latest(history.otherSource, latest(history.change, history.fetch))
	if !last.exists() || repository.Commit == nil || history.otherCommit || history.isProven() {
		return false, nil
	}
	resp, err := graphql.Tasks(ctx, c.graphql, nil, []string{"branch-merged"}, 1, 0)
	if err != nil || len(resp.InfrahubTask.Edges) == 0 || resp.InfrahubTask.Edges[0].Node == nil {
		return false, err
	}
	merge := newTask(*resp.InfrahubTask.Edges[0].Node)
	return merge.Created.After(last.Created), nil
}

// errStillRunning is the cause of an UnfinishedError of an import that nobody waited for.
var errStillRunning = errors.New("it still runs")

// importTasks returns the newest import tasks of all repositories. If that fills a page it adds those of this repository, which
// may be older, but exclude tasks that have not started (infrahub-behaviour.md, Importing 2).
func (c *Client) importTasks(ctx context.Context, repositoryID string) ([]task, error) {
	tasks, err := c.tasks.newest(ctx)
	if err != nil || len(tasks) < tasksPerPage {
		return tasks, err
	}
	own, err := c.tasks.pageOf(ctx, repositoryID)
	return slices.Concat(tasks, own), err
}

// importHistory holds the tasks that show how the ref and location of a read-only repository were imported: the
// newest of each sort, or none.
type importHistory struct {
	// change is the pull that a change to the ref and location started on this branch, or the task that added the repository.
	change task
	// fetch is the import of the last commit of the ref on this branch. With the pull it makes up the import of a
	// changed ref, and it can fail alone (infrahub-behaviour.md, Importing 6).
	fetch task
	// echo is a pull of the ref from the location on this branch that a recorded commit started (infrahub-behaviour.md,
	// Importing 7).
	echo task
	// otherSource is a task on this branch that imports another ref, or from another location.
	otherSource task
	// otherCommit is whether a pull of another ref, or from another location, had the repository's commit.
	otherCommit bool
	// lastPull is a pull of any ref, from any location, on any branch: all branches share one clone of the location.
	lastPull task
	// proof is a completed pull of the ref from the location that ended at the repository's commit, on any branch. A merge takes
	// over ref, commit and objects of another branch without an import (infrahub-behaviour.md, Branches 2).
	proof task
	// objectsImport is a completed import of the objects of the repository's commit on this branch.
	objectsImport task
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
		fetches    = t.Workflow == importLastCommit
		sameRef    = deref(t.Model.Ref) == repository.Ref
		sameSource = sameRef && deref(t.Model.Location) == repository.Location
		sameCommit = t.completed() && t.Model.Commit != nil && equal(t.Model.Commit, repository.Commit)
	)
	if pulls {
		h.lastPull = latest(h.lastPull, t)
	}
	if pulls && sameSource && onBranch && t.Model.Commit != nil {
		h.echo = latest(h.echo, t)
	}
	h.otherCommit = h.otherCommit || pulls && !sameSource && t.Model.Commit != nil && equal(t.Model.Commit, repository.Commit)
	switch {
	case pulls && sameSource && sameCommit:
		h.proof = latest(h.proof, t)
	case !onBranch:
	case t.Workflow == importObjects && sameCommit:
		h.objectsImport = latest(h.objectsImport, t)
	case pulls && !sameSource, fetches && !sameRef:
		h.otherSource = latest(h.otherSource, t)
	case fetches:
		h.fetch = latest(h.fetch, t)
	case pulls && t.Model.Commit == nil:
		h.change = latest(h.change, t)
	}
}

// isProven reports whether a task proves that the commit was imported for the ref, and nothing changed the ref or failed since. An import
// of objects does not know the ref: it proves something only if the last fetch on this branch was one of the ref, and completed.
func (h importHistory) isProven() bool {
	proof := h.proof
	if h.fetch.completed() && !h.isOvertaken() && h.objectsImport.Created.After(h.fetch.Created) {
		proof = latest(proof, h.objectsImport)
	}
	changedSince := h.change.Created.After(proof.Created) || h.fetchFailed() && h.fetch.Created.After(proof.Created)
	return proof.exists() && !changedSince
}

// fetchFailed reports whether half of the import of a changed ref failed: its pull completed, its fetch did not.
func (h importHistory) fetchFailed() bool {
	return h.change.completed() && h.isFetchOfChange() && h.fetch.ended() && !h.fetch.completed()
}

// isFetchUnfinished reports whether half of the import of a changed ref has not ended. An echo shows that its commit was recorded;
// the fetch that runs then may be that of the echo.
func (h importHistory) isFetchUnfinished() bool {
	return h.change.Workflow == pullReadOnly && h.isFetchOfChange() && !h.fetch.ended() && !h.echo.Created.After(h.change.Created)
}

// isFetchOfChange reports whether the fetch is not one of an earlier change: both tasks of a change are created at once, in either
// order.
func (h importHistory) isFetchOfChange() bool {
	return h.fetch.exists() && h.fetch.Created.After(h.change.Created.Add(-pairInterval))
}

// pairInterval bounds how long apart the server creates the two tasks of a changed ref.
const pairInterval = 5 * time.Second

// isOvertaken reports whether the branch has imported another ref since.
func (h importHistory) isOvertaken() bool {
	return h.otherSource.Created.After(latest(h.change, h.fetch).Created)
}

// latest returns the task that was created later.
func latest(a, b task) task {
	if b.Created.After(a.Created) {
		return b
	}
	return a
}
