package mockserver

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// value is what an attribute holds.
type value struct {
	content   any
	isDefault bool
	updated   time.Time
}

// node is one object as one branch sees it. Nodes in the store are never changed, only replaced.
type node struct {
	id, kind string
	label    string
	created  int // counts up: the order of creation
	values   map[string]value
	related  map[string][]string
}

func (n *node) clone() *node {
	c := *n
	c.values, c.related = maps.Clone(n.values), maps.Clone(n.related)
	return &c
}

// text returns the value of a text attribute, "" where it is null.
func (n *node) text(name string) string {
	text, _ := n.values[name].content.(string)
	return text
}

func (n *node) set(name string, of any, isDefault bool) {
	n.values[name] = value{content: of, isDefault: isDefault, updated: time.Now()}
}

// branch is an Infrahub branch: what it sees of its own, and what that was when it was made.
type branch struct {
	id, name, description string
	created               time.Time
	status                string
	syncWithGit           bool
	nodes, base           map[string]*node
}

const mainBranch = "main"

// store holds every node. A node of an agnostic kind has one part that all branches share and one
// for each branch that set a branch-aware or local value (infrahub.md, Branches).
type store struct {
	mu       sync.Mutex
	kinds    map[string]*kind
	shared   map[string]*node
	branches map[string]*branch
	usedIDs  map[string]bool // every id ever given: none is free again (infrahub.md, Writing 1)
	merging  string          // the branch that is being merged
	count    int
}

func newStore() *store {
	s := &store{kinds: newKinds(), shared: map[string]*node{}, branches: map[string]*branch{}, usedIDs: map[string]bool{}}
	s.branches[mainBranch] = &branch{
		id: uuid.NewString(), name: mainBranch, description: "Default Branch", status: "OPEN", created: time.Now(), syncWithGit: true,
		nodes: map[string]*node{},
	}
	return s
}

// get returns a node as a branch sees it, a copy; nil if the branch has none of this kind or generic.
func (s *store) get(b *branch, kindName, id string) *node {
	own, common := b.nodes[id], s.shared[id]
	if own == nil && common == nil {
		return nil
	}
	if common == nil {
		if !s.kinds[own.kind].is(kindName) {
			return nil
		}
		return own.clone()
	}
	of := s.kinds[common.kind]
	if !of.is(kindName) {
		return nil
	}
	seen := common.clone()
	for _, attribute := range of.attributes {
		if attribute.scope == shared {
			continue
		}
		seen.values[attribute.name] = value{content: attribute.fallback, isDefault: true, updated: common.values["name"].updated}
		if own != nil {
			seen.values[attribute.name] = own.values[attribute.name]
		}
	}
	for _, relationship := range of.relationships {
		if relationship.scope != shared && own != nil {
			seen.related[relationship.name] = own.related[relationship.name]
		}
	}
	return seen
}

// put replaces a node as a branch sees it. The part of its own that the branch has of an agnostic
// node is written only where it differs from what the branch saw: what it never set it does not merge.
func (s *store) put(b *branch, n *node) {
	of := s.kinds[n.kind]
	s.usedIDs[n.id] = true
	if n.created == 0 {
		s.count++
		n.created = s.count
	}
	if !of.agnostic {
		b.nodes[n.id] = n
		return
	}
	before := s.get(b, n.kind, n.id)
	common, own, differs := n.clone(), n.clone(), before == nil
	for _, attribute := range of.attributes {
		if attribute.scope == shared {
			delete(own.values, attribute.name)
			continue
		}
		delete(common.values, attribute.name)
		differs = differs || before.values[attribute.name] != n.values[attribute.name]
	}
	for _, relationship := range of.relationships {
		if relationship.scope == shared {
			delete(own.related, relationship.name)
			continue
		}
		delete(common.related, relationship.name)
		differs = differs || !slices.Equal(before.related[relationship.name], n.related[relationship.name])
	}
	s.shared[n.id] = common
	if differs {
		b.nodes[n.id] = own
	}
}

// remove deletes a node: an agnostic one on every branch, wherever it is deleted. What refers to it
// is detached; the queries that a repository brought to this branch go with it.
func (s *store) remove(b *branch, n *node) {
	if s.kinds[n.kind].is("CoreGenericRepository") {
		for _, query := range s.list(b, "CoreGraphQLQuery") {
			if slices.Contains(query.related["repository"], n.id) {
				delete(b.nodes, query.id)
			}
		}
	}
	if !s.kinds[n.kind].agnostic {
		delete(b.nodes, n.id)
		return
	}
	delete(s.shared, n.id)
	for _, each := range s.branches {
		delete(each.nodes, n.id)
	}
}

// list returns the nodes of a kind or generic that a branch sees, by name.
func (s *store) list(b *branch, kindName string) []*node {
	var found []*node
	consider := func(id string) {
		if n := s.get(b, kindName, id); n != nil {
			found = append(found, n)
		}
	}
	for id := range s.shared {
		consider(id)
	}
	for id := range b.nodes {
		if s.shared[id] == nil {
			consider(id)
		}
	}
	slices.SortFunc(found, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.text("name"), b.text("name")), cmp.Compare(a.created, b.created))
	})
	return found
}

// find returns the node with this id, else with this name, as the server looks nodes up.
func (s *store) find(b *branch, kindName, identifier string) *node {
	if n := s.get(b, kindName, identifier); n != nil {
		return n
	}
	return s.findByName(b, kindName, identifier)
}

func (s *store) findByName(b *branch, kindName, name string) *node {
	if id := s.findByAttribute(b, kindName, "name", name); id != "" {
		return s.get(b, kindName, id)
	}
	return nil
}

// findByAttribute returns the id of the node whose shared attribute has this value, "" if there is none.
func (s *store) findByAttribute(b *branch, kindName, attribute, text string) string {
	for _, nodes := range []map[string]*node{s.shared, b.nodes} {
		for id, n := range nodes {
			of := s.kinds[n.kind]
			if held, given := n.values[attribute]; given && held.content == text && of.is(kindName) && !of.withoutHFID {
				return id
			}
		}
	}
	return ""
}

// change replaces a repository as a branch sees it; false if it is gone.
func (s *store) change(branchName, id string, edit func(n *node)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.branches[branchName]
	if b == nil {
		return false
	}
	n := s.get(b, "CoreGenericRepository", id)
	if n == nil {
		return false
	}
	edit(n)
	s.put(b, n)
	return true
}

// newBranch makes a branch that sees what main sees now.
func (s *store) newBranch(name, description string, syncWithGit bool) *branch {
	source := s.branches[mainBranch]
	b := &branch{
		id: uuid.NewString(), name: name, description: description, status: "OPEN", created: time.Now(), syncWithGit: syncWithGit,
		nodes: maps.Clone(source.nodes), base: maps.Clone(source.nodes),
	}
	s.branches[name] = b
	return b
}

// conflicts reports whether main and a branch have given something of an agnostic node different values
// since the branch was made.
func (s *store) conflicts(b *branch) bool {
	target := s.branches[mainBranch]
	of := func(n *node, name string) any {
		if n == nil {
			return nil
		}
		return n.values[name].content
	}
	for id, own := range b.nodes {
		kind, base := s.kinds[own.kind], b.base[id]
		if !kind.agnostic || own == base || target.nodes[id] == nil {
			continue
		}
		for _, each := range kind.attributes {
			was, here, there := of(base, each.name), of(own, each.name), of(target.nodes[id], each.name)
			if each.scope == aware && here != was && there != was && here != there {
				return true
			}
		}
	}
	return false
}

// merge brings into main what changed on a branch since it was made; local values stay where they are.
func (s *store) merge(b *branch) {
	target := s.branches[mainBranch]
	for id := range b.base {
		if b.nodes[id] == nil {
			delete(target.nodes, id)
		}
	}
	for id, own := range b.nodes {
		base := b.base[id]
		switch {
		case base == own:
		case !s.kinds[own.kind].agnostic:
			target.nodes[id] = own
		default:
			s.mergeNode(target, own, base)
		}
	}
	b.status = statusMerged
}

func (s *store) mergeNode(target *branch, own, base *node) {
	if base == nil {
		base = &node{}
	}
	merged := s.get(target, own.kind, own.id)
	for _, attribute := range s.kinds[own.kind].attributes {
		if attribute.scope == aware && own.values[attribute.name] != base.values[attribute.name] {
			merged.values[attribute.name] = own.values[attribute.name]
		}
	}
	for name, peers := range own.related {
		if !slices.Equal(peers, base.related[name]) {
			merged.related[name] = peers
		}
	}
	s.put(target, merged)
}
