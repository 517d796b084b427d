package infrahub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// ImportError is an import that failed.
type ImportError struct {
	// Repository is what was imported; its Ref is the one that was asked for.
	Repository Repository
	// Branch is the Infrahub branch that it was imported into.
	Branch string
	// Reason is why, in the server's words.
	Reason string
	// Cause is what kind of reason that is.
	Cause Cause
	// Nearest are refs of the remote that are like a missing one, filled by whoever can list the remote.
	Nearest []string
	// Owner is the repository that has the object which exists already, "" if that is not known.
	Owner string
	// RequestID is that of the mutation that started the import.
	RequestID string
	// Workflow, TaskID and State are those of the task that failed.
	Workflow, TaskID, State string
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("import of %s %s at %s: %s", e.Repository.Kind, e.Repository.Name, e.Repository.Ref, e.Reason)
}

// UnfinishedError is an import whose end was not waited for: time ran out, or the caller gave up.
type UnfinishedError struct {
	Repository Repository
	Branch     string
	// Tasks says of each task what it was doing last, such as "git-repository-pull-read-only: RUNNING".
	Tasks []string
	// RequestID is that of the mutation that started the import.
	RequestID string
	cause     error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("import of %s %s at %s has not ended (%s): %v",
		e.Repository.Kind, e.Repository.Name, e.Repository.Ref, strings.Join(e.Tasks, ", "), e.cause)
}

// Unwrap returns context.DeadlineExceeded or context.Canceled.
func (e *UnfinishedError) Unwrap() error { return e.cause }

// Imported is a repository whose import worked, as it is once the server is done with it.
type Imported struct {
	Repository
	// Branch is the Infrahub branch that it was imported into.
	Branch string
	// Warning is a sentence about what did not work, or is not known to have, although the import is
	// good enough to be called one; "" mostly.
	Warning string
}

const (
	// settling bounds how long the server may take to make its statuses agree with a task that ended.
	settling = time.Minute
	// unseen is how long no task may show before it is worth a look whether the repository is still there.
	unseen = 30 * time.Second
	// syncing is how long the periodic sync may take to find new commits; it runs each minute.
	syncing = 90 * time.Second
)

// Wait returns when every task of the import has ended: with the repository as imported, or with an
// *ImportError, an *UnfinishedError or why the repository cannot be read.
func (i *Import) Wait(ctx context.Context) (*Imported, error) {
	if i.synced != nil {
		return i.synced(ctx)
	}
	if i.blind {
		return i.judged(ctx)
	}
	tasks, err := i.ended(ctx)
	if err != nil {
		return nil, err
	}
	warning := ""
	for n, t := range tasks {
		if t.State == graphql.StateTypeCompleted || i.expected[n].mayFail {
			continue
		}
		if warning, err = i.forgiven(ctx, i.failure(ctx, t)); err != nil {
			return nil, err
		}
	}
	if i.next != nil {
		following, err := i.next(ctx)
		if err != nil {
			return nil, err
		}
		return following.Wait(ctx)
	}
	settled, err := i.settled(ctx)
	if err != nil {
		return nil, err
	}
	return &Imported{Repository: *settled, Branch: i.client.branch, Warning: warning}, nil
}

// ended waits until every expected task has ended and returns them, in the order of expectation.
func (i *Import) ended(ctx context.Context) ([]task, error) {
	lists, unsubscribe := i.client.tasks.subscribe(ctx, i.since)
	defer unsubscribe()
	look := time.NewTimer(unseen)
	defer look.Stop()
	found, told := make([]task, len(i.expected)), &progress{start: time.Now()}
	for {
		select {
		case <-ctx.Done():
			return nil, i.unfinished(found, ctx.Err())
		case <-look.C:
			look.Reset(unseen)
			if _, err := i.client.Repositories(i.repository.Kind).Get(ctx, i.repository.ID); errors.Is(err, ErrNotFound) {
				return nil, fmt.Errorf("while it was being imported: %w", err)
			}
		case list := <-lists:
			if errors.Is(list.err, ErrUnauthorized) {
				return nil, list.err
			}
			all := i.find(found, list.tasks)
			told.tell(ctx, i, found)
			if all {
				return found, nil
			}
		}
	}
}

// find puts the expected tasks of a list into found and reports whether all of them have ended. Of
// several that match the one created first is meant: later ones are an echo or someone else's.
func (i *Import) find(found, tasks []task) bool {
	all := true
	for n, expected := range i.expected {
		for _, t := range tasks {
			if expected.matches(t) && (found[n].ID == "" || t.ID == found[n].ID || t.Created.Before(found[n].Created)) {
				found[n] = t
			}
		}
		all = all && found[n].ended()
	}
	return all
}

// states says of each expected task what it is doing.
func (i *Import) states(found []task) []string {
	var states []string
	for n, expected := range i.expected {
		if found[n].ID == "" {
			states = append(states, expected.workflow+": not started")
			continue
		}
		states = append(states, progressOf(found[n]))
	}
	return states
}

func progressOf(t task) string {
	return fmt.Sprintf("%s: %s, task %s", t.Workflow, t.State, t.ID)
}

// progress logs what the tasks of an import do when it changes, but not more than once a second.
type progress struct {
	start, told time.Time
	last        string
}

func (p *progress) tell(ctx context.Context, i *Import, found []task) {
	states := strings.Join(i.states(found), "; ")
	if states == p.last || time.Since(p.told) < time.Second {
		return
	}
	p.last, p.told = states, time.Now()
	i.client.log.InfoContext(ctx, "Importing "+i.repository.Name, "ref", i.repository.Ref, "branch", i.client.branch,
		"tasks", states, "elapsed", time.Since(p.start).Round(time.Millisecond).String())
}

func (i *Import) unfinished(found []task, cause error) error {
	return i.unfinishedAt(cause, i.states(found)...)
}

func (i *Import) unfinishedAt(cause error, tasks ...string) error {
	return &UnfinishedError{Repository: i.repository, Branch: i.client.branch, Tasks: tasks, RequestID: i.startedBy(), cause: cause}
}

// failure tells why a task failed, from its logs.
func (i *Import) failure(ctx context.Context, t task) *ImportError {
	failure := i.failed("")
	failure.Workflow, failure.TaskID, failure.State = t.Workflow, t.ID, string(t.State)
	thrown, err := i.client.reason(ctx, t.ID)
	switch {
	case err != nil:
		failure.Reason = fmt.Sprintf("the task ended as %s; its log could not be read: %v", t.State, err)
	case thrown.message == "":
		failure.Reason = fmt.Sprintf("the task ended as %s and its log does not say why", t.State)
	default:
		failure.Reason, failure.Cause = thrown.reason(), thrown.cause()
		if failure.Cause == ObjectExists {
			kind, name := thrown.object()
			failure.Owner = i.client.owner(ctx, kind, name)
		}
	}
	return failure
}

// forgiven turns the failure of adding a read-write repository into a warning where its default branch
// was imported all the same: other Git branches could not be (infrahub.md, Importing).
func (i *Import) forgiven(ctx context.Context, failure *ImportError) (warning string, err error) {
	if failure.Workflow != addReadWrite {
		return "", failure
	}
	node, err := i.client.Repositories(i.repository.Kind).Get(ctx, i.repository.ID)
	if err != nil {
		return "", err
	}
	if node.Commit == nil || node.SyncStatus != "in-sync" {
		return "", failure
	}
	return "Not everything was imported: " + failure.Reason, nil
}

// nextSync waits until the periodic sync has imported another commit than before. That it finds none
// cannot be told from the outside, so its time passing without an error is the end, with a warning. An
// error may be its own, of the clone that it gives up before it makes a new one, and gets more time.
func (i *Import) nextSync(ctx context.Context, before *string) (*Imported, error) {
	limited, cancel := context.WithTimeout(ctx, 4*syncing)
	defer cancel()
	healthy := func(node *Repository) bool { return node.SyncStatus == "in-sync" && node.OperationalStatus == "online" }
	start, unchanged := time.Now(), false
	node, err := i.node(limited, func(node *Repository) bool {
		unchanged = equal(node.Commit, before)
		return healthy(node) && (!unchanged || time.Since(start) > syncing)
	})
	switch {
	case err == nil && unchanged:
		return &Imported{Repository: *node, Branch: i.client.branch, Warning: "No other commit than before was found at the new location, which is right if both have the same commits."}, nil
	case err == nil:
		return &Imported{Repository: *node, Branch: i.client.branch}, nil
	case ctx.Err() != nil:
		return nil, i.unfinishedAt(ctx.Err(), "the next periodic sync")
	case node == nil || limited.Err() == nil:
		return nil, err
	default:
		return nil, i.failed(fmt.Sprintf("after its periodic sync the repository is %s and %s", node.SyncStatus, node.OperationalStatus))
	}
}

// settled reads the repository until its statuses agree with the import that worked: another one, the
// echo, may be at work on the same objects.
func (i *Import) settled(ctx context.Context) (*Repository, error) {
	limited, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	node, err := i.node(limited, func(node *Repository) bool {
		return node.SyncStatus == "in-sync" && node.OperationalStatus == "online"
	})
	if err == nil || limited.Err() == nil {
		return node, err
	}
	state := "the repository was not read"
	if node != nil {
		state = fmt.Sprintf("the repository is %s and %s", node.SyncStatus, node.OperationalStatus)
	}
	if ctx.Err() != nil {
		return nil, i.unfinishedAt(ctx.Err(), state)
	}
	return nil, i.failed("its tasks completed, but " + state)
}

// node reads the repository until it is as wanted, or else returns how it was last.
func (i *Import) node(ctx context.Context, wanted func(*Repository) bool) (*Repository, error) {
	var last *Repository
	for interval := i.client.tasks.polling.MinInterval; ; interval = min(interval*3/2, i.client.tasks.polling.MaxInterval) {
		node, err := i.client.Repositories(i.repository.Kind).Get(ctx, i.repository.ID)
		if err != nil {
			return last, err
		}
		if last = node; wanted(node) {
			return node, nil
		}
		if err := sleep(ctx, interval); err != nil {
			return last, err
		}
	}
}
