package mockserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestRecorder_RecordsRequests(t *testing.T) {
	t.Parallel()
	var passed string
	recorder := mockserver.Record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		passed = string(body)
		w.Header().Set("X-Request-Id", "abc")
		w.WriteHeader(http.StatusTeapot)
	}))
	ask := func(path, body string) mockserver.Request {
		t.Helper()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		request.Header.Set("X-Priority", "low")
		recorder.ServeHTTP(httptest.NewRecorder(), request)
		logged := recorder.Requests()
		return logged[len(logged)-1]
	}
	body := `{"query":"mutation M($p:String){a:BuiltinTagCreate(data:{name:{value:$p}}){ok} BuiltinTagDelete(data:{}){ok}}","variables":{"p":"x"}}`
	got := ask("/graphql/release/2", body)
	if passed != body {
		t.Errorf("the handler got %q", passed)
	}
	if got.Branch != "release/2" || got.Operation != "M" || !got.Mutation || got.Status != http.StatusTeapot || got.RequestID != "abc" ||
		got.Header.Get("X-Priority") != "low" || got.Duration <= 0 || got.Time.IsZero() {
		t.Errorf("got %+v", got)
	}
	if difference := cmp.Diff([]string{"BuiltinTagCreate", "BuiltinTagDelete"}, got.Fields); difference != "" {
		t.Errorf("fields: %s", difference)
	}
	if difference := cmp.Diff(map[string]any{"p": "x"}, got.Variables); difference != "" {
		t.Errorf("variables: %s", difference)
	}
	if got := ask("/api/auth/login", `{"password":"x"}`); got.Operation != "login" || got.Variables != nil || got.Branch != "" {
		t.Errorf("login: got %+v", got)
	}
	if got := ask("/graphql", `{"query":"{BuiltinTag{count}}"}`); got.Branch != "main" || got.Mutation {
		t.Errorf("query: got %+v", got)
	}
	if got := ask("/graphql", `nope`); got.Operation != "" || got.Fields != nil {
		t.Errorf("not JSON: got %+v", got)
	}
	if recorder.Reset(); len(recorder.Requests()) != 0 {
		t.Error("a reset deletes nothing")
	}
}
