package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A client-chosen id is honoured, once: neither while the node is there nor after it was deleted is it
// free again.
func TestWriting1_ClientChosenIDIsHonouredOnce(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := newID()
		create := func(name string) reply {
			return s.try(t, credential, fmt.Sprintf(`id:%q name:{value:%q}`, id, s.name(name)))
		}
		same(t, create("one"), "data.CorePasswordCredentialCreate.object.id", `"`+id+`"`)
		used := failure{
			message: id + " is already in use at id", code: "ATTRIBUTE_CONSTRAINT_VIOLATION", status: 422,
			data: fmt.Sprintf(`{"constraint":"%s is already in use","detail":null,"field_name":"id","node_kind":"CorePasswordCredential"}`, id),
		}
		s.refused(t, create("one"), "CorePasswordCredentialCreate", used)
		s.refused(t, create("two"), "CorePasswordCredentialCreate", used)
		same(t, s.on(t, "main", `mutation{CorePasswordCredentialDelete(data:{id:"`+id+`"}){ok}}`), "data.CorePasswordCredentialDelete.ok", "true")
		s.refused(t, create("three"), "CorePasswordCredentialCreate", used)
	})
}

// An id that is no UUID is refused.
func TestWriting1_IDIsAUUID(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.refused(t, s.try(t, tag, fmt.Sprintf(`id:"not-a-uuid" name:{value:%q}`, s.name("t"))), "BuiltinTagCreate", failure{
			message: "not-a-uuid is not a valid UUID at id", code: "ATTRIBUTE_INVALID_TYPE", status: 422,
			data: `{"expected_type":"UUID","field_name":"id","node_kind":"BuiltinTag","received_type":"not-a-uuid"}`,
		})
	})
}

// The object in an Update response has no credential where the input did not name it, though it is
// still set; tags are told.
func TestWriting2_UpdateResponseLiesAboutCredential(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret, label := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		for _, kind := range []string{readOnly, readWrite} {
			remote := s.newRemote(t, kind+".git")
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} credential:{id:%q} tags:[{id:%q}]`, s.name(kind), remote.location, secret, label))
			object := "data." + kind + "Update.object."
			for _, input := range []string{`description:{value:"d"}`, `description:{value:"d"}`, `tags:[{id:"` + label + `"}]`} {
				lie := s.change(t, kind, id, input)
				same(t, lie, object+"credential", `{"node":null}`)
				same(t, lie, object+"tags.edges.0.node.id", `"`+label+`"`)
				same(t, s.read(t, kind, id), "credential.node.id", `"`+secret+`"`)
			}
			same(t, s.change(t, kind, id, `credential:{id:"`+secret+`"}`), object+"credential.node.id", `"`+secret+`"`)
		}
	})
}

// An update by hfid alone fails for both repository kinds; for credentials and tags it works.
func TestWriting3_UpdateByHFIDAlone(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, kind := range []string{readOnly, readWrite} {
			remote := s.newRemote(t, kind+".git")
			s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name(kind), remote.location))
			got := s.on(t, "main", fmt.Sprintf(`mutation{%sUpdate(data:{hfid:[%q] description:{value:"d"}}){ok}}`, kind, s.name(kind)))
			if s.old() {
				s.refused(t, got, kind+"Update", failure{message: "Unable to find the node None / " + kind + " in the database."})
			} else if got.status != http.StatusInternalServerError || got.body != "Internal Server Error" {
				t.Errorf("%s: got %d %s", kind, got.status, got.body)
			}
		}
		for _, kind := range []string{credential, tag} {
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q}`, s.name(kind)))
			same(t, s.on(t, "main", fmt.Sprintf(`mutation{%sUpdate(data:{hfid:[%q] description:{value:"d"}}){ok}}`, kind, s.name(kind))), "data."+kind+"Update.ok", "true")
			same(t, s.read(t, kind, id), "description.value", `"d"`)
		}
	})
}

// An attribute that is absent, null or {} stays; {value: null} clears, {value: ""} stores "",
// {is_default: true} resets to the schema's default.
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
			s.change(t, credential, id, step.input)
			node := s.read(t, credential, id)
			same(t, node, "description", step.want)
			same(t, node, "username.value", `"u"`)
		}
		remote := s.newRemote(t, "r.git")
		repository := s.create(t, readWrite, fmt.Sprintf(`name:{value:%q} location:{value:%q} default_branch:{value:"v1.0.0"}`, s.name("r"), remote.location))
		s.change(t, readWrite, repository, `default_branch:{is_default:true}`)
		same(t, s.read(t, readWrite, repository), "default_branch", `{"is_default":true,"value":"main"}`)
	})
}

// A mandatory attribute must be given, and cannot be cleared.
func TestWriting4_MandatoryAttributes(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.refused(t, s.try(t, tag, `description:{value:"d"}`), "BuiltinTagCreate", failure{
			message: "name is mandatory for BuiltinTag at name", code: "ATTRIBUTE_REQUIRED", status: 422, data: `{"field_name":"name","node_kind":"BuiltinTag"}`,
		})
		id := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		s.refused(t, s.update(t, credential, id, `name:{value:null}`), "CorePasswordCredentialUpdate", failure{
			message: "A value must be provided for name at name", code: "ATTRIBUTE_CONSTRAINT_VIOLATION", status: 422,
			data: `{"constraint":"A value must be provided for name","detail":null,"field_name":"name","node_kind":"CorePasswordCredential"}`,
		})
	})
}

// A relationship that is absent stays; credential null and tags null or [] clear; a list of tags
// replaces the whole set, by id or hfid.
func TestWriting4_Relationships(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		a, b := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("a"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("b")))
		remote := s.newRemote(t, "r.git")
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} credential:{hfid:[%q]} tags:[{hfid:[%q]}]`, s.name("r"), remote.location, s.name("c"), s.name("a")))
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
			s.change(t, readOnly, id, step.input)
			node := s.read(t, readOnly, id)
			var names []string
			for i := range 3 {
				if hfid := node.text(fmt.Sprintf("tags.edges.%d.node.hfid.0", i)); hfid != "" {
					names = append(names, strings.TrimSuffix(hfid, "-"+s.suffix))
				}
			}
			if has := node.text("credential.node.id"); has != step.credential || strings.Join(names, " ") != step.tags {
				t.Errorf("%s: got credential %q and tags %v, want %q and %q", step.input, has, names, step.credential, step.tags)
			}
		}
	})
}

// A tag that is named twice is shown once but counted twice, and has to be taken away twice.
func TestWriting4_TagsNamedTwice(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		a, b := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("a"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("b")))
		remote := s.newRemote(t, "r.git")
		id := s.create(t, readWrite, fmt.Sprintf(`name:{value:%q} location:{value:%q} tags:[{id:%q} {id:%q}]`, s.name("r"), remote.location, a, a))
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
			s.change(t, readWrite, id, "tags:"+step.input)
			node := s.read(t, readWrite, id)
			edges, _ := node.at("tags.edges").([]any)
			if node.at("tags.count") != step.count || len(edges) != step.shown {
				t.Errorf("tags:%s: got count %v and %d tags, want %v and %d", step.input, node.at("tags.count"), len(edges), step.count, step.shown)
			}
		}
	})
}

// An unknown tag or credential is NODE_NOT_FOUND and says of which kind; nothing is changed then.
func TestWriting4_UnknownPeers(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, none := s.newRemote(t, "r.git"), newID()
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), remote.location))
		for kind, input := range map[string]string{
			"BuiltinTag": `tags:[{id:"` + none + `"}]`, "CoreCredential": `credential:{id:"` + none + `"}`,
		} {
			s.refused(t, s.update(t, readOnly, id, input+` description:{value:"d"}`), "CoreReadOnlyRepositoryUpdate", failure{
				message: "Unable to find the node " + none + " / " + kind + " in the database.", code: "NODE_NOT_FOUND", status: 404,
				data: fmt.Sprintf(`{"identifier":%q,"node_kind":%q}`, none, kind),
			})
		}
		same(t, s.read(t, readOnly, id), "description.value", "null")
	})
}

// The label of a credential is made from its name at the create, and not again at a rename.
func TestWriting5_LabelIsMadeOnce(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for name, label := range map[string]string{
			"my-git-credential-" + s.suffix: "My-Git-Credential-" + strings.ToUpper(s.suffix[:1]) + s.suffix[1:],
			"two_words_" + s.suffix:         "Two Words " + strings.ToUpper(s.suffix[:1]) + s.suffix[1:],
		} {
			id := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, name))
			same(t, s.read(t, credential, id), "label.value", `"`+label+`"`)
			s.change(t, credential, id, `name:{value:"renamed-`+name+`"}`)
			same(t, s.read(t, credential, id), "label.value", `"`+label+`"`)
		}
	})
}

// The password is returned in clear to any reader, an anonymous one included.
func TestWriting6_PasswordIsReadInClear(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret := "p\"\\ä\n" + s.suffix
		id := s.create(t, credential, fmt.Sprintf(`name:{value:%q} password:{value:$p}`, s.name("c")), "p", secret)
		query := question(t, `query($ids:[ID]){CorePasswordCredential(ids:$ids){edges{node{password{value}}}}}`, "ids", []string{id})
		for _, headers := range [][]string{{"X-INFRAHUB-KEY", s.token}, nil} {
			got := s.send(t, http.MethodPost, "/graphql/main", query, headers...)
			if has := got.text("data.CorePasswordCredential.edges.0.node.password.value"); has != secret {
				t.Errorf("got %q with %d headers", has, len(headers))
			}
		}
	})
}

// Deleting a credential or a tag that is in use succeeds, and detaches it.
func TestWriting7_DeletingDetaches(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		secret, label := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		remote := s.newRemote(t, "r.git")
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} credential:{id:%q} tags:[{id:%q}]`, s.name("r"), remote.location, secret, label))
		same(t, s.on(t, "main", `mutation{CorePasswordCredentialDelete(data:{id:"`+secret+`"}){ok}}`), "data.CorePasswordCredentialDelete.ok", "true")
		same(t, s.on(t, "main", `mutation{BuiltinTagDelete(data:{id:"`+label+`"}){ok}}`), "data.BuiltinTagDelete.ok", "true")
		node := s.read(t, readOnly, id)
		same(t, node, "credential", `{"node":null}`)
		same(t, node, "tags", `{"count":0,"edges":[]}`)
	})
}

// Deleting a repository succeeds; deleting what is not there does not.
func TestWriting7_DeletingARepository(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		remove := `mutation{CoreReadOnlyRepositoryDelete(data:{id:"` + id + `"}){ok}}`
		same(t, s.on(t, "main", remove), "data.CoreReadOnlyRepositoryDelete.ok", "true")
		if has := s.read(t, readOnly, id); has.parsed != nil {
			t.Errorf("it is still there: %v", has.parsed)
		}
		s.refused(t, s.on(t, "main", remove), "CoreReadOnlyRepositoryDelete", failure{
			message: "Unable to find the node " + id + " / CoreReadOnlyRepository in the database.", code: "NODE_NOT_FOUND", status: 404,
			data: fmt.Sprintf(`{"identifier":%q,"node_kind":"CoreReadOnlyRepository"}`, id),
		})
	})
}

// What a repository brought to one branch stays there, detached, when it is deleted on another.
func TestWriting7_ImportedObjectsMayStay(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch, remote := s.newBranch(t, "b"), s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		read := func() reply {
			return s.ask(t, fmt.Sprintf(`{CoreGraphQLQuery(name__value:%q){edges{node{repository{node{id}}}}}}`, remote.query))
		}
		t.Cleanup(func() {
			s.on(t, "main", fmt.Sprintf(`mutation{CoreGraphQLQueryDelete(data:{hfid:[%q]}){ok}}`, remote.query))
		}) // the mock does not know it
		same(t, read(), "data.CoreGraphQLQuery.edges.0.node.repository.node.id", `"`+id+`"`)
		same(t, s.on(t, branch, `mutation{CoreReadOnlyRepositoryDelete(data:{id:"`+id+`"}){ok}}`), "data.CoreReadOnlyRepositoryDelete.ok", "true")
		same(t, read(), "data.CoreGraphQLQuery.edges.0.node", `{"repository":{"node":null}}`)
	})
}

// An http(s) location without .git gets it appended for the hosts of git.append_git_suffix, on create
// and update; userinfo and other forms are stored as they are.
func TestWriting8_LocationGetsItsSuffix(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.newRemote(t, "r.git")
		host := s.onLocalhost(t)
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), host+"/r"))
		same(t, s.read(t, readOnly, id), "location.value", `"`+host+`/r.git"`)
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
			s.change(t, readOnly, id, fmt.Sprintf(`location:{value:%q}`, given))
			same(t, s.read(t, readOnly, id), "location.value", `"`+stored+`"`)
		}
	})
}

// A create asks the remote first: where it does not answer or refuses there is an error, and no node.
func TestWriting9_CreateChecksTheConnection(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		s.newRemote(t, "private/r.git")
		s.create(t, credential, fmt.Sprintf(`name:{value:%q} username:{value:"bot"} password:{value:"wrong"}`, s.name("wrong")))
		name, nowhere := s.name("r"), closed(t)
		for _, test := range []struct{ location, credential, want string }{
			{nowhere + "/r.git", "", "Unable to clone the repository " + name + ", please check the address and the credential"},
			{"ftp://x", "", "Unable to clone the repository " + name + ", please check the address and the credential"},
			{s.git + "/none.git", "", "\n  stderr: 'fatal: repository '" + s.git + "/none.git/' not found'"},
			{s.git + "/private/r.git", "", "Unable to correctly lookup credentials for repository " + name + " (" + s.git + "/private/r.git)."},
			{s.git + "/private/r.git", `credential:{hfid:["` + s.name("wrong") + `"]}`, "Authentication failed for " + name + ", please validate the credentials."},
		} {
			for _, kind := range []string{readOnly, readWrite} {
				s.refused(t, s.try(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} %s`, name, test.location, test.credential)), kind+"Create", failure{message: test.want, status: 422})
			}
			same(t, s.ask(t, fmt.Sprintf(`{CoreGenericRepository(name__value:%q){count}}`, name)), "data.CoreGenericRepository.count", "0")
		}
	})
}

// A create does not check default_branch or ref, nor that the remote has commits.
func TestWriting9_CreateDoesNotCheckTheRef(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for i, input := range []string{`ref:{value:"none"}`, `default_branch:{value:"none"}`, ""} {
			kind, path := readOnly, fmt.Sprintf("r%d.git", i)
			if i == 1 {
				kind = readWrite
			}
			if input == "" {
				s.newEmptyRemote(t, path)
			} else {
				s.newRemote(t, path)
			}
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} %s`, s.name(path), s.git+"/"+path, input))
			same(t, s.read(t, kind, id), "commit.value", "null")
		}
	})
}

// What a named fragment selects of the object in a Create response is null, but where nothing else is
// selected: then the attributes are there, and no more. Update responses and reads have it all.
func TestWriting10_CreateResponseKnowsNoFragments(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for i, test := range []struct{ selection, created string }{
			{`id ...T`, `{"description":null,"display_label":null,"hfid":null,"id":"ID","name":null}`},
			{`...T`, `{"description":{"value":null},"display_label":"NAME","hfid":null,"id":"ID","name":{"value":"NAME"}}`},
			{`name{value} ...T`, `{"description":null,"display_label":null,"hfid":null,"id":"ID","name":{"value":"NAME"}}`},
			{`...on BuiltinTag{id hfid name{value} description{value} display_label}`, `{"description":{"value":null},"display_label":"NAME","hfid":["NAME"],"id":"ID","name":{"value":"NAME"}}`},
		} {
			id, name := newID(), fmt.Sprintf("%s-%d", s.name("t"), i)
			t.Cleanup(func() { s.remove(t, tag, id) })
			known := strings.NewReplacer("ID", id, "NAME", name)
			fragment := ""
			if strings.Contains(test.selection, "...T") {
				fragment = ` fragment T on BuiltinTag{id hfid name{value} description{value} display_label}`
			}
			made := s.on(t, "main", `mutation($i:String $n:String!){BuiltinTagCreate(data:{id:$i name:{value:$n}}){object{`+test.selection+`}}}`+fragment, "i", id, "n", name)
			same(t, made, "data.BuiltinTagCreate.object", known.Replace(test.created))
			whole := known.Replace(`{"description":{"value":null},"display_label":"NAME","hfid":["NAME"],"id":"ID","name":{"value":"NAME"}}`)
			changed := s.on(t, "main", `mutation($i:String){BuiltinTagUpdate(data:{id:$i description:{value:null}}){object{`+test.selection+`}}}`+fragment, "i", id)
			same(t, changed, "data.BuiltinTagUpdate.object", whole)
			same(t, s.ask(t, `query($i:[ID]){BuiltinTag(ids:$i){edges{node{`+test.selection+`}}}}`+fragment, "i", []string{id}), "data.BuiltinTag.edges.0.node", whole)
		}
	})
}
