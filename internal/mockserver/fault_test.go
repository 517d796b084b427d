package mockserver_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// try sends a request that may get no answer.
func (m mock) try(t *testing.T, path, body string) (reply, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-INFRAHUB-KEY", mockserver.DefaultToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	content, err := io.ReadAll(response.Body)
	return reply{status: response.StatusCode, header: response.Header, text: string(content)}, errors.Join(err, response.Body.Close())
}

func (m mock) tags(t *testing.T) any {
	t.Helper()
	return m.ask(t, `query Tags{BuiltinTag{count}}`).at("data.BuiltinTag.count")
}

func TestFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fault  mockserver.Fault
		status int    // 0: no answer
		text   string // what the answer is
		done   bool   // whether the tag is made
	}{
		{"status", mockserver.Fault{Operation: "BuiltinTagCreate", Times: 1, Status: 502, Body: "<html>", ContentType: "text/html"}, 502, "<html>", false},
		{"status after the change", mockserver.Fault{Times: 1, After: true, Status: 504}, 504, "", true},
		{"drop", mockserver.Fault{Times: 1, Drop: true}, 0, "", false},
		{"drop after the change", mockserver.Fault{Times: 1, After: true, Drop: true}, 0, "", true},
		{"truncated", mockserver.Fault{Times: 1, TruncateBody: true}, 0, "", true},
		{"another operation", mockserver.Fault{Operation: "BuiltinTagDelete", Status: 502}, 200, `{"data":{"BuiltinTagCreate":{"ok":true}}}`, true},
		{"delay alone", mockserver.Fault{Times: 1, Delay: time.Millisecond}, 200, `{"data":{"BuiltinTagCreate":{"ok":true}}}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := start(t, mockserver.Options{})
			m.Inject(test.fault)
			got, err := m.try(t, "/graphql", createTag)
			if (err != nil) != (test.status == 0) || test.status != 0 && (got.status != test.status || got.text != test.text) {
				t.Errorf("got %d %q, %v", got.status, got.text, err)
			}
			if made := m.tags(t) == 1.0; made != test.done {
				t.Errorf("the tag is there: %v, want %v", made, test.done)
			}
		})
	}
}

func TestFault_RetryAfter(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Times: 2, Status: http.StatusTooManyRequests, RetryAfter: 1500 * time.Millisecond})
	for range 2 {
		if got, err := m.try(t, "/graphql/main", readTags); err != nil || got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "2" {
			t.Errorf("got %d %v, %v", got.status, got.header, err)
		}
	}
	if m.tags(t) != 0.0 {
		t.Error("the third request fails too")
	}
}

func TestFault_OperationNames(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Operation: "login", Times: 1, Status: 503})
	m.Inject(mockserver.Fault{Operation: "Named", Times: 1, Status: 502})
	m.tags(t)
	if got, err := m.try(t, "/api/auth/login", loginBody); err != nil || got.status != 503 {
		t.Errorf("login: got %d, %v", got.status, err)
	}
	if got, err := m.try(t, "/graphql", `{"query":"query Named{BuiltinTag{count}}"}`); err != nil || got.status != 502 {
		t.Errorf("by the name of the operation: got %d, %v", got.status, err)
	}
}

func TestFault_StuckTask(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Operation: add, Times: 1, StuckTask: true})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.readOnly(t, r, "r", "v1.0.0")
	for len(m.tasks(t, id)) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	if got := m.tasks(t, id); len(got) != 1 || got[0] != add+" RUNNING" {
		t.Errorf("got %v", got)
	}
	if got := m.state(t, r, "main", id); got != "- unknown unknown" {
		t.Errorf("got %q", got)
	}
}

func TestFault_NoTasks(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{NoTasks: true})
	got := m.on(t, "main", `{InfrahubTask{count}}`)
	if got.at("data") != nil || got.at("errors.0.extensions.code") != "PERMISSION_DENIED" || got.at("errors.0.extensions.http_status") != 403.0 {
		t.Errorf("got %d %s", got.status, got.text)
	}
}

func TestLog_HoldsNoVariables(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	server, err := mockserver.New(mockserver.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	body := `{"query":"query Find($n:String){CorePasswordCredential(name__value:$n){count}}","variables":{"n":"s3cret"}}`
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, request)
	line := log.String()
	for _, want := range []string{"operation=Find", "branch=main", "status=200", "request_id=" + answer.Header().Get("X-Request-Id")} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, "s3cret") {
		t.Errorf("the log holds a variable: %s", line)
	}
}
