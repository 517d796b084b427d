package mockserver

import (
	"context"
	"errors"
	"fmt"
)

// addRepository clones a repository, records its commit and imports it: a read-only repository in a
// sub-task, a read-write repository in this task, followed by the other branches of the remote.
func (e *engine) addRepository(ctx context.Context, t *task, j job) error {
	c, commit, err := e.cloneRef(ctx, j)
	if err != nil {
		return err
	}
	e.log(t, "info", "Created new repository locally: %s", j.name)
	if err := e.writeCommit(ctx, j, commit); err != nil {
		return err
	}
	if j.readOnly() {
		err = e.importInSubtask(ctx, j, c, commit, nil)
	} else {
		err = e.importCommit(ctx, t, j, c, commit)
	}
	switch {
	case err != nil || j.internalStatus != "active":
		return err
	case j.readOnly() && j.ref == "": // infrahub-behaviour.md, Importing 31
		_, err = e.fetchCommit(ctx, t, j, c, "refs ('origin/', '')")
		return err
	case j.readOnly():
		return e.syncFromRemote(ctx, j, c, commit)
	}
	return e.syncBranches(ctx, t, j, c)
}

// pullReadOnly imports the job's commit or, without one, the current commit of its ref.
func (e *engine) pullReadOnly(ctx context.Context, t *task, j job) error {
	c, err := e.openClone(ctx, j, j.location)
	if err != nil {
		var commit string
		if c, commit, err = e.cloneRef(ctx, j); err != nil {
			return err
		}
		if err := e.writeCommit(ctx, j, commit); err != nil {
			return err
		}
	}
	commit := j.commit
	if commit == "" {
		if commit, err = e.fetchCommit(ctx, t, j, c, fmt.Sprintf("refs ('origin/%s', '%s')", j.ref, j.ref)); err != nil {
			return err
		}
	}
	if err := e.importInSubtask(ctx, j, c, commit, commit); err != nil {
		return err
	}
	return e.syncFromRemote(ctx, j, c, commit)
}

// importLastCommit records the current commit of the ref. It imports the commit only if the clone has not
// checked it out.
func (e *engine) importLastCommit(ctx context.Context, t *task, j job) error {
	c, err := e.openClone(ctx, j, "")
	if err != nil {
		return err
	}
	commit, err := e.fetchCommit(ctx, t, j, c, "ref "+j.ref)
	if err != nil {
		return err
	}
	if c.tagsMoved() { // unlike a pull, this workflow fetches tags (infrahub-behaviour.md, Importing 15)
		return &pythonError{"GitCommandError", "Cmd('git') failed due to: exit code(1)\n  cmdline: git fetch -v --prune --tags --prune-tags -- origin"}
	}
	known := c.checkedOut(j.ref) == commit
	if err := e.syncFromRemote(ctx, j, c, commit); err != nil || !known {
		return err
	}
	return e.writeCommit(ctx, j, commit)
}

// reimport imports the job's commit again.
func (e *engine) reimport(ctx context.Context, t *task, j job) error {
	c, err := e.openClone(ctx, j, "")
	if err != nil {
		return err
	}
	if err := e.pause(ctx, e.server.options.Delay.writing()); err != nil {
		return err
	}
	return e.importCommit(ctx, t, j, c, j.commit)
}

// fetchCommit fetches and returns the current commit of the ref. What names the ref in the task's log.
func (e *engine) fetchCommit(ctx context.Context, t *task, j job, c *clone, what string) (string, error) {
	if err := e.pause(ctx, e.server.options.Delay.git()); err != nil {
		return "", err
	}
	if err := c.fetch(ctx, e.server.remote(j.repository, c.url)); err != nil {
		return "", newGitError(err, j.name, c.url, "", lsRemote)
	}
	commit, err := c.resolve(j.ref)
	if err != nil {
		e.log(t, "error", "No object found for %s on repository %s", what, j.name)
		return "", &pythonError{"ValueError", fmt.Sprintf("Ref %s not found.", j.ref)}
	}
	return commit, nil
}

// syncFromRemote sets the node online. Before that it imports and records the commit, unless the clone has
// checked it out.
func (e *engine) syncFromRemote(ctx context.Context, j job, c *clone, commit string) error {
	if c.checkedOut(j.ref) != commit {
		if err := e.importInSubtask(ctx, j, c, commit, commit); err != nil {
			return err
		}
		if err := e.writeCommit(ctx, j, commit); err != nil {
			return err
		}
	}
	return e.writeAttribute(ctx, j, "operational_status", "online")
}

// importInSubtask imports a commit in a task of its own, which is visible from its start. The parameter
// is the commit in the task's parameters.
func (e *engine) importInSubtask(ctx context.Context, j job, c *clone, commit string, parameter any) error {
	t := newTask(workflowImportObjects, "Import objects", map[string]any{
		"commit": parameter, "git_branch_name": nil, "infrahub_branch_name": j.branch,
	})
	e.locked(func() {
		t.started = t.created
		t.tag(j.branch, j.taskNode())
		t.enter(running)
		t.log("info", "Beginning subflow run '%s' for flow '%s'", t.title, t.workflow)
		e.tasks = append(e.tasks, t)
	})
	err := e.importCommit(ctx, t, j, c, commit)
	e.finishTask(ctx, t, err)
	return err
}

// importCommit reads the configuration of a commit, imports its objects and sets sync_status.
func (e *engine) importCommit(ctx context.Context, t *task, j job, c *clone, commit string) error {
	e.locked(func() { t.tag(j.branch, j.taskNode()) })
	if _, err := c.resolve(commit); err != nil {
		return &pythonError{"CommitNotFoundError", fmt.Sprintf("Commit %s not found with GitRepository '%s'.", commit, j.name)}
	}
	if err := e.writeAttribute(ctx, j, "sync_status", "syncing"); err != nil {
		return err
	}
	objects, err := e.readObjects(t, j, c, commit)
	if canceled := e.pause(ctx, e.server.options.Delay.importing()); canceled != nil {
		return canceled
	}
	if err == nil {
		err = e.server.storeObjects(j, objects, func(format string, arguments ...any) { e.log(t, "info", format, arguments...) })
	}
	status := "in-sync"
	if err != nil {
		status = "error-import"
	}
	return errors.Join(err, e.writeAttribute(ctx, j, "sync_status", status))
}

// writeAttribute sets one attribute of the repository's node.
func (e *engine) writeAttribute(ctx context.Context, j job, name, to string) error {
	return e.writeNode(ctx, j, func(n *node) {
		if n.values[name].content != to {
			n.set(name, to, false)
		}
	})
}

// writeCommit records the commit of a repository. A changed commit of a read-only repository queues the same
// pair of tasks once more, the echo (infrahub-behaviour.md, Importing 7). A job with a commit comes from a
// node that had that commit: if the node has another commit by now, that one is newer and stays.
func (e *engine) writeCommit(ctx context.Context, j job, commit string) error {
	var changed *node
	err := e.writeNode(ctx, j, func(n *node) {
		stale := j.readOnly() && j.commit != ""
		if stale || n.text("commit") == commit {
			return
		}
		n.set("commit", commit, false)
		changed = n.clone()
	})
	if err == nil && changed != nil && j.readOnly() {
		e.queueRefChange(newJob(&branch{name: j.branch, id: j.branchID}, changed), commit)
	}
	return err
}

func (e *engine) writeNode(ctx context.Context, j job, edit func(n *node)) error {
	if err := e.pause(ctx, e.server.options.Delay.writing()); err != nil {
		return err
	}
	e.server.options.BeforeChange(j.branch, j.repository)
	if !e.server.store.change(j.branch, j.repository, edit) {
		return errRepositoryDeleted
	}
	return nil
}
