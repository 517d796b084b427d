package infrahub

import (
	"context"
	"net"
	"net/http"

	"github.com/hashicorp/go-cleanhttp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

// Network configures how to reach a server: through which proxy, and which certificate authorities to trust.
type Network struct {
	// Proxy is used for every request. The zero URL leaves it to HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
	Proxy sensitive.URL
	// CACertificatesPEM are trusted besides the system's.
	CACertificatesPEM []byte
	// Insecure accepts any certificate.
	Insecure bool
	// Dial connects to the server or the proxy. Nil is over TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// httpTransport returns the transport of the connections. The error is tlsconfig.ErrNoCertificate if
// CACertificatesPEM is set but holds no certificate.
func (n Network) httpTransport() (*http.Transport, error) {
	settings, err := tlsconfig.New(n.CACertificatesPEM, n.Insecure)
	if err != nil {
		return nil, err
	}
	transport := cleanhttp.DefaultPooledTransport()
	transport.MaxIdleConnsPerHost = 10 // Terraform's default parallelism
	transport.TLSClientConfig = settings
	if proxy := n.Proxy.Reveal(); proxy != nil {
		transport.Proxy = http.ProxyURL(proxy)
	}
	if n.Dial != nil {
		transport.DialContext = n.Dial
	}
	return transport, nil
}
