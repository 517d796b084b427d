package mockserver

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// value is the value of an attribute.
type value struct {
	content   any
	isDefault bool
	updated   time.Time
	// What is known of the value: the ids of its source and owner are "" if it has none.
	isProtected   bool
	source, owner string
}

// node is one object as one branch sees it. Nodes in the store are never changed, only replaced.
type node struct {
	id        string
	kind      *kind
	label     string
	created   int // the position in the order of creation, from 1
	createdAt time.Time
	values    map[string]value
	related   map[string][]string // ids of the peers by relationship
}

func newNode(k *kind, id string) *node {
	return &node{id: id, kind: k, values: map[string]value{}, related: map[string][]string{}}
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

// displayLabel returns what the server calls the node.
func (n *node) displayLabel() string {
	if n.kind.hasLabel {
		return n.label
	}
	return n.text("name")
}

// updatedAt returns the time at which a value of the node was last set.
func (n *node) updatedAt() time.Time {
	var last time.Time
	for _, v := range n.values {
		if v.updated.After(last) {
			last = v.updated
		}
	}
	return last
}

// set sets the content of a value; what else is known of the value stays.
func (n *node) set(name string, content any, isDefault bool) {
	v := n.values[name]
	v.content, v.isDefault, v.updated = content, isDefault, time.Now()
	n.values[name] = v
}

// branch is an Infrahub branch.
type branch struct {
	id, name, description string
	created, branchedFrom time.Time
	status                string
	syncWithGit           bool
	nodes                 map[string]*node // by id: what only this branch sees
	base                  map[string]*node // nodes as they were when the branch was created
}

const mainBranch = "main"

// store holds every node. A node of an agnostic kind has one part that all branches share and one part
// for each branch that set a branch-aware or local value (infrahub-behaviour.md, Branches 1).
type store struct {
	mu          sync.Mutex
	kinds       kinds
	shared      map[string]*node
	branches    map[string]*branch
	usedIDs     map[string]bool // those of deleted nodes, too (infrahub-behaviour.md, Writing 1)
	merging     string          // the branch that is being merged
	count       int             // how many nodes were created
	seededKinds []string        // kinds that the seed names: queries may ask for them
	// recordedDiffs holds by proposed change what was compared when its conflicts were recorded.
	recordedDiffs map[string]branchDiff
}

func newStore() *store {
	s := &store{kinds: newKinds(), shared: map[string]*node{}, branches: map[string]*branch{}, usedIDs: map[string]bool{}, recordedDiffs: map[string]branchDiff{}}
	now := time.Now()
	s.branches[mainBranch] = &branch{
		id: uuid.NewString(), name: mainBranch, description: "Default Branch", status: "OPEN", syncWithGit: true, created: now, branchedFrom: now,
		nodes: map[string]*node{},
	}
	return s
}

// get returns a copy of a node as a branch sees it, nil if the branch has no such node of this kind or
// generic.
func (s *store) get(b *branch, kindName, id string) *node {
	own, common := b.nodes[id], s.shared[id]
	switch {
	case common == nil && (own == nil || !own.kind.is(kindName)):
		return nil
	case common == nil:
		return own.clone()
	case !common.kind.is(kindName):
		return nil
	}
	seen := common.clone()
	for _, attribute := range seen.kind.attributes {
		if attribute.scope == shared {
			continue
		}
		seen.values[attribute.name] = value{content: attribute.defaultValue, isDefault: true, updated: common.values["name"].updated}
		if own != nil {
			seen.values[attribute.name] = own.values[attribute.name]
		}
	}
	for _, relationship := range seen.kind.relationships {
		if relationship.scope != shared && own != nil {
			seen.related[relationship.name] = own.related[relationship.name]
		}
	}
	return seen
}

// put replaces a node as a branch sees it. The branch's own part of an agnostic node is written only if
// it differs from what the branch saw before: a merge copies nothing that the branch did not set.
func (s *store) put(b *branch, n *node) {
	s.usedIDs[n.id] = true
	if n.created == 0 {
		s.count++
		n.created, n.createdAt = s.count, time.Now()
	}
	if !n.kind.agnostic {
		b.nodes[n.id] = n
		return
	}
	before := s.get(b, n.kind.name, n.id)
	common, own, differs := n.clone(), n.clone(), before == nil
	for _, attribute := range n.kind.attributes {
		if attribute.scope == shared {
			delete(own.values, attribute.name)
			continue
		}
		delete(common.values, attribute.name)
		differs = differs || before.values[attribute.name] != n.values[attribute.name]
	}
	for _, relationship := range n.kind.relationships {
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

// remove deletes a node from a branch, and from every branch if its kind is agnostic. Nodes that refer
// to it are detached. The objects that this branch imported from a repository are deleted with it, and the validators of a
// repository and of a proposed change (infrahub-behaviour.md, Writing 7, Branches 1, Proposals 7).
func (s *store) remove(b *branch, n *node) {
	if n.kind.is(genericRepositoryKind) {
		for _, object := range s.importedFrom(b, n.id) {
			delete(b.nodes, object.id)
		}
		for _, validator := range s.list(b, genericValidatorKind) {
			if slices.Contains(validator.related["repository"], n.id) {
				delete(s.shared, validator.id)
			}
		}
	}
	for _, id := range n.related["validations"] {
		delete(s.shared, id)
	}
	if !n.kind.agnostic {
		delete(b.nodes, n.id)
		return
	}
	delete(s.shared, n.id)
	for _, other := range s.branches {
		delete(other.nodes, n.id)
	}
}

// importedFrom returns what a branch has imported from a repository.
func (s *store) importedFrom(b *branch, repository string) []*node {
	return slices.DeleteFunc(slices.Concat(s.list(b, queryKind), s.list(b, checkDefinitionKind)), func(n *node) bool {
		return !slices.Contains(n.related["repository"], repository)
	})
}

// list returns the nodes of a kind or generic that a branch sees, sorted by name.
func (s *store) list(b *branch, kindName string) []*node {
	var found []*node
	appendNode := func(id string) {
		if n := s.get(b, kindName, id); n != nil {
			found = append(found, n)
		}
	}
	for id := range s.shared {
		appendNode(id)
	}
	for id := range b.nodes {
		if s.shared[id] == nil {
			appendNode(id)
		}
	}
	slices.SortFunc(found, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.text("name"), b.text("name")), cmp.Compare(a.created, b.created))
	})
	return found
}

// find returns the node with this id, else the node with this name, nil if there is neither.
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
			if n.values[attribute].content == text && n.kind.is(kindName) && !n.kind.withoutHFID {
				return id
			}
		}
	}
	return ""
}

// change edits a repository as a branch sees it. It reports false if the repository or the branch does
// not exist any more.
func (s *store) change(branchName, id string, edit func(n *node)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.branches[branchName]
	if b == nil {
		return false
	}
	n := s.get(b, genericRepositoryKind, id)
	if n == nil {
		return false
	}
	edit(n)
	s.put(b, n)
	return true
}

// newBranch creates a branch that sees what main sees now.
func (s *store) newBranch(name, description string, syncWithGit bool) *branch {
	main, now := s.branches[mainBranch], time.Now()
	b := &branch{
		id: uuid.NewString(), name: name, description: description, status: "OPEN", syncWithGit: syncWithGit, created: now, branchedFrom: now,
		nodes: maps.Clone(main.nodes), base: maps.Clone(main.nodes),
	}
	s.branches[name] = b
	return b
}

// conflict is an attribute that main and a branch have given different values since the branch was created.
type conflict struct {
	node                *node
	attribute           string
	before, main, other any
}

// conflicts returns the conflicts of a branch with main (infrahub-behaviour.md, Branches 8), the attributes of a node in the
// order of their names.
func (s *store) conflicts(b *branch) []conflict {
	main := s.branches[mainBranch]
	content := func(n *node, name string) any {
		if n == nil {
			return nil
		}
		return n.values[name].content
	}
	var found []conflict
	for id, own := range b.nodes {
		base, onMain := b.base[id], main.nodes[id]
		if own == base || onMain == nil {
			continue
		}
		for _, a := range own.kind.attributes {
			c := conflict{own, a.name, content(base, a.name), content(onMain, a.name), content(own, a.name)}
			if (!own.kind.agnostic || a.scope == aware) && c.other != c.before && c.main != c.before && c.other != c.main {
				found = append(found, c)
			}
		}
	}
	slices.SortFunc(found, func(a, b conflict) int {
		return cmp.Or(cmp.Compare(a.node.id, b.node.id), cmp.Compare(a.attribute, b.attribute))
	})
	return found
}

// changed reports whether a branch has changes that a merge would bring to main.
func (s *store) changed(b *branch) bool {
	for id, own := range b.nodes {
		if own != b.base[id] {
			return true
		}
	}
	for id := range b.base {
		if b.nodes[id] == nil {
			return true
		}
	}
	return false
}

// merge copies to main what changed on a branch since it was created, except local values.
func (s *store) merge(b *branch) {
	main := s.branches[mainBranch]
	for id := range b.base {
		if b.nodes[id] == nil {
			delete(main.nodes, id)
		}
	}
	for id, own := range b.nodes {
		base := b.base[id]
		switch {
		case base == own:
		case !own.kind.agnostic:
			main.nodes[id] = own
		default:
			s.mergeNode(main, own, base)
		}
	}
	b.status = statusMerged
}

// rebase lets a branch see what main sees now, except for what the branch itself has changed.
func (s *store) rebase(b *branch) {
	main := s.branches[mainBranch]
	nodes := maps.Clone(main.nodes)
	for id, own := range b.nodes {
		switch base := b.base[id]; {
		case own == base:
		case base == nil || main.nodes[id] == nil || !own.kind.agnostic:
			nodes[id] = own
		default:
			nodes[id] = rebased(own, base, main.nodes[id])
		}
	}
	for id := range b.base {
		if b.nodes[id] == nil {
			delete(nodes, id)
		}
	}
	b.nodes, b.base, b.branchedFrom = nodes, maps.Clone(main.nodes), time.Now()
}

// rebased returns main's part of a node with the values and peers that the branch has changed since base.
func rebased(own, base, main *node) *node {
	merged := main.clone()
	for name, v := range own.values {
		if v != base.values[name] {
			merged.values[name] = v
		}
	}
	for name, peers := range own.related {
		if !slices.Equal(peers, base.related[name]) {
			merged.related[name] = peers
		}
	}
	return merged
}

func (s *store) mergeNode(main *branch, own, base *node) {
	if base == nil {
		base = &node{}
	}
	merged := s.get(main, own.kind.name, own.id)
	for _, attribute := range own.kind.attributes {
		if attribute.scope == aware && own.values[attribute.name] != base.values[attribute.name] {
			brought := own.values[attribute.name]
			brought.updated = time.Now() // (infrahub-behaviour.md, Branches 16)
			merged.values[attribute.name] = brought
		}
	}
	for name, peers := range own.related {
		if !slices.Equal(peers, base.related[name]) {
			merged.related[name] = peers
		}
	}
	s.put(main, merged)
}
