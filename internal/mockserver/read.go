package mockserver

import (
	"slices"
	"strings"
	"time"
)

const timestamp = "2006-01-02T15:04:05.000000-07:00"

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timestamp)
}

// list answers a query for nodes of a kind or generic.
func (s *Server) list(b *branch, kindName string, arguments map[string]any) object {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var found []*node
	if ids := texts(arguments["ids"]); ids != nil {
		for _, id := range ids {
			if n := s.store.get(b, kindName, id); n != nil && !slices.ContainsFunc(found, func(f *node) bool { return f.id == id }) {
				found = append(found, n)
			}
		}
	} else {
		found = s.store.list(b, kindName)
	}
	return s.page(b, listOf(kindName), matching(found, arguments), arguments, nil)
}

// matching keeps the nodes that the attribute filters ask for: name__value, name__values and the like.
func matching(nodes []*node, arguments map[string]any) []*node {
	return slices.DeleteFunc(nodes, func(n *node) bool {
		for name, wanted := range arguments {
			attribute, isValue := strings.CutSuffix(name, "__value")
			attribute, isValues := strings.CutSuffix(attribute, "__values")
			if wanted == nil || !isValue && !isValues {
				continue
			}
			if held := n.values[attribute].of; isValue && held != wanted || isValues && !slices.Contains(texts(wanted), n.text(attribute)) {
				return true
			}
		}
		return false
	})
}

// page shows a part of a list, each node once, and how long the whole of it is.
func (s *Server) page(b *branch, of pages, nodes []*node, arguments map[string]any, hidden map[string]bool) object {
	edges := []any{}
	var unique []*node
	for _, n := range nodes {
		if !slices.ContainsFunc(unique, func(u *node) bool { return u.id == n.id }) {
			unique = append(unique, n)
		}
	}
	for _, n := range window(unique, arguments["offset"], arguments["limit"]) {
		edges = append(edges, object{of.edge, map[string]any{"node": s.show(b, n, hidden)}})
	}
	return object{of.page, map[string]any{"count": len(nodes), "edges": edges}}
}

func window[T any](items []T, offset, limit any) []T {
	if skip, ok := offset.(int64); ok {
		items = items[min(max(int(skip), 0), len(items)):]
	}
	if most, ok := limit.(int64); ok && most > 0 {
		items = items[:min(int(most), len(items))]
	}
	return items
}

// show renders a node. Hidden relationships look empty: the answer of an update lies about those to
// one node that its input did not name (infrahub.md, Writing 2).
func (s *Server) show(b *branch, n *node, hidden map[string]bool) object {
	of := s.store.kinds[n.kind]
	fields := map[string]any{"id": n.id, "display_label": n.text("name"), "hfid": []any{n.text("name")}}
	if of.anonymous {
		fields["hfid"] = nil
	}
	if of.labelled {
		fields["display_label"] = n.label
	}
	for _, each := range of.attributes {
		fields[each.name] = showValue(each, n.values[each.name])
	}
	for _, each := range of.relationships {
		fields[each.name] = s.showRelated(b, n, each, hidden[each.name])
	}
	return object{n.kind, fields}
}

func showValue(a attribute, v value) object {
	fields := map[string]any{"value": v.of, "is_default": v.isDefault, "updated_at": stamp(v.updated)}
	if text, ok := v.of.(string); ok && a.typename == "Dropdown" {
		fields["label"] = dropdownLabel(text)
	}
	return object{a.typename, fields}
}

func dropdownLabel(value string) string {
	named := map[string]string{"error-cred": "Credential Error", "error-connection": "Connectivity Error", "error-import": "Import Error"}
	if label, ok := named[value]; ok {
		return label
	}
	return title(strings.ReplaceAll(value, "-", " "))
}

func (s *Server) showRelated(b *branch, n *node, of relationship, hidden bool) any {
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
			if ids := texts(arguments["ids"]); ids != nil {
				chosen = slices.DeleteFunc(chosen, func(p *node) bool { return !slices.Contains(ids, p.id) })
			}
			return s.page(b, pages{"NestedPaginated" + of.peer, of.edge}, matching(chosen, arguments), arguments, nil), nil
		})
	}
	if len(peers) == 0 {
		return object{of.edge, map[string]any{"node": nil}}
	}
	return object{of.edge, map[string]any{"node": s.show(b, peers[0], nil)}}
}

// texts returns a list argument as strings, nil if it was not given.
func texts(argument any) []string {
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

// title writes a word as Python's str.title does: a capital after everything that is no letter.
func title(text string) string {
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
