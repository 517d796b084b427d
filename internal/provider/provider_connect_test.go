package provider

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const secret = "canary-5d41402abc4b2a76"

func TestConnect_OneDiagnosticSaysWhatIsWrong(t *testing.T) {
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
		// unanswered is where there is no request whose id could be told.
		unanswered bool
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
		"unknown branch": {
			block: attributes{"branch": "nope"}, attribute: "branch", summary: "Infrahub Branch Not Found",
			parts: []string{"Branch: nope not found.", `Create the branch "nope"`, branchVariable},
		},
		"too old": {
			options: mockserver.Options{Version: "1.8.4"}, attribute: "address", summary: "Infrahub Is Too Old",
			parts: []string{"1.8.4", "1.9.0", "Update Infrahub"}, unanswered: true,
		},
		"a page of something else": {
			fault:     &mockserver.Fault{Status: http.StatusOK, Body: "<html><title>Log in</title>" + secret + "</html>", ContentType: "text/html"},
			attribute: "address", summary: "Not an Infrahub Server", parts: []string{"HTML", "address"},
		},
		"text of something else": {
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
			parts: []string{"address", addressVariable}, unanswered: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, test.options)
			if test.fault != nil {
				s.Inject(*test.fault)
			}
			diags := newProtocol(t).configure(s.block().with(test.block))
			diags.hides(t, secret, mockserver.DefaultToken)
			got := diags.oneError(t)
			if test.summary == "" {
				test.summary = got.summary
			}
			got.is(t, test.attribute, test.summary, append(test.parts, s.address)...)
			isTitle(t, got.summary)
			if id := regexp.MustCompile(`Request id: [0-9a-f]{32}`); !test.unanswered && !id.MatchString(got.detail) {
				t.Errorf("no request id: %s", got.detail)
			}
			if paragraphs := strings.Split(got.detail, "\n\n"); len(paragraphs) < 2 || !strings.HasSuffix(paragraphs[1], ".") {
				t.Errorf("no next step: %s", got.detail)
			}
		})
	}
}

// isTitle wants a summary in Title Case.
func isTitle(t *testing.T, summary string) {
	t.Helper()
	small := []string{"a", "an", "and", "by", "in", "of", "on", "or", "the", "to"}
	for n, word := range strings.Fields(summary) {
		if first := word[:1]; first != strings.ToUpper(first) && (n == 0 || !slices.Contains(small, word)) {
			t.Errorf("the summary %q is not in Title Case", summary)
		}
	}
}

func TestConnect_UnreachableAddress(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	diags := newProtocol(t).configure(attributes{"address": address, "username": "admin", "password": secret, "max_retries": 0})
	diags.oneError(t).is(t, "address", "Infrahub Not Reached", address, "refused", "Check the address", addressVariable)
	diags.hides(t, secret)
}

func TestConnect_RequestsGoToTheBranchBelowTheAddress(t *testing.T) {
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
			asked := make(chan *http.Request, 1)
			address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r
				_, _ = w.Write([]byte(`{"data": {"InfrahubInfo": {"version": "1.11.9"}}}`))
			}))
			newProtocol(t).configure(attributes{"address": address + test.path, "branch": test.branch, "api_token": secret}).none(t)
			got := <-asked
			if got.URL.Path != test.want || got.Method != http.MethodPost {
				t.Errorf("asked %s %s, want POST %s", got.Method, got.URL.Path, test.want)
			}
			if got.Header.Get("X-Infrahub-Key") != secret || got.Header.Get("User-Agent") != "terraform-provider-infrahub/test Terraform/1.14.0" {
				t.Errorf("asked with %v", got.Header)
			}
		})
	}
}

func TestConnect_ConfiguringAsksOnceWithAToken(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	newProtocol(t).configure(s.block()).none(t)
	if requests := s.log.Requests(); len(requests) != 1 || requests[0].Mutation {
		t.Errorf("sent %+v, want one query", requests)
	}
}

func TestConnect_LoginIsRenewedWhenTheTokenExpires(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	p := newProtocol(t)
	p.configure(s.block().with(attributes{"api_token": nil, "username": mockserver.DefaultUsername, "password": mockserver.DefaultPassword})).none(t)
	s.ExpireTokens()
	s.log.Reset()
	git := p.newInstance(credential)
	git.applied(attributes{"name": "git"})
	var operations []string
	for _, request := range s.log.Requests() {
		operations = append(operations, request.Operation)
	}
	if difference := cmp.Diff([]string{"CreateCredential", "refresh", "CreateCredential", "Credentials"}, operations); difference != "" {
		t.Errorf("requests (-want +got):\n%s", difference)
	}
}

func TestConnect_PrivateAuthority(t *testing.T) {
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
		newProtocol(t).configure(block.with(attributes{"tls_ca_pem": authority})).none(t)
	})
	t.Run("trusted by tls_ca_file", func(t *testing.T) {
		t.Parallel()
		newProtocol(t).configure(block.with(attributes{"tls_ca_file": file})).none(t)
	})
	t.Run("not trusted", func(t *testing.T) {
		t.Parallel()
		diags := newProtocol(t).configure(block)
		diags.oneError(t).is(t, "address", "Infrahub Not Reached", "certificate", "tls_ca_file")
		diags.hides(t, secret)
	})
	t.Run("tls_ca_pem holds no certificate", func(t *testing.T) {
		t.Parallel()
		newProtocol(t).configure(block.with(attributes{"tls_ca_pem": "nonsense"})).oneError(t).
			is(t, "tls_ca_pem", "Invalid Provider Configuration", "no PEM certificate", "BEGIN CERTIFICATE")
	})
	t.Run("tls_ca_file is missing", func(t *testing.T) {
		t.Parallel()
		newProtocol(t).configure(block.with(attributes{"tls_ca_file": file + ".none"})).oneError(t).
			is(t, "tls_ca_file", "Invalid Provider Configuration", "cannot be read", authorityVariable)
	})
}

func TestConnect_ProxyIsUsed(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	target, err := url.Parse(s.address)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String()+" "+r.Header.Get("Proxy-Authorization"))
		r.URL.Host, r.URL.Scheme = "", ""
		forward.ServeHTTP(w, r)
	}))
	via := strings.Replace(proxy.URL, "http://", "http://user:"+secret+"@", 1)
	// The host exists for the proxy alone.
	block := s.block().with(attributes{"address": "http://infrahub.invalid:8000", "proxy": via})
	newProtocol(t).configure(block).none(t)
	proxy.Close()
	if len(asked) != 1 || !strings.HasPrefix(asked[0], "http://infrahub.invalid:8000/graphql/main Basic ") {
		t.Errorf("the proxy was asked %q", asked)
	}

	// Not the port that was closed: a server of another test may have it by now.
	diags := newProtocol(t).configure(block.with(attributes{"proxy": "http://user:" + secret + "@127.0.0.1:1"}))
	diags.oneError(t).is(t, "address", "Infrahub Not Reached", "refused")
	diags.hides(t, secret)
}
