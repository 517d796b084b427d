package mockserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// syncPeriodically synchronizes the read-write repositories with their remotes until the server is closed.
func (e *engine) syncPeriodically(ctx context.Context) {
	for e.pause(ctx, e.server.options.SyncInterval) == nil {
		for _, j := range e.server.syncJobs() {
			e.syncRepository(ctx, j)
		}
	}
}

// syncJobs returns a job for each read-write repository that was imported before.
func (s *Server) syncJobs() []job {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	main := s.store.branches[mainBranch]
	var jobs []job
	for _, n := range s.store.list(main, repositoryKind) {
		if n.text("internal_status") == "active" && n.text("commit") != "" {
			jobs = append(jobs, newJob(main, n))
		}
	}
	return jobs
}

// syncRepository synchronizes a repository with its remote, unless a task of the repository is unfinished.
// There is a task only if there is something to import, or if the sync fails for the first time
// (infrahub-behaviour.md, Importing 19).
func (e *engine) syncRepository(ctx context.Context, j job) {
	finish := e.beginUnlessBusy(j.repository)
	if finish == nil {
		return
	}
	defer finish()
	c := e.clone(j.repository)
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
	if err == nil && status != "online" {
		err = e.writeAttribute(ctx, j, "operational_status", "online")
	}
	if ctx.Err() != nil || err == nil && len(c.changedBranches(c.ref)) == 0 || err != nil && status != "online" {
		return
	}
	j.ref = c.ref
	t := newTask(workflowSync, "Sync git repo with origin", map[string]any{
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

// relocate moves the clone of a read-write repository to its new location. If the fetch from there fails
// it clones anew and imports the default branch, without a visible task (infrahub-behaviour.md,
// Importing 16). It returns nil if the import fails.
func (e *engine) relocate(ctx context.Context, j job) *clone {
	if c, err := e.openClone(ctx, j, j.location); err == nil {
		return c
	}
	c, commit, err := e.cloneRef(ctx, j)
	if err != nil || e.writeCommit(ctx, j, commit) != nil {
		return nil
	}
	hidden := newTask(workflowSyncAll, "Sync Git Repositories", nil)
	if e.importCommit(ctx, hidden, j, c, commit) != nil {
		return nil
	}
	return c
}

func (s *Server) operationalStatus(j job) string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if n := s.store.get(s.store.branches[mainBranch], j.kind.name, j.repository); n != nil {
		return n.text("operational_status")
	}
	return ""
}

// syncBranches imports every branch of the remote that is new or has moved. It records the commits of all
// branches before it imports the first. A branch that fails does not stop the others
// (infrahub-behaviour.md, Importing 20).
func (e *engine) syncBranches(ctx context.Context, t *task, j job, c *clone) error {
	e.log(t, "info", "Starting the synchronization of %s.", j.name)
	if err := c.fetch(ctx, e.server.remote(j.repository, c.url)); err != nil {
		return e.writeGitError(ctx, j, newGitError(err, j.name, c.url, "", lsRemote))
	}
	if err := e.writeAttribute(ctx, j, "operational_status", "online"); err != nil {
		return err
	}
	var jobs []job
	for _, name := range c.changedBranches(j.ref) {
		onBranch, ok := e.server.jobOnBranch(j, name)
		if !ok {
			continue
		}
		onBranch.commit = c.remoteBranches[name]
		c.localBranches[name] = onBranch.commit
		if err := e.writeCommit(ctx, onBranch, onBranch.commit); err != nil {
			return err
		}
		jobs = append(jobs, onBranch)
	}
	var reasons []string
	for _, onBranch := range jobs {
		if err := e.importCommit(ctx, t, onBranch, c, onBranch.commit); err != nil {
			message := newPythonError(err).message
			reasons = append(reasons, fmt.Sprintf("%s (step=import): %s", onBranch.branch, message))
			e.log(t, "warning", "Failed to synchronize branch %s of repository %s at step import: %s", onBranch.branch, j.name, message)
		}
	}
	if reasons == nil {
		return nil
	}
	return &pythonError{
		"RepositoryError",
		fmt.Sprintf("Unable to synchronize the following branches of repository %s: %s", j.name, strings.Join(reasons, "; ")),
	}
}

// jobOnBranch returns the job for a branch of the remote on the Infrahub branch of the same name, which it
// creates if it is missing. It reports false if that branch has an invalid name or was merged.
func (s *Server) jobOnBranch(j job, name string) (job, bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if name == j.ref {
		name = mainBranch
	}
	b := s.store.branches[name]
	if b == nil && checkBranchName(name) == nil {
		b = s.store.newBranch(name, "", true)
	}
	if b == nil || b.status == statusMerged {
		return job{}, false
	}
	j.branch, j.branchID = b.name, b.id
	return j, true
}

// writeGitError sets operational_status to what a Git error means for it, and returns the error.
func (e *engine) writeGitError(ctx context.Context, j job, failed *gitError) error {
	return errors.Join(failed, e.writeAttribute(ctx, j, "operational_status", failed.operational))
}
