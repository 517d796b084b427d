package gitremote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/go-cleanhttp"
)

// longest is how many bytes of an answer over http are read: more than half a million refs.
const longest = 64 << 20

var errNoCertificate = errors.New("no PEM certificate found")

func (r Remote) client() (*http.Client, error) {
	network := cleanhttp.DefaultTransport()
	if r.Proxy != nil {
		network.Proxy = http.ProxyURL(r.Proxy)
	}
	network.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: r.Insecure}
	if len(r.CACertificatesPEM) > 0 {
		authorities, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("read the system's certificates: %w", err)
		}
		if !authorities.AppendCertsFromPEM(r.CACertificatesPEM) {
			return nil, errNoCertificate
		}
		network.TLSClientConfig.RootCAs = authorities
	}
	return &http.Client{Transport: guarded{network}, CheckRedirect: onlyToGit}, nil
}

// onlyToGit follows no redirect to a login page.
func onlyToGit(to *http.Request, _ []*http.Request) error {
	if !strings.HasSuffix(to.URL.Path, "/info/refs") {
		return errRedirected
	}
	return nil
}

// guarded lets only answers of Git through, and ends one that has no end.
type guarded struct{ next http.RoundTripper }

func (g guarded) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK && answer.Header.Get("Content-Type") != "application/x-git-upload-pack-advertisement" {
		_ = answer.Body.Close()
		return nil, errNoRefs
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, longest)
	return answer, nil
}
