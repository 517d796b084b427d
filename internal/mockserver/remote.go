package mockserver

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

const remoteTimeout = 10 * time.Second

// errCredentialRefused is the error of a credential that the remote does not accept.
var errCredentialRefused = errors.New("authentication failed")

// remote is the URL of a Git remote and the credential for it.
type remote struct{ url, username, password string }

func (r remote) auth() transport.AuthMethod {
	if r.username == "" && r.password == "" || !strings.HasPrefix(r.url, "http") {
		return nil
	}
	return &http.BasicAuth{Username: r.username, Password: r.password}
}

// list returns the references that the remote advertises, none for an empty repository.
func (r remote) list(ctx context.Context) ([]*plumbing.Reference, error) {
	ctx, cancel := context.WithTimeout(ctx, remoteTimeout)
	defer cancel()
	from := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{r.url}})
	references, err := from.ListContext(ctx, &git.ListOptions{Auth: r.auth()})
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, nil
	}
	if errors.Is(err, transport.ErrAuthenticationRequired) && r.auth() != nil {
		return nil, errCredentialRefused
	}
	return references, err
}
