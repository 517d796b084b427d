package mockserver

import (
	"context"
	"net/http"
	"slices"
)

// The states of a proposed change that the server sets.
const (
	changeOpen     = "open"
	changeMerging  = "merging"
	changeMerged   = "merged"
	changeCanceled = "canceled"
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
	s.engine.startChecks(n, allChecks)
	return s.nodePayload(proposedChangeKind+"Create", b, n, nil), nil
}

// checkSourceBranch refuses a source branch that is missing, was merged or has an open proposed change.
func (s *Server) checkSourceBranch(b *branch, source string) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, n := range s.store.list(b, proposedChangeKind) {
		if n.text("source_branch") == source && n.text("state") == changeOpen {
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

// proposedChange returns the proposed change that an input names.
func (s *Server) proposedChange(input map[string]any) (*node, error) {
	identifier, _ := input["id"].(string)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if n := s.store.find(s.store.branches[mainBranch], proposedChangeKind, identifier); n != nil {
		return n, nil
	}
	return nil, notFound(proposedChangeKind, identifier)
}

// updateProposedChange answers CoreProposedChangeUpdate; the state merged merges the source branch. The response shows the
// change as it was before the merge: merging (infrahub-behaviour.md, Proposals 13).
func (s *Server) updateProposedChange(ctx context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.proposedChange(input)
	if err != nil {
		return nil, err
	}
	if state := n.text("state"); state != changeOpen {
		return nil, unprocessable("A proposed change in the %s state is not allowed to be updated", state)
	}
	state := inputText(input, "state")
	switch {
	case state != "" && !slices.Contains([]string{changeOpen, changeMerged, changeMerging, "closed", changeCanceled}, state):
		return nil, failure{message: "'" + state + "' is not a valid ProposedChangeState", status: http.StatusInternalServerError}
	case state == changeMerged && willBeDraft(n, input):
		return nil, unprocessable("A draft proposed change is not allowed to be merged")
	case state == changeMerged:
		input["state"] = map[string]any{"value": changeMerging}
	}
	_, after, err := s.edit(b, n.kind, n.id, input)
	if err != nil {
		return nil, err
	}
	if state == changeMerged {
		if err := s.mergeProposedChange(ctx, s.newChangeMerge(after)); err != nil {
			return nil, err
		}
	}
	return s.nodePayload(proposedChangeKind+"Update", b, after, nil), nil
}

// willBeDraft reports whether a proposed change is a draft after an update.
func willBeDraft(n *node, input map[string]any) bool {
	if attribute, ok := input["is_draft"].(map[string]any); ok && attribute["value"] != nil {
		return attribute["value"] == true
	}
	return n.values["is_draft"].content == true
}

// cancelProposedChanges cancels the open proposed change of a branch that was merged or deleted. The store
// is locked.
func (s *Server) cancelProposedChanges(source string) {
	main := s.store.branches[mainBranch]
	for _, n := range s.store.list(main, proposedChangeKind) {
		if n.text("source_branch") == source && n.text("state") == changeOpen {
			n.set("state", changeCanceled, false)
			s.store.put(main, n)
		}
	}
}
