package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The server answers any valid document: aliases, nested fragments, variables with defaults, pages, filters, @include
// and @skip, __typename. Fields have the order of the document.
func TestDocuments_Queries(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for i := range 4 {
			s.create(t, tag, fmt.Sprintf(`name:{value:"tag-%d-%s"} description:{value:"d"}`, i, s.suffix))
		}
		secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q} username:{value:"bot"}`, s.name("git")))
		remote := s.newRemote(t, "r.git")
		id := s.create(t, readWrite, fmt.Sprintf(`name:{value:%q} location:{value:%q} credential:{id:%q} tags:[{hfid:["tag-1-%s"]} {hfid:["tag-0-%s"]}]`,
			s.name("r"), remote.location, secret, s.suffix, s.suffix))
		words := strings.NewReplacer("NAME", s.suffix, "REPO", id)
		for _, test := range []struct {
			name, document string
			variables      []any
			want           string
		}{
			{
				"alias", `{a:BuiltinTag(name__value:"tag-1-NAME"){n:count} b:BuiltinTag(name__values:["tag-0-NAME" "tag-2-NAME" "none"]){n:count edges{node{l:display_label}}}}`, nil,
				`{"a":{"n":1},"b":{"n":2,"edges":[{"node":{"l":"tag-0-NAME"}},{"node":{"l":"tag-2-NAME"}}]}}`,
			},
			{
				"fields in order", `{z:CoreRepository(ids:["REPO"]){edges{node{id name{value}}} count} a:BuiltinTag(name__value:"none"){edges{node{id}} count}}`, nil,
				`{"z":{"edges":[{"node":{"id":"REPO","name":{"value":"r-NAME"}}}],"count":1},"a":{"edges":[],"count":0}}`,
			},
			{
				"page", `query($n:[String] $limit:Int $offset:Int){BuiltinTag(name__values:$n limit:$limit offset:$offset){count edges{node{name{value}}}}}`,
				[]any{"n", []string{s.name("tag-0"), s.name("tag-1"), s.name("tag-2"), s.name("tag-3")}, "limit", 2, "offset", 1},
				`{"BuiltinTag":{"count":4,"edges":[{"node":{"name":{"value":"tag-1-NAME"}}},{"node":{"name":{"value":"tag-2-NAME"}}}]}}`,
			},
			{"page after the end", `{BuiltinTag(name__values:["tag-0-NAME"] limit:5 offset:9){count edges{node{id}}}}`, nil, `{"BuiltinTag":{"count":1,"edges":[]}}`},
			{"ids and a filter", `{CoreRepository(ids:["REPO"] name__value:"none"){count}}`, nil, `{"CoreRepository":{"count":0}}`},
			{
				"location", `query($l:String){CoreRepository(location__value:$l){count} CoreReadOnlyRepository(location__value:$l){count} CoreGenericRepository(location__values:[$l]){count}}`,
				[]any{"l", remote.location},
				`{"CoreRepository":{"count":1},"CoreReadOnlyRepository":{"count":0},"CoreGenericRepository":{"count":1}}`,
			},
			{"default of a variable", `query($n:String="tag-3-NAME"){BuiltinTag(name__value:$n){count}}`, nil, `{"BuiltinTag":{"count":1}}`},
			{"include and skip", `query($y:Boolean! $n:Boolean=false){CoreRepository(ids:["REPO"]) @include(if:$y){count edges @skip(if:$y){node{id}}} BuiltinTag @include(if:$n){count}}`, []any{"y", true}, `{"CoreRepository":{"count":1}}`},
			{
				"fragments in fragments", `query{CoreRepository(ids:["REPO"]){edges{node{...R}}}} fragment R on CoreRepository{...N tags{count}} fragment N on CoreGenericRepository{name{...V}} fragment V on TextAttribute{value}`, nil,
				`{"CoreRepository":{"edges":[{"node":{"name":{"value":"r-NAME"},"tags":{"count":2}}}]}}`,
			},
			{
				"inline fragments", `{CoreGenericRepository(ids:["REPO"]){edges{node{__typename ...on CoreRepository{default_branch{value}} ...on CoreReadOnlyRepository{ref{value}}}}}}`, nil,
				`{"CoreGenericRepository":{"edges":[{"node":{"__typename":"CoreRepository","default_branch":{"value":"main"}}}]}}`,
			},
			{
				"nested", `{CoreRepository(ids:["REPO"]){edges{node{credential{node{__typename hfid ...on CorePasswordCredential{username{value}}}} tags(name__value:"tag-1-NAME"){count edges{node{hfid}}}}}}}`, nil,
				`{"CoreRepository":{"edges":[{"node":{"credential":{"node":{"__typename":"CorePasswordCredential","hfid":["git-NAME"],"username":{"value":"bot"}}},"tags":{"count":1,"edges":[{"node":{"hfid":["tag-1-NAME"]}}]}}}]}}`,
			},
			{
				"typename", `{__typename CoreRepository(ids:["REPO"]){__typename edges{__typename node{__typename name{__typename} sync_status{__typename}}}}}`, nil,
				`{"__typename":"Query","CoreRepository":{"__typename":"PaginatedCoreRepository","edges":[{"__typename":"EdgedCoreRepository","node":{"__typename":"CoreRepository","name":{"__typename":"TextAttribute"},"sync_status":{"__typename":"Dropdown"}}}]}}`,
			},
			{
				"introspection", `{__schema{queryType{name} mutationType{name}} __type(name:"BranchNameInput"){kind inputFields{name type{name}}}}`, nil,
				`{"__schema":{"queryType":{"name":"Query"},"mutationType":{"name":"Mutation"}},"__type":{"kind":"INPUT_OBJECT","inputFields":[{"name":"name","type":{"name":"String"}}]}}`,
			},
		} {
			got := s.Post(t, "main", words.Replace(test.document), test.variables...)
			if want := `{"data":` + words.Replace(test.want) + `}`; strings.NewReplacer(`": `, `":`, ", ", ",").Replace(got.Body) != want {
				t.Errorf("%s: got\n%s\nwant\n%s", test.name, got.Body, want)
			}
		}
	})
}

// If a field is selected in two places, the live server loads only what the last place selects two levels down. The mock
// answers both, as GraphQL specifies.
func TestDocuments_FieldSelectedTwice(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		got := s.Ask(t, `{BuiltinTag(ids:["`+id+`"]){edges{node{name{value}} node{name{is_default}}}}}`)
		want := `{"is_default":false,"value":null}`
		if s.mock != nil {
			want = `{"is_default":false,"value":"` + s.name("t") + `"}`
		}
		assertJSON(t, got, "data.BuiltinTag.edges.0.node.name", want)
	})
}

// A document may have several operations: the request names one of them.
func TestDocuments_OperationName(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		ask := func(name string) mocktest.Response {
			body := `{"query":"query A{InfrahubInfo{version}} query B{BuiltinTag(name__value:\"none\"){count}}","operationName":` + name + `}`
			return s.Send(t, http.MethodPost, "/graphql/main", body, "X-INFRAHUB-KEY", s.Token)
		}
		assertJSON(t, ask(`"B"`), "data", `{"BuiltinTag":{"count":0}}`)
		assertJSON(t, ask(`"A"`), "data.InfrahubInfo.version", `"`+s.version+`"`)
		got := ask("null")
		if got.Text("errors.0.message") != "Must provide operation name if query contains multiple operations." {
			t.Errorf("without a name: %d %s", got.Status, got.Body)
		}
	})
}

// A document may have several mutations: the server carries out each, except one that fails, and each sees what the
// earlier ones changed.
func TestDocuments_Mutations(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := newID()
		t.Cleanup(func() { s.delete(t, tag, id) })
		got := s.Post(t, "main", `mutation($id:String! $name:String! $none:String!){
			created: BuiltinTagCreate(data:{id:$id name:{value:$name}}){ok object{hfid description{value}}}
			failed: BuiltinTagUpdate(data:{id:$none description:{value:"x"}}){ok}
			updated: BuiltinTagUpdate(data:{id:$id description:{value:"d"}}){ok object{...T}}
		} fragment T on BuiltinTag{hfid description{value}}`, "id", id, "name", s.name("t"), "none", newID())
		assertJSON(t, got, "data.created.object", `{"description":{"value":null},"hfid":["`+s.name("t")+`"]}`)
		assertJSON(t, got, "data.failed", "null")
		assertJSON(t, got, "data.updated.object", `{"description":{"value":"d"},"hfid":["`+s.name("t")+`"]}`)
		assertJSON(t, got, "errors.0.path", `["failed"]`)
		assertJSON(t, got, "errors.1", "null")
	})
}
