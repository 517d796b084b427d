package infrahub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The statuses of a repository that works.
const (
	inSync = "in-sync"
	online = "online"
)

// isHealthy reports whether the statuses of a repository show neither an error nor work in progress.
func isHealthy(repository *Repository) bool {
	return repository.SyncStatus == inSync && repository.OperationalStatus == online
}

// isBroken reports whether a status of a repository shows an error.
func isBroken(repository *Repository) bool {
	return repository.SyncStatus == "error-import" || strings.HasPrefix(repository.OperationalStatus, "error")
}

// describeStatus returns both statuses of a repository, such as "in-sync and error-cred".
func describeStatus(repository *Repository) string {
	return repository.SyncStatus + " and " + repository.OperationalStatus
}

// newStatusError returns the error of an import that failed as the statuses of the repository show.
func (i *Import) newStatusError(reason string, repository *Repository) *ImportError {
	failure := i.newImportError(reason)
	switch repository.OperationalStatus {
	case "error-cred":
		failure.Cause = CredentialRefused
	case "error-connection":
		failure.Cause = RemoteUnreachable
	}
	return failure
}

// waitByStatus waits for the end of an import whose tasks are hidden, by what the repository itself shows. Its
// statuses and its commit are late, and do not show every failure (infrahub-behaviour.md, Importing 1).
func (i *Import) waitByStatus(ctx context.Context) (*Imported, error) {
	const warning = "The server does not show its tasks to this account, so the import was judged by the repository's " +
		"statuses alone, which do not show every failure. Allow the account to read tasks."
	if i.next != nil { // statuses cannot tell the two imports of the same commit apart, so only the last is waited for
		next, err := i.next(ctx)
		if err != nil {
			return nil, err
		}
		return next.waitByStatus(ctx)
	}
	watch := newStatusWatch(i.previousCommit, i.client.tasks.polling.MaxInterval)
	repository, err := i.pollRepository(ctx, watch.ended)
	switch {
	case watch.failure != "":
		return nil, i.newStatusError(watch.failure, repository)
	case err != nil && ctx.Err() != nil:
		return nil, i.newUnfinishedError(ctx.Err(), "its tasks are not visible")
	case err != nil:
		return nil, err
	}
	return i.imported(repository, warning), nil
}

// judgeByStatus decides by the repository itself how an import ended that could not be observed. It worked if the repository has
// a new commit and settles; the create of a repository failed if it settles at an error. Otherwise nothing is known, and
// judgeByStatus returns the error.
func (i *Import) judgeByStatus(ctx context.Context, unobserved *UnobservedError) (*Imported, error) {
	limit := judgeTimeout
	if errors.Is(ctx.Err(), context.Canceled) {
		limit = interruptedTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	watch := newStatusWatch(i.previousCommit, i.client.tasks.polling.MaxInterval)
	repository, err := i.pollRepository(ctx, watch.ended)
	if repository != nil {
		unobserved.Status = describeStatus(repository)
	}
	switch {
	case err != nil:
		return nil, unobserved
	case watch.failure != "" && i.isCreate():
		return nil, i.newStatusError(watch.failure, repository)
	case watch.failure != "", i.previousCommit == nil && !i.isCreate():
		return nil, unobserved
	}
	return i.imported(repository, fmt.Sprintf("Its tasks could not be listed (%s), so the import was judged by the repository's statuses alone, "+
		"which do not show every failure. Infrahub shows its tasks under Tasks.", messageOf(unobserved.cause))), nil
}

// showsSuccess reports whether a repository shows statuses and a commit that it did not have before the import worked.
func (i *Import) showsSuccess(repository *Repository) bool {
	changed := i.previousCommit != nil && !equal(repository.Commit, i.previousCommit)
	return isHealthy(repository) && repository.Commit != nil && (changed || i.isCreate())
}

// isCreate reports whether the import is the first one of a new repository.
func (i *Import) isCreate() bool {
	return len(i.expected) == 1 && (i.expected[0].workflow == addReadOnly || i.expected[0].workflow == addReadWrite)
}

const (
	// judgeTimeout bounds how long the status of a repository may take to settle.
	judgeTimeout = time.Minute
	// interruptedTimeout replaces it after an interrupt: enough for a read, too short to settle.
	interruptedTimeout = 2 * time.Second
)

// statusWatch decides by repeated reads of a repository whether its import has ended. The repository has to stay
// the same for a while: after a ref changed it is in sync with the old commit, and a broken configuration shows
// seconds after the new commit is in sync (infrahub-behaviour.md, Importing 10 and 12). A missing ref never shows
// (infrahub-behaviour.md, Importing 11), so a commit that does not change counts as a failure.
type statusWatch struct {
	// previousCommit is the commit before the import. Nil: any commit will do.
	previousCommit *string
	// settleTime is how long the repository has to stay the same.
	settleTime time.Duration
	// commitTimeout is how long the commit may stay the previous one.
	commitTimeout time.Duration

	start, changed time.Time
	last           string
	// failure is why the import failed, "" if it did not.
	failure string
}

func newStatusWatch(previousCommit *string, maxInterval time.Duration) *statusWatch {
	now := time.Now()
	return &statusWatch{
		previousCommit: previousCommit, settleTime: 5 * maxInterval, commitTimeout: 30 * maxInterval,
		start: now, changed: now,
	}
}

// ended takes the next read of the repository. It reports whether the import has ended, and sets failure if it
// failed.
func (w *statusWatch) ended(repository *Repository) bool {
	if now := deref(repository.Commit) + " " + describeStatus(repository); now != w.last {
		w.last, w.changed = now, time.Now()
	}
	if time.Since(w.changed) < w.settleTime {
		return false
	}
	imported := repository.Commit != nil && (w.previousCommit == nil || !equal(repository.Commit, w.previousCommit))
	switch {
	case isBroken(repository):
		w.failure = "the repository is " + describeStatus(repository)
	case !imported && w.previousCommit != nil && time.Since(w.start) > w.commitTimeout:
		w.failure = "the commit did not change: the ref is missing, or it is the commit that was imported before"
	default:
		return imported && isHealthy(repository)
	}
	return true
}
