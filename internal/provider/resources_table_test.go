package provider

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The names of the Terraform types.
const (
	branchType         = "infrahub_branch"
	credentialType     = "infrahub_password_credential"
	gitRefType         = "infrahub_git_ref"
	proposedChangeType = "infrahub_proposed_change"
	readOnlyType       = "infrahub_read_only_repository"
	readOnlyRefType    = "infrahub_read_only_repository_ref"
	readWriteType      = "infrahub_repository"
	releaseType        = "infrahub_release"
	tagType            = "infrahub_tag"

	branchesType        = "infrahub_branches"
	repositoriesType    = "infrahub_repositories"
	repositoryTasksType = "infrahub_repository_tasks"
	serverType          = "infrahub_server"
	tagsType            = "infrahub_tags"
)

const (
	// secret is a password that may be in the state, and nowhere else.
	secret = "canary-5d41402abc4b2a76"
	// writeOnlySecret may be nowhere at all.
	writeOnlySecret = "canary-write-only"
	// nodeUUID and otherUUID have the form of an id.
	nodeUUID, otherUUID = "0d0c96ac-83d5-4ca5-9f28-68b527a471d7", "9d0c96ac-83d5-4ca5-9f28-68b527a471d7"
)

// resourceType describes a resource type to the tests of what holds for every one of them.
type resourceType struct {
	name string
	// model points to its model.
	model any
	// options are those of its mock server.
	options mockserver.Options
	// valid is a minimal configuration for tests that need no server.
	valid attributes
	// computed are the attributes that a configuration cannot set.
	computed []string
	// setUp creates on a new server what objects of the type need.
	setUp func(t *testing.T, s *server) testObject
	// queries are the names of the queries of a refresh.
	queries []string
	// createMutation, updateMutation and deleteMutation are the names of the mutations. A type without a deleteMutation
	// changes nothing on the server when it is destroyed.
	createMutation, updateMutation, deleteMutation string
	// deletedError is the error of an update whose object was deleted. Without it the detail is that of every node.
	deletedError diagnostic
	// notImported are attributes, besides timeouts, that an import cannot read.
	notImported []string
	// importSuffix follows the id or name of an object in the id of an import.
	importSuffix string
	// deleteOutside deletes the object without the provider.
	deleteOutside func(t *testing.T, s *server, state attributes)
}

// testObject describes an object that a test creates and changes.
type testObject struct {
	// minimal has only the required attributes, full has every attribute that goes with the others.
	minimal, full attributes
	// createMinimal and createFull are the mutations of a create, as takeMutations returns them.
	createMinimal, createFull string
	// changes change full. Together they set and clear every attribute that a configuration can set.
	changes []change
	// importName returns what an import takes for the name.
	importName string
	// byOthers is a change of full that another user makes between plan and apply. It is empty for a type with only one
	// attribute that an update can change.
	byOthers attributes
}

// change is a change of a configuration.
type change struct {
	to attributes
	// mutations are what an update in either direction sends.
	mutations []string
	// replaces is set if the change replaces the resource.
	replaces bool
}

// update returns the first change that is an update with a mutation.
func (o testObject) update() change {
	return o.changes[slices.IndexFunc(o.changes, func(c change) bool { return len(c.mutations) > 0 })]
}

// timeoutsOf returns a configuration of timeouts for these operations.
func timeoutsOf(timeout string, operations ...string) attributes {
	timeouts := attributes{}
	for _, operation := range operations {
		timeouts[operation] = timeout
	}
	return timeouts
}

// resourceTypes returns every resource type. TestResources_AreAllInTheTable compares them with the provider's.
func resourceTypes() []resourceType {
	return []resourceType{branchTable(), credentialTable(), proposedChangeTable(), readOnlyTable(), readOnlyRefTable(), readWriteTable(), tagTable()}
}

// resourceTypeOf returns the description of one type.
func resourceTypeOf(t *testing.T, name string) resourceType {
	t.Helper()
	types := resourceTypes()
	found := slices.IndexFunc(types, func(r resourceType) bool { return r.name == name })
	if found < 0 {
		t.Fatalf("%s is not in the table of resource types", name)
	}
	return types[found]
}

// eachResourceType runs a test in parallel for every resource type.
func eachResourceType(t *testing.T, test func(t *testing.T, r resourceType)) {
	t.Helper()
	for _, r := range resourceTypes() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			test(t, r)
		})
	}
}

// start starts a server for the type and returns it with an instance that does not exist yet, and its configurations.
func (r resourceType) start(t *testing.T) (*server, *instance, testObject) {
	t.Helper()
	s := startServer(t, r.options)
	object := r.setUp(t, s)
	return s, s.connect(t).newInstance(r.name), object
}

// created is start and creates the instance with the full configuration.
func (r resourceType) created(t *testing.T) (*server, *instance, testObject) {
	t.Helper()
	s, i, object := r.start(t)
	i.mustApply(object.full)
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	s.Log.Reset()
	return s, i, object
}

// onVersion is the type on a server of another version.
func (r resourceType) onVersion(version string) resourceType {
	r.options.Version = version
	return r
}

// settable returns whether the type has an attribute that a configuration can set.
func (r resourceType) settable(p *testProvider, name string) bool {
	for _, attribute := range p.schemas.ResourceSchemas[r.name].Block.Attributes {
		if attribute.Name == name {
			return attribute.Optional || attribute.Required
		}
	}
	return false
}

// withoutWaiting returns a configuration that does not wait for imports.
func (r resourceType) withoutWaiting(p *testProvider, config attributes) attributes {
	if r.settable(p, "wait_for_import") {
		return config.with(attributes{"wait_for_import": false})
	}
	return config
}

func tagTable() resourceType {
	return resourceType{
		name: tagType, model: &tagModel{}, valid: attributes{"name": "core"}, computed: []string{"id"},
		setUp: func(*testing.T, *server) testObject {
			return testObject{
				minimal: attributes{"name": "core"},
				full:    attributes{"name": "core", "description": "The core", "timeouts": timeoutsOf("1h", "create", "read", "update", "delete")},

				createMinimal: "CreateTag: id name", createFull: "CreateTag: description id name",
				changes: []change{
					{to: attributes{"name": "edge"}, mutations: []string{"UpdateTag: id name"}},
					{to: attributes{"description": "Other"}, mutations: []string{"UpdateTag: description id"}},
					{to: attributes{"description": nil}, mutations: []string{"UpdateTag: description id"}},
					{to: attributes{"adopt_existing": true}},
					{to: attributes{"timeouts": nil}},
				},
				importName: "core", byOthers: attributes{"description": "By others"},
			}
		},
		queries: []string{"Tags"}, createMutation: "CreateTag", updateMutation: "UpdateTag", deleteMutation: "DeleteTag",
		deleteOutside: deleteNode("BuiltinTag"),
	}
}

func credentialTable() resourceType {
	return resourceType{
		name: credentialType, model: &passwordCredentialModel{}, valid: attributes{"name": "git", "username": "bot"}, computed: []string{"id"},
		setUp: func(*testing.T, *server) testObject {
			return testObject{
				minimal: attributes{"name": "git"},
				full: attributes{
					"name": "git", "label": "Git", "description": "For GitHub", "username": "bot", "password": secret,
					"timeouts": timeoutsOf("1h", "create", "read", "update", "delete"),
				},
				createMinimal: "CreateCredential: id name", createFull: "CreateCredential: description id label name password username",
				changes: []change{
					{to: attributes{"name": "gitlab"}, mutations: []string{"UpdateCredential: id name"}},
					{to: attributes{"label": "Other"}, mutations: []string{"UpdateCredential: id label"}},
					{to: attributes{"label": nil}}, // Infrahub keeps it
					{to: attributes{"description": "Other"}, mutations: []string{"UpdateCredential: description id"}},
					{to: attributes{"description": nil}, mutations: []string{"UpdateCredential: description id"}},
					{to: attributes{"username": "other"}, mutations: []string{"UpdateCredential: id username"}},
					{to: attributes{"username": nil}, mutations: []string{"UpdateCredential: id username"}},
					{to: attributes{"password": secret + "-2"}, mutations: []string{"UpdateCredential: id password"}},
					{to: attributes{"password": nil}, mutations: []string{"UpdateCredential: id password"}},
					{
						to:        attributes{"password": nil, "password_wo": writeOnlySecret, "password_wo_version": 1},
						mutations: []string{"UpdateCredential: id password"},
					},
					{to: attributes{"adopt_existing": true}},
					{to: attributes{"timeouts": nil}},
				},
				importName: "git", byOthers: attributes{"description": "By others"},
			}
		},
		queries: []string{"Credentials"}, createMutation: "CreateCredential", updateMutation: "UpdateCredential", deleteMutation: "DeleteCredential",
		notImported:   []string{"password"},
		deleteOutside: deleteNode("CorePasswordCredential"),
	}
}

func branchTable() resourceType {
	return resourceType{
		name: branchType, model: &branchModel{}, valid: attributes{"name": "release"}, computed: []string{"id", "status"},
		setUp: func(*testing.T, *server) testObject {
			return testObject{
				minimal: attributes{"name": "release"},
				full: attributes{
					"name": "release", "description": "Release 1.2", "sync_with_git": true,
					"timeouts": timeoutsOf("1h", "create", "read", "update", "delete"),
				},
				createMinimal: "CreateBranch: name", createFull: "CreateBranch: description name sync_with_git",
				changes: []change{
					{to: attributes{"name": "other"}, replaces: true},
					{to: attributes{"description": "Other"}, mutations: []string{"UpdateBranch: description name"}},
					{to: attributes{"description": nil}, mutations: []string{"UpdateBranch: description name"}},
					{to: attributes{"sync_with_git": false}, replaces: true},
					{to: attributes{"sync_with_git": nil}},
					{to: attributes{"adopt_existing": true}},
					{to: attributes{"timeouts": nil}},
				},
				importName: "release",
			}
		},
		queries: []string{"Branches"}, createMutation: "CreateBranch", updateMutation: "UpdateBranch", deleteMutation: "DeleteBranch",
		deleteOutside: func(t *testing.T, s *server, state attributes) {
			t.Helper()
			s.deleteBranch(t, state.text("name"))
		},
	}
}

func proposedChangeTable() resourceType {
	return resourceType{
		name: proposedChangeType, model: &proposedChangeModel{}, valid: attributes{"name": "Release", "source_branch": "release"}, computed: []string{"checks", "id", "state"},
		setUp: func(t *testing.T, s *server) testObject {
			t.Helper()
			s.createBranch(t, "release")
			return testObject{
				minimal: attributes{"name": "Release 1.2", "source_branch": "release"},
				full: attributes{
					"name": "Release 1.2", "source_branch": "release", "destination_branch": "main", "description": "See the notes.", "is_draft": true,
					"timeouts": timeoutsOf("1h", "create", "read", "update", "delete"),
				},
				createMinimal: "CreateProposedChange: destination_branch id is_draft name source_branch",
				createFull:    "CreateProposedChange: description destination_branch id is_draft name source_branch",
				changes: []change{
					{to: attributes{"name": "Release 1.2.1"}, mutations: []string{"UpdateProposedChange: id name"}},
					{to: attributes{"description": "Other"}, mutations: []string{"UpdateProposedChange: description id"}},
					{to: attributes{"description": nil}, mutations: []string{"UpdateProposedChange: description id"}},
					{to: attributes{"is_draft": false}, mutations: []string{"UpdateProposedChange: id is_draft"}},
					{to: attributes{"is_draft": nil}, mutations: []string{"UpdateProposedChange: id is_draft"}},
					{to: attributes{"wait_for_checks": true}},
					{to: attributes{"merge": false}},
					{to: attributes{"adopt_existing": true}},
					{to: attributes{"source_branch": "other"}, replaces: true},
					{to: attributes{"destination_branch": "trunk"}, replaces: true},
					{to: attributes{"destination_branch": nil}},
					{to: attributes{"timeouts": nil}},
				},
				importName: "Release 1.2", byOthers: attributes{"description": "By others"},
			}
		},
		// A destroy cancels it.
		queries: []string{"ProposedChanges"}, createMutation: "CreateProposedChange", updateMutation: "UpdateProposedChange", deleteMutation: "CancelProposedChange",
		deleteOutside: deleteNode("CoreProposedChange"),
	}
}

func readOnlyTable() resourceType {
	statuses := []string{"commit", "id", "internal_status", "operational_status", "planned_commit", "sync_status"}
	return resourceType{
		name: readOnlyType, model: &readOnlyRepositoryModel{}, computed: statuses,
		valid: attributes{"name": "network", "location": "https://git.example.com/network.git"},
		setUp: func(t *testing.T, s *server) testObject {
			t.Helper()
			object := repositoryObject(t, s, "ReadOnlyRepository", "ref", []string{"ImportLatestCommit: id", "ReimportCommit: id"})
			object.full = object.full.with(attributes{"ref": "v1.0.0", "resolve_ref": false})
			object.changes = append(
				object.changes,
				change{to: attributes{"ref": "v1.1.0"}, mutations: []string{"UpdateReadOnlyRepository: id ref"}},
				change{to: attributes{"ref": nil}, mutations: []string{"UpdateReadOnlyRepository: id ref"}},
				change{to: attributes{"resolve_ref": true}},
				change{to: attributes{"resolve_ref": nil}},
				change{to: attributes{"location": otherLocation(t)}, mutations: []string{"UpdateReadOnlyRepository: id location ref", "UpdateReadOnlyRepository: id ref"}},
			)
			return object
		},
		queries:        []string{"ReadOnlyRepositories"},
		createMutation: "CreateReadOnlyRepository", updateMutation: "UpdateReadOnlyRepository", deleteMutation: "DeleteReadOnlyRepository",
		notImported:   []string{"wait_for_import", "reimport_triggers", "resolve_ref"},
		deleteOutside: deleteNode("CoreReadOnlyRepository"),
	}
}

func readWriteTable() resourceType {
	return resourceType{
		name: readWriteType, model: &readWriteRepositoryModel{}, options: mockserver.Options{SyncInterval: 20 * time.Millisecond},
		computed: []string{"commit", "id", "internal_status", "operational_status", "sync_status"},
		valid:    attributes{"name": "network", "location": "https://git.example.com/network.git"},
		setUp: func(t *testing.T, s *server) testObject {
			t.Helper()
			object := repositoryObject(t, s, "Repository", "default_branch", []string{"ReimportCommit: id"})
			object.full = object.full.with(attributes{"default_branch": "main"})
			object.changes = append(
				object.changes,
				change{to: attributes{"default_branch": "stable"}, replaces: true},
				change{to: attributes{"default_branch": nil}},
				change{to: attributes{"location": otherLocation(t)}, mutations: []string{"UpdateRepository: id location", "CheckConnectivity: id"}},
			)
			return object
		},
		queries: []string{"Repositories"}, createMutation: "CreateRepository", updateMutation: "UpdateRepository", deleteMutation: "DeleteRepository",
		notImported:   []string{"wait_for_import", "reimport_triggers"},
		deleteOutside: deleteNode("CoreRepository"),
	}
}

// repositoryObject returns what repositories of both kinds have alike. Kind is part of the names of mutations.
func repositoryObject(t *testing.T, s *server, kind, ref string, reimport []string) testObject {
	t.Helper()
	for _, name := range []string{"core", "edge"} {
		s.Ask(t, `mutation($name:String!){BuiltinTagCreate(data:{name:{value:$name}}){ok}}`, "name", name)
	}
	for _, id := range []string{nodeUUID, otherUUID} {
		s.Ask(t, `mutation($id:String!){CorePasswordCredentialCreate(data:{id:$id name:{value:$id}}){ok}}`, "id", id)
	}
	update := func(field string) []string { return []string{"Update" + kind + ": " + field} }
	minimal := attributes{"name": "network", "location": newRemote(t).Path}
	return testObject{
		minimal: minimal,
		full: minimal.with(attributes{
			"description": "The network", "credential_id": nodeUUID, "tags": []string{"core"}, "wait_for_import": true,
			"reimport_triggers": map[string]string{"release": "1"}, "timeouts": timeoutsOf("1h", "create", "read", "update", "delete"),
		}),
		createMinimal: "Create" + kind + ": " + sortedFields("id", "location", "name", ref),
		createFull:    "Create" + kind + ": " + sortedFields("credential", "description", "id", "location", "name", "tags", ref),
		changes: []change{
			{to: attributes{"name": "other"}, mutations: update("id name")},
			{to: attributes{"description": "Other"}, mutations: update("description id")},
			{to: attributes{"description": nil}, mutations: update("description id")},
			{to: attributes{"credential_id": otherUUID}, mutations: append(update("credential id"), "CheckConnectivity: id")},
			{to: attributes{"credential_id": nil}, mutations: append(update("credential id"), "CheckConnectivity: id")},
			{to: attributes{"tags": []string{"core", "edge"}}, mutations: update("id tags")},
			{to: attributes{"tags": []string{}}, mutations: update("id tags")},
			{to: attributes{"tags": nil}, mutations: update("id tags")},
			{to: attributes{"adopt_existing": true}},
			{to: attributes{"wait_for_import": false}},
			{to: attributes{"wait_for_import": nil}},
			{to: attributes{"reimport_triggers": map[string]string{"release": "2"}}, mutations: reimport},
			{to: attributes{"reimport_triggers": nil}, mutations: reimport},
			{to: attributes{"timeouts": nil}},
		},
		importName: "network", byOthers: attributes{"description": "By others"},
	}
}

// otherLocation returns the path of a remote that has the same tags, and other commits.
func otherLocation(t *testing.T) string {
	t.Helper()
	return mocktest.NewRemote(t, t.TempDir(), "other.git", "v1.0.0", "v1.1.0").Path
}

func sortedFields(fields ...string) string {
	slices.Sort(fields)
	list := fmt.Sprint(fields)
	return list[1 : len(list)-1]
}

func readOnlyRefTable() resourceType {
	return resourceType{
		name: readOnlyRefType, model: &readOnlyRepositoryRefModel{}, computed: []string{"commit", "id"},
		valid: attributes{"repository_id": nodeUUID, "branch": "release", "ref": "v1.0.0"},
		setUp: func(t *testing.T, s *server) testObject {
			t.Helper()
			id := s.createReadOnlyRepository(t, "network", newRemote(t).Path, "v1.0.0")
			s.createBranch(t, "release")
			minimal := attributes{"repository_id": id, "branch": "release", "ref": "v1.1.0"}
			return testObject{
				minimal: minimal,
				full:    minimal.with(attributes{"wait_for_import": true, "timeouts": timeoutsOf("1h", "create", "read", "update")}),

				createMinimal: "UpdateReadOnlyRepository: id ref", createFull: "UpdateReadOnlyRepository: id ref",
				changes: []change{
					{to: attributes{"ref": "v1.0.0"}, mutations: []string{"UpdateReadOnlyRepository: id ref"}},
					{to: attributes{"repository_id": otherUUID}, replaces: true},
					{to: attributes{"branch": "other"}, replaces: true},
					{to: attributes{"wait_for_import": false}},
					{to: attributes{"wait_for_import": nil}},
					{to: attributes{"timeouts": nil}},
				},
				importName: "network/release",
			}
		},
		// It sets an attribute of a repository that exists, and leaves that as it is when it is destroyed.
		queries: []string{"Branches", "ReadOnlyRepositories"}, createMutation: "UpdateReadOnlyRepository", updateMutation: "UpdateReadOnlyRepository",
		deletedError: diagnostic{"branch", "Ref Not Set", "Create the branch"}, notImported: []string{"wait_for_import"}, importSuffix: "/release",
		deleteOutside: func(t *testing.T, s *server, state attributes) {
			t.Helper()
			s.deleteBranch(t, state.text("branch"))
		},
	}
}

// deleteNode returns a function that deletes a node of a kind by its id.
func deleteNode(kind string) func(t *testing.T, s *server, state attributes) {
	return func(t *testing.T, s *server, state attributes) {
		t.Helper()
		s.Ask(t, `mutation($id:String!){`+kind+`Delete(data:{id:$id}){ok}}`, "id", state.text("id"))
	}
}
