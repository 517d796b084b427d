package mockserver

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The statuses of a branch: a merged one is read-only.
const (
	statusOpen    = "OPEN"
	statusMerging = "MERGING"
	statusMerged  = "MERGED"
)

const branchTimeFormat = "2006-01-02T15:04:05.000000Z"

// graphVersion is the version of the data model of DefaultVersion.
const graphVersion = 79

// globalBranch is the branch on which the server keeps agnostic nodes; its name is taken.
const globalBranch = "-global-"

func branchObject(b *branch) object {
	return object{"Branch", map[string]any{
		"id": b.id, "name": b.name, "description": b.description, "status": b.status, "sync_with_git": b.syncWithGit,
		"is_default": b.name == mainBranch, "origin_branch": mainBranch,
		"created_at": b.created.UTC().Format(branchTimeFormat), "branched_from": b.branchedFrom.UTC().Format(branchTimeFormat),
		"graph_version": graphVersion, "has_schema_changes": false, "schema_differs_from_default_branch": false,
	}}
}

// listBranches answers the query Branch: all branches, or those with the ids and the name in the arguments.
func (s *Server) listBranches(arguments map[string]any) any {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	ids, name := stringList(arguments["ids"]), arguments["name"]
	var branches []*branch
	for _, b := range s.store.branches {
		if (ids == nil || slices.Contains(ids, b.id)) && (name == nil || name == b.name) {
			branches = append(branches, b)
		}
	}
	slices.SortFunc(branches, func(a, b *branch) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.name, b.name)) })
	objects := []any{}
	for _, b := range branches {
		objects = append(objects, branchObject(b))
	}
	return objects
}

// checkBranchName refuses a name that Git would refuse, in the server's words (infrahub-behaviour.md,
// Branches 4).
func checkBranchName(name string) error {
	if len(name) < 3 {
		return unprocessable("invalid field name: String should have at least 3 characters")
	}
	if utf8.RuneCountInString(name) > 250 {
		return unprocessable("invalid field name: String should have at most 250 characters")
	}
	var offending []string
	for _, rule := range []struct {
		broken      bool
		description string
	}{
		{strings.Contains(name, "/."), "/."},
		{strings.Contains(name, ".."), ".."},
		{strings.HasPrefix(name, "/"), "starts with /"},
		{strings.Contains(name, "//"), "//"},
		{strings.Contains(name, "@{"), "@{"},
		{strings.Contains(name, `\`), `backslash (\)`},
		{strings.ContainsFunc(name, isForbiddenInBranchName), "disallowed ASCII characters/patterns"},
		{strings.HasSuffix(name, ".lock"), "ends with .lock"},
		{strings.HasSuffix(name, "/"), "ends with /"},
		{strings.HasSuffix(name, "."), "ends with ."},
	} {
		if rule.broken {
			offending = append(offending, rule.description)
		}
	}
	if offending != nil {
		return unprocessable("Branch name contains invalid patterns or characters: %s", strings.Join(offending, ", "))
	}
	return nil
}

func isForbiddenInBranchName(r rune) bool {
	return r < ' ' || r == '\x7f' || strings.ContainsRune(" ~^:?*[", r)
}

// branchPayload returns the response to a branch mutation: the branch, a task or neither.
func branchPayload(mutation string, b *branch, task string) object {
	fields := map[string]any{"ok": true, "object": nil, "task": nil}
	if b != nil {
		fields["object"] = branchObject(b)
	}
	if task != "" {
		fields["task"] = taskInfo(task)
	}
	return object{mutation, fields}
}

func (s *Server) createBranch(_ context.Context, input map[string]any, wait bool) (any, error) {
	name, _ := input["name"].(string)
	description, _ := input["description"].(string)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.branches[name] != nil || name == globalBranch {
		return nil, unprocessable("The branch %s already exists", name)
	}
	if err := checkBranchName(name); err != nil {
		return nil, err
	}
	b := s.store.newBranch(name, description, input["sync_with_git"] != false)
	task := s.engine.recordDone(workflowCreateBranch, "Create branch "+name, name)
	if wait {
		return branchPayload("BranchCreate", b, ""), nil
	}
	return branchPayload("BranchCreate", nil, task), nil
}

// branchIn returns the branch that an input names. The store is locked.
func (s *Server) branchIn(input map[string]any) (*branch, error) {
	name, _ := input["name"].(string)
	if b := s.store.branches[name]; b != nil {
		return b, nil
	}
	return nil, branchNotFound(name)
}

func (s *Server) updateBranch(_ context.Context, _ *branch, input map[string]any) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.branchIn(input)
	if err != nil {
		return nil, err
	}
	if description, ok := input["description"].(string); ok {
		b.description = description
	}
	return object{"BranchUpdate", map[string]any{"ok": true}}, nil
}

func (s *Server) deleteBranch(_ context.Context, input map[string]any, wait bool) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.branchIn(input)
	if err != nil {
		return nil, err
	}
	if b.name == mainBranch {
		return nil, unprocessable("Unable to delete %s it is the default branch.", b.name)
	}
	delete(s.store.branches, b.name)
	s.cancelProposedChanges(b.name)
	s.engine.purge(b.name)
	task := s.engine.recordDone(workflowDeleteBranch, "Delete branch "+b.name, b.name)
	if wait {
		task = ""
	}
	return branchPayload("BranchDelete", nil, task), nil
}

func (s *Server) mergeBranch(ctx context.Context, input map[string]any, wait bool) (any, error) {
	s.store.mu.Lock()
	b, err := s.branchIn(input)
	s.store.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := s.merge(ctx, b); err != nil {
		return nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if wait {
		return branchPayload("BranchMerge", b, ""), nil
	}
	return branchPayload("BranchMerge", b, s.engine.recordDone(workflowMergeBranch, "Merge branch "+b.name, b.name)), nil
}

// merge copies the changes of a branch to main and makes the branch read-only. It cancels the open
// proposed change of the branch (infrahub-behaviour.md, Branches 2).
func (s *Server) merge(ctx context.Context, b *branch) error {
	if b.name == mainBranch {
		return unprocessable("Unable to merge the branch '%s' into itself", b.name)
	}
	s.startMerge(ctx, b)
	select {
	case <-time.After(s.options.Delay.merging()):
	case <-ctx.Done(): // the merge goes on without its client
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.merging = ""
	if b.status == statusMerging {
		b.status = statusOpen
	}
	if b.status == statusMerged {
		return unprocessable("Branch '%s' has already been merged", b.name)
	}
	if len(s.store.conflicts(b)) > 0 {
		return unprocessable("Branch %s contains conflicts with the default branch. Please create a Proposed Change to resolve the conflicts or manually update them before merging.", b.name)
	}
	s.store.merge(b)
	for _, n := range s.store.list(b, genericRepositoryKind) {
		s.mergeRepository(b, n)
	}
	s.cancelProposedChanges(b.name)
	s.engine.recordDone(workflowMerged, "Running actions after '"+b.name+"' was merged", "")
	return nil
}

// startMerge begins the merge of a branch once no other one runs.
func (s *Server) startMerge(ctx context.Context, b *branch) {
	for !s.tryStartMerge(b) {
		select {
		case <-time.After(mergeQueueInterval):
		case <-ctx.Done(): // the merge goes on without its client
			ctx = context.WithoutCancel(ctx)
		}
	}
}

// mergeQueueInterval is how often a merge looks whether the one before it has ended.
const mergeQueueInterval = 50 * time.Millisecond

func (s *Server) tryStartMerge(b *branch) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.merging != "" {
		return false
	}
	s.store.merging = b.name
	if b.status == statusOpen {
		b.status = statusMerging
	}
	return true
}

// mergeRepository merges the Git state of a repository. A read-write repository that was added on the
// branch becomes active on main. A read-only repository gets on main the ref and commit that the branch
// sees, even if only main had changed them (infrahub-behaviour.md, Branches 7).
func (s *Server) mergeRepository(b *branch, n *node) {
	main := s.store.branches[mainBranch]
	onMain := s.store.get(main, n.kind.name, n.id)
	switch {
	case n.kind.name == repositoryKind && n.text("internal_status") == "staging":
		onMain.set("internal_status", "active", false)
		onMain.set("sync_status", n.values["sync_status"].content, false)
		onMain.set("commit", n.values["commit"].content, false)
		s.store.put(main, onMain)
	case n.kind.name == readOnlyRepositoryKind && (onMain.text("ref") != n.text("ref") || onMain.text("commit") != n.text("commit")):
		onMain.set("ref", n.values["ref"].content, false)
		onMain.set("commit", n.values["commit"].content, false)
		s.store.put(main, onMain)
		s.engine.queueRefChange(newJob(main, onMain), n.text("commit"))
	}
	s.engine.recordDone(workflowMergeRepository, "Merge "+b.name+" > "+mainBranch+" in git repository", b.name, taskNode{n.id, n.kind.name})
}

// rebaseBranch answers BranchRebase: the branch sees what main sees now, and keeps its own changes (infrahub-behaviour.md,
// Branches 13).
func (s *Server) rebaseBranch(_ context.Context, input map[string]any, wait bool) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.branchIn(input)
	if err != nil {
		return nil, err
	}
	switch {
	case b.status == statusMerged:
		return nil, unprocessable("Branch '%s' has been merged and is read-only. Rebase is not allowed.", b.name)
	case b.name == mainBranch:
		return nil, unprocessable("Unable to rebase the branch '%s' onto itself", b.name)
	case len(s.store.conflicts(b)) > 0:
		return nil, failure{message: "Branch " + b.name + " contains conflicts with the default branch that must be addressed before rebasing.", status: http.StatusInternalServerError}
	}
	s.store.rebase(b)
	task := s.engine.recordDone(workflowRebaseBranch, "Rebase branch "+b.name, b.name)
	if wait {
		task = ""
	}
	return branchPayload("BranchRebase", b, task), nil
}

// validateBranch answers BranchValidate, which tells nothing of the branch but that it exists (infrahub-behaviour.md, Branches 14).
func (s *Server) validateBranch(_ context.Context, input map[string]any, wait bool) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.branchIn(input)
	if err != nil {
		return nil, err
	}
	task := s.engine.recordDone(workflowValidateBranch, "Validate branch "+b.name, b.name)
	if wait {
		task = ""
	}
	return branchPayload("BranchValidate", b, task), nil
}
