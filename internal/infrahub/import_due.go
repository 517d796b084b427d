package infrahub

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ImportIfDue returns the import of a repository that already has the wanted ref and location; nil if it is proven that this was
// imported, and for a repository that is not in use on the branch. An import that still runs, such as that of a create whose client
// was killed, is waited for and not started again. Otherwise it starts one. Commit is what the ref is known to stand for, "" if that
// is not known. ErrNotFound if the repository does not exist any more: the server undoes a create whose connection check fails.
func (c *Client) ImportIfDue(ctx context.Context, kind Kind, id, commit string) (*Import, error) {
	repository, tasks, err := c.waitForFirstTask(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	if kind != ReadOnly {
		return c.syncIfDue(ctx, *repository, tasks)
	}
	last, err := c.LastImport(ctx, *repository)
	if err != nil {
		return nil, err
	}
	_, unfinished := errors.AsType[*UnfinishedError](last.Failure)
	sameCommit := commit == "" || commit == deref(repository.Commit)
	switch {
	case last.Proven && sameCommit, last.Failure == nil && sameCommit && commit != "":
		return nil, nil
	case unfinished && len(c.runningTasks(tasks, id)) > 0:
		return c.runningImport(*repository, tasks, Import.judgeLastImport), nil
	case last.Moved:
		return c.Relocate(ctx, *repository, *repository)
	default:
		return c.Reimport(ctx, *repository)
	}
}

// createPolls and queuePolls bound, in units of the longest polling interval (one minute and 10 s by default), how long a repository may
// have neither a commit nor a task. While the server checks the connection of a new one, that is not in use yet either
// (infrahub-behaviour.md, Writing 9 and Importing 5).
const (
	createPolls = 30
	queuePolls  = 5
)

// waitForFirstTask reads a repository and the import tasks. If it has never been imported, it waits for its first task.
func (c *Client) waitForFirstTask(ctx context.Context, kind Kind, id string) (*Repository, []task, error) {
	polling := c.tasks.polling
	for start, interval := time.Now(), polling.MinInterval; ; interval = min(2*interval, polling.MaxInterval) {
		// In this order: the repository is in use before its first task exists.
		tasks, err := c.importTasks(ctx, id)
		if err != nil && !errors.Is(err, ErrUnauthorized) {
			return nil, nil, err
		}
		repository, err := c.Repositories(kind).Get(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		limit := queuePolls * polling.MaxInterval
		if repository.InternalStatus == inactive {
			limit = createPolls * polling.MaxInterval
		}
		if repository.Commit != nil || newestOf(tasks, id).exists() || time.Since(start) > limit {
			return repository, tasks, nil
		}
		if err := sleep(ctx, interval); err != nil {
			return nil, nil, err
		}
	}
}

// newestOf returns the task of a repository, on any branch, that was created last; the zero task if there is none.
func newestOf(tasks []task, id string) task {
	var newest task
	for _, t := range tasks {
		if t.Model.RepositoryID == id && (!newest.exists() || t.Created.After(newest.Created)) {
			newest = t
		}
	}
	return newest
}

// runningImport returns the import of which tasks still run; listed are those that were listed last. Judge returns how it ended once none does.
func (c *Client) runningImport(repository Repository, listed []task, judge func(i Import, ctx context.Context, tasks []task) (warning string, err error)) *Import {
	i := &Import{client: c, repository: repository}
	i.waitOtherwise = func(ctx context.Context) (*Imported, error) {
		since := time.Now()
		tasks, err := c.waitUntilIdle(ctx, repository.ID, listed)
		switch {
		case ctx.Err() != nil:
			return nil, i.newUnfinishedError(ctx.Err(), "the import that was running already")
		case err != nil:
			return nil, i.newUnobservedError(outage{since, err})
		case len(c.runningTasks(tasks, repository.ID)) > 0:
			return nil, i.newUnfinishedError(errStillRunning, newestOf(tasks, repository.ID).describe())
		}
		warning, err := judge(*i, ctx, tasks)
		if err != nil {
			return nil, err
		}
		imported, err := i.waitForStatus(ctx)
		if err != nil {
			return nil, err
		}
		return i.imported(imported, warning), nil
	}
	return i
}

// judgeLastImport returns the failure of the last import of a read-only repository.
func (i Import) judgeLastImport(ctx context.Context, _ []task) (warning string, err error) {
	repository, err := i.readRepository(ctx)
	if err != nil {
		return "", err
	}
	last, err := i.client.LastImport(ctx, *repository)
	if err != nil {
		return "", err
	}
	return "", last.Failure
}

// syncIfDue is ImportIfDue for a read-write repository, which follows its remote by itself. Only what the statuses show decides:
// the periodic sync, which mends what failed, is not among the tasks.
func (c *Client) syncIfDue(ctx context.Context, repository Repository, tasks []task) (*Import, error) {
	newest := newestOf(tasks, repository.ID)
	switch {
	case repository.Healthy(), repository.InternalStatus == inactive:
		return nil, nil
	case len(c.runningTasks(tasks, repository.ID)) > 0:
		return c.runningImport(repository, tasks, Import.judgeNewestTask), nil
	case repository.Commit == nil:
		return c.firstSync(ctx, repository, newest)
	case isBroken(&repository):
		return c.ReimportCommit(ctx, repository)
	default: // the statuses lag behind
		i := &Import{client: c, repository: repository}
		i.waitOtherwise = func(ctx context.Context) (*Imported, error) {
			settled, err := i.waitForStatus(ctx)
			if err != nil {
				return nil, err
			}
			return i.imported(settled, ""), nil
		}
		return i, nil
	}
}

// judgeNewestTask returns the failure of the task of a repository that was created last.
func (i Import) judgeNewestTask(ctx context.Context, tasks []task) (warning string, err error) {
	newest := newestOf(tasks, i.repository.ID)
	if !newest.ended() || newest.completed() {
		return "", nil
	}
	return i.toleratePartial(ctx, i.taskError(ctx, newest))
}

// firstSync returns the import of a read-write repository that was created and never imported. Nothing but the periodic sync can
// import it, which clones a repository that the server does not have yet; imports on demand need a commit. If that does not help, the
// reason is that of the task that added the repository.
func (c *Client) firstSync(ctx context.Context, repository Repository, added task) (*Import, error) {
	started, err := c.importOfSync(ctx, repository, nil)
	if err != nil {
		return nil, err
	}
	waitForSync := started.waitOtherwise
	started.waitOtherwise = func(ctx context.Context) (*Imported, error) {
		limited, cancel := context.WithTimeout(ctx, syncTimeout)
		defer cancel()
		imported, err := waitForSync(limited)
		if err == nil || ctx.Err() != nil || limited.Err() == nil {
			return imported, err
		}
		failure := started.newImportError(fmt.Sprintf("it has no commit, and the periodic sync did not import it within %s", syncTimeout))
		if added.ended() && !added.completed() {
			failure = started.taskError(ctx, added)
		}
		return nil, failure
	}
	return started, nil
}
