package mockserver

import "regexp"

// Names of kinds and generics in the server's schema.
const (
	repositoryKind         = "CoreRepository"
	readOnlyRepositoryKind = "CoreReadOnlyRepository"
	genericRepositoryKind  = "CoreGenericRepository"
	credentialKind         = "CorePasswordCredential"
	genericCredentialKind  = "CoreCredential"
	tagKind                = "BuiltinTag"
	queryKind              = "CoreGraphQLQuery"
	checkDefinitionKind    = "CoreCheckDefinition"
	proposedChangeKind     = "CoreProposedChange"

	genericValidatorKind    = "CoreValidator"
	dataValidatorKind       = "CoreDataValidator"
	schemaValidatorKind     = "CoreSchemaValidator"
	repositoryValidatorKind = "CoreRepositoryValidator"
	userValidatorKind       = "CoreUserValidator"
	genericCheckKind        = "CoreCheck"
	dataCheckKind           = "CoreDataCheck"
	schemaCheckKind         = "CoreSchemaCheck"
	fileCheckKind           = "CoreFileCheck"
	standardCheckKind       = "CoreStandardCheck"
)

// scope is the set of branches that share a value. The node and the attributes of an agnostic kind are
// shared by all branches, except the attributes that are branch-aware (a merge copies them to main) or
// local (a merge leaves them alone).
type scope int

const (
	shared scope = iota
	aware
	local
)

// attribute describes one attribute of a kind.
type attribute struct {
	name         string
	typename     string
	defaultValue any
	required     bool
	readOnly     bool // set by the server alone
	pattern      *regexp.Regexp
	scope        scope
}

// relationship describes one relationship of a kind, to one peer or to many.
type relationship struct {
	name, peer string
	many       bool
	scope      scope
}

// kind describes one kind of node.
type kind struct {
	name          string
	generic       string
	agnostic      bool
	attributes    []attribute
	relationships []relationship
	unique        []string // attributes that are unique over all kinds of the same generic
	ref           string   // for a repository: the attribute with the Git ref that it follows
	hasLabel      bool     // the label is an attribute, generated from the name
	withoutHFID   bool
}

// is reports whether nodes of the kind are found under a name: the kind's or its generic's.
func (k *kind) is(name string) bool { return k.name == name || k.generic == name }

// family returns the name under which the unique attributes are unique.
func (k *kind) family() string {
	if k.generic != "" {
		return k.generic
	}
	return k.name
}

// kinds are all kinds that the mock server knows, in the order in which its page shows them.
type kinds []*kind

// named returns the kind of a name, nil if there is none.
func (k kinds) named(name string) *kind {
	for _, candidate := range k {
		if candidate.name == name {
			return candidate
		}
	}
	return nil
}

func text(name string) attribute { return attribute{name: name, typename: "TextAttribute"} }

func (a attribute) mandatory() attribute { a.required = true; return a }

func (a attribute) withDefault(value any) attribute { a.defaultValue = value; return a }

func (a attribute) in(s scope) attribute { a.scope = s; return a }

func dropdown(name, value string, s scope) attribute {
	return attribute{name: name, typename: "Dropdown", defaultValue: value, readOnly: true, scope: s}
}

// newKinds returns the part of the server's schema that the mock server implements
// (infrahub-behaviour.md, Kinds 1 to 3).
func newKinds() kinds {
	name := text("name").mandatory()
	return append(repositoryKinds(),
		&kind{
			name: credentialKind, generic: genericCredentialKind, agnostic: true,
			attributes: []attribute{name, text("label"), text("description"), text("username"), text("password")},
			unique:     []string{"name"}, hasLabel: true,
		},
		&kind{
			name:       tagKind,
			attributes: []attribute{name, text("description")},
			unique:     []string{"name"},
		},
		&kind{
			name:          queryKind,
			attributes:    []attribute{name, text("description"), text("query").mandatory()},
			relationships: []relationship{{name: "repository", peer: genericRepositoryKind}},
			unique:        []string{"name"},
		},
		&kind{
			name: proposedChangeKind, agnostic: true, withoutHFID: true,
			attributes: []attribute{
				name, text("description"), text("source_branch").mandatory(), text("destination_branch").mandatory(),
				{name: "is_draft", typename: "CheckboxAttribute", defaultValue: false},
				text("state").withDefault("open"),
			},
			relationships: []relationship{{name: "validations", peer: genericValidatorKind, many: true}},
		},
		&kind{
			name:          checkDefinitionKind,
			attributes:    []attribute{name, text("file_path").mandatory(), text("class_name").mandatory(), text(checkSource)},
			relationships: []relationship{{name: "repository", peer: genericRepositoryKind}},
			unique:        []string{"name"},
		},
		validatorKind(dataValidatorKind),
		validatorKind(schemaValidatorKind),
		validatorKind(repositoryValidatorKind, relationship{name: "repository", peer: genericRepositoryKind}),
		validatorKind(userValidatorKind, relationship{name: "repository", peer: genericRepositoryKind}, relationship{name: "check_definition", peer: checkDefinitionKind}),
		checkKind(dataCheckKind, jsonAttribute("conflicts"), text("keep_branch"), text("enriched_conflict_id")),
		checkKind(schemaCheckKind, jsonAttribute("conflicts"), text("enriched_conflict_id")),
		checkKind(fileCheckKind, attribute{name: "files", typename: "ListAttribute"}, text("commit")),
		checkKind(standardCheckKind),
	)
}

func jsonAttribute(name string) attribute { return attribute{name: name, typename: "JSONAttribute"} }

// validatorKind returns a kind of validator: the checks of one sort that a proposed change gets.
func validatorKind(name string, more ...relationship) *kind {
	return &kind{
		name: name, generic: genericValidatorKind, agnostic: true, withoutHFID: true, hasLabel: true,
		attributes: []attribute{
			text("label"), text("state").withDefault("queued"), text("conclusion").withDefault("unknown"), text("started_at"), text("completed_at"),
		},
		relationships: append([]relationship{{name: "checks", peer: genericCheckKind, many: true}}, more...),
	}
}

// checkKind returns a kind of check: one result of a validator.
func checkKind(name string, more ...attribute) *kind {
	return &kind{
		name: name, generic: genericCheckKind, agnostic: true, withoutHFID: true, hasLabel: true,
		attributes: append([]attribute{
			text("name"), text("label"), text("kind"), text("severity"), text("message"), text("conclusion"), text("origin"), text("created_at"),
		}, more...),
	}
}

func repositoryKinds() kinds {
	name := text("name").mandatory()
	name.pattern = regexp.MustCompile(`^[^/]*$`)
	repository := func(kindName string, ref attribute, commit scope) *kind {
		return &kind{
			name: kindName, generic: genericRepositoryKind, agnostic: true,
			attributes: []attribute{
				name, text("description"), text("location").mandatory(), ref, text("commit").in(commit),
				dropdown("internal_status", "inactive", local), dropdown("operational_status", "unknown", shared),
				dropdown("sync_status", "unknown", local),
			},
			relationships: []relationship{
				{name: "credential", peer: genericCredentialKind},
				{name: "tags", peer: tagKind, many: true, scope: aware},
			},
			unique: []string{"name", "location"}, ref: ref.name,
		}
	}
	return kinds{
		repository(repositoryKind, text("default_branch").withDefault(mainBranch), local),
		repository(readOnlyRepositoryKind, text("ref").withDefault(mainBranch).in(aware), aware),
	}
}
