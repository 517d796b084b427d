package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The server honours a client-chosen id once: the id is not free again while the node exists, nor after it was deleted.
func TestWriting1_ClientChosenIDIsHonouredOnce(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := newID()
		create := func(name string) mocktest.Response {
			return s.tryCreate(t, credential, fmt.Sprintf(`id:%q name:{value:%q}`, id, s.name(name)))
		}
		assertJSON(t, create("one"), "data.CorePasswordCredentialCreate.object.id", `"`+id+`"`)
		used := failure{
			message: id + " is already in use at id", code: "ATTRIBUTE_CONSTRAINT_VIOLATION", status: 422,
			data: fmt.Sprintf(`{"constraint":"%s is already in use","detail":null,"field_name":"id","node_kind":"CorePasswordCredential"}`, id),
		}
		s.assertRefused(t, create("one"), "CorePasswordCredentialCreate", used)
		s.assertRefused(t, create("two"), "CorePasswordCredentialCreate", used)
		assertJSON(t, s.Post(t, "main", `mutation{CorePasswordCredentialDelete(data:{id:"`+id+`"}){ok}}`), "data.CorePasswordCredentialDelete.ok", "true")
		s.assertRefused(t, create("three"), "CorePasswordCredentialCreate", used)
	})
}

// An id that is no UUID is refused.
func TestWriting1_IDIsAUUID(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.assertRefused(t, s.tryCreate(t, tag, fmt.Sprintf(`id:"not-a-uuid" name:{value:%q}`, s.name("t"))), "BuiltinTagCreate", failure{
			message: "not-a-uuid is not a valid UUID at id", code: "ATTRIBUTE_INVALID_TYPE", status: 422,
			data: `{"expected_type":"UUID","field_name":"id","node_kind":"BuiltinTag","received_type":"not-a-uuid"}`,
		})
	})
}

// The object in an Update response has no credential if the input did not name it, although it is still set. It has the
// tags.
func TestWriting2_UpdateResponseLiesAboutCredential(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret, label := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		for _, kind := range []string{readOnly, readWrite} {
			remote := s.newRemote(t, kind+".git")
			id := s.createRepository(t, kind, kind, remote, fmt.Sprintf(`credential:{id:%q} tags:[{id:%q}]`, secret, label))
			object := "data." + kind + "Update.object."
			for _, input := range []string{`description:{value:"d"}`, `description:{value:"d"}`, `tags:[{id:"` + label + `"}]`} {
				response := s.update(t, kind, id, input)
				assertJSON(t, response, object+"credential", `{"node":null}`)
				assertJSON(t, response, object+"tags.edges.0.node.id", `"`+label+`"`)
				assertJSON(t, s.read(t, kind, id), "credential.node.id", `"`+secret+`"`)
			}
			assertJSON(t, s.update(t, kind, id, `credential:{id:"`+secret+`"}`), object+"credential.node.id", `"`+secret+`"`)
		}
	})
}

// An update by hfid without an id fails for both repository kinds. It works for credentials and tags.
func TestWriting3_UpdateByHFIDAlone(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, kind := range []string{readOnly, readWrite} {
			remote := s.newRemote(t, kind+".git")
			s.createRepository(t, kind, kind, remote, "")
			got := s.Post(t, "main", fmt.Sprintf(`mutation{%sUpdate(data:{hfid:[%q] description:{value:"d"}}){ok}}`, kind, s.name(kind)))
			if s.old() {
				s.assertRefused(t, got, kind+"Update", failure{message: "Unable to find the node None / " + kind + " in the database."})
			} else if got.Status != http.StatusInternalServerError || got.Body != "Internal Server Error" {
				t.Errorf("%s: got %d %s", kind, got.Status, got.Body)
			}
		}
		for _, kind := range []string{credential, tag} {
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q}`, s.name(kind)))
			assertJSON(t, s.Post(t, "main", fmt.Sprintf(`mutation{%sUpdate(data:{hfid:[%q] description:{value:"d"}}){ok}}`, kind, s.name(kind))), "data."+kind+"Update.ok", "true")
			assertJSON(t, s.read(t, kind, id), "description.value", `"d"`)
		}
	})
}

// An attribute that is absent, null or {} stays. {value: null} clears it, {value: ""} stores "", {is_default: true} resets
// it to the default of the schema.
func TestWriting4_Attributes(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := s.create(t, credential, fmt.Sprintf(`name:{value:%q} description:{value:"d"} username:{value:"u"}`, s.name("c")))
		for _, step := range []struct{ input, want string }{
			{``, `{"is_default":false,"value":"d"}`},
			{`description:null`, `{"is_default":false,"value":"d"}`},
			{`description:{}`, `{"is_default":false,"value":"d"}`},
			{`description:{value:""}`, `{"is_default":false,"value":""}`},
			{`description:{value:null}`, `{"is_default":false,"value":null}`},
			{`description:{value:"e"}`, `{"is_default":false,"value":"e"}`},
			{`description:{is_default:true}`, `{"is_default":true,"value":null}`},
			{`description:{value:null}`, `{"is_default":true,"value":null}`},
		} {
			s.update(t, credential, id, step.input)
			node := s.read(t, credential, id)
			assertJSON(t, node, "description", step.want)
			assertJSON(t, node, "username.value", `"u"`)
		}
		remote := s.newRemote(t, "r.git")
		repository := s.createRepository(t, readWrite, "r", remote, `default_branch:{value:"v1.0.0"}`)
		s.update(t, readWrite, repository, `default_branch:{is_default:true}`)
		assertJSON(t, s.read(t, readWrite, repository), "default_branch", `{"is_default":true,"value":"main"}`)
	})
}

// A mandatory attribute is required, and cannot be cleared.
func TestWriting4_MandatoryAttributes(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.assertRefused(t, s.tryCreate(t, tag, `description:{value:"d"}`), "BuiltinTagCreate", failure{
			message: "name is mandatory for BuiltinTag at name", code: "ATTRIBUTE_REQUIRED", status: 422, data: `{"field_name":"name","node_kind":"BuiltinTag"}`,
		})
		id := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		s.assertRefused(t, s.tryUpdate(t, credential, id, `name:{value:null}`), "CorePasswordCredentialUpdate", failure{
			message: "A value must be provided for name at name", code: "ATTRIBUTE_CONSTRAINT_VIOLATION", status: 422,
			data: `{"constraint":"A value must be provided for name","detail":null,"field_name":"name","node_kind":"CorePasswordCredential"}`,
		})
	})
}

// A relationship that is absent stays. credential null, and tags null or [], clear it. A list of tags, by id or hfid,
// replaces the whole set.
func TestWriting4_Relationships(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		a, b := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("a"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("b")))
		remote := s.newRemote(t, "r.git")
		id := s.createRepository(t, readOnly, "r", remote, fmt.Sprintf(`credential:{hfid:[%q]} tags:[{hfid:[%q]}]`, s.name("c"), s.name("a")))
		for _, step := range []struct{ input, credential, tags string }{
			{`description:{value:"d"}`, secret, "a"},
			{`tags:[{id:"` + a + `"} {id:"` + b + `"}]`, secret, "a b"},
			{`tags:[{hfid:["` + s.name("b") + `"]}]`, secret, "b"},
			{`tags:null`, secret, ""},
			{`tags:[{id:"` + a + `"}]`, secret, "a"},
			{`tags:[]`, secret, ""},
			{`tags:[{id:"` + b + `"}]`, secret, "b"},
			{`credential:null`, "", "b"},
			{`credential:{hfid:["` + s.name("c") + `"]}`, secret, "b"},
		} {
			s.update(t, readOnly, id, step.input)
			node := s.read(t, readOnly, id)
			var names []string
			for i := range 3 {
				if hfid := node.Text(fmt.Sprintf("tags.edges.%d.node.hfid.0", i)); hfid != "" {
					names = append(names, strings.TrimSuffix(hfid, "-"+s.suffix))
				}
			}
			if got := node.Text("credential.node.id"); got != step.credential || strings.Join(names, " ") != step.tags {
				t.Errorf("%s: got credential %q and tags %v, want %q and %q", step.input, got, names, step.credential, step.tags)
			}
		}
	})
}

// A tag that the input names twice is listed once but counted twice, and has to be removed twice.
func TestWriting4_TagsNamedTwice(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		a, b := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("a"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("b")))
		remote := s.newRemote(t, "r.git")
		id := s.createRepository(t, readWrite, "r", remote, fmt.Sprintf(`tags:[{id:%q} {id:%q}]`, a, a))
		for _, step := range []struct {
			input string
			count float64
			shown int
		}{
			{"[]", 1, 1},
			{"null", 0, 0},
			{`[{id:"` + a + `"} {id:"` + a + `"}]`, 2, 1},
			{`[{id:"` + b + `"}]`, 2, 2},
			{"[]", 0, 0},
			{`[{id:"` + a + `"}]`, 1, 1},
			{`[{id:"` + a + `"} {id:"` + a + `"}]`, 1, 1},
			{"[]", 0, 0},
		} {
			s.update(t, readWrite, id, "tags:"+step.input)
			node := s.read(t, readWrite, id)
			edges, _ := node.At("tags.edges").([]any)
			if node.At("tags.count") != step.count || len(edges) != step.shown {
				t.Errorf("tags:%s: got count %v and %d tags, want %v and %d", step.input, node.At("tags.count"), len(edges), step.count, step.shown)
			}
		}
	})
}

// An unknown tag or credential is NODE_NOT_FOUND with its kind, and nothing is changed.
func TestWriting4_UnknownPeers(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, none := s.newRemote(t, "r.git"), newID()
		id := s.createRepository(t, readOnly, "r", remote, "")
		for kind, input := range map[string]string{
			"BuiltinTag": `tags:[{id:"` + none + `"}]`, "CoreCredential": `credential:{id:"` + none + `"}`,
		} {
			s.assertRefused(t, s.tryUpdate(t, readOnly, id, input+` description:{value:"d"}`), "CoreReadOnlyRepositoryUpdate", failure{
				message: "Unable to find the node " + none + " / " + kind + " in the database.", code: "NODE_NOT_FOUND", status: 404,
				data: fmt.Sprintf(`{"identifier":%q,"node_kind":%q}`, none, kind),
			})
		}
		assertJSON(t, s.read(t, readOnly, id), "description.value", "null")
	})
}

// The server generates the label of a credential from its name at the create, and not again at a rename.
func TestWriting5_LabelIsGeneratedOnce(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for name, label := range map[string]string{
			"my-git-credential-" + s.suffix: "My-Git-Credential-" + strings.ToUpper(s.suffix[:1]) + s.suffix[1:],
			"two_words_" + s.suffix:         "Two Words " + strings.ToUpper(s.suffix[:1]) + s.suffix[1:],
		} {
			id := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, name))
			assertJSON(t, s.read(t, credential, id), "label.value", `"`+label+`"`)
			s.update(t, credential, id, `name:{value:"renamed-`+name+`"}`)
			assertJSON(t, s.read(t, credential, id), "label.value", `"`+label+`"`)
		}
	})
}

// The server returns the password in clear to any reader, also to an anonymous one.
func TestWriting6_PasswordIsReadInClear(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret := "p\"\\ä\n" + s.suffix
		id := s.create(t, credential, fmt.Sprintf(`name:{value:%q} password:{value:$p}`, s.name("c")), "p", secret)
		query := fmt.Sprintf(`{CorePasswordCredential(ids:[%q]){edges{node{password{value}}}}}`, id)
		for _, headers := range [][]string{{"X-INFRAHUB-KEY", s.Token}, nil} {
			got := s.postWith(t, query, headers...).Text("data.CorePasswordCredential.edges.0.node.password.value")
			if got != secret {
				t.Errorf("got %q with %d headers", got, len(headers))
			}
		}
	})
}

// Deleting a credential or a tag that is in use succeeds and detaches it.
func TestWriting7_DeletingDetaches(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret, label := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		remote := s.newRemote(t, "r.git")
		id := s.createRepository(t, readOnly, "r", remote, fmt.Sprintf(`credential:{id:%q} tags:[{id:%q}]`, secret, label))
		assertJSON(t, s.Post(t, "main", `mutation{CorePasswordCredentialDelete(data:{id:"`+secret+`"}){ok}}`), "data.CorePasswordCredentialDelete.ok", "true")
		assertJSON(t, s.Post(t, "main", `mutation{BuiltinTagDelete(data:{id:"`+label+`"}){ok}}`), "data.BuiltinTagDelete.ok", "true")
		node := s.read(t, readOnly, id)
		assertJSON(t, node, "credential", `{"node":null}`)
		assertJSON(t, node, "tags", `{"count":0,"edges":[]}`)
	})
}

// Deleting a repository succeeds. Deleting it again does not.
func TestWriting7_DeletingARepository(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		_, id := s.newReadOnly(t)
		remove := `mutation{CoreReadOnlyRepositoryDelete(data:{id:"` + id + `"}){ok}}`
		assertJSON(t, s.Post(t, "main", remove), "data.CoreReadOnlyRepositoryDelete.ok", "true")
		if s.read(t, readOnly, id).exists() {
			t.Error("the repository still exists")
		}
		s.assertRefused(t, s.Post(t, "main", remove), "CoreReadOnlyRepositoryDelete", failure{
			message: "Unable to find the node " + id + " / CoreReadOnlyRepository in the database.", code: "NODE_NOT_FOUND", status: 404,
			data: fmt.Sprintf(`{"identifier":%q,"node_kind":"CoreReadOnlyRepository"}`, id),
		})
	})
}

// What was imported from a repository to one branch stays there, detached, when the repository is deleted on another.
func TestWriting7_ImportedObjectsMayStay(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch, remote := s.newBranch(t, "b"), s.newRemote(t, "r.git")
		id := s.importReadOnly(t, remote, "v1.0.0")
		read := func() mocktest.Response {
			return s.Ask(t, fmt.Sprintf(`{CoreGraphQLQuery(name__value:%q){edges{node{repository{node{id}}}}}}`, remote.query))
		}
		t.Cleanup(func() {
			s.Post(t, "main", fmt.Sprintf(`mutation{CoreGraphQLQueryDelete(data:{hfid:[%q]}){ok}}`, remote.query))
		}) // the mock has no such mutation
		assertJSON(t, read(), "data.CoreGraphQLQuery.edges.0.node.repository.node.id", `"`+id+`"`)
		assertJSON(t, s.Post(t, branch, `mutation{CoreReadOnlyRepositoryDelete(data:{id:"`+id+`"}){ok}}`), "data.CoreReadOnlyRepositoryDelete.ok", "true")
		assertJSON(t, read(), "data.CoreGraphQLQuery.edges.0.node", `{"repository":{"node":null}}`)
	})
}

// The server appends .git to an http(s) location without it whose host is in git.append_git_suffix, on create and update.
// It stores userinfo and other forms as they are.
func TestWriting8_LocationGetsItsSuffix(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.newRemote(t, "r.git")
		host := s.gitOnLocalhost(t)
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), host+"/r"))
		assertJSON(t, s.read(t, readOnly, id), "location.value", `"`+host+`/r.git"`)
		userinfo := strings.Replace(host, "http://", "http://u:p@", 1)
		for given, stored := range map[string]string{
			host + "/other":               host + "/other.git",
			host + "/other/":              host + "/other/.git",
			host + "/other.git":           host + "/other.git",
			userinfo + "/other.git":       userinfo + "/other.git",
			s.git + "/other":              s.git + "/other",
			"git@localhost:" + s.suffix:   "git@localhost:" + s.suffix,
			"ssh://localhost/" + s.suffix: "ssh://localhost/" + s.suffix,
		} {
			s.update(t, readOnly, id, fmt.Sprintf(`location:{value:%q}`, given))
			assertJSON(t, s.read(t, readOnly, id), "location.value", `"`+stored+`"`)
		}
	})
}

// A create connects to the remote first: if that fails there is an error, and no node.
func TestWriting9_CreateChecksTheConnection(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.newRemote(t, "private/r.git")
		s.create(t, credential, fmt.Sprintf(`name:{value:%q} username:{value:"bot"} password:{value:"wrong"}`, s.name("wrong")))
		name := s.name("r")
		for _, test := range []struct{ location, credential, want string }{
			{unreachable + "/" + name + ".git", "", "Unable to clone the repository " + name + ", please check the address and the credential"},
			{"ftp://x", "", "Unable to clone the repository " + name + ", please check the address and the credential"},
			{s.git + "/none.git", "", "\n  stderr: 'fatal: repository '" + s.git + "/none.git/' not found'"},
			{s.git + "/private/r.git", "", "Unable to correctly lookup credentials for repository " + name + " (" + s.git + "/private/r.git)."},
			{s.git + "/private/r.git", `credential:{hfid:["` + s.name("wrong") + `"]}`, "Authentication failed for " + name + ", please validate the credentials."},
		} {
			for _, kind := range []string{readOnly, readWrite} {
				s.assertRefused(t, s.tryCreate(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} %s`, name, test.location, test.credential)), kind+"Create", failure{message: test.want, status: 422})
			}
			assertJSON(t, s.Ask(t, fmt.Sprintf(`{CoreGenericRepository(name__value:%q){count}}`, name)), "data.CoreGenericRepository.count", "0")
		}
	})
}

// A create does not check default_branch or ref, or that the remote has commits.
func TestWriting9_CreateDoesNotCheckTheRef(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for i, input := range []string{`ref:{value:"none"}`, `default_branch:{value:"none"}`, ""} {
			kind, path := readOnly, fmt.Sprintf("r%d.git", i)
			if i == 1 {
				kind = readWrite
			}
			if input == "" {
				mocktest.NewRemote(t, s.root, path)
			} else {
				s.newRemote(t, path)
			}
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} %s`, s.name(path), s.git+"/"+path, input))
			assertJSON(t, s.read(t, kind, id), "commit.value", "null")
		}
	})
}

// In the object of a Create response, what a named fragment selects is null. If nothing else is selected, the attributes
// are there, but not hfid. Update responses and reads have everything.
func TestWriting10_CreateResponseIgnoresFragments(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for i, test := range []struct{ selection, created string }{
			{`id ...T`, `{"description":null,"display_label":null,"hfid":null,"id":"ID","name":null}`},
			{`...T`, `{"description":{"value":null},"display_label":"NAME","hfid":null,"id":"ID","name":{"value":"NAME"}}`},
			{`name{value} ...T`, `{"description":null,"display_label":null,"hfid":null,"id":"ID","name":{"value":"NAME"}}`},
			{`...on BuiltinTag{id hfid name{value} description{value} display_label}`, `{"description":{"value":null},"display_label":"NAME","hfid":["NAME"],"id":"ID","name":{"value":"NAME"}}`},
		} {
			id, name := newID(), fmt.Sprintf("%s-%d", s.name("t"), i)
			t.Cleanup(func() { s.delete(t, tag, id) })
			words := strings.NewReplacer("ID", id, "NAME", name)
			fragment := ""
			if strings.Contains(test.selection, "...T") {
				fragment = ` fragment T on BuiltinTag{id hfid name{value} description{value} display_label}`
			}
			created := s.Post(t, "main", `mutation($i:String $n:String!){BuiltinTagCreate(data:{id:$i name:{value:$n}}){object{`+test.selection+`}}}`+fragment, "i", id, "n", name)
			assertJSON(t, created, "data.BuiltinTagCreate.object", words.Replace(test.created))
			whole := words.Replace(`{"description":{"value":null},"display_label":"NAME","hfid":["NAME"],"id":"ID","name":{"value":"NAME"}}`)
			updated := s.Post(t, "main", `mutation($i:String){BuiltinTagUpdate(data:{id:$i description:{value:null}}){object{`+test.selection+`}}}`+fragment, "i", id)
			assertJSON(t, updated, "data.BuiltinTagUpdate.object", whole)
			assertJSON(t, s.Ask(t, `query($i:[ID]){BuiltinTag(ids:$i){edges{node{`+test.selection+`}}}}`+fragment, "i", []string{id}), "data.BuiltinTag.edges.0.node", whole)
		}
	})
}

// An upsert of a read-only repository stores ref, location and commit, and starts no task; an update with the ref that is
// stored already starts none either.
func TestWriting11_UpsertStoresARefWithoutAnImport(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		r, id := s.newReadOnly(t)
		other := s.newRemote(t, "other.git")
		identified := map[string]string{"id": fmt.Sprintf("id:%q", id), "hfid": fmt.Sprintf("hfid:[%q]", s.name(r.query))}
		for _, step := range []struct{ by, input, ref, location, state string }{
			{"id", `ref:{value:"v1.1.0"}`, "v1.1.0", r.location, "v1.0.0/in-sync/online"},
			{"hfid", `ref:{value:"v2.0.0"}`, "v2.0.0", r.location, "v1.0.0/in-sync/online"},
			{"id", fmt.Sprintf(`location:{value:%q}`, other.location), "v2.0.0", other.location, "v1.0.0/in-sync/online"},
			{"id", fmt.Sprintf(`commit:{value:%q}`, r.Commits["v1.1.0"]), "v2.0.0", other.location, "v1.1.0/in-sync/online"},
		} {
			got := s.Post(t, "main", `mutation{CoreReadOnlyRepositoryUpsert(data:{`+identified[step.by]+` `+step.input+`}){ok object{id}}}`)
			assertJSON(t, got, "data.CoreReadOnlyRepositoryUpsert", `{"object":{"id":"`+id+`"},"ok":true}`)
			s.pause()
			s.waitForTasks(t, id)
			stored := s.read(t, readOnly, id)
			assertJSON(t, stored, "ref.value", `"`+step.ref+`"`)
			assertJSON(t, stored, "location.value", `"`+step.location+`"`)
			s.assertState(t, "main", readOnly, id, r, step.state)
		}
		s.update(t, readOnly, id, `ref:{value:"v2.0.0"}`)
		s.pause()
		s.waitForTasks(t, id)
		s.assertState(t, "main", readOnly, id, r, "v1.1.0/in-sync/online")
	})
}

// An upsert of a read-only repository that does not exist creates it, after the connection check, and imports it. Without id
// and hfid every mandatory attribute must be given.
func TestWriting11_UpsertCreatesAndImports(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		r := s.newRemote(t, "r.git")
		upsert := func(input string) mocktest.Response {
			got := s.Post(t, "main", `mutation{CoreReadOnlyRepositoryUpsert(data:{`+input+`}){ok object{id}}}`)
			if id := got.Text("data.CoreReadOnlyRepositoryUpsert.object.id"); id != "" {
				t.Cleanup(func() { s.delete(t, readOnly, id) })
			}
			return got
		}
		name := fmt.Sprintf(`name:{value:%q}`, s.name("r"))
		s.assertRefused(t, upsert(name+` ref:{value:"v1.0.0"}`), "CoreReadOnlyRepositoryUpsert", failure{
			message: "location is mandatory for CoreReadOnlyRepository at location", code: "ATTRIBUTE_REQUIRED", status: 422,
			data: `{"field_name":"location","node_kind":"CoreReadOnlyRepository"}`,
		})
		s.assertRefused(t, upsert(name+fmt.Sprintf(` location:{value:"%s/none.git"}`, s.git)), "CoreReadOnlyRepositoryUpsert", failure{
			message: "\n  stderr: 'fatal: repository '" + s.git + "/none.git/' not found'", status: 422,
		})
		id := upsert(name + fmt.Sprintf(` location:{value:%q} ref:{value:"v1.0.0"}`, r.location)).Text("data.CoreReadOnlyRepositoryUpsert.object.id")
		s.waitForTasks(t, id, append(completed(importLast, pull), addReadOnly+" COMPLETED")...)
		s.assertState(t, "main", readOnly, id, r, "v1.0.0/in-sync/online")
	})
}

// A relationship to one node takes the name of the node in place of its id, and shows the id.
func TestWriting12_NameInPlaceOfAnID(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		r := s.newRemote(t, "r.git")
		id := s.createRepository(t, readOnly, "r", r, fmt.Sprintf(`credential:{id:%q}`, s.name("c")))
		assertJSON(t, s.read(t, readOnly, id), "credential.node.id", `"`+secret+`"`)
		none := s.name("none")
		s.assertRefused(t, s.tryUpdate(t, readOnly, id, fmt.Sprintf(`credential:{id:%q}`, none)), readOnly+"Update", failure{
			message: "Unable to find the node " + none + " / CoreCredential in the database.", code: "NODE_NOT_FOUND", status: 404,
			data: fmt.Sprintf(`{"identifier":%q,"node_kind":"CoreCredential"}`, none),
		})
	})
}

// An upsert by an id that no node of the kind has creates nothing, also if the id is empty or malformed. A name of the other
// kind of repository is refused.
func TestWriting13_UpsertOfAnUnknownNode(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		upsert := func(kind, input string) mocktest.Response {
			return s.Post(t, "main", `mutation{`+kind+`Upsert(data:{`+input+`}){ok object{id}}}`)
		}
		r := s.newRemote(t, "r.git")
		for _, id := range []string{newID(), "", "not-a-uuid"} {
			for _, kind := range []string{readOnly, readWrite, credential, tag} {
				input := fmt.Sprintf(`id:%q name:{value:%q}`, id, s.name("none"))
				if kind == readOnly || kind == readWrite {
					input += fmt.Sprintf(` location:{value:%q}`, r.location)
				}
				s.assertRefused(t, upsert(kind, input), kind+"Upsert", failure{
					message: "Unable to find the node " + id + " / " + kind + " in the database.", code: "NODE_NOT_FOUND", status: 404,
					data: fmt.Sprintf(`{"identifier":%q,"node_kind":%q}`, id, kind),
				})
			}
		}
		id := s.createRepository(t, readOnly, "r", r, `ref:{value:"v1.0.0"}`)
		for _, input := range []string{fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), r.location), fmt.Sprintf(`id:%q description:{value:"d"}`, id)} {
			s.assertRefused(t, upsert(readWrite, input), readWrite+"Upsert", failure{
				message: "Node with id " + id + " exists, but it is a CoreReadOnlyRepository, not CoreRepository", code: "NODE_NOT_FOUND", status: 404,
				data: fmt.Sprintf(`{"identifier":%q,"node_kind":"CoreRepository"}`, id),
			})
		}
	})
}

// An empty id counts as none: a create chooses one, an update and a delete take the hfid. A related node needs one.
func TestWriting14_EmptyID(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := s.create(t, tag, fmt.Sprintf(`id:"" name:{value:%q}`, s.name("t")))
		if id == "" {
			t.Error("the tag has no id")
		}
		got := s.Post(t, "main", fmt.Sprintf(`mutation{BuiltinTagUpdate(data:{id:"" hfid:[%q] description:{value:"d"}}){object{description{value}}}}`, s.name("t")))
		assertJSON(t, got, "data.BuiltinTagUpdate.object.description.value", `"d"`)
		none := failure{message: "either id or hfid must be provided.", status: 400}
		s.assertRefused(t, s.Post(t, "main", `mutation{BuiltinTagUpdate(data:{id:"" description:{value:"e"}}){ok}}`), "BuiltinTagUpdate", none)
		s.assertRefused(t, s.Post(t, "main", `mutation{BuiltinTagDelete(data:{id:""}){ok}}`), "BuiltinTagDelete", none)
		assertJSON(t, s.Post(t, "main", fmt.Sprintf(`mutation{BuiltinTagDelete(data:{id:"" hfid:[%q]}){ok}}`, s.name("t"))), "data.BuiltinTagDelete.ok", "true")
		r := s.newRemote(t, "r.git")
		for _, related := range []string{`credential:{id:""}`, `credential:{hfid:[]}`, `credential:{}`, `tags:[{id:""}]`} {
			got := s.tryCreate(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} %s`, s.name("r"), r.location, related))
			s.assertRefused(t, got, readOnly+"Create", failure{message: "Relationship has not been initialized yet", status: 500})
		}
	})
}
