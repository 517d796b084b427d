package mockserver

import (
	"slices"
	"strings"
	"time"
)

const timeFormat = "2006-01-02T15:04:05.000000-07:00"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

// list answers a query for nodes of a kind or generic.
func (s *Server) list(b *branch, kindName string, arguments map[string]any) object {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var nodes []*node
	if ids := stringList(arguments["ids"]); ids != nil {
		for _, id := range ids {
			if n := s.store.get(b, kindName, id); n != nil && !containsNode(nodes, id) {
				nodes = append(nodes, n)
			}
		}
	} else {
		nodes = s.store.list(b, kindName)
	}
	return s.nodePage(b, "", kindName, s.filterNodes(b, nodes, arguments), arguments)
}

func containsNode(nodes []*node, id string) bool {
	return slices.ContainsFunc(nodes, func(n *node) bool { return n.id == id })
}

// filterNodes returns the nodes that pass all filters: name__value, name__values, credential__ids, tags__name__values
// and the like.
func (s *Server) filterNodes(b *branch, nodes []*node, arguments map[string]any) []*node {
	return slices.DeleteFunc(nodes, func(n *node) bool {
		for argument, wanted := range arguments {
			if wanted != nil && !s.passes(b, n, argument, wanted) {
				return true
			}
		}
		return false
	})
}

// passes reports whether a node passes one filter. An argument that is no filter lets every node pass.
func (s *Server) passes(b *branch, n *node, argument string, wanted any) bool {
	isWanted := func(text string) bool { return slices.Contains(stringList(wanted), text) }
	if name, ok := strings.CutSuffix(argument, "__value"); ok {
		return n.values[name].content == wanted
	}
	if name, ok := strings.CutSuffix(argument, "__ids"); ok {
		return slices.ContainsFunc(n.related[name], isWanted)
	}
	name, ok := strings.CutSuffix(argument, "__values")
	if !ok {
		return true
	}
	relationship, attribute, ofPeer := strings.Cut(name, "__")
	if !ofPeer {
		return isWanted(n.text(name))
	}
	for _, r := range n.kind.relationships {
		if r.name == relationship {
			return slices.ContainsFunc(s.peers(b, n, r), func(peer *node) bool { return isWanted(peer.text(attribute)) })
		}
	}
	return false
}

// nodePage returns a page of a list of nodes, each node once, and the length of the whole list. A node
// that is in the list twice counts twice, as on the server.
func (s *Server) nodePage(b *branch, prefix, kindName string, nodes []*node, arguments map[string]any) object {
	var unique []*node
	for _, n := range nodes {
		if !containsNode(unique, n.id) {
			unique = append(unique, n)
		}
	}
	edges := []any{}
	for _, n := range pageOf(unique, arguments["offset"], arguments["limit"]) {
		edges = append(edges, object{prefix + "Edged" + kindName, map[string]any{"node": s.nodeObject(b, n, nil)}})
	}
	return object{prefix + "Paginated" + kindName, map[string]any{"count": len(nodes), "edges": edges}}
}

func pageOf[T any](items []T, offset, limit any) []T {
	if skip, ok := offset.(int64); ok {
		items = items[min(max(int(skip), 0), len(items)):]
	}
	if most, ok := limit.(int64); ok && most > 0 {
		items = items[:min(int(most), len(items))]
	}
	return items
}

// nodeObject returns the GraphQL object of a node. Relationships that are hidden look empty, as in the
// response to an update that did not name them (infrahub-behaviour.md, Writing 2).
func (s *Server) nodeObject(b *branch, n *node, hidden map[string]bool) object {
	fields := map[string]any{"id": n.id, "display_label": n.text("name"), "hfid": []any{n.text("name")}}
	if n.kind.withoutHFID {
		fields["hfid"] = nil
	}
	if n.kind.hasLabel {
		fields["display_label"] = n.label
	}
	for _, a := range n.kind.attributes {
		fields[a.name] = attributeObject(a, n.values[a.name])
	}
	for _, r := range n.kind.relationships {
		var peers []*node
		if !hidden[r.name] {
			peers = s.peers(b, n, r)
		}
		fields[r.name] = s.relationshipField(b, r, peers)
	}
	return object{n.kind.name, fields}
}

func attributeObject(a attribute, v value) object {
	fields := map[string]any{"value": v.content, "is_default": v.isDefault, "updated_at": formatTime(v.updated)}
	if text, ok := v.content.(string); ok && a.typename == "Dropdown" {
		fields["label"] = dropdownLabel(text)
	}
	return object{a.typename, fields}
}

func dropdownLabel(value string) string {
	switch value {
	case "error-cred":
		return "Credential Error"
	case "error-connection":
		return "Connectivity Error"
	case "error-import":
		return "Import Error"
	}
	return titleCase(strings.ReplaceAll(value, "-", " "))
}

// peers returns the nodes at the other end of a relationship, sorted by name.
func (s *Server) peers(b *branch, n *node, r relationship) []*node {
	var peers []*node
	for _, id := range n.related[r.name] {
		if peer := s.store.get(b, r.peer, id); peer != nil {
			peers = append(peers, peer)
		}
	}
	slices.SortStableFunc(peers, func(a, b *node) int { return strings.Compare(a.text("name"), b.text("name")) })
	return peers
}

func (s *Server) relationshipField(b *branch, r relationship, peers []*node) any {
	if !r.many {
		var peer any
		if len(peers) > 0 {
			peer = s.nodeObject(b, peers[0], nil)
		}
		return object{"NestedEdged" + r.peer, map[string]any{"node": peer}}
	}
	return resolver(func(arguments map[string]any) (any, error) {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		chosen := slices.Clone(peers)
		if ids := stringList(arguments["ids"]); ids != nil {
			chosen = slices.DeleteFunc(chosen, func(p *node) bool { return !slices.Contains(ids, p.id) })
		}
		return s.nodePage(b, "Nested", r.peer, s.filterNodes(b, chosen, arguments), arguments), nil
	})
}

// stringList returns the strings of a list argument, nil if the argument is no list.
func stringList(argument any) []string {
	items, ok := argument.([]any)
	if !ok {
		return nil
	}
	texts := make([]string, 0, len(items))
	for _, item := range items {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// titleCase returns a text in title case as Python's str.title does: a capital after every character
// that is no letter.
func titleCase(text string) string {
	var out strings.Builder
	start := true
	for _, r := range text {
		letter := strings.ToUpper(string(r)) != strings.ToLower(string(r))
		if letter && start {
			out.WriteString(strings.ToUpper(string(r)))
		} else {
			out.WriteString(strings.ToLower(string(r)))
		}
		start = !letter
	}
	return out.String()
}
