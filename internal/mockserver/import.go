package mockserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The parameters of tasks, as the server's models are written out.

func (j job) parameters(extra map[string]any) map[string]any {
	model := map[string]any{"repository_id": j.repository, "repository_name": j.name, "infrahub_branch_name": j.branch}
	maps.Copy(model, extra)
	return map[string]any{"model": model}
}

func (j job) taskNode() taskNode { return taskNode{j.repository, j.kind} }

// queueAdd queues the first import of a new repository.
func (e *engine) queueAdd(j job) {
	extra := map[string]any{
		"location": j.location, "infrahub_branch_id": j.branchID, "internal_status": j.internalStatus, "created_by": e.server.sessions.account,
	}
	if j.kind == "CoreReadOnlyRepository" {
		j.late, extra["ref"] = e.server.faults.taskDelay("git-repository-add-read-only"), j.ref
		t := newTask("git-repository-add-read-only", "Adding read only repository "+j.name+" in branch "+j.branch, j.parameters(extra))
		e.submit(t, j.repository, e.taggedRun(j, func(ctx context.Context, t *task) error { return e.addReadOnly(ctx, t, j) }))
		return
	}
	j.late, extra["default_branch_name"] = e.server.faults.taskDelay("git-repository-add-read-write"), j.ref
	t := newTask("git-repository-add-read-write", "Adding repository "+j.name+" in branch "+j.branch, j.parameters(extra))
	e.submit(t, j.repository, e.taggedRun(j, func(ctx context.Context, t *task) error { return e.addReadWrite(ctx, t, j) }))
}

const (
	pullWorkflow       = "git-repository-pull-read-only"
	importLastWorkflow = "git-read-only-repository-import-last-commit"
)

// queueRefChange queues the pair that a new ref or commit of a read-only repository starts. Either may come
// first; here they take turns (infrahub.md, Importing), but one that is late comes last.
func (e *engine) queueRefChange(j job, commit string) {
	e.mu.Lock()
	e.refChanges[j.repository]++
	pullFirst := e.refChanges[j.repository]%3 == 0
	e.mu.Unlock()
	last, told := j.delayed(e.server.faults.taskDelay(importLastWorkflow)), j.delayed(e.server.faults.taskDelay(pullWorkflow))
	told.commit = commit
	if pullFirst && told.late == 0 || last.late > told.late {
		e.queuePull(told)
		e.queueImportLast(last)
		return
	}
	e.queueImportLast(last)
	e.queuePull(told)
}

// delayed is a job that starts later than usual.
func (j job) delayed(late time.Duration) job { j.late = late; return j }

func (e *engine) queuePull(j job) {
	extra := map[string]any{"location": j.location, "ref": j.ref, "commit": nil, "infrahub_branch_id": j.branchID}
	if j.commit != "" {
		extra["commit"] = j.commit
	}
	t := newTask(pullWorkflow, "Pull latest commit on "+j.name, j.parameters(extra))
	e.submit(t, j.repository, e.taggedRun(j, func(ctx context.Context, t *task) error { return e.pullReadOnly(ctx, t, j) }))
}

// queueImportLast queues the import of what the ref stands for now, and returns the task's id.
func (e *engine) queueImportLast(j job) string {
	t := newTask(importLastWorkflow, "Import last commit from read only git repository",
		j.parameters(map[string]any{"ref": j.ref, "repository_kind": j.kind}))
	return e.submit(t, j.repository, e.taggedRun(j, func(ctx context.Context, t *task) error { return e.importLastCommit(ctx, t, j) }))
}

// queueReimport queues the import of the commit that the node has, and returns the task's id. It is
// the one workflow that does not say at its start which node it is about.
func (e *engine) queueReimport(j job) string {
	t := newTask("git-repository-import-object", "Import objects from git repository",
		j.parameters(map[string]any{"commit": j.commit, "repository_kind": j.kind}))
	late := e.server.faults.taskDelay(t.workflow)
	return e.submit(t, j.repository, workflowRun{before: func(t *task) { t.tag(j.branch) }, late: late, work: func(ctx context.Context, t *task) error {
		c, err := e.openClone(ctx, j, "")
		if err != nil {
			return err
		}
		if err := e.pause(ctx, e.server.options.Delay.writing()); err != nil {
			return err
		}
		return e.importCommit(ctx, t, j, c, j.commit)
	}})
}

// taggedRun is the work of a workflow that says at its start what it is about.
func (e *engine) taggedRun(j job, work func(ctx context.Context, t *task) error) workflowRun {
	return workflowRun{before: func(t *task) { t.tag(j.branch, j.taskNode()) }, work: work, late: j.late}
}

// addReadOnly clones, records the commit (which queues the echo), imports and goes online.
func (e *engine) addReadOnly(ctx context.Context, t *task, j job) error {
	c, err := e.cloneAnew(ctx, j)
	if err != nil {
		return err
	}
	commit, err := c.resolve(j.ref)
	if err != nil {
		return err
	}
	e.locked(func() { t.log("info", "Created new repository locally: %s", j.name) })
	if err := e.writeCommit(ctx, j, commit); err != nil {
		return err
	}
	if err := e.importInSubtask(ctx, j, c, commit, nil); err != nil {
		return err
	}
	if j.internalStatus != "active" {
		return nil
	}
	return e.syncFromRemote(ctx, j, c, commit)
}

// pullReadOnly imports what it was told, or what the ref stands for now.
func (e *engine) pullReadOnly(ctx context.Context, t *task, j job) error {
	c, err := e.openClone(ctx, j, j.location)
	if err != nil {
		if c, err = e.cloneAnew(ctx, j); err != nil {
			return err
		}
		commit, err := c.resolve(j.ref)
		if err != nil {
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

// importLastCommit records the commit of the ref; it imports only what the clone has not checked out.
func (e *engine) importLastCommit(ctx context.Context, t *task, j job) error {
	c, err := e.openClone(ctx, j, "")
	if err != nil {
		return err
	}
	commit, err := e.fetchCommit(ctx, t, j, c, "ref "+j.ref)
	if err != nil {
		return err
	}
	if c.tagsMoved() { // it fetches tags, too, which a pull does not
		return &pythonError{"GitCommandError", "Cmd('git') failed due to: exit code(1)\n  cmdline: git fetch -v --prune --tags --prune-tags -- origin"}
	}
	known := c.checkedOut(j.ref) == commit
	if err := e.syncFromRemote(ctx, j, c, commit); err != nil || !known {
		return err
	}
	return e.writeCommit(ctx, j, commit)
}

// fetchCommit fetches and returns what the ref of a repository stands for now.
func (e *engine) fetchCommit(ctx context.Context, t *task, j job, c *clone, what string) (string, error) {
	if err := e.pause(ctx, e.server.options.Delay.git()); err != nil {
		return "", err
	}
	if err := c.fetch(ctx, e.server.remote(j.repository, c.url)); err != nil {
		return "", fmt.Errorf("Cmd('git') failed due to: exit code(128)\n  cmdline: git fetch -v -- origin\n  stderr: '%w'", newGitError(err, j.name, c.url, "", lsRemote))
	}
	commit, err := c.resolve(j.ref)
	if err != nil {
		e.locked(func() { t.log("error", "No object found for %s on repository %s", what, j.name) })
		return "", &pythonError{"ValueError", fmt.Sprintf("Ref %s not found.", j.ref)}
	}
	return commit, nil
}

// syncFromRemote imports and records a commit, unless the clone has it checked out: then the node
// keeps the commit that it has, and only goes online.
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

// cloneAnew makes the local copy anew, and says on the node if it cannot.
func (e *engine) cloneAnew(ctx context.Context, j job) (*clone, error) {
	if err := e.pause(ctx, e.server.options.Delay.git()); err != nil {
		return nil, err
	}
	c, err := newClone(ctx, e.server.remote(j.repository, j.location), j.ref)
	if c != nil {
		e.setClone(j.repository, c)
	}
	if failed := newGitError(err, j.name, j.location, j.ref, gitClone); failed != nil {
		return nil, errors.Join(failed, e.writeAttribute(ctx, j, "operational_status", failed.operational))
	}
	return c, nil
}

// openClone returns the local copy, made if there is none. A known location that is not the copy's is
// fetched from; where its tags differ that is refused, and the caller clones.
func (e *engine) openClone(ctx context.Context, j job, location string) (*clone, error) {
	c := e.clone(j.repository)
	if c == nil {
		return e.cloneAnew(ctx, j)
	}
	if location == "" || location == c.url {
		return c, nil
	}
	if err := e.pause(ctx, e.server.options.Delay.git()); err != nil {
		return nil, err
	}
	err := c.fetch(ctx, e.server.remote(j.repository, location))
	c.url = location
	failed := newGitError(err, j.name, location, "", lsRemote)
	if failed == nil && c.tagsMoved() {
		failed = &gitError{"RepositoryError", "\n  stderr: ' ! [rejected] (would clobber existing tag)'", "error"}
	}
	if failed != nil {
		return nil, errors.Join(failed, e.writeAttribute(ctx, j, "operational_status", failed.operational))
	}
	return c, e.writeAttribute(ctx, j, "operational_status", "online")
}

func (e *engine) clone(repository string) *clone {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clones[repository]
}

func (e *engine) setClone(repository string, c *clone) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clones[repository] = c
}

// writeAttribute sets one attribute of the node.
func (e *engine) writeAttribute(ctx context.Context, j job, name, to string) error {
	if err := e.pause(ctx, e.server.options.Delay.writing()); err != nil {
		return err
	}
	e.server.options.BeforeChange(j.branch, j.repository)
	if !e.server.store.change(j.branch, j.repository, func(n *node) {
		if n.values[name].content != to {
			n.set(name, to, false)
		}
	}) {
		return errRepositoryDeleted
	}
	return nil
}

// writeCommit records the commit of a repository. That is an update like any other: where it changes
// a read-only repository, the same pair is queued once more, the echo (infrahub.md, Importing). A pull
// that was told its commit found the node with it; if the node has another by now, it is a newer one.
func (e *engine) writeCommit(ctx context.Context, j job, commit string) error {
	if err := e.pause(ctx, e.server.options.Delay.writing()); err != nil {
		return err
	}
	e.server.options.BeforeChange(j.branch, j.repository)
	var echo *node
	if !e.server.store.change(j.branch, j.repository, func(n *node) {
		stale := j.kind == "CoreReadOnlyRepository" && j.commit != ""
		if stale || n.text("commit") == commit {
			return
		}
		n.set("commit", commit, false)
		echo = n.clone()
	}) {
		return errRepositoryDeleted
	}
	if echo != nil && j.kind == "CoreReadOnlyRepository" {
		again := jobOf(&branch{name: j.branch, id: j.branchID}, echo)
		e.queueRefChange(again, commit)
	}
	return nil
}

// importInSubtask imports a commit in a task of its own, visible from its start.
func (e *engine) importInSubtask(ctx context.Context, j job, c *clone, commit string, named any) error {
	t := newTask("import-object-from-file", "Import objects",
		map[string]any{"commit": named, "git_branch_name": nil, "infrahub_branch_name": j.branch})
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

// importCommit reads the configuration of a commit and makes its objects; sync_status says how it goes.
func (e *engine) importCommit(ctx context.Context, t *task, j job, c *clone, commit string) error {
	e.locked(func() { t.tag(j.branch, j.taskNode()) })
	if _, err := c.resolve(commit); err != nil {
		return &pythonError{"CommitNotFoundError", fmt.Sprintf("Commit %s not found with GitRepository '%s'.", commit, j.name)}
	}
	if err := e.writeAttribute(ctx, j, "sync_status", "syncing"); err != nil {
		return err
	}
	queries, err := e.readQueries(t, j, c, commit)
	if waited := e.pause(ctx, e.server.options.Delay.importing()); waited != nil {
		return waited
	}
	if err == nil {
		err = e.server.storeQueries(j, queries, func(format string, arguments ...any) {
			e.locked(func() { t.log("info", format, arguments...) })
		})
	}
	status := "in-sync"
	if err != nil {
		status = "error-import"
	}
	return errors.Join(err, e.writeAttribute(ctx, j, "sync_status", status))
}

// addReadWrite clones and imports the default branch, then every other branch of the remote.
func (e *engine) addReadWrite(ctx context.Context, t *task, j job) error {
	c, err := e.cloneAnew(ctx, j)
	if err != nil {
		return err
	}
	commit, err := c.resolve(j.ref)
	if err != nil {
		return err
	}
	e.locked(func() { t.log("info", "Created new repository locally: %s", j.name) })
	if err := e.writeCommit(ctx, j, commit); err != nil {
		return err
	}
	if err := e.importCommit(ctx, t, j, c, commit); err != nil {
		return err
	}
	if j.internalStatus != "active" {
		return nil
	}
	return e.syncBranches(ctx, t, j, c)
}

// syncBranches brings every branch of the remote that is new or has moved into Infrahub: first the
// commits are recorded, then they are imported. One that fails does not stop the others.
func (e *engine) syncBranches(ctx context.Context, t *task, j job, c *clone) error {
	e.locked(func() { t.log("info", "Starting the synchronization of %s.", j.name) })
	if err := c.fetch(ctx, e.server.remote(j.repository, c.url)); err != nil {
		failed := newGitError(err, j.name, c.url, "", lsRemote)
		return errors.Join(failed, e.writeAttribute(ctx, j, "operational_status", failed.operational))
	}
	if err := e.writeAttribute(ctx, j, "operational_status", "online"); err != nil {
		return err
	}
	var moved []job
	for _, name := range c.changedBranches(j.ref) {
		on := e.server.jobOnBranch(j, name)
		if on.branch == "" {
			continue
		}
		on.commit = c.remoteBranches[name]
		c.localBranches[name] = on.commit
		if err := e.writeCommit(ctx, on, on.commit); err != nil {
			return err
		}
		moved = append(moved, on)
	}
	var reasons []string
	for _, on := range moved {
		if err := e.importCommit(ctx, t, on, c, on.commit); err != nil {
			reasons = append(reasons, fmt.Sprintf("%s (step=import): %s", on.branch, toException(err).message))
			e.locked(func() {
				t.log("warning", "Failed to synchronize branch %s of repository %s at step import: %s", on.branch, j.name, toException(err).message)
			})
		}
	}
	if reasons == nil {
		return nil
	}
	message := fmt.Sprintf("Unable to synchronize the following branches of repository %s: %s", j.name, strings.Join(reasons, "; "))
	return &pythonError{"RepositoryError", message}
}

// changedBranches are the branches of the remote whose commit is not the clone's: new ones, then others.
func (c *clone) changedBranches(defaultBranch string) []string {
	var fresh, changed []string
	for name, commit := range c.remoteBranches {
		known, ok := c.localBranches[name]
		switch {
		case name == mainBranch && name != defaultBranch: // Infrahub's main is the remote's default branch
		case !ok:
			fresh = append(fresh, name)
		case known != commit:
			changed = append(changed, name)
		}
	}
	slices.Sort(fresh)
	slices.Sort(changed)
	return append(fresh, changed...)
}

// jobOnBranch is the job of a branch of the remote: on the Infrahub branch of the same name, made if it
// is missing; on none if that may not be made or was merged.
func (s *Server) jobOnBranch(j job, name string) job {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	on := j
	on.branch, on.branchID = "", ""
	target := name
	if name == j.ref {
		target = mainBranch
	}
	b := s.store.branches[target]
	if b == nil && checkBranchName(target) == nil {
		b = s.store.newBranch(target, "", true)
	}
	if b != nil && b.status != statusMerged {
		on.branch, on.branchID = b.name, b.id
	}
	return on
}

// syncPeriodically looks at the remotes of read-write repositories again and again.
func (e *engine) syncPeriodically(ctx context.Context) {
	for e.pause(ctx, e.server.options.SyncInterval) == nil {
		for _, j := range e.server.syncedRepositories() {
			e.syncRepository(ctx, j)
		}
	}
}

// syncedRepositories are the read-write repositories that were imported once.
func (s *Server) syncedRepositories() []job {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b := s.store.branches[mainBranch]
	var jobs []job
	for _, n := range s.store.list(b, "CoreRepository") {
		if n.text("internal_status") == "active" && n.text("commit") != "" {
			jobs = append(jobs, jobOf(b, n))
		}
	}
	return jobs
}

// syncRepository follows a remote. Its task shows only if there is something to import, or if it is the first
// to fail (infrahub.md, Importing). A repository at work is left for the next time.
func (e *engine) syncRepository(ctx context.Context, j job) {
	e.mu.Lock()
	before, after := e.lastRuns[j.repository], make(chan struct{})
	if before != nil {
		select {
		case <-before:
		default:
			e.mu.Unlock()
			return
		}
	}
	e.lastRuns[j.repository] = after
	c := e.clones[j.repository]
	e.mu.Unlock()
	defer close(after)
	if c == nil {
		return
	}
	if c.url != j.location {
		j.ref = c.ref
		if c = e.relocate(ctx, j); c == nil {
			return
		}
	}
	status := e.server.operationalStatus(j)
	err := c.fetch(ctx, e.server.remote(j.repository, c.url))
	if err == nil && status != "online" { // every fetch that works says so
		err = e.writeAttribute(ctx, j, "operational_status", "online")
	}
	if ctx.Err() != nil || err == nil && len(c.changedBranches(c.ref)) == 0 || err != nil && status != "online" {
		return
	}
	j.ref = c.ref
	t := newTask("sync-git-repo-with-origin", "Sync git repo with origin", map[string]any{
		"repository_id": j.repository, "repository_name": j.name, "repository_location": j.location, "internal_status": j.internalStatus,
		"default_branch_name": j.ref, "operational_status": status, "staging_branch": nil, "infrahub_branch": j.branch,
	})
	e.locked(func() {
		e.tasks = append(e.tasks, t)
		t.tag(j.branch, j.taskNode())
	})
	e.startTask(t)
	e.finishTask(ctx, t, e.syncBranches(ctx, t, j, c))
}

// relocate takes the clone of a read-write repository to its new location: it fetches from there or,
// where that is refused, clones anew and imports the default branch, in no task of its own.
func (e *engine) relocate(ctx context.Context, j job) *clone {
	if c, err := e.openClone(ctx, j, j.location); err == nil {
		return c
	}
	c, err := e.cloneAnew(ctx, j)
	if err != nil {
		return nil
	}
	commit, err := c.resolve(j.ref)
	if err != nil || e.writeCommit(ctx, j, commit) != nil {
		return nil
	}
	hidden := newTask("git_repositories_sync", "Sync Git Repositories", nil)
	if e.importCommit(ctx, hidden, j, c, commit) != nil {
		return nil
	}
	return c
}

func (s *Server) operationalStatus(j job) string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if n := s.store.get(s.store.branches[mainBranch], j.kind, j.repository); n != nil {
		return n.text("operational_status")
	}
	return ""
}
