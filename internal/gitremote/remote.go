// Package gitremote asks a Git remote what it advertises, and finds refs and versions in the answer.
package gitremote

import (
	"context"
	"errors"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	"github.com/go-git/go-git/v5/plumbing/transport/git"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
)

// Remote is where a Git repository is, and how to reach it and log in there.
type Remote struct {
	// Location is a URL (https, http, ssh, git, file), user@host:path, or an absolute path. Over ssh the
	// keys of the user's agent and their known hosts are used.
	Location string
	// Username and Token are sent over http and https, if the remote asks for a credential. Without a
	// username, "git" is sent: most hosts look at the token alone.
	Username, Token string
	// Proxy is used for http and https; nil means what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.
	Proxy *url.URL
	// CACertificatesPEM are trusted over https besides the system's.
	CACertificatesPEM []byte
	// Insecure accepts any certificate over https.
	Insecure bool
}

// Refs asks the remote for its branches and tags, as `git ls-remote` does; an empty repository has none.
// It waits as long as ctx lets it. Errors: ErrAuthentication, ErrNotFound, ErrNotGit, ErrUnreachable, or
// that of ctx.
func (r Remote) Refs(ctx context.Context) (*Refs, error) {
	advertised, err := r.advertised(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return &Refs{}, nil
	}
	if err != nil {
		return nil, r.failure(ctx, err)
	}
	return newRefs(advertised), nil
}

func (r Remote) advertised(ctx context.Context) (*packp.AdvRefs, error) {
	at, err := r.endpoint()
	if err != nil {
		return nil, err
	}
	switch at.Protocol {
	case "http", "https":
		return r.overHTTP(ctx, at)
	case "ssh":
		agent, err := ssh.NewSSHAgentAuth(at.User)
		if err != nil {
			return nil, errNoAgent
		}
		return ask(ctx, ssh.DefaultClient, at, agent)
	case "git":
		return ask(ctx, git.DefaultClient, at, nil)
	case "file":
		return ask(ctx, file.DefaultClient, at, nil)
	default:
		return nil, errNoLocation
	}
}

// overHTTP shows the credential only to a remote that asks for one, as git does.
func (r Remote) overHTTP(ctx context.Context, at *transport.Endpoint) (*packp.AdvRefs, error) {
	inner, err := r.client()
	if err != nil {
		return nil, err
	}
	client, credential := http.NewClient(inner), r.credential()
	at.User, at.Password = "", ""
	first := *at // a redirect changes it
	answer, err := ask(ctx, client, &first, nil)
	if credential != nil && errors.Is(err, transport.ErrAuthenticationRequired) {
		return ask(ctx, client, at, credential)
	}
	return answer, err
}

// ask is one ls-remote. Connecting over ssh takes no context: what is still waited for when ctx ends is
// left to end by itself.
func ask(ctx context.Context, client transport.Transport, at *transport.Endpoint, auth transport.AuthMethod) (*packp.AdvRefs, error) {
	type answer struct {
		refs *packp.AdvRefs
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		session, err := client.NewUploadPackSession(at, auth)
		if err != nil {
			done <- answer{err: err}
			return
		}
		defer func() { _ = session.Close() }() // the answer is there already
		refs, err := session.AdvertisedReferencesContext(ctx)
		done <- answer{refs, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-done:
		return got.refs, got.err
	}
}
