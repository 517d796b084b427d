// Package acceptance runs the provider under a real CLI: against the bundled mock, or against the Infrahub that
// INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name.
package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/provider"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// server is the Infrahub of one test, with a log of the provider's requests and a Git server beside it.
type server struct {
	// address is the address for the provider. log records the requests that reach it.
	address string
	log     *mockserver.Recorder
	// earlier are the requests that resetLog has removed from the log.
	earlier []mockserver.Request
	// direct and client reach the same server past the log: they change objects outside of Terraform.
	direct mocktest.Endpoint
	client *infrahub.Client
	// mock is nil if a live server is tested.
	mock *mockserver.Server
	// suffix makes names unique, because tests share a live server.
	suffix string
	// gitAddress is the address of the Git server, and gitRoot the directory of its repositories.
	gitAddress, gitRoot string
}

const (
	gitUsername = "bot"
	gitPassword = "canary-5d41402abc4b2a76"
)

// newServer starts the mock, or connects to the live server. TEST_MOCK_DELAY is the delay of the mock: none, or
// live, the default. TEST_MOCK_VERSION is its version.
func newServer(t *testing.T) *server {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance tests run a CLI: make test sets TF_ACC=1")
	}
	s := &server{suffix: randomWord(8), gitRoot: t.TempDir()}
	if address := os.Getenv("INFRAHUB_ADDRESS"); address != "" {
		s.direct = mocktest.Endpoint{Address: strings.TrimRight(address, "/"), Token: os.Getenv("INFRAHUB_API_TOKEN")}
		s.log = mockserver.Record(httputil.NewSingleHostReverseProxy(parseURL(t, address)))
	} else {
		mock := newMock(t)
		s.mock, s.log = mock.Server, mock.Log
		s.direct = mocktest.Endpoint{Address: mocktest.Serve(t, mock.Server), Token: mock.Token}
	}
	s.address = mocktest.Serve(t, s.log)
	s.client = newClient(t, s.direct)
	s.gitAddress = mocktest.ServeGit(t, s.gitRoot, gitserver.Options{Username: gitUsername, Password: gitPassword})
	return s
}

func newMock(t *testing.T) *mocktest.Server {
	t.Helper()
	setting := os.Getenv("TEST_MOCK_DELAY")
	if setting == "" {
		setting = "live"
	}
	delay, err := mockserver.ParseDelay(setting)
	if err != nil {
		t.Fatal(err)
	}
	return mocktest.New(t, mockserver.Options{
		Version: os.Getenv("TEST_MOCK_VERSION"), Delay: delay, SyncInterval: 500 * time.Millisecond, AppendGitSuffix: []string{"localhost"},
	})
}

func newClient(t *testing.T, endpoint mocktest.Endpoint) *infrahub.Client {
	t.Helper()
	client, err := infrahub.New(infrahub.Config{Address: parseURL(t, endpoint.Address), Branch: "main", Token: sensitive.New(endpoint.Token), MaxRetries: 3})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func parseURL(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func randomWord(length int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	word := make([]byte, length)
	for i := range word {
		word[i] = letters[rand.IntN(len(letters))]
	}
	return string(word)
}

// mockOnly skips a test that is impossible on a live server.
func (s *server) mockOnly(t *testing.T, why string) {
	t.Helper()
	if s.mock == nil {
		t.Skip("on the mock only: " + why)
	}
}

// needsNoServer skips a test whose result does not depend on the server, except in the run against the newest mock.
func needsNoServer(t *testing.T) {
	t.Helper()
	if os.Getenv("INFRAHUB_ADDRESS") != "" || os.Getenv("TEST_MOCK_VERSION") != "" {
		t.Skip("run once, with the newest mock: it needs no server")
	}
}

// newestOnly skips a test in the run against an older mock: what it shows of the provider does not depend on the version.
func newestOnly(t *testing.T) {
	t.Helper()
	if version := os.Getenv("TEST_MOCK_VERSION"); version != "" {
		t.Skip("run once, with the newest mock, and not as " + version)
	}
}

// name returns a name that is unique on a shared server.
func (s *server) name(base string) string { return base + "-" + s.suffix }

// config returns a configuration with a provider block for this server.
func (s *server) config(hcl string) string {
	return fmt.Sprintf("provider \"infrahub\" {\n  address   = %q\n  api_token = %q\n}\n%s", s.address, s.direct.Token, s.fill(hcl))
}

// fill replaces NAME with the suffix of the test, and GIT with the address of the Git server.
func (s *server) fill(hcl string) string {
	return strings.NewReplacer("NAME", s.suffix, "GIT", s.gitAddress).Replace(hcl)
}

// environment returns the settings of the provider for this server as environment variables.
func (s *server) environment() []string {
	return []string{"INFRAHUB_ADDRESS=" + s.address, "INFRAHUB_API_TOKEN=" + s.direct.Token}
}

// providers returns the provider, to run in the test's own process.
func providers() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"infrahub": providerserver.NewProtocol6WithError(provider.New("test")()),
	}
}

// run runs the steps and checks that they left nothing on the server.
func (s *server) run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	for _, step := range steps {
		requireFeatures(t, step.Config)
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providers(), Steps: steps})
	s.assertNothingLeft(t)
}

// assertNothingLeft checks that no object exists on the server whose name the provider has sent in a mutation. What it only looks
// up is not its own.
func (s *server) assertNothingLeft(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	names := map[string]bool{}
	for _, request := range slices.Concat(s.earlier, s.log.Requests()) {
		if !request.Mutation {
			continue
		}
		switch name := request.Input()["name"].(type) {
		case map[string]any:
			if text, ok := name["value"].(string); ok {
				names[text] = true
			}
		case string: // of a branch
			names[name] = true
		}
	}
	for name := range names {
		if _, err := s.client.Credentials(false).GetByName(ctx, name); err == nil {
			t.Errorf("the credential %s still exists", name)
		}
		for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
			if _, err := s.client.Repositories(kind).GetByName(ctx, name); err == nil {
				t.Errorf("the %s %s still exists", kind, name)
			}
		}
		if _, err := s.client.Tags().GetByName(ctx, name); err == nil {
			t.Errorf("the tag %s still exists", name)
		}
		if branch, err := s.client.Branches().GetByName(ctx, name); err == nil && !branch.Default {
			t.Errorf("the branch %s still exists", name)
		}
		if change, err := s.client.ProposedChanges().GetByName(ctx, name); err == nil && change.Open() {
			t.Errorf("the proposed change %s is still open", name)
		}
	}
}

// mutations returns the mutations in the log, each as "Operation: variable variable".
func (s *server) mutations() []string { return mocktest.Mutations(s.log.Requests()) }

// resetLog empties the log. It is also a PreConfig.
func (s *server) resetLog() {
	s.earlier = append(s.earlier, s.log.Requests()...)
	s.log.Reset()
}

// count returns how often the log has an operation.
func (s *server) count(operation string) int {
	count := 0
	for _, request := range s.log.Requests() {
		if request.Operation == operation {
			count++
		}
	}
	return count
}

func (s *server) hasSent(operation string) bool { return s.count(operation) > 0 }

// poll waits until a condition holds.
func poll(t *testing.T, what string, timeout time.Duration, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("waited %s for %s", timeout, what)
}
