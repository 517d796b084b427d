package infrahub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// The workflows that import, as InfrahubTask names them (infrahub-behaviour.md, Importing 3).
const (
	addReadOnly      = "git-repository-add-read-only"
	addReadWrite     = "git-repository-add-read-write"
	pullReadOnly     = "git-repository-pull-read-only"
	importLastCommit = "git-read-only-repository-import-last-commit"
	importObjects    = "git-repository-import-object"
)

func importWorkflows() []string {
	return []string{addReadOnly, addReadWrite, pullReadOnly, importLastCommit, importObjects}
}

// Import is an import that a mutation of this client started. Only its tasks tell whether it worked: neither
// sync_status nor commit does (infrahub-behaviour.md, Importing 1).
type Import struct {
	client     *Client
	repository Repository
	// expected are the tasks that the import consists of.
	expected []expectation
	baseline
	// next starts the import that has to follow once the expected tasks have completed. Nil: none follows.
	next func(ctx context.Context) (*Import, error)
	// waitOtherwise waits for an import that has no task of its own to wait for. Nil: the import has tasks.
	waitOtherwise func(ctx context.Context) (*Imported, error)
}

// expectation is one task that an import consists of.
type expectation struct {
	workflow string
	matches  func(task) bool
	// mayFail is whether the import can have worked although this task failed.
	mayFail bool
}

// baseline is the state before the mutation that starts an import.
type baseline struct {
	// since is when the newest task was created.
	since time.Time
	// tasksHidden is whether the server shows no tasks to this account.
	tasksHidden bool
	// previousCommit is the commit of the repository. Nil: it had none, or the import may end with the same one.
	previousCommit *string
	// requestID receives the request id of the mutation.
	requestID *string
}

// startedBy returns the request id of the mutation that started the import, "" if it is unknown.
func (b baseline) startedBy() string { return deref(b.requestID) }

// baseline returns the baseline of an import, and the context to send its mutation with. It first waits for the
// tasks that the repository still has: an echo of an earlier import that comes late would import the earlier
// commit over the later one (infrahub-behaviour.md, Importing 22).
func (c *Client) baseline(ctx context.Context, id string) (context.Context, baseline, error) {
	tasks, err := c.tasks.newest(ctx)
	if err == nil && len(c.runningTasks(tasks, id)) > 0 {
		tasks, err = c.waitUntilIdle(ctx, id, tasks)
	}
	hidden := errors.Is(err, ErrUnauthorized)
	if hidden {
		err = nil
	}
	before := baseline{since: newestCreation(tasks), tasksHidden: hidden, requestID: new(string)}
	return withRequestID(ctx, before.requestID), before, err
}

// runningTasks describes the tasks of a repository on this branch that have not ended.
func (c *Client) runningTasks(tasks []task, id string) []string {
	var running []string
	for _, t := range tasks {
		if t.Model.RepositoryID == id && t.Model.Branch == c.branch && t.isAlive() {
			running = append(running, t.describe())
		}
	}
	return running
}

// idleTimeout bounds how long a change waits for the end of earlier imports. A change beside one that still runs can end with
// the commit of the one and the error of the other (infrahub-behaviour.md, Importing 29).
const idleTimeout = 6 * time.Minute

// EarlierImportsError is a change that was not sent, because earlier imports of the repository had not ended when the time ran
// out or the caller gave up.
type EarlierImportsError struct {
	// Tasks describe the tasks of these imports, as in UnfinishedError.
	Tasks []string
	cause error
}

func (e *EarlierImportsError) Error() string {
	return fmt.Sprintf("earlier imports of the repository have not ended (%s): %v", strings.Join(e.Tasks, ", "), e.cause)
}

// Unwrap returns context.DeadlineExceeded or context.Canceled.
func (e *EarlierImportsError) Unwrap() error { return e.cause }

// waitUntilIdle waits until no task of a repository runs on this branch and returns the tasks as they are then; listed are those
// that were listed last. After idleTimeout it returns in any case: a task of a worker that died never ends.
func (c *Client) waitUntilIdle(ctx context.Context, id string, listed []task) ([]task, error) {
	lists, unsubscribe := c.tasks.subscribe(ctx, time.Now())
	defer unsubscribe()
	timeout := time.NewTimer(idleTimeout)
	defer timeout.Stop()
	last, progress := taskList{tasks: listed}, progressLine{}
	running := c.runningTasks(listed, id)
	for {
		progress.report(ctx, "Waiting for earlier imports to end: "+strings.Join(running, "; "))
		select {
		case <-ctx.Done():
			return nil, &EarlierImportsError{Tasks: running, cause: ctx.Err()}
		case <-timeout.C:
			return last.tasks, last.err
		case last = <-lists:
			if last.err != nil {
				continue
			}
			if running = c.runningTasks(last.tasks, id); len(running) == 0 {
				return last.tasks, nil
			}
		}
	}
}

// importOfCreate returns the import that a create starts: one task, which adds the repository. The id of the
// repository is new, so whatever task adds it is the expected one.
func (c *Client) importOfCreate(created Repository, before baseline) *Import {
	workflow := addReadWrite
	if created.Kind == ReadOnly {
		workflow = addReadOnly
	}
	return &Import{client: c, repository: created, baseline: before, expected: []expectation{
		c.expect(created, workflow, func(task) bool { return true }),
	}}
}

// importOfRefChange returns the import that a changed ref starts.
func (c *Client) importOfRefChange(changed Repository, before baseline) *Import {
	return &Import{client: c, repository: changed, baseline: before, expected: c.expectRefChange(changed, before.since)}
}

// importOfRelocation returns the import that the two changes of the ref in Relocate start: first to the ref of
// between, then to that of relocated. Only the pull of the second change shows whether it worked, because the
// tasks before the first pull still use the old remote.
func (c *Client) importOfRelocation(relocated, between Repository, before baseline) *Import {
	expected := append(c.expectRefChange(relocated, before.since), c.expectRefChange(between, before.since)...)
	for n := range expected[1:] {
		expected[n+1].mayFail = true
	}
	return &Import{client: c, repository: relocated, baseline: before, expected: expected}
}

// expectRefChange returns the two tasks that a changed ref starts, the pull first. They run in either order
// (infrahub-behaviour.md, Importing 6). The echo of an earlier import has a commit or another ref, and the tasks
// of an earlier change are older (infrahub-behaviour.md, Importing 21).
func (c *Client) expectRefChange(changed Repository, since time.Time) []expectation {
	matches := func(t task) bool {
		return t.Created.After(since) && t.Model.Commit == nil && t.Model.Ref != nil && *t.Model.Ref == changed.Ref
	}
	return []expectation{c.expect(changed, pullReadOnly, matches), c.expect(changed, importLastCommit, matches)}
}

// expect returns the expectation of a task of a workflow, for a repository and on the client's branch.
func (c *Client) expect(repository Repository, workflow string, matches func(task) bool) expectation {
	return expectation{workflow: workflow, matches: func(t task) bool {
		return t.Workflow == workflow && t.Model.RepositoryID == repository.ID && t.Model.Branch == c.branch && matches(t)
	}}
}

// importOfSync returns the import that the periodic sync makes of a read-write repository with a new location. It
// asks at once whether the server reaches that location, because the sync does not report it.
func (c *Client) importOfSync(ctx context.Context, relocated Repository, previousCommit *string) (*Import, error) {
	err := c.CheckConnectivity(ctx, relocated.ID)
	unreached, failed := errors.AsType[*ConnectivityError](err)
	if err != nil && !failed {
		return nil, err
	}
	i := &Import{client: c, repository: relocated}
	i.waitOtherwise = func(ctx context.Context) (*Imported, error) {
		if failed {
			failure := i.newImportError(unreached.Reason)
			failure.Cause, failure.RequestID = unreached.Cause, unreached.RequestID
			return nil, failure
		}
		return i.waitForNextSync(ctx, previousCommit)
	}
	return i, nil
}

// Reimport imports again what the ref of a repository resolves to now.
//
// A read-only repository first takes over the last commit of its ref. The server skips the objects if its own
// clone had that commit already, so a second import follows, which imports the objects of the commit in any case.
func (c *Client) Reimport(ctx context.Context, repository Repository) (*Import, error) {
	if repository.Kind != ReadOnly {
		return c.ReimportCommit(ctx, repository)
	}
	started, err := c.ImportLatestCommit(ctx, repository)
	if err != nil {
		return nil, err
	}
	started.next = func(ctx context.Context) (*Import, error) { return c.ReimportCommit(ctx, repository) }
	return started, nil
}

// ImportLatestCommit imports the last commit of the ref of a read-only repository. The server skips the objects if its own clone
// had that commit already.
func (c *Client) ImportLatestCommit(ctx context.Context, repository Repository) (*Import, error) {
	return c.importOnDemand(ctx, repository, importLastCommit, func(ctx context.Context) (*string, error) {
		resp, err := graphql.ImportLatestCommit(ctx, c.graphql, repository.ID)
		if err != nil || resp.InfrahubReadOnlyRepositoryImportLastCommit == nil || resp.InfrahubReadOnlyRepositoryImportLastCommit.Task == nil {
			return nil, err
		}
		return resp.InfrahubReadOnlyRepositoryImportLastCommit.Task.Id, nil
	})
}

// ReimportCommit imports the objects of the commit that a repository has.
func (c *Client) ReimportCommit(ctx context.Context, repository Repository) (*Import, error) {
	return c.importOnDemand(ctx, repository, importObjects, func(ctx context.Context) (*string, error) {
		resp, err := graphql.ReimportCommit(ctx, c.graphql, repository.ID)
		if err != nil || resp.InfrahubRepositoryProcess == nil || resp.InfrahubRepositoryProcess.Task == nil {
			return nil, err
		}
		return resp.InfrahubRepositoryProcess.Task.Id, nil
	})
}

// importOnDemand sends a mutation that starts an import and returns the id of its task (infrahub-behaviour.md,
// Importing 4).
func (c *Client) importOnDemand(
	ctx context.Context, repository Repository, workflow string, start func(context.Context) (taskID *string, err error),
) (*Import, error) {
	ctx, before, err := c.baseline(ctx, repository.ID)
	if err != nil {
		return nil, err
	}
	id, err := start(ctx)
	if err != nil {
		return nil, err
	}
	if id == nil {
		return nil, fmt.Errorf("import of %s %s: the server returned no task", repository.Kind, repository.Name)
	}
	return &Import{client: c, repository: repository, baseline: before, expected: []expectation{{
		workflow: workflow,
		matches:  func(t task) bool { return t.ID == *id },
	}}}, nil
}
