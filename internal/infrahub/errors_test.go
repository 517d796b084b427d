package infrahub_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// want is what an *infrahub.Error should hold; an operation of "" and a status of 0 may be any.
type want struct {
	operation, code, field string
	status                 int
	message                string // its beginning
}

// failed checks that an error is an *infrahub.Error as wanted.
func failed(t *testing.T, err error, want want) {
	t.Helper()
	var failure *infrahub.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want an *infrahub.Error", err)
	}
	if want.operation != "" && failure.Operation != want.operation {
		t.Errorf("operation %q, want %q", failure.Operation, want.operation)
	}
	if want.status != 0 && failure.Status != want.status {
		t.Errorf("status %d, want %d", failure.Status, want.status)
	}
	if failure.Code != want.code || failure.Field != want.field || !strings.HasPrefix(failure.Message, want.message) {
		t.Errorf("got code %q, field %q, message %q; want %+v", failure.Code, failure.Field, failure.Message, want)
	}
}

// kinds are those of the sentinel errors that an error is.
func kinds(err error) []error {
	var found []error
	for _, kind := range []error{
		infrahub.ErrNotFound, infrahub.ErrUnauthorized, infrahub.ErrBranchNotFound, infrahub.ErrNotInfrahub, infrahub.ErrUnreachable, infrahub.ErrBusy,
	} {
		if errors.Is(err, kind) {
			found = append(found, kind)
		}
	}
	return found
}

func ofKind(t *testing.T, err, kind error) {
	t.Helper()
	var wanted []error
	if kind != nil {
		wanted = []error{kind}
	}
	if difference := cmp.Diff(fmt.Sprint(wanted), fmt.Sprint(kinds(err))); difference != "" {
		t.Errorf("%v: %s", err, difference)
	}
}

// nobody is an id that no node has.
const nobody = "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"

// once is a client that repeats nothing.
func once(config *infrahub.Config) { config.MaxRetries = 0 }

// answering is a client of something that answers always the same.
func answering(t *testing.T, status int, header http.Header, body []byte) *infrahub.Client {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})).client(t, once)
}

// What a live server answered, in testdata, is told apart as the callers need it.
func TestError_OfRecordedReplies(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("testdata", "replies.json"))
	if err != nil {
		t.Fatal(err)
	}
	var replies []struct {
		Name     string
		Status   int
		Response json.RawMessage
	}
	if err := json.Unmarshal(content, &replies); err != nil {
		t.Fatal(err)
	}
	const undefined, violated, missing = "UNDEFINED_ERROR", "ATTRIBUTE_CONSTRAINT_VIOLATION", "NODE_NOT_FOUND"
	wanted := map[string]struct {
		kind error
		want want
	}{
		"remote not reached":               {nil, want{code: undefined, field: "location", message: "Unable to clone the repository r-unreach, please check"}},
		"remote not found":                 {nil, want{code: undefined, field: "location", message: "stderr: 'fatal: repository"}},
		"remote asks for a login":          {nil, want{code: undefined, field: "credential", message: "Unable to correctly lookup credentials"}},
		"credential refused by the remote": {nil, want{code: undefined, field: "credential", message: "Authentication failed for r-auth"}},
		"unknown credential by name":       {nil, want{code: missing, field: "credential", message: "Unable to find the node unknown / CoreCredential"}},
		"unknown credential by id":         {nil, want{code: missing, field: "credential", message: "Unable to find the node 0d0c96ac-"}},
		"unknown tag":                      {nil, want{code: missing, field: "tags", message: "Unable to find the node 18ea4fa1-"}},
		"name with a slash":                {nil, want{code: violated, field: "name", message: "a/b must conform with the regex"}},
		"location taken":                   {nil, want{code: undefined, field: "location", message: "Violates uniqueness constraint"}},
		"name taken":                       {nil, want{code: undefined, field: "name", message: "Violates uniqueness constraint"}},
		"id taken":                         {nil, want{code: violated, field: "id", message: "18ea4fbd-009d-74db-e379-132596285a9c is already in use"}},
		"missing node":                     {infrahub.ErrNotFound, want{code: missing, message: "Unable to find the node 18ea4fa1-"}},
		"missing branch in the input":      {infrahub.ErrBranchNotFound, want{code: "BRANCH_NOT_FOUND", message: "Branch: release-x not found."}},
		"text too long":                    {nil, want{code: undefined, message: "Text attribute length should be less than 4096"}},
		"wrong type":                       {nil, want{code: undefined, message: "String cannot represent a non string value: 5"}},
		"1.9: name taken":                  {nil, want{field: "name", message: "Violates uniqueness constraint"}},
		"1.9: missing node":                {nil, want{message: "Unable to find the node d6cce097-"}},
		"1.9: wrong token":                 {infrahub.ErrUnauthorized, want{message: "Invalid token"}},
		"1.9: no token":                    {infrahub.ErrUnauthorized, want{message: "Authentication is required"}},
		"unknown branch in the path":       {infrahub.ErrBranchNotFound, want{message: "Branch: nobranch not found."}},
	}
	if len(replies) != len(wanted) {
		t.Errorf("%d replies, %d of them in the table", len(replies), len(wanted))
	}
	for _, reply := range replies {
		t.Run(reply.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				header := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"d0a1b2c3"}}
				_, err := answering(t, reply.Status, header, reply.Response).Connect(t.Context())
				expected := wanted[reply.Name].want
				expected.operation, expected.status = "ServerInfo", reply.Status
				failed(t, err, expected)
				ofKind(t, err, wanted[reply.Name].kind)
				if !strings.HasSuffix(err.Error(), "(request id d0a1b2c3)") {
					t.Errorf("%q does not name the request", err)
				}
			})
		})
	}
}

func TestError_OfAnswersThatAreNoGraphQL(t *testing.T) {
	t.Parallel()
	html := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	text := http.Header{"Content-Type": {"text/plain"}}
	for _, test := range []struct {
		name, body string
		status     int
		header     http.Header
		kind       error
		message    string
	}{
		{"a login page", "<!DOCTYPE html><html>Sign in</html>", 200, html, infrahub.ErrNotInfrahub, "HTTP status 200 with an HTML page"},
		{"a page of another type", " <HTML>Sign in</html>", 200, text, infrahub.ErrNotInfrahub, "HTTP status 200 with an HTML page"},
		{"a proxy without a server behind it", "<html>Bad Gateway</html>", 502, html, infrahub.ErrBusy, "HTTP status 502 with an HTML page"},
		{"a text", "Hello,\n  world", 200, text, infrahub.ErrNotInfrahub, "HTTP status 200 Hello, world"},
		{"a long text", strings.Repeat("ä", 200), 404, text, infrahub.ErrNotInfrahub, "HTTP status 404 " + strings.Repeat("ä", 100) + "…"},
		{"nothing", "", 200, text, infrahub.ErrNotInfrahub, "HTTP status 200"},
		{"a server that crashed", "Internal Server Error", 500, text, infrahub.ErrBusy, "HTTP status 500 Internal Server Error"},
		{
			"a server that crashed and names the request", "Internal Server Error", 500,
			http.Header{"Content-Type": {"text/plain"}, "X-Request-Id": {"d0a1b2c3"}},
			infrahub.ErrBusy, "HTTP status 500 Internal Server Error",
		},
		{"other JSON", `{"hello": "world"}`, 200, nil, infrahub.ErrNotInfrahub, "the response does not fit the schema"},
		{"JSON of another shape", `{"data": {"InfrahubInfo": []}}`, 200, nil, infrahub.ErrNotInfrahub, "the response does not fit the schema"},
		{"JSON with a status alone", `{}`, 503, nil, infrahub.ErrBusy, "HTTP status 503"},
		{"an error that is a number", `{"errors": [5]}`, 200, nil, infrahub.ErrNotInfrahub, "the server's error could not be read"},
		{"a body that was no JSON to the server", `{"errors": ["Request body is not a valid JSON"]}`, 400, nil, nil, "Request body is not a valid JSON"},
		{"a refusal as a string", `{"errors": ["Go away"]}`, 403, nil, infrahub.ErrUnauthorized, "Go away"},
		{
			"no permission", `{"data": null, "errors": [{"message": "No", "extensions": {"code": "PERMISSION_DENIED"}}]}`, 200, nil,
			infrahub.ErrUnauthorized, "No",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, err := answering(t, test.status, test.header, []byte(test.body)).Connect(t.Context())
				var failure *infrahub.Error
				if !errors.As(err, &failure) || failure.Status != test.status || failure.Message != test.message {
					t.Errorf("got %v, want %d %q", err, test.status, test.message)
				}
				ofKind(t, err, test.kind)
			})
		})
	}
}

func TestError_UnknownBranch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		_, err := s.client(t, func(config *infrahub.Config) { config.Branch = "nope" }).Connect(t.Context())
		ofKind(t, err, infrahub.ErrBranchNotFound)
		failed(t, err, want{status: http.StatusNotFound, message: "Branch: nope not found."})
		if difference := cmp.Diff([]string{"ServerInfo"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

func TestError_NamesTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		_, err := s.client(t, func(config *infrahub.Config) { config.Token = "wrong" }).Connect(t.Context())
		var failure *infrahub.Error
		if id := s.requests()[0].RequestID; id == "" || !errors.As(err, &failure) || failure.RequestID != id {
			t.Errorf("got %v, want the request id %s", err, id)
		}
	})
}

// A repository can be refused for what it points at or for what another one has already.
func TestError_FieldOfARefusedRepository(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field string
		edit  func(repository *infrahub.Repository)
	}{
		{"credential", func(r *infrahub.Repository) { r.CredentialID = new(nobody) }},
		{"tags", func(r *infrahub.Repository) { r.Tags = []string{"nope"} }},
		{"name", func(r *infrahub.Repository) { r.Name = "taken" }},
		{"location", func(r *infrahub.Repository) { r.Name, r.Location = "another", "" }}, // set below
	} {
		for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
			t.Run(test.field+" of a "+kind.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{})
					client := s.client(t)
					other, own := newRemote(t), newRemote(t)
					taken := readWrite(other)
					taken.Name = "taken"
					if _, _, err := client.CreateRepository(t.Context(), taken); err != nil {
						t.Fatal(err)
					}
					refused := readOnly(own, "v1.0.0")
					if kind == infrahub.ReadWrite {
						refused = readWrite(own)
					}
					whole := refused
					test.edit(&refused)
					if refused.Location == "" {
						refused.Location = other.Path
					}
					_, _, err := client.CreateRepository(t.Context(), refused)
					ofKind(t, err, nil)
					var failure *infrahub.Error
					if !errors.As(err, &failure) || failure.Field != test.field {
						t.Errorf("create: got %v, want one about %s", err, test.field)
					}

					whole.ID, _, err = client.CreateRepository(t.Context(), whole)
					if err != nil {
						t.Fatal(err)
					}
					failure = nil
					_, err = client.UpdateRepository(t.Context(), whole, refused)
					ofKind(t, err, nil)
					if !errors.As(err, &failure) || failure.Field != test.field {
						t.Errorf("update: got %v, want one about %s", err, test.field)
					}
				})
			})
		}
	}
}

// Infrahub 1.9 gives its errors no codes: whether a node is missing is decided by a look.
func TestError_MissingNode(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.9.9", "1.11.9"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			looked := version == "1.9.9"
			for name, test := range map[string]struct {
				change func(t *testing.T, client *infrahub.Client, id string) error
				sent   []string
				fails  bool
			}{
				"update of a credential": {func(t *testing.T, client *infrahub.Client, id string) error {
					return client.Credentials(false).Update(t.Context(), infrahub.Credential{ID: id, Name: "a"}, infrahub.Credential{Name: "b"})
				}, []string{"UpdateCredential", "Credentials"}, true},
				"update of a read-only repository": {func(t *testing.T, client *infrahub.Client, id string) error {
					before := infrahub.Repository{Kind: infrahub.ReadOnly, ID: id, Name: "a"}
					_, err := client.UpdateRepository(t.Context(), before, infrahub.Repository{Name: "b"})
					return err
				}, []string{"UpdateReadOnlyRepository", "ReadOnlyRepositories"}, true},
				"update of a repository": {func(t *testing.T, client *infrahub.Client, id string) error {
					before := infrahub.Repository{Kind: infrahub.ReadWrite, ID: id, Name: "a"}
					_, err := client.UpdateRepository(t.Context(), before, infrahub.Repository{Name: "b"})
					return err
				}, []string{"UpdateRepository", "Repositories"}, true},
				"delete of a credential": {func(t *testing.T, client *infrahub.Client, id string) error {
					return client.Credentials(false).Delete(t.Context(), id)
				}, []string{"DeleteCredential", "Credentials"}, false},
				"delete of a read-only repository": {func(t *testing.T, client *infrahub.Client, id string) error {
					return client.Repositories(infrahub.ReadOnly).Delete(t.Context(), id)
				}, []string{"DeleteReadOnlyRepository", "ReadOnlyRepositories"}, false},
				"delete of a repository": {func(t *testing.T, client *infrahub.Client, id string) error {
					return client.Repositories(infrahub.ReadWrite).Delete(t.Context(), id)
				}, []string{"DeleteRepository", "Repositories"}, false},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := start(t, mockserver.Options{Version: version})
						err := test.change(t, s.client(t), nobody)
						if errors.Is(err, infrahub.ErrNotFound) != test.fails || (err != nil) != test.fails {
							t.Errorf("got %v, want ErrNotFound: %t", err, test.fails)
						}
						expected := test.sent
						if !looked {
							expected = expected[:1]
						}
						if difference := cmp.Diff(expected, s.operations()); difference != "" {
							t.Error(difference)
						}
					})
				})
			}
		})
	}
}

// A look that finds the node leaves the error what it was.
func TestError_FailedChangeOfANodeThatIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{Version: "1.9.9"})
		client := s.client(t)
		for _, name := range []string{"a", "b"} {
			if _, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: name}); err != nil {
				t.Fatal(err)
			}
		}
		before, err := client.Credentials(false).GetByName(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		err = client.Credentials(false).Update(t.Context(), *before, infrahub.Credential{Name: "b", Label: before.Label})
		ofKind(t, err, nil)
		failed(t, err, want{operation: "UpdateCredential", field: "name", message: "Violates uniqueness constraint 'name'"})
	})
}

func TestRead_MissingNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, mockserver.Options{}).client(t)
		_, byID := client.Credentials(false).Get(t.Context(), nobody)
		_, byName := client.Credentials(false).GetByName(t.Context(), "nope")
		_, readOnlyByID := client.Repositories(infrahub.ReadOnly).Get(t.Context(), nobody)
		_, readOnlyByName := client.Repositories(infrahub.ReadOnly).GetByName(t.Context(), "nope")
		_, readWriteByID := client.Repositories(infrahub.ReadWrite).Get(t.Context(), nobody)
		_, readWriteByName := client.Repositories(infrahub.ReadWrite).GetByName(t.Context(), "nope")
		for what, err := range map[string]error{
			"credential " + nobody: byID, "credential nope": byName,
			"read-only repository " + nobody: readOnlyByID, "read-only repository nope": readOnlyByName,
			"repository " + nobody: readWriteByID, "repository nope": readWriteByName,
		} {
			ofKind(t, err, infrahub.ErrNotFound)
			if err == nil || err.Error() != what+" on branch main: not found" {
				t.Errorf("%s: got %v", what, err)
			}
		}
	})
}
