package gitremote

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"golang.org/x/crypto/ssh"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

// The kinds of failure that callers distinguish with errors.Is. No text of an error holds a credential.
var (
	// ErrAuthentication means that the remote asks for a credential, or for another one.
	ErrAuthentication = errors.New("authentication failed")
	// ErrTokenWithheld means that the remote asks for a credential, and that the token is not meant for its host. It is an
	// ErrAuthentication.
	ErrTokenWithheld = fmt.Errorf("%w: the remote asks for a credential, and the token is not meant for its host", ErrAuthentication)
	// ErrNotFound means that there is no repository. Some hosts also respond so if the credential gives no access
	// to it; others respond with ErrAuthentication if it does not exist.
	ErrNotFound = errors.New("repository not found")
	// ErrNotGit means that the response did not come from Git but, for example, from a login page or a proxy, or
	// that it did not end.
	ErrNotGit = errors.New("the response did not come from a Git repository")
	// ErrUnreachable means that no response came, or that the remote reports a failure of its own.
	ErrUnreachable = errors.New("not available")
)

// The kinds of failure over ssh.
var (
	// ErrNoAgent means that no SSH agent responds. It is an ErrAuthentication.
	ErrNoAgent = fmt.Errorf("%w: no SSH agent responds at SSH_AUTH_SOCK", ErrAuthentication)
	// ErrNoKey means that the SSH agent holds no key. It is an ErrAuthentication.
	ErrNoKey = fmt.Errorf("%w: the SSH agent holds no key", ErrAuthentication)
	// ErrKeyRefused means that the host accepts no key of the SSH agent. It is an ErrAuthentication.
	ErrKeyRefused = fmt.Errorf("%w: no key of the SSH agent is accepted", ErrAuthentication)
	// ErrNoKnownHosts means that no file of known hosts can be read, so that no host key can be checked.
	ErrNoKnownHosts = errors.New("no file of known hosts can be read")
	// ErrHostUnknown means that the files of known hosts hold no key of the host, or none of a type that it has.
	ErrHostUnknown = errors.New("the key of the host is not known")
	// ErrHostKeyChanged means that the host has another key than the files of known hosts, or a revoked one.
	ErrHostKeyChanged = errors.New("the host has another key than the known one")
)

var (
	errNoLocation = errors.New("the location is neither a URL that Git supports, nor user@host:path, nor an absolute path")
	errRedirected = errors.New("it redirects to a page")
	errNoRefs     = errors.New("it is something else, such as a page")
)

// failure returns the error of a request: its kind, and a text without what may repeat a credential, which are
// URLs, headers and the body of the response.
func (r Remote) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r.RedactedLocation(), ctx.Err())
	}
	detail, kind := r.classify(cause(err))
	if detail == "" {
		return fmt.Errorf("%s: %w", r.RedactedLocation(), kind)
	}
	return fmt.Errorf("%s: %w: %s", r.RedactedLocation(), kind, detail)
}

// classify returns the kind of an error, and what it does not say yet, which may be "".
func (r Remote) classify(err error) (detail string, kind error) {
	is := func(target error) bool { return errors.Is(err, target) }
	var (
		noPackets  *packp.ErrUnexpectedData
		tooLong    *http.MaxBytesError
		algorithms *ssh.AlgorithmNegotiationError
	)
	for _, typed := range []error{ErrNoKnownHosts, ErrHostUnknown, ErrHostKeyChanged} {
		if is(typed) {
			_, detail, _ = strings.Cut(err.Error(), typed.Error()+": ")
			return r.redact(detail), typed
		}
	}
	switch {
	case is(errNoLocation), is(tlsconfig.ErrNoCertificate), is(ErrNoAgent), is(ErrNoKey):
		return "", err
	case errors.As(err, &algorithms):
		return r.redact(algorithms.Error()), ErrHostUnknown
	case strings.Contains(err.Error(), "ssh: unable to authenticate"): // an error without a type
		return "", ErrKeyRefused
	case is(transport.ErrAuthorizationFailed):
		return "access is denied", ErrAuthentication
	case is(transport.ErrAuthenticationRequired) && r.isTokenWithheld():
		return "", ErrTokenWithheld
	case is(transport.ErrAuthenticationRequired) && r.credential() == nil:
		return "the remote asks for a credential", ErrAuthentication
	case is(transport.ErrAuthenticationRequired):
		return "the remote does not accept the credential", ErrAuthentication
	case is(transport.ErrRepositoryNotFound):
		return "", ErrNotFound
	case is(errRedirected), is(errNoRefs):
		return err.Error(), ErrNotGit
	case errors.As(err, &tooLong):
		return fmt.Sprintf("it is longer than %d MiB", tooLong.Limit>>20), ErrNotGit
	case r.answers(err, "not found", "cannot find", "does not exist", "could not be found"):
		return r.redact(err.Error()), ErrNotFound
	case r.answers(err, "denied", "not authorized", "unauthorized", "not allowed"):
		return r.redact(err.Error()), ErrAuthentication
	case is(pktline.ErrInvalidPktLen), is(packp.ErrEmptyInput), errors.As(err, &noPackets):
		return "", ErrNotGit
	default:
		return r.redact(err.Error()), ErrUnreachable
	}
}

// answers reports whether an error is what the host of an ssh remote answers, in its own words, and one of these is among them.
func (r Remote) answers(err error, words ...string) bool {
	answer, found := strings.CutPrefix(strings.ToLower(err.Error()), "unknown error: ") // an error of go-git without a type
	return found && slices.ContainsFunc(words, func(word string) bool { return strings.Contains(answer, word) })
}

// cause returns the error inside an error of go-git, without the URL of the request and the body of the response.
func cause(err error) error {
	if unexpected, ok := errors.AsType[*plumbing.UnexpectedError](err); ok { // it does not implement Unwrap
		err = unexpected.Err
	}
	var (
		status    *githttp.Err
		errorLine *pktline.ErrorLine
		request   *url.Error
	)
	switch {
	case errors.As(err, &status):
		return fmt.Errorf("it responds with %d %s", status.StatusCode(), http.StatusText(status.StatusCode()))
	case errors.As(err, &errorLine):
		return errors.New("it responds with an error")
	case errors.As(err, &request):
		return request.Err
	default:
		return err
	}
}

// redact returns a text without secrets, in one line of at most 300 bytes.
func (r Remote) redact(text string) string {
	text = strings.Join(strings.Fields(sensitive.Redact(text, r.secrets()...)), " ")
	text = strings.Map(func(character rune) rune { // a terminal might obey what is hidden in an answer
		if !unicode.IsPrint(character) {
			return -1
		}
		return character
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// secrets returns what a text must not repeat: passwords, and the credential as it is encoded in a header.
func (r Remote) secrets() []sensitive.Text {
	secrets := []sensitive.Text{r.Proxy.Password()}
	if c := r.credential(); c != nil {
		secrets = append(secrets, sensitive.New(cmp.Or(c.Password, c.Username)), sensitive.New(base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))))
	}
	return secrets
}
