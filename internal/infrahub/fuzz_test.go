package infrahub

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"

	genqlient "github.com/Khan/genqlient/graphql"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// expectPrintable fails the test if a text of the server is too long for a person, or could steer a terminal.
func expectPrintable(t *testing.T, text string, maxBytes int) {
	t.Helper()
	if len(text) > maxBytes {
		t.Errorf("%d bytes: %.80q…", len(text), text)
	}
	if at := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); at >= 0 {
		t.Errorf("a control character at %d of %q", at, text)
	}
}

// FuzzResponse asserts that a response is either read, and then lacks nothing that is used, or becomes an error that can be shown.
func FuzzResponse(f *testing.F) {
	for _, body := range []string{
		`{"data":{"CoreReadOnlyRepository":{"edges":[{"node":{"id":"1","name":{"value":"n"},"credential":{"node":{"id":"2"}},"tags":{"edges":[{"node":{"name":{"value":"t"}}}]}}}]}}}`,
		`{"data":null,"errors":[{"message":"No.","extensions":{"code":"NODE_NOT_FOUND","http_status":404,"data":{"node_kind":"CoreCredential"}}}]}`,
		`{"errors":["Branch: x not found."]}`, `{"errors":[null]}`, `{"errors":{}}`, `{"data":null}`, `null`, `[]`, `<html>`, `Internal Server Error`, "\x1b[2J",
	} {
		f.Add(body, http.StatusOK, "application/json", "")
		f.Add(body, http.StatusUnauthorized, "text/html", "https://login.example.com/?token=x")
	}
	f.Fuzz(func(t *testing.T, body string, status int, contentType, location string) {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}, "Location": {location}}}
		var data graphql.ReadOnlyRepositoriesResponse
		err := decode("ReadOnlyRepositories", resp, []byte(body), &genqlient.Response{Data: &data})
		_ = isMergeInProgress([]byte(body))
		if err == nil {
			for _, repository := range nodesOf(data.CoreReadOnlyRepository.Edges, newReadOnly) {
				if repository.ID == "" {
					t.Errorf("a repository without an id from %q", body)
				}
			}
			return
		}
		failure, ok := errors.AsType[*Error](err)
		if !ok || failure.Message == "" {
			t.Fatalf("%q became %#v", body, err)
		}
		expectPrintable(t, failure.Error(), maxMessageBytes+200)
		_ = OutcomeUnknown(loginError("login", resp, []byte(body)))
	})
}

// FuzzTask asserts that whatever a task holds, it is a task, and belongs to a repository only if its parameters say so.
func FuzzTask(f *testing.F) {
	for _, parameters := range []string{
		`{"model":{"repository_id":"1","infrahub_branch_name":"main","ref":"v1","commit":null}}`, `{"model":null}`, `{"model":[]}`, `null`, `"text"`, `{`, `{"model":{"ref":{}}}`,
		`{"infrahub_branch":"main"}`,
	} {
		f.Add(parameters, "FAILED", "2026-01-01T00:00:00Z", "0000-00-00")
	}
	f.Fuzz(func(t *testing.T, parameters, state, created, started string) {
		raw, stateType, workflow := json.RawMessage(parameters), graphql.StateType(state), "git-repository-pull-read-only"
		report := newTaskReport(graphql.RepositoryTask{
			Id: "1", State: &stateType, Workflow: &workflow, Created_at: created, Updated_at: started, Start_time: &started, Parameters: &raw,
		})
		if report.Model.RepositoryID != "" && !strings.Contains(parameters, "model") && !json.Valid([]byte(parameters)) {
			t.Errorf("%s belongs to the repository %q", parameters, report.Model.RepositoryID)
		}
		if described := report.describe(); described.Duration != nil && *described.Duration < 0 {
			t.Errorf("a duration of %s", described.Duration)
		}
		_, _ = report.isAlive(), report.at()
	})
}

// FuzzTaskLog asserts that the log of a task becomes one line that can be shown.
func FuzzTaskLog(f *testing.F) {
	for _, message := range []string{
		`Finished in state Failed('Flow run encountered an exception: ValueError: Ref v9 not found.')`,
		`Encountered exception during execution: GraphQLError("{'message': \"x\", 'extensions': {'code': 'NODE_NOT_FOUND'}}")`,
		"Finished in state Failed(\"Flow run encountered an exception: GitCommandError: Cmd('git') failed due to: exit code(128)\\n  cmdline: git fetch\\n  stderr: 'fatal: x'\")",
		"Task run failed with exception: ValidationError(1 validation error for InfrahubRepositoryConfig\nqueries\n  Input should be a valid list [type=list_type, x])",
	} {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		raised := parseException(message)
		reason := raised.reason()
		expectPrintable(t, reason, maxMessageBytes+len("…"))
		if strings.ContainsAny(reason, "\n\t") {
			t.Errorf("%q has several lines", reason)
		}
		_ = raised.cause()
		_, _, _ = raised.object()
	})
}

// FuzzRelease asserts that the version of a server is a release, or an error.
func FuzzRelease(f *testing.F) {
	for _, version := range []string{"1.11.9", "1.9.0rc1", "v1.10.0-rc.1+build", "", "1", "99999999999999999999.0.0", "1.2.3.4", "1.9.9\x1b"} {
		f.Add(version)
	}
	f.Fuzz(func(t *testing.T, version string) {
		if release, err := parseRelease(version); err == nil && release.Prerelease() != "" {
			t.Errorf("%q became the prerelease %s", version, release)
		}
	})
}

// FuzzTokenExpiry asserts that any access token has an expiry.
func FuzzTokenExpiry(f *testing.F) {
	for _, token := range []string{"", "a.b.c", "a.eyJleHAiOjE3MDAwMDAwMDB9.c", "a.eyJleHAiOiJ4In0.c", "a.bnVsbA.c", "a.eyJleHAiOi05MjIzMzcyMDM2ODU0Nzc1ODA4fQ.c"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if expiry(token).IsZero() {
			t.Errorf("%q has no expiry", token)
		}
	})
}

// FuzzBranchInURL asserts that no name of a branch leads a request, and its token, to another place than the GraphQL of the server.
func FuzzBranchInURL(f *testing.F) {
	for _, branch := range []string{"main", "release/1.2", "..", "../../api", "a/../../../x", "%2e%2e/x", "a?b#c", "//evil.example.com", ".", "a//b"} {
		f.Add(branch)
	}
	client, err := New(Config{Address: &url.URL{Scheme: "https", Host: "infrahub.test", Path: "/base"}, Branch: "main", Token: sensitive.New("token")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, branch string) {
		endpoint := client.graphql.withBranch(branch).endpoint
		if endpoint.Host != "infrahub.test" || endpoint.RawQuery != "" || endpoint.Fragment != "" ||
			endpoint.Path != "/base/graphql" && !strings.HasPrefix(endpoint.Path, "/base/graphql/") {
			t.Errorf("%q leads to %s", branch, endpoint)
		}
	})
}
