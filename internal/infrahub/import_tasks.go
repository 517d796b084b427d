package infrahub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// task is one run of a workflow on the server. The zero task stands for none.
type task struct {
	ID       string
	Workflow string
	State    graphql.StateType
	Created  time.Time // by the server's clock
	Started  *time.Time
	// Model is what the task imports (infrahub-behaviour.md, Importing 21).
	Model struct {
		RepositoryID string  `json:"repository_id"`
		Branch       string  `json:"infrahub_branch_name"`
		Location     *string `json:"location"`
		Ref          *string `json:"ref"`
		Commit       *string `json:"commit"`
	}
}

func (t task) exists() bool { return t.ID != "" }

// completed reports whether the task has ended without a failure.
func (t task) completed() bool { return t.State == graphql.StateTypeCompleted }

// ended reports whether the task is in a state that it does not leave. CRASHED is none: a watchdog of the server sets it where it
// has not heard of a run for a while, and the run may go on and end (infrahub-behaviour.md, Importing 28).
func (t task) ended() bool {
	switch t.State {
	case graphql.StateTypeCompleted, graphql.StateTypeFailed, graphql.StateTypeCancelled:
		return true
	default:
		return false
	}
}

// crashed reports whether the server has not heard of the task for a while.
func (t task) crashed() bool { return t.State == graphql.StateTypeCrashed }

// isAlive reports whether the task may still run. One that has not ended after runLimit was left behind by a worker that died.
func (t task) isAlive() bool { return !t.ended() && time.Since(t.Created) < runLimit }

// runLimit is longer than a task runs that will end: 300 s for an operation that the server repeats, and as much for each import
// of the repository before it (infrahub-behaviour.md, Importing 28).
const runLimit = 15 * time.Minute

// describe returns the task's workflow, state and id for a person.
func (t task) describe() string {
	return fmt.Sprintf("%s: %s, task %s", t.Workflow, t.State, t.ID)
}

// newestCreation returns when the newest of the tasks was created, by the server's clock; the zero time if there
// is none.
func newestCreation(tasks []task) time.Time {
	var newest time.Time
	for _, t := range tasks {
		if t.Created.After(newest) {
			newest = t.Created
		}
	}
	return newest
}

// newTask converts a task of a response. Parameters that cannot be read match no expectation.
func newTask(node graphql.Task) task {
	t := task{ID: node.Id, Workflow: deref(node.Workflow)}
	if node.State != nil {
		t.State = *node.State
	}
	if created, err := time.Parse(time.RFC3339Nano, node.Created_at); err == nil {
		t.Created = created
	}
	if started, err := time.Parse(time.RFC3339Nano, deref(node.Start_time)); err == nil {
		t.Started = &started
	}
	if node.Parameters != nil {
		parameters := struct{ Model any }{&t.Model}
		_ = json.Unmarshal(*node.Parameters, &parameters)
	}
	return t
}

// poller lists the tasks for everything in the process that waits for one: one request each interval, however
// many wait.
type poller struct {
	graphql *transport
	polling Polling
	log     *slog.Logger

	first together[struct{}, []task]

	mu          sync.Mutex
	subscribers map[*subscriber]bool
	running     bool
	wake        chan struct{}
}

// subscriber waits for tasks. Its channel holds the latest list only.
type subscriber struct {
	since time.Time
	lists chan taskList
}

// taskList is the result of one request for tasks, those started last first, or the outage during which it failed.
type taskList struct {
	tasks []task
	outage
}

// outage is a time in which every request for tasks fails. The zero outage stands for none.
type outage struct {
	since time.Time
	// err is the error of the last request.
	err error
}

// note notes the result of a request that began at a time, and logs the beginning and the end of the outage.
func (o *outage) note(ctx context.Context, log *slog.Logger, began time.Time, err error) {
	switch {
	case err != nil && o.err == nil:
		o.since = began
		log.WarnContext(ctx, "The tasks of Infrahub cannot be listed", "error", err)
	case err == nil && o.err != nil:
		log.WarnContext(ctx, "The tasks of Infrahub can be listed again", "after", time.Since(o.since).Round(time.Millisecond).String())
		o.since = time.Time{}
	}
	o.err = err
}

// hopelessTimeout is how long an outage may last before a wait gives up, or decides by the repository alone.
const hopelessTimeout = time.Minute

// isLong reports whether the outage lasts longer than hopelessTimeout.
func (o outage) isLong() bool { return o.err != nil && time.Since(o.since) > hopelessTimeout }

// isHopeless reports whether the outage will not end by itself: the server refuses the account, or for a while the request was
// refused or something other than the server has responded. A server that is busy, restarting or unreachable may come back.
func (o outage) isHopeless() bool {
	return errors.Is(o.err, ErrUnauthorized) || o.isLong() && !mayEnd(o.err)
}

// mayEnd reports whether a failure may end by itself: the server, or a proxy before it, is busy, restarting or unreachable.
func mayEnd(err error) bool { return errors.Is(err, ErrBusy) || errors.Is(err, ErrUnreachable) }

func newPoller(transport *transport, polling Polling, log *slog.Logger) *poller {
	return &poller{
		graphql: transport, polling: polling, log: log,
		subscribers: map[*subscriber]bool{}, wake: make(chan struct{}, 1),
	}
}

// subscribe returns a channel of lists that reach back to since, and a function that ends the subscription. The
// poller runs only while there are subscribers.
func (p *poller) subscribe(ctx context.Context, since time.Time) (<-chan taskList, func()) {
	s := &subscriber{since: since, lists: make(chan taskList, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subscribers[s] = true
	if !p.running {
		p.running = true
		go p.run(withLowPriority(context.WithoutCancel(ctx)))
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return s.lists, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.subscribers, s)
	}
}

// run polls until there are no subscribers. The interval grows while nothing changes and returns to the shortest
// when something does.
func (p *poller) run(ctx context.Context) {
	interval := p.polling.MinInterval
	states := map[string]graphql.StateType{}
	var failing outage
	for poll := 0; ; poll++ {
		since, subscribed := p.earliestSince()
		if !subscribed {
			return
		}
		if poll%allPagesEvery != 0 {
			since = time.Now() // a task that runs or has just ended was started last, so it is on the first page
		}
		began := time.Now()
		tasks, err := p.list(ctx, since)
		failing.note(ctx, p.log, began, err)
		if updateStates(states, tasks) {
			interval = p.polling.MinInterval
		}
		p.deliver(taskList{tasks, failing})
		select {
		case <-p.wake: // by a new subscriber
			interval = p.polling.MinInterval
			time.Sleep(interval)
		case <-time.After(interval):
			interval = min(interval*3/2, p.polling.MaxInterval)
		}
	}
}

// earliestSince returns how far back the next list has to reach. If there are no subscribers it marks the poller
// as stopped, under the same lock under which subscribe starts it.
func (p *poller) earliestSince() (since time.Time, subscribed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.subscribers {
		if !subscribed || s.since.Before(since) {
			since, subscribed = s.since, true
		}
	}
	p.running = subscribed
	return since, subscribed
}

// deliver sends a list to every subscriber, in place of one that the subscriber has not received yet.
func (p *poller) deliver(list taskList) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.subscribers {
		select {
		case <-s.lists:
		default:
		}
		s.lists <- list
	}
}

// updateStates stores the states of tasks by their ids and reports whether a task is new or its state has
// changed.
func updateStates(states map[string]graphql.StateType, tasks []task) (changed bool) {
	for _, t := range tasks {
		changed = changed || states[t.ID] != t.State
		states[t.ID] = t.State
	}
	return changed
}

const (
	// tasksPerPage is how many tasks one request lists.
	tasksPerPage = 200
	// allPagesEvery is how often the poller lists all pages that it needs, instead of only the first: every fifth
	// time.
	allPagesEvery = 5
	// maxTaskPages bounds the pages of one list, so that a list without end is an error.
	maxTaskPages = 500
)

// list returns the import tasks that were created after since, and some older ones, those started last first.
func (p *poller) list(ctx context.Context, since time.Time) ([]task, error) {
	var tasks []task
	seen := map[string]bool{}
	for range maxTaskPages {
		page, err := p.page(ctx, len(tasks))
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, page...)
		if len(page) < tasksPerPage {
			return tasks, nil
		}
		if oldest := page[len(page)-1]; oldest.Started != nil && oldest.Started.Before(since) {
			return tasks, nil
		}
		listed := len(seen)
		for _, t := range page {
			seen[t.ID] = true
		}
		if len(seen) == listed {
			return nil, &Error{Operation: "Tasks", Message: fmt.Sprintf("the server lists the same tasks again at offset %d", len(tasks)-len(page)), kind: ErrNotInfrahub}
		}
	}
	return nil, &Error{Operation: "Tasks", Message: fmt.Sprintf("the list of tasks does not end after %d", len(tasks)), kind: ErrNotInfrahub}
}

// page returns one page of the import tasks of all repositories on all branches, those started last first. It
// does not ask for the tasks of one repository, because these become visible only once they have started
// (infrahub-behaviour.md, Importing 2).
func (p *poller) page(ctx context.Context, offset int) ([]task, error) {
	return p.request(ctx, nil, offset)
}

// newest returns the first page. Callers that begin together share the request and the result.
func (p *poller) newest(ctx context.Context) ([]task, error) {
	tasks, _, err := p.first.do(ctx, struct{}{}, func(ctx context.Context, _ []struct{}) ([]task, error) { return p.page(ctx, 0) })
	return tasks, err
}

// pageOf returns the import tasks of one repository on all branches that were started last.
func (p *poller) pageOf(ctx context.Context, repositoryID string) ([]task, error) {
	return p.request(ctx, []string{repositoryID}, 0)
}

func (p *poller) request(ctx context.Context, nodes []string, offset int) ([]task, error) {
	resp, err := graphql.Tasks(ctx, p.graphql, nodes, importWorkflows(), tasksPerPage, offset)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, edge := range resp.InfrahubTask.Edges {
		if edge.Node != nil {
			tasks = append(tasks, newTask(*edge.Node))
		}
	}
	return tasks, nil
}
