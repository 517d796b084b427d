package infrahub_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// login makes a client of a name and a password.
func login(username, password string) func(*infrahub.Config) {
	return func(config *infrahub.Config) { config.Token, config.Username, config.Password = "", username, password }
}

func admin(config *infrahub.Config) {
	login(mockserver.DefaultUsername, mockserver.DefaultPassword)(config)
}

// refused is the answer to a request that is not authorized.
func refused(operation, code string, times int) mockserver.Fault {
	return mockserver.Fault{
		Operation: operation, Times: times, Status: http.StatusUnauthorized, ContentType: "application/json",
		Body: `{"data": null, "errors": [{"message": "Refused", "extensions": {"code": "` + code + `", "http_status": 401, "data": {}}}]}`,
	}
}

func connect(t *testing.T, client *infrahub.Client) {
	t.Helper()
	if _, err := client.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
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
		if difference := cmp.Diff([]string{"ServerInfo", "ServerInfo"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

func TestLogin_OnceForManyRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t, admin)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := client.Connect(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
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
		want           []string
	}{
		{"a token that lasts", time.Hour, 58 * time.Minute, []string{"login", "ServerInfo", "ServerInfo"}},
		{"less than a minute before its end", time.Hour, 59*time.Minute + time.Second, []string{"login", "ServerInfo", "refresh", "ServerInfo"}},
		{"a token that lasts half a minute", 30 * time.Second, 0, []string{"login", "ServerInfo", "refresh", "ServerInfo"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{AccessTokenLifetime: test.lifetime})
				client := s.client(t, admin)
				connect(t, client)
				time.Sleep(test.idle)
				connect(t, client)
				if difference := cmp.Diff(test.want, s.operations()); difference != "" {
					t.Error(difference)
				}
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
		name  string
		fault *mockserver.Fault
		want  []string
	}{
		{"by a refresh", nil, []string{"CreateCredential", "refresh", "CreateCredential"}},
		{
			"by a login, where the refresh is refused",
			&mockserver.Fault{Operation: "refresh", Status: http.StatusUnauthorized, ContentType: "application/json", Body: `{"data": null, "errors": [{"message": "Invalid token", "extensions": {"code": 401}}]}`},
			[]string{"CreateCredential", "refresh", "login", "CreateCredential"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t, admin)
				connect(t, client)
				s.ExpireTokens()
				s.log.Reset()
				if test.fault != nil {
					s.Inject(*test.fault)
				}
				id, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git"})
				if err != nil {
					t.Fatal(err)
				}
				if difference := cmp.Diff(test.want, s.operations()); difference != "" {
					t.Error(difference)
				}
				for _, request := range s.requests("CreateCredential") {
					if request.Input()["id"] != id {
						t.Errorf("sent %v, want the same body twice", request.Variables)
					}
				}
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
		client := s.client(t, admin)
		connect(t, client)
		s.ExpireTokens()
		s.log.Reset()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := client.Connect(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if renewals := len(s.requests("login", "refresh")); renewals != 1 {
			t.Errorf("%d renewals, want one", renewals)
		}
	})
}

func TestLogin_RequestThatStaysRefusedIsNotRepeatedForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(refused("ServerInfo", "TOKEN_EXPIRED", 0))
		_, err := s.client(t, admin).Connect(t.Context())
		if !errors.Is(err, infrahub.ErrUnauthorized) {
			t.Errorf("got %v, want ErrUnauthorized", err)
		}
		if difference := cmp.Diff([]string{"login", "ServerInfo", "refresh", "ServerInfo"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

func TestUnauthorized(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		as   func(*infrahub.Config)
		sent []string
		want want
	}{
		{
			"wrong password", login(mockserver.DefaultUsername, "wrong"),
			[]string{"login"},
			want{operation: "login", status: http.StatusUnauthorized, message: "Incorrect password"},
		},
		{
			"unknown user", login("nobody", "wrong"),
			[]string{"login"},
			want{operation: "login", status: http.StatusNotFound, message: "That login user doesn't exist in the system"},
		},
		{
			"wrong token", func(config *infrahub.Config) { config.Token = "wrong" },
			[]string{"ServerInfo"},
			want{operation: "ServerInfo", status: http.StatusUnauthorized, code: "AUTHENTICATION_REQUIRED", message: "Invalid token"},
		},
	} {
		for _, version := range []string{"1.11.9", "1.9.9"} {
			t.Run(test.name+", "+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{Version: version})
					_, err := s.client(t, test.as).Connect(t.Context())
					if !errors.Is(err, infrahub.ErrUnauthorized) || errors.Is(err, infrahub.ErrNotFound) {
						t.Errorf("got %v, want ErrUnauthorized", err)
					}
					expected := test.want
					if version == "1.9.9" {
						expected.code = "" // infrahub.md, Errors
					}
					failed(t, err, expected)
					if difference := cmp.Diff(test.sent, s.operations()); difference != "" {
						t.Error(difference)
					}
				})
			})
		}
	}
}

func TestLogin_AnswerWithoutAToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"hello": "world"}`)) }))
		_, err := p.client(t, admin, once).Connect(t.Context())
		if !errors.Is(err, infrahub.ErrNotInfrahub) {
			t.Errorf("got %v, want ErrNotInfrahub", err)
		}
	})
}

// A token must not reach whoever the server, or what stands before it, redirects to.
func TestRedirect_TokenStaysHome(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]func(*infrahub.Config){
		"token": func(config *infrahub.Config) { config.Token = "secret" },
		"login": login("admin", "secret"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reached atomic.Int32
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
			t.Cleanup(elsewhere.Close)
			for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
				home := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/sign-in?next=secret", status))
				t.Cleanup(home.Close)
				at, err := url.Parse(home.URL)
				if err != nil {
					t.Fatal(err)
				}
				config := infrahub.Config{Address: at, Branch: "main"}
				as(&config)
				client, err := infrahub.New(config)
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.Connect(t.Context())
				if !errors.Is(err, infrahub.ErrNotInfrahub) || strings.Contains(err.Error(), "secret") {
					t.Errorf("%d: got %v, want ErrNotInfrahub", status, err)
				}
				failed(t, err, want{status: status, message: "the server redirects to " + elsewhere.URL + "/sign-in"})
			}
			if got := reached.Load(); got != 0 {
				t.Errorf("%d requests reached the other host", got)
			}
		})
	}
}
