package mockserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const (
	anID      = "c38f954f-bf10-4a1d-a722-1fd6ff93ab64"
	anotherID = "5fa2795c-8cc7-4ce3-b428-e3916df979c1"
)

func TestCreate_IDIsHonouredOnce(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	const create = `mutation($id:String $name:String){CorePasswordCredentialCreate(data:{id:$id name:{value:$name}}){object{id}}}`
	if id := m.Ask(t, create, "id", anID, "name", "a").At("data.CorePasswordCredentialCreate.object.id"); id != anID {
		t.Fatalf("got id %v, want %s", id, anID)
	}
	taken := func(when string) {
		t.Helper()
		got := m.Post(t, "main", create, "id", anID, "name", "b")
		if got.At("errors.0.extensions.code") != "ATTRIBUTE_CONSTRAINT_VIOLATION" || got.At("errors.0.extensions.data.field_name") != "id" {
			t.Errorf("%s: got %s", when, got.Body)
		}
	}
	taken("while it is there")
	m.Ask(t, `mutation($id:String){CorePasswordCredentialDelete(data:{id:$id}){ok}}`, "id", anID)
	taken("after it was deleted")
	if got := m.Post(t, "main", create, "id", "nope", "name", "b"); got.Text("errors.0.message") != "nope is not a valid UUID at id" {
		t.Errorf("got %s", got.Body)
	}
}

func TestCreate_RefusedInputs(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	root := t.TempDir()
	m.createReadOnly(t, newRemote(t, root, "taken.git"), "taken", "v1.0.0")
	free, taken := newRemote(t, root, "free.git").Path, root+"/taken.git"
	for _, test := range []struct {
		name, input, message, code string
		status                     float64
	}{
		{"nothing given", `{}`, "location is mandatory for CoreRepository at location", "ATTRIBUTE_REQUIRED", 422},
		{"null for a name", `{name:{value:null} location:{value:"x"}}`, "A value must be provided for name at name", "ATTRIBUTE_CONSTRAINT_VIOLATION", 422},
		{"slash before duplicate location", `{name:{value:"a/b"} location:{value:"` + taken + `"}}`, "a/b must conform with the regex: '^[^/]*$' at name", "ATTRIBUTE_CONSTRAINT_VIOLATION", 422},
		{"duplicate name over kinds", `{name:{value:"taken"} location:{value:"` + free + `"}}`, "Violates uniqueness constraint 'name'", "UNDEFINED_ERROR", 422},
		{"duplicate location before unknown tag", `{name:{value:"n"} location:{value:"` + taken + `"} tags:[{id:"none"}]}`, "Violates uniqueness constraint 'location'", "UNDEFINED_ERROR", 422},
		{"unknown tag", `{name:{value:"n"} location:{value:"` + free + `"} tags:[{hfid:["none"]}]}`, "Unable to find the node none / BuiltinTag in the database.", "NODE_NOT_FOUND", 404},
		{"unknown credential", `{name:{value:"n"} location:{value:"` + free + `"} credential:{id:"none"}}`, "Unable to find the node none / CoreCredential in the database.", "NODE_NOT_FOUND", 404},
		{"too long", `{name:{value:"n"} location:{value:"` + free + `"} description:{value:"` + strings.Repeat("x", 4096) + `"}}`, "Text attribute length should be less than 4096 characters.", "UNDEFINED_ERROR", 422},
		{"no remote", `{name:{value:"n"} location:{value:"` + root + `/none.git"}}`, "Unable to clone the repository n no remote, please check the address and the credential", "UNDEFINED_ERROR", 422},
		{"bad scheme", `{name:{value:"n"} location:{value:"ftp://x"}}`, "Unable to clone the repository n bad scheme, please check the address and the credential", "UNDEFINED_ERROR", 422},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// Each needs its own name: the node exists while its remote is checked.
			input := strings.ReplaceAll(test.input, `{value:"n"}`, `{value:"n `+test.name+`"}`)
			got := m.Post(t, "main", `mutation{CoreRepositoryCreate(data:`+input+`){ok}}`)
			if got.Status != http.StatusOK || got.At("errors.0.message") != test.message || got.At("errors.0.extensions.code") != test.code ||
				got.At("errors.0.extensions.http_status") != test.status || got.At("data.CoreRepositoryCreate") != nil {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
		})
	}
}

func TestCreate_UnreachableRemoteLeavesNoNode(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	got := m.Post(t, "main", createReadOnlyDocument, "name", "r", "location", t.TempDir(), "ref", "main")
	if got.At("errors") == nil {
		t.Fatal(got.Body)
	}
	if count := m.Ask(t, `{CoreReadOnlyRepository{count}}`).At("data.CoreReadOnlyRepository.count"); count != 0.0 {
		t.Errorf("%v repositories, want none", count)
	}
}

func TestUpdate_Attributes(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	for _, test := range []struct{ name, input, want string }{
		{"absent leaves", ``, `{"is_default":false,"value":"old"}`},
		{"null leaves", `description:null`, `{"is_default":false,"value":"old"}`},
		{"an empty object leaves", `description:{}`, `{"is_default":false,"value":"old"}`},
		{"null as value clears", `description:{value:null}`, `{"is_default":false,"value":null}`},
		{"an empty value is stored", `description:{value:""}`, `{"is_default":false,"value":""}`},
		{"is_default resets", `description:{is_default:true}`, `{"is_default":true,"value":null}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m.Ask(t, `mutation($n:String){BuiltinTagCreate(data:{name:{value:$n} description:{value:"old"}}){ok}}`, "n", test.name)
			m.Ask(t, `mutation($n:[String]){BuiltinTagUpdate(data:{hfid:$n `+test.input+`}){ok}}`, "n", []string{test.name})
			got := m.Ask(t, `query($n:String){BuiltinTag(name__value:$n){edges{node{description{value is_default}}}}}`, "n", test.name)
			if read := got.JSON(t, "data.BuiltinTag.edges.0.node.description"); read != test.want {
				t.Errorf("got %s, want %s", read, test.want)
			}
		})
	}
}

const related = `{credential{node{hfid}} tags{edges{node{hfid}}}}`

func TestUpdate_Relationships(t *testing.T) {
	t.Parallel()
	const both = `{"credential":{"node":{"hfid":["git"]}},"tags":{"edges":[{"node":{"hfid":["blue"]}},{"node":{"hfid":["red"]}}]}}`
	for _, test := range []struct{ name, input, read, response string }{
		{"absent leaves, but the response has no credential", `description:{value:"x"}`, both, strings.Replace(both, `{"node":{"hfid":["git"]}},"tags`, `{"node":null},"tags`, 1)},
		{"a credential that is named is shown", `credential:{hfid:["git"]}`, both, both},
		{"null clears the credential", `credential:null`, strings.Replace(both, `{"node":{"hfid":["git"]}},"tags`, `{"node":null},"tags`, 1), ""},
		{"null clears tags", `credential:{id:"git"} tags:null`, `{"credential":{"node":{"hfid":["git"]}},"tags":{"edges":[]}}`, ""},
		{"an empty list clears tags", `tags:[]`, `{"credential":{"node":{"hfid":["git"]}},"tags":{"edges":[]}}`, ""},
		{"a list replaces, duplicates collapse", `tags:[{hfid:["green"]},{id:"green"}]`, `{"credential":{"node":{"hfid":["git"]}},"tags":{"edges":[{"node":{"hfid":["green"]}}]}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := start(t, mockserver.Options{})
			for _, tag := range []string{"red", "green", "blue"} {
				m.Ask(t, `mutation($n:String){BuiltinTagCreate(data:{name:{value:$n}}){ok}}`, "n", tag)
			}
			m.Ask(t, `mutation{CorePasswordCredentialCreate(data:{name:{value:"git"}}){ok}}`)
			id := m.createReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
			m.Ask(t, `mutation($id:String){CoreReadOnlyRepositoryUpdate(data:{id:$id credential:{hfid:["git"]} tags:[{hfid:["blue"]},{hfid:["red"]}]}){ok}}`, "id", id)
			m.WaitForTasks(t)
			response := m.Ask(t, `mutation($id:String){CoreReadOnlyRepositoryUpdate(data:{id:$id `+test.input+`}){object`+related+`}}`, "id", id)
			if shown := response.JSON(t, "data.CoreReadOnlyRepositoryUpdate.object"); test.response != "" && shown != test.response {
				t.Errorf("the response is %s, want %s", shown, test.response)
			}
			read := m.Ask(t, `query($ids:[ID]){CoreReadOnlyRepository(ids:$ids){edges{node`+related+`}}}`, "ids", []string{id})
			if seen := read.JSON(t, "data.CoreReadOnlyRepository.edges.0.node"); seen != test.read {
				t.Errorf("read %s, want %s", seen, test.read)
			}
		})
	}
}

func TestUpdate_RepositoryNeedsAnID(t *testing.T) {
	t.Parallel()
	const byHFID = `mutation{CoreReadOnlyRepositoryUpdate(data:{hfid:["r"] description:{value:"x"}}){ok}}`
	if got := start(t, mockserver.Options{}).Post(t, "main", byHFID); got.Status != http.StatusInternalServerError || got.Body != "Internal Server Error" {
		t.Errorf("1.11: got %d %s", got.Status, got.Body)
	}
	got := start(t, mockserver.Options{Version: "1.9.9"}).Post(t, "main", byHFID)
	if got.Text("errors.0.message") != "Unable to find the node None / CoreReadOnlyRepository in the database." || got.At("errors.0.extensions") != nil {
		t.Errorf("1.9: got %d %s", got.Status, got.Body)
	}
}

func TestCredential_LabelIsGeneratedFromTheName(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	for name, label := range map[string]string{"my-git-credential": "My-Git-Credential", "my_cred": "My Cred", "naïve 名前 💥": "Naïve 名前 💥"} {
		got := m.Ask(t, `mutation($n:String){CorePasswordCredentialCreate(data:{name:{value:$n}}){object{label{value} display_label}}}`, "n", name)
		if made := got.Text("data.CorePasswordCredentialCreate.object.label.value"); made != label {
			t.Errorf("%s: got label %q, want %q", name, made, label)
		}
	}
	got := m.Ask(t, `mutation{CorePasswordCredentialUpdate(data:{hfid:["my_cred"] name:{value:"other"}}){object{label{value} display_label}}}`)
	if kept := got.Text("data.CorePasswordCredentialUpdate.object.label.value"); kept != "My Cred" {
		t.Errorf("after a rename: got label %q, want the old one", kept)
	}
}

func TestCredential_PasswordIsReadableByAnyone(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation{CorePasswordCredentialCreate(data:{name:{value:"git"} password:{value:"pw"}}){ok}}`)
	got := m.post(t, "/graphql", `{"query":"{CorePasswordCredential{edges{node{password{value}}}}}"}`)
	if password := got.At("data.CorePasswordCredential.edges.0.node.password.value"); password != "pw" {
		t.Errorf("got %s", got.Body)
	}
}

func TestCredential_UpsertByName(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	const upsert = `mutation($p:String){CorePasswordCredentialUpsert(data:{name:{value:"git"} password:{value:$p}}){object{id password{value}}}}`
	first := m.Ask(t, upsert, "p", "1").Text("data.CorePasswordCredentialUpsert.object.id")
	second := m.Ask(t, upsert, "p", "2")
	if second.Text("data.CorePasswordCredentialUpsert.object.id") != first || second.Text("data.CorePasswordCredentialUpsert.object.password.value") != "2" {
		t.Errorf("got %s, want %s with the new password", second.Body, first)
	}
}

func TestDelete_DetachesTagsAndCredentials(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation{BuiltinTagCreate(data:{name:{value:"red"}}){ok} CorePasswordCredentialCreate(data:{name:{value:"git"}}){ok}}`)
	id := m.createReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
	m.Ask(t, `mutation($id:String){CoreReadOnlyRepositoryUpdate(data:{id:$id credential:{hfid:["git"]} tags:[{hfid:["red"]}]}){ok}}`, "id", id)
	m.Ask(t, `mutation{BuiltinTagDelete(data:{hfid:["red"]}){ok} CorePasswordCredentialDelete(data:{hfid:["git"]}){ok}}`)
	got := m.Ask(t, `{CoreReadOnlyRepository{edges{node`+related+`}}}`).JSON(t, "data.CoreReadOnlyRepository.edges.0.node")
	if want := `{"credential":{"node":null},"tags":{"edges":[]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDelete_MissingNodeIsNotFound(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation($id:String){BuiltinTagCreate(data:{id:$id name:{value:"t"}}){ok}}`, "id", anotherID)
	const remove = `mutation($id:String){BuiltinTagDelete(data:{id:$id}){ok}}`
	m.Ask(t, remove, "id", anotherID)
	got := m.Post(t, "main", remove, "id", anotherID)
	if got.At("errors.0.extensions.code") != "NODE_NOT_FOUND" || got.At("errors.0.extensions.data.identifier") != anotherID {
		t.Errorf("got %s", got.Body)
	}
}

func TestLocation_GetsTheGitSuffix(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{AppendGitSuffix: []string{"localhost"}})
	id := m.createReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
	for given, want := range map[string]string{
		"http://localhost:1/r": "http://localhost:1/r.git", "http://localhost:1/r/": "http://localhost:1/r/.git",
		"http://localhost:1/r.git": "http://localhost:1/r.git", "http://u:p@localhost:1/r.git": "http://u:p@localhost:1/r.git",
		"git@localhost:r": "git@localhost:r", "http://127.0.0.1:1/r": "http://127.0.0.1:1/r",
	} {
		got := m.Ask(t, `mutation($id:String $l:String){CoreReadOnlyRepositoryUpdate(data:{id:$id location:{value:$l}}){object{location{value}}}}`, "id", id, "l", given)
		if stored := got.Text("data.CoreReadOnlyRepositoryUpdate.object.location.value"); stored != want {
			t.Errorf("%s: stored as %s, want %s", given, stored, want)
		}
	}
}
