package gitremote

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// The ways in which asking a remote fails, for errors.Is. No text of an error holds a credential.
var (
	// ErrAuthentication means that the remote wants a credential, or another one.
	ErrAuthentication = errors.New("authentication failed")
	// ErrNotFound means that there is no repository. Some hosts say so of one that the credential may not
	// see; others say ErrAuthentication of one that does not exist.
	ErrNotFound = errors.New("repository not found")
	// ErrNotGit means that the answer is not Git's: that of a login page or of a proxy, or one without end.
	ErrNotGit = errors.New("the answer did not come from a Git repository")
	// ErrUnreachable means that no answer came, or one that the remote is not well.
	ErrUnreachable = errors.New("not available")
)

var (
	errNoLocation = errors.New("this is neither a URL that Git can ask, nor user@host:path, nor an absolute path")
	errNoAgent    = errors.New("no SSH agent answers at SSH_AUTH_SOCK")
	errRedirected = errors.New("it redirects to a page")
	errNoRefs     = errors.New("it is something else, such as a page")
)

// failure types an error, and leaves out of its text what may repeat a credential: URLs, headers and the
// body of the answer.
func (r Remote) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r.shown(), ctx.Err())
	}
	detail, kind := r.judge(cause(err))
	if detail == "" {
		return fmt.Errorf("%s: %w", r.shown(), kind)
	}
	return fmt.Errorf("%s: %w: %s", r.shown(), kind, detail)
}

func (r Remote) judge(err error) (detail string, kind error) {
	is := func(target error) bool { return errors.Is(err, target) }
	var (
		notPackets *packp.ErrUnexpectedData
		endless    *http.MaxBytesError
	)
	switch {
	case is(errNoLocation), is(errNoCertificate):
		return "", err
	case is(errNoAgent):
		return err.Error(), ErrAuthentication
	case strings.Contains(err.Error(), "ssh: unable to authenticate"): // an error without a type
		return "no key of the SSH agent is accepted", ErrAuthentication
	case is(transport.ErrAuthorizationFailed):
		return "access is denied", ErrAuthentication
	case is(transport.ErrAuthenticationRequired) && r.credential() == nil:
		return "the remote asks for a credential", ErrAuthentication
	case is(transport.ErrAuthenticationRequired):
		return "the remote does not accept the credential", ErrAuthentication
	case is(transport.ErrRepositoryNotFound):
		return "", ErrNotFound
	case is(errRedirected), is(errNoRefs):
		return err.Error(), ErrNotGit
	case errors.As(err, &endless):
		return fmt.Sprintf("it is longer than %d MiB", endless.Limit>>20), ErrNotGit
	case is(pktline.ErrInvalidPktLen), is(packp.ErrEmptyInput), errors.As(err, &notPackets):
		return "", ErrNotGit
	default:
		return r.censored(err.Error()), ErrUnreachable
	}
}

// cause is what went wrong, without the URL that was asked and the words of the server.
func cause(err error) error {
	if unexpected, ok := errors.AsType[*plumbing.UnexpectedError](err); ok { // it does not unwrap itself
		err = unexpected.Err
	}
	var (
		status  *githttp.Err
		refused *pktline.ErrorLine
		request *url.Error
	)
	switch {
	case errors.As(err, &status):
		return fmt.Errorf("it answers %d %s", status.StatusCode(), http.StatusText(status.StatusCode()))
	case errors.As(err, &refused):
		return errors.New("it answers with an error")
	case errors.As(err, &request):
		return request.Err
	default:
		return err
	}
}

// censored is a text in one line of bearable length, without what is secret.
func (r Remote) censored(text string) string {
	for _, secret := range r.secrets() {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

func (r Remote) secrets() []string {
	var list []string
	if r.Proxy != nil {
		password, _ := r.Proxy.User.Password()
		list = append(list, password)
	}
	if c := r.credential(); c != nil {
		list = append(list, cmp.Or(c.Password, c.Username), base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password)))
	}
	return list
}
