package mockserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

// engine runs workflows in the background. The runs of one repository take turns in the order of
// their submission, as the server's lock on a repository makes them; what is late is so only by that
// and by the delays. So an import's echo may overlap a later change, but never undoes it.
type engine struct {
	server *Server
	worker string
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	tasks      []*task
	lastRuns   map[string]chan struct{} // by repository: closed when the last submitted run is over
	clones     map[string]*clone        // by repository; touched by the run whose turn it is
	refChanges map[string]int           // by repository: how many pairs were submitted
}

func newEngine(s *Server) *engine {
	e := &engine{
		server: s, worker: "InfrahubWorkerAsync " + uuid.NewString(),
		lastRuns: map[string]chan struct{}{}, clones: map[string]*clone{}, refChanges: map[string]int{},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if s.options.SyncInterval > 0 {
		e.background(e.syncPeriodically)
	}
	return e
}

func (e *engine) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.wg.Wait()
}

// background runs something until it is done or the server is closed.
func (e *engine) background(run func(ctx context.Context)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.wg.Go(func() { run(e.ctx) })
}

func (e *engine) pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// workflowRun is a workflow on a repository: what it says of itself at its start, its work, and how much later
// than usual it starts.
type workflowRun struct {
	before func(t *task)
	work   func(ctx context.Context, t *task) error
	late   time.Duration
}

// submit queues a task behind the others of its repository and returns its id.
func (e *engine) submit(t *task, repository string, r workflowRun) string {
	e.mu.Lock()
	before, after := e.lastRuns[repository], make(chan struct{})
	e.lastRuns[repository] = after
	e.tasks = append(e.tasks, t)
	t.enter(pending)
	e.mu.Unlock()
	e.background(func(ctx context.Context) {
		defer close(after)
		e.runTask(ctx, t, before, r)
	})
	return t.id
}

// waitIdle waits until no repository has a run that waits or works.
func (e *engine) waitIdle(ctx context.Context) error {
	for {
		open := e.unfinishedRun()
		if open == nil {
			return nil
		}
		select {
		case <-open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unfinishedRun returns a turn that is not over, nil if there is none.
func (e *engine) unfinishedRun() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, turn := range e.lastRuns {
		select {
		case <-turn:
		default:
			return turn
		}
	}
	return nil
}

// runTask starts a task, waits for its turn and works.
func (e *engine) runTask(ctx context.Context, t *task, before <-chan struct{}, r workflowRun) {
	if e.pause(ctx, e.server.options.Delay.queued()+r.late) != nil {
		return
	}
	e.locked(func() {
		t.log("info", "Worker '%s' submitting flow run '%s'", e.worker, t.id)
		t.log("info", "Flow run '%s' submitted to infrastructure", "tidy-"+t.id[:8])
		r.before(t)
	})
	e.startTask(t)
	if e.server.faults.stopsTask(t.workflow) {
		return
	}
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
			return
		}
	}
	e.finishTask(ctx, t, r.work(ctx, t))
}

func (e *engine) startTask(t *task) {
	e.locked(func() {
		t.started = time.Now()
		t.enter(running)
		t.log("info", "Beginning flow run '%s' for flow '%s'", t.title, t.workflow)
	})
}

// finishTask ends a task; one that the server's end interrupts stays as it is.
func (e *engine) finishTask(ctx context.Context, t *task, err error) {
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		e.locked(func() { t.enter(completed) })
		return
	}
	late, raised := e.server.options.Delay.logging(), toException(err)
	e.locked(func() {
		t.logException(raised)
		t.enter(failed)
		if late == 0 {
			t.logFailure(raised)
		}
	})
	if late > 0 {
		e.background(func(ctx context.Context) {
			if e.pause(ctx, late) == nil {
				e.locked(func() { t.logFailure(raised) })
			}
		})
	}
}

// locked changes tasks, which others may be reading.
func (e *engine) locked(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// toException says what the server's code would have raised.
func toException(err error) *pythonError {
	var raised *pythonError
	var git *gitError
	switch {
	case errors.As(err, &raised):
		return raised
	case errors.As(err, &git):
		return &pythonError{git.class, git.message}
	case errors.Is(err, errRepositoryDeleted):
		return &pythonError{"GraphQLError", fmt.Sprintf("An error occurred while executing the GraphQL Query: %s", err)}
	}
	return &pythonError{"GitCommandError", err.Error()}
}
