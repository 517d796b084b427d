package mockserver_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

func TestServer_LogHasNoVariables(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	server := mocktest.New(t, mockserver.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	got := server.Post(t, "main", `query Find($n:String){CorePasswordCredential(name__value:$n){count}}`, "n", "s3cret")
	line := log.String()
	for _, want := range []string{"operation=Find", "branch=main", "status=200", "request_id=" + got.Header.Get("X-Request-Id")} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, "s3cret") {
		t.Errorf("the log has a variable: %s", line)
	}
}

func TestServer_ErrorsOf19HaveNoExtensions(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Version: "1.9.9"})
	got := m.Post(t, "main", `mutation{BuiltinTagDelete(data:{id:"x"}){ok}}`)
	if want := `{"data":{"BuiltinTagDelete":null},"errors":[{"message":"Unable to find the node x / BuiltinTag in the database.","locations":[{"line":1,"column":10}],"path":["BuiltinTagDelete"]}]}`; got.Body != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
	got = m.post(t, "/graphql", createTag)
	if want := `{"data":null,"errors":[{"extensions":{"code":401},"message":"Authentication is required to perform this operation"}]}`; got.Body != want {
		t.Errorf("got %s, want %s", got.Body, want)
	}
	got = m.Post(t, "main", `mutation{InfrahubReadOnlyRepositoryImportLastCommit(data:{id:"x"}){ok}}`)
	if want := "Unable to find the node x / <class 'infrahub.core.protocols.CoreReadOnlyRepository'> in the database."; got.Text("errors.0.message") != want {
		t.Errorf("got %s", got.Body)
	}
	if version := m.Ask(t, `{InfrahubInfo{version}}`).At("data.InfrahubInfo.version"); version != "1.9.9" {
		t.Errorf("got version %v", version)
	}
}

func TestServer_Info(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	if got := m.Send(t, http.MethodGet, "/api/info", ""); got.At("version") != "1.11.9" || got.Text("deployment_id") == "" {
		t.Errorf("got %s", got.Body)
	}
}
