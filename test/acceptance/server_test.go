// Package acceptance runs the provider under a real CLI: against the bundled mock, or against the
// Infrahub that INFRAHUB_ADDRESS and INFRAHUB_API_TOKEN name.
package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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
	"github.com/infrahub-community/terraform-provider-infrahub/internal/provider"
)

// server is the Infrahub of one test, with a log of what the provider asks it, and a Git server
// beside it.
type server struct {
	address, token string
	log            *mockserver.Recorder
	// backend is the address of the same server past the log.
	backend string
	// mock is nil where a real Infrahub is tested against.
	mock *mockserver.Server
	// client changes things outside of Terraform. What it sends is not in the log.
	client *infrahub.Client
	// suffix makes names unique: a real Infrahub is shared.
	suffix string
	// gitAddress is where the Git server listens.
	gitAddress string
	gitRoot    string
}

const (
	gitUsername = "bot"
	gitPassword = "canary-5d41402abc4b2a76"
)

// newServer starts what one test needs: the mock (TEST_MOCK_DELAY=none or live, the default;
// TEST_MOCK_VERSION=1.9.9 for the older personality), or a way to the real Infrahub.
func newServer(t *testing.T) *server {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance tests run a CLI: make test sets TF_ACC=1")
	}
	s := &server{token: mockserver.DefaultToken, suffix: letters(8), gitRoot: t.TempDir()}
	var backend http.Handler
	if address := os.Getenv("INFRAHUB_ADDRESS"); address != "" {
		target, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		backend, s.token = httputil.NewSingleHostReverseProxy(target), os.Getenv("INFRAHUB_API_TOKEN")
	} else {
		s.mock = newMock(t)
		backend = s.mock
	}
	s.log = mockserver.Record(backend)
	s.address = serve(t, s.log)
	s.backend = serve(t, backend)
	s.client = newClient(t, s.backend, s.token)
	git, err := gitserver.Handler(s.gitRoot, gitserver.Options{Username: gitUsername, Password: gitPassword})
	if err != nil {
		t.Fatal(err)
	}
	s.gitAddress = serve(t, git)
	return s
}

// letters is a random word.
func letters(length int) string {
	word := make([]byte, length)
	for i := range word {
		word[i] = byte('a' + rand.IntN(26))
	}
	return string(word)
}

func newMock(t *testing.T) *mockserver.Server {
	t.Helper()
	setting := os.Getenv("TEST_MOCK_DELAY")
	if setting == "" {
		setting = "live"
	}
	delay, err := mockserver.ParseDelay(setting)
	if err != nil {
		t.Fatal(err)
	}
	mock, err := mockserver.New(mockserver.Options{
		Version: os.Getenv("TEST_MOCK_VERSION"), Delay: delay, SyncInterval: 500 * time.Millisecond, AppendGitSuffix: []string{"localhost"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mock.Close)
	return mock
}

// serve listens on loopback until the test ends.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	return listening.URL
}

func newClient(t *testing.T, address, token string) *infrahub.Client {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client, err := infrahub.New(infrahub.Config{Address: parsed, Branch: "main", Token: token, MaxRetries: 3})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// mockOnly skips a test that a real Infrahub cannot be asked for.
func (s *server) mockOnly(t *testing.T, why string) {
	t.Helper()
	if s.mock == nil {
		t.Skip("on the mock only: " + why)
	}
}

// name makes a name unique on a shared server.
func (s *server) name(base string) string { return base + "-" + s.suffix }

// config is a configuration for this server.
func (s *server) config(hcl string) string {
	return fmt.Sprintf("provider \"infrahub\" {\n  address   = %q\n  api_token = %q\n}\n%s", s.address, s.token, s.unique(hcl))
}

// unique makes NAME unique and GIT the address of the Git server.
func (s *server) unique(hcl string) string {
	return strings.NewReplacer("NAME", s.suffix, "GIT", s.gitAddress).Replace(hcl)
}

// providers is the provider in the test's own process.
func providers() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"infrahub": providerserver.NewProtocol6WithError(provider.New("test")()),
	}
}

// run runs the steps; at the end nothing may be left of them.
func (s *server) run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: providers(), Steps: steps})
	s.nothingLeft(t)
}

// nothingLeft asks the server itself for objects with names of this test.
func (s *server) nothingLeft(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	names := map[string]bool{}
	for _, request := range s.log.Requests() {
		switch name := request.Variables["name"].(type) {
		case map[string]any:
			if text, ok := name["value"].(string); ok {
				names[text] = true
			}
		case string: // of a branch
			names[name] = true
		}
	}
	for name := range names {
		if _, err := s.client.CredentialNamed(ctx, name); err == nil {
			t.Errorf("the credential %s is left", name)
		}
		for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
			if _, err := s.client.RepositoryNamed(ctx, kind, name); err == nil {
				t.Errorf("the %s %s is left", kind, name)
			}
		}
		if _, err := s.client.TagNamed(ctx, name); err == nil {
			t.Errorf("the tag %s is left", name)
		}
		if branch, err := s.client.BranchNamed(ctx, name); err == nil && !branch.Default {
			t.Errorf("the branch %s is left", name)
		}
		if change, err := s.client.ProposedChangeNamed(ctx, name); err == nil && change.Open() {
			t.Errorf("the proposed change %s is open", name)
		}
	}
}

// sent is the variables of every mutation since the last forget, as "Operation: variable variable".
func (s *server) sent() []string {
	var sent []string
	for _, request := range s.log.Requests() {
		if request.Mutation {
			sent = append(sent, strings.TrimSpace(request.Operation+": "+strings.Join(slices.Sorted(maps.Keys(request.Variables)), " ")))
		}
	}
	return sent
}

// forget is a PreConfig that empties the log.
func (s *server) forget() { s.log.Reset() }

// newTag makes a tag, NAME of the test appended, that is gone when the test ends.
func (s *server) newTag(t *testing.T, base string) {
	t.Helper()
	s.query(t, `mutation($name: String!) { BuiltinTagCreate(data: {name: {value: $name}}) { ok } }`, s.name(base))
	t.Cleanup(func() {
		s.query(t, `mutation($name: String!) { BuiltinTagDelete(data: {hfid: [$name]}) { ok } }`, s.name(base))
	})
}

// query sends a document with one variable, name, past the log, and returns the answer without spaces.
func (s *server) query(t *testing.T, document, name string) string {
	t.Helper()
	return s.queryOn(t, "main", document, map[string]any{"name": name})
}

func (s *server) queryOn(t *testing.T, branch, document string, variables map[string]any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, s.backend+"/graphql/"+branch, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Infrahub-Key", s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || bytes.Contains(answer, []byte(`"errors"`)) {
		t.Fatalf("%s: %s %v", response.Status, answer, err)
	}
	var dense bytes.Buffer
	if err := json.Compact(&dense, answer); err != nil {
		t.Fatal(err)
	}
	return dense.String()
}
