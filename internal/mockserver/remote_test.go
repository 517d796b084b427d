package mockserver_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The remote has a password. The credential is right, wrong or missing, or the remote refuses it after the
// check at create.
func TestRemote_Credential(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	newRemote(t, root, "private/r.git")
	newRemote(t, root, "r.git")
	served, err := gitserver.Handler(root, gitserver.Options{Username: "bot", Password: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	var refuse atomic.Bool
	git := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			r.Header.Del("Authorization")
		}
		served.ServeHTTP(w, r)
	}))
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	m.Ask(t, `mutation{a:CorePasswordCredentialCreate(data:{name:{value:"right"} username:{value:"bot"} password:{value:"s3cret"}}){ok}
		b:CorePasswordCredentialCreate(data:{name:{value:"wrong"} username:{value:"bot"} password:{value:"bad"}}){ok}}`)
	create := func(name, credential, path string) mocktest.Response {
		return m.Post(t, "main", `mutation($n:String $l:String){CoreReadOnlyRepositoryCreate(data:{name:{value:$n} location:{value:$l} ref:{value:"v1.0.0"} `+credential+`}){object{id}}}`,
			"n", name, "l", git+path)
	}
	if got := create("a", ``, "/private/r.git").Text("errors.0.message"); got != "Unable to correctly lookup credentials for repository a ("+git+"/private/r.git)." {
		t.Errorf("without credential: %q", got)
	}
	if got := create("b", `credential:{hfid:["wrong"]}`, "/private/r.git").Text("errors.0.message"); got != "Authentication failed for b, please validate the credentials." {
		t.Errorf("with a wrong credential: %q", got)
	}
	if got := create("c", ``, "/none.git").Text("errors.0.message"); got != "\n  stderr: 'fatal: repository '"+git+"/none.git/' not found'" {
		t.Errorf("without repository: %q", got)
	}
	id := create("d", `credential:{hfid:["right"]}`, "/private/r.git").Text("data.CoreReadOnlyRepositoryCreate.object.id")
	refuse.Store(true)
	m.WaitForTasks(t)
	if got := m.state(t, &mocktest.Remote{}, "main", id); got != "- unknown error-cred" {
		t.Errorf("refused after the check: %q", got)
	}
	if reason := m.failureReason(t, id, add); !strings.Contains(reason, "RepositoryCredentialsError: Authentication failed for d, please validate the credentials.") {
		t.Errorf("the reason is %q", reason)
	}
	got := m.Ask(t, `mutation($id:String!){InfrahubRepositoryConnectivity(data:{id:$id}){ok message}}`, "id", id)
	if got.At("data.InfrahubRepositoryConnectivity.ok") != false {
		t.Errorf("connectivity: %s", got.Body)
	}
	refuse.Store(false)
	got = m.Ask(t, `mutation($id:String!){InfrahubRepositoryConnectivity(data:{id:$id}){ok message}}`, "id", id)
	if got.At("data.InfrahubRepositoryConnectivity.message") != "Successfully accessed repository" || m.state(t, &mocktest.Remote{}, "main", id) != "- unknown online" {
		t.Errorf("connectivity: %s", got.Body)
	}
}
