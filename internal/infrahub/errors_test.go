package infrahub_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// clientOfResponse returns a client of a server that always sends the same response.
func clientOfResponse(t *testing.T, status int, header http.Header, body []byte) *infrahub.Client {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	})).client(t, noRetries)
}

// testdata/replies.json holds responses of a live server.
func TestError_FromRecordedResponses(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("testdata", "replies.json"))
	must(t, err)
	var replies []struct {
		Name     string
		Status   int
		Response json.RawMessage
	}
	must(t, json.Unmarshal(content, &replies))
	const undefined, violated, missing = "UNDEFINED_ERROR", "ATTRIBUTE_CONSTRAINT_VIOLATION", "NODE_NOT_FOUND"
	wanted := map[string]struct {
		kind error
		want errorFields
	}{
		"remote not reached":               {nil, errorFields{code: undefined, field: "location", message: "Unable to clone the repository r-unreach, please check"}},
		"remote not found":                 {nil, errorFields{code: undefined, field: "location", message: "stderr: 'fatal: repository"}},
		"remote asks for a login":          {nil, errorFields{code: undefined, field: "credential", message: "Unable to correctly lookup credentials"}},
		"credential refused by the remote": {nil, errorFields{code: undefined, field: "credential", message: "Authentication failed for r-auth"}},
		"unknown credential by name":       {nil, errorFields{code: missing, field: "credential", message: "Unable to find the node unknown / CoreCredential"}},
		"unknown credential by id":         {nil, errorFields{code: missing, field: "credential", message: "Unable to find the node 0d0c96ac-"}},
		"unknown tag":                      {nil, errorFields{code: missing, field: "tags", message: "Unable to find the node 18ea4fa1-"}},
		"name with a slash":                {nil, errorFields{code: violated, field: "name", message: "a/b must conform with the regex"}},
		"location taken":                   {nil, errorFields{code: undefined, field: "location", message: "Violates uniqueness constraint"}},
		"name taken":                       {nil, errorFields{code: undefined, field: "name", message: "Violates uniqueness constraint"}},
		"id taken":                         {nil, errorFields{code: violated, field: "id", message: "18ea4fbd-009d-74db-e379-132596285a9c is already in use"}},
		"missing node":                     {infrahub.ErrNotFound, errorFields{code: missing, message: "Unable to find the node 18ea4fa1-"}},
		"missing branch in the input":      {infrahub.ErrBranchNotFound, errorFields{code: "BRANCH_NOT_FOUND", message: "Branch: release-x not found."}},
		"text too long":                    {nil, errorFields{code: undefined, message: "Text attribute length should be less than 4096"}},
		"wrong type":                       {nil, errorFields{code: undefined, message: "String cannot represent a non string value: 5"}},
		"1.9: name taken":                  {nil, errorFields{field: "name", message: "Violates uniqueness constraint"}},
		"1.9: missing node":                {nil, errorFields{message: "Unable to find the node d6cce097-"}},
		"1.9: wrong token":                 {infrahub.ErrUnauthorized, errorFields{message: "Invalid token"}},
		"1.9: no token":                    {infrahub.ErrUnauthorized, errorFields{message: "Authentication is required"}},
		"unknown branch in the path":       {infrahub.ErrBranchNotFound, errorFields{message: "Branch: nobranch not found."}},
	}
	if len(replies) != len(wanted) {
		t.Errorf("%d replies, %d of them in the table", len(replies), len(wanted))
	}
	for _, reply := range replies {
		t.Run(reply.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				header := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"d0a1b2c3"}}
				_, err := clientOfResponse(t, reply.Status, header, reply.Response).Connect(t.Context())
				want := wanted[reply.Name].want
				want.operation, want.status = "ServerInfo", reply.Status
				wantError(t, err, want)
				wantKind(t, err, wanted[reply.Name].kind)
				if !strings.HasSuffix(err.Error(), "(request id d0a1b2c3)") {
					t.Errorf("%q does not end with the request id", err)
				}
			})
		})
	}
}

func TestError_FromResponsesThatAreNotGraphQL(t *testing.T) {
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
		{"a page with another content type", " <HTML>Sign in</html>", 200, text, infrahub.ErrNotInfrahub, "HTTP status 200 with an HTML page"},
		{"a proxy without a server", "<html>Bad Gateway</html>", 502, html, infrahub.ErrBusy, "HTTP status 502 with an HTML page"},
		{"a text", "Hello,\n  world", 200, text, infrahub.ErrNotInfrahub, "HTTP status 200 Hello, world"},
		{"a long text", strings.Repeat("ä", 200), 404, text, infrahub.ErrNotInfrahub, "HTTP status 404 " + strings.Repeat("ä", 100) + "…"},
		{"nothing", "", 200, text, infrahub.ErrNotInfrahub, "HTTP status 200"},
		{"a server that crashed", "Internal Server Error", 500, text, infrahub.ErrBusy, "HTTP status 500 Internal Server Error"},
		{
			"a server that crashed, with a request id", "Internal Server Error", 500,
			http.Header{"Content-Type": {"text/plain"}, "X-Request-Id": {"d0a1b2c3"}},
			infrahub.ErrBusy, "HTTP status 500 Internal Server Error",
		},
		{"other JSON", `{"hello": "world"}`, 200, nil, infrahub.ErrNotInfrahub, "the response does not fit the schema"},
		{"JSON of another type", `{"data": {"InfrahubInfo": []}}`, 200, nil, infrahub.ErrNotInfrahub, "the response does not fit the schema"},
		{"empty JSON with an error status", `{}`, 503, nil, infrahub.ErrBusy, "HTTP status 503"},
		{"an error that is a number", `{"errors": [5]}`, 200, nil, infrahub.ErrNotInfrahub, "the server's error could not be read"},
		{"a request that the server could not parse", `{"errors": ["Request body is not a valid JSON"]}`, 400, nil, nil, "Request body is not a valid JSON"},
		{"a refusal as a string", `{"errors": ["Go away"]}`, 403, nil, infrahub.ErrUnauthorized, "Go away"},
		{
			"no permission", `{"data": null, "errors": [{"message": "No", "extensions": {"code": "PERMISSION_DENIED"}}]}`, 200, nil,
			infrahub.ErrUnauthorized, "No",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, err := clientOfResponse(t, test.status, test.header, []byte(test.body)).Connect(t.Context())
				failure, ok := errors.AsType[*infrahub.Error](err)
				if !ok || failure.Status != test.status || failure.Message != test.message {
					t.Errorf("got %v, want %d %q", err, test.status, test.message)
				}
				wantKind(t, err, test.kind)
			})
		})
	}
}

func TestError_UnknownBranch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t, func(config *infrahub.Config) { config.Branch = "nope" })
		server, err := client.Connect(t.Context())
		must(t, err)
		if !server.BranchMissing || server.Version == "" || server.Branch.Name != "nope" {
			t.Errorf("connected to %+v, want a server without the branch", server)
		}
		s.wantOperations(t, "ServerInfo", "ServerInfo")
		_, err = client.Tags().GetByName(t.Context(), "core")
		wantKind(t, err, infrahub.ErrBranchNotFound)
		wantError(t, err, errorFields{operation: "Tags", status: http.StatusNotFound, message: "Branch: nope not found."})
	})
}

func TestError_HasTheRequestID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		_, err := s.client(t, func(config *infrahub.Config) { config.Token = sensitive.New("wrong") }).Connect(t.Context())
		failure, ok := errors.AsType[*infrahub.Error](err)
		if id := s.requests()[0].RequestID; id == "" || !ok || failure.RequestID != id {
			t.Errorf("got %v, want the request id %s", err, id)
		}
	})
}

func TestError_FieldOfARefusedRepository(t *testing.T) {
	t.Parallel()
	for field, edit := range map[string]func(repository *infrahub.Repository, takenLocation string){
		"credential": func(r *infrahub.Repository, _ string) { r.CredentialID = new(missingID) },
		"tags":       func(r *infrahub.Repository, _ string) { r.Tags = []string{"nope"} },
		"name":       func(r *infrahub.Repository, _ string) { r.Name = "taken" },
		"location":   func(r *infrahub.Repository, takenLocation string) { r.Name, r.Location = "another", takenLocation },
	} {
		for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
			for _, version := range []string{"1.11.9", "1.9.9"} {
				t.Run(field+" of a "+kind.String()+", "+version, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						client := start(t, mockserver.Options{Version: version}).client(t)
						taken := readWrite(newRemote(t))
						taken.Name = "taken"
						startCreate(t, client, taken)

						accepted := ofKind(newRemote(t), kind)
						refused := accepted
						edit(&refused, taken.Location)
						_, _, err := client.CreateRepository(t.Context(), refused)
						wantField(t, err, field)

						accepted, _ = startCreate(t, client, accepted)
						_, err = client.UpdateRepository(t.Context(), accepted, refused)
						wantField(t, err, field)
					})
				})
			}
		}
	}
}

// Infrahub 1.9 has no error codes, so a read decides whether the node is missing (infrahub-behaviour.md, Errors
// 11).
func TestError_MissingNode(t *testing.T) {
	t.Parallel()
	type change func(ctx context.Context, client *infrahub.Client) error
	updateRepository := func(kind infrahub.Kind) change {
		return func(ctx context.Context, client *infrahub.Client) error {
			_, err := client.UpdateRepository(ctx, infrahub.Repository{Kind: kind, ID: missingID, Name: "a"}, infrahub.Repository{Name: "b"})
			return err
		}
	}
	deleteRepository := func(kind infrahub.Kind) change {
		return func(ctx context.Context, client *infrahub.Client) error {
			return client.Repositories(kind).Delete(ctx, missingID)
		}
	}
	for name, test := range map[string]struct {
		change         change
		mutation, read string
		fails          bool
	}{
		"update of a credential": {func(ctx context.Context, client *infrahub.Client) error {
			return client.Credentials(false).Update(ctx, infrahub.Credential{ID: missingID, Name: "a"}, infrahub.Credential{Name: "b"})
		}, "UpdateCredential", "Credentials", true},
		"update of a read-only repository": {updateRepository(infrahub.ReadOnly), "UpdateReadOnlyRepository", "ReadOnlyRepositories", true},
		"update of a repository":           {updateRepository(infrahub.ReadWrite), "UpdateRepository", "Repositories", true},
		"delete of a credential": {func(ctx context.Context, client *infrahub.Client) error {
			return client.Credentials(false).Delete(ctx, missingID)
		}, "DeleteCredential", "Credentials", false},
		"delete of a read-only repository": {deleteRepository(infrahub.ReadOnly), "DeleteReadOnlyRepository", "ReadOnlyRepositories", false},
		"delete of a repository":           {deleteRepository(infrahub.ReadWrite), "DeleteRepository", "Repositories", false},
	} {
		for version, operations := range map[string][]string{
			"1.9.9": {test.mutation, test.read}, "1.11.9": {test.mutation},
		} {
			t.Run(name+", "+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{Version: version})
					err := test.change(t.Context(), s.client(t))
					if errors.Is(err, infrahub.ErrNotFound) != test.fails || (err != nil) != test.fails {
						t.Errorf("got %v, want ErrNotFound: %t", err, test.fails)
					}
					s.wantOperations(t, operations...)
				})
			})
		}
	}
}

func TestError_FailedUpdateOfAnExistingNodeKeepsItsError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{Version: "1.9.9"})
		client := s.client(t)
		for _, name := range []string{"a", "b"} {
			_, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: name})
			must(t, err)
		}
		before, err := client.Credentials(false).GetByName(t.Context(), "a")
		must(t, err)
		err = client.Credentials(false).Update(t.Context(), *before, infrahub.Credential{Name: "b", Label: before.Label})
		wantKind(t, err, nil)
		wantError(t, err, errorFields{operation: "UpdateCredential", field: "name", message: "Violates uniqueness constraint 'name'"})
	})
}
