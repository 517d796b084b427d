// Package tlsconfig builds the TLS settings of the connections to Infrahub and to Git remotes.
package tlsconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// ErrNoCertificate means that a text that should hold certificates in PEM form holds none.
var ErrNoCertificate = errors.New("no PEM certificate found")

// New returns the settings of a client that speaks TLS 1.2 or newer. It trusts the system's certificate
// authorities and those of caCertificatesPEM, which may be empty; insecure makes it accept any certificate.
// The error is ErrNoCertificate if caCertificatesPEM is not empty and holds no certificate.
func New(caCertificatesPEM []byte, insecure bool) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure} //nolint:gosec // tls_insecure asks for it
	if len(caCertificatesPEM) == 0 {
		return config, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(caCertificatesPEM) {
		return nil, ErrNoCertificate
	}
	config.RootCAs = pool
	return config, nil
}
