package mockserver

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// The workflows that the mock server runs (infrahub-behaviour.md, Importing 3).
const (
	workflowAddReadOnly     = "git-repository-add-read-only"
	workflowAddReadWrite    = "git-repository-add-read-write"
	workflowPull            = "git-repository-pull-read-only"
	workflowImportLast      = "git-read-only-repository-import-last-commit"
	workflowReimport        = "git-repository-import-object"
	workflowImportObjects   = "import-object-from-file"
	workflowSync            = "sync-git-repo-with-origin"
	workflowSyncAll         = "git_repositories_sync"
	workflowMergeRepository = "git-repository-merge"
	workflowCreateBranch    = "create-branch"
	workflowDeleteBranch    = "branch-delete"
	workflowMergeBranch     = "branch-merge"
	workflowMerged          = "branch-merged"
	workflowRebaseBranch    = "branch-rebase"
	workflowValidateBranch  = "branch-validate"

	workflowGenerators            = "proposed-changed-run-generator"
	workflowDataIntegrity         = "proposed-changed-data-integrity"
	workflowSchemaIntegrity       = "proposed-changed-schema-integrity"
	workflowUserTests             = "proposed-changed-user-tests"
	workflowArtifacts             = "proposed-changed-refresh-artifacts"
	workflowRepositoryChecks      = "proposed-changed-repository-checks"
	workflowInternalChecks        = "git-repository-trigger-internal-checks"
	workflowMergeConflicts        = "git-repository-check-merge-conflict"
	workflowUserChecks            = "git-repository-trigger-user-checks"
	workflowUserChecksDefinitions = "git-repository-user-checks-definition-trigger"
	workflowUserCheck             = "git-repository-run-user-check"
	workflowMergeProposedChange   = "proposed-change-merge"
)

// workflowLabels returns the tags that every task of a workflow has.
func workflowLabels(workflow string) []string {
	labels := []string{"infrahub.app"}
	switch workflow {
	case workflowReimport, workflowImportLast:
		return append(labels, "infrahub.app/database-change", "infrahub.app/workflow-type/user")
	case workflowAddReadOnly, workflowAddReadWrite, workflowCreateBranch, workflowMergeRepository, workflowRebaseBranch, workflowMerged:
		return append(labels, "infrahub.app/database-change", "infrahub.app/workflow-type/core")
	case workflowPull, workflowDeleteBranch, workflowMergeBranch, workflowValidateBranch:
		return append(labels, "infrahub.app/workflow-type/core")
	}
	return labels
}

// The states of a task.
const (
	scheduled = "SCHEDULED"
	pending   = "PENDING"
	running   = "RUNNING"
	completed = "COMPLETED"
	failed    = "FAILED"
	crashed   = "CRASHED"
)

// task is one run of a workflow. Branches and nodes are tags that it sets when it starts, so a query for
// its branch or node finds it only then (infrahub-behaviour.md, Importing 2).
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

// taskNode is a node that a task is tagged with.
type taskNode struct{ id, kind string }

// logLine is a line in the log of a task.
type logLine struct {
	message, severity string
	at                time.Time
}

func newTask(workflow, title string, parameters any) *task {
	now := time.Now()
	return &task{
		id: uuid.NewString(), workflow: workflow, title: title, state: scheduled, created: now, updated: now,
		parameters: parameters, labels: workflowLabels(workflow),
	}
}

func (t *task) log(severity, format string, arguments ...any) {
	t.logs = append(t.logs, logLine{message: fmt.Sprintf(format, arguments...), severity: severity, at: time.Now()})
}

func (t *task) enter(state string) {
	t.state, t.updated = state, time.Now()
}

func (t *task) hasEnded() bool {
	return t.state == completed || t.state == failed || t.state == crashed
}

// tag tags the task with a branch, unless it is "", and with nodes.
func (t *task) tag(branch string, nodes ...taskNode) {
	if branch != "" {
		t.branches = append(slices.DeleteFunc(t.branches, func(b string) bool { return b == branch }), branch)
	}
	for _, n := range nodes {
		if !slices.Contains(t.nodes, n) {
			t.nodes = append(t.nodes, n)
		}
	}
}

// branch returns the last branch tag (infrahub-behaviour.md, Importing 23), nil if there is none.
func (t *task) branch() any {
	if len(t.branches) == 0 {
		return nil
	}
	return t.branches[len(t.branches)-1]
}

// recordDone records a task of a workflow that the request itself has carried out, and returns its id.
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

// purge removes, in the background, the tasks of a deleted branch that have ended (infrahub-behaviour.md, Branches 17).
func (e *engine) purge(branch string) {
	deleted := time.Now()
	e.background(func(ctx context.Context) {
		if e.pause(ctx, e.server.options.Delay.queued()) != nil {
			return
		}
		e.locked(func() {
			e.tasks = slices.DeleteFunc(e.tasks, func(t *task) bool {
				return t.hasEnded() && t.created.Before(deleted) && slices.Contains(t.branches, branch)
			})
		})
	})
}

const defaultTaskLimit = 10

// listTasks answers the query InfrahubTask: the newest task first.
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
	var tasks []*task
	for _, t := range s.engine.tasks {
		if t.matches(arguments) {
			tasks = append(tasks, t)
		}
	}
	slices.SortStableFunc(tasks, func(a, b *task) int {
		return cmp.Or(b.startedOrCreated().Compare(a.startedOrCreated()), b.created.Compare(a.created))
	})
	if arguments["limit"] == nil {
		arguments["limit"] = int64(defaultTaskLimit)
	}
	edges := []any{}
	for _, t := range pageOf(tasks, arguments["offset"], arguments["limit"]) {
		edges = append(edges, object{"TaskNodes", map[string]any{"node": t.object(arguments)}})
	}
	return object{"Tasks", map[string]any{"count": len(tasks), "edges": edges}}, nil
}

func (t *task) startedOrCreated() time.Time {
	if t.started.IsZero() {
		return t.created
	}
	return t.started
}

// matches reports whether the task passes the filters of a query.
func (t *task) matches(arguments map[string]any) bool {
	passes := func(argument, value string) bool {
		wanted := stringList(arguments[argument])
		return len(wanted) == 0 || slices.Contains(wanted, value)
	}
	related := stringList(arguments["related_node__ids"])
	isRelated := func(n taskNode) bool { return n.id == related[0] } // not the others (infrahub-behaviour.md, Importing 2)
	return passes("ids", t.id) && passes("workflow", t.workflow) && passes("state", t.state) &&
		(len(related) == 0 || slices.ContainsFunc(t.nodes, isRelated)) &&
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
