package provider

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// readBlock returns the configuration that a provider block and the environment result in.
func readBlock(t *testing.T, block attributes) providerConfig {
	t.Helper()
	var resp provider.SchemaResponse
	New("test")().Schema(t.Context(), provider.SchemaRequest{}, &resp)
	raw := encode(t, resp.Schema.Type().TerraformType(t.Context()), block)
	config, diags := readConfig(t.Context(), tfsdk.Config{Raw: raw, Schema: resp.Schema})
	if diags.HasError() {
		t.Fatalf("unexpected errors: %v", diags)
	}
	return config
}

// setting is an attribute of the provider block with the environment variable that replaces it.
type setting struct {
	attribute, variable string
	// others are the other attributes of the block.
	others attributes
	// inBlock and inEnvironment are two values; fromBlock and fromEnvironment are what readConfig returns for them.
	inBlock                        any
	fromBlock                      string
	inEnvironment, fromEnvironment string
	got                            func(config providerConfig) any
}

func settings(t *testing.T) []setting {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	file := func(name string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(name+"\n"+authority), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := attributes{"address": "https://infrahub.example.com", "api_token": "token"}
	text := func(get func(providerConfig) string) func(providerConfig) any {
		return func(c providerConfig) any { return get(c) }
	}
	authorities := text(func(c providerConfig) string { return string(c.Network.CACertificatesPEM) })
	return []setting{
		{
			"address", addressVariable,
			attributes{"api_token": "token"},
			"https://block.example.com", "https://block.example.com", "http://environment.example.com/at", "http://environment.example.com/at",
			text(func(c providerConfig) string { return c.Address.String() }),
		},
		{
			"api_token", tokenVariable, token.with(attributes{"api_token": nil}),
			"block", "block", "environment", "environment", text(func(c providerConfig) string { return c.Token.Reveal() }),
		},
		{
			"username", usernameVariable, token.with(attributes{"api_token": nil, "password": "password"}),
			"block", "block", "environment", "environment", text(func(c providerConfig) string { return c.Username }),
		},
		{
			"password", passwordVariable, token.with(attributes{"api_token": nil, "username": "username"}),
			"block", "block", "environment", "environment", text(func(c providerConfig) string { return c.Password.Reveal() }),
		},
		{
			"branch", branchVariable, token,
			"block", "block", "environment", "environment", text(func(c providerConfig) string { return c.Branch }),
		},
		{
			"timeout", timeoutVariable, token,
			3600, "1h0m0s", "1", "1s", text(func(c providerConfig) string { return c.Timeout.String() }),
		},
		{
			"max_retries", retriesVariable, token,
			100, "100", "0", "0", func(c providerConfig) any { return c.MaxRetries },
		},
		{
			"max_concurrent_requests", requestsVariable, token,
			100, "100", "1", "1", func(c providerConfig) any { return c.Concurrency },
		},
		{
			"tls_insecure", insecureVariable, token,
			false, "false", "true", "true", func(c providerConfig) any { return c.Network.Insecure },
		},
		{"tls_ca_file", authorityVariable, token, file("block"), "block\n" + authority, file("environment"), "environment\n" + authority, authorities},
		// It has no variable of its own, and replaces the file.
		{"tls_ca_pem", authorityVariable, token, authority, authority, file("environment"), "environment\n" + authority, authorities},
		{
			"proxy", proxyVariable, token,
			"http://block.example.com:8080", "http://block.example.com:8080", "https://environment.example.com", "https://environment.example.com",
			text(func(c providerConfig) string {
				if c.Network.Proxy.Reveal() == nil {
					return ""
				}
				return c.Network.Proxy.String()
			}),
		},
		{
			"wait_for_import", waitVariable, token,
			true, "true", "false", "false", func(c providerConfig) any { return c.waitForImport },
		},
		{
			"adopt_existing", adoptVariable, token,
			false, "false", "true", "true", func(c providerConfig) any { return c.adoptExisting },
		},
		{
			"git_username", gitUsernameVariable, token,
			"block", "block", "environment", "environment", text(func(c providerConfig) string { return c.gitUsername }),
		},
		{
			"git_token", gitTokenVariable, token,
			"block", "block", "environment", "environment", text(func(c providerConfig) string { return c.gitToken.Reveal() }),
		},
	}
}

func TestConfiguration_BlockIsReadBeforeTheEnvironment(t *testing.T) {
	for _, s := range settings(t) {
		t.Run(s.attribute, func(t *testing.T) {
			in := s.others.with(attributes{s.attribute: s.inBlock})
			expect := func(where string, block attributes, want string) {
				if got := fmt.Sprint(s.got(readBlock(t, block))); got != want {
					t.Errorf("%s: got %q, want %q", where, got, want)
				}
			}
			expect("in the block", in, s.fromBlock)
			t.Setenv(s.variable, s.inEnvironment)
			expect("in the environment", s.others, s.fromEnvironment)
			expect("in both", in, s.fromBlock)
		})
	}
}

func TestConfiguration_UnknownValueIsAnErrorAlsoIfTheEnvironmentIsSet(t *testing.T) {
	for _, s := range settings(t) {
		t.Run(s.attribute, func(t *testing.T) {
			t.Setenv(s.variable, s.inEnvironment)
			p := newProvider(t)
			block := s.others.with(attributes{s.attribute: unknown})
			p.validateProvider(block).requireNone(t)
			diags := p.configure(block)
			diags.onlyError(t).expect(t, s.attribute, "Unknown Provider Configuration", s.attribute, "-target")

			var resp provider.SchemaResponse
			New("test")().Schema(t.Context(), provider.SchemaRequest{}, &resp)
			raw := encode(t, resp.Schema.Type().TerraformType(t.Context()), block)
			config, _ := readConfig(t.Context(), tfsdk.Config{Raw: raw, Schema: resp.Schema})
			if got := fmt.Sprint(s.got(config)); got == s.fromEnvironment {
				t.Errorf("the value of the environment was used: %.40q", got)
			}
		})
	}
}

func TestConfiguration_Defaults(t *testing.T) {
	t.Parallel()
	config := readBlock(t, attributes{"address": "https://infrahub.example.com", "api_token": "token"})
	if config.Branch != "main" || config.Timeout != time.Minute || config.MaxRetries != 5 || !config.waitForImport {
		t.Errorf("got branch %q, timeout %s, %d retries, wait %t", config.Branch, config.Timeout, config.MaxRetries, config.waitForImport)
	}
	if difference := cmp.Diff(infrahub.Network{}, config.Network); difference != "" {
		t.Errorf("network (-want +got):\n%s", difference)
	}
}

func TestConfiguration_EmptyVariableIsNotSet(t *testing.T) {
	block := attributes{"address": "https://infrahub.example.com", "username": "u", "password": "p"}
	want := readBlock(t, block)
	for _, s := range settings(t) {
		t.Run(s.attribute, func(t *testing.T) {
			t.Setenv(s.variable, "")
			if difference := cmp.Diff(want, readBlock(t, block), cmp.AllowUnexported(providerConfig{})); difference != "" {
				t.Errorf("configuration (-want +got):\n%s", difference)
			}
		})
	}
}

func TestConfiguration_InvalidVariableIsNamed(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(notPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ attribute, variable, text string }{
		"address, no scheme":                {"address", addressVariable, "infrahub.example.com"},
		"address, other scheme":             {"address", addressVariable, "ftp://infrahub.example.com"},
		"address, no host":                  {"address", addressVariable, "https://"},
		"address, query":                    {"address", addressVariable, "https://infrahub.example.com?branch=main"},
		"address, no URL":                   {"address", addressVariable, "https://%zz"},
		"timeout, text":                     {"timeout", timeoutVariable, "soon"},
		"timeout, fraction":                 {"timeout", timeoutVariable, "1.5"},
		"timeout, too short":                {"timeout", timeoutVariable, "0"},
		"timeout, too long":                 {"timeout", timeoutVariable, "3601"},
		"max_retries, negative":             {"max_retries", retriesVariable, "-1"},
		"max_retries, too many":             {"max_retries", retriesVariable, "101"},
		"max_concurrent_requests, none":     {"max_concurrent_requests", requestsVariable, "0"},
		"max_concurrent_requests, too many": {"max_concurrent_requests", requestsVariable, "101"},
		"tls_insecure, text":                {"tls_insecure", insecureVariable, "maybe"},
		"tls_ca_file, missing":              {"tls_ca_file", authorityVariable, notPEM + ".none"},
		"tls_ca_file, directory":            {"tls_ca_file", authorityVariable, filepath.Dir(notPEM)},
		"tls_ca_file, no PEM":               {"tls_ca_file", authorityVariable, notPEM},
		"tls_ca_file, empty":                {"tls_ca_file", authorityVariable, empty},
		"proxy, no scheme":                  {"proxy", proxyVariable, "proxy.example.com:8080"},
		"wait_for_import, text":             {"wait_for_import", waitVariable, "maybe"},
		"wait_for_import, decimal":          {"wait_for_import", waitVariable, "2"},
		"adopt_existing, text":              {"adopt_existing", adoptVariable, "maybe"},
	} {
		t.Run(name, func(t *testing.T) {
			block := attributes{"address": "http://127.0.0.1:9", "api_token": "token", "max_retries": 0}
			block = block.with(attributes{test.attribute: nil})
			t.Setenv(test.variable, test.text)
			newProvider(t).configure(block).onlyError(t).expect(t, test.attribute, "Invalid Provider Configuration", test.attribute, test.variable)
		})
	}
}

func TestConfiguration_InvalidAttributeIsRefusedByValidation(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]attributes{
		"address, empty":                    {"address": ""},
		"address, no scheme":                {"address": "infrahub.example.com"},
		"address, other scheme":             {"address": "ftp://infrahub.example.com"},
		"address, no host":                  {"address": "https://"},
		"address, fragment":                 {"address": "https://infrahub.example.com#main"},
		"address, no URL":                   {"address": "https://%zz"},
		"api_token, empty":                  {"api_token": ""},
		"username, empty":                   {"username": "", "password": "password"},
		"password, empty":                   {"password": "", "username": "username"},
		"branch, empty":                     {"branch": ""},
		"timeout, too short":                {"timeout": 0},
		"timeout, too long":                 {"timeout": 3601},
		"max_retries, negative":             {"max_retries": -1},
		"max_retries, too many":             {"max_retries": 101},
		"max_concurrent_requests, none":     {"max_concurrent_requests": 0},
		"max_concurrent_requests, too many": {"max_concurrent_requests": 101},
		"tls_ca_file, empty":                {"tls_ca_file": ""},
		"tls_ca_file, both":                 {"tls_ca_file": "authority.pem", "tls_ca_pem": "PEM"},
		"tls_ca_pem, empty":                 {"tls_ca_pem": ""},
		"proxy, empty":                      {"proxy": ""},
		"proxy, no scheme":                  {"proxy": "proxy.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attribute, _, _ := strings.Cut(name, ",")
			if got := newProvider(t).validateProvider(block).onlyError(t); got.attribute != attribute || got.detail == "" {
				t.Errorf("got %s, want it on %s", got, attribute)
			}
		})
	}
}

func TestConfiguration_EmptyBlockIsValid(t *testing.T) {
	t.Parallel()
	newProvider(t).validateProvider(attributes{}).requireNone(t)
}

func TestConfiguration_AuthenticationComesFromOneSource(t *testing.T) {
	const address = "https://infrahub.example.com"
	type credentials struct{ Token, Username, Password string }
	for name, test := range map[string]struct {
		block       attributes
		environment map[string]string
		want        credentials
		attribute   string // of the error; "" if it works
		parts       []string
	}{
		"nothing": {attribute: "api_token", parts: []string{"api_token", tokenVariable, "username and a password"}},
		"username without password": {
			block: attributes{"username": "u"}, attribute: "password", parts: []string{"password", passwordVariable},
		},
		"password without username": {
			block: attributes{"password": "p"}, attribute: "username", parts: []string{"username", usernameVariable},
		},
		"username without password in the environment": {
			environment: map[string]string{usernameVariable: "u"}, attribute: "password", parts: []string{passwordVariable},
		},
		"password without username in the environment": {
			environment: map[string]string{passwordVariable: "p"}, attribute: "username", parts: []string{usernameVariable},
		},
		"both in the environment": {
			environment: map[string]string{tokenVariable: "t", usernameVariable: "u", passwordVariable: "p"},
			attribute:   "api_token", parts: []string{tokenVariable, usernameVariable, passwordVariable},
		},
		"token in the block, login in the environment": {
			block: attributes{"api_token": "t"}, environment: map[string]string{usernameVariable: "u", passwordVariable: "p"}, want: credentials{Token: "t"},
		},
		"login in the block, token in the environment": {
			block: attributes{"username": "u", "password": "p"}, environment: map[string]string{tokenVariable: "t"}, want: credentials{Username: "u", Password: "p"},
		},
		"username in the block, password and token in the environment": {
			block: attributes{"username": "u"}, environment: map[string]string{tokenVariable: "t", passwordVariable: "p"}, want: credentials{Username: "u", Password: "p"},
		},
		"login in the environment": {
			environment: map[string]string{usernameVariable: "u", passwordVariable: "p"}, want: credentials{Username: "u", Password: "p"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, text := range test.environment {
				t.Setenv(variable, text)
			}
			block := attributes{"address": address}.with(test.block)
			if test.attribute != "" {
				diags := newProvider(t).configure(block)
				if got := diags.onlyError(t); got.attribute != test.attribute || !strings.HasSuffix(got.summary, " Provider Configuration") {
					t.Errorf("got %s, want it on %s", got, test.attribute)
				} else {
					got.expect(t, got.attribute, got.summary, test.parts...)
				}
				return
			}
			config := readBlock(t, block)
			if got := (credentials{config.Token.Reveal(), config.Username, config.Password.Reveal()}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestConfiguration_TokenAndLoginInTheBlockAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		block attributes
		want  []string
	}{
		"token and username":         {attributes{"api_token": "s3cret", "username": "u"}, []string{"username"}},
		"token and password":         {attributes{"api_token": "s3cret", "password": "s3cret"}, []string{"password"}},
		"token and login":            {attributes{"api_token": "s3cret", "username": "u", "password": "s3cret"}, []string{"password", "username"}},
		"token alone":                {attributes{"api_token": "s3cret"}, nil},
		"login alone":                {attributes{"username": "u", "password": "s3cret"}, nil},
		"unknown token and login":    {attributes{"api_token": unknown, "username": "u", "password": "s3cret"}, nil},
		"token and unknown login":    {attributes{"api_token": "s3cret", "username": unknown, "password": unknown}, nil},
		"all from variables unknown": {attributes{"api_token": unknown, "username": unknown, "password": unknown}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := newProvider(t).validateProvider(test.block)
			diags.expectNoSecret(t, "s3cret")
			named := map[string]bool{}
			for _, each := range diags.errors() {
				each.expect(t, each.attribute, "Conflicting Provider Configuration", "api_token", each.attribute, "Remove")
				named[each.attribute] = true
			}
			for _, attribute := range test.want {
				if !named[attribute] {
					t.Errorf("no error on %s", attribute)
				}
			}
			if len(named) != len(test.want) {
				t.Errorf("errors on %v, want %v", named, test.want)
			}
		})
	}
}

func TestConfiguration_MissingAddressIsAnError(t *testing.T) {
	t.Parallel()
	newProvider(t).configure(attributes{"api_token": "token"}).onlyError(t).
		expect(t, "address", "Missing Provider Configuration", `"address"`, addressVariable, "https://infrahub.example.com", "infrahub-mock")
}

func TestConfiguration_MissingTokenIsAnError(t *testing.T) {
	t.Parallel()
	newProvider(t).configure(attributes{"address": "http://127.0.0.1:9"}).onlyError(t).
		expect(t, "api_token", "Missing Provider Configuration", `"api_token"`, tokenVariable, "Create a token in Infrahub")
}

func TestConfiguration_AddressWithUserinfoIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	diags := newProvider(t).configure(attributes{"address": "https://somebody:s3cret@infrahub.example.com", "api_token": "token"})
	diags.onlyError(t).expect(t, "address", "Invalid Provider Configuration", "username", "api_token")
	diags.expectNoSecret(t, "s3cret", "somebody")
}

func TestConfiguration_InsecureWarns(t *testing.T) {
	t.Parallel()
	s := newTLSServer(t)
	diags := newProvider(t).configure(attributes{"address": s.URL, "api_token": "token", "tls_insecure": true, "max_retries": 0})
	diags.requireNoErrors(t)
	diags.onlyWarning(t).expect(t, "tls_insecure", "Certificates Are Not Checked", "tls_ca_file", "tls_ca_pem")
}

// newTLSServer returns a server that responds as Infrahub does, with a certificate that no system trusts.
func newTLSServer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data": {"InfrahubInfo": {"version": "1.11.9"}, "Branch": []}}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestConfiguration_WhiteSpaceAroundAValueIsIgnored(t *testing.T) {
	for _, s := range settings(t) {
		t.Run(s.attribute, func(t *testing.T) {
			if text, isText := s.inBlock.(string); isText && s.attribute != "tls_ca_pem" {
				if got := fmt.Sprint(s.got(readBlock(t, s.others.with(attributes{s.attribute: " \t" + text + "\r\n"})))); got != s.fromBlock {
					t.Errorf("in the block: got %q, want %q", got, s.fromBlock)
				}
			}
			t.Setenv(s.variable, "\n "+s.inEnvironment+"\n")
			if got := fmt.Sprint(s.got(readBlock(t, s.others))); got != s.fromEnvironment {
				t.Errorf("in the environment: got %q, want %q", got, s.fromEnvironment)
			}
		})
	}
}

func TestConfiguration_BlankVariableIsNotSet(t *testing.T) {
	block := attributes{"address": "https://infrahub.example.com", "username": "u", "password": "p"}
	want := readBlock(t, block)
	for _, s := range settings(t) {
		t.Run(s.attribute, func(t *testing.T) {
			t.Setenv(s.variable, " \n")
			if difference := cmp.Diff(want, readBlock(t, block), cmp.AllowUnexported(providerConfig{})); difference != "" {
				t.Errorf("configuration (-want +got):\n%s", difference)
			}
		})
	}
}

func TestConfiguration_BlankAttributeIsRefusedByValidation(t *testing.T) {
	t.Parallel()
	for _, attribute := range []string{"address", "api_token", "username", "password", "branch", "tls_ca_file", "tls_ca_pem", "proxy", "git_username", "git_token"} {
		if got := newProvider(t).validateProvider(attributes{attribute: " \n"}).onlyError(t); got.attribute != attribute {
			t.Errorf("%s: got %s", attribute, got)
		}
	}
}

func TestConfiguration_AddressSaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"infrahub.example.com":                      "write https://infrahub.example.com or http://infrahub.example.com",
		"localhost:8000":                            "write https://localhost:8000 or http://localhost:8000",
		"https://infrahub.example.com/graphql":      "write https://infrahub.example.com",
		"https://infrahub.example.com/graphql/":     "write https://infrahub.example.com",
		"https://example.com/infrahub/graphql/main": "write https://example.com/infrahub",
		"https://infrahub .example.com":             "white space in it",
		"https://infrahub.example.com:99999":        "port 99999",
		"https://infrahub.example.com/?branch=main": "a query or a fragment",
		"ftp://infrahub.example.com":                "not an http or https URL",
		"https://":                                  "names no host",
	} {
		newProvider(t).validateProvider(attributes{"address": address}).onlyError(t).expect(t, "address", "Invalid URL", want)
	}
	for _, address := range []string{"https://infrahub.example.com/", " https://infrahub.example.com\n", "http://[::1]:8000", "https://example.com/graphqls"} {
		newProvider(t).validateProvider(attributes{"address": address}).requireNone(t)
	}
}
