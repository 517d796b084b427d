package contract

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// Most errors have the status 200 and an entry with a code, the real status and data. The other rows prove each code.
// 1.9 has no extensions.
func TestErrors1_NodeNotFound(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, kind := range []string{readOnly, readWrite, credential, tag} {
			for _, verb := range []string{"Update", "Delete"} {
				none := newID()
				s.assertRefused(t, s.Post(t, "main", `mutation{`+kind+verb+`(data:{id:"`+none+`"}){ok}}`), kind+verb, failure{
					message: "Unable to find the node " + none + " / " + kind + " in the database.", code: "NODE_NOT_FOUND", status: 404,
					data: fmt.Sprintf(`{"identifier":%q,"node_kind":%q}`, none, kind),
				})
			}
			assertJSON(t, s.Ask(t, `query($ids:[ID]){`+kind+`(ids:$ids){count edges{node{id}}}}`, "ids", []string{newID(), "nope"}), "data."+kind, `{"count":0,"edges":[]}`)
		}
	})
}

// Uniqueness is UNDEFINED_ERROR 422, distinguished only by the message.
func TestErrors2_Uniqueness(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, kind := range []string{credential, tag} {
			input := fmt.Sprintf(`name:{value:%q}`, s.name(kind))
			s.create(t, kind, input)
			s.assertRefused(t, s.tryCreate(t, kind, input), kind+"Create", failure{message: "Violates uniqueness constraint 'name'", status: 422})
		}
	})
}

// A bad token is 401 with data null and AUTHENTICATION_REQUIRED, for a query too. So is an anonymous mutation. The code
// of 1.9 is the status.
func TestErrors3_Authentication(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		const query, mutation = `{BuiltinTag{count}}`, `mutation{BuiltinTagCreate(data:{name:{value:"never"}}){ok}}`
		for name, test := range map[string]struct {
			got     mocktest.Response
			message string
		}{
			"bad token":           {s.postWith(t, query, "X-INFRAHUB-KEY", "bad"), "Invalid token"},
			"bad token, mutation": {s.postWith(t, mutation, "X-INFRAHUB-KEY", "bad"), "Invalid token"},
			"bad bearer":          {s.postWith(t, query, "Authorization", "Bearer bad"), "Invalid token"},
			"anonymous mutation":  {s.postWith(t, mutation), "Authentication is required to perform this operation"},
		} {
			code := `{"code":"AUTHENTICATION_REQUIRED","data":{},"http_status":401}`
			if s.old() {
				code = `{"code":401}`
			}
			want := `[{"extensions":` + code + `,"message":"` + test.message + `"}]`
			if test.got.Status != http.StatusUnauthorized || test.got.JSON(t, "errors") != want || test.got.JSON(t, "data") != "null" {
				t.Errorf("%s: got %d %s, want %s", name, test.got.Status, test.got.Body, want)
			}
		}
		assertJSON(t, s.postWith(t, `{InfrahubInfo{version}}`), "data.InfrahubInfo.version", `"`+s.version+`"`) // an anonymous reader may read
	})
}

// An expired access token is 401 TOKEN_EXPIRED. The refresh token stays valid.
func TestErrors4_ExpiredToken(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		login := s.Send(t, http.MethodPost, "/api/auth/login", `{"username":"admin","password":"infrahub"}`)
		ask := func(token string) mocktest.Response {
			return s.postWith(t, `{BuiltinTag{count}}`, "Authorization", "Bearer "+token)
		}
		if s.mockOnly(t, "its tokens are valid for an hour") {
			s.mock.ExpireTokens()
			code := `{"code":"TOKEN_EXPIRED","data":{},"http_status":401}`
			if s.old() {
				code = `{"code":401}`
			}
			got := ask(login.Text("access_token"))
			if want := `[{"extensions":` + code + `,"message":"Expired Signature"}]`; got.Status != http.StatusUnauthorized || got.JSON(t, "errors") != want {
				t.Errorf("got %d %s, want %s", got.Status, got.Body, want)
			}
		}
		renewed := s.Send(t, http.MethodPost, "/api/auth/refresh", "", "Authorization", "Bearer "+login.Text("refresh_token"))
		if got := ask(renewed.Text("access_token")); got.Status != http.StatusOK {
			t.Errorf("after the refresh: %d %s", got.Status, got.Body)
		}
	})
}

// An unknown branch in the URL is 404 with a list of strings, not objects.
func TestErrors5_UnknownBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, name := range []string{s.name("none"), s.name("none/deep")} {
			got := s.Post(t, name, `{BuiltinTag{count}}`)
			if want := `["Branch: ` + name + ` not found."]`; got.Status != http.StatusNotFound || got.JSON(t, "errors") != want {
				t.Errorf("got %d %s, want %s", got.Status, got.Body, want)
			}
		}
	})
}

// A body that is not JSON is 400 with a list of strings.
func TestErrors6_NotJSON(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		got := s.Send(t, http.MethodPost, "/graphql/main", "nope", "X-INFRAHUB-KEY", s.Token)
		if got.Status != http.StatusBadRequest || got.JSON(t, "errors") != `["Request body is not a valid JSON"]` {
			t.Errorf("got %d %s", got.Status, got.Body)
		}
	})
}

// Bad syntax is 500 with the text "Internal Server Error". So is an update of a repository without an id, whether it
// has a hfid or not.
func TestErrors7_InternalServerError(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		documents := []string{"mutation { ", ""}
		if !s.old() {
			documents = append(documents, `{...F} fragment F on Query{InfrahubInfo{version}}`, `mutation{CoreReadOnlyRepositoryUpdate(data:{description:{value:"x"}}){ok}}`, `mutation{CoreRepositoryUpdate(data:{hfid:["x"]}){ok}}`)
		}
		for _, document := range documents {
			got := s.Post(t, "main", document)
			if got.Status != http.StatusInternalServerError || got.Body != "Internal Server Error" {
				t.Errorf("%q: got %d %s", document, got.Status, got.Body)
			}
		}
	})
}

// A document that does not fit the schema is 200 with data null, and nothing of it is carried out.
func TestErrors8_InvalidDocument(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for document, message := range map[string]string{
			`{BuiltinTag{nope}}`: "Cannot query field 'nope' on type 'PaginatedBuiltinTag'.",
			`mutation{BuiltinTagCreate(data:{name:{value:5}}){ok}}`:  "String cannot represent a non string value: 5",
			`mutation{BuiltinTagCreate(data:{nom:{value:"x"}}){ok}}`: "Field 'nom' is not defined by type 'BuiltinTagCreateInput'. Did you mean 'name'?",
		} {
			got := s.Post(t, "main", document)
			if got.Status != http.StatusOK || got.JSON(t, "data") != "null" || got.Text("errors.0.message") != message {
				t.Errorf("%s: got %d %s, want %q", document, got.Status, got.Body, message)
			}
		}
	})
}

// A failed login has a number as extensions.code: 401 for the password, 404 for the user.
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
			got := s.Send(t, http.MethodPost, "/api/auth/login", body)
			if got.Status != want.status || got.At("errors.0.extensions.code") != float64(want.status) || got.Text("errors.0.message") != want.message {
				t.Errorf("got %d %s, want %d %s", got.Status, got.Body, want.status, want.message)
			}
		}
		got := s.Send(t, http.MethodPost, "/api/auth/refresh", "", "Authorization", "Bearer bad")
		if got.Status != http.StatusUnauthorized || got.At("errors.0.extensions.code") != 401.0 {
			t.Errorf("refresh with a bad token: got %d %s", got.Status, got.Body)
		}
	})
}

// A request may carry X-Priority. Under load the server answers 429 with Retry-After, in seconds.
func TestErrors10_Overload(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		ask := func(priority string) mocktest.Response {
			return s.postWith(t, `{BuiltinTag{count}}`, "X-INFRAHUB-KEY", s.Token, "X-Priority", priority)
		}
		for _, priority := range []string{"high", "medium", "low", "nonsense"} {
			if got := ask(priority); got.Status != http.StatusOK {
				t.Errorf("X-Priority %s: %d %s", priority, got.Status, got.Body)
			}
		}
		if !s.mockOnly(t, "429 comes only under load") {
			return
		}
		s.mock.Inject(mockserver.Fault{Times: 1, Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second})
		got := ask("low")
		if wait, err := strconv.Atoi(got.Header.Get("Retry-After")); got.Status != http.StatusTooManyRequests || err != nil || wait != 3 {
			t.Errorf("got %d, Retry-After %q", got.Status, got.Header.Get("Retry-After"))
		}
	})
}

// Mutations in one document are independent: one may fail while the others are carried out.
func TestErrors12_MutationsAreIndependent(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		a, b := s.name("a"), s.name("b")
		got := s.Post(t, "main", `mutation($a:String $b:String){
			x:BuiltinTagCreate(data:{name:{value:$a}}){object{id}} y:BuiltinTagCreate(data:{name:{value:$a}}){ok} z:BuiltinTagCreate(data:{name:{value:$b}}){object{id}}}`, "a", a, "b", b)
		for _, alias := range []string{"x", "z"} {
			id := got.Text("data." + alias + ".object.id")
			if id == "" {
				t.Fatalf("got %s", got.Body)
			}
			t.Cleanup(func() { s.delete(t, tag, id) })
		}
		s.assertRefused(t, got, "y", failure{message: "Violates uniqueness constraint 'name'", status: 422})
		assertJSON(t, s.Ask(t, `query($n:[String]){BuiltinTag(name__values:$n){count}}`, "n", []string{a, b}), "data.BuiltinTag.count", "2")
	})
}

// An unknown path is 404, with a JSON body.
func TestErrors13_UnknownPath(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			assertRESTError(t, s.Send(t, method, "/api/none", ""), http.StatusNotFound, "The requested endpoint /api/none does not exist")
		}
	})
}
