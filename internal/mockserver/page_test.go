package mockserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func (m mock) page(t *testing.T) string {
	t.Helper()
	got := m.Send(t, http.MethodGet, "/", "")
	if got.Status != http.StatusOK || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d %s", got.Status, got.Header.Get("Content-Type"))
	}
	return got.Body
}

func TestPage_Empty(t *testing.T) {
	t.Parallel()
	page := start(t, mockserver.Options{}).page(t)
	for _, want := range []string{"Infrahub 1.11.9", "<h3>main ", "Nothing yet.", "None yet."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestPage_ShowsTheContentWithoutSecrets(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	const secret = "canary-7d793037a0760186"
	m.Ask(t, `mutation{BranchCreate(data:{name:"release" description:"<b>Next</b>"}){ok}}`)
	r := newRemote(t, t.TempDir(), "r.git")
	good := m.importReadOnly(t, r, "pinned", "v1.0.0")
	m.Ask(t, `mutation($id:String $l:String){CoreReadOnlyRepositoryUpdate(data:{id:$id location:{value:$l}}){ok}}`, "id", good, "l", "http://user:"+secret+"@127.0.0.1:9/r.git")
	m.changeRef(t, "main", good, "none")
	m.WaitForTasks(t)
	m.Ask(t, `mutation MakeCredential($p:String){CorePasswordCredentialCreate(data:{name:{value:"git"} username:{value:"bot"} password:{value:$p}}){ok}}`, "p", secret)
	m.Post(t, "main", `query Gone{`)
	page := m.page(t)
	for _, want := range []string{
		"<h3>main ", "<h3>release ", "&lt;b&gt;Next&lt;/b&gt;", "<td>CorePasswordCredential</td>", "<dt>username</dt><dd>bot</dd>",
		"<dt>ref</dt><dd>none</dd>", "<dd>" + r.Commits["v1.0.0"] + "</dd>", "http://…@127.0.0.1:9/r.git", "Adding read only repository pinned in branch main", `class="COMPLETED"`,
		`class="FAILED"`, "Finished in state Failed(", "<td class=\"wide\">MakeCredential</td><td>main</td><td class=\"\">200</td>", `<td class="failed">500</td>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, secret) {
		t.Error("the page shows a secret")
	}
	if strings.Contains(page, "<script") {
		t.Error("the page has a script")
	}
}
