package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Any valid document is answered: aliases, nested fragments, variables with defaults, pages, filters,
// @include and @skip, __typename; fields come in the order of the document.
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
		known := strings.NewReplacer("NAME", s.suffix, "REPO", id)
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
				[]any{"n", []string{"tag-0-NAME", "tag-1-NAME", "tag-2-NAME", "tag-3-NAME"}, "limit", 2, "offset", 1},
				`{"BuiltinTag":{"count":4,"edges":[{"node":{"name":{"value":"tag-1-NAME"}}},{"node":{"name":{"value":"tag-2-NAME"}}}]}}`,
			},
			{"page behind the end", `{BuiltinTag(name__values:["tag-0-NAME"] limit:5 offset:9){count edges{node{id}}}}`, nil, `{"BuiltinTag":{"count":1,"edges":[]}}`},
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
			body := known.Replace(question(t, test.document, test.variables...))
			got := s.send(t, http.MethodPost, "/graphql/main", body, "X-INFRAHUB-KEY", s.token)
			if want := `{"data":` + known.Replace(test.want) + `}`; strings.NewReplacer(`": `, `":`, ", ", ",").Replace(got.body) != want {
				t.Errorf("%s: got\n%s\nwant\n%s", test.name, got.body, want)
			}
		}
	})
}

// Of a field that is selected in two places the live server loads only what the last of them asks for,
// two levels down; the mock answers both, as GraphQL says.
func TestDocuments_FieldSelectedTwice(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		got := s.ask(t, `{BuiltinTag(ids:["`+id+`"]){edges{node{name{value}} node{name{is_default}}}}}`)
		want := `{"is_default":false,"value":null}`
		if s.mock != nil {
			want = `{"is_default":false,"value":"` + s.name("t") + `"}`
		}
		same(t, got, "data.BuiltinTag.edges.0.node.name", want)
	})
}

// A document may hold several operations: the request names one of them.
func TestDocuments_OperationName(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		ask := func(name string) reply {
			body := `{"query":"query A{InfrahubInfo{version}} query B{BuiltinTag(name__value:\"none\"){count}}","operationName":` + name + `}`
			return s.send(t, http.MethodPost, "/graphql/main", body, "X-INFRAHUB-KEY", s.token)
		}
		same(t, ask(`"B"`), "data", `{"BuiltinTag":{"count":0}}`)
		same(t, ask(`"A"`), "data.InfrahubInfo.version", `"`+s.version+`"`)
		got := ask("null")
		if got.text("errors.0.message") != "Must provide operation name if query contains multiple operations." {
			t.Errorf("without a name: %d %s", got.status, got.body)
		}
	})
}

// Of several mutations each is done, but the one that fails; what follows sees what went before.
func TestDocuments_Mutations(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := newID()
		t.Cleanup(func() { s.remove(t, tag, id) })
		got := s.on(t, "main", `mutation($id:String! $name:String! $none:String!){
			made: BuiltinTagCreate(data:{id:$id name:{value:$name}}){ok object{hfid description{value}}}
			failed: BuiltinTagUpdate(data:{id:$none description:{value:"x"}}){ok}
			changed: BuiltinTagUpdate(data:{id:$id description:{value:"d"}}){ok object{...T}}
		} fragment T on BuiltinTag{hfid description{value}}`, "id", id, "name", s.name("t"), "none", newID())
		same(t, got, "data.made.object", `{"description":{"value":null},"hfid":["`+s.name("t")+`"]}`)
		same(t, got, "data.failed", "null")
		same(t, got, "data.changed.object", `{"description":{"value":"d"},"hfid":["`+s.name("t")+`"]}`)
		same(t, got, "errors.0.path", `["failed"]`)
		same(t, got, "errors.1", "null")
	})
}
