package infrahub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ImportError is an import that failed.
type ImportError struct {
	// Repository is what was to be imported; its Ref is the requested one.
	Repository Repository
	// Branch is the Infrahub branch that it was to be imported into.
	Branch string
	// Reason is why, in the server's words.
	Reason string
	// Cause classifies the reason.
	Cause Cause
	// Nearest are refs of the remote that resemble a missing one. The client leaves it empty; callers that can
	// list the remote fill it.
	Nearest []string
	// Owner is the repository that owns the object of an ObjectExists, "" if it is unknown.
	Owner string
	// RequestID is the request id of the mutation that started the import.
	RequestID string
	// Workflow, TaskID and State describe the task that failed.
	Workflow, TaskID, State string
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("import of %s %s at %s: %s", e.Repository.Kind, e.Repository.Name, e.Repository.Ref, e.Reason)
}

// UnfinishedError is an import that had not ended when the time ran out or the caller gave up.
type UnfinishedError struct {
	Repository Repository
	Branch     string
	// Tasks are the workflow and the last state of each task, such as "git-repository-pull-read-only: RUNNING,
	// task 7b4d…".
	Tasks []string
	// RequestID is the request id of the mutation that started the import.
	RequestID string
	cause     error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("import of %s %s at %s has not ended (%s): %v",
		e.Repository.Kind, e.Repository.Name, e.Repository.Ref, strings.Join(e.Tasks, ", "), e.cause)
}

// Unwrap returns context.DeadlineExceeded, context.Canceled, or another error if nobody waited.
func (e *UnfinishedError) Unwrap() error { return e.cause }

// UnobservedError is an import of which nothing is known, because what would show how it ended could not be read.
type UnobservedError struct {
	Repository Repository
	Branch     string
	// TasksListed is whether its tasks could be listed, but not the repository be read.
	TasksListed bool
	// Since is when the first request failed after which none worked.
	Since time.Time
	// Status is what the repository itself shows, such as "in-sync and online", "" if it could not be read.
	Status string
	// RequestID is the request id of the mutation that started the import.
	RequestID string
	cause     error
}

func (e *UnobservedError) Error() string {
	return fmt.Sprintf("import of %s %s at %s could not be observed: %v", e.Repository.Kind, e.Repository.Name, e.Repository.Ref, e.cause)
}

// Unwrap returns why it could not be read.
func (e *UnobservedError) Unwrap() error { return e.cause }

// Imported is a repository whose import worked, as it is once the server has finished with it.
type Imported struct {
	Repository
	// Branch is the Infrahub branch that it was imported into.
	Branch string
	// Warning is a sentence about a part that failed, or whose outcome is unknown, although the import counts as
	// successful. "" if there is none.
	Warning string
}

const (
	// crashTimeout bounds how long to wait for a task that the server calls CRASHED: a little longer than the server retries
	// one operation (infrahub-behaviour.md, Importing 28).
	crashTimeout = 6 * time.Minute
	// existenceCheckInterval is how often a waiting client checks that the repository still exists.
	existenceCheckInterval = 30 * time.Second
	// statusTimeout bounds how long the server may take until its statuses agree with tasks that have completed.
	statusTimeout = time.Minute
	// syncTimeout is how long the periodic sync may take to find new commits; it runs each minute.
	syncTimeout = 90 * time.Second
	// failedSyncTimeout bounds how long the periodic sync may take to recover from an error.
	failedSyncTimeout = 4 * syncTimeout
	// progressInterval is the shortest time between two lines about a wait.
	progressInterval = time.Second
)

// Wait waits until every task of the import has ended and returns the repository as imported. Errors:
// *ImportError, *UnfinishedError, *UnobservedError, or ErrNotFound or ErrBranchNotFound if repository or branch are gone.
func (i *Import) Wait(ctx context.Context) (*Imported, error) {
	imported, err := i.wait(ctx)
	if _, ok := errors.AsType[*Error](err); ok && !errors.Is(err, ErrBranchNotFound) {
		if _, known := errors.AsType[*UnobservedError](err); !known {
			unread := i.newUnobservedError(outage{since: time.Now(), err: err})
			unread.TasksListed = true
			return nil, unread
		}
	}
	return imported, err
}

func (i *Import) wait(ctx context.Context) (*Imported, error) {
	switch {
	case i.waitOtherwise != nil:
		return i.waitOtherwise(ctx)
	case i.tasksHidden:
		return i.waitByStatus(ctx)
	}
	tasks, err := i.waitForTasks(ctx)
	if unobserved, ok := errors.AsType[*UnobservedError](err); ok {
		return i.judgeByStatus(ctx, unobserved)
	}
	if err != nil {
		return nil, err
	}
	warning, err := i.checkTasks(ctx, tasks)
	if err != nil {
		return nil, err
	}
	if i.next != nil {
		next, err := i.next(ctx)
		if err != nil {
			return nil, err
		}
		return next.Wait(ctx)
	}
	repository, err := i.waitForStatus(ctx)
	if err != nil {
		return nil, err
	}
	return i.imported(repository, warning), nil
}

// waitForTasks waits until every expected task has ended and returns the tasks in the order of the expectations.
func (i *Import) waitForTasks(ctx context.Context) ([]task, error) {
	lists, unsubscribe := i.client.tasks.subscribe(ctx, i.since)
	defer unsubscribe()
	existenceCheck := time.NewTicker(existenceCheckInterval)
	defer existenceCheck.Stop()
	matched, progress := make([]task, len(i.expected)), progressLog{start: time.Now()}
	var last outage
	listed := false // the first list may take minutes
	crashes := crashWatch{}
	for {
		select {
		case <-ctx.Done():
			select {
			case list := <-lists:
				last, listed = list.outage, true
			default:
			}
			if !listed && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				last = outage{since: progress.start, err: &Error{Operation: "Tasks", Message: "no response came in this time", kind: ErrUnreachable}}
			}
			if last.err != nil {
				return nil, i.newUnobservedError(last)
			}
			return nil, i.newUnfinishedError(ctx.Err(), describeTasks(i.expected, matched)...)
		case <-existenceCheck.C:
			repository, err := i.readRepository(withoutRetries(ctx)) // there will be another check
			switch {
			case errors.Is(err, ErrNotFound):
				return nil, fmt.Errorf("while it was being imported: %w", err)
			case err == nil && last.isLong() && i.showsSuccess(repository):
				return nil, i.newUnobservedError(last)
			}
		case list := <-lists:
			if last, listed = list.outage, true; last.isHopeless() {
				return nil, i.newUnobservedError(last)
			}
			allEnded := matchTasks(i.expected, matched, list.tasks)
			progress.write(ctx, i, matched)
			if allEnded || crashes.timedOut(matched) {
				return matched, nil
			}
		}
	}
}

// crashWatch holds since when tasks are CRASHED, by their ids.
type crashWatch map[string]time.Time

// timedOut reports whether nothing is left to wait for but tasks that have been CRASHED for crashTimeout.
func (w crashWatch) timedOut(tasks []task) bool {
	waiting := false
	for _, t := range tasks {
		if !t.crashed() {
			waiting = waiting || !t.ended()
			delete(w, t.ID)
			continue
		}
		if _, known := w[t.ID]; !known {
			w[t.ID] = time.Now()
		}
		waiting = waiting || time.Since(w[t.ID]) < crashTimeout
	}
	return !waiting
}

// matchTasks updates matched, which has one task for each expectation, from a list of tasks. It reports whether
// all of them have ended. If several tasks fit an expectation it takes the one that was created first: later ones
// are an echo, or somebody else's.
func matchTasks(expected []expectation, matched, tasks []task) (allEnded bool) {
	allEnded = true
	for n, expectation := range expected {
		for _, t := range tasks {
			if expectation.matches(t) && (!matched[n].exists() || t.ID == matched[n].ID || t.Created.Before(matched[n].Created)) {
				matched[n] = t
			}
		}
		allEnded = allEnded && matched[n].ended()
	}
	return allEnded
}

// describeTasks returns the workflow and the state of the task of each expectation.
func describeTasks(expected []expectation, matched []task) []string {
	var descriptions []string
	for n, expectation := range expected {
		if matched[n].exists() {
			descriptions = append(descriptions, matched[n].describe())
		} else {
			descriptions = append(descriptions, expectation.workflow+": not started")
		}
	}
	return descriptions
}

// progressLine is the last line about a wait.
type progressLine struct {
	text    string
	written time.Time
}

// report reports a line that differs from the last one, but no more often than each progressInterval. It returns whether it did.
func (p *progressLine) report(ctx context.Context, text string) bool {
	if text == p.text || time.Since(p.written) < progressInterval {
		return false
	}
	p.text, p.written = text, time.Now()
	reportProgress(ctx, text)
	return true
}

// progressLog logs and reports the tasks of an import when they change.
type progressLog struct {
	progressLine
	start time.Time
}

func (p *progressLog) write(ctx context.Context, i *Import, matched []task) {
	tasks, title := strings.Join(describeTasks(i.expected, matched), "; "), "Importing "+i.repository.Name
	if !p.report(ctx, fmt.Sprintf("%s at %s into branch %s: %s", title, i.repository.Ref, i.client.branch, tasks)) {
		return
	}
	i.client.log.InfoContext(ctx, title, "ref", i.repository.Ref, "branch", i.client.branch,
		"tasks", tasks, "elapsed", time.Since(p.start).Round(time.Millisecond).String())
}

// checkTasks returns the *ImportError of the first task whose failure makes the import fail, and a warning about
// a failure that does not.
func (i *Import) checkTasks(ctx context.Context, tasks []task) (warning string, err error) {
	for n, t := range tasks {
		if t.completed() || i.expected[n].mayFail {
			continue
		}
		if warning, err = i.toleratePartial(ctx, i.taskError(ctx, t)); err != nil {
			return "", err
		}
	}
	return warning, nil
}

// toleratePartial turns the failure to add a read-write repository into a warning if the default branch was
// imported: then only other Git branches could not be synced (infrahub-behaviour.md, Importing 20). It returns
// any other failure.
func (i *Import) toleratePartial(ctx context.Context, failure *ImportError) (warning string, err error) {
	if failure.Workflow != addReadWrite {
		return "", failure
	}
	repository, err := i.readRepository(ctx)
	if err != nil {
		return "", err
	}
	if repository.Commit == nil || repository.SyncStatus != inSync {
		return "", failure
	}
	return "Not everything was imported: " + failure.Reason, nil
}

// waitForStatus reads the repository until its statuses agree with the tasks, which have completed. They may not
// at first, because another import, the echo, works on the same objects (infrahub-behaviour.md, Importing 7).
func (i *Import) waitForStatus(ctx context.Context) (*Repository, error) {
	limited, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	repository, err := i.pollRepository(limited, isHealthy)
	if err == nil || limited.Err() == nil {
		return repository, err
	}
	state := "the repository could not be read"
	if repository != nil {
		state = "the repository is " + describeStatus(repository)
	}
	_, unread := errors.AsType[*Error](err)
	switch {
	case unread:
		return nil, err
	case ctx.Err() != nil:
		return nil, i.newUnfinishedError(ctx.Err(), state)
	default:
		return nil, i.newStatusError("its tasks completed, but "+state, repository)
	}
}

// waitForNextSync waits until the periodic sync has imported another commit than the previous one. If none is seen
// the wait ends after syncTimeout with a warning: whether the sync has run is not visible from outside. An error status gets
// more time, because it may belong to the old clone, which the server gives up before it makes a new one.
func (i *Import) waitForNextSync(ctx context.Context, previousCommit *string) (*Imported, error) {
	warning := fmt.Sprintf("No other commit than before was seen within %s of the change of the location. "+
		"That is right if both locations have the same commits; otherwise the periodic sync has not imported yet. Plan again to see the commit.", syncTimeout)
	limited, cancel := context.WithTimeout(ctx, failedSyncTimeout)
	defer cancel()
	start, sameCommit := time.Now(), false
	repository, err := i.pollRepository(limited, func(repository *Repository) bool {
		sameCommit = equal(repository.Commit, previousCommit)
		return isHealthy(repository) && (!sameCommit || time.Since(start) > syncTimeout)
	})
	_, unread := errors.AsType[*Error](err)
	switch {
	case err == nil && sameCommit:
		return i.imported(repository, warning), nil
	case err == nil:
		return i.imported(repository, ""), nil
	case ctx.Err() != nil:
		return nil, i.newUnfinishedError(ctx.Err(), "the next periodic sync")
	case unread, repository == nil, limited.Err() == nil:
		return nil, err
	default:
		return nil, i.newStatusError("after its periodic sync the repository is "+describeStatus(repository), repository)
	}
}

// pollRepository reads the repository until it is as wanted. It goes on while the server is busy, restarting or unreachable. With
// an error it returns the repository as it was last read, nil if it was never read; the error is an *Error if the last read failed.
func (i *Import) pollRepository(ctx context.Context, wanted func(*Repository) bool) (*Repository, error) {
	polling := i.client.tasks.polling
	var last *Repository
	for interval := polling.MinInterval; ; interval = min(interval*3/2, polling.MaxInterval) {
		repository, failure := i.readRepository(ctx)
		switch {
		case failure != nil && !mayEnd(failure):
			return last, failure
		case failure != nil:
		case wanted(repository):
			return repository, nil
		default:
			last = repository
		}
		if err := sleep(ctx, interval); err != nil {
			return last, cmp.Or(failure, err)
		}
	}
}

func (i *Import) readRepository(ctx context.Context) (*Repository, error) {
	return i.client.Repositories(i.repository.Kind).Get(ctx, i.repository.ID)
}

func (i *Import) imported(repository *Repository, warning string) *Imported {
	return &Imported{Repository: *repository, Branch: i.client.branch, Warning: warning}
}

// newImportError returns the error of an import that failed for a reason that no task's log gives.
func (i *Import) newImportError(reason string) *ImportError {
	return &ImportError{Repository: i.repository, Branch: i.client.branch, Reason: reason, RequestID: i.startedBy()}
}

func (i *Import) newUnobservedError(last outage) *UnobservedError {
	return &UnobservedError{Repository: i.repository, Branch: i.client.branch, Since: last.since, RequestID: i.startedBy(), cause: last.err}
}

// newUnfinishedError returns the error of an import that has not ended. Tasks describe what was still going on.
func (i *Import) newUnfinishedError(cause error, tasks ...string) *UnfinishedError {
	return &UnfinishedError{Repository: i.repository, Branch: i.client.branch, Tasks: tasks, RequestID: i.startedBy(), cause: cause}
}

// taskError returns the error of an import in which a task failed, with the reason from the task's log.
func (i *Import) taskError(ctx context.Context, t task) *ImportError {
	failure := i.newImportError("")
	failure.Workflow, failure.TaskID, failure.State = t.Workflow, t.ID, string(t.State)
	raised, err := i.client.readException(ctx, t.ID)
	failure.Reason, failure.Cause = t.reason(raised, err), raised.cause()
	if t.crashed() && err == nil && raised.message == "" {
		failure.Reason += fmt.Sprintf("; nothing followed within %s, so its worker has probably stopped", crashTimeout)
	}
	if failure.Cause == ObjectExists {
		failure.Owner = i.client.findOwner(ctx, raised)
	}
	return failure
}
