package infrahub_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

// connect connects a client that has to succeed.
func connect(t *testing.T, client *infrahub.Client) *infrahub.Server {
	t.Helper()
	connected, err := client.Connect(t.Context())
	must(t, err)
	return connected
}

func TestConnect_ReturnsTheVersionOfTheServerAndTheBranch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{Version: "1.10.3"})
		client := s.client(t)
		s.wantOperations(t) // New sends nothing
		connected := connect(t, client)
		if connected.Version != "1.10.3" || connected.Branch.Name != "main" || !connected.Branch.Default || connected.Branch.Merged() {
			t.Errorf("got %+v", connected)
		}
		s.wantOperations(t, "ServerInfo")
	})
}

func TestConnect_RefusesServersOlderThanTheOldestVersion(t *testing.T) {
	t.Parallel()
	for version, tooOld := range map[string]bool{
		"1.8.4": true, "0.16.2": true, "1.9.0": false, "1.9.9": false, "1.10.0": false, "2.0.0": false,
		// A prerelease or build counts as its release.
		"1.9.0-rc1": false, "1.9.0rc0": false, "1.9.0b2": false, "1.9.0+build.7": false, "1.8.9-rc1": true, "1.8.9rc1": true,
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{Version: version})
				connected, err := s.client(t).Connect(t.Context())
				if tooOld {
					if failure, ok := errors.AsType[*infrahub.TooOldError](err); !ok || failure.Version != version {
						t.Errorf("got %v, want a TooOldError of %s", err, version)
					}
					return
				}
				if err != nil || connected.Version != version {
					t.Errorf("got %+v, %v", connected, err)
				}
			})
		})
	}
}

func TestConnect_InvalidVersionIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{Version: "unknown"})
		if connected, err := s.client(t).Connect(t.Context()); err == nil {
			t.Errorf("got %+v, want an error", connected)
		}
	})
}

func TestConnect_WithoutAServerIsUnreachable(t *testing.T) {
	t.Parallel()
	nowhere := &url.URL{Scheme: "http", Host: "127.0.0.1:1"} // no server gets this port by chance, unlike one that was free a moment ago
	client, err := infrahub.New(infrahub.Config{Address: nowhere, Branch: "main", Token: sensitive.New(mockserver.DefaultToken)})
	must(t, err)
	_, err = client.Connect(t.Context())
	wantKind(t, err, infrahub.ErrUnreachable)
	wantError(t, err, errorFields{message: "no response from " + nowhere.String(), operation: "ServerInfo"})
}

func TestNew_RefusesCACertificatesThatAreNone(t *testing.T) {
	t.Parallel()
	_, err := infrahub.New(infrahub.Config{
		Address: &url.URL{Scheme: "https", Host: "infrahub.test"}, Network: infrahub.Network{CACertificatesPEM: []byte("no certificate")},
	})
	wantErrorIs(t, err, tlsconfig.ErrNoCertificate)
}

func TestClient_SendsItsUserAgentAndPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t, func(config *infrahub.Config) { config.UserAgent = "terraform-provider-infrahub/1.2.3" })
		createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
		polled := 0
		for _, request := range s.requests() {
			if agent := request.Header.Get("User-Agent"); agent != "terraform-provider-infrahub/1.2.3" {
				t.Errorf("%s was sent by %q", request.Operation, agent)
			}
			switch priority := request.Header.Get("X-Priority"); {
			case priority == "low" && request.Operation == "Tasks":
				polled++
			case priority != "medium":
				t.Errorf("%s has priority %q", request.Operation, priority)
			}
		}
		if polled == 0 {
			t.Error("no request for tasks had a low priority")
		}
	})
}

func TestClient_RequestEndsAfterTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const timeout = 20 * time.Second
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Delay: time.Hour})
		client := s.client(t, noRetries, func(config *infrahub.Config) { config.Timeout = timeout })
		began := time.Now()
		_, err := client.Connect(t.Context())
		wantKind(t, err, infrahub.ErrUnreachable)
		wantDuration(t, began, timeout, timeout)
	})
}

func TestClient_KeepsThePathOfTheAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var path string
		p := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { path = r.URL.Path }))
		client := p.client(t, func(config *infrahub.Config) {
			config.Address, config.Branch = config.Address.JoinPath("infra", "hub/"), "feature/a"
		})
		_, _ = client.Connect(t.Context()) // the response is empty; only the request counts
		if path != "/infra/hub/graphql/feature/a" || client.Branch() != "feature/a" {
			t.Errorf("the client of branch %s sent a request to %s", client.Branch(), path)
		}
	})
}
