package provider

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// credentialTest is a credential that the provider has created, and two repositories that need it and were imported with it.
type credentialTest struct {
	*server
	i      *instance
	config attributes
	// git is the address of the Git server.
	git string
}

func newCredentialTest(t *testing.T, config attributes) *credentialTest {
	t.Helper()
	root := t.TempDir()
	git := mocktest.ServeGit(t, root, gitserver.Options{Username: "bot", Password: secret})
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(credentialType)
	i.mustApply(config)
	for kind, name := range map[string]string{"CoreRepository": "network", "CoreReadOnlyRepository": "lab"} {
		mocktest.NewRemote(t, root, "private/"+name+".git", "v1.0.0")
		s.Ask(t, `mutation($name:String!,$location:String!,$credential:String!){
			`+kind+`Create(data:{name:{value:$name} location:{value:$location} credential:{id:$credential}}){ok}}`,
			"name", name, "location", git+"/private/"+name+".git", "credential", i.id())
	}
	s.WaitForTasks(t)
	s.Log.Reset()
	return &credentialTest{server: s, i: i, config: config, git: git}
}

func bot() attributes { return attributes{"name": "git", "username": "bot", "password": secret} }

// change applies a change of the credential.
func (c *credentialTest) change(changes attributes) diagnostics {
	c.i.t.Helper()
	return c.i.apply(c.i.plan(c.config.with(changes)))
}

func TestConnectivity_ChangedCredentialThatIsRefusedWarns(t *testing.T) {
	t.Parallel()
	writeOnly := attributes{"name": "git", "username": "bot", "password_wo": secret, "password_wo_version": 1}
	for name, test := range map[string]struct {
		config, changes attributes
		attribute       string
	}{
		"password":            {bot(), attributes{"password": "wrong"}, "password"},
		"no password":         {bot(), attributes{"password": nil}, "password"},
		"username":            {bot(), attributes{"username": "other"}, "username"},
		"write-only password": {writeOnly, attributes{"password_wo": "wrong", "password_wo_version": 2}, "password_wo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCredentialTest(t, test.config)
			diags := c.change(test.changes)
			diags.onlyWarning(t).expect(t, test.attribute, "Repositories Not Reached", "Credential git on branch main",
				`read-only repository "lab": Authentication failed for lab, please validate the credentials. (request id `,
				`repository "network": Authentication failed for network, please validate the credentials. (request id `,
				"The credential was changed", "the next import of them fails", "username and password")
			diags.expectNoSecret(t, secret)
			c.expectMutations(t, mutationOf(test.changes), "CheckConnectivity: id", "CheckConnectivity: id")
			if test.attribute == "password" && c.i.state["password"] != test.changes["password"] {
				t.Errorf("saved %v", c.i.state)
			}

			// A change to what works warns of nothing.
			back := test.config
			if back["password_wo_version"] != nil {
				back = back.with(attributes{"password_wo_version": 3})
			}
			c.i.mustApply(back)
		})
	}
}

// mutationOf returns the mutation of a change of a credential.
func mutationOf(changes attributes) string {
	if changes["username"] != nil {
		return "UpdateCredential: id username"
	}
	return "UpdateCredential: id password"
}

func TestConnectivity_OtherChangesOfACredentialAskNothing(t *testing.T) {
	t.Parallel()
	c := newCredentialTest(t, bot())
	c.change(attributes{"description": "Other", "label": "Other"}).requireNone(t)
	for _, request := range c.Log.Requests() {
		if strings.Contains(request.Operation, "Repositories") || request.Operation == "CheckConnectivity" {
			t.Errorf("sent %s", request.Operation)
		}
	}
}

func TestConnectivity_CredentialThatNothingUsesChecksNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(credentialType)
	i.mustApply(bot())
	s.createReadOnlyRepository(t, "network", newRemote(t).Path, "v1.0.0") // uses another one
	s.Log.Reset()
	i.mustApply(bot().with(attributes{"password": "wrong"}))
	s.expectMutations(t, "UpdateCredential: id password")
}

func TestConnectivity_ThatCannotBeCheckedIsNotKnown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault mockserver.Fault
		words []string
	}{
		"the check fails": {
			mockserver.Fault{Operation: "CheckConnectivity", Status: http.StatusInternalServerError, Body: "Internal Server Error"},
			[]string{`repository "network": `, `read-only repository "lab": `, "500"},
		},
		"the check takes too long": {
			mockserver.Fault{Operation: "CheckConnectivity", Delay: 5 * time.Second},
			[]string{`repository "network": the check had not ended when the time was over.`, `read-only repository "lab": the check had not ended when the time was over.`},
		},
		"the repositories cannot be listed": {
			mockserver.Fault{Status: http.StatusServiceUnavailable, Body: "no healthy upstream"},
			[]string{"every repository that uses it, because they could not be listed: ", "every read-only repository that uses it, ", "no healthy upstream"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCredentialTest(t, bot().with(attributes{"timeouts": attributes{"update": "2s"}}))
			operations := []string{test.fault.Operation}
			if test.fault.Operation == "" {
				operations = []string{"Repositories", "ReadOnlyRepositories"}
			}
			for _, operation := range operations {
				test.fault.Operation = operation
				c.Inject(test.fault)
			}
			start := time.Now()
			c.change(attributes{"password": "wrong"}).onlyWarning(t).expect(t, "password", "Repositories Not Checked",
				append(test.words, "Credential git on branch main", "The credential was changed", "not known")...)
			if taken := time.Since(start); taken > 4*time.Second {
				t.Errorf("the apply took %s", taken)
			}
			if c.i.state.text("password") != "wrong" {
				t.Errorf("saved %v", c.i.state)
			}
		})
	}
}

func TestConnectivity_ChecksALimitedNumberOfRepositories(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(credentialType)
	i.mustApply(bot())
	root := t.TempDir()
	for n := range maxChecks + 2 {
		name := fmt.Sprintf("network-%02d", n)
		s.Ask(t, `mutation($name:String!,$location:String!,$credential:String!){
			CoreReadOnlyRepositoryCreate(data:{name:{value:$name} location:{value:$location} credential:{id:$credential}}){ok}}`,
			"name", name, "location", mocktest.NewRemote(t, root, name+".git", "v1.0.0").Path, "credential", i.id())
	}
	s.WaitForTasks(t)
	s.Log.Reset()
	i.apply(i.plan(bot().with(attributes{"password": "other"}))).onlyWarning(t).expect(t, "password", "Repositories Not Checked",
		"the others that use it: a change checks 20 at most")
	checks := slices.DeleteFunc(s.takeMutations(), func(mutation string) bool { return !strings.HasPrefix(mutation, "CheckConnectivity") })
	if len(checks) != maxChecks {
		t.Errorf("%d checks", len(checks))
	}
}

func TestConnectivity_OtherCredentialOfARepositoryIsChecked(t *testing.T) {
	t.Parallel()
	for typeName, ref := range map[string]attributes{readWriteType: {}, readOnlyType: {"ref": "v1.0.0"}} {
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			mocktest.NewRemote(t, root, "private/network.git", "v1.0.0", "v1.1.0")
			git := mocktest.ServeGit(t, root, gitserver.Options{Username: "bot", Password: secret})
			s := startServer(t, mockserver.Options{})
			p := s.connect(t)
			ids := map[string]string{}
			for name, password := range map[string]string{"good": secret, "wrong": "wrong"} {
				i := p.newInstance(credentialType)
				i.mustApply(bot().with(attributes{"name": name, "password": password}))
				ids[name] = i.id()
			}
			i := p.newInstance(typeName)
			config := ref.with(attributes{"name": "network", "location": git + "/private/network.git", "credential_id": ids["good"]})
			i.mustApply(config)
			s.WaitForTasks(t)
			for _, test := range []struct {
				to     any
				reason string
			}{
				{ids["wrong"], "Authentication failed for network, please validate the credentials."},
				{nil, "Unable to correctly lookup credentials for repository network"},
			} {
				i.apply(i.plan(config.with(attributes{"credential_id": test.to}))).onlyWarning(t).expect(t, "credential_id", "Repositories Not Reached",
					"network on branch main", test.reason, "request id ", "The repository was changed", "the next import")
				i.refresh().requireNone(t)
				if i.state["credential_id"] != test.to || i.state["operational_status"] != "error-cred" {
					t.Errorf("saved %v", i.state)
				}
			}
			i.mustApply(config)

			// An import that is waited for says more.
			if typeName == readOnlyType {
				s.Log.Reset()
				i.apply(i.plan(config.with(attributes{"credential_id": ids["wrong"], "ref": "v1.1.0"}))).onlyError(t).expect(t, "", "Import Failed", "Authentication failed")
				s.expectMutations(t, "UpdateReadOnlyRepository: credential id ref")
			}
		})
	}
}
