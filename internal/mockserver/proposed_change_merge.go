package mockserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// runCheck answers CoreProposedChangeRunCheck (infrahub-behaviour.md, Proposals 10).
func (s *Server) runCheck(_ context.Context, _ *branch, input map[string]any) (any, error) {
	n, err := s.proposedChange(input)
	if err != nil {
		return nil, err
	}
	if n.text("state") != changeOpen {
		return nil, unprocessable("Unable to trigger check on proposed changes that aren't in the open state")
	}
	checks, ok := input["check_type"].(string)
	if !ok {
		checks = allChecks
	}
	s.engine.startChecks(n, checks)
	return object{"ProposedChangeRequestRunCheck", map[string]any{"ok": true}}, nil
}

// mergeChange answers CoreProposedChangeMerge. Unlike an update it merges drafts (infrahub-behaviour.md, Proposals 15).
func (s *Server) mergeChange(ctx context.Context, input map[string]any, wait bool) (any, error) {
	n, err := s.proposedChange(input)
	if err != nil {
		return nil, err
	}
	if n.text("state") != changeOpen {
		return nil, unprocessable("Only proposed change in OPEN state can be merged")
	}
	s.setProposedChangeState(n.id, changeMerging)
	merging := s.newChangeMerge(n)
	fields := map[string]any{"ok": true, "task": nil}
	if wait {
		err = s.mergeProposedChange(ctx, merging)
	} else {
		s.engine.background(func(ctx context.Context) { _ = s.engine.runFlow(ctx, merging) }) // its task says how it ended
		fields["task"] = taskInfo(merging.task.id)
	}
	if err != nil {
		return nil, err
	}
	return object{"ProposedChangeMerge", fields}, nil
}

// newChangeMerge returns the workflow that merges a proposed change.
func (s *Server) newChangeMerge(n *node) flow {
	return flow{
		task: newTask(workflowMergeProposedChange, "Merge propose change: "+n.text("name")+" ", map[string]any{
			"proposed_change_id": n.id, "proposed_change_name": n.text("name"),
		}),
		change: n.id,
		work:   func(ctx context.Context) error { return s.mergeIfChecked(ctx, n.id, n.text("source_branch")) },
	}
}

// mergeProposedChange merges a proposed change and waits. The merge goes on without its client.
func (s *Server) mergeProposedChange(ctx context.Context, merging flow) error {
	ended := make(chan error, 1)
	s.engine.background(func(ctx context.Context) { ended <- s.engine.runFlow(ctx, merging) })
	select {
	case err := <-ended:
		if err != nil {
			return failure{message: err.Error(), status: http.StatusInternalServerError}
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mergeIfChecked merges the source branch of a proposed change, which is open again if that fails.
func (s *Server) mergeIfChecked(ctx context.Context, id, source string) error {
	b := s.branch(source)
	err := s.checkMergeable(id, b)
	if err == nil {
		err = s.merge(ctx, b)
	}
	if err != nil {
		s.setProposedChangeState(id, changeOpen)
		return &pythonError{message: err.Error()}
	}
	s.setProposedChangeState(id, changeMerged)
	return nil
}

// checkMergeable refuses a proposed change with a validator that has not succeeded, or with conflicts. A validator that does
// not exist yet refuses nothing (infrahub-behaviour.md, Proposals 14 and 16).
func (s *Server) checkMergeable(id string, source *branch) error {
	if source == nil {
		return fmt.Errorf("the source branch does not exist")
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	main := s.store.branches[mainBranch]
	change := s.store.get(main, proposedChangeKind, id)
	if change == nil {
		return notFound(proposedChangeKind, id)
	}
	for _, validatorID := range change.related["validations"] {
		validator := s.store.get(main, genericValidatorKind, validatorID)
		switch {
		case validator == nil:
		case validator.kind.name != dataValidatorKind && validator.text("conclusion") != succeeded:
			return &pythonError{message: "Unable to merge proposed change containing failing checks"}
		case validator.kind.name == dataValidatorKind && s.hasOpenConflict(main, validator):
			return &pythonError{message: "Data conflicts found on branch and missing decisions about what branch to keep"}
		}
	}
	var paths []string
	for _, c := range s.store.conflicts(source) {
		paths = append(paths, c.path())
	}
	if paths != nil {
		return &pythonError{message: fmt.Sprintf("Unable to merge the branch '%s', conflict resolution missing: %s", source.name, strings.Join(paths, ", "))}
	}
	return nil
}

func (s *Server) hasOpenConflict(main *branch, validator *node) bool {
	for _, id := range validator.related["checks"] {
		if check := s.store.get(main, dataCheckKind, id); check != nil && check.text("conclusion") != succeeded {
			return true
		}
	}
	return false
}

func (s *Server) setProposedChangeState(id, state string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	main := s.store.branches[mainBranch]
	if n := s.store.get(main, proposedChangeKind, id); n != nil {
		n.set("state", state, false)
		s.store.put(main, n)
	}
}
