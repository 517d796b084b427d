package mockserver

import (
	"context"
	"maps"
	"time"
)

// job is what a queued Git workflow is given: a snapshot of a repository on a branch.
type job struct {
	kind                       *kind
	repository, name, location string
	ref                        string // for a read-write repository its default branch
	commit                     string // "" if the workflow resolves ref
	internalStatus             string
	branch, branchID           string
	delay                      time.Duration // how much later than usual the task starts
}

func newJob(b *branch, n *node) job {
	j := job{
		kind: n.kind, repository: n.id, name: n.text("name"), location: n.text("location"), ref: n.text(n.kind.ref),
		internalStatus: n.text("internal_status"), branch: b.name, branchID: b.id,
	}
	if !j.readOnly() && j.ref == "" {
		j.ref = mainBranch // infrahub-behaviour.md, Importing 30
	}
	return j
}

func (j job) readOnly() bool { return j.kind.name == readOnlyRepositoryKind }

// delayed returns the job with another delay.
func (j job) delayed(delay time.Duration) job { j.delay = delay; return j }

func (j job) taskNode() taskNode { return taskNode{j.repository, j.kind.name} }

// parameters returns the parameters of a task (infrahub-behaviour.md, Importing 21).
func (j job) parameters(extra map[string]any) map[string]any {
	model := map[string]any{"repository_id": j.repository, "repository_name": j.name, "infrahub_branch_name": j.branch}
	maps.Copy(model, extra)
	return map[string]any{"model": model}
}

// queue queues a task that is tagged with its repository when it starts, and returns its id.
func (e *engine) queue(t *task, j job, work func(ctx context.Context, t *task, j job) error) string {
	return e.submit(t, workflowRun{job: j, nodes: []taskNode{j.taskNode()}, work: work})
}

// queueAdd queues the first import of a new repository.
func (e *engine) queueAdd(j job) {
	workflow, title, refParameter := workflowAddReadWrite, "Adding repository ", "default_branch_name"
	if j.readOnly() {
		workflow, title, refParameter = workflowAddReadOnly, "Adding read only repository ", "ref"
	}
	j.delay = e.server.faults.taskDelay(workflow)
	t := newTask(workflow, title+j.name+" in branch "+j.branch, j.parameters(map[string]any{
		"location": j.location, "infrahub_branch_id": j.branchID, "internal_status": j.internalStatus, "created_by": e.server.sessions.account,
		refParameter: j.ref,
	}))
	e.queue(t, j, e.addRepository)
}

// queueRefChange queues the two tasks that a changed ref or commit of a read-only repository starts. On a
// real server they run in either order (infrahub-behaviour.md, Importing 6): here the pull is first every third
// time, but a task with a delay is last.
func (e *engine) queueRefChange(j job, commit string) {
	e.mu.Lock()
	e.refChanges[j.repository]++
	pullFirst := e.refChanges[j.repository]%3 == 0
	e.mu.Unlock()
	importLast, pull := j.delayed(e.server.faults.taskDelay(workflowImportLast)), j.delayed(e.server.faults.taskDelay(workflowPull))
	pull.commit = commit
	if pullFirst && pull.delay == 0 || importLast.delay > pull.delay {
		e.queuePull(pull)
		e.queueImportLast(importLast)
		return
	}
	e.queueImportLast(importLast)
	e.queuePull(pull)
}

// queuePull queues the import of the job's commit or, without one, of the current commit of its ref.
func (e *engine) queuePull(j job) {
	var commit any
	if j.commit != "" {
		commit = j.commit
	}
	e.queue(newTask(workflowPull, "Pull latest commit on "+j.name, j.parameters(map[string]any{
		"location": j.location, "ref": j.ref, "commit": commit, "infrahub_branch_id": j.branchID,
	})), j, e.pullReadOnly)
}

// queueImportLast queues the import of the last commit of the ref, and returns the task's id.
func (e *engine) queueImportLast(j job) string {
	return e.queue(newTask(workflowImportLast, "Import last commit from read only git repository", j.parameters(map[string]any{
		"ref": j.ref, "repository_kind": j.kind.name,
	})), j, e.importLastCommit)
}

// queueReimport queues another import of the node's commit, and returns the task's id. The task gets the tag
// of its repository only when the import begins.
func (e *engine) queueReimport(j job) string {
	t := newTask(workflowReimport, "Import objects from git repository", j.parameters(map[string]any{
		"commit": j.commit, "repository_kind": j.kind.name,
	}))
	return e.submit(t, workflowRun{job: j.delayed(e.server.faults.taskDelay(workflowReimport)), work: e.reimport})
}
