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

	mu     sync.Mutex
	closed bool
	tasks  []*task
	turns  map[string]chan struct{} // by repository: closed when the last submitted run is over
	clones map[string]*clone        // by repository; touched by the run whose turn it is
	bumps  map[string]int           // by repository: how many pairs were submitted
}

func newEngine(s *Server) *engine {
	e := &engine{
		server: s, worker: "InfrahubWorkerAsync " + uuid.NewString(),
		turns: map[string]chan struct{}{}, clones: map[string]*clone{}, bumps: map[string]int{},
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

// run is a workflow on a repository: what it says of itself at its start, its work, and how much later
// than usual it starts.
type run struct {
	before func(t *task)
	work   func(ctx context.Context, t *task) error
	late   time.Duration
}

// submit queues a task behind the others of its repository and returns its id.
func (e *engine) submit(t *task, repository string, r run) string {
	e.mu.Lock()
	before, after := e.turns[repository], make(chan struct{})
	e.turns[repository] = after
	e.tasks = append(e.tasks, t)
	t.enter(pending)
	e.mu.Unlock()
	e.background(func(ctx context.Context) {
		defer close(after)
		e.perform(ctx, t, before, r)
	})
	return t.id
}

// idle waits until no repository has a run that waits or works.
func (e *engine) idle(ctx context.Context) error {
	for {
		open := e.open()
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

// open returns a turn that is not over, nil if there is none.
func (e *engine) open() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, turn := range e.turns {
		select {
		case <-turn:
		default:
			return turn
		}
	}
	return nil
}

// perform starts a task, waits for its turn and works.
func (e *engine) perform(ctx context.Context, t *task, before <-chan struct{}, r run) {
	if e.pause(ctx, e.server.options.Delay.queued()+r.late) != nil {
		return
	}
	e.with(func() {
		t.log("info", "Worker '%s' submitting flow run '%s'", e.worker, t.id)
		t.log("info", "Flow run '%s' submitted to infrastructure", "tidy-"+t.id[:8])
		r.before(t)
	})
	e.start(t)
	if e.server.faults.stuck(t.workflow) {
		return
	}
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
			return
		}
	}
	e.finish(ctx, t, r.work(ctx, t))
}

func (e *engine) start(t *task) {
	e.with(func() {
		t.started = time.Now()
		t.enter(running)
		t.log("info", "Beginning flow run '%s' for flow '%s'", t.title, t.workflow)
	})
}

// finish ends a task; one that the server's end interrupts stays as it is.
func (e *engine) finish(ctx context.Context, t *task, err error) {
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		e.with(func() { t.enter(completed) })
		return
	}
	late, raised := e.server.options.Delay.logging(), exception(err)
	e.with(func() {
		t.logException(raised)
		t.enter(failed)
		if late == 0 {
			t.logFailure(raised)
		}
	})
	if late > 0 {
		e.background(func(ctx context.Context) {
			if e.pause(ctx, late) == nil {
				e.with(func() { t.logFailure(raised) })
			}
		})
	}
}

// with changes tasks, which others may be reading.
func (e *engine) with(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// exception says what the server's code would have raised.
func exception(err error) *pythonError {
	var raised *pythonError
	var git *gitError
	switch {
	case errors.As(err, &raised):
		return raised
	case errors.As(err, &git):
		return &pythonError{git.class, git.message}
	case errors.Is(err, errGone):
		return &pythonError{"GraphQLError", fmt.Sprintf("An error occurred while executing the GraphQL Query: %s", err)}
	}
	return &pythonError{"GitCommandError", err.Error()}
}
