package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// createRepositories creates three repositories of each kind, whose names mix when they are sorted, waits for their imports and returns their
// credential. Those with "1" have the tag core, those with "2" the credential, and those with "3" a ref that does not exist.
func (s *server) createRepositories(t *testing.T) (credentialID string) {
	t.Helper()
	credentialID = s.createCredential(t)
	tag := s.createTag(t, "core", nil)
	root := t.TempDir()
	for kind, ref := range map[string]string{"CoreReadOnlyRepository": "ref", "CoreRepository": "default_branch"} {
		for suffix, more := range map[string]string{
			"1": fmt.Sprintf(`tags:[{id:%q}]`, tag), "2": fmt.Sprintf(`credential:{id:%q}`, credentialID), "3": ref + `:{value:"missing"}`,
		} {
			name := suffix + "-" + kind
			location := mocktest.NewRemote(t, root, name+".git", "v1.0.0").Path
			s.Ask(t, `mutation($name:String! $location:String!){`+kind+`Create(data:{name:{value:$name} location:{value:$location} `+more+`}){ok}}`,
				"name", name, "location", location)
		}
	}
	s.WaitForTasks(t)
	return credentialID
}

func TestRepositoriesDataSource_Filters(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	credential := s.createRepositories(t)
	p := s.connect(t)
	readOnly := []string{"1-CoreReadOnlyRepository", "2-CoreReadOnlyRepository", "3-CoreReadOnlyRepository"}
	readWrite := []string{"1-CoreRepository", "2-CoreRepository", "3-CoreRepository"}
	const both = "ReadOnlyRepositories Repositories"
	for _, test := range []struct {
		config     attributes
		want       []string
		operations string
	}{
		{attributes{}, slices.Concat(readOnly, readWrite), both},
		{attributes{"kind": "CoreReadOnlyRepository"}, readOnly, "ReadOnlyRepositories"},
		{attributes{"kind": "CoreRepository"}, readWrite, "Repositories"},
		{attributes{"names": []string{"2-CoreRepository", "missing", "1-CoreReadOnlyRepository"}}, []string{readOnly[0], readWrite[1]}, both},
		{attributes{"tag": "core"}, []string{readOnly[0], readWrite[0]}, "Tags " + both},
		{attributes{"credential_id": credential}, []string{readOnly[1], readWrite[1]}, "Credentials " + both},
		{attributes{"sync_status": "in-sync"}, []string{readOnly[0], readOnly[1], readWrite[0], readWrite[1]}, both},
		{attributes{"sync_status": "syncing"}, nil, both},
		{attributes{"operational_status": "error"}, []string{readOnly[2], readWrite[2]}, both},
		{attributes{"operational_status": "online", "sync_status": "unknown"}, nil, both},
		{
			attributes{"kind": "CoreRepository", "tag": "core", "operational_status": "online", "sync_status": "in-sync", "names": readWrite},
			[]string{readWrite[0]},
			"Tags Repositories",
		},
		{attributes{"tag": "core", "credential_id": credential}, nil, "Tags Credentials " + both},
	} {
		s.Log.Reset()
		state, diags := p.readDataSource(repositoriesType, test.config)
		diags.requireNone(t)
		slices.Sort(test.want)
		if difference := cmp.Diff(test.want, namesOf(listed(t, state, "repositories"))); difference != "" {
			t.Errorf("%v (-want +got):\n%s", test.config, difference)
		}
		s.expectOperations(t, strings.Fields(test.operations)...)
	}
}

func TestRepositoriesDataSource_ShowsBothKindsAlike(t *testing.T) {
	t.Parallel()
	for kind, ref := range map[string]string{"CoreReadOnlyRepository": "v1.0.0", "CoreRepository": "main"} {
		s := startServer(t, mockserver.Options{})
		r := newRemote(t)
		more, commit := "", r.Commits["v1.1.0"]
		if kind == "CoreReadOnlyRepository" {
			more, commit = `ref:{value:"v1.0.0"}`, r.Commits["v1.0.0"]
		}
		want := s.createRepositoryWithAll(t, kind, r, more).with(attributes{"kind": kind, "ref": ref, "commit": commit})
		state, diags := s.connect(t).readDataSource(repositoriesType, attributes{})
		diags.requireNone(t)
		if difference := cmp.Diff([]attributes{want}, listed(t, state, "repositories")); difference != "" {
			t.Errorf("%s (-want +got):\n%s", kind, difference)
		}
	}
}

// Infrahub itself would list nothing.
func TestRepositoriesDataSource_FilterValueThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createRepositories(t)
	p := s.connect(t)
	for _, test := range []struct {
		config             attributes
		attribute, summary string
		parts              []string
	}{
		{attributes{"tag": "missing"}, "tag", "Filter Value Not Found", []string{`"missing"`, "branch main", "the name of a tag"}},
		{attributes{"credential_id": otherUUID}, "credential_id", "Filter Value Not Found", []string{otherUUID}},
		{attributes{"credential_id": "git"}, "credential_id", "Filter Value Not Found", []string{`"git"`, "names are not accepted"}},
	} {
		s.Log.Reset()
		state, diags := p.readDataSource(repositoriesType, test.config)
		got := diags.onlyError(t)
		got.expect(t, test.attribute, test.summary, test.parts...)
		expectTitleCase(t, got.summary)
		for _, request := range s.Log.Requests() {
			if strings.Contains(request.Operation, "Repositories") {
				t.Errorf("%v: sent %s", test.config, request.Operation)
			}
		}
		if state != nil {
			t.Errorf("%v: read %v", test.config, state)
		}
	}
}

func TestRepositoriesDataSource_FilterThatCannotBeCheckedIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p := s.connect(t)
	s.crashOnce("Tags")
	_, diags := p.readDataSource(repositoriesType, attributes{"tag": "core"})
	diags.onlyError(t).expect(t, "tag", "Filter Value Not Read", `tag "core"`)
}

func TestRepositoriesDataSource_UnknownKindOrStatusIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for attribute, valid := range map[string][]string{
		"kind":               {"CoreRepository", "CoreReadOnlyRepository"},
		"sync_status":        {"unknown", "syncing", "in-sync", "error-import"},
		"operational_status": {"unknown", "online", "error-cred", "error-connection", "error"},
	} {
		for _, invalid := range []string{"", "nonsense", "In-Sync", "read_only"} {
			p.validateDataSource(repositoriesType, attributes{attribute: invalid}).onlyError(t).expect(t, attribute, "Invalid Attribute Value Match", valid...)
		}
		p.validateDataSource(repositoriesType, attributes{attribute: unknown}).requireNone(t)
		for _, value := range valid {
			p.validateDataSource(repositoriesType, attributes{attribute: value}).requireNone(t)
		}
	}
}
