package provider

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// busy returns the response of a server, or of a proxy before it, that is not ready.
func busy(status int, body string) *mockserver.Fault {
	contentType := "text/plain"
	if strings.HasPrefix(body, "<") {
		contentType = "text/html"
	}
	return &mockserver.Fault{Status: status, Body: body, ContentType: contentType}
}

func TestConnect_FailureIsOneErrorWithANextStep(t *testing.T) {
	t.Parallel()
	login := func(username, password string) attributes {
		return attributes{"api_token": nil, "username": username, "password": password}
	}
	for name, test := range map[string]struct {
		options            mockserver.Options
		fault              *mockserver.Fault
		block              attributes
		attribute, summary string
		parts              []string
		// noRequestID is set if there is no response whose id the error could contain.
		noRequestID bool
	}{
		"wrong token": {
			block: attributes{"api_token": secret}, attribute: "api_token", summary: "Infrahub Refused the Token",
			parts: []string{"Invalid token", "api_token", tokenVariable},
		},
		"wrong password": {
			block: login("admin", secret), attribute: "username", summary: "Infrahub Refused the Login",
			parts: []string{"Incorrect password", "password", usernameVariable, passwordVariable},
		},
		"unknown user": {
			block: login("nobody", secret), attribute: "username", summary: "Infrahub Refused the Login",
			parts: []string{"login user doesn't exist", "password", usernameVariable, passwordVariable},
		},
		"wrong token for an old server": {
			options: mockserver.Options{Version: "1.9.9"}, block: attributes{"api_token": secret},
			attribute: "api_token", summary: "Infrahub Refused the Token", parts: []string{tokenVariable},
		},
		"busy":         {fault: busy(http.StatusTooManyRequests, "slow down"), attribute: "address", summary: "Infrahub Is Not Ready", parts: []string{"429", retriesVariable}},
		"crashed":      {fault: busy(http.StatusInternalServerError, "Internal Server Error"), attribute: "address", summary: "Infrahub Is Not Ready", parts: []string{"500"}},
		"no gateway":   {fault: busy(http.StatusBadGateway, "<html>Bad Gateway</html>"), attribute: "address", summary: "Infrahub Is Not Ready", parts: []string{"502 with an HTML page"}},
		"not started":  {fault: busy(http.StatusServiceUnavailable, "no healthy upstream"), attribute: "address", summary: "Infrahub Is Not Ready", parts: []string{"503 no healthy upstream"}},
		"late gateway": {fault: busy(http.StatusGatewayTimeout, "upstream request timeout"), attribute: "address", summary: "Infrahub Is Not Ready", parts: []string{"504"}},
		"too old": {
			options: mockserver.Options{Version: "1.8.4"}, attribute: "address", summary: "Infrahub Is Too Old",
			parts: []string{"1.8.4", "1.9.0", "Update Infrahub"}, noRequestID: true,
		},
		"HTML page of another server": {
			fault:     &mockserver.Fault{Status: http.StatusOK, Body: "<html><title>Log in</title>" + secret + "</html>", ContentType: "text/html"},
			attribute: "address", summary: "Not an Infrahub Server", parts: []string{"HTML", "address"},
		},
		"text of another server": {
			fault:     &mockserver.Fault{Status: http.StatusNotFound, Body: "404 page not found", ContentType: "text/plain"},
			attribute: "address", summary: "Not an Infrahub Server", parts: []string{"404 page not found", "address"},
		},
		"redirect": {
			fault:     &mockserver.Fault{Status: http.StatusFound},
			attribute: "address", summary: "Not an Infrahub Server", parts: []string{"redirect", "address"},
		},
		"unavailable": {
			fault:     &mockserver.Fault{Status: http.StatusServiceUnavailable, Body: "no healthy upstream", ContentType: "text/plain"},
			attribute: "address", parts: []string{"no healthy upstream"},
		},
		"dropped": {
			fault: &mockserver.Fault{Drop: true}, attribute: "address", summary: "Infrahub Not Reached",
			parts: []string{"address", addressVariable}, noRequestID: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, test.options)
			if test.fault != nil {
				s.Inject(*test.fault)
			}
			diags := newProvider(t).configure(s.block().with(test.block))
			diags.expectNoSecret(t, secret, mockserver.DefaultToken)
			got := diags.onlyError(t)
			if test.summary == "" {
				test.summary = got.summary
			}
			got.expect(t, test.attribute, test.summary, append(test.parts, s.Address)...)
			expectTitleCase(t, got.summary)
			if id := regexp.MustCompile(`Request id: [0-9a-f]{32}`); !test.noRequestID && !id.MatchString(got.detail) {
				t.Errorf("no request id: %s", got.detail)
			}
			if paragraphs := strings.Split(got.detail, "\n\n"); len(paragraphs) < 2 || !strings.HasSuffix(paragraphs[1], ".") {
				t.Errorf("no next step: %s", got.detail)
			}
		})
	}
}

func TestConnect_UnreachableAddressIsAnError(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:1" // no server gets this port by chance, unlike one that was free a moment ago
	diags := newProvider(t).configure(attributes{"address": address, "username": "admin", "password": secret, "max_retries": 0})
	diags.onlyError(t).expect(t, "address", "Infrahub Not Reached", address, "refused", "still starting", "Check the address", addressVariable)
	diags.expectNoSecret(t, secret)
}

func TestConnect_RequestsGoToTheBranchBelowThePathOfTheAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path   string
		branch any
		want   string
	}{
		"default branch": {"", nil, "/graphql/main"},
		"trailing slash": {"/", nil, "/graphql/main"},
		"branch":         {"", "stable", "/graphql/stable"},
		"prefix":         {"/at/infrahub/", "stable", "/at/infrahub/graphql/stable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan *http.Request, 1)
			address := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests <- r
				_, _ = w.Write([]byte(`{"data": {"InfrahubInfo": {"version": "1.11.9"}, "Branch": []}}`))
			}))
			newProvider(t).configure(attributes{"address": address + test.path, "branch": test.branch, "api_token": secret}).requireNone(t)
			got := <-requests
			if got.URL.Path != test.want || got.Method != http.MethodPost {
				t.Errorf("sent %s %s, want POST %s", got.Method, got.URL.Path, test.want)
			}
			if got.Header.Get("X-Infrahub-Key") != secret || got.Header.Get("User-Agent") != "terraform-provider-infrahub/test Terraform/1.14.0" {
				t.Errorf("sent the headers %v", got.Header)
			}
		})
	}
}

func TestConnect_ConfigureWithATokenSendsOneQuery(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	newProvider(t).configure(s.block()).requireNone(t)
	if requests := s.Log.Requests(); len(requests) != 1 || requests[0].Mutation {
		t.Errorf("sent %+v, want one query", requests)
	}
}

func TestConnect_LoginIsRenewedWhenTheTokenExpires(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p := s.connectWith(t, attributes{"api_token": nil, "username": mockserver.DefaultUsername, "password": mockserver.DefaultPassword})
	s.ExpireTokens()
	s.Log.Reset()
	p.newInstance(credentialType).mustApply(attributes{"name": "git"})
	var operations []string
	for _, request := range s.Log.Requests() {
		operations = append(operations, request.Operation)
	}
	if difference := cmp.Diff([]string{"CreateCredential", "refresh", "CreateCredential", "Credentials"}, operations); difference != "" {
		t.Errorf("requests (-want +got):\n%s", difference)
	}
}

func TestConnect_PrivateAuthorityMustBeTrusted(t *testing.T) {
	t.Parallel()
	s := newTLSServer(t)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, []byte(authority), 0o600); err != nil {
		t.Fatal(err)
	}
	block := attributes{"address": s.URL, "api_token": secret}
	t.Run("trusted by tls_ca_pem", func(t *testing.T) {
		t.Parallel()
		newProvider(t).configure(block.with(attributes{"tls_ca_pem": authority})).requireNone(t)
	})
	t.Run("trusted by tls_ca_file", func(t *testing.T) {
		t.Parallel()
		newProvider(t).configure(block.with(attributes{"tls_ca_file": file})).requireNone(t)
	})
	t.Run("not trusted", func(t *testing.T) {
		t.Parallel()
		diags := newProvider(t).configure(block)
		diags.onlyError(t).expect(t, "address", "Infrahub Not Reached", "certificate", "tls_ca_file")
		diags.expectNoSecret(t, secret)
	})
	t.Run("tls_ca_pem holds no certificate", func(t *testing.T) {
		t.Parallel()
		newProvider(t).configure(block.with(attributes{"tls_ca_pem": "nonsense"})).onlyError(t).
			expect(t, "tls_ca_pem", "Invalid Provider Configuration", "no PEM certificate", "BEGIN CERTIFICATE")
	})
	t.Run("tls_ca_file is missing", func(t *testing.T) {
		t.Parallel()
		newProvider(t).configure(block.with(attributes{"tls_ca_file": file + ".none"})).onlyError(t).
			expect(t, "tls_ca_file", "Invalid Provider Configuration", "cannot be read", authorityVariable)
	})
}

func TestConnect_ProxyIsUsed(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	target, err := url.Parse(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	var proxied []string
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxied = append(proxied, r.URL.String()+" "+r.Header.Get("Proxy-Authorization"))
		r.URL.Host, r.URL.Scheme = "", ""
		forward.ServeHTTP(w, r)
	}))
	via := strings.Replace(proxy.URL, "http://", "http://user:"+secret+"@", 1)
	// Only the proxy knows the host.
	block := s.block().with(attributes{"address": "http://infrahub.invalid:8000", "proxy": via})
	newProvider(t).configure(block).requireNone(t)
	proxy.Close()
	if len(proxied) != 1 || !strings.HasPrefix(proxied[0], "http://infrahub.invalid:8000/graphql/main Basic ") {
		t.Errorf("the proxy got %q", proxied)
	}

	// Port 1, because another test may use the closed port by now.
	diags := newProvider(t).configure(block.with(attributes{"proxy": "http://user:" + secret + "@127.0.0.1:1"}))
	diags.onlyError(t).expect(t, "address", "Infrahub Not Reached", "refused")
	diags.expectNoSecret(t, secret)
}

func TestConnect_MergedBranchWarns(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	s.mergeBranch(t, "release")
	newProvider(t).configure(s.block().with(attributes{"branch": "release"})).onlyWarning(t).expect(t, "branch", "Branch Was Merged", `"release"`)
}
