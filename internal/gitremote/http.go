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
	if len(r.AuthoritiesPEM) > 0 {
		authorities, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("read the system's certificates: %w", err)
		}
		if !authorities.AppendCertsFromPEM(r.AuthoritiesPEM) {
			return nil, errNoCertificate
		}
		network.TLSClientConfig.RootCAs = authorities
	}
	return &http.Client{Transport: bounded{network}, CheckRedirect: onlyToGit}, nil
}

// onlyToGit follows no redirect to a login page.
func onlyToGit(to *http.Request, _ []*http.Request) error {
	if !strings.HasSuffix(to.URL.Path, "/info/refs") {
		return errRedirected
	}
	return nil
}

// bounded ends an answer that has no end.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	answer.Body = http.MaxBytesReader(nil, answer.Body, longest)
	return answer, nil
}
