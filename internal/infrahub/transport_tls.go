package infrahub

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/hashicorp/go-cleanhttp"
)

// Network is how to reach a server: through which proxy, trusting which authorities.
type Network struct {
	// Proxy is used for every request; nil means what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.
	Proxy *url.URL
	// CACertificatesPEM are trusted besides the system's.
	CACertificatesPEM []byte
	// Insecure accepts any certificate.
	Insecure bool
}

// ErrNoCertificate means that CACertificatesPEM holds no certificate.
var ErrNoCertificate = errors.New("no PEM certificate found")

func (n Network) transport() (*http.Transport, error) {
	transport := cleanhttp.DefaultPooledTransport()
	transport.MaxIdleConnsPerHost = 10 // Terraform's default parallelism
	if n.Proxy != nil {
		transport.Proxy = http.ProxyURL(n.Proxy)
	}
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: n.Insecure}
	if len(n.CACertificatesPEM) > 0 {
		authorities, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("read the system's certificates: %w", err)
		}
		if !authorities.AppendCertsFromPEM(n.CACertificatesPEM) {
			return nil, ErrNoCertificate
		}
		transport.TLSClientConfig.RootCAs = authorities
	}
	return transport, nil
}
