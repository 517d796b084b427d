package mockserver

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// maxTextBytes is the limit of a text attribute in bytes (infrahub-behaviour.md, Kinds 3).
const maxTextBytes = 4092

// nodePayload returns the response to a mutation that created or changed a node.
func (s *Server) nodePayload(mutation string, b *branch, n *node, hidden map[string]bool) object {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return object{mutation, map[string]any{"ok": true, "object": s.nodeObject(b, n, hidden)}}
}

// insert creates a node from the input of a create mutation. It checks in the server's order: required
// attributes, id, values, uniqueness, relationships.
func (s *Server) insert(b *branch, k *kind, input map[string]any) (*node, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := checkRequired(k, input); err != nil {
		return nil, err
	}
	n := newNode(k, uuid.NewString())
	if id, ok := input["id"].(string); ok && id != "" {
		if uuid.Validate(id) != nil {
			return nil, notUUID(k.name, id)
		}
		if s.store.usedIDs[id] {
			return nil, violation(k.name, "id", id+" is already in use")
		}
		n.id = id
	}
	for _, a := range k.attributes {
		n.set(a.name, a.defaultValue, true)
	}
	if err := s.applyInput(b, n, input); err != nil {
		return nil, err
	}
	if k.hasLabel {
		setLabel(n)
	}
	s.store.put(b, n)
	return s.store.get(b, k.name, n.id), nil
}

// checkRequired returns a failure for each required attribute that an input lacks. A single failure has
// the path of the mutation, several have paths of their own.
func checkRequired(k *kind, input map[string]any) error {
	var missing failures
	for _, a := range k.attributes {
		if a.required && input[a.name] == nil {
			missing = append(missing, mandatory(k.name, a.name))
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return missing
	}
	slices.SortFunc(missing, func(a, b failure) int { return strings.Compare(a.message, b.message) })
	for i, f := range missing {
		field, _ := f.data["field_name"].(string)
		missing[i].subPath = []string{"data", field}
	}
	return missing
}

// setLabel generates the label of a new node from its name, unless the input had one
// (infrahub-behaviour.md, Writing 5).
func setLabel(n *node) {
	if n.values["label"].content == nil && n.text("name") != "" {
		words := strings.Split(n.text("name"), "_")
		for i, word := range words {
			words[i] = titleCase(word)
		}
		n.set("label", strings.Join(words, " "), false)
	}
	n.label = n.text("label")
}

// applyInput sets the attributes and relationships of an input on a node. It returns a failure if the
// schema forbids one.
func (s *Server) applyInput(b *branch, n *node, input map[string]any) error {
	for _, a := range n.kind.attributes {
		if given, ok := input[a.name].(map[string]any); ok && !a.readOnly {
			if err := applyAttribute(n, a, given); err != nil {
				return err
			}
			if err := s.applyProperties(b, n, a, given); err != nil {
				return err
			}
		}
	}
	for _, name := range n.kind.unique {
		if text, ok := n.values[name].content.(string); ok {
			if id := s.store.findByAttribute(b, n.kind.family(), name, text); id != "" && id != n.id {
				return unprocessable("Violates uniqueness constraint '%s'", name)
			}
		}
	}
	for _, r := range n.kind.relationships {
		if given, present := input[r.name]; present {
			if err := s.applyRelationship(b, n, r, given); err != nil {
				return err
			}
		}
	}
	for _, a := range n.kind.attributes {
		if len(n.text(a.name)) > maxTextBytes && input[a.name] != nil {
			return unprocessable("Text attribute length should be less than 4096 characters.")
		}
	}
	return nil
}

// applyAttribute applies the input of one attribute: {} leaves it, {value: null} clears it, {is_default:
// true} resets it (infrahub-behaviour.md, Writing 4). is_default stays false once a value was set.
func applyAttribute(n *node, a attribute, given map[string]any) error {
	to, present := given["value"]
	_, reset := given["is_default"]
	creating := n.created == 0
	isDefault := n.values[a.name].isDefault && !creating
	switch {
	case reset && !isDefault:
		isDefault = true
		if !present {
			to, present = a.defaultValue, true
		}
	case creating && to == nil && a.defaultValue != nil:
		isDefault, to = true, a.defaultValue
	}
	switch {
	case a.required && (present && to == nil || creating && !present):
		return violation(n.kind.name, a.name, fmt.Sprintf("A value must be provided for %s", a.name))
	case !present && !creating:
		return nil
	}
	if text, ok := to.(string); ok && a.pattern != nil && !a.pattern.MatchString(text) {
		return violation(n.kind.name, a.name, fmt.Sprintf("%s must conform with the regex: '%s'", text, a.pattern))
	}
	isDefault = isDefault && to == a.defaultValue
	if to != n.values[a.name].content || isDefault != n.values[a.name].isDefault {
		n.set(a.name, to, isDefault)
	}
	return nil
}

// applyProperties applies what an input says of a value: whether it is protected, and its source and owner, which are accounts or
// repositories.
func (s *Server) applyProperties(b *branch, n *node, a attribute, given map[string]any) error {
	v := n.values[a.name]
	if protected, ok := given["is_protected"].(bool); ok {
		v.isProtected = protected
	}
	for name, of := range map[string]*string{"source": &v.source, "owner": &v.owner} {
		id, ok := given[name].(string)
		if !ok {
			continue
		}
		if s.lineage(b, id) == nil {
			return failure{message: "The " + name + " '" + id + "'" + notImitated + ": it knows only accounts and repositories.", status: http.StatusNotImplemented}
		}
		*of = id
	}
	n.values[a.name] = v
	return nil
}

// applyRelationship replaces the peers of a relationship; null and [] clear it (infrahub-behaviour.md,
// Writing 4).
func (s *Server) applyRelationship(b *branch, n *node, r relationship, given any) error {
	items, isList := given.([]any)
	if !isList && given != nil {
		items = []any{given}
	}
	var peers []string
	for _, item := range items {
		reference, _ := item.(map[string]any)
		identifier, ok := identifierOf(reference)
		if !ok {
			return errNoPeer
		}
		peer := s.store.find(b, r.peer, identifier)
		if peer == nil {
			return notFound(r.peer, identifier)
		}
		peers = append(peers, peer.id)
	}
	if r.many {
		peers = replacePeers(n.related[r.name], peers)
	}
	n.related[r.name] = peers
	return nil
}

// replacePeers returns the old peers without those that are not wanted, and the wanted ones that are new.
// As on the server, a new peer that is wanted twice is added twice, and one that is held twice is removed
// once.
func replacePeers(old, wanted []string) []string {
	removed := map[string]bool{}
	peers := slices.DeleteFunc(slices.Clone(old), func(id string) bool {
		remove := !slices.Contains(wanted, id) && !removed[id]
		removed[id] = removed[id] || remove
		return remove
	})
	for _, id := range wanted {
		if !slices.Contains(old, id) {
			peers = append(peers, id)
		}
	}
	return peers
}

// identifierOf returns the id in an input, else its human-friendly id. It reports false if there is neither.
func identifierOf(input map[string]any) (string, bool) {
	if id, ok := input["id"].(string); ok && id != "" {
		return id, true
	}
	if hfid := stringList(input["hfid"]); len(hfid) > 0 {
		return strings.Join(hfid, "__"), true
	}
	return "", false
}

// errNoPeer is the error of a related node without an id.
var errNoPeer = failure{message: "Relationship has not been initialized yet", status: http.StatusInternalServerError}

var errNoIdentifier = failure{message: "either id or hfid must be provided.", status: http.StatusBadRequest}

// inputText returns the text that an input has for an attribute, "" if it has none.
func inputText(input map[string]any, name string) string {
	attribute, _ := input[name].(map[string]any)
	text, _ := attribute["value"].(string)
	return text
}

// create answers the create mutation of a kind.
func (s *Server) create(b *branch, k *kind, input map[string]any) (any, error) {
	n, err := s.insert(b, k, input)
	if err != nil {
		return nil, err
	}
	return s.nodePayload(k.name+"Create", b, n, nil), nil
}

// update answers the update mutation of a kind.
func (s *Server) update(b *branch, k *kind, input map[string]any) (any, error) {
	identifier, ok := identifierOf(input)
	if !ok {
		return nil, errNoIdentifier
	}
	_, after, err := s.edit(b, k, identifier, input)
	if err != nil {
		return nil, err
	}
	return s.nodePayload(k.name+"Update", b, after, omittedRelationships(k, input)), nil
}

// edit applies an input to a node and returns the node before and after.
func (s *Server) edit(b *branch, k *kind, identifier string, input map[string]any) (before, after *node, err error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	before = s.store.find(b, k.name, identifier)
	if before == nil {
		return nil, nil, notFound(k.name, identifier)
	}
	after = before.clone()
	if err := s.applyInput(b, after, input); err != nil {
		return nil, nil, err
	}
	if label := after.text("label"); k.hasLabel && label != "" {
		after.label = label // display_label keeps a label that was cleared
	}
	s.store.put(b, after)
	return before, after, nil
}

// omittedRelationships returns the relationships to one node that an input does not name.
func omittedRelationships(k *kind, input map[string]any) map[string]bool {
	omitted := map[string]bool{}
	for _, r := range k.relationships {
		_, named := input[r.name]
		omitted[r.name] = !named && !r.many
	}
	return omitted
}

// upsert returns the upsert mutation of a kind. It updates the node that the input identifies by id, hfid or name without the
// side effects of an update, or creates it (infrahub-behaviour.md, Writing 11 and 13).
func (s *Server) upsert(k *kind, create mutation) mutation {
	return func(ctx context.Context, b *branch, input map[string]any) (any, error) {
		id, err := s.upsertTarget(b, k, input)
		if err != nil {
			return nil, err
		}
		if id == "" {
			created, err := create(ctx, b, input)
			if err != nil {
				return nil, err
			}
			payload, _ := created.(object)
			return object{k.name + "Upsert", payload.fields}, nil
		}
		_, after, err := s.edit(b, k, id, input)
		if err != nil {
			return nil, err
		}
		return s.nodePayload(k.name+"Upsert", b, after, nil), nil
	}
}

// upsertTarget returns the id of the node that an upsert updates, "" if it creates one. An id that no node has is refused, and
// a name that another kind has.
func (s *Server) upsertTarget(b *branch, k *kind, input map[string]any) (string, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if id, ok := input["id"].(string); ok {
		if s.store.get(b, k.name, id) == nil {
			return "", s.notOfKind(b, k, id)
		}
		return id, nil
	}
	name := inputText(input, "name")
	if hfid := stringList(input["hfid"]); len(hfid) > 0 {
		name = strings.Join(hfid, "__")
	} else if err := checkRequired(k, input); err != nil {
		return "", err
	}
	n := s.store.findByName(b, k.family(), name)
	switch {
	case n == nil:
		return "", nil
	case n.kind != k:
		return "", s.notOfKind(b, k, n.id)
	}
	return n.id, nil
}

// notOfKind returns the failure of an id that no node of a kind has.
func (s *Server) notOfKind(b *branch, k *kind, id string) failure {
	f := notFound(k.name, id)
	if n := s.nodeOfAnyKind(b, id); n != nil {
		f.message = fmt.Sprintf("Node with id %s exists, but it is a %s, not %s", id, n.kind.name, k.name)
	}
	return f
}

// remove answers the delete mutation of a kind.
func (s *Server) remove(b *branch, k *kind, input map[string]any) (any, error) {
	identifier, ok := identifierOf(input)
	if !ok {
		return nil, errNoIdentifier
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	n := s.store.find(b, k.name, identifier)
	if n == nil {
		return nil, notFound(k.name, identifier)
	}
	if err := s.requireNoValidator(n); err != nil {
		return nil, err
	}
	s.store.remove(b, n)
	return object{k.name + "Delete", map[string]any{"ok": true}}, nil
}

// requireNoValidator refuses to delete a repository that has a validator of its own (infrahub-behaviour.md, Proposals 7).
func (s *Server) requireNoValidator(n *node) error {
	for _, validator := range s.store.list(s.store.branches[mainBranch], repositoryValidatorKind) {
		if slices.Contains(validator.related["repository"], n.id) {
			return violation(n.kind.name, repositoryValidatorKind+".repository", fmt.Sprintf(
				"Cannot delete %s '%s'. It is linked to mandatory relationship repository on node %s '%s'", n.kind.name, n.id, repositoryValidatorKind, validator.id))
		}
	}
	return nil
}
