package contract

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// Most errors have the status 200 and an entry with a code, the real status and data; the other rows
// of the table prove each code. 1.9 has no extensions.
func TestErrors1_NodeNotFound(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, kind := range []string{readOnly, readWrite, credential, tag} {
			for _, verb := range []string{"Update", "Delete"} {
				none := newID()
				s.refused(t, s.on(t, "main", `mutation{`+kind+verb+`(data:{id:"`+none+`"}){ok}}`), kind+verb, failure{
					message: "Unable to find the node " + none + " / " + kind + " in the database.", code: "NODE_NOT_FOUND", status: 404,
					data: fmt.Sprintf(`{"identifier":%q,"node_kind":%q}`, none, kind),
				})
			}
			same(t, s.ask(t, `query($ids:[ID]){`+kind+`(ids:$ids){count edges{node{id}}}}`, "ids", []string{newID(), "nope"}), "data."+kind, `{"count":0,"edges":[]}`)
		}
	})
}

// Uniqueness is UNDEFINED_ERROR 422, told apart by its prose alone.
func TestErrors2_Uniqueness(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, kind := range []string{credential, tag} {
			input := fmt.Sprintf(`name:{value:%q}`, s.name(kind))
			s.create(t, kind, input)
			s.refused(t, s.try(t, kind, input), kind+"Create", failure{message: "Violates uniqueness constraint 'name'", status: 422})
		}
	})
}

// A bad token is 401 with data null and AUTHENTICATION_REQUIRED, for a query too; so is a mutation by
// nobody. 1.9 has the status as its code.
func TestErrors3_Authentication(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		query, change := question(t, `{BuiltinTag{count}}`), question(t, `mutation{BuiltinTagCreate(data:{name:{value:"never"}}){ok}}`)
		for name, test := range map[string]struct {
			got     reply
			message string
		}{
			"bad token":            {s.send(t, http.MethodPost, "/graphql/main", query, "X-INFRAHUB-KEY", "bad"), "Invalid token"},
			"bad token, mutation":  {s.send(t, http.MethodPost, "/graphql/main", change, "X-INFRAHUB-KEY", "bad"), "Invalid token"},
			"bad bearer":           {s.send(t, http.MethodPost, "/graphql/main", query, "Authorization", "Bearer bad"), "Invalid token"},
			"a mutation by nobody": {s.send(t, http.MethodPost, "/graphql/main", change), "Authentication is required to perform this operation"},
		} {
			code := `{"code":"AUTHENTICATION_REQUIRED","data":{},"http_status":401}`
			if s.old() {
				code = `{"code":401}`
			}
			want := `[{"extensions":` + code + `,"message":"` + test.message + `"}]`
			if test.got.status != http.StatusUnauthorized || test.got.json(t, "errors") != want || test.got.json(t, "data") != "null" {
				t.Errorf("%s: got %d %s, want %s", name, test.got.status, test.got.body, want)
			}
		}
		same(t, s.send(t, http.MethodPost, "/graphql/main", question(t, `{InfrahubInfo{version}}`)), "data.InfrahubInfo.version", `"`+s.version+`"`) // nobody may read
	})
}

// An access token that has ended is 401 TOKEN_EXPIRED; the refresh token is good still.
func TestErrors4_ExpiredToken(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		login := s.send(t, http.MethodPost, "/api/auth/login", `{"username":"admin","password":"infrahub"}`)
		ask := func(token string) reply {
			return s.send(t, http.MethodPost, "/graphql/main", question(t, `{BuiltinTag{count}}`), "Authorization", "Bearer "+token)
		}
		if s.mockOnly(t, "its tokens end after an hour") {
			s.mock.ExpireTokens()
			code := `{"code":"TOKEN_EXPIRED","data":{},"http_status":401}`
			if s.old() {
				code = `{"code":401}`
			}
			got := ask(login.text("access_token"))
			if want := `[{"extensions":` + code + `,"message":"Expired Signature"}]`; got.status != http.StatusUnauthorized || got.json(t, "errors") != want {
				t.Errorf("got %d %s, want %s", got.status, got.body, want)
			}
		}
		renewed := s.send(t, http.MethodPost, "/api/auth/refresh", "", "Authorization", "Bearer "+login.text("refresh_token"))
		if got := ask(renewed.text("access_token")); got.status != http.StatusOK {
			t.Errorf("after the refresh: %d %s", got.status, got.body)
		}
	})
}

// An unknown branch in the URL is 404 with a list of strings, not objects.
func TestErrors5_UnknownBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, name := range []string{s.name("none"), s.name("none/deep")} {
			got := s.on(t, name, `{BuiltinTag{count}}`)
			if want := `["Branch: ` + name + ` not found."]`; got.status != http.StatusNotFound || got.json(t, "errors") != want {
				t.Errorf("got %d %s, want %s", got.status, got.body, want)
			}
		}
	})
}

// A body that is no JSON is 400 with a list of strings.
func TestErrors6_NotJSON(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		got := s.send(t, http.MethodPost, "/graphql/main", "nope", "X-INFRAHUB-KEY", s.token)
		if got.status != http.StatusBadRequest || got.json(t, "errors") != `["Request body is not a valid JSON"]` {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
}

// Bad syntax is 500 with the text "Internal Server Error"; so is an update of a repository that has no
// id, by hfid or not.
func TestErrors7_Crash(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		documents := []string{"mutation { ", ""}
		if !s.old() {
			documents = append(documents, `mutation{CoreReadOnlyRepositoryUpdate(data:{description:{value:"x"}}){ok}}`, `mutation{CoreRepositoryUpdate(data:{hfid:["x"]}){ok}}`)
		}
		for _, document := range documents {
			got := s.on(t, "main", document)
			if got.status != http.StatusInternalServerError || got.body != "Internal Server Error" {
				t.Errorf("%q: got %d %s", document, got.status, got.body)
			}
		}
	})
}

// A document that does not fit the schema is 200 with data null; nothing of it is done.
func TestErrors8_InvalidDocument(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for document, message := range map[string]string{
			`{BuiltinTag{nope}}`: "Cannot query field 'nope' on type 'PaginatedBuiltinTag'.",
			`mutation{BuiltinTagCreate(data:{name:{value:5}}){ok}}`:  "String cannot represent a non string value: 5",
			`mutation{BuiltinTagCreate(data:{nom:{value:"x"}}){ok}}`: "Field 'nom' is not defined by type 'BuiltinTagCreateInput'. Did you mean 'name'?",
		} {
			got := s.on(t, "main", document)
			if got.status != http.StatusOK || got.json(t, "data") != "null" || got.text("errors.0.message") != message {
				t.Errorf("%s: got %d %s, want %q", document, got.status, got.body, message)
			}
		}
	})
}

// A login that fails has a number as extensions.code: 401 for the password, 404 for the user.
func TestErrors9_Login(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for body, want := range map[string]struct {
			status  int
			message string
		}{
			`{"username":"admin","password":"wrong"}`:            {http.StatusUnauthorized, "Incorrect password"},
			`{"username":"` + s.suffix + `","password":"wrong"}`: {http.StatusNotFound, "That login user doesn't exist in the system"},
		} {
			got := s.send(t, http.MethodPost, "/api/auth/login", body)
			if got.status != want.status || got.at("errors.0.extensions.code") != float64(want.status) || got.text("errors.0.message") != want.message {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, want.status, want.message)
			}
		}
		got := s.send(t, http.MethodPost, "/api/auth/refresh", "", "Authorization", "Bearer bad")
		if got.status != http.StatusUnauthorized || got.at("errors.0.extensions.code") != 401.0 {
			t.Errorf("refresh with a bad token: got %d %s", got.status, got.body)
		}
	})
}

// A request may carry X-Priority. Under load the server answers 429 with Retry-After, in seconds.
func TestErrors10_Overload(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		ask := func(priority string) reply {
			return s.send(t, http.MethodPost, "/graphql/main", question(t, `{BuiltinTag{count}}`), "X-INFRAHUB-KEY", s.token, "X-Priority", priority)
		}
		for _, priority := range []string{"high", "medium", "low", "nonsense"} {
			if got := ask(priority); got.status != http.StatusOK {
				t.Errorf("X-Priority %s: %d %s", priority, got.status, got.body)
			}
		}
		if !s.mockOnly(t, "429 comes under load alone") {
			return
		}
		s.mock.Inject(mockserver.Fault{Times: 1, Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second})
		got := ask("low")
		if wait, err := strconv.Atoi(got.header.Get("Retry-After")); got.status != http.StatusTooManyRequests || err != nil || wait != 3 {
			t.Errorf("got %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
		}
	})
}

// Mutations in one document are independent: one may fail while the others are done.
func TestErrors12_MutationsAreIndependent(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		a, b := s.name("a"), s.name("b")
		got := s.on(t, "main", `mutation($a:String $b:String){
			x:BuiltinTagCreate(data:{name:{value:$a}}){object{id}} y:BuiltinTagCreate(data:{name:{value:$a}}){ok} z:BuiltinTagCreate(data:{name:{value:$b}}){object{id}}}`, "a", a, "b", b)
		for _, alias := range []string{"x", "z"} {
			id := got.text("data." + alias + ".object.id")
			if id == "" {
				t.Fatalf("got %s", got.body)
			}
			t.Cleanup(func() { s.remove(t, tag, id) })
		}
		s.refused(t, got, "y", failure{message: "Violates uniqueness constraint 'name'", status: 422})
		same(t, s.ask(t, `query($n:[String]){BuiltinTag(name__values:$n){count}}`, "n", []string{a, b}), "data.BuiltinTag.count", "2")
	})
}
