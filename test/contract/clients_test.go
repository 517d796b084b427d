package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// get sends a GET request with the token.
func (s *server) get(t *testing.T, path string) mocktest.Response {
	t.Helper()
	return s.Send(t, http.MethodGet, path, "", "X-INFRAHUB-KEY", s.Token)
}

// assertRESTError checks the error of a REST endpoint.
func assertRESTError(t *testing.T, got mocktest.Response, status int, message string) {
	t.Helper()
	want := fmt.Sprintf(`{"data":null,"errors":[{"extensions":{"code":%d},"message":%q}]}`, status, message)
	if body := got.JSON(t, "data"); got.Status != status || body != "null" || got.JSON(t, "errors") != strings.TrimSuffix(strings.TrimPrefix(want, `{"data":null,"errors":`), "}") {
		t.Errorf("got %d %s, want %d %s", got.Status, got.Body, status, want)
	}
}

// GET /api/schema is public, and tells of the kinds of a branch, all or those of some namespaces. An unknown branch and a bad token are refused.
func TestClients1_Schema(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, path := range []string{"/api/schema", "/api/schema?branch=main"} {
			got := s.Send(t, http.MethodGet, path, "")
			if got.Status != http.StatusOK || schemaOf(t, got)[tag] == nil || schemaOf(t, got)["CoreGenericRepository"] == nil {
				t.Errorf("%s: got %d %.300s", path, got.Status, got.Body)
			}
		}
		for kind := range schemaOf(t, s.get(t, "/api/schema?branch=main&namespaces=Builtin")) {
			if !strings.HasPrefix(kind, "Builtin") {
				t.Errorf("the namespace Builtin has %s", kind)
			}
		}
		if got := s.get(t, "/api/schema/BuiltinTag?branch=main"); got.Text("kind") != tag {
			t.Errorf("got %d %.300s", got.Status, got.Body)
		}
		assertRESTError(t, s.get(t, "/api/schema/NoSuchKind"), http.StatusUnprocessableEntity, "Unable to find the schema 'NoSuchKind' in the registry")
		none := s.name("none")
		for _, path := range []string{"/api/schema", "/schema.graphql"} {
			assertRESTError(t, s.get(t, path+"?branch="+none), http.StatusBadRequest, "Branch: "+none+" not found.")
			assertRESTError(t, s.Send(t, http.MethodGet, path, "", "X-INFRAHUB-KEY", "bad"), http.StatusUnauthorized, "Invalid token")
		}
		if got := s.get(t, "/schema.graphql?branch=main"); !strings.Contains(got.Body, "type BuiltinTag ") || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("got %d %s %.300s", got.Status, got.Header.Get("Content-Type"), got.Body)
		}
	})
}

// schemaOf returns the kinds in an answer to GET /api/schema by name.
func schemaOf(t *testing.T, of mocktest.Response) map[string]map[string]any {
	t.Helper()
	kinds := map[string]map[string]any{}
	for _, list := range []string{"nodes", "generics"} {
		items, _ := of.At(list).([]any)
		for _, item := range items {
			kind, _ := item.(map[string]any)
			kinds[fmt.Sprint(kind["kind"])] = kind
		}
	}
	return kinds
}

// What the mock tells of a kind, its attributes and its relationships is what a live server tells, apart from ids.
func TestClients2_SchemaOfTheMockIsPartOfTheServers(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		theirs := schemaOf(t, s.get(t, "/api/schema?branch=main"))
		ours := schemaOf(t, newMock(t, mockserver.Options{}).get(t, "/api/schema?branch=main"))
		if len(ours) < 15 {
			t.Errorf("the mock has only the kinds %v", ours)
		}
		for kind, own := range ours {
			live := theirs[kind]
			for _, list := range []string{"attributes", "relationships"} {
				for name, want := range byName(own[list]) {
					if diff := cmp.Diff(byName(live[list])[name], want); diff != "" {
						t.Errorf("%s.%s (-server +mock):\n%s", kind, name, diff)
					}
				}
			}
			for key, want := range own {
				if slices.Contains([]string{"attributes", "relationships", "used_by", "hash", "id"}, key) {
					continue
				}
				if diff := cmp.Diff(live[key], want); diff != "" {
					t.Errorf("%s: %s (-server +mock):\n%s", kind, key, diff)
				}
			}
		}
	})
}

// byName returns the attributes or relationships of a kind by name, without ids.
func byName(list any) map[string]map[string]any {
	found := map[string]map[string]any{}
	items, _ := list.([]any)
	for _, item := range items {
		field, _ := item.(map[string]any)
		delete(field, "id")
		found[fmt.Sprint(field["name"])] = field
	}
	return found
}

// Lists take filters for every attribute, any attribute, the display label and the hfid. A partial match ignores case.
func TestClients3_Filters(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.create(t, tag, fmt.Sprintf(`name:{value:"one-%s"} description:{value:"about-%[1]s" is_protected:true}`, s.suffix))
		s.create(t, tag, fmt.Sprintf(`name:{value:"two-%s"}`, s.suffix))
		for filter, want := range map[string]string{
			`name__value:"SUFFIX" partial_match:true`:                             "one two",
			`name__value:"SUFFIX"`:                                                "",
			`name__values:["one-SUFFIX" "none"]`:                                  "one",
			`any__value:"about-SUFFIX"`:                                           "one",
			`any__value:"SUFFIX" partial_match:true`:                              "one two",
			`hfid:["two-SUFFIX"]`:                                                 "two",
			`display_label__value:"two-SUFFIX"`:                                   "two",
			`name__values:["one-SUFFIX" "two-SUFFIX"] description__isnull:true`:   "two",
			`name__values:["one-SUFFIX" "two-SUFFIX"] description__isnull:false`:  "one",
			`name__value:"one-SUFFIX" description__value:"none"`:                  "",
			`name__value:"one-SUFFIX" description__is_protected:true`:             "one",
			`name__value:"two-SUFFIX" description__is_protected:true`:             "",
			`name__value:"SUFFIX" description__value:"ABOUT-" partial_match:true`: "one",
		} {
			got := s.Ask(t, `{BuiltinTag(`+strings.ReplaceAll(filter, "SUFFIX", s.suffix)+`){edges{node{display_label}}}}`)
			if names := s.labels(got, "data.BuiltinTag"); names != want {
				t.Errorf("%s: got %q, want %q", filter, names, want)
			}
		}
		// The suffix is in lower case.
		if got := s.Ask(t, `{BuiltinTag(name__value:"`+strings.ToUpper(s.suffix)+`" partial_match:true){count}}`); got.At("data.BuiltinTag.count") != 2.0 {
			t.Errorf("got %s", got.Body)
		}
	})
}

// labels returns the display labels of a page without the suffix.
func (s *server) labels(of mocktest.Response, path string) string {
	edges, _ := of.At(path + ".edges").([]any)
	names := make([]string, len(edges))
	for i := range edges {
		names[i] = strings.TrimSuffix(of.Text(fmt.Sprintf("%s.edges.%d.node.display_label", path, i)), "-"+s.suffix)
	}
	return strings.Join(names, " ")
}

// Lists of repositories take filters for their ref, statuses, credential and tags.
func TestClients3_FiltersOfRepositories(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret, label := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		r := s.newRemote(t, "r.git")
		id := s.createRepository(t, readOnly, "r", r, fmt.Sprintf(`ref:{value:"v1.0.0"} credential:{id:%q} tags:[{id:%q}]`, secret, label))
		s.waitForTasks(t, id, append(completed(importLast, pull), addReadOnly+" COMPLETED")...)
		for filter, want := range map[string]string{
			`ref__value:"v1.0.0"`: "r", `ref__value:"v1.1.0"`: "", `sync_status__value:"in-sync"`: "r", `operational_status__value:"error"`: "",
			`internal_status__values:["active"]`: "r", `credential__ids:["` + secret + `"]`: "r", `credential__isnull:true`: "", `tags__ids:["` + label + `"]`: "r",
			`credential__name__value:"` + s.name("c") + `"`: "r", `tags__name__value:"` + s.name("none") + `"`: "", `tags__isnull:false`: "r",
		} {
			got := s.Ask(t, `{CoreReadOnlyRepository(ids:["`+id+`"] `+filter+`){edges{node{display_label}}}}`)
			if names := s.labels(got, "data.CoreReadOnlyRepository"); names != want {
				t.Errorf("%s: got %q, want %q", filter, names, want)
			}
		}
		got := s.Ask(t, `{CoreCredential(name__value:"`+s.name("c")+`"){edges{node{__typename display_label}}}}`)
		assertJSON(t, got, "data.CoreCredential.edges.0.node.__typename", `"CorePasswordCredential"`)
	})
}

// RelationshipAdd adds peers, by id or hfid, each once, and RelationshipRemove removes them, by id alone. Unknown nodes, peers
// and relationships are refused, and peers of another kind.
func TestClients4_Relationships(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		one, two := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("one"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("two")))
		secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		id := s.createRepository(t, readOnly, "r", s.newRemote(t, "r.git"), fmt.Sprintf(`credential:{id:%q}`, secret))
		change := func(mutation, of, relationship, nodes string) mocktest.Response {
			return s.Post(t, "main", fmt.Sprintf(`mutation{%s(data:{id:%q name:%q nodes:[%s]}){ok}}`, mutation, of, relationship, nodes))
		}
		for _, step := range []struct{ mutation, nodes, want string }{
			{"RelationshipAdd", fmt.Sprintf(`{id:%q} {id:%[1]q}`, one), "one"},
			{"RelationshipAdd", fmt.Sprintf(`{id:%q} {hfid:[%q]}`, one, s.name("two")), "one two"},
			{"RelationshipRemove", fmt.Sprintf(`{hfid:[%q]}`, s.name("two")), "one two"},
			{"RelationshipRemove", fmt.Sprintf(`{id:%q} {id:%q}`, two, two), "one"},
			{"RelationshipRemove", fmt.Sprintf(`{id:%q}`, two), "one"},
			{"RelationshipAdd", "", "one"},
		} {
			assertJSON(t, change(step.mutation, id, "tags", step.nodes), "data."+step.mutation+".ok", "true")
			got := s.Ask(t, `{CoreReadOnlyRepository(ids:["`+id+`"]){edges{node{tags{edges{node{display_label}}}}}}}`)
			if names := s.labels(got, "data.CoreReadOnlyRepository.edges.0.node.tags"); names != step.want {
				t.Errorf("%s %s: got %q, want %q", step.mutation, step.nodes, names, step.want)
			}
		}
		none := newID()
		for _, refused := range []struct {
			of, relationship, nodes, message string
			code                             string
			status                           int
			data                             string
		}{
			{none, "tags", "", "Unable to find the node " + none + " / node in the database.", "NODE_NOT_FOUND", 404, fmt.Sprintf(`{"identifier":%q,"node_kind":"node"}`, none)},
			{id, "none", "", "'none' is not a valid relationship for 'CoreReadOnlyRepository' at name", "", 422, ""},
			{id, "tags", fmt.Sprintf(`{id:%q}`, none), "'" + none + "': Unable to find the node in the database.", "", 422, ""},
			{id, "tags", `{id:""}`, "'': Unable to find the node in the database.", "", 422, ""},
			{id, "tags", `{}`, "Relationship has not been initialized yet", "", 500, ""},
			{id, "tags", fmt.Sprintf(`{id:%q}`, secret), "'" + secret + "' 'CorePasswordCredential' is not a valid peer for 'BuiltinTag'", "", 422, ""},
			{id, "credential", fmt.Sprintf(`{id:%q}`, secret), "'credential' is a cardinality-one relationship and already has a peer", "", 422, ""},
		} {
			s.assertRefused(t, change("RelationshipAdd", refused.of, refused.relationship, refused.nodes), "RelationshipAdd", failure{
				message: refused.message, code: refused.code, status: refused.status, data: refused.data,
			})
		}
	})
}

// AccountProfile is the account of the token, with its groups, roles and permissions.
func TestClients5_Account(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		got := s.Ask(t, `{AccountProfile{__typename display_label name{value} label{value} account_type{value} status{value} member_of_groups{count edges{node{display_label
			...on CoreAccountGroup{roles{edges{node{permissions{edges{node{display_label identifier{value}}}}}}}}}}}} InfrahubStatus{summary{schema_hash_synced}}}`)
		assertJSON(t, got, "data.AccountProfile", `{"__typename":"CoreAccount","account_type":{"value":"User"},"display_label":"Admin","label":{"value":"Admin"},`+
			`"member_of_groups":{"count":1,"edges":[{"node":{"display_label":"Super Administrators","roles":{"edges":[{"node":{"permissions":{"edges":[{"node":`+
			`{"display_label":"global:super_admin:allow_all","identifier":{"value":"global:super_admin:allow_all"}}}]}}}]}}}]},"name":{"value":"admin"},"status":{"value":"active"}}`)
	})
}

// A query that an import has left is carried out by name or id, with variables. Only a POST needs a token.
func TestClients6_StoredQueries(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		r := s.newRemote(t, "r.git")
		name := s.name("query")
		r.Release(t, "v9", map[string]string{
			".infrahub.yml": "queries:\n  - name: " + name + "\n    file_path: q.gql\n",
			"q.gql":         "query Tags($name: String!) { BuiltinTag(name__value: $name) { count } }",
		})
		repository := s.createRepository(t, readOnly, "r", r, `ref:{value:"v9"}`)
		s.waitForTasks(t, repository, append(completed(importLast, pull), addReadOnly+" COMPLETED")...)
		id := s.Ask(t, `query($n:String){CoreGraphQLQuery(name__value:$n){edges{node{id}}}}`, "n", name).Text("data.CoreGraphQLQuery.edges.0.node.id")
		body, err := json.Marshal(map[string]any{"variables": map[string]string{"name": s.name("t")}})
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{name, id} {
			const path, want = "/api/query/", `{"BuiltinTag":{"count":1}}`
			assertJSON(t, s.Send(t, http.MethodGet, path+query+"?name="+s.name("t"), ""), "data", want)
			assertJSON(t, s.Send(t, http.MethodPost, path+query+"?branch=main", string(body), "X-INFRAHUB-KEY", s.Token), "data", want)
		}
		assertRESTError(t, s.Send(t, http.MethodPost, "/api/query/"+name, string(body)), http.StatusUnauthorized, "Authentication is required")
		none := s.name("none")
		assertRESTError(t, s.get(t, "/api/query/"+none), http.StatusNotFound, "Unable to find the node "+none+" / CoreGraphQLQuery in the database.")
		assertRESTError(t, s.get(t, "/api/query/"+name+"?branch="+none), http.StatusBadRequest, "Branch: "+none+" not found.")
	})
}

// An input says whether a value is protected, and who owns it. What an import leaves is protected, and its source is the repository.
func TestClients7_PropertiesOfValues(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		me := s.Ask(t, `{AccountProfile{id}}`).Text("data.AccountProfile.id")
		id := s.create(t, tag, fmt.Sprintf(`name:{value:%q} description:{value:"d" is_protected:true owner:%q}`, s.name("t"), me))
		const properties = `{value is_protected is_from_profile source{display_label} owner{display_label}}`
		read := func() mocktest.Response {
			return s.Ask(t, `{BuiltinTag(ids:["`+id+`"]){edges{node{name`+properties+` description`+properties+`}}}}`)
		}
		const node = "data.BuiltinTag.edges.0.node."
		assertJSON(t, read(), node+"name", `{"is_from_profile":false,"is_protected":false,"owner":null,"source":null,"value":"`+s.name("t")+`"}`)
		assertJSON(t, read(), node+"description", `{"is_from_profile":false,"is_protected":true,"owner":{"display_label":"Admin"},"source":null,"value":"d"}`)
		s.update(t, tag, id, `description:{value:"e"}`)
		assertJSON(t, read(), node+"description.value", `"e"`)
		assertJSON(t, read(), node+"description.is_protected", "true")
		r, _ := s.newReadOnly(t)
		got := s.Ask(t, `query($n:String){CoreGraphQLQuery(name__value:$n){edges{node{query{is_protected source{__typename display_label}}}}}}`, "n", r.query)
		assertJSON(t, got, "data.CoreGraphQLQuery.edges.0.node.query", `{"is_protected":true,"source":{"__typename":"CoreReadOnlyRepository","display_label":"`+s.name(r.query)+`"}}`)
	})
}
