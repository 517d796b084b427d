package mockserver

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"
)

// createProposedChange answers CoreProposedChangeCreate (infrahub-behaviour.md, Branches 12).
func (s *Server) createProposedChange(_ context.Context, b *branch, input map[string]any) (any, error) {
	source, destination := inputText(input, "source_branch"), inputText(input, "destination_branch")
	if err := s.checkSourceBranch(b, source); err != nil {
		return nil, err
	}
	switch {
	case input["destination_branch"] == nil:
	case source == destination:
		return nil, unprocessable("The source and destination branch can't be the same")
	case destination != mainBranch:
		return nil, unprocessable("Currently only the 'main' branch is supported as a destination for a proposed change")
	}
	n, err := s.insert(b, s.store.kinds.named(proposedChangeKind), input)
	if err != nil {
		return nil, err
	}
	s.engine.background(func(ctx context.Context) { s.validateProposedChange(ctx, n.id) })
	return s.nodePayload(proposedChangeKind+"Create", b, n, nil), nil
}

// checkSourceBranch refuses a source branch that is missing, was merged or has an open proposed change.
func (s *Server) checkSourceBranch(b *branch, source string) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, n := range s.store.list(b, proposedChangeKind) {
		if n.text("source_branch") == source && n.text("state") == "open" {
			return unprocessable("An open proposed change already exists for branch '%s'", source)
		}
	}
	switch proposed := s.store.branches[source]; {
	case proposed == nil:
		return unprocessable("The specified source branch for this proposed change was not found")
	case proposed.status == statusMerged:
		return unprocessable("Cannot create proposed change: branch '%s' has been merged", source)
	}
	return nil
}

// validateProposedChange adds the server's own validations, which all succeed.
func (s *Server) validateProposedChange(ctx context.Context, id string) {
	for _, label := range []string{"Data Integrity", "Schema Integrity"} {
		if s.engine.pause(ctx, s.options.Delay.importing()) != nil {
			return
		}
		s.store.mu.Lock()
		main := s.store.branches[mainBranch]
		if n := s.store.get(main, proposedChangeKind, id); n != nil {
			validation := newNode(s.store.kinds.named(validatorKind), uuid.NewString())
			validation.label = label
			validation.set("label", label, false)
			validation.set("state", "completed", false)
			validation.set("conclusion", "success", false)
			s.store.put(main, validation)
			n.related["validations"] = append(slices.Clone(n.related["validations"]), validation.id)
			s.store.put(main, n)
		}
		s.store.mu.Unlock()
	}
}

// updateProposedChange answers CoreProposedChangeUpdate; the state merged merges the source branch.
func (s *Server) updateProposedChange(ctx context.Context, b *branch, input map[string]any) (any, error) {
	identifier, _ := input["id"].(string)
	s.store.mu.Lock()
	n := s.store.find(b, proposedChangeKind, identifier)
	s.store.mu.Unlock()
	if n == nil {
		return nil, notFound(proposedChangeKind, identifier)
	}
	if state := n.text("state"); state != "open" {
		return nil, unprocessable("A proposed change in the %s state is not allowed to be updated", state)
	}
	state := inputText(input, "state")
	switch {
	case state != "" && !slices.Contains([]string{"open", "merged", "merging", "closed", "canceled"}, state):
		return nil, failure{message: "'" + state + "' is not a valid ProposedChangeState", status: http.StatusInternalServerError}
	case state == "merged":
		if err := s.mergeProposedChange(ctx, n, input); err != nil {
			return nil, err
		}
	}
	_, after, err := s.edit(b, n.kind, n.id, input)
	if err != nil {
		return nil, err
	}
	return s.nodePayload(proposedChangeKind+"Update", b, after, nil), nil
}

func (s *Server) mergeProposedChange(ctx context.Context, n *node, input map[string]any) error {
	draft := n.values["is_draft"].content == true
	if attribute, ok := input["is_draft"].(map[string]any); ok && attribute["value"] != nil {
		draft = attribute["value"] == true
	}
	if draft {
		return unprocessable("A draft proposed change is not allowed to be merged")
	}
	source := s.branch(n.text("source_branch"))
	if source == nil {
		return branchNotFound(n.text("source_branch"))
	}
	if s.hasConflicts(source) {
		return failure{message: "Data conflicts found on branch and missing decisions about what branch to keep", status: http.StatusInternalServerError}
	}
	s.setProposedChangeState(n.id, "merging") // the merge cancels only what is open
	return s.merge(ctx, source)
}

func (s *Server) hasConflicts(b *branch) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.conflicts(b)
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

// cancelProposedChanges cancels the open proposed change of a branch that was merged or deleted. The store
// is locked.
func (s *Server) cancelProposedChanges(source string) {
	main := s.store.branches[mainBranch]
	for _, n := range s.store.list(main, proposedChangeKind) {
		if n.text("source_branch") == source && n.text("state") == "open" {
			n.set("state", "canceled", false)
			s.store.put(main, n)
		}
	}
}
