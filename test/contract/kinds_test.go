package contract

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// Both repository kinds have name, description, location, commit, three statuses, one credential and many tags.
// default_branch and ref are "main" by default. A new node is active, its other statuses are unknown.
func TestKinds1_Repositories(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for kind, refName := range map[string]string{readOnly: "ref", readWrite: "default_branch"} {
			remote := s.newRemote(t, refName+".git")
			node := s.read(t, kind, s.createRepository(t, kind, refName, remote, ""))
			for path, want := range map[string]string{
				"name.value": `"` + s.name(refName) + `"`, "hfid": `["` + s.name(refName) + `"]`, "description.value": "null",
				"location.value": `"` + remote.location + `"`, refName: `{"is_default":true,"value":"main"}`,
				"internal_status.value": `"active"`, "credential": `{"node":null}`, "tags": `{"count":0,"edges":[]}`,
			} {
				assertJSON(t, node, path, want)
			}
			for attribute, allowed := range map[string][]string{
				"operational_status": {"unknown", "online"}, "sync_status": {"unknown", "syncing", "in-sync"},
			} {
				if got := node.Text(attribute + ".value"); !slices.Contains(allowed, got) {
					t.Errorf("%s of a new %s is %q, want one of %q", attribute, kind, got, allowed)
				}
			}
		}
	})
}

// A password credential has name, label, description, username and password, and only the name is required. A tag has
// name and description.
func TestKinds2_CredentialsAndTags(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		bare := s.read(t, credential, s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, "bare"+s.suffix)))
		for path, want := range map[string]string{
			"name.value": `"bare` + s.suffix + `"`, "label.value": `"Bare` + s.suffix + `"`, "description.value": "null",
			"username.value": "null", "password.value": "null", "hfid": `["bare` + s.suffix + `"]`, "display_label": `"Bare` + s.suffix + `"`,
		} {
			assertJSON(t, bare, path, want)
		}
		full := s.read(t, credential, s.create(t, credential, fmt.Sprintf(
			`name:{value:%q} label:{value:"L"} description:{value:"d"} username:{value:"u"} password:{value:"p"}`, s.name("full"))))
		for path, want := range map[string]string{"label.value": `"L"`, "description.value": `"d"`, "username.value": `"u"`, "password.value": `"p"`} {
			assertJSON(t, full, path, want)
		}
		named := s.read(t, tag, s.create(t, tag, fmt.Sprintf(`name:{value:%q} description:{value:"d"}`, s.name("t"))))
		assertJSON(t, named, "hfid", `["`+s.name("t")+`"]`)
		assertJSON(t, named, "description.value", `"d"`)
	})
}

// The name and the location of a repository are each unique across both kinds.
func TestKinds3_NameAndLocationAreUniqueAcrossBothKinds(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, other := s.newRemote(t, "a.git"), s.newRemote(t, "b.git")
		s.createRepository(t, readOnly, "r", remote, "")
		for _, kind := range []string{readOnly, readWrite} {
			for attribute, input := range map[string]string{
				"name":     fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), other.location),
				"location": fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("s"), remote.location),
			} {
				s.assertRefused(t, s.tryCreate(t, kind, input), kind+"Create", failure{message: "Violates uniqueness constraint '" + attribute + "'", status: 422})
			}
		}
	})
}

// The name of a repository has no slash. A text is at most 4092 bytes of UTF-8, though the error says 4096 characters.
// The server accepts an empty name.
func TestKinds3_Text(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		constraint := "a/b must conform with the regex: '^[^/]*$'"
		for _, kind := range []string{readOnly, readWrite} {
			s.assertRefused(t, s.tryCreate(t, kind, `name:{value:"a/b"} location:{value:"http://127.0.0.1:9/none.git"}`), kind+"Create", failure{
				message: constraint + " at name", code: "ATTRIBUTE_CONSTRAINT_VIOLATION", status: 422,
				data: fmt.Sprintf(`{"constraint":%q,"detail":null,"field_name":"name","node_kind":%q}`, constraint, kind),
			})
		}
		long := s.suffix + strings.Repeat("ä", (4092-len(s.suffix))/2)
		s.create(t, tag, `name:{value:$name}`, "name", long)
		s.assertRefused(t, s.tryCreate(t, tag, `name:{value:$name}`, "name", long+"x"), tag+"Create", failure{message: "Text attribute length should be less than 4096 characters.", status: 422})
		renamed := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		s.update(t, credential, renamed, `name:{value:""}`)
		assertJSON(t, s.read(t, credential, renamed), "name.value", `""`)
	})
}

// GraphQL is at POST /graphql/{branch}, which is main if it names no branch. The token is in the header X-INFRAHUB-KEY.
// GET /api/info and InfrahubInfo return the version and the id of the deployment.
func TestKinds4_Endpoints(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.name("t")
		s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, name))
		for _, path := range []string{"/graphql", "/graphql/main"} {
			got := s.Send(t, http.MethodPost, path, body(t, fmt.Sprintf(`{BuiltinTag(name__value:%q){count}}`, name)), "X-INFRAHUB-KEY", s.Token)
			assertJSON(t, got, "data.BuiltinTag.count", "1")
		}
		info := s.Send(t, http.MethodGet, "/api/info", "")
		if info.Status != http.StatusOK || info.Text("version") != s.version || info.Text("deployment_id") == "" {
			t.Errorf("/api/info: %d %s, want version %s", info.Status, info.Body, s.version)
		}
		if id := s.Ask(t, `{InfrahubInfo{deployment_id}}`).Text("data.InfrahubInfo.deployment_id"); id != info.Text("deployment_id") {
			t.Errorf("InfrahubInfo has the deployment id %q, /api/info %q", id, info.Text("deployment_id"))
		}
	})
}

// Every response carries x-request-id, except that of an internal server error.
func TestKinds4_RequestID(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for name, got := range map[string]mocktest.Response{
			"query":          s.Ask(t, `{BuiltinTag{count}}`),
			"bad token":      s.Send(t, http.MethodPost, "/graphql", body(t, `{BuiltinTag{count}}`), "X-INFRAHUB-KEY", "bad"),
			"unknown branch": s.Post(t, "none-"+s.suffix, `{BuiltinTag{count}}`),
			"info":           s.Send(t, http.MethodGet, "/api/info", ""),
			"login":          s.Send(t, http.MethodPost, "/api/auth/login", `{"username":"nobody","password":"x"}`),
		} {
			if got.Header.Get("X-Request-Id") == "" {
				t.Errorf("%s: no x-request-id in %v", name, got.Header)
			}
		}
	})
}

// POST /api/auth/login returns an access token, valid for an hour, and a refresh token. POST /api/auth/refresh returns
// another access token for the refresh token.
func TestKinds4_LoginAndRefresh(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		login := s.Send(t, http.MethodPost, "/api/auth/login", `{"username":"admin","password":"infrahub"}`)
		access, refresh := login.Text("access_token"), login.Text("refresh_token")
		if login.Status != http.StatusOK || access == "" || refresh == "" {
			t.Fatalf("login: %d", login.Status)
		}
		if valid := lifetime(t, access); valid < 59*time.Minute || valid > 61*time.Minute {
			t.Errorf("an access token is valid for %s, want an hour", valid)
		}
		renewed := s.Send(t, http.MethodPost, "/api/auth/refresh", "", "Authorization", "Bearer "+refresh)
		if renewed.Status != http.StatusOK || renewed.Text("access_token") == "" {
			t.Fatalf("refresh: %d", renewed.Status)
		}
		name := s.name("t")
		for i, token := range []string{access, renewed.Text("access_token")} {
			got := s.postWith(t, fmt.Sprintf(`mutation{BuiltinTagCreate(data:{name:{value:"%s-%d"}}){ok object{id}}}`, name, i), "Authorization", "Bearer "+token)
			assertJSON(t, got, "data.BuiltinTagCreate.ok", "true")
			s.delete(t, tag, got.Text("data.BuiltinTagCreate.object.id"))
		}
		got := s.postWith(t, `{BuiltinTag{count}}`, "Authorization", "Bearer "+refresh)
		if got.Status != http.StatusUnauthorized {
			t.Errorf("the server accepts a refresh token as an access token: %d %s", got.Status, got.Body)
		}
	})
}

// The list of either kind of repository picks those that use one of some credentials.
func TestKinds5_RepositoriesByTheirCredential(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		one, two := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("one"))), s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("two")))
		for _, kind := range []string{readOnly, readWrite} {
			a := s.createRepository(t, kind, "a"+kind, s.newRemote(t, kind+"-a.git"), fmt.Sprintf(`credential:{id:%q}`, one))
			b := s.createRepository(t, kind, "b"+kind, s.newRemote(t, kind+"-b.git"), fmt.Sprintf(`credential:{id:%q}`, two))
			s.createRepository(t, kind, "c"+kind, s.newRemote(t, kind+"-c.git"), "")
			for _, test := range []struct{ credentials, repositories []string }{
				{[]string{one}, []string{a}},
				{[]string{one, two}, []string{a, b}},
				{[]string{newID()}, nil},
			} {
				got := s.Ask(t, `query($ids:[ID]){`+kind+`(credential__ids:$ids){count edges{node{id}}}}`, "ids", test.credentials)
				assertJSON(t, got, "data."+kind+".count", strconv.Itoa(len(test.repositories)))
				for _, id := range test.repositories {
					if !strings.Contains(got.Body, id) {
						t.Errorf("%v: %s is not in %s", test.credentials, id, got.Body)
					}
				}
			}
		}
	})
}

// The list of either kind of repository picks those with one of some tags, sync_statuses or operational_statuses, each once. An unknown
// value, or an empty list, picks none and is no error.
func TestKinds6_RepositoriesByTagAndStatus(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		core, edge := s.name("core"), s.name("edge")
		coreID, edgeID := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, core)), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, edge))
		imported := map[string][]string{
			readOnly:  append(completed(importLast, pull), addReadOnly+" COMPLETED"), // the first two are the echo
			readWrite: {addReadWrite + " COMPLETED"},
		}
		for _, kind := range []string{readOnly, readWrite} {
			both := s.createRepository(t, kind, "a"+kind, s.newRemote(t, kind+"-a.git"), fmt.Sprintf(`tags:[{id:%q},{id:%q}]`, coreID, edgeID))
			one := s.createRepository(t, kind, "b"+kind, s.newRemote(t, kind+"-b.git"), fmt.Sprintf(`tags:[{id:%q}]`, coreID))
			none := s.createRepository(t, kind, "c"+kind, s.newRemote(t, kind+"-c.git"), "")
			ids := []string{both, one, none}
			for _, id := range ids {
				s.waitForTasks(t, id, imported[kind]...)
			}
			for name, test := range map[string]struct {
				filters string
				want    []string
			}{
				"tag":                     {fmt.Sprintf(`tags__name__values:[%q]`, edge), []string{both}},
				"two tags":                {fmt.Sprintf(`tags__name__values:[%q,%q]`, edge, core), []string{both, one}},
				"unknown tag":             {`tags__name__values:["` + s.name("none") + `"]`, nil},
				"no tag":                  {`tags__name__values:[]`, nil},
				"status":                  {`sync_status__values:["in-sync"] operational_status__values:["online"]`, ids},
				"another status":          {`sync_status__values:["error-import"]`, nil},
				"two statuses":            {`sync_status__values:["error-import","in-sync"]`, ids},
				"another operational one": {`sync_status__values:["in-sync"] operational_status__values:["error-cred"]`, nil},
				"unknown status":          {`sync_status__values:["nonsense"]`, nil},
				"unknown operational one": {`operational_status__values:["nonsense"]`, nil},
				"no status":               {`sync_status__values:[]`, nil},
				"tag and status":          {fmt.Sprintf(`tags__name__values:[%q] sync_status__values:["in-sync"]`, edge), []string{both}},
				"null":                    {`tags__name__values:null sync_status__values:null operational_status__values:null`, ids},
			} {
				got := s.Ask(t, `query($names:[String]){`+kind+`(name__values:$names `+test.filters+`){count edges{node{id}}}}`,
					"names", []string{s.name("a" + kind), s.name("b" + kind), s.name("c" + kind)})
				assertJSON(t, got, "data."+kind+".count", strconv.Itoa(len(test.want)))
				for _, id := range test.want {
					if strings.Count(got.Body, id) != 1 {
						t.Errorf("%s, %s: %s is not in %s once", kind, name, id, got.Body)
					}
				}
			}
		}
	})
}

// lifetime returns the time between the issue and the expiry of a token.
func lifetime(t *testing.T, token string) time.Duration {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatal("the token is not a JSON Web Token")
	}
	content, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Iat, Exp float64 }
	if err := json.Unmarshal(content, &claims); err != nil {
		t.Fatal(err)
	}
	return time.Duration(claims.Exp-claims.Iat) * time.Second
}
