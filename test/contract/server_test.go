// Package contract proves facts about Infrahub: against the bundled mock, as 1.11.9 and as 1.9.9, or
// against the Infrahub that INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name. A test is named after the
// fact that it proves; CONFORMANCE.md lists them.
package contract

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// versions are those that the mock can be.
const (
	newest = mockserver.DefaultVersion
	oldest = "1.9.9"
)

const (
	gitUsername = "bot"
	gitPassword = "s3cret-token"
)

// server is the Infrahub of one test, and a Git server beside it.
type server struct {
	address, token string
	// version is what the server says that it is.
	version string
	// mock is nil where a live server is tested.
	mock *mockserver.Server
	// suffix makes names unique: a live server is shared.
	suffix string
	// git is the address of the Git server, and root the directory of its repositories.
	git, root string
	// told are the tasks that a test has waited for, by id.
	told map[string]bool
}

// prove runs a test against a live server, if there is one, else against the mock in each of its
// versions, without delays.
func prove(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	each(t, mockserver.NoDelay, test)
}

// proveInTime is prove for the order of states: the mock takes its time.
func proveInTime(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	each(t, mockserver.LiveDelay, test)
}

// unlessLive makes a test parallel on the mock alone. On a live server a test that merges a branch runs
// before all others: a merge takes back the refs of all repositories (infrahub.md, Branches).
func unlessLive(parallel func()) {
	if os.Getenv("INFRAHUB_ADDRESS") == "" {
		parallel()
	}
}

func each(t *testing.T, delay mockserver.Delay, test func(t *testing.T, s *server)) {
	t.Helper()
	if address := os.Getenv("INFRAHUB_ADDRESS"); address != "" {
		s := &server{address: strings.TrimRight(address, "/"), token: os.Getenv("INFRAHUB_API_TOKEN")}
		s.prepare(t)
		t.Attr("live", s.version) // what `make contract` makes CONFORMANCE.md of
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

// mockOnly says for CONFORMANCE.md what of a fact a live server cannot be asked; true if it is one
// that can: the mock.
func (s *server) mockOnly(t *testing.T, why string) bool {
	t.Helper()
	if s.mock == nil {
		t.Attr("note", "not asked of a live server: "+why)
	}
	return s.mock != nil
}

// newMock starts a mock and what is beside it.
func newMock(t *testing.T, options mockserver.Options) *server {
	t.Helper()
	options.AppendGitSuffix = []string{"localhost"}
	mock, err := mockserver.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mock.Close)
	s := &server{address: serve(t, mock), token: mockserver.DefaultToken, mock: mock}
	s.prepare(t)
	return s
}

func (s *server) prepare(t *testing.T) {
	t.Helper()
	s.suffix, s.root, s.told = letters(8), t.TempDir(), map[string]bool{}
	handler, err := gitserver.Handler(s.root, gitserver.Options{Username: gitUsername, Password: gitPassword})
	if err != nil {
		t.Fatal(err)
	}
	s.git = serve(t, handler)
	s.version = s.ask(t, `{InfrahubInfo{version}}`).text("data.InfrahubInfo.version")
}

// old reports whether the server's errors have no extensions.
func (s *server) old() bool { return strings.HasPrefix(s.version, "1.9.") }

// letters is a random word.
func letters(length int) string {
	word := make([]byte, length)
	for i := range word {
		word[i] = byte('a' + rand.IntN(26))
	}
	return string(word)
}

// serve listens on loopback until the test ends.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	return listening.URL
}

// name makes a name unique on a shared server.
func (s *server) name(base string) string { return base + "-" + s.suffix }

// closed is the address of a port that nothing listens on.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}

// onLocalhost is an address of the Git server under a host that has ".git" appended: a live server
// needs localhost in git.append_git_suffix.
func (s *server) onLocalhost(t *testing.T) string {
	t.Helper()
	parsed, err := url.Parse(s.git)
	if err != nil {
		t.Fatal(err)
	}
	return "http://localhost:" + parsed.Port()
}

// reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	body   string
	parsed any
}

// at returns what a dotted path leads to, nil if it leads nowhere.
func (r reply) at(path string) any {
	value := r.parsed
	for step := range strings.SplitSeq(path, ".") {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(inner) {
				return nil
			}
			value = inner[i]
		default:
			return nil
		}
	}
	return value
}

// text is the string that a path leads to, "" if there is none.
func (r reply) text(path string) string {
	text, _ := r.at(path).(string)
	return text
}

// json is what a path leads to, written out: null if it leads nowhere.
func (r reply) json(t *testing.T, path string) string {
	t.Helper()
	written, err := json.Marshal(r.at(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// send sends a request with headers: pairs of a name and a value.
func (s *server) send(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	// What a test made is deleted after its own context has ended.
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true // after a crash the live server drops the connection without saying so
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	got := reply{status: response.StatusCode, header: response.Header, body: string(content)}
	if json.Unmarshal(content, &got.parsed) != nil {
		got.parsed = nil // text
	}
	return got
}

// question is the body of a GraphQL request. Variables are pairs of a name and a value.
func question(t *testing.T, document string, variables ...any) string {
	t.Helper()
	named := map[string]any{}
	for i := 0; i+1 < len(variables); i += 2 {
		name, _ := variables[i].(string)
		named[name] = variables[i+1]
	}
	written, err := json.Marshal(map[string]any{"query": document, "variables": named})
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

// on sends a document to a branch.
func (s *server) on(t *testing.T, branch, document string, variables ...any) reply {
	t.Helper()
	return s.send(t, http.MethodPost, "/graphql/"+branch, question(t, document, variables...), "X-INFRAHUB-KEY", s.token)
}

// ask sends a document to main and expects no errors.
func (s *server) ask(t *testing.T, document string, variables ...any) reply {
	t.Helper()
	got := s.on(t, "main", document, variables...)
	if got.status != http.StatusOK || got.at("errors") != nil {
		t.Fatalf("%s: %d %s", document, got.status, got.body)
	}
	return got
}

// until waits for something that happens in the background.
func (s *server) until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	if s.mock != nil {
		wait(t, what, 30*time.Second, 10*time.Millisecond, happened)
		return
	}
	wait(t, what, 5*time.Minute, 500*time.Millisecond, happened)
}

// often is until with as little as possible between two looks.
func (s *server) often(t *testing.T, what string, happened func() bool) {
	t.Helper()
	wait(t, what, 3*time.Minute, 5*time.Millisecond, happened)
}

func wait(t *testing.T, what string, patience, interval time.Duration, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(interval) {
		if happened() {
			return
		}
	}
	t.Fatalf("waited %s for: %s", patience, what)
}

// failure is an error as the server words it. A code of "" is UNDEFINED_ERROR.
type failure struct {
	message, code string
	status        int
	data          string // of extensions, "{}" if it is ""
}

// refused checks that the only error of a reply is this one, that its field is null, and that the
// status is 200. Errors of 1.9 have no extensions.
func (s *server) refused(t *testing.T, got reply, field string, want failure) {
	t.Helper()
	message := got.text("errors.0.message")
	if got.status != http.StatusOK || got.at("data."+field) != nil || got.at("errors.1") != nil || message != want.message {
		t.Errorf("%s: got %d %s\nwant the error %q", field, got.status, got.body, want.message)
	}
	if path := got.json(t, "errors.0.path"); path != `["`+field+`"]` {
		t.Errorf("%s: the path is %s", field, path)
	}
	if s.old() {
		if has := got.at("errors.0.extensions"); has != nil {
			t.Errorf("%s: an error of 1.9 has extensions %v", field, has)
		}
		return
	}
	if want.code == "" {
		want.code = "UNDEFINED_ERROR"
	}
	if want.data == "" {
		want.data = "{}"
	}
	code, status, data := got.text("errors.0.extensions.code"), got.json(t, "errors.0.extensions.http_status"), got.json(t, "errors.0.extensions.data")
	if code != want.code || status != strconv.Itoa(want.status) || data != want.data {
		t.Errorf("%s: got %s %s %s\nwant %s %d %s", field, code, status, data, want.code, want.status, want.data)
	}
}

// same compares what a path of a reply leads to with its JSON.
func same(t *testing.T, got reply, path, want string) {
	t.Helper()
	if has := got.json(t, path); has != want {
		t.Errorf("%s: got %s, want %s", path, has, want)
	}
}
