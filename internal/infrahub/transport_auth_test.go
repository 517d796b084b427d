package infrahub_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// login edits a client to log in instead of sending a token.
func login(username, password string) func(*infrahub.Config) {
	return func(config *infrahub.Config) {
		config.Token, config.Username, config.Password = sensitive.Text{}, username, sensitive.New(password)
	}
}

// adminLogin edits a client to log in as the mock server's user.
func adminLogin(config *infrahub.Config) {
	login(mockserver.DefaultUsername, mockserver.DefaultPassword)(config)
}

// refusal returns a fault that refuses an operation as not authorized, so many times or always (0).
func refusal(operation, code string, times int) mockserver.Fault {
	return mockserver.Fault{
		Operation: operation, Times: times, Status: http.StatusUnauthorized, ContentType: "application/json",
		Body: `{"data": null, "errors": [{"message": "Refused", "extensions": {"code": "` + code + `", "http_status": 401, "data": {}}}]}`,
	}
}

// connectAtOnce connects a client ten times at once.
func connectAtOnce(t *testing.T, client *infrahub.Client) {
	t.Helper()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := client.Connect(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestToken_IsSentWithEveryRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		connect(t, client)
		connect(t, client)
		for _, request := range s.requests() {
			if request.Header.Get("X-Infrahub-Key") != mockserver.DefaultToken || request.Header.Get("Authorization") != "" {
				t.Errorf("%s had other headers than the token: %v", request.Operation, request.Header)
			}
		}
		s.wantOperations(t, "ServerInfo", "ServerInfo")
	})
}

func TestLogin_OnceForManyRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		connectAtOnce(t, s.client(t, adminLogin))
		if logins := len(s.requests("login", "refresh")); logins != 1 {
			t.Errorf("%d logins, want one", logins)
		}
		for _, request := range s.requests("ServerInfo") {
			if request.Status != http.StatusOK || !strings.HasPrefix(request.Header.Get("Authorization"), "Bearer ") || request.Header.Get("X-Infrahub-Key") != "" {
				t.Errorf("status %d, headers %v", request.Status, request.Header)
			}
		}
	})
}

func TestLogin_RefreshesBeforeExpiry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		lifetime, idle time.Duration
		operations     []string
	}{
		{"a token that lasts", time.Hour, 58 * time.Minute, []string{"login", "ServerInfo", "ServerInfo"}},
		{"less than a minute before it expires", time.Hour, 59*time.Minute + time.Second, []string{"login", "ServerInfo", "refresh", "ServerInfo"}},
		{"a token that lasts half a minute", 30 * time.Second, 0, []string{"login", "ServerInfo", "refresh", "ServerInfo"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{AccessTokenLifetime: test.lifetime})
				client := s.client(t, adminLogin)
				connect(t, client)
				time.Sleep(test.idle)
				connect(t, client)
				s.wantOperations(t, test.operations...)
				for _, request := range s.requests() {
					if request.Status != http.StatusOK {
						t.Errorf("%s was refused with %d", request.Operation, request.Status)
					}
				}
			})
		})
	}
}

func TestLogin_ExpiredTokenIsRenewedAndTheRequestRepeatedOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		fault      *mockserver.Fault
		operations []string
	}{
		{"by a refresh", nil, []string{"CreateCredential", "refresh", "CreateCredential"}},
		{
			"by a login if the refresh is refused",
			&mockserver.Fault{Operation: "refresh", Status: http.StatusUnauthorized, ContentType: "application/json", Body: `{"data": null, "errors": [{"message": "Invalid token", "extensions": {"code": 401}}]}`},
			[]string{"CreateCredential", "refresh", "login", "CreateCredential"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t, adminLogin)
				connect(t, client)
				s.ExpireTokens()
				s.Log.Reset()
				if test.fault != nil {
					s.Inject(*test.fault)
				}
				id, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git"})
				must(t, err)
				s.wantOperations(t, test.operations...)
				wantEqual(t, "ids of the two requests", []any{id, id}, s.sentIDs("CreateCredential"))
				if credential, err := client.Credentials(false).Get(t.Context(), id); err != nil || credential.Name != "git" {
					t.Errorf("got %v, %v", credential, err)
				}
			})
		})
	}
}

func TestLogin_ManyRequestsShareOneRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t, adminLogin)
		connect(t, client)
		s.ExpireTokens()
		s.Log.Reset()
		connectAtOnce(t, client)
		if renewals := len(s.requests("login", "refresh")); renewals != 1 {
			t.Errorf("%d renewals, want one", renewals)
		}
	})
}

func TestLogin_RequestThatStaysRefusedIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(refusal("ServerInfo", "TOKEN_EXPIRED", 0))
		_, err := s.client(t, adminLogin).Connect(t.Context())
		wantErrorIs(t, err, infrahub.ErrUnauthorized)
		s.wantOperations(t, "login", "ServerInfo", "refresh", "ServerInfo")
	})
}

func TestUnauthorized_WrongCredentials(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		edit      func(*infrahub.Config)
		operation string
		want      errorFields
	}{
		{
			"wrong password", login(mockserver.DefaultUsername, "wrong"), "login",
			errorFields{status: http.StatusUnauthorized, message: "Incorrect password"},
		},
		{
			"unknown user", login("nobody", "wrong"), "login",
			errorFields{status: http.StatusNotFound, message: "That login user doesn't exist in the system"},
		},
		{
			"wrong token", func(config *infrahub.Config) { config.Token = sensitive.New("wrong") }, "ServerInfo",
			errorFields{status: http.StatusUnauthorized, code: "AUTHENTICATION_REQUIRED", message: "Invalid token"},
		},
	} {
		for _, version := range []string{"1.11.9", "1.9.9"} {
			t.Run(test.name+", "+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{Version: version})
					_, err := s.client(t, test.edit).Connect(t.Context())
					wantKind(t, err, infrahub.ErrUnauthorized)
					want := test.want
					want.operation = test.operation
					if version == "1.9.9" {
						want.code = "" // infrahub-behaviour.md, Errors 11
					}
					wantError(t, err, want)
					s.wantOperations(t, test.operation)
				})
			})
		}
	}
}

func TestLogin_ResponseWithoutATokenIsNotInfrahub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"hello": "world"}`)) }))
		_, err := p.client(t, adminLogin, noRetries).Connect(t.Context())
		wantErrorIs(t, err, infrahub.ErrNotInfrahub)
	})
}

// A redirect must not carry the credentials to another host.
func TestRedirect_IsNotFollowed(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*infrahub.Config){
		"token": func(config *infrahub.Config) { config.Token = sensitive.New("secret") },
		"login": login("admin", "secret"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reached atomic.Int32
			other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
			t.Cleanup(other.Close)
			for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
				redirecting := httptest.NewServer(http.RedirectHandler(other.URL+"/sign-in?next=secret", status))
				t.Cleanup(redirecting.Close)
				address, err := url.Parse(redirecting.URL)
				must(t, err)
				config := infrahub.Config{Address: address, Branch: "main"}
				edit(&config)
				client, err := infrahub.New(config)
				must(t, err)
				_, err = client.Connect(t.Context())
				wantKind(t, err, infrahub.ErrNotInfrahub)
				wantError(t, err, errorFields{status: status, message: "the server redirects to " + other.URL + "/sign-in"})
				if strings.Contains(err.Error(), "secret") {
					t.Errorf("%d: %v holds the secret", status, err)
				}
			}
			if got := reached.Load(); got != 0 {
				t.Errorf("%d requests reached the other host", got)
			}
		})
	}
}
