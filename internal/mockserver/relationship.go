package mockserver

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// changePeers returns a mutation that changes the peers of one relationship of a node, whatever its kind
// (infrahub-behaviour.md, Clients 4).
func (s *Server) changePeers(typename string, change func(b *branch, n *node, r relationship, given []peerReference) ([]string, error)) mutation {
	return func(_ context.Context, b *branch, input map[string]any) (any, error) {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		n, r, err := s.relationshipIn(b, input)
		if err != nil {
			return nil, err
		}
		items, ok := input["nodes"].([]any)
		if !ok {
			return nil, failure{message: "'NoneType' object is not iterable", status: http.StatusInternalServerError}
		}
		given, err := s.peersIn(b, r, items)
		if err != nil {
			return nil, err
		}
		peers, err := change(b, n, r, given)
		if err != nil {
			return nil, err
		}
		n.related[r.name] = peers
		s.store.put(b, n)
		return object{typename, map[string]any{"ok": true}}, nil
	}
}

// addPeers returns the peers of a node and those that are given by id or name.
func (s *Server) addPeers(b *branch, n *node, r relationship, given []peerReference) ([]string, error) {
	peers := slices.Clone(n.related[r.name])
	switch {
	case !r.many && len(peers) > 0:
		return nil, unprocessable("'%s' is a cardinality-one relationship and already has a peer", r.name)
	case !r.many && len(given) > 1:
		return nil, unprocessable("'%s' is a cardinality-one relationship and cannot be assigned more than one peer", r.name)
	}
	for _, reference := range given {
		id := reference.id
		if id == "" && reference.name == "" {
			return nil, errNoPeer
		}
		if id == "" {
			peer := s.store.findByName(b, r.peer, reference.name)
			if peer == nil {
				return nil, notFound(r.peer, reference.name)
			}
			id = peer.id
		}
		if !slices.Contains(peers, id) {
			peers = append(peers, id)
		}
	}
	return peers, nil
}

// removePeers returns the peers of a node without those that are given by id. The server ignores a name.
func (s *Server) removePeers(_ *branch, n *node, r relationship, given []peerReference) ([]string, error) {
	return slices.DeleteFunc(slices.Clone(n.related[r.name]), func(id string) bool {
		return slices.ContainsFunc(given, func(reference peerReference) bool { return reference.id == id })
	}), nil
}

// relationshipIn returns the node and the relationship that an input names. The store is locked.
func (s *Server) relationshipIn(b *branch, input map[string]any) (*node, relationship, error) {
	id, _ := input["id"].(string)
	name, _ := input["name"].(string)
	n := s.nodeOfAnyKind(b, id)
	if n == nil {
		return nil, relationship{}, notFound("node", id)
	}
	for _, r := range n.kind.relationships {
		if r.name == name {
			return n, r, nil
		}
	}
	if whole, err := s.whole(); err == nil && whole.Types[n.kind.name].Fields.ForName(name) != nil && n.values[name] == (value{}) {
		return nil, relationship{}, failure{message: "The relationship '" + name + "'" + notImitated + ".", status: http.StatusNotImplemented}
	}
	return nil, relationship{}, unprocessable("'%s' is not a valid relationship for '%s' at name", name, n.kind.name)
}

// peerReference is a node in an input: an id, or a name.
type peerReference struct{ id, name string }

// peersIn returns the nodes in an input. What has an id must be a peer of the relationship. The store is locked.
func (s *Server) peersIn(b *branch, r relationship, items []any) ([]peerReference, error) {
	var references []peerReference
	for _, item := range items {
		reference, _ := item.(map[string]any)
		id, hasID := reference["id"].(string)
		if n := s.nodeOfAnyKind(b, id); hasID && n == nil {
			return nil, unprocessable("'%s': Unable to find the node in the database.", id)
		} else if hasID && !n.kind.is(r.peer) {
			return nil, unprocessable("'%s' '%s' is not a valid peer for '%s'", id, n.kind.name, r.peer)
		}
		references = append(references, peerReference{id, strings.Join(stringList(reference["hfid"]), "__")})
	}
	return references, nil
}

// nodeOfAnyKind returns the node of an id, nil if there is none. The store is locked.
func (s *Server) nodeOfAnyKind(b *branch, id string) *node {
	for _, k := range s.store.kinds {
		if n := s.store.get(b, k.name, id); n != nil {
			return n
		}
	}
	return nil
}
