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
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// connectThrough connects a client to an address over sockets.
func connectThrough(t *testing.T, network infrahub.Network, address string) error {
	t.Helper()
	parsed, err := url.Parse(address)
	must(t, err)
	client, err := infrahub.New(infrahub.Config{
		Address: parsed, Branch: "main", Token: sensitive.New(mockserver.DefaultToken), Network: network, MaxRetries: 5,
	})
	must(t, err)
	_, err = client.Connect(t.Context())
	return err
}

func TestNetwork_Certificates(t *testing.T) {
	t.Parallel()
	front := httptest.NewUnstartedServer(mocktest.New(t, mockserver.Options{}).Log)
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // of certificates that are refused
	front.StartTLS()
	t.Cleanup(front.Close)
	for _, test := range []struct {
		name    string
		network infrahub.Network
		kind    error
	}{
		{"an unknown authority", infrahub.Network{}, infrahub.ErrUnreachable},
		{"an authority that is given", infrahub.Network{
			CACertificatesPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}),
		}, nil},
		{"any authority", infrahub.Network{Insecure: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := connectThrough(t, test.network, front.URL)
			wantKind(t, err, test.kind)
			if test.kind == nil && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNetwork_Proxy(t *testing.T) {
	t.Parallel()
	var host string
	mock := mocktest.New(t, mockserver.Options{})
	proxy, err := url.Parse(mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.URL.Host
		mock.Log.ServeHTTP(w, r)
	})))
	must(t, err)
	must(t, connectThrough(t, infrahub.Network{Proxy: sensitive.NewURL(proxy)}, "http://infrahub.test"))
	if host != "infrahub.test" {
		t.Errorf("the proxy received a request for %q", host)
	}
}
