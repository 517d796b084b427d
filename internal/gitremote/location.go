package gitremote

import (
	"cmp"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
)

// endpoint is where to connect; errNoLocation for a path that depends on the working directory, too.
func (r Remote) endpoint() (*transport.Endpoint, error) {
	at, err := transport.NewEndpoint(r.Location)
	if err != nil {
		return nil, errNoLocation // not err, which repeats a password
	}
	known := at.Host != ""
	if at.Protocol == "file" {
		known = filepath.IsAbs(r.Location) || strings.HasPrefix(r.Location, "file://") && at.Path != ""
	}
	if !known {
		return nil, errNoLocation
	}
	return at, nil
}

// credential is for http and https: the remote's, or that of its URL; nil if there is none.
func (r Remote) credential() *http.BasicAuth {
	at, err := r.endpoint()
	if err != nil || at.Protocol != "http" && at.Protocol != "https" || r.Token == "" && at.User == "" {
		return nil
	}
	return &http.BasicAuth{Username: cmp.Or(r.Username, at.User, "git"), Password: cmp.Or(r.Token, at.Password)}
}

// shown is the location without user, password and query, in which people put tokens.
func (r Remote) shown() string {
	if filepath.IsAbs(r.Location) {
		return r.Location
	}
	if !strings.Contains(r.Location, "://") { // user@host:path
		if _, place, found := strings.Cut(r.Location, "@"); found {
			return place
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
