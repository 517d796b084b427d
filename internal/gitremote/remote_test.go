package gitremote_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

const canary = "c4nary-t0ken"

// newRepository makes a repository with one commit, and returns the commit.
func newRepository(t *testing.T, root, path string) (*gitserver.Repository, string) {
	t.Helper()
	made, err := gitserver.NewRepository(root, path)
	if err != nil {
		t.Fatal(err)
	}
	return made, commit(t, made, "1")
}

func commit(t *testing.T, to *gitserver.Repository, content string) string {
	t.Helper()
	hash, err := to.Commit(map[string]string{"file": content})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// host serves public.git and private/r.git and remembers the credentials that it was shown.
type host struct {
	http.Handler
	root, commit string

	lock  sync.Mutex
	shown []string
}

func newHost(t *testing.T) *host {
	t.Helper()
	root := t.TempDir()
	_, hash := newRepository(t, root, "public.git")
	newRepository(t, root, "private/r.git")
	handler, err := gitserver.Handler(root, gitserver.Options{Username: "git", Password: canary})
	done(t, err)
	return &host{Handler: handler, root: root, commit: hash}
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	username, password, _ := r.BasicAuth()
	h.lock.Lock()
	h.shown = append(h.shown, username+":"+password)
	h.lock.Unlock()
	h.Handler.ServeHTTP(w, r)
}

// serve lets a handler listen on loopback.
func serve(t *testing.T, start func(http.Handler) *httptest.Server, handler http.Handler) *httptest.Server {
	t.Helper()
	server := start(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a certificate that is refused
	t.Cleanup(server.Close)
	return server
}

// ofKind asserts the kind of an error, and that its text is free of secrets.
func ofKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("git:" + canary))
	if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), encoded)) {
		t.Errorf("the error holds the secret: %v", err)
	}
}

func TestRefs_HTTP(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, path      string
		username, token string
		kind            error
		says            string
		shown           []string
	}{
		{"public", "/public.git", "", "", nil, "", []string{":"}},
		{"public, and the credential stays here", "/public.git", "git", canary, nil, "", []string{":"}},
		{"private, right credential", "/private/r.git", "git", canary, nil, "", []string{":", "git:" + canary}},
		{"private, the token alone", "/private/r.git", "", canary, nil, "", []string{":", "git:" + canary}},
		{"private, wrong credential", "/private/r.git", "other", canary, gitremote.ErrAuthentication, "does not accept", []string{":", "other:" + canary}},
		{"private, no credential", "/private/r.git", "", "", gitremote.ErrAuthentication, "asks for a credential", []string{":"}},
		{"missing", "/none.git", "git", canary, gitremote.ErrNotFound, "/none.git", []string{":"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			server := serve(t, httptest.NewServer, h)
			refs, err := gitremote.Remote{Location: server.URL + test.path, Username: test.username, Token: test.token}.Refs(t.Context())
			ofKind(t, err, test.kind)
			if diff := cmp.Diff(test.shown, h.shown); diff != "" {
				t.Errorf("the remote was shown (-want +got):\n%s", diff)
			}
			if test.kind != nil {
				if !strings.Contains(err.Error(), test.says) {
					t.Errorf("the error %q does not say %q", err, test.says)
				}
				return
			}
			if got, err := refs.Resolve("main"); err != nil || got.Commit != h.commit {
				t.Errorf("main is %+v, %v, want %s", got, err, h.commit)
			}
		})
	}
}

func TestRefs_HTTPCredentialInTheURL(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	server := serve(t, httptest.NewServer, h)
	at, err := url.Parse(server.URL + "/private/r.git")
	done(t, err)
	at.User = url.UserPassword("git", canary)
	if _, err := (gitremote.Remote{Location: at.String()}).Refs(t.Context()); err != nil {
		t.Errorf("the credential in the URL is not used: %v", err)
	}
	at.Path = "/none.git"
	_, err = gitremote.Remote{Location: at.String()}.Refs(t.Context())
	ofKind(t, err, gitremote.ErrNotFound)
}

func TestRefs_File(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	made, hash := newRepository(t, root, "a b.git")
	empty, err := gitserver.NewRepository(root, "empty.git")
	done(t, err)
	for _, test := range []struct {
		name, location string
		kind           error
		branches       []gitremote.Ref
	}{
		{"path", made.Path, nil, []gitremote.Ref{{Name: "main", Kind: gitremote.Branch, Commit: hash}}},
		{"URL", (&url.URL{Scheme: "file", Path: filepath.ToSlash(made.Path)}).String(), nil, []gitremote.Ref{{Name: "main", Kind: gitremote.Branch, Commit: hash}}},
		{"empty", empty.Path, nil, nil},
		{"missing", filepath.Join(root, "none.git"), gitremote.ErrNotFound, nil},
		{"no repository", root, gitremote.ErrNotFound, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refs, err := gitremote.Remote{Location: test.location, Token: canary}.Refs(t.Context())
			ofKind(t, err, test.kind)
			if test.kind != nil {
				return
			}
			if diff := cmp.Diff(test.branches, refs.Branches()); diff != "" {
				t.Errorf("branches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefs_NoLocation(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"", "network.git", "./a:b", "ftp://host/r", "https://", "file://", "https://u:" + canary + "@host:port/r", "%zz://" + canary} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			_, err := gitremote.Remote{Location: location}.Refs(t.Context())
			if err == nil || !strings.Contains(err.Error(), "neither a URL") || strings.Contains(err.Error(), canary) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRefs_Certificates(t *testing.T) {
	t.Parallel()
	server := serve(t, httptest.NewTLSServer, newHost(t))
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, test := range []struct {
		name   string
		remote gitremote.Remote
		kind   error
	}{
		{"an authority that nobody knows", gitremote.Remote{}, gitremote.ErrUnreachable},
		{"an authority that is given", gitremote.Remote{CACertificatesPEM: authority}, nil},
		{"any authority", gitremote.Remote{Insecure: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.remote.Location, test.remote.Token = server.URL+"/private/r.git", canary
			_, err := test.remote.Refs(t.Context())
			ofKind(t, err, test.kind)
		})
	}
	t.Run("no certificate", func(t *testing.T) {
		t.Parallel()
		_, err := gitremote.Remote{Location: server.URL + "/public.git", CACertificatesPEM: []byte("none")}.Refs(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no PEM certificate") {
			t.Errorf("got %v", err)
		}
	})
}

func TestRefs_Proxy(t *testing.T) {
	t.Parallel()
	h, asked := newHost(t), make(chan string, 2)
	proxy, err := url.Parse(serve(t, httptest.NewServer, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Host
		h.ServeHTTP(w, r)
	})).URL)
	done(t, err)
	if _, err := (gitremote.Remote{Location: "http://git.test/public.git", Proxy: proxy}).Refs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != "git.test" {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestRefs_AnswersThatAreNotGit(t *testing.T) {
	t.Parallel()
	git := func(answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			answer(w, r)
		}
	}
	text := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		kind   error
		says   string
	}{
		{"HTML", text("<!DOCTYPE html><p>Log in"), gitremote.ErrNotGit, "a page"},
		{"HTML that says it is Git", git(text("<!DOCTYPE html><p>Log in")), gitremote.ErrNotGit, ""},
		{"nothing", text(""), gitremote.ErrNotGit, ""},
		{"nothing of Git", git(text("")), gitremote.ErrNotGit, ""},
		{"a dumb server", text("8d86cde498dc71fa1b5f67ef48670136e60512b5\trefs/heads/main\n"), gitremote.ErrNotGit, ""},
		{"a line that is no ref", git(text("001e# service=git-upload-pack\n0000000cno hash\n")), gitremote.ErrNotGit, ""},
		{"a login page", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, gitremote.ErrNotGit, "redirects"},
		{"no end", git(endless), gitremote.ErrNotGit, "longer than 64 MiB"},
		{"cut off", git(text("001e# service=git-up")), gitremote.ErrUnreachable, "EOF"},
		{"forbidden", status(http.StatusForbidden), gitremote.ErrAuthentication, "denied"},
		{"unwell", status(http.StatusServiceUnavailable), gitremote.ErrUnreachable, "503"},
		{"an error line", git(text("0010ERR " + canary[:8])), gitremote.ErrUnreachable, "responds with an error"},
		{"no HTTP", hijacked, gitremote.ErrUnreachable, "malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, httptest.NewServer, test.answer)
			_, err := gitremote.Remote{Location: server.URL + "/r.git", Token: canary}.Refs(t.Context())
			ofKind(t, err, test.kind)
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error %q does not say %q", err, test.says)
			}
		})
	}
}

// status refuses, and repeats what it was sent.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, canary+r.Header.Get("Authorization"), code)
	}
}

// hijacked repeats what it was sent, and not in HTTP.
func hijacked(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	_, _ = io.WriteString(connection, canary+strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")+"\r\n\r\n")
}

// endless advertises the same ref for as long as somebody reads.
func endless(w http.ResponseWriter, r *http.Request) {
	line := func(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
	ref := strings.Repeat("0", 39) + "1 refs/heads/" + strings.Repeat("a", 60000)
	_, _ = io.WriteString(w, line("# service=git-upload-pack\n")+"0000"+line(ref+"\x00agent=git\n"))
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, line(ref+"\n")); err != nil {
			return
		}
	}
}

func TestRefs_Redirect(t *testing.T) {
	t.Parallel()
	h, elsewhere := newHost(t), newHost(t)
	target := serve(t, httptest.NewServer, elsewhere)
	moved := serve(t, httptest.NewServer, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		h.lock.Lock()
		h.shown = append(h.shown, password)
		h.lock.Unlock()
		http.Redirect(w, r, target.URL+r.URL.RequestURI(), http.StatusMovedPermanently)
	}))
	if _, err := (gitremote.Remote{Location: moved.URL + "/public.git", Token: canary}).Refs(t.Context()); err != nil {
		t.Errorf("a repository that has moved: %v", err)
	}
	_, err := gitremote.Remote{Location: moved.URL + "/private/r.git", Token: canary}.Refs(t.Context())
	ofKind(t, err, gitremote.ErrAuthentication)
	if diff := cmp.Diff([]string{":", ":", ":"}, elsewhere.shown); diff != "" {
		t.Errorf("the other host was shown the credential (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "", canary}, h.shown); diff != "" {
		t.Errorf("the host was shown (-want +got):\n%s", diff)
	}
}

// deaf accepts connections and never answers; it closes accepted at the first.
func deaf(t *testing.T) (address string, accepted <-chan struct{}) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	done(t, err)
	first := make(chan struct{})
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = connection.Close() }()
			select {
			case <-first:
			default:
				close(first)
			}
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String(), first
}

// endsWithItsContext cancels while a remote that does not answer is asked.
func endsWithItsContext(t *testing.T, location func(address string) string) {
	t.Helper()
	address, accepted := deaf(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-accepted
		cancel()
	}()
	ended := make(chan error, 1)
	go func() {
		_, err := gitremote.Remote{Location: location(address), Token: canary}.Refs(ctx)
		ended <- err
	}()
	select {
	case err := <-ended:
		ofKind(t, err, context.Canceled)
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
}

func TestRefs_ContextEnds(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "git"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			endsWithItsContext(t, func(address string) string { return scheme + "://" + address + "/r.git" })
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := gitremote.Remote{Location: t.TempDir()}.Refs(ctx)
		ofKind(t, err, context.Canceled)
	})
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		address, _ := deaf(t)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := gitremote.Remote{Location: "http://" + address + "/r.git"}.Refs(ctx)
		ofKind(t, err, context.DeadlineExceeded)
	})
}

func TestRefs_Unreachable(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	done(t, err)
	address := listener.Addr().String()
	done(t, listener.Close())
	proxy := &url.URL{Scheme: "http", Host: address, User: url.UserPassword("proxy", canary)}
	for _, test := range []struct {
		name   string
		remote gitremote.Remote
	}{
		{"http", gitremote.Remote{Location: "http://u:" + canary + "@" + address + "/r.git?token=" + canary}},
		{"a token as the user", gitremote.Remote{Location: "https://" + canary + "@" + address + "/r.git"}},
		{"git", gitremote.Remote{Location: "git://" + address + "/r.git", Token: canary}},
		{"proxy", gitremote.Remote{Location: "https://git.test/r.git", Token: canary, Proxy: proxy}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := test.remote.Refs(t.Context())
			ofKind(t, err, gitremote.ErrUnreachable)
			if err != nil && !strings.Contains(err.Error(), "refused") {
				t.Errorf("the error does not say why: %v", err)
			}
		})
	}
}
