package provider

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestGitDiagnostic_HasACauseAndACureOfItsOwn(t *testing.T) {
	t.Parallel()
	const (
		onSSH  = "ssh://git@git.example.com:2222/network.git"
		onSCP  = "git@git.example.com:network.git"
		onHTTP = "https://git.example.com/network.git"
	)
	for _, test := range []struct {
		location string
		kind     error
		summary  string
		parts    []string
	}{
		{onSSH, gitremote.ErrNoAgent, "SSH Agent Not Found", []string{"SSH_AUTH_SOCK", "ssh-add", "no key files"}},
		{onSSH, gitremote.ErrNoKey, "SSH Key Not Found", []string{"holds no key", "ssh-add"}},
		{onSSH, gitremote.ErrKeyRefused, "Git Remote Refused", []string{"no key of the SSH agent is accepted", "ssh-add -L", "git@"}},
		{onSSH, gitremote.ErrAuthentication, "Git Remote Refused", []string{"read access"}},
		{onSSH, gitremote.ErrNoKnownHosts, "SSH Known Hosts Not Found", []string{"ssh-keyscan -p 2222 git.example.com >> ~/.ssh/known_hosts", "SSH_KNOWN_HOSTS"}},
		{onSCP, gitremote.ErrHostUnknown, "SSH Host Key Not Known", []string{"ssh-keyscan git.example.com >> ~/.ssh/known_hosts", "compare"}},
		{onSSH, gitremote.ErrHostKeyChanged, "SSH Host Key Changed", []string{"ssh-keygen -R '[git.example.com]:2222'", "something else answers"}},
		{onSCP, gitremote.ErrHostKeyChanged, "SSH Host Key Changed", []string{"ssh-keygen -R git.example.com"}},
		{onSCP, gitremote.ErrNotFound, "Git Repository Not Found", []string{"SSH key may not read"}},
		{onSCP, gitremote.ErrUnreachable, "Git Remote Not Reached", []string{"ssh -T git.example.com"}},
		{onSSH, context.DeadlineExceeded, "Git Remote Not Reached", []string{"ssh -T -p 2222 git.example.com", "timeout"}},
		{onHTTP, gitremote.ErrAuthentication, "Git Remote Refused", []string{"git_username", "git_token"}},
		{onHTTP, gitremote.ErrNotFound, "Git Repository Not Found", []string{"git_token"}},
		{onHTTP, gitremote.ErrNotGit, "Git Remote Not Reached", []string{"Something else answered"}},
		{onHTTP, context.DeadlineExceeded, "Git Remote Not Reached", []string{"timeout"}},
		{onHTTP, gitremote.ErrUnreachable, "Git Remote Not Reached", []string{"proxy", "tls_ca_file"}},
		{"git://git.example.com/network.git", gitremote.ErrUnreachable, "Git Remote Not Reached", []string{"git daemon"}},
		{"/srv/git/network.git", gitremote.ErrNotFound, "Git Repository Not Found", []string{"where the provider runs"}},
		{"file:///srv/git/network.git", gitremote.ErrUnreachable, "Git Remote Not Reached", []string{"where the provider runs"}},
	} {
		t.Run(test.location+" "+test.kind.Error(), func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("%s: %w", test.location, test.kind)
			got := gitDiagnostic(test.location, err, "A note.")
			warning := gitWarning(test.location, err, "A note.")
			if got.Severity() != diag.SeverityError || warning.Severity() != diag.SeverityWarning || got.Summary() != test.summary || warning.Detail() != got.Detail() {
				t.Errorf("got %s %q and %s %q", got.Severity(), got.Summary(), warning.Severity(), warning.Summary())
			}
			for _, each := range []diag.Diagnostic{got, warning} {
				if withPath, ok := each.(diag.DiagnosticWithPath); !ok || !withPath.Path().Equal(path.Root("location")) {
					t.Errorf("%s is not about the location", each.Severity())
				}
			}
			expectTitleCase(t, got.Summary())
			for _, part := range append(test.parts, test.location, "A note.") {
				if !strings.Contains(got.Detail(), part) {
					t.Errorf("the detail does not contain %q:\n%s", part, got.Detail())
				}
			}
			for _, word := range []string{"proxy", "tls_ca_file", "git_token", "git_username"} {
				if test.location != onHTTP && strings.Contains(got.Detail(), word) {
					t.Errorf("the detail contains %q, which is for http alone:\n%s", word, got.Detail())
				}
			}
		})
	}
}

// Not parallel: the environment names the agent.
func TestResolveRef_SSHRemoteWithoutAnAgent(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	s := startServer(t, mockserver.Options{})
	config := attributes{"name": "network", "location": "git@git.example.com:network.git", "resolve_ref": true}
	diags := s.connect(t).newInstance(readOnlyType).plan(config).diagnostics
	diags.onlyError(t).expect(t, "location", "SSH Agent Not Found", "git.example.com:network.git", "SSH_AUTH_SOCK", "ssh-add")
}
