package gitremote

import (
	"net/http"
	"strings"

	"github.com/hashicorp/go-cleanhttp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

// maxResponseBytes bounds a response over HTTP: 64 MiB hold more than half a million refs.
const maxResponseBytes = 64 << 20

// httpClient returns a client for http and https. The error is tlsconfig.ErrNoCertificate if CACertificatesPEM is
// set but holds no certificate.
func (r Remote) httpClient() (*http.Client, error) {
	settings, err := tlsconfig.New(r.CACertificatesPEM, r.Insecure)
	if err != nil {
		return nil, err
	}
	transport := cleanhttp.DefaultTransport()
	transport.TLSClientConfig = settings
	if proxy := r.Proxy.Reveal(); proxy != nil {
		transport.Proxy = http.ProxyURL(proxy)
	}
	return &http.Client{Transport: gitOnlyTransport{transport}, CheckRedirect: allowRefsOnly}, nil
}

// allowRefsOnly refuses a redirect to anything but refs, such as a login page.
func allowRefsOnly(to *http.Request, _ []*http.Request) error {
	if !strings.HasSuffix(to.URL.Path, "/info/refs") {
		return errRedirected
	}
	return nil
}

// gitOnlyTransport refuses responses that do not come from Git, and bounds the others.
type gitOnlyTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (g gitOnlyTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK && response.Header.Get("Content-Type") != "application/x-git-upload-pack-advertisement" {
		_ = response.Body.Close()
		return nil, errNoRefs
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxResponseBytes)
	return response, nil
}
