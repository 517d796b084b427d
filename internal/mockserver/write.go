package mockserver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// maxTextBytes is in bytes, not characters.
const maxTextBytes = 4092

// nodePayload is the answer of a mutation that changed a node.
func nodePayload(mutation string, shown any) object {
	return object{mutation, map[string]any{"ok": true, "object": shown}}
}

// insert makes a node from the input of a create mutation, in the order in which the server checks
// it: required attributes, id, values, uniqueness, relationships.
func (s *Server) insert(b *branch, of *kind, input map[string]any) (*node, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var missing failures
	for _, each := range of.attributes {
		if each.required && input[each.name] == nil {
			missing = append(missing, mandatory(of.name, each.name))
		}
	}
	if len(missing) > 0 {
		return nil, withPaths(missing)
	}
	n := &node{id: uuid.NewString(), kind: of.name, values: map[string]value{}, related: map[string][]string{}}
	if id, ok := input["id"].(string); ok {
		if uuid.Validate(id) != nil {
			return nil, notUUID(of.name, id)
		}
		if s.store.usedIDs[id] {
			return nil, violation(of.name, "id", id+" is already in use")
		}
		n.id = id
	}
	for _, each := range of.attributes {
		n.set(each.name, each.fallback, true)
	}
	if err := s.applyInput(b, of, n, input); err != nil {
		return nil, err
	}
	if of.hasLabel {
		s.label(n)
	}
	s.store.put(b, n)
	return s.store.get(b, of.name, n.id), nil
}

// withPaths gives several failures of one mutation their paths; a single one stands for the mutation.
func withPaths(missing failures) failures {
	if len(missing) == 1 {
		return missing
	}
	slices.SortFunc(missing, func(a, b failure) int { return strings.Compare(a.message, b.message) })
	for i, each := range missing {
		field, _ := each.data["field_name"].(string)
		missing[i].below = []string{"data", field}
	}
	return missing
}

// label makes a label from the name, once (infrahub.md, Writing 5).
func (s *Server) label(n *node) {
	if n.values["label"].content == nil && n.text("name") != "" {
		words := strings.Split(n.text("name"), "_")
		for i, word := range words {
			words[i] = titleCase(word)
		}
		n.set("label", strings.Join(words, " "), false)
	}
	n.label = n.text("label")
}

// applyInput sets what the input says of a node, and refuses what the schema forbids.
func (s *Server) applyInput(b *branch, of *kind, n *node, input map[string]any) error {
	for _, each := range of.attributes {
		if given, ok := input[each.name].(map[string]any); ok && !each.readOnly {
			if err := applyAttribute(of, n, each, given); err != nil {
				return err
			}
		}
	}
	for _, name := range of.unique {
		family := of.name
		if of.generic != "" {
			family = of.generic
		}
		if held, ok := n.values[name].content.(string); ok {
			if holder := s.store.findByAttribute(b, family, name, held); holder != "" && holder != n.id {
				return unprocessable("Violates uniqueness constraint '%s'", name)
			}
		}
	}
	for _, each := range of.relationships {
		if given, present := input[each.name]; present {
			if err := s.applyRelationship(b, n, each, given); err != nil {
				return err
			}
		}
	}
	for _, each := range of.attributes {
		if len(n.text(each.name)) > maxTextBytes && input[each.name] != nil {
			return unprocessable("Text attribute length should be less than 4096 characters.")
		}
	}
	return nil
}

// applyAttribute applies one attribute of the input: {} leaves, {value: null} clears, {is_default: true}
// resets (infrahub.md, Writing 4). What was given stays so, even where it is null again.
func applyAttribute(of *kind, n *node, a attribute, given map[string]any) error {
	to, present := given["value"]
	_, reset := given["is_default"]
	creating := n.created == 0
	isDefault := n.values[a.name].isDefault && !creating
	switch {
	case reset && !isDefault:
		isDefault = true
		if !present {
			to, present = a.fallback, true
		}
	case creating && to == nil && a.fallback != nil:
		isDefault, to = true, a.fallback
	}
	switch {
	case a.required && (present && to == nil || creating && !present):
		return violation(of.name, a.name, fmt.Sprintf("A value must be provided for %s", a.name))
	case !present && !creating:
		return nil
	}
	if text, ok := to.(string); ok && a.pattern != nil && !a.pattern.MatchString(text) {
		return violation(of.name, a.name, fmt.Sprintf("%s must conform with the regex: '%s'", text, a.pattern))
	}
	isDefault = isDefault && to == a.fallback
	if to != n.values[a.name].content || isDefault != n.values[a.name].isDefault {
		n.set(a.name, to, isDefault)
	}
	return nil
}

// applyRelationship replaces the peers of a relationship: null and [] clear. A peer that is named twice is
// kept twice, shown once and counted twice; what is cleared goes away once.
func (s *Server) applyRelationship(b *branch, n *node, of relationship, given any) error {
	items, many := given.([]any)
	if !many && given != nil {
		items = []any{given}
	}
	var wanted []string
	for _, item := range items {
		reference, _ := item.(map[string]any)
		identifier, ok := identifierOf(reference)
		if !ok {
			return failure{message: "Relationship has not been initialized yet", status: http.StatusInternalServerError}
		}
		peer := s.store.find(b, of.peer, identifier)
		if peer == nil {
			return notFound(of.peer, identifier)
		}
		wanted = append(wanted, peer.id)
	}
	if of.many {
		wanted = replacePeers(n.related[of.name], wanted)
	}
	n.related[of.name] = wanted
	return nil
}

// replacePeers takes away once each peer that is not wanted, and adds those that were not held.
func replacePeers(held, wanted []string) []string {
	gone := map[string]bool{}
	peers := slices.DeleteFunc(slices.Clone(held), func(id string) bool {
		once := !slices.Contains(wanted, id) && !gone[id]
		gone[id] = gone[id] || once
		return once
	})
	for _, id := range wanted {
		if !slices.Contains(held, id) {
			peers = append(peers, id)
		}
	}
	return peers
}

// identifierOf returns the id that an input names, else its human-friendly id.
func identifierOf(input map[string]any) (string, bool) {
	if id, ok := input["id"].(string); ok {
		return id, true
	}
	if hfid := stringList(input["hfid"]); len(hfid) > 0 {
		return strings.Join(hfid, "__"), true
	}
	return "", false
}

// create answers a create mutation of a kind without side effects.
func (s *Server) create(b *branch, of *kind, input map[string]any) (any, error) {
	n, err := s.insert(b, of, input)
	if err != nil {
		return nil, err
	}
	return nodePayload(of.name+"Create", s.lockedNodeObject(b, n, nil)), nil
}

// update answers an update mutation of a kind without side effects.
func (s *Server) update(b *branch, of *kind, input map[string]any) (any, error) {
	identifier, ok := identifierOf(input)
	if !ok {
		return nil, failure{message: "either id or hfid must be provided.", status: http.StatusBadRequest}
	}
	_, after, err := s.edit(b, of, identifier, input)
	if err != nil {
		return nil, err
	}
	return nodePayload(of.name+"Update", s.lockedNodeObject(b, after, omittedRelationships(of, input))), nil
}

// edit changes a node as the input says and returns it as it was and as it is.
func (s *Server) edit(b *branch, of *kind, identifier string, input map[string]any) (before, after *node, err error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	before = s.store.find(b, of.name, identifier)
	if before == nil {
		return nil, nil, notFound(of.name, identifier)
	}
	after = before.clone()
	if err := s.applyInput(b, of, after, input); err != nil {
		return nil, nil, err
	}
	if label := after.text("label"); of.hasLabel && label != "" {
		after.label = label // a cleared label still shows in display_label
	}
	s.store.put(b, after)
	return before, after, nil
}

// omittedRelationships are the relationships to one node that an input does not name.
func omittedRelationships(of *kind, input map[string]any) map[string]bool {
	hidden := map[string]bool{}
	for _, each := range of.relationships {
		_, named := input[each.name]
		hidden[each.name] = !named && !each.many
	}
	return hidden
}

func (s *Server) lockedNodeObject(b *branch, n *node, hidden map[string]bool) object {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.nodeObject(b, n, hidden)
}

// upsert updates the node that the input names by id, hfid or name, else makes one.
func (s *Server) upsert(b *branch, of *kind, input map[string]any) (any, error) {
	identifier, ok := identifierOf(input)
	if !ok {
		named, _ := input["name"].(map[string]any)
		identifier, _ = named["value"].(string)
	}
	_, after, err := s.edit(b, of, identifier, input)
	if missing := (failure{}); errors.As(err, &missing) && missing.code == "NODE_NOT_FOUND" && missing.data["node_kind"] == of.name {
		after, err = s.insert(b, of, input)
	}
	if err != nil {
		return nil, err
	}
	return nodePayload(of.name+"Upsert", s.lockedNodeObject(b, after, nil)), nil
}

// remove answers a delete mutation.
func (s *Server) remove(b *branch, of *kind, input map[string]any) (any, error) {
	identifier, ok := identifierOf(input)
	if !ok {
		return nil, failure{message: "either id or hfid must be provided.", status: http.StatusBadRequest}
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	n := s.store.find(b, of.name, identifier)
	if n == nil {
		return nil, notFound(of.name, identifier)
	}
	s.store.remove(b, n)
	return object{of.name + "Delete", map[string]any{"ok": true}}, nil
}
