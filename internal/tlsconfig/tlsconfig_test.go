package tlsconfig_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

func TestNew(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	known := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, test := range []struct {
		name     string
		pem      []byte
		insecure bool
		err      error
		pool     bool
	}{
		{"the system's authorities", nil, false, nil, false},
		{"an empty text", []byte{}, false, nil, false},
		{"further authorities", known, false, nil, true},
		{"further authorities among other text", append([]byte("My authority:\n"), known...), false, nil, true},
		{"any certificate", nil, true, nil, false},
		{"a text without a certificate", []byte("none"), false, tlsconfig.ErrNoCertificate, false},
		{"a text without a certificate where any is accepted", []byte("none"), true, tlsconfig.ErrNoCertificate, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config, err := tlsconfig.New(test.pem, test.insecure)
			if !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			if err != nil {
				return
			}
			if config.MinVersion != tls.VersionTLS12 || config.InsecureSkipVerify != test.insecure {
				t.Errorf("minimum version %x, insecure %t", config.MinVersion, config.InsecureSkipVerify)
			}
			if test.pool != (config.RootCAs != nil) {
				t.Fatalf("a pool of its own: %t, want %t", config.RootCAs != nil, test.pool)
			}
			if test.pool {
				if _, err := server.Certificate().Verify(x509.VerifyOptions{Roots: config.RootCAs}); err != nil {
					t.Errorf("the authority that was given is not trusted: %v", err)
				}
			}
		})
	}
}

// The system's authorities stay trusted beside those that are given.
func TestNew_AddsToTheSystemsAuthorities(t *testing.T) {
	t.Parallel()
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	config, err := tlsconfig.New(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), false)
	if err != nil {
		t.Fatal(err)
	}
	system.AddCert(server.Certificate())
	if !config.RootCAs.Equal(system) {
		t.Error("the pool is not the system's with one certificate more")
	}
}
