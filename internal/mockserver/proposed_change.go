package mockserver

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// inputText returns the text that an input gives an attribute, "" if none.
func inputText(input map[string]any, name string) string {
	given, _ := input[name].(map[string]any)
	text, _ := given["value"].(string)
	return text
}

func (s *Server) createProposedChange(_ context.Context, b *branch, input map[string]any) (any, error) {
	source, destination := inputText(input, "source_branch"), inputText(input, "destination_branch")
	if err := s.checkProposedChange(b, source); err != nil {
		return nil, err
	}
	switch {
	case input["destination_branch"] == nil:
	case source == destination:
		return nil, unprocessable("The source and destination branch can't be the same")
	case destination != mainBranch:
		return nil, unprocessable("Currently only the 'main' branch is supported as a destination for a proposed change")
	}
	n, err := s.insert(b, s.store.kinds["CoreProposedChange"], input)
	if err != nil {
		return nil, err
	}
	s.engine.background(func(ctx context.Context) { s.validateProposedChange(ctx, n.id) })
	return nodePayload("CoreProposedChangeCreate", s.lockedNodeObject(b, n, nil)), nil
}

// checkProposedChange refuses a source branch that is not there, is merged or is already proposed.
func (s *Server) checkProposedChange(b *branch, source string) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, each := range s.store.list(b, "CoreProposedChange") {
		if each.text("source_branch") == source && each.text("state") == "open" {
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

// validateProposedChange lets the server's own checks run and succeed.
func (s *Server) validateProposedChange(ctx context.Context, id string) {
	for _, label := range []string{"Data Integrity", "Schema Integrity"} {
		if s.engine.pause(ctx, s.options.Delay.importing()) != nil {
			return
		}
		s.store.mu.Lock()
		target := s.store.branches[mainBranch]
		if n := s.store.get(target, "CoreProposedChange", id); n != nil {
			check := &node{id: uuid.NewString(), kind: "CoreDataValidator", label: label, values: map[string]value{}, related: map[string][]string{}}
			check.set("label", label, false)
			check.set("state", "completed", false)
			check.set("conclusion", "success", false)
			s.store.put(target, check)
			n.related["validations"] = append(slices.Clone(n.related["validations"]), check.id)
			s.store.put(target, n)
		}
		s.store.mu.Unlock()
	}
}

func (s *Server) updateProposedChange(ctx context.Context, b *branch, input map[string]any) (any, error) {
	identifier, _ := input["id"].(string)
	of := s.store.kinds["CoreProposedChange"]
	s.store.mu.Lock()
	n := s.store.find(b, of.name, identifier)
	s.store.mu.Unlock()
	if n == nil {
		return nil, notFound(of.name, identifier)
	}
	if state := n.text("state"); state != "open" {
		return nil, unprocessable("A proposed change in the %s state is not allowed to be updated", state)
	}
	wanted := inputText(input, "state")
	switch {
	case wanted != "" && !slices.Contains([]string{"open", "merged", "merging", "closed", "canceled"}, wanted):
		return nil, failure{message: "'" + wanted + "' is not a valid ProposedChangeState", status: http.StatusInternalServerError}
	case wanted == "merged":
		if err := s.mergeProposedChange(ctx, n, input); err != nil {
			return nil, err
		}
	}
	_, after, err := s.edit(b, of, n.id, input)
	if err != nil {
		return nil, err
	}
	return nodePayload("CoreProposedChangeUpdate", s.lockedNodeObject(b, after, nil)), nil
}

func (s *Server) mergeProposedChange(ctx context.Context, n *node, input map[string]any) error {
	draft := n.values["is_draft"].content == true
	if given, ok := input["is_draft"].(map[string]any); ok && given["value"] != nil {
		draft = given["value"] == true
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
	s.setState(n.id, "merging") // so that the merge does not cancel it
	return s.merge(ctx, source)
}

func (s *Server) hasConflicts(b *branch) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.conflicts(b)
}

func (s *Server) setState(id, state string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	target := s.store.branches[mainBranch]
	if n := s.store.get(target, "CoreProposedChange", id); n != nil {
		n.values["state"] = value{content: state, updated: time.Now()}
		s.store.put(target, n)
	}
}

// cancelProposedChanges cancels what is open for a branch that was merged or deleted. The store is locked.
func (s *Server) cancelProposedChanges(source string) {
	target := s.store.branches[mainBranch]
	for _, n := range s.store.list(target, "CoreProposedChange") {
		if n.text("source_branch") == source && n.text("state") == "open" {
			n.set("state", "canceled", false)
			s.store.put(target, n)
		}
	}
}
