package infrahub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// The workflows that import, as InfrahubTask names them (infrahub.md, Importing).
const (
	addReadOnly      = "git-repository-add-read-only"
	addReadWrite     = "git-repository-add-read-write"
	pullReadOnly     = "git-repository-pull-read-only"
	importLastCommit = "git-read-only-repository-import-last-commit"
	importObjects    = "git-repository-import-object"
)

// Import is an import that a mutation of ours started. The truth about it is in its tasks alone:
// neither sync_status nor commit tells whether it worked (infrahub.md, Importing).
type Import struct {
	client     *Client
	repository Repository
	expected   []expectation
	baseline
	// next starts what must follow once everything expected has completed; nil if nothing must.
	next func(ctx context.Context) (*Import, error)
	// synced waits for the periodic sync, which has no task to watch; nil if there are tasks.
	synced func(ctx context.Context) (*Imported, error)
}

// baseline is what is known from before the mutation that starts an import.
type baseline struct {
	// since is when the newest task was created that there was.
	since time.Time
	// blind is whether the server shows no tasks to this account.
	blind bool
	// before is the commit of the repository, nil if it had none or any will do.
	before *string
	// request gets the request id of the mutation.
	request *string
}

// startedBy is the request id of the mutation that started an import, "" if it is not known.
func (b baseline) startedBy() string { return deref(b.request) }

// baseline is taken just before the mutation, which is to be sent with the context that it returns. It waits until the tasks have ended that the repository
// still has: the echo of an earlier import that comes late would import, and record, the earlier commit
// over the later one.
func (c *Client) baseline(ctx context.Context, id string) (context.Context, baseline, error) {
	tasks, err := c.tasks.page(ctx, 0)
	if err == nil && c.busy(tasks, id) {
		tasks, err = c.untilIdle(ctx, id)
	}
	blind := errors.Is(err, ErrUnauthorized)
	if blind {
		err = nil
	}
	from := baseline{since: newest(tasks), blind: blind, request: new(string)}
	return withRequestID(ctx, from.request), from, err
}

// busy reports whether a repository has tasks on this branch that have not ended.
func (c *Client) busy(tasks []task, id string) bool {
	return slices.ContainsFunc(tasks, func(t task) bool {
		return t.Model.RepositoryID == id && t.Model.Branch == c.branch && !t.ended()
	})
}

// untilIdle waits until a repository is not busy. A task that a dead worker has left behind never ends:
// it holds nobody up for longer than lingering.
func (c *Client) untilIdle(ctx context.Context, id string) ([]task, error) {
	lists, unsubscribe := c.tasks.subscribe(ctx, time.Now())
	defer unsubscribe()
	limit := time.NewTimer(lingering)
	defer limit.Stop()
	var last taskList
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return last.tasks, last.err
		case last = <-lists:
			if last.err == nil && !c.busy(last.tasks, id) {
				return last.tasks, nil
			}
		}
	}
}

// lingering is how long a change waits for the end of earlier imports.
const lingering = time.Minute

// expectation is one task that an import consists of.
type expectation struct {
	workflow string
	matches  func(task) bool
	// mayFail is whether the import can have worked although this task failed.
	mayFail bool
}

// importOfCreate is what a create starts: one task that adds the repository. Its id is new, so
// whatever adds it is ours.
func (c *Client) importOfCreate(created Repository, from baseline) *Import {
	workflow := addReadWrite
	if created.Kind == ReadOnly {
		workflow = addReadOnly
	}
	return &Import{client: c, repository: created, baseline: from, expected: []expectation{
		c.expect(created, workflow, func(task) bool { return true }),
	}}
}

// importOfBump is what a changed ref starts: two tasks, in either order. The echo of an earlier import
// has a commit or another ref, and what was queued before is older (infrahub.md, Importing).
func (c *Client) importOfBump(bumped Repository, from baseline) *Import {
	return &Import{client: c, repository: bumped, baseline: from, expected: c.expectBump(bumped, from.since)}
}

func (c *Client) expectBump(bumped Repository, since time.Time) []expectation {
	ours := func(t task) bool {
		return t.Created.After(since) && t.Model.Commit == nil && t.Model.Ref != nil && *t.Model.Ref == bumped.Ref
	}
	return []expectation{c.expect(bumped, pullReadOnly, ours), c.expect(bumped, importLastCommit, ours)}
}

// importOfMove is what the two changes of the ref in Relocate start. Only the last pull tells whether it
// worked: what runs before the first pull still uses the old remote.
func (c *Client) importOfMove(moved, between Repository, from baseline) *Import {
	expected := append(c.expectBump(moved, from.since), c.expectBump(between, from.since)...)
	for n := range expected[1:] {
		expected[n+1].mayFail = true
	}
	return &Import{client: c, repository: moved, baseline: from, expected: expected}
}

// importOfSync is what the periodic sync does about a read-write repository that was moved. Whether
// the server reaches the new location is asked for at once, for the sync does not tell.
func (c *Client) importOfSync(ctx context.Context, moved Repository, commit *string) (*Import, error) {
	answer, err := graphql.CheckConnectivity(ctx, c.graphql, moved.ID)
	if err != nil {
		return nil, err
	}
	i := &Import{client: c, repository: moved}
	i.synced = func(ctx context.Context) (*Imported, error) {
		if check := answer.InfrahubRepositoryConnectivity; check != nil && !check.Ok {
			return nil, i.failed(check.Message)
		}
		return i.nextSync(ctx, commit)
	}
	return i, nil
}

// Reimport imports again what the ref of a repository stands for now.
//
// A read-only repository first takes over the latest commit of its ref. The server skips the objects if
// its own clone had that commit already, so they are imported once more after that.
func (c *Client) Reimport(ctx context.Context, repository Repository) (*Import, error) {
	if repository.Kind != ReadOnly {
		return c.reimportCommit(ctx, repository)
	}
	return c.onDemand(ctx, repository, importLastCommit, func(ctx context.Context) (*string, error) {
		answer, err := graphql.ImportLatestCommit(ctx, c.graphql, repository.ID)
		if err != nil || answer.InfrahubReadOnlyRepositoryImportLastCommit == nil || answer.InfrahubReadOnlyRepositoryImportLastCommit.Task == nil {
			return nil, err
		}
		return answer.InfrahubReadOnlyRepositoryImportLastCommit.Task.Id, nil
	}, func(ctx context.Context) (*Import, error) { return c.reimportCommit(ctx, repository) })
}

// reimportCommit imports the objects of the commit that the node has.
func (c *Client) reimportCommit(ctx context.Context, repository Repository) (*Import, error) {
	return c.onDemand(ctx, repository, importObjects, func(ctx context.Context) (*string, error) {
		answer, err := graphql.ReimportCommit(ctx, c.graphql, repository.ID)
		if err != nil || answer.InfrahubRepositoryProcess == nil || answer.InfrahubRepositoryProcess.Task == nil {
			return nil, err
		}
		return answer.InfrahubRepositoryProcess.Task.Id, nil
	}, nil)
}

// LastImport tells how the last import of what a read-only repository is pinned to now has ended: nil if
// it worked or nothing is known of it, else an *ImportError or an *UnfinishedError. Moved is whether the
// repository has not been imported from its location at all.
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

// lastImport is what the tasks tell of the last import of what a repository is pinned to.
type lastImport struct {
	// proven is whether a task tells that it worked. Without that and a failure nothing is known.
	proven bool
	// moved is whether nothing was imported from the location yet.
	moved bool
	// failure is why it is not known to have worked.
	failure error
}

func (c *Client) lastImport(ctx context.Context, repository Repository) (lastImport, error) {
	tasks, err := c.tasks.page(ctx, 0)
	if errors.Is(err, ErrUnauthorized) {
		return lastImport{}, nil // who may not see tasks knows nothing of them
	}
	if err != nil {
		return lastImport{}, err
	}
	// Own is of this ref, as it was asked for; done has brought this commit, here or on a branch that was merged, for
	// a merge brings ref, commit and objects without an import (infrahub.md, Branches); fetched is the other half of
	// own, which can fail alone (infrahub.md, Importing); other is of another ref.
	var own, done, fetched, other task
	for _, t := range tasks {
		if t.Model.RepositoryID != repository.ID {
			continue
		}
		here, completed := t.Model.Branch == c.branch, t.State == graphql.StateTypeCompleted
		brought := completed && t.Model.Commit != nil && equal(t.Model.Commit, repository.Commit)
		pulled := t.Workflow == pullReadOnly || t.Workflow == addReadOnly
		this := deref(t.Model.Ref) == repository.Ref && deref(t.Model.Location) == repository.Location
		switch {
		case pulled && this && brought, t.Workflow == importObjects && here && brought:
			done = later(done, t)
		case t.Workflow == importLastCommit && here && deref(t.Model.Ref) == repository.Ref:
			fetched = later(fetched, t)
		case !pulled || !here || t.Model.Commit != nil:
		case this:
			own = later(own, t)
		default:
			other = later(other, t)
		}
	}
	i := &Import{client: c, repository: repository}
	switch {
	case fetched.ended() && fetched.State != graphql.StateTypeCompleted && own.State == graphql.StateTypeCompleted && !done.Created.After(fetched.Created):
		return lastImport{failure: i.failure(ctx, fetched)}, nil
	case own.State == graphql.StateTypeCompleted, done.ID != "" && !own.Created.After(done.Created):
		return lastImport{proven: true}, nil
	case own.ID == "" && other.ID == "":
		return lastImport{}, nil
	case own.ID == "":
		return lastImport{moved: deref(other.Model.Location) != repository.Location, failure: i.failed("it was never imported")}, nil
	case !own.ended():
		return lastImport{failure: i.unfinishedAt(context.Canceled, progressOf(own))}, nil
	default:
		return lastImport{failure: i.failure(ctx, own)}, nil
	}
}

func later(a, b task) task {
	if b.Created.After(a.Created) {
		return b
	}
	return a
}

// onDemand is an import that a mutation asks for, which answers with the id of its task.
func (c *Client) onDemand(ctx context.Context, repository Repository, workflow string, start func(context.Context) (*string, error), next func(context.Context) (*Import, error)) (*Import, error) {
	ctx, from, err := c.baseline(ctx, repository.ID)
	if err != nil {
		return nil, err
	}
	id, err := start(ctx)
	if err != nil {
		return nil, err
	}
	if id == nil {
		return nil, fmt.Errorf("import of %s %s: the server named no task", repository.Kind, repository.Name)
	}
	return &Import{client: c, repository: repository, baseline: from, next: next, expected: []expectation{{
		workflow: workflow,
		matches:  func(t task) bool { return t.ID == *id },
	}}}, nil
}

// expect is a task of a workflow for a repository on the client's branch.
func (c *Client) expect(repository Repository, workflow string, ours func(task) bool) expectation {
	return expectation{workflow: workflow, matches: func(t task) bool {
		return t.Workflow == workflow && t.Model.RepositoryID == repository.ID && t.Model.Branch == c.branch && ours(t)
	}}
}
