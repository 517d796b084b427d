package infrahub_test

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

func TestConnect_ReturnsTheVersionOfTheServerAndTheBranch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{Version: "1.10.3"})
		client := s.client(t)
		if sent := s.operations(); sent != nil {
			t.Errorf("New sent %v, want nothing", sent)
		}
		connected, err := client.Connect(t.Context())
		if err != nil || connected.Version != "1.10.3" || connected.Branch.Name != "main" || !connected.Branch.Default || connected.Branch.Merged() {
			t.Errorf("got %+v, %v", connected, err)
		}
		if difference := cmp.Diff([]string{"ServerInfo"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

func TestConnect_OldestVersion(t *testing.T) {
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
				got, err := s.client(t).Connect(t.Context())
				var old *infrahub.TooOldError
				switch {
				case !tooOld && (err != nil || got.Version != version):
					t.Errorf("got %+v, %v", got, err)
				case tooOld && (!errors.As(err, &old) || old.Version != version):
					t.Errorf("got %v, want a TooOldError of %s", err, version)
				}
			})
		})
	}
}

func TestConnect_VersionThatIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{Version: "unknown"})
		if connected, err := s.client(t).Connect(t.Context()); err == nil {
			t.Errorf("got %+v, want an error", connected)
		}
	})
}

func TestConnect_NoServer(t *testing.T) {
	t.Parallel()
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	client, err := infrahub.New(infrahub.Config{Address: nowhere, Branch: "main", Token: mockserver.DefaultToken})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Connect(t.Context())
	if !errors.Is(err, infrahub.ErrUnreachable) {
		t.Fatalf("got %v, want ErrUnreachable", err)
	}
	failed(t, err, want{message: "no response from " + nowhere.String(), operation: "ServerInfo"})
}

func TestNew_AuthoritiesWithoutACertificate(t *testing.T) {
	t.Parallel()
	_, err := infrahub.New(infrahub.Config{
		Address: &url.URL{Scheme: "https", Host: "infrahub.test"}, Network: infrahub.Network{CACertificatesPEM: []byte("no certificate")},
	})
	if !errors.Is(err, tlsconfig.ErrNoCertificate) {
		t.Errorf("got %v, want ErrNoCertificate", err)
	}
}

func TestClient_SaysWhoAsksAndHowUrgently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t, func(config *infrahub.Config) { config.UserAgent = "terraform-provider-infrahub/1.2.3" })
		_, started, err := client.CreateRepository(t.Context(), readOnly(newRemote(t), "v1.0.0"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := started.Wait(patient(t)); err != nil {
			t.Fatal(err)
		}
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

func TestClient_RequestThatTakesTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Delay: time.Hour})
		client := s.client(t, func(config *infrahub.Config) { config.MaxRetries, config.Timeout = 0, 20*time.Second })
		began := time.Now()
		if _, err := client.Connect(t.Context()); !errors.Is(err, infrahub.ErrUnreachable) {
			t.Errorf("got %v, want ErrUnreachable", err)
		}
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("gave up after %s, want 20 s", took)
		}
	})
}

func TestClient_BranchAndPathOfTheAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var path string
		p := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { path = r.URL.Path }))
		client := p.client(t, func(config *infrahub.Config) {
			config.Address, config.Branch = config.Address.JoinPath("infra", "hub/"), "feature/a"
		})
		_, _ = client.Connect(t.Context()) // the answer is empty; the request counts
		if path != "/infra/hub/graphql/feature/a" || client.Branch() != "feature/a" {
			t.Errorf("asked %s for branch %s", path, client.Branch())
		}
	})
}
