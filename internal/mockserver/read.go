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
	var found []*node
	if ids := stringList(arguments["ids"]); ids != nil {
		for _, id := range ids {
			if n := s.store.get(b, kindName, id); n != nil && !slices.ContainsFunc(found, func(f *node) bool { return f.id == id }) {
				found = append(found, n)
			}
		}
	} else {
		found = s.store.list(b, kindName)
	}
	return s.nodePage(b, listOf(kindName), filterNodes(found, arguments), arguments, nil)
}

// filterNodes keeps the nodes that the attribute filters ask for: name__value, name__values and the like.
func filterNodes(nodes []*node, arguments map[string]any) []*node {
	return slices.DeleteFunc(nodes, func(n *node) bool {
		for name, wanted := range arguments {
			attribute, isValue := strings.CutSuffix(name, "__value")
			attribute, isValues := strings.CutSuffix(attribute, "__values")
			if wanted == nil || !isValue && !isValues {
				continue
			}
			if held := n.values[attribute].content; isValue && held != wanted || isValues && !slices.Contains(stringList(wanted), n.text(attribute)) {
				return true
			}
		}
		return false
	})
}

// nodePage shows a part of a list, each node once, and how long the whole of it is.
func (s *Server) nodePage(b *branch, of listTypes, nodes []*node, arguments map[string]any, hidden map[string]bool) object {
	edges := []any{}
	var unique []*node
	for _, n := range nodes {
		if !slices.ContainsFunc(unique, func(u *node) bool { return u.id == n.id }) {
			unique = append(unique, n)
		}
	}
	for _, n := range pageOf(unique, arguments["offset"], arguments["limit"]) {
		edges = append(edges, object{of.edge, map[string]any{"node": s.nodeObject(b, n, hidden)}})
	}
	return object{of.page, map[string]any{"count": len(nodes), "edges": edges}}
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

// nodeObject renders a node. Hidden relationships look empty: the answer of an update lies about those to
// one node that its input did not name (infrahub.md, Writing 2).
func (s *Server) nodeObject(b *branch, n *node, hidden map[string]bool) object {
	of := s.store.kinds[n.kind]
	fields := map[string]any{"id": n.id, "display_label": n.text("name"), "hfid": []any{n.text("name")}}
	if of.withoutHFID {
		fields["hfid"] = nil
	}
	if of.hasLabel {
		fields["display_label"] = n.label
	}
	for _, each := range of.attributes {
		fields[each.name] = valueObject(each, n.values[each.name])
	}
	for _, each := range of.relationships {
		fields[each.name] = s.relationshipField(b, n, each, hidden[each.name])
	}
	return object{n.kind, fields}
}

func valueObject(a attribute, v value) object {
	fields := map[string]any{"value": v.content, "is_default": v.isDefault, "updated_at": formatTime(v.updated)}
	if text, ok := v.content.(string); ok && a.typename == "Dropdown" {
		fields["label"] = dropdownLabel(text)
	}
	return object{a.typename, fields}
}

func dropdownLabel(value string) string {
	named := map[string]string{"error-cred": "Credential Error", "error-connection": "Connectivity Error", "error-import": "Import Error"}
	if label, ok := named[value]; ok {
		return label
	}
	return titleCase(strings.ReplaceAll(value, "-", " "))
}

func (s *Server) relationshipField(b *branch, n *node, of relationship, hidden bool) any {
	var peers []*node
	for _, id := range n.related[of.name] {
		if peer := s.store.get(b, of.peer, id); peer != nil && !hidden {
			peers = append(peers, peer)
		}
	}
	slices.SortStableFunc(peers, func(a, b *node) int { return strings.Compare(a.text("name"), b.text("name")) })
	if of.many {
		return resolver(func(arguments map[string]any) (any, error) {
			s.store.mu.Lock()
			defer s.store.mu.Unlock()
			chosen := slices.Clone(peers)
			if ids := stringList(arguments["ids"]); ids != nil {
				chosen = slices.DeleteFunc(chosen, func(p *node) bool { return !slices.Contains(ids, p.id) })
			}
			return s.nodePage(b, listTypes{"NestedPaginated" + of.peer, of.edge}, filterNodes(chosen, arguments), arguments, nil), nil
		})
	}
	if len(peers) == 0 {
		return object{of.edge, map[string]any{"node": nil}}
	}
	return object{of.edge, map[string]any{"node": s.nodeObject(b, peers[0], nil)}}
}

// stringList returns a list argument as strings, nil if it was not given.
func stringList(argument any) []string {
	items, ok := argument.([]any)
	if !ok {
		return nil
	}
	found := make([]string, 0, len(items))
	for _, item := range items {
		if text, ok := item.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

// titleCase writes a word as Python's str.titleCase does: a capital after everything that is no letter.
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
