package mockserver

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// taskNode is a node that a task is about.
type taskNode struct{ id, kind string }

// logLine is a line in the log of a task.
type logLine struct {
	message, severity string
	at                time.Time
}

// task is one run of a workflow. It is found by its node and its branch only once it has started,
// for it is the run itself that says what it is about (infrahub.md, Importing).
type task struct {
	id, workflow, title       string
	state                     string
	branches                  []string
	nodes                     []taskNode
	created, updated, started time.Time
	parameters                any
	labels                    []string
	logs                      []logLine
}

const (
	scheduled = "SCHEDULED"
	pending   = "PENDING"
	running   = "RUNNING"
	completed = "COMPLETED"
	failed    = "FAILED"
)

// labelsOf are the tags that every run of a workflow has.
func labelsOf(workflow string) []string {
	labels := []string{"infrahub.app"}
	switch workflow {
	case "git-repository-import-object", "git-read-only-repository-import-last-commit":
		return append(labels, "infrahub.app/database-change", "infrahub.app/workflow-type/user")
	case "git-repository-add-read-only", "git-repository-add-read-write", "create-branch", "git-repository-merge":
		return append(labels, "infrahub.app/database-change", "infrahub.app/workflow-type/core")
	case "git-repository-pull-read-only", "branch-delete", "branch-merge":
		return append(labels, "infrahub.app/workflow-type/core")
	}
	return labels
}

func newTask(workflow, title string, parameters any) *task {
	now := time.Now()
	return &task{
		id: uuid.NewString(), workflow: workflow, title: title, state: scheduled, created: now, updated: now,
		parameters: parameters, labels: labelsOf(workflow),
	}
}

func (t *task) log(severity, format string, arguments ...any) {
	t.logs = append(t.logs, logLine{message: fmt.Sprintf(format, arguments...), severity: severity, at: time.Now()})
}

func (t *task) enter(state string) {
	t.state, t.updated = state, time.Now()
}

// tag tags the task with a branch and a node; the last branch is the one that shows.
func (t *task) tag(branch string, nodes ...taskNode) {
	t.branches = append(slices.DeleteFunc(t.branches, func(b string) bool { return b == branch }), branch)
	for _, each := range nodes {
		if !slices.Contains(t.nodes, each) {
			t.nodes = append(t.nodes, each)
		}
	}
}

func (t *task) branch() any {
	if len(t.branches) == 0 {
		return nil
	}
	return t.branches[len(t.branches)-1]
}

// recordDone records a workflow that the request itself carried out, and returns its id.
func (e *engine) recordDone(workflow, title, branch string, nodes ...taskNode) string {
	t := newTask(workflow, title, map[string]any{"branch": branch})
	t.started = t.created
	t.tag(branch, nodes...)
	t.enter(completed)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tasks = append(e.tasks, t)
	return t.id
}

const taskPage = 10

// listTasks answers InfrahubTask: the newest first, ten where no limit is given.
func (s *Server) listTasks(arguments map[string]any) (any, error) {
	if s.faults.hidesTasks() {
		return nil, failure{
			message: "The requested operation was not authorized", code: "PERMISSION_DENIED", status: http.StatusForbidden,
			data: map[string]any{"action": nil, "resource_kind": nil},
		}
	}
	for _, id := range stringList(arguments["ids"]) {
		if uuid.Validate(id) != nil {
			return nil, unprocessable("'%s' is not a valid task id", id)
		}
	}
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	var found []*task
	for _, t := range s.engine.tasks {
		if t.matches(arguments) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *task) int {
		return cmp.Or(b.orderTime().Compare(a.orderTime()), b.created.Compare(a.created))
	})
	if arguments["limit"] == nil {
		arguments["limit"] = int64(taskPage)
	}
	edges := []any{}
	for _, t := range pageOf(found, arguments["offset"], arguments["limit"]) {
		edges = append(edges, object{"TaskNodes", map[string]any{"node": t.object(arguments)}})
	}
	return object{"Tasks", map[string]any{"count": len(found), "edges": edges}}, nil
}

func (t *task) orderTime() time.Time {
	if t.started.IsZero() {
		return t.created
	}
	return t.started
}

func (t *task) matches(arguments map[string]any) bool {
	allowed := func(argument, held string) bool {
		wanted := stringList(arguments[argument])
		return len(wanted) == 0 || slices.Contains(wanted, held)
	}
	wanted := stringList(arguments["related_node__ids"])
	isRelated := func(n taskNode) bool { return n.id == wanted[0] } // of several the server looks at the first only
	return allowed("ids", t.id) && allowed("workflow", t.workflow) && allowed("state", t.state) &&
		(len(wanted) == 0 || slices.ContainsFunc(t.nodes, isRelated)) &&
		(arguments["branch"] == nil || slices.Contains(t.branches, fmt.Sprint(arguments["branch"])))
}

func (t *task) object(arguments map[string]any) object {
	conclusions := map[string]string{completed: "success", failed: "failure"}
	var started any
	if !t.started.IsZero() {
		started = formatTime(t.started)
	}
	tags, nodes := []any{}, []any{}
	for _, label := range t.labels {
		tags = append(tags, label)
	}
	for _, branch := range t.branches {
		tags = append(tags, "infrahub.app/branch/"+branch)
	}
	for _, n := range t.nodes {
		tags = append(tags, "infrahub.app/node/"+n.id)
		nodes = append(nodes, object{"TaskRelatedNode", map[string]any{"id": n.id, "kind": n.kind}})
	}
	return object{"TaskNode", map[string]any{
		"id": t.id, "title": t.title, "state": t.state, "conclusion": cmp.Or(conclusions[t.state], "unknown"), "progress": nil,
		"workflow": t.workflow, "branch": t.branch(), "created_at": formatTime(t.created), "updated_at": formatTime(t.updated), "start_time": started,
		"parameters": t.parameters, "tags": tags, "related_nodes": nodes, "logs": t.logObject(arguments), "error": nil,
	}}
}

func (t *task) logObject(arguments map[string]any) object {
	edges := []any{}
	for _, line := range pageOf(t.logs, arguments["log_offset"], arguments["log_limit"]) {
		edges = append(edges, object{"TaskLogNodes", map[string]any{"node": object{"TaskLog", map[string]any{
			"id": nil, "message": line.message, "severity": line.severity, "timestamp": formatTime(line.at),
		}}}})
	}
	return object{"TaskLogEdge", map[string]any{"count": len(edges), "edges": edges}}
}

// pythonError is an exception of the server's code.
type pythonError struct{ class, message string }

func (e *pythonError) Error() string { return e.message }

// quote writes a text as Python's repr does.
func quote(text string) string {
	mark := `'`
	if strings.Contains(text, `'`) && !strings.Contains(text, `"`) {
		mark = `"`
	}
	return mark + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, mark, `\`+mark).Replace(text) + mark
}

// logException writes what Prefect writes when a run raises an exception.
func (t *task) logException(e *pythonError) {
	t.log("error", "Encountered exception during execution: %s(%s)\nTraceback …", e.class, quote(e.message))
}

// logFailure writes the last line of a failed run. On a server it may come after the run's end.
func (t *task) logFailure(e *pythonError) {
	t.log("error", "Finished in state Failed(%s)", quote("Flow run encountered an exception: "+e.class+": "+e.message))
}
