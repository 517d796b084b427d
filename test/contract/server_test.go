// Package contract proves facts about Infrahub: against the bundled mock, as 1.11.9 and as 1.9.9, or against the
// Infrahub that INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name. A test is named after its fact and number in
// docs/guides/infrahub-behaviour.md. CONFORMANCE.md lists the tests.
package contract

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The versions of Infrahub that the mock can be.
const (
	newest = mockserver.DefaultVersion
	oldest = "1.9.9"
)

const (
	gitUsername = "bot"
	gitPassword = "s3cret-token"
)

// server is the Infrahub of one test, with a Git server beside it.
type server struct {
	mocktest.Endpoint
	// version is the version that the server reports.
	version string
	// mock is nil if a live server is tested.
	mock *mockserver.Server
	// suffix makes names unique, because tests share a live server.
	suffix string
	// git is the address of the Git server, and root the directory of its repositories.
	git, root string
	// awaited holds the ids of the tasks that the test has waited for.
	awaited map[string]bool
}

// prove runs a test against the live server, if there is one, or against the mock in each version, without delays.
func prove(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	proveWith(t, mockserver.NoDelay, test)
}

// proveWithDelays is prove for the order of states: the mock takes its time, as a live server does.
func proveWithDelays(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	proveWith(t, mockserver.LiveDelay, test)
}

// unlessLive makes a test parallel on the mock only. On a live server a test that merges a branch runs before all
// others, because a merge takes back the refs of all repositories (infrahub-behaviour.md, Branches 7).
func unlessLive(parallel func()) {
	if os.Getenv("INFRAHUB_ADDRESS") == "" {
		parallel()
	}
}

func proveWith(t *testing.T, delay mockserver.Delay, test func(t *testing.T, s *server)) {
	t.Helper()
	if address := os.Getenv("INFRAHUB_ADDRESS"); address != "" {
		s := newServer(t, strings.TrimRight(address, "/"), os.Getenv("INFRAHUB_API_TOKEN"))
		t.Attr("live", s.version) // for CONFORMANCE.md
		test(t, s)
		return
	}
	for _, version := range []string{newest, oldest} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newMock(t, mockserver.Options{Version: version, Delay: delay})
			t.Attr("mock", s.version)
			test(t, s)
		})
	}
}

// mockOnly reports whether the mock is tested. If not, it notes in CONFORMANCE.md what is not asked of a live
// server, and why.
func (s *server) mockOnly(t *testing.T, why string) bool {
	t.Helper()
	if s.mock == nil {
		t.Attr("note", "not asked of a live server: "+why)
	}
	return s.mock != nil
}

func newMock(t *testing.T, options mockserver.Options) *server {
	t.Helper()
	options.AppendGitSuffix = []string{"localhost"}
	mock := mocktest.New(t, options).Server
	s := newServer(t, mocktest.Serve(t, mock), mockserver.DefaultToken)
	s.mock = mock
	return s
}

func newServer(t *testing.T, address, token string) *server {
	t.Helper()
	// A live server that crashes drops its connections without notice.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if os.Getenv("INFRAHUB_ADDRESS") != "" {
		client = repeatRefused(client)
	}
	s := &server{
		Endpoint: mocktest.Endpoint{Address: address, Token: token, Client: client},
		suffix:   randomWord(8), root: t.TempDir(), awaited: map[string]bool{},
	}
	s.git = mocktest.ServeGit(t, s.root, gitserver.Options{Username: gitUsername, Password: gitPassword})
	s.version = s.Ask(t, `{InfrahubInfo{version}}`).Text("data.InfrahubInfo.version")
	return s
}

// repeatRefused returns a client that repeats what an overloaded server refuses (infrahub-behaviour.md, Errors 10): that it is
// overloaded proves and refutes no fact.
func repeatRefused(client *http.Client) *http.Client {
	repeating := retryablehttp.NewClient()
	repeating.HTTPClient, repeating.Logger, repeating.RetryMax = client, nil, 20
	repeating.CheckRetry = func(_ context.Context, response *http.Response, err error) (bool, error) {
		return err == nil && response.StatusCode == http.StatusTooManyRequests, nil
	}
	repeating.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return repeating.StandardClient()
}

// old reports whether the server is a 1.9, whose errors have no extensions (infrahub-behaviour.md, Errors 11).
func (s *server) old() bool { return strings.HasPrefix(s.version, "1.9.") }

// is110 reports whether the server is a live Infrahub 1.10, which the mock does not imitate.
func (s *server) is110() bool { return strings.HasPrefix(s.version, "1.10.") }

func randomWord(length int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	word := make([]byte, length)
	for i := range word {
		word[i] = letters[rand.IntN(len(letters))]
	}
	return string(word)
}

// name returns a name that is unique on a shared server.
func (s *server) name(base string) string { return base + "-" + s.suffix }

// unreachable is an address on which nothing listens: no server gets its port by chance, unlike one that was free a moment ago.
const unreachable = "http://127.0.0.1:1"

// gitOnLocalhost returns the address of the Git server under a host whose locations get ".git" appended: a live
// server needs localhost in git.append_git_suffix.
func (s *server) gitOnLocalhost(t *testing.T) string {
	t.Helper()
	parsed, err := url.Parse(s.git)
	if err != nil {
		t.Fatal(err)
	}
	return "http://localhost:" + parsed.Port()
}

// body returns the body of a request for a GraphQL document without variables.
func body(t *testing.T, document string) string {
	t.Helper()
	written, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// postWith sends a GraphQL document to main with headers instead of the token.
func (s *server) postWith(t *testing.T, document string, headers ...string) mocktest.Response {
	t.Helper()
	return s.Send(t, http.MethodPost, "/graphql/main", body(t, document), headers...)
}

// waitUntil waits until a condition holds that the server brings about in the background.
func (s *server) waitUntil(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if s.mock != nil {
		poll(t, what, 30*time.Second, 10*time.Millisecond, condition)
		return
	}
	poll(t, what, 15*time.Minute, 500*time.Millisecond, condition) // on a loaded machine a task may start late
}

func poll(t *testing.T, what string, timeout, interval time.Duration, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(interval) {
		if condition() {
			return
		}
	}
	t.Fatalf("waited %s for %s", timeout, what)
}

// failure is an error of the server.
type failure struct {
	message string
	code    string // UNDEFINED_ERROR if it is ""
	status  int
	data    string // of the extensions; {} if it is ""
}

// assertRefused checks that a response has the status 200, null for a field, and one error: that of the field.
// Errors of 1.9 have no extensions.
func (s *server) assertRefused(t *testing.T, got mocktest.Response, field string, want failure) {
	t.Helper()
	message := got.Text("errors.0.message")
	if got.Status != http.StatusOK || got.At("data."+field) != nil || got.At("errors.1") != nil || message != want.message {
		t.Errorf("%s: got %d %s\nwant the error %q", field, got.Status, got.Body, want.message)
	}
	if path := got.JSON(t, "errors.0.path"); path != `["`+field+`"]` {
		t.Errorf("%s: the path is %s", field, path)
	}
	if s.old() {
		if extensions := got.At("errors.0.extensions"); extensions != nil {
			t.Errorf("%s: an error of 1.9 has extensions %v", field, extensions)
		}
		return
	}
	if want.code == "" {
		want.code = "UNDEFINED_ERROR"
	}
	if want.data == "" {
		want.data = "{}"
	}
	code, status, data := got.Text("errors.0.extensions.code"), got.JSON(t, "errors.0.extensions.http_status"), got.JSON(t, "errors.0.extensions.data")
	if code != want.code || status != strconv.Itoa(want.status) || data != want.data {
		t.Errorf("%s: got %s %s %s\nwant %s %d %s", field, code, status, data, want.code, want.status, want.data)
	}
}

// assertJSON checks the JSON at a path of a response or a node.
func assertJSON(t *testing.T, in withJSON, path, want string) {
	t.Helper()
	if got := in.JSON(t, path); got != want {
		t.Errorf("%s: got %s, want %s", path, got, want)
	}
}

type withJSON interface {
	JSON(t testing.TB, path string) string
}
