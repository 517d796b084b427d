package gitremote

import (
	"cmp"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
)

// endpoint returns where to connect. The error is errNoLocation, also for a path that depends on the working
// directory.
func (r Remote) endpoint() (*transport.Endpoint, error) {
	endpoint, err := transport.NewEndpoint(r.Location)
	if err != nil {
		return nil, errNoLocation // err repeats a password
	}
	complete := endpoint.Host != ""
	if endpoint.Protocol == "file" {
		complete = filepath.IsAbs(r.Location) || strings.HasPrefix(r.Location, "file://") && endpoint.Path != ""
	}
	if !complete {
		return nil, errNoLocation
	}
	if endpoint.Protocol == "http" || endpoint.Protocol == "https" {
		endpoint.Path = strings.TrimSuffix(endpoint.Path, "/") // go-git appends /info/refs
	}
	return endpoint, nil
}

// SSHHost returns the host and the port of a location that is reached over ssh: ssh://… or user@host:path. They are "" for any other.
func SSHHost(location string) (host, port string) {
	endpoint, err := Remote{Location: location}.endpoint()
	if err != nil || endpoint.Protocol != "ssh" {
		return "", ""
	}
	return strings.Trim(endpoint.Host, "[]"), strconv.Itoa(cmp.Or(endpoint.Port, ssh.DefaultPort))
}

// credential returns the credential for http and https: that of the remote, or else that of its URL. It returns
// nil if there is none.
func (r Remote) credential() *http.BasicAuth {
	endpoint, err := r.endpoint()
	if err != nil || endpoint.Protocol != "http" && endpoint.Protocol != "https" {
		return nil
	}
	switch {
	case !r.Token.IsEmpty() && r.isTokenFor(endpoint):
		return &http.BasicAuth{Username: cmp.Or(r.Username, endpoint.User, "git"), Password: r.Token.Reveal()}
	case endpoint.User != "":
		return &http.BasicAuth{Username: endpoint.User, Password: endpoint.Password}
	default:
		return nil
	}
}

// isTokenFor reports whether the token is meant for the host of a remote.
func (r Remote) isTokenFor(endpoint *transport.Endpoint) bool {
	host := strings.Trim(endpoint.Host, "[]")
	if len(r.TokenHosts) == 0 {
		address := net.ParseIP(host)
		return endpoint.Protocol == "https" || strings.EqualFold(host, "localhost") || address != nil && address.IsLoopback()
	}
	withPort := net.JoinHostPort(host, strconv.Itoa(endpoint.Port))
	return slices.ContainsFunc(r.TokenHosts, func(meant string) bool {
		return strings.EqualFold(strings.Trim(meant, "[]"), host) || strings.EqualFold(meant, withPort)
	})
}

// isTokenWithheld reports whether there is a token that is not meant for the host.
func (r Remote) isTokenWithheld() bool {
	endpoint, err := r.endpoint()
	return err == nil && !r.Token.IsEmpty() && !r.isTokenFor(endpoint)
}

// RedactedLocation returns the location without user, password and query, which may hold a token.
func (r Remote) RedactedLocation() string {
	if filepath.IsAbs(r.Location) {
		return r.Location
	}
	if !strings.Contains(r.Location, "://") { // user@host:path
		if _, hostAndPath, found := strings.Cut(r.Location, "@"); found {
			return hostAndPath
		}
		return r.Location
	}
	parsed, err := url.Parse(r.Location)
	if err != nil {
		return "the location"
	}
	parsed.User, parsed.RawQuery, parsed.Fragment = nil, "", ""
	return parsed.String()
}
