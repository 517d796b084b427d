package mockserver_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// try sends a request that may get no response.
func (m mock) try(t *testing.T, path, body string) (mocktest.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.Address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-INFRAHUB-KEY", mockserver.DefaultToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return mocktest.Response{}, err
	}
	content, err := io.ReadAll(response.Body)
	return mocktest.Response{Status: response.StatusCode, Header: response.Header, Body: string(content)}, errors.Join(err, response.Body.Close())
}

func (m mock) tags(t *testing.T) any {
	t.Helper()
	return m.Ask(t, `query Tags{BuiltinTag{count}}`).At("data.BuiltinTag.count")
}

func TestFault_ReplacesOrDelaysTheResponse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fault  mockserver.Fault
		status int    // 0: no response
		text   string // the body of the response
		done   bool   // whether the tag is created
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
			if (err != nil) != (test.status == 0) || test.status != 0 && (got.Status != test.status || got.Body != test.text) {
				t.Errorf("got %d %q, %v", got.Status, got.Body, err)
			}
			if created := m.tags(t) == 1.0; created != test.done {
				t.Errorf("the tag was created: %v, want %v", created, test.done)
			}
		})
	}
}

func TestFault_RetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Times: 2, Status: http.StatusTooManyRequests, RetryAfter: 1500 * time.Millisecond})
	for range 2 {
		if got, err := m.try(t, "/graphql/main", readTags); err != nil || got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "2" {
			t.Errorf("got %d %v, %v", got.Status, got.Header, err)
		}
	}
	if m.tags(t) != 0.0 {
		t.Error("the third request fails too")
	}
}

func TestFault_MatchesOperationNames(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Operation: "login", Times: 1, Status: 503})
	m.Inject(mockserver.Fault{Operation: "Named", Times: 1, Status: 502})
	m.tags(t)
	if got, err := m.try(t, "/api/auth/login", loginBody); err != nil || got.Status != 503 {
		t.Errorf("login: got %d, %v", got.Status, err)
	}
	if got, err := m.try(t, "/graphql", `{"query":"query Named{BuiltinTag{count}}"}`); err != nil || got.Status != 502 {
		t.Errorf("by the name of the operation: got %d, %v", got.Status, err)
	}
}

func TestFault_StuckTaskRunsForEver(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Operation: add, Times: 1, StuckTask: true})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.createReadOnly(t, r, "r", "v1.0.0")
	until(t, "the start of the import", func() bool { return len(m.tasks(t, id)) > 0 })
	time.Sleep(20 * time.Millisecond)
	if got := m.tasks(t, id); len(got) != 1 || got[0] != add+" RUNNING" {
		t.Errorf("got %v", got)
	}
	if got := m.state(t, r, "main", id); got != "- unknown unknown" {
		t.Errorf("got %q", got)
	}
}

func TestFault_CrashedTaskEndsAfterItsDelayOrNever(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Operation: add, Times: 1, CrashedTask: true, Delay: 50 * time.Millisecond})
	m.Inject(mockserver.Fault{Operation: add, CrashedTask: true})
	ends := m.createReadOnly(t, newRemote(t, t.TempDir(), "a.git"), "a", "v1.0.0")
	never := m.createReadOnly(t, newRemote(t, t.TempDir(), "b.git"), "b", "v1.0.0")
	until(t, "the crash", func() bool { got := m.tasks(t, never); return len(got) == 1 && got[0] == add+" CRASHED" })
	until(t, "the end", func() bool { got := m.tasks(t, ends); return len(got) > 0 && slices.Contains(got, add+" COMPLETED") })
	if got := m.tasks(t, never); len(got) != 1 || got[0] != add+" CRASHED" {
		t.Errorf("got %v", got)
	}
}

func TestFault_NoTasksRefusesTheList(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{NoTasks: true})
	got := m.Post(t, "main", `{InfrahubTask{count}}`)
	if got.At("data") != nil || got.At("errors.0.extensions.code") != "PERMISSION_DENIED" || got.At("errors.0.extensions.http_status") != 403.0 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

func TestFault_DelaysATask(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Operation: add, Times: 1, Delay: time.Minute})
	id := m.createReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
	time.Sleep(20 * time.Millisecond)
	if got := m.tasks(t, id); len(got) != 0 {
		t.Errorf("got %v, want no task that has started", got)
	}
}

func TestFault_DelayedTaskOfAPairIsLast(t *testing.T) {
	t.Parallel()
	for late, first := range map[string]string{pull: importLast, importLast: pull} {
		t.Run(late, func(t *testing.T) {
			t.Parallel()
			m := start(t, mockserver.Options{})
			id := m.importReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
			ended := func(workflow string) int {
				return strings.Count(strings.Join(m.tasks(t, id), " ")+" ", workflow+" COMPLETED ")
			}
			before := ended(first)
			m.Inject(mockserver.Fault{Operation: late, Times: 1, Delay: time.Minute})
			m.changeRef(t, "main", id, "v1.1.0")
			until(t, first+", which is not delayed", func() bool { return ended(first) > before })
		})
	}
}

func TestFault_ExpiresTokens(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	access := m.post(t, "/api/auth/login", loginBody).Text("access_token")
	m.Inject(mockserver.Fault{Operation: "BuiltinTag", Times: 1, ExpireTokens: true})
	got := m.post(t, "/graphql", readTags, "Authorization", "Bearer "+access)
	if got.Status != http.StatusUnauthorized || got.At("errors.0.extensions.code") != "TOKEN_EXPIRED" {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

func TestParseFault_Accepted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mockserver.Fault{
		"delay=2s": {Delay: 2 * time.Second},
		"operation=BuiltinTagCreate,times=2,drop": {Operation: "BuiltinTagCreate", Times: 2, Drop: true},
		"after,drop,times=1":                      {After: true, Drop: true, Times: 1},
		"status=429,retry-after=3s":               {Status: 429, RetryAfter: 3 * time.Second},
		"status=500":                              {Status: 500},
		"after, status=504":                       {After: true, Status: 504},
		"truncate":                                {TruncateBody: true},
		"operation=refresh,expire":                {Operation: "refresh", ExpireTokens: true},
		"crashed,operation=git-repository-add-read-only,delay=2m": {Operation: "git-repository-add-read-only", CrashedTask: true, Delay: 2 * time.Minute},
		"stuck,operation=git-repository-add-read-only":            {Operation: "git-repository-add-read-only", StuckTask: true},
		"no-tasks": {NoTasks: true},
	} {
		if got, err := mockserver.ParseFault(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for text, status := range map[string]int{"html": 200, "html,status=502": 502, "status=503,html": 503} {
		got, err := mockserver.ParseFault(text)
		if err != nil || got.Status != status || got.ContentType != "text/html" || !strings.HasPrefix(got.Body, "<!DOCTYPE html>") {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
}

func TestParseFault_Refused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                    `unknown fault "": use after, html, drop,`,
		"explode":             `unknown fault "explode"`,
		"drop=1":              `unknown key "drop" of a fault: use operation,`,
		"colour=red":          `unknown key "colour" of a fault`,
		"operation=A,times=2": "the fault has no effect",
		"after,truncate":      "after needs delay, status, html or drop",
		"drop,retry-after=1s": "retry-after needs status",
		"status=99":           "invalid value: status=99",
		"status=x":            "invalid value: status=x",
		"drop,times=-1":       "invalid value: times=-1",
		"delay=soon":          "invalid value: delay=soon",
		"delay=-1s":           "invalid value: delay=-1s",
	} {
		if _, err := mockserver.ParseFault(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
