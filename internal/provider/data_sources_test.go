package provider

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// singleDataSource describes a data source that reads one node.
type singleDataSource struct {
	name string
	// title begins its diagnostics.
	title string
	// query is the operation that reads it.
	query string
	// everywhere is whether it is read on the default branch, whatever the branch of the provider.
	everywhere bool
	// create creates the node without the provider and returns the state to expect.
	create func(t *testing.T, s *server) attributes
}

// singleDataSources returns every data source that reads one node.
func singleDataSources() []singleDataSource {
	return []singleDataSource{
		{branchType, "Branch", "Branches", true, func(t *testing.T, s *server) attributes {
			t.Helper()
			id := s.Ask(t, `mutation{BranchCreate(data:{name:"release" description:"Release 1.2" sync_with_git:false} wait_until_completion:true){object{id}}}`).Text("data.BranchCreate.object.id")
			return attributes{"id": id, "name": "release", "description": "Release 1.2", "sync_with_git": false, "status": "OPEN", "is_default": false}
		}},
		{credentialType, "Credential", "Credentials", false, func(t *testing.T, s *server) attributes {
			t.Helper()
			id := s.createCredential(t)
			return attributes{"id": id, "name": "git", "label": "Git", "description": "For GitHub", "username": "bot"}
		}},
		{proposedChangeType, "Proposed Change", "ProposedChanges", true, func(t *testing.T, s *server) attributes {
			t.Helper()
			s.createBranch(t, "release")
			return attributes{
				"id": s.propose(t, "Release 1.2", "release"), "name": "Release 1.2", "description": "See the notes.", "source_branch": "release",
				"destination_branch": "main", "is_draft": true, "state": "open",
			}
		}},
		{readOnlyType, "Read-only Repository", "ReadOnlyRepositories", false, func(t *testing.T, s *server) attributes {
			t.Helper()
			r := newRemote(t)
			state := s.createRepositoryWithAll(t, "CoreReadOnlyRepository", r, `ref:{value:"v1.0.0"}`)
			return state.with(attributes{"ref": "v1.0.0", "commit": r.Commits["v1.0.0"]})
		}},
		{readWriteType, "Repository", "Repositories", false, func(t *testing.T, s *server) attributes {
			t.Helper()
			r := newRemote(t)
			state := s.createRepositoryWithAll(t, "CoreRepository", r, "")
			return state.with(attributes{"default_branch": "main", "commit": r.Commits["v1.1.0"]})
		}},
		{tagType, "Tag", "Tags", false, func(t *testing.T, s *server) attributes {
			t.Helper()
			return attributes{"id": s.createTag(t, "core", "The core"), "name": "core", "description": "The core"}
		}},
	}
}

// createCredential creates the credential "git" with every attribute and returns its id.
func (s *server) createCredential(t *testing.T) string {
	t.Helper()
	return s.Ask(t, `mutation($password:String!){CorePasswordCredentialCreate(data:{
		name:{value:"git"} description:{value:"For GitHub"} username:{value:"bot"} password:{value:$password}
	}){object{id}}}`, "password", secret).Text("data.CorePasswordCredentialCreate.object.id")
}

// propose proposes to merge a branch and returns the id of the proposed change.
func (s *server) propose(t *testing.T, name, branch string) string {
	t.Helper()
	return s.Ask(t, `mutation($name:String! $branch:String!){CoreProposedChangeCreate(data:{
		name:{value:$name} description:{value:"See the notes."} source_branch:{value:$branch} destination_branch:{value:"main"} is_draft:{value:true}
	}){object{id}}}`, "name", name, "branch", branch).Text("data.CoreProposedChangeCreate.object.id")
}

// createRepositoryWithAll creates a repository with a credential and two tags, waits for its import and returns what both kinds show.
func (s *server) createRepositoryWithAll(t *testing.T, kind string, r *mocktest.Remote, more string) attributes {
	t.Helper()
	credential := s.createCredential(t)
	s.createTag(t, "core", nil)
	s.createTag(t, "edge", nil)
	id := s.Ask(t, `mutation($location:String! $credential:String!){`+kind+`Create(data:{
		name:{value:"network"} description:{value:"The network"} location:{value:$location} credential:{id:$credential} tags:[{hfid:["edge"]},{hfid:["core"]}] `+more+`
	}){object{id}}}`, "location", r.Path, "credential", credential).Text("data." + kind + "Create.object.id")
	s.WaitForTasks(t)
	return attributes{
		"id": id, "name": "network", "location": r.Path, "credential_id": credential, "tags": []string{"core", "edge"}, "description": "The network",
		"internal_status": "active", "operational_status": "online", "sync_status": "in-sync",
	}
}

func eachSingleDataSource(t *testing.T, test func(t *testing.T, d singleDataSource)) {
	t.Helper()
	for _, d := range singleDataSources() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

func TestSingleDataSources_ReadEveryAttributeInOneRequest(t *testing.T) {
	t.Parallel()
	eachSingleDataSource(t, func(t *testing.T, d singleDataSource) {
		s := startServer(t, mockserver.Options{})
		want := d.create(t, s)
		p := s.connect(t)
		for _, by := range []string{"id", "name"} {
			got, diags := p.readDataSource(d.name, attributes{by: want[by]})
			diags.requireNone(t)
			if difference := cmp.Diff(want, got); difference != "" {
				t.Errorf("by %s (-want +got):\n%s", by, difference)
			}
		}
		s.expectOperations(t, d.query, d.query)
		if shown := len(p.schemas.DataSourceSchemas[d.name].Block.Attributes); shown != len(want) {
			t.Errorf("the data source has %d attributes, the test sets %d", shown, len(want))
		}
	})
}

// expectOperations expects that exactly these operations were sent.
func (s *server) expectOperations(t *testing.T, want ...string) {
	t.Helper()
	var sent []string
	for _, request := range s.Log.Requests() {
		sent = append(sent, request.Operation)
	}
	if difference := cmp.Diff(want, sent); difference != "" {
		t.Errorf("operations (-want +sent):\n%s", difference)
	}
}

func TestSingleDataSources_NotFoundIsAnErrorOnTheAttribute(t *testing.T) {
	t.Parallel()
	eachSingleDataSource(t, func(t *testing.T, d singleDataSource) {
		s := startServer(t, mockserver.Options{})
		p := s.connect(t)
		for attribute, value := range map[string]string{"id": nodeUUID, "name": "missing"} {
			state, diags := p.readDataSource(d.name, attributes{attribute: value})
			got := diags.onlyError(t)
			got.expect(t, attribute, d.title+" Not Found", `"`+value+`"`, "with this "+attribute)
			expectTitleCase(t, got.summary)
			if state != nil {
				t.Errorf("read %v", state)
			}
		}
	})
}

func TestSingleDataSources_TakeEitherIDOrName(t *testing.T) {
	t.Parallel()
	eachSingleDataSource(t, func(t *testing.T, d singleDataSource) {
		p := newProvider(t)
		for _, config := range []attributes{{}, {"id": nodeUUID, "name": "core"}} {
			p.validateDataSource(d.name, config).onlyError(t).expect(t, "id", "Invalid Attribute Combination", "[id,name]")
		}
		for _, config := range []attributes{{"id": unknown}, {"name": unknown}, {"id": unknown, "name": unknown}} {
			p.validateDataSource(d.name, config).requireNone(t)
		}
	})
}

func TestSingleDataSources_OnABranchThatIsGone(t *testing.T) {
	t.Parallel()
	eachSingleDataSource(t, func(t *testing.T, d singleDataSource) {
		s := startServer(t, mockserver.Options{})
		want := d.create(t, s)
		s.createBranch(t, "gone")
		p := s.connectWith(t, attributes{"branch": "gone"})
		s.deleteBranch(t, "gone")
		got, diags := p.readDataSource(d.name, attributes{"id": want["id"]})
		if d.everywhere {
			diags.requireNone(t)
			if got.text("id") != want.text("id") {
				t.Errorf("read %v", got)
			}
			return
		}
		diags.onlyError(t).expect(t, "", d.title+" Not Read", "branch gone", "Create the branch, or set another one")
	})
}

func TestSingleDataSources_ServerErrorIsAnError(t *testing.T) {
	t.Parallel()
	eachSingleDataSource(t, func(t *testing.T, d singleDataSource) {
		s := startServer(t, mockserver.Options{})
		p := s.connect(t)
		s.failOnce(d.query, http.StatusOK, refusal)
		_, diags := p.readDataSource(d.name, attributes{"name": "core"})
		diags.onlyError(t).expect(t, "", d.title+" Not Read", "Refused.", "Request id: ")
	})
}
