package mockserver

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

// engine runs workflows in the background. The tasks of one repository run one after the other in the
// order in which they were queued, because the server locks a repository. So the echo of an import may
// overlap a later change, but never undoes it.
type engine struct {
	server *Server
	worker string
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	tasks      []*task
	lastRuns   map[string]chan struct{} // by repository: closed when the last queued task has ended
	clones     map[string]*clone        // by repository; used by its running task alone
	refChanges map[string]int           // by repository: how many pairs of tasks were queued
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

// background runs a function whose context ends when the server is closed.
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

// locked changes tasks while nobody reads them.
func (e *engine) locked(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func (e *engine) log(t *task, severity, format string, arguments ...any) {
	e.locked(func() { t.log(severity, format, arguments...) })
}

// workflowRun is the work of a task, and the nodes that the task is tagged with when it starts.
type workflowRun struct {
	job   job
	nodes []taskNode
	work  func(ctx context.Context, t *task, j job) error
}

// submit queues a task behind the others of its repository and returns its id.
func (e *engine) submit(t *task, r workflowRun) string {
	e.mu.Lock()
	previous, finished := e.lastRuns[r.job.repository], make(chan struct{})
	e.lastRuns[r.job.repository] = finished
	e.tasks = append(e.tasks, t)
	t.enter(pending)
	e.mu.Unlock()
	e.background(func(ctx context.Context) {
		defer close(finished)
		e.runTask(ctx, t, previous, r)
	})
	return t.id
}

// runTask starts a task, waits for the previous one and works.
func (e *engine) runTask(ctx context.Context, t *task, previous <-chan struct{}, r workflowRun) {
	if e.pause(ctx, e.server.options.Delay.queued()+r.job.delay) != nil {
		return
	}
	e.locked(func() {
		t.log("info", "Worker '%s' submitting flow run '%s'", e.worker, t.id)
		t.log("info", "Flow run '%s' submitted to infrastructure", "tidy-"+t.id[:8])
		t.tag(r.job.branch, r.nodes...)
	})
	e.startTask(t)
	if e.server.faults.stopsTask(t.workflow) {
		return
	}
	if fault := e.server.faults.crashesTask(t.workflow); fault != nil {
		e.locked(func() { t.enter(crashed) })
		if fault.Delay == 0 || e.pause(ctx, fault.Delay) != nil {
			return
		}
	}
	if previous != nil {
		select {
		case <-previous:
		case <-ctx.Done():
			return
		}
	}
	e.finishTask(ctx, t, r.work(ctx, t, r.job))
}

// beginUnlessBusy makes the caller the last run of a repository and returns the function that ends the
// run. It returns nil if another run is unfinished.
func (e *engine) beginUnlessBusy(repository string) (finish func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if previous := e.lastRuns[repository]; previous != nil && !isClosed(previous) {
		return nil
	}
	finished := make(chan struct{})
	e.lastRuns[repository] = finished
	return func() { close(finished) }
}

// waitIdle waits until no repository has an unfinished run.
func (e *engine) waitIdle(ctx context.Context) error {
	for {
		run := e.unfinishedRun()
		if run == nil {
			return nil
		}
		select {
		case <-run:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unfinishedRun returns the channel of an unfinished run, nil if there is none.
func (e *engine) unfinishedRun() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, run := range e.lastRuns {
		if !isClosed(run) {
			return run
		}
	}
	return nil
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

func (e *engine) startTask(t *task) {
	e.locked(func() {
		t.started = time.Now()
		t.enter(running)
		t.log("info", "Beginning flow run '%s' for flow '%s'", t.title, t.workflow)
	})
}

// finishTask ends a task, unless the server was closed. The last line of a failed task's log may come later.
func (e *engine) finishTask(ctx context.Context, t *task, err error) {
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		e.locked(func() { t.enter(completed) })
		return
	}
	delay, exception := e.server.options.Delay.logging(), newPythonError(err)
	e.locked(func() {
		t.logException(exception)
		t.enter(failed)
		if delay == 0 {
			t.logFailure(exception)
		}
	})
	if delay > 0 {
		e.background(func(ctx context.Context) {
			if e.pause(ctx, delay) == nil {
				e.locked(func() { t.logFailure(exception) })
			}
		})
	}
}
