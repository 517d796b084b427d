package mocktest_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

const createTag = `mutation Create($name: String) { BuiltinTagCreate(data: {name: {value: $name}}) { ok } }`

func TestServer_LogHoldsOnlyWhatCameOverTheNetwork(t *testing.T) {
	t.Parallel()
	server := mocktest.Start(t, mockserver.Options{Token: "abc"})
	server.Ask(t, createTag, "name", "beside the log")
	network := mocktest.Endpoint{Address: server.Address, Token: "abc"}
	network.Ask(t, createTag, "name", "logged")
	network.Ask(t, `{ BuiltinTag { count } }`)
	network.Ask(t, `mutation CreateFromInput($data: BuiltinTagCreateInput!) { BuiltinTagCreate(data: $data) { ok } }`,
		"data", map[string]any{"name": map[string]any{"value": "input"}, "description": map[string]any{"value": "d"}})
	if difference := cmp.Diff([]string{"Create: name", "CreateFromInput: description name"}, mocktest.Mutations(server.Log.Requests())); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
}

func TestServer_WorksInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := mocktest.New(t, mockserver.Options{Delay: mockserver.LiveDelay})
		remote := mocktest.NewRemote(t, t.TempDir(), "r.git", "v1.0.0")
		server.Ask(t, `mutation($l: String) { CoreReadOnlyRepositoryCreate(data: {name: {value: "r"}, location: {value: $l}, ref: {value: "v1.0.0"}}) { ok } }`,
			"l", remote.Path)
		server.WaitForTasks(t)
		got := server.Ask(t, `{ CoreReadOnlyRepository { edges { node { commit { value } } } } }`)
		if commit := got.Text("data.CoreReadOnlyRepository.edges.0.node.commit.value"); commit != remote.Commits["v1.0.0"] {
			t.Errorf("got %s", got.Body)
		}
	})
}

func TestResponse_Paths(t *testing.T) {
	t.Parallel()
	got := mocktest.New(t, mockserver.Options{}).Post(t, "main", `{ Branch { name is_default } nope }`)
	for path, want := range map[string]string{
		"errors.0.extensions.http_status": `500`, "errors.1": `null`, "data": `null`, "errors.first": `null`, "errors.0.message.0": `null`,
	} {
		if value := got.JSON(t, path); value != want {
			t.Errorf("%s: got %s, want %s", path, value, want)
		}
	}
	if text := got.Text("errors.0.extensions.http_status"); text != "" {
		t.Errorf("a number is the text %q", text)
	}
}

func TestRemote_CommitsAndNames(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r := mocktest.NewRemote(t, root, "r.git", "v1.0.0")
	r.Branch(t, "feature")
	r.Commit(t, "feature", mocktest.QueryFiles("q", "1"))
	r.Branch(t, "main")
	r.Commit(t, "main", mocktest.BrokenFiles())
	r.AnnotatedTag(t, "v2.0.0")
	if r.Commits["v2.0.0"] != r.Commits["main"] || r.NameOf(r.Commits["main"]) != "v2.0.0" || r.NameOf("none") != "none" {
		t.Errorf("commits: %v", r.Commits)
	}
	address := mocktest.ServeGit(t, root, gitserver.Options{})
	refs := mocktest.Endpoint{Address: address}.Send(t, http.MethodGet, "/r.git/info/refs", "").Body
	want := r.Commits["feature"] + "\trefs/heads/feature\n" + r.Commits["main"] + "\trefs/heads/main\n" + r.Commits["v1.0.0"] + "\trefs/tags/v1.0.0\n"
	if len(refs) < len(want) || refs[:len(want)] != want {
		t.Errorf("the remote has %s, want %s", refs, want)
	}
}
