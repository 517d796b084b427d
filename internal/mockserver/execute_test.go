package mockserver_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestQuery_Documents(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	for i := range 5 {
		m.Ask(t, `mutation($n:String){BuiltinTagCreate(data:{name:{value:$n} description:{value:"d"}}){ok}}`, "n", fmt.Sprintf("tag-%d", i))
	}
	m.Ask(t, `mutation{CorePasswordCredentialCreate(data:{name:{value:"git"} username:{value:"bot"} password:{value:"pw"}}){ok}}`)
	root := t.TempDir()
	m.Ask(t, `mutation($l:String){CoreRepositoryCreate(data:{name:{value:"repo"} location:{value:$l} credential:{hfid:["git"]} tags:[{hfid:["tag-1"]},{hfid:"tag-0"}]}){ok}}`,
		"l", newRemote(t, root, "repo.git").Path)
	m.WaitForTasks(t)
	for _, test := range []struct {
		name, document string
		variables      []any
		want           string
	}{
		{"alias", `{a:BuiltinTag(name__value:"tag-1"){n:count} b:BuiltinTag{n:count}}`, nil, `{"a":{"n":1},"b":{"n":5}}`},
		{"page", `{BuiltinTag(limit:2 offset:3){count edges{node{name{value}}}}}`, nil, `{"BuiltinTag":{"count":5,"edges":[{"node":{"name":{"value":"tag-3"}}},{"node":{"name":{"value":"tag-4"}}}]}}`},
		{"page after the end", `{BuiltinTag(offset:9){count edges{node{id}}}}`, nil, `{"BuiltinTag":{"count":5,"edges":[]}}`},
		{"several names", `query($n:[String]){BuiltinTag(name__values:$n){edges{node{hfid}}}}`, []any{"n", []string{"tag-2", "tag-0", "none"}}, `{"BuiltinTag":{"edges":[{"node":{"hfid":["tag-0"]}},{"node":{"hfid":["tag-2"]}}]}}`},
		{"no such id", `{BuiltinTag(ids:["nope"]){count}}`, nil, `{"BuiltinTag":{"count":0}}`},
		{"a number for a list of ids", `query($i:[ID]){BuiltinTag(ids:$i){count}}`, []any{"i", 5}, `{"BuiltinTag":{"count":0}}`},
		{"default of a variable", `query($n:String="tag-4"){BuiltinTag(name__value:$n){count}}`, nil, `{"BuiltinTag":{"count":1}}`},
		{"include and skip", `query($y:Boolean! $n:Boolean!){InfrahubInfo{version @include(if:$y) deployment_id @skip(if:$y)} BuiltinTag @include(if:$n){count}}`, []any{"y", true, "n", false}, `{"InfrahubInfo":{"version":"1.11.9"}}`},
		{"fragments in fragments", `query{CoreRepository{edges{node{...R}}}} fragment R on CoreRepository{...N tags{count}} fragment N on CoreGenericRepository{name{value}}`, nil, `{"CoreRepository":{"edges":[{"node":{"name":{"value":"repo"},"tags":{"count":2}}}]}}`},
		{"inline fragments on an interface", `{CoreGenericRepository{edges{node{__typename ...on CoreRepository{default_branch{value}} ...on CoreReadOnlyRepository{ref{value}}}}}}`, nil, `{"CoreGenericRepository":{"edges":[{"node":{"__typename":"CoreRepository","default_branch":{"value":"main"}}}]}}`},
		{"a field selected twice", `{CoreRepository{edges{node{name{value}} node{name{is_default}}}}}`, nil, `{"CoreRepository":{"edges":[{"node":{"name":{"is_default":false,"value":"repo"}}}]}}`},
		{"nested list with arguments", `{CoreRepository{edges{node{credential{node{__typename hfid ...on CorePasswordCredential{username{value}}}} tags(name__value:"tag-1"){count edges{node{hfid}}}}}}}`, nil, `{"CoreRepository":{"edges":[{"node":{"credential":{"node":{"__typename":"CorePasswordCredential","hfid":["git"],"username":{"value":"bot"}}},"tags":{"count":1,"edges":[{"node":{"hfid":["tag-1"]}}]}}}]}}`},
		{"typename everywhere", `{__typename BuiltinTag(limit:1){__typename edges{__typename node{__typename name{__typename}}}}}`, nil, `{"BuiltinTag":{"__typename":"PaginatedBuiltinTag","edges":[{"__typename":"EdgedBuiltinTag","node":{"__typename":"BuiltinTag","name":{"__typename":"TextAttribute"}}}]},"__typename":"Query"}`},
		{"introspection", `{__schema{queryType{name}} __type(name:"BranchNameInput"){kind inputFields{name type{name}}}}`, nil, `{"__schema":{"queryType":{"name":"Query"}},"__type":{"inputFields":[{"name":"name","type":{"name":"String"}}],"kind":"INPUT_OBJECT"}}`},
		{"nested types", `{__type(name:"Tasks"){fields{name type{kind ofType{kind ofType{kind ofType{name}}}}}}}`, nil, `{"__type":{"fields":[{"name":"count","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","ofType":null}}},{"name":"edges","type":{"kind":"NON_NULL","ofType":{"kind":"LIST","ofType":{"kind":"NON_NULL","ofType":{"name":"TaskNodes"}}}}}]}}`},
		{"location filter", `query($l:String){CoreRepository(location__value:$l){count}}`, []any{"l", root + "/repo.git"}, `{"CoreRepository":{"count":1}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := m.Ask(t, test.document, test.variables...).JSON(t, "data"); got != test.want {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestQuery_FieldsHaveTheOrderOfTheDocument(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	got := m.Ask(t, `{z:InfrahubInfo{version} a:BuiltinTag{edges{node{id}} count}}`).Body
	if want := `{"data":{"z":{"version":"1.11.9"},"a":{"edges":[],"count":0}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRequest_RefusedBodies(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	document := func(text string) string { return `{"query":` + fmt.Sprintf("%q", text) + `}` }
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"syntax error", document("mutation { "), 500, "Internal Server Error"},
		{"empty document", document(""), 500, "Internal Server Error"},
		{"no document", `{}`, 500, "Internal Server Error"},
		{"not JSON", `nope`, 400, `{"errors":["Request body is not a valid JSON"]}`},
		{"batch", `[]`, 400, `{"errors":["This server does not support batching"]}`},
		{"missing variable", document("query($w:Boolean!){BuiltinTag{count @include(if:$w)}}"), 500, "Internal Server Error"},
		{"unknown field", document("{BuiltinTag{nope}}"), 200, `{"data":null,"errors":[{"message":"Cannot query field 'nope' on type 'PaginatedBuiltinTag'.","locations":[{"line":1,"column":13}],"extensions":{"code":"UNDEFINED_ERROR","data":{},"http_status":500}}]}`},
		{"wrong literal", document(`mutation{BuiltinTagCreate(data:{name:{value:5}}){ok}}`), 200, `{"data":null,"errors":[{"message":"String cannot represent a non string value: 5","locations":[{"line":1,"column":45}],"extensions":{"code":"UNDEFINED_ERROR","data":{},"http_status":500}}]}`},
		{"unknown input field", document(`mutation{BuiltinTagCreate(data:{nom:{value:"x"}}){ok}}`), 200, `{"data":null,"errors":[{"message":"Field 'nom' is not defined by type 'BuiltinTagCreateInput'. Did you mean 'name'?","locations":[{"line":1,"column":33}],"extensions":{"code":"UNDEFINED_ERROR","data":{},"http_status":500}}]}`},
		{"which operation", document("query A{BuiltinTag{count}} query B{BuiltinTag{count}}"), 200, `{"data":null,"errors":[{"message":"Must provide operation name if query contains multiple operations.","extensions":{"code":"UNDEFINED_ERROR","data":{},"http_status":500}}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := m.post(t, "/graphql", test.body, "X-INFRAHUB-KEY", mockserver.DefaultToken)
			if got.Status != test.status || got.Body != test.want {
				t.Errorf("got %d %s\nwant %d %s", got.Status, got.Body, test.status, test.want)
			}
			if hasID := got.Header.Get("X-Request-Id") != ""; hasID != (test.status != http.StatusInternalServerError) {
				t.Errorf("status %d with request id: %v", test.status, hasID)
			}
		})
	}
}

func TestRequest_UnknownBranchIsAListOfStrings(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	got := m.Post(t, "release/2", `{BuiltinTag{count}}`)
	if want := `{"errors":["Branch: release/2 not found."]}`; got.Status != http.StatusNotFound || got.Body != want {
		t.Errorf("got %d %s, want 404 %s", got.Status, got.Body, want)
	}
}

func TestMutation_OneFailsWhileOthersAreCarriedOut(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	got := m.Post(t, "main", `mutation{a:BuiltinTagCreate(data:{name:{value:"t"}}){ok} b:BuiltinTagCreate(data:{name:{value:"t"}}){ok} c:BuiltinTagCreate(data:{name:{value:"u"}}){ok}}`)
	want := `{"data":{"a":{"ok":true},"b":null,"c":{"ok":true}},"errors":[{"message":"Violates uniqueness constraint 'name'","locations":[{"line":1,"column":58}],` +
		`"path":["b"],"extensions":{"code":"UNDEFINED_ERROR","data":{},"http_status":422}}]}`
	if got.Body != want {
		t.Errorf("got %s\nwant %s", got.Body, want)
	}
	if count := m.Ask(t, `{BuiltinTag{count}}`).At("data.BuiltinTag.count"); count != 2.0 {
		t.Errorf("%v tags, want 2", count)
	}
}
