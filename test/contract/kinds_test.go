package contract

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Both repository kinds have name, description, location, commit, three statuses, one credential and
// many tags; default_branch and ref are "main" by default. A new node is active and otherwise unknown.
func TestKinds1_Repositories(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for kind, follows := range map[string]string{readOnly: "ref", readWrite: "default_branch"} {
			remote := s.newRemote(t, follows+".git")
			got := s.try(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name(follows), remote.location))
			id := got.text("data." + kind + "Create.object.id")
			node := s.read(t, kind, id)
			for path, want := range map[string]string{
				"name.value": `"` + s.name(follows) + `"`, "hfid": `["` + s.name(follows) + `"]`, "description.value": "null",
				"location.value": `"` + remote.location + `"`, follows: `{"is_default":true,"value":"main"}`,
				"internal_status.value": `"active"`, "credential": `{"node":null}`, "tags": `{"count":0,"edges":[]}`,
			} {
				same(t, node, path, want)
			}
			for attribute, allowed := range map[string][]string{
				"operational_status": {"unknown", "online"}, "sync_status": {"unknown", "syncing", "in-sync"},
			} {
				if has := node.text(attribute + ".value"); !slices.Contains(allowed, has) {
					t.Errorf("%s of a new %s is %q", attribute, kind, has)
				}
			}
		}
	})
}

// A password credential has name, label, description, username and password, of which only the name
// is needed; a tag has name and description.
func TestKinds2_CredentialsAndTags(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		bare := s.read(t, credential, s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, "bare"+s.suffix)))
		for path, want := range map[string]string{
			"name.value": `"bare` + s.suffix + `"`, "label.value": `"Bare` + s.suffix + `"`, "description.value": "null",
			"username.value": "null", "password.value": "null", "hfid": `["bare` + s.suffix + `"]`, "display_label": `"Bare` + s.suffix + `"`,
		} {
			same(t, bare, path, want)
		}
		full := s.read(t, credential, s.create(t, credential, fmt.Sprintf(
			`name:{value:%q} label:{value:"L"} description:{value:"d"} username:{value:"u"} password:{value:"p"}`, s.name("full"))))
		for path, want := range map[string]string{"label.value": `"L"`, "description.value": `"d"`, "username.value": `"u"`, "password.value": `"p"`} {
			same(t, full, path, want)
		}
		made := s.read(t, tag, s.create(t, tag, fmt.Sprintf(`name:{value:%q} description:{value:"d"}`, s.name("t"))))
		same(t, made, "hfid", `["`+s.name("t")+`"]`)
		same(t, made, "description.value", `"d"`)
	})
}

// The name and the location of a repository are each unique over both kinds.
func TestKinds3_NameAndLocationAreUniqueOverBothKinds(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, other := s.newRemote(t, "a.git"), s.newRemote(t, "b.git")
		s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), remote.location))
		for _, kind := range []string{readOnly, readWrite} {
			for attribute, input := range map[string]string{
				"name":     fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), other.location),
				"location": fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("s"), remote.location),
			} {
				s.refused(t, s.try(t, kind, input), kind+"Create", failure{message: "Violates uniqueness constraint '" + attribute + "'", status: 422})
			}
		}
	})
}

// The name of a repository has no slash. A text is at most 4092 bytes of UTF-8, though the error says
// 4096 characters. An empty name is accepted.
func TestKinds3_Text(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		constraint := "a/b must conform with the regex: '^[^/]*$'"
		for _, kind := range []string{readOnly, readWrite} {
			s.refused(t, s.try(t, kind, `name:{value:"a/b"} location:{value:"http://127.0.0.1:9/none.git"}`), kind+"Create", failure{
				message: constraint + " at name", code: "ATTRIBUTE_CONSTRAINT_VIOLATION", status: 422,
				data: fmt.Sprintf(`{"constraint":%q,"detail":null,"field_name":"name","node_kind":%q}`, constraint, kind),
			})
		}
		long := s.suffix + strings.Repeat("ä", (4092-len(s.suffix))/2)
		s.create(t, tag, `name:{value:$name}`, "name", long)
		s.refused(t, s.try(t, tag, `name:{value:$name}`, "name", long+"x"), tag+"Create", failure{message: "Text attribute length should be less than 4096 characters.", status: 422})
		renamed := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c")))
		s.change(t, credential, renamed, `name:{value:""}`)
		same(t, s.read(t, credential, renamed), "name.value", `""`)
	})
}

// GraphQL is at POST /graphql/{branch}, main where no branch is named; the token is in the header
// X-INFRAHUB-KEY. GET /api/info and InfrahubInfo say the version.
func TestKinds4_Endpoints(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.name("t")
		s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, name))
		for _, path := range []string{"/graphql", "/graphql/main"} {
			got := s.send(t, http.MethodPost, path, question(t, `query($n:String){BuiltinTag(name__value:$n){count}}`, "n", name), "X-INFRAHUB-KEY", s.token)
			same(t, got, "data.BuiltinTag.count", "1")
		}
		info := s.send(t, http.MethodGet, "/api/info", "")
		if info.status != http.StatusOK || info.text("version") != s.version || info.text("deployment_id") == "" {
			t.Errorf("/api/info: %d %s, want version %s", info.status, info.body, s.version)
		}
	})
}

// Every response carries x-request-id, but the one of a crash.
func TestKinds4_RequestID(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for name, got := range map[string]reply{
			"query":          s.ask(t, `{BuiltinTag{count}}`),
			"bad token":      s.send(t, http.MethodPost, "/graphql", question(t, `{BuiltinTag{count}}`), "X-INFRAHUB-KEY", "bad"),
			"unknown branch": s.on(t, "none-"+s.suffix, `{BuiltinTag{count}}`),
			"info":           s.send(t, http.MethodGet, "/api/info", ""),
			"login":          s.send(t, http.MethodPost, "/api/auth/login", `{"username":"nobody","password":"x"}`),
		} {
			if got.header.Get("X-Request-Id") == "" {
				t.Errorf("%s: no x-request-id: %v", name, got.header)
			}
		}
	})
}

// POST /api/auth/login gives an access token, good for an hour, and a refresh token; POST
// /api/auth/refresh gives another access token for the refresh token.
func TestKinds4_LoginAndRefresh(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		login := s.send(t, http.MethodPost, "/api/auth/login", `{"username":"admin","password":"infrahub"}`)
		access, refresh := login.text("access_token"), login.text("refresh_token")
		if login.status != http.StatusOK || access == "" || refresh == "" {
			t.Fatalf("login: %d", login.status)
		}
		if lasts := lifetime(t, access); lasts < 59*time.Minute || lasts > 61*time.Minute {
			t.Errorf("an access token is good for %s", lasts)
		}
		renewed := s.send(t, http.MethodPost, "/api/auth/refresh", "", "Authorization", "Bearer "+refresh)
		if renewed.status != http.StatusOK || renewed.text("access_token") == "" {
			t.Fatalf("refresh: %d", renewed.status)
		}
		name := s.name("t")
		for i, token := range []string{access, renewed.text("access_token")} {
			got := s.send(t, http.MethodPost, "/graphql/main",
				question(t, `mutation($n:String){BuiltinTagCreate(data:{name:{value:$n}}){ok object{id}}}`, "n", fmt.Sprintf("%s-%d", name, i)), "Authorization", "Bearer "+token)
			same(t, got, "data.BuiltinTagCreate.ok", "true")
			s.remove(t, tag, got.text("data.BuiltinTagCreate.object.id"))
		}
		got := s.send(t, http.MethodPost, "/graphql/main", question(t, `{BuiltinTag{count}}`), "Authorization", "Bearer "+refresh)
		if got.status != http.StatusUnauthorized {
			t.Errorf("a refresh token is taken for an access token: %d %s", got.status, got.body)
		}
	})
}

// lifetime is the time between the issue and the end of a token.
func lifetime(t *testing.T, token string) time.Duration {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatal("the token is no JSON web token")
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
