package mocktest

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Endpoint is the address of an Infrahub, mock or live, and the token for it.
type Endpoint struct {
	Address, Token string
	// Client sends the requests; nil is http.DefaultClient. A live server that crashes drops its
	// connections without notice: a test that crashes one needs a client without keep-alives.
	Client *http.Client
}

// Send sends a request and returns the response. Headers are pairs of a name and a value. It works
// in a cleanup, too, after the context of the test has ended.
func (e Endpoint) Send(t testing.TB, method, path, body string, headers ...string) Response {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, e.Address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := cmp.Or(e.Client, http.DefaultClient).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	received := Response{Status: response.StatusCode, Header: response.Header, Body: string(content)}
	if json.Unmarshal(content, &received.parsed) != nil {
		received.parsed = nil // the body is text
	}
	return received
}

// Post sends a GraphQL document to a branch and returns the response, errors included. Variables are
// pairs of a name and a value.
func (e Endpoint) Post(t testing.TB, branch, document string, variables ...any) Response {
	t.Helper()
	return e.Send(t, http.MethodPost, "/graphql/"+branch, requestBody(t, document, variables), "X-INFRAHUB-KEY", e.Token)
}

// Ask sends a GraphQL document to main and fails the test if the response has errors.
func (e Endpoint) Ask(t testing.TB, document string, variables ...any) Response {
	t.Helper()
	received := e.Post(t, "main", document, variables...)
	if received.Status != http.StatusOK || received.At("errors") != nil {
		t.Fatalf("%s: %d %s", document, received.Status, received.Body)
	}
	return received
}

// WaitForTasks waits until no task of the server is scheduled or running.
func (e Endpoint) WaitForTasks(t testing.TB) {
	t.Helper()
	const timeout = 20 * time.Second
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if e.Ask(t, `{InfrahubTask(state:[SCHEDULED PENDING RUNNING]){count}}`).At("data.InfrahubTask.count") == 0.0 {
			return
		}
	}
	t.Fatalf("tasks are still running after %s", timeout)
}

func requestBody(t testing.TB, document string, variables []any) string {
	t.Helper()
	named := map[string]any{}
	for i := 0; i+1 < len(variables); i += 2 {
		name, _ := variables[i].(string)
		named[name] = variables[i+1]
	}
	body, err := json.Marshal(map[string]any{"query": document, "variables": named})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Response is a response to a request.
type Response struct {
	Status int
	Header http.Header
	Body   string
	parsed any
}

// At returns the value at a path in the JSON of the body, nil if there is none. A path is keys and
// indexes with dots between them, as in "data.BuiltinTag.edges.0.node.id".
func (r Response) At(path string) any {
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

// Text returns the string at a path, "" if there is none.
func (r Response) Text(path string) string {
	text, _ := r.At(path).(string)
	return text
}

// JSON returns the value at a path as JSON with sorted keys, "null" if there is none.
func (r Response) JSON(t testing.TB, path string) string {
	t.Helper()
	written, err := json.Marshal(r.At(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}
