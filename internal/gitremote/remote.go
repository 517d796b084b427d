// Package gitremote lists the refs that a Git remote advertises, and finds refs and versions among them.
package gitremote

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	"github.com/go-git/go-git/v5/plumbing/transport/git"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// Remote is a Git remote: where it is, and how to reach it and authenticate.
type Remote struct {
	// Location is a URL (https, http, ssh, git, file), user@host:path, or an absolute path. Over ssh the keys of
	// the user's agent and the user's known hosts are used.
	Location string
	// Username and Token are sent over http and https, and only if the remote asks for a credential. Without a
	// username, "git" is sent: most hosts check the token alone.
	Username string
	Token    sensitive.Text
	// TokenHosts are the hosts that Token is meant for, each with or without a port. If there are none, it is meant for every host over
	// https, and over http for this machine alone.
	TokenHosts []string
	// Proxy is used for http and https. The zero URL leaves it to HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
	Proxy sensitive.URL
	// CACertificatesPEM are trusted over https besides the system's.
	CACertificatesPEM []byte
	// Insecure accepts any certificate over https.
	Insecure bool
}

// Refs returns the branches and tags of the remote, as `git ls-remote` does; an empty repository has none. Only
// ctx bounds how long that takes. Errors: those of errors.go, tlsconfig.ErrNoCertificate, that of ctx, or one
// without a kind about the location.
func (r Remote) Refs(ctx context.Context) (*Refs, error) {
	advertised, err := r.advertisedRefs(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return &Refs{}, nil
	}
	if err != nil {
		return nil, r.failure(ctx, err)
	}
	return newRefs(advertised), nil
}

func (r Remote) advertisedRefs(ctx context.Context) (*packp.AdvRefs, error) {
	endpoint, err := r.endpoint()
	if err != nil {
		return nil, err
	}
	switch endpoint.Protocol {
	case "http", "https":
		return r.lsRemoteHTTP(ctx, endpoint)
	case "ssh":
		agent, err := agentAuth(endpoint)
		if err != nil {
			return nil, err
		}
		return lsRemote(ctx, ssh.DefaultClient, endpoint, agent)
	case "git":
		return lsRemote(ctx, git.DefaultClient, endpoint, nil)
	case "file":
		return lsRemote(ctx, file.DefaultClient, endpoint, nil)
	default:
		return nil, errNoLocation
	}
}

// lsRemoteHTTP sends the credential only to a remote that asks for one, as git does.
func (r Remote) lsRemoteHTTP(ctx context.Context, endpoint *transport.Endpoint) (*packp.AdvRefs, error) {
	httpClient, err := r.httpClient()
	if err != nil {
		return nil, err
	}
	client, credential := http.NewClient(httpClient), r.credential()
	endpoint.User, endpoint.Password = "", ""
	first := *endpoint // a redirect changes it
	refs, err := lsRemote(ctx, client, &first, nil)
	if credential != nil && errors.Is(err, transport.ErrAuthenticationRequired) {
		return lsRemote(ctx, client, endpoint, credential)
	}
	return refs, err
}

// lsRemote requests the refs once. Connecting over ssh takes no context, so if ctx ends lsRemote returns and
// leaves the connection attempt to end by itself.
func lsRemote(ctx context.Context, client transport.Transport, endpoint *transport.Endpoint, auth transport.AuthMethod) (*packp.AdvRefs, error) {
	type result struct {
		refs *packp.AdvRefs
		err  error
	}
	results := make(chan result, 1)
	go func() {
		session, err := client.NewUploadPackSession(endpoint, auth)
		if err != nil {
			results <- result{err: err}
			return
		}
		defer func() { _ = session.Close() }() // the refs are complete by then
		refs, err := session.AdvertisedReferencesContext(ctx)
		results <- result{refs, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-results:
		return result.refs, result.err
	}
}
