package mockserver

import (
	"maps"
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
// and the like (infrahub-behaviour.md, Clients 3).
func (s *Server) filterNodes(b *branch, nodes []*node, arguments map[string]any) []*node {
	partly := arguments["partial_match"] == true
	return slices.DeleteFunc(nodes, func(n *node) bool {
		for argument, wanted := range arguments {
			if wanted != nil && !s.passes(b, n, argument, filter{wanted: wanted, partly: partly}) {
				return true
			}
		}
		return false
	})
}

// filter is what an argument wants of a value.
type filter struct {
	wanted any
	partly bool // a text need only contain what is wanted, in upper or lower case
}

// passes reports whether a node passes one filter. An argument that is no filter lets every node pass.
func (s *Server) passes(b *branch, n *node, argument string, f filter) bool {
	name, aspect, isFilter := strings.Cut(argument, "__")
	switch {
	case argument == "hfid":
		return slices.Equal(stringList(f.wanted), []string{n.text("name")})
	case argument == "isnull" || !isFilter:
		return true
	case name == "any":
		return slices.ContainsFunc(n.kind.attributes, func(a attribute) bool { return a.name != checkSource && f.passes(n.values[a.name], aspect) })
	case name == "display_label":
		return f.passes(value{content: n.displayLabel()}, aspect)
	}
	for _, r := range n.kind.relationships {
		if r.name == name {
			return s.passesByPeer(b, n, r, aspect, f)
		}
	}
	return f.passes(n.values[name], aspect)
}

// passesByPeer reports whether the peers of a node pass a filter: ids, isnull, or an attribute and its aspect.
func (s *Server) passesByPeer(b *branch, n *node, r relationship, aspect string, f filter) bool {
	peers := s.peers(b, n, r)
	switch aspect {
	case "ids":
		return slices.ContainsFunc(peers, func(peer *node) bool { return slices.Contains(stringList(f.wanted), peer.id) })
	case "isnull":
		return (len(peers) == 0) == f.wanted
	}
	return slices.ContainsFunc(peers, func(peer *node) bool { return s.passes(b, peer, aspect, f) })
}

// passes reports whether an aspect of a value is as wanted.
func (f filter) passes(v value, aspect string) bool {
	switch aspect {
	case "value":
		return f.matches(v, f.wanted)
	case "values":
		items, _ := f.wanted.([]any)
		return slices.ContainsFunc(items, func(item any) bool { return f.matches(v, item) })
	case "isnull":
		return (v.content == nil) == f.wanted
	case "is_protected":
		return v.isProtected == f.wanted
	}
	return true
}

func (f filter) matches(v value, wanted any) bool {
	text, isText := v.content.(string)
	part, isPart := wanted.(string)
	if f.partly && isText && isPart {
		return strings.Contains(strings.ToLower(text), strings.ToLower(part))
	}
	return v.content == wanted
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
		edges = append(edges, s.edge(b, prefix, kindName, n))
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

// edge returns the edge of a page that leads to a node, nil if there is none. Relationships have no properties in the mock server.
func (s *Server) edge(b *branch, prefix, kindName string, n *node) object {
	if n == nil {
		return object{prefix + "Edged" + kindName, map[string]any{
			"node": nil, "properties": object{typename: "RelationshipProperty"}, "node_metadata": object{typename: "InfrahubNodeMetadata"},
		}}
	}
	// about resolves what few clients ask for.
	about := func(typename string, more map[string]any) resolver {
		return func(map[string]any) (any, error) {
			fields := map[string]any{"updated_at": formatTime(n.updatedAt()), "updated_by": s.account}
			maps.Copy(fields, more)
			return object{typename, fields}, nil
		}
	}
	created := formatTime(n.createdAt)
	return object{prefix + "Edged" + kindName, map[string]any{
		"node":                  s.nodeObject(b, n, nil),
		"properties":            about("RelationshipProperty", nil),
		"relationship_metadata": about("InfrahubRelationshipMetadata", nil),
		"node_metadata":         about("InfrahubNodeMetadata", map[string]any{"created_at": created, "created_by": s.account}),
	}}
}

// nodeObject returns the GraphQL object of a node. Relationships that are hidden look empty, as in the
// response to an update that did not name them (infrahub-behaviour.md, Writing 2).
func (s *Server) nodeObject(b *branch, n *node, hidden map[string]bool) object {
	fields := map[string]any{"id": n.id, "display_label": n.displayLabel(), "hfid": []any{n.text("name")}}
	if n.kind.withoutHFID {
		fields["hfid"] = nil
	}
	for _, a := range n.kind.attributes {
		fields[a.name] = s.attributeObject(b, a, n.values[a.name])
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

func (s *Server) attributeObject(b *branch, a attribute, v value) object {
	fields := map[string]any{
		"value": v.content, "is_default": v.isDefault, "is_from_profile": false, "is_protected": v.isProtected, "updated_at": formatTime(v.updated),
		"updated_by": s.account,
	}
	if v.source != "" || v.owner != "" {
		fields["source"], fields["owner"] = s.lineage(b, v.source), s.lineage(b, v.owner)
	}
	if text, ok := v.content.(string); ok && a.typename == "Dropdown" {
		fields["label"] = dropdownLabel(text)
	}
	return object{a.typename, fields}
}

// lineage returns the repository or the account that is the source or the owner of a value, nil if there is none.
func (s *Server) lineage(b *branch, id string) any {
	if id == s.sessions.account {
		return s.account
	}
	if n := s.store.get(b, genericRepositoryKind, id); n != nil {
		return object{n.kind.name, map[string]any{"id": n.id, "display_label": n.displayLabel(), "hfid": []any{n.text("name")}}}
	}
	return nil
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
		var peer *node
		if len(peers) > 0 {
			peer = peers[0]
		}
		return s.edge(b, "Nested", r.peer, peer)
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
