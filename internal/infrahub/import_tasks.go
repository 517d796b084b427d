package infrahub

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// task is one run of a workflow on the server.
type task struct {
	ID       string
	Workflow string
	State    graphql.StateType
	Created  time.Time // by the server's clock
	Started  *time.Time
	Model    struct {
		RepositoryID string  `json:"repository_id"`
		Branch       string  `json:"infrahub_branch_name"`
		Location     *string `json:"location"`
		Ref          *string `json:"ref"`
		Commit       *string `json:"commit"`
	}
}

// ended reports whether a task is in a state that it does not leave.
func (t task) ended() bool {
	switch t.State {
	case graphql.StateTypeCompleted, graphql.StateTypeFailed, graphql.StateTypeCancelled, graphql.StateTypeCrashed:
		return true
	default:
		return false
	}
}

// poller reads the list of tasks for everything in the process that waits for one: one request an
// interval, whatever their number.
type poller struct {
	graphql *transport
	polling Polling
	log     *slog.Logger

	mu      sync.Mutex
	waiting map[*subscription]bool
	running bool
	wake    chan struct{}
}

// subscription is one waiter. Its channel holds the latest list only.
type subscription struct {
	since time.Time
	lists chan taskList
}

// taskList is one answer, newest tasks first, or why there is none.
type taskList struct {
	tasks []task
	err   error
}

func newPoller(transport *transport, polling Polling, log *slog.Logger) *poller {
	return &poller{
		graphql: transport, polling: polling, log: log,
		waiting: map[*subscription]bool{}, wake: make(chan struct{}, 1),
	}
}

// subscribe makes the poller deliver lists that reach back to since, until the returned function is
// called. The poller runs while there is a subscriber, and no longer.
func (p *poller) subscribe(ctx context.Context, since time.Time) (<-chan taskList, func()) {
	s := &subscription{since: since, lists: make(chan taskList, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[s] = true
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
		delete(p.waiting, s)
	}
}

// run asks until nobody waits. The interval grows while nothing changes and is the shortest again as
// soon as something does.
func (p *poller) run(ctx context.Context) {
	interval := p.polling.MinInterval
	states := map[string]graphql.StateType{}
	for poll := 0; ; poll++ {
		since, waiting := p.earliest()
		if !waiting {
			return
		}
		if poll%wholeListEvery != 0 {
			since = time.Now() // what runs, or has just ended, is on the first page: it was started last
		}
		tasks, err := p.list(ctx, since)
		if err != nil {
			p.log.DebugContext(ctx, "The tasks could not be listed", "error", err)
		}
		if changed(states, tasks) {
			interval = p.polling.MinInterval
		}
		p.deliver(taskList{tasks, err})
		select {
		case <-p.wake: // somebody new waits
			interval = p.polling.MinInterval
			time.Sleep(interval)
		case <-time.After(interval):
			interval = min(interval*3/2, p.polling.MaxInterval)
		}
	}
}

// earliest is how far back the next list must reach. Nobody waiting ends the poller, under the same
// lock under which subscribe starts it.
func (p *poller) earliest() (since time.Time, waiting bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.waiting {
		if !waiting || s.since.Before(since) {
			since, waiting = s.since, true
		}
	}
	p.running = waiting
	return since, waiting
}

func (p *poller) deliver(list taskList) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.waiting {
		select {
		case <-s.lists: // nobody took the one before
		default:
		}
		s.lists <- list
	}
}

// changed updates states and reports whether a task is new or in another state.
func changed(states map[string]graphql.StateType, tasks []task) bool {
	changed := false
	for _, t := range tasks {
		changed = changed || states[t.ID] != t.State
		states[t.ID] = t.State
	}
	return changed
}

// newest is when the newest of these tasks was created, by the server's clock.
func newest(tasks []task) time.Time {
	var newest time.Time
	for _, t := range tasks {
		if t.Created.After(newest) {
			newest = t.Created
		}
	}
	return newest
}

// list returns the import tasks that were created after since, and some older ones. The server lists
// them by when they were started, latest first.
func (p *poller) list(ctx context.Context, since time.Time) ([]task, error) {
	var tasks []task
	for {
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
	}
}

const (
	// tasksPerPage is as many as the server gives at once.
	tasksPerPage = 200
	// wholeListEvery is how often all pages are asked for, instead of the first alone.
	wholeListEvery = 5
)

func (p *poller) page(ctx context.Context, offset int) ([]task, error) {
	workflows := []string{addReadOnly, addReadWrite, pullReadOnly, importLastCommit, importObjects}
	answer, err := graphql.Tasks(ctx, p.graphql, workflows, tasksPerPage, offset)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, edge := range answer.InfrahubTask.Edges {
		if edge.Node != nil {
			tasks = append(tasks, newTask(*edge.Node))
		}
	}
	return tasks, nil
}

// newTask maps an answer. What cannot be read of its parameters matches no expectation.
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
