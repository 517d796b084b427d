package mockserver

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
)

// statusMerged is the status of a branch that is read-only.
const statusMerged = "MERGED"

const branchTimeFormat = "2006-01-02T15:04:05.000000Z"

// globalBranch holds what is agnostic on the server; its name is taken.
const globalBranch = "-global-"

func branchObject(b *branch) object {
	return object{"Branch", map[string]any{
		"id": b.id, "name": b.name, "description": b.description, "status": b.status, "sync_with_git": b.syncWithGit,
		"is_default": b.name == mainBranch, "origin_branch": mainBranch,
		"created_at": b.created.UTC().Format(branchTimeFormat), "branched_from": b.created.UTC().Format(branchTimeFormat),
	}}
}

// listBranches answers Branch: all of them, or those that are asked for and exist.
func (s *Server) listBranches(arguments map[string]any) any {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	ids, name := stringList(arguments["ids"]), arguments["name"]
	var found []*branch
	for _, b := range s.store.branches {
		if (ids == nil || slices.Contains(ids, b.id)) && (name == nil || name == b.name) {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b *branch) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.name, b.name)) })
	shown := []any{}
	for _, b := range found {
		shown = append(shown, branchObject(b))
	}
	return shown
}

// checkBranchName refuses what Git would refuse, in the server's words.
func checkBranchName(name string) error {
	if len(name) < 3 {
		return unprocessable("invalid field name: String should have at least 3 characters")
	}
	if len([]rune(name)) > 250 {
		return unprocessable("invalid field name: String should have at most 250 characters")
	}
	var offending []string
	for _, each := range []struct{ pattern, what string }{
		{`/\.`, "/."},
		{`\.\.`, ".."},
		{`^/`, "starts with /"},
		{`//`, "//"},
		{`@\{`, "@{"},
		{`\\`, `backslash (\)`},
		{`[\x00-\x1f\x7f ~^:?*\[]`, "disallowed ASCII characters/patterns"},
		{`\.lock$`, "ends with .lock"},
		{`/$`, "ends with /"},
		{`\.$`, "ends with ."},
	} {
		if regexp.MustCompile(each.pattern).MatchString(name) {
			offending = append(offending, each.what)
		}
	}
	if offending != nil {
		return unprocessable("Branch name contains invalid patterns or characters: %s", strings.Join(offending, ", "))
	}
	return nil
}

// branchPayload is the answer of a branch mutation: with wait_until_completion the branch, else a task.
func branchPayload(name string, b *branch, task string) object {
	fields := map[string]any{"ok": true, "object": nil, "task": nil}
	if b != nil {
		fields["object"] = branchObject(b)
	}
	if task != "" {
		fields["task"] = object{"TaskInfo", map[string]any{"id": task}}
	}
	return object{name, fields}
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
	task := s.engine.recordDone("create-branch", "Create branch "+name, name)
	if wait {
		return branchPayload("BranchCreate", b, ""), nil
	}
	return branchPayload("BranchCreate", nil, task), nil
}

// branchNamedIn returns the branch that an input names.
func (s *Server) branchNamedIn(input map[string]any) (*branch, error) {
	name, _ := input["name"].(string)
	if b := s.store.branches[name]; b != nil {
		return b, nil
	}
	return nil, branchNotFound(name)
}

func (s *Server) updateBranch(_ context.Context, _ *branch, input map[string]any) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.branchNamedIn(input)
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
	b, err := s.branchNamedIn(input)
	if err != nil {
		return nil, err
	}
	if b.name == mainBranch {
		return nil, unprocessable("Unable to delete %s it is the default branch.", b.name)
	}
	delete(s.store.branches, b.name)
	s.cancelProposedChanges(b.name)
	task := s.engine.recordDone("branch-delete", "Delete branch "+b.name, b.name)
	if wait {
		task = ""
	}
	return branchPayload("BranchDelete", nil, task), nil
}

func (s *Server) mergeBranch(ctx context.Context, input map[string]any, wait bool) (any, error) {
	s.store.mu.Lock()
	b, err := s.branchNamedIn(input)
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
	return branchPayload("BranchMerge", b, s.engine.recordDone("branch-merge", "Merge branch "+b.name, b.name)), nil
}

// merge makes main take over what a branch changed. The branch is read-only from then on, and its
// open proposed change is canceled, being merged behind its back (infrahub.md, Branches).
func (s *Server) merge(ctx context.Context, b *branch) error {
	if b.name == mainBranch {
		return unprocessable("Unable to merge the branch '%s' into itself", b.name)
	}
	s.startMerge(b.name)
	select {
	case <-time.After(s.options.Delay.merging()):
	case <-ctx.Done(): // the client is gone, the merge is not
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.merging = ""
	if b.status == statusMerged {
		return unprocessable("Branch '%s' has already been merged", b.name)
	}
	if s.store.conflicts(b) {
		return unprocessable("Branch %s contains conflicts with the default branch. Please create a Proposed Change to resolve the conflicts or manually update them before merging.", b.name)
	}
	s.store.merge(b)
	for _, n := range s.store.list(b, "CoreGenericRepository") {
		s.mergeRepository(b, n)
	}
	s.cancelProposedChanges(b.name)
	return nil
}

func (s *Server) startMerge(name string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.merging = name
}

// mergeRepository is the part of Git in a merge. A read-write repository that was added on the branch
// becomes active on main. Every read-only one gets on main the ref and commit that the branch sees, also
// where only main had changed them since (infrahub.md, Branches).
func (s *Server) mergeRepository(b *branch, n *node) {
	target := s.store.branches[mainBranch]
	seen := s.store.get(target, n.kind, n.id)
	switch {
	case n.kind == "CoreRepository" && n.text("internal_status") == "staging":
		seen.set("internal_status", "active", false)
		seen.set("sync_status", n.values["sync_status"].content, false)
		seen.set("commit", n.values["commit"].content, false)
		s.store.put(target, seen)
	case n.kind == "CoreReadOnlyRepository" && (seen.text("ref") != n.text("ref") || seen.text("commit") != n.text("commit")):
		seen.set("ref", n.values["ref"].content, false)
		seen.set("commit", n.values["commit"].content, false)
		s.store.put(target, seen)
		s.engine.queueRefChange(jobOf(target, seen), n.text("commit"))
	}
	s.engine.recordDone("git-repository-merge", "Merge "+b.name+" > "+mainBranch+" in git repository", b.name, taskNode{n.id, n.kind})
}
