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
)

// failure types an error, and leaves out of its text what may repeat a credential: URLs, headers and the
// body of the answer.
func (r Remote) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r.shown(), ctx.Err())
	}
	kind, detail := r.judge(cause(err))
	if detail == "" {
		return fmt.Errorf("%s: %w", r.shown(), kind)
	}
	return fmt.Errorf("%s: %w: %s", r.shown(), kind, detail)
}

func (r Remote) judge(err error) (kind error, detail string) {
	is := func(target error) bool { return errors.Is(err, target) }
	var (
		notPackets *packp.ErrUnexpectedData
		endless    *http.MaxBytesError
	)
	switch {
	case is(errNoLocation), is(errNoCertificate):
		return err, ""
	case is(errNoAgent):
		return ErrAuthentication, err.Error()
	case strings.Contains(err.Error(), "ssh: unable to authenticate"): // an error without a type
		return ErrAuthentication, "no key of the SSH agent is accepted"
	case is(transport.ErrAuthorizationFailed):
		return ErrAuthentication, "access is denied"
	case is(transport.ErrAuthenticationRequired) && r.credential() == nil:
		return ErrAuthentication, "the remote asks for a credential"
	case is(transport.ErrAuthenticationRequired):
		return ErrAuthentication, "the remote does not accept the credential"
	case is(transport.ErrRepositoryNotFound):
		return ErrNotFound, ""
	case is(errRedirected):
		return ErrNotGit, err.Error()
	case errors.As(err, &endless):
		return ErrNotGit, fmt.Sprintf("it is longer than %d MiB", endless.Limit>>20)
	case is(pktline.ErrInvalidPktLen), is(packp.ErrEmptyInput), errors.As(err, &notPackets):
		return ErrNotGit, ""
	default:
		return ErrUnreachable, r.censored(err.Error())
	}
}

// cause is what went wrong, without the URL that was asked and the words of the server.
func cause(err error) error {
	var unexpected *plumbing.UnexpectedError
	if errors.As(err, &unexpected) { // it does not unwrap itself
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
