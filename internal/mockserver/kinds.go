package mockserver

import "regexp"

// scope says where a value is the same: node and attributes of an agnostic kind are shared by all
// branches, except those that are branch-aware (merged into main) or local (never merged).
type scope int

const (
	shared scope = iota
	aware
	local
)

// attribute describes one attribute of a kind.
type attribute struct {
	name     string
	typename string
	fallback any // the value where none was given
	required bool
	readOnly bool // not settable from outside
	pattern  *regexp.Regexp
	scope    scope
}

// relationship describes one relationship of a kind. Many is a set of peers.
type relationship struct {
	name, peer, edge string
	many             bool
	scope            scope
}

// kind describes one kind of node. Unique attributes are unique over all kinds of the same generic.
type kind struct {
	name          string
	generic       string
	agnostic      bool
	attributes    []attribute
	relationships []relationship
	unique        []string
	hasLabel      bool // has a label of its own, made from the name
	withoutHFID   bool // has no human-friendly id
}

// listTypes names the types of a list of nodes of a kind or generic.
type listTypes struct{ page, edge string }

func listOf(name string) listTypes { return listTypes{"Paginated" + name, "Edged" + name} }

func text(name string) attribute { return attribute{name: name, typename: "TextAttribute"} }

func (a attribute) mandatory() attribute { a.required = true; return a }

func (a attribute) or(value any) attribute { a.fallback = value; return a }

func (a attribute) on(s scope) attribute { a.scope = s; return a }

func dropdown(name, value string, s scope) attribute {
	return attribute{name: name, typename: "Dropdown", fallback: value, readOnly: true, scope: s}
}

// newKinds is the part of the server's schema that the mock knows, as measured on 1.11.9.
func newKinds() map[string]*kind {
	repository := func(name string, ref attribute, commit scope) *kind {
		title := text("name").mandatory()
		title.pattern = regexp.MustCompile(`^[^/]*$`)
		return &kind{
			name: name, generic: "CoreGenericRepository", agnostic: true,
			attributes: []attribute{
				title, text("description"), text("location").mandatory(), ref, text("commit").on(commit),
				dropdown("internal_status", "inactive", local), dropdown("operational_status", "unknown", shared),
				dropdown("sync_status", "unknown", local),
			},
			relationships: []relationship{
				{name: "credential", peer: "CoreCredential", edge: "NestedEdgedCoreCredential"},
				{name: "tags", peer: "BuiltinTag", edge: "NestedEdgedBuiltinTag", many: true, scope: aware},
			},
			unique: []string{"name", "location"},
		}
	}
	kinds := []*kind{
		repository("CoreRepository", text("default_branch").or("main"), local),
		repository("CoreReadOnlyRepository", text("ref").or("main").on(aware), aware),
		{
			name: "CorePasswordCredential", generic: "CoreCredential", agnostic: true,
			attributes: []attribute{text("name").mandatory(), text("label"), text("description"), text("username"), text("password")},
			unique:     []string{"name"}, hasLabel: true,
		},
		{
			name:       "BuiltinTag",
			attributes: []attribute{text("name").mandatory(), text("description")},
			unique:     []string{"name"},
		},
		{
			name:          "CoreGraphQLQuery",
			attributes:    []attribute{text("name").mandatory(), text("description"), text("query").mandatory()},
			relationships: []relationship{{name: "repository", peer: "CoreGenericRepository", edge: "NestedEdgedCoreGenericRepository"}},
			unique:        []string{"name"},
		},
		{
			name: "CoreProposedChange", agnostic: true, withoutHFID: true,
			attributes: []attribute{
				text("name").mandatory(), text("description"), text("source_branch").mandatory(), text("destination_branch").mandatory(),
				{name: "is_draft", typename: "CheckboxAttribute", fallback: false},
				text("state").or("open"),
			},
			relationships: []relationship{{name: "validations", peer: "CoreValidator", edge: "NestedEdgedCoreValidator", many: true}},
		},
		{
			name: "CoreDataValidator", generic: "CoreValidator", agnostic: true, withoutHFID: true, hasLabel: true,
			attributes: []attribute{text("label"), text("state").or("queued"), text("conclusion").or("unknown")},
		},
	}
	byName := map[string]*kind{}
	for _, each := range kinds {
		byName[each.name] = each
	}
	return byName
}

// is reports whether nodes of the kind are found under a name: the kind's or its generic's.
func (k *kind) is(name string) bool { return k.name == name || k.generic == name }
