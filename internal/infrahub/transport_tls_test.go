package infrahub_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// listen lets a mock listen on a socket.
func listen(t *testing.T, serve func(http.Handler) *httptest.Server) (*url.URL, *httptest.Server) {
	t.Helper()
	mock, err := mockserver.New(mockserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mock.Close)
	front := serve(mock)
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // a certificate that is refused
	t.Cleanup(front.Close)
	at, err := url.Parse(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	return at, front
}

func TestNetwork_Certificates(t *testing.T) {
	t.Parallel()
	at, front := listen(t, httptest.NewTLSServer)
	for _, test := range []struct {
		name    string
		network infrahub.Network
		kind    error
	}{
		{"an authority that nobody knows", infrahub.Network{}, infrahub.ErrUnreachable},
		{"an authority that is given", infrahub.Network{
			CACertificatesPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}),
		}, nil},
		{"any authority", infrahub.Network{Insecure: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, err := infrahub.New(infrahub.Config{
				Address: at, Branch: "main", Token: mockserver.DefaultToken, Network: test.network, MaxRetries: 5,
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Connect(t.Context())
			ofKind(t, err, test.kind)
		})
	}
}

func TestNetwork_Proxy(t *testing.T) {
	t.Parallel()
	var asked string
	at, _ := listen(t, func(mock http.Handler) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Host
			mock.ServeHTTP(w, r)
		}))
	})
	client, err := infrahub.New(infrahub.Config{
		Address: &url.URL{Scheme: "http", Host: "infrahub.test"}, Branch: "main", Token: mockserver.DefaultToken,
		Network: infrahub.Network{Proxy: at},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Connect(t.Context()); err != nil || asked != "infrahub.test" {
		t.Errorf("the proxy was asked for %q, %v", asked, err)
	}
}
