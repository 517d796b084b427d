package gitremote_test

import (
	"context"
	"encoding/pem"
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

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/tlsconfig"
)

// host serves public.git and private/r.git and records the credentials that it receives.
type host struct {
	http.Handler
	commit string // of public.git

	mu          sync.Mutex
	credentials []string // username:password of each request
}

func newHost(t *testing.T) *host {
	t.Helper()
	root := t.TempDir()
	public := newRemote(t, root, "public.git")
	newRemote(t, root, "private/r.git")
	handler, err := gitserver.Handler(root, gitserver.Options{Username: "git", Password: canary})
	must(t, err)
	return &host{Handler: handler, commit: public.Commits["first"]}
}

// ServeHTTP implements http.Handler.
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	h.Handler.ServeHTTP(w, r)
}

func (h *host) record(r *http.Request) {
	username, password, _ := r.BasicAuth()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.credentials = append(h.credentials, username+":"+password)
}

// serveTLS serves a handler on loopback until the test ends, with a certificate that is not trusted.
func serveTLS(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of certificates that are refused
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// wantMain fails the test unless the branch main resolves to a commit.
func wantMain(t *testing.T, refs *gitremote.Refs, commit string) {
	t.Helper()
	got, err := refs.Resolve("main")
	must(t, err)
	wantEqual(t, "main", branch("main", commit), got)
}

func TestRefs_HTTP(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, path      string
		username, token string
		kind            error
		text            string
		credentials     []string
	}{
		{"public", "/public.git", "", "", nil, "", []string{":"}},
		{"public, the credential is not sent", "/public.git", "git", canary, nil, "", []string{":"}},
		{"private, right credential", "/private/r.git", "git", canary, nil, "", []string{":", "git:" + canary}},
		{"private, the token alone", "/private/r.git", "", canary, nil, "", []string{":", "git:" + canary}},
		{"private, wrong credential", "/private/r.git", "other", canary, gitremote.ErrAuthentication, "does not accept", []string{":", "other:" + canary}},
		{"private, no credential", "/private/r.git", "", "", gitremote.ErrAuthentication, "asks for a credential", []string{":"}},
		{"missing", "/none.git", "git", canary, gitremote.ErrNotFound, "/none.git", []string{":"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			address := mocktest.Serve(t, h)
			refs, err := gitremote.Remote{Location: address + test.path, Username: test.username, Token: sensitive.New(test.token)}.Refs(t.Context())
			wantKind(t, err, test.kind, test.text)
			wantEqual(t, "credentials that the host received", test.credentials, h.credentials)
			if test.kind == nil {
				wantMain(t, refs, h.commit)
			}
		})
	}
}

func TestRefs_HTTPTrailingSlash(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	address := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "//") {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
	for _, path := range []string{"/public.git/", "/private/r.git/"} {
		refs, err := gitremote.Remote{Location: address + path, Token: sensitive.New(canary)}.Refs(t.Context())
		must(t, err)
		if _, err := refs.Resolve("main"); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestRefs_HTTPCredentialInTheURL(t *testing.T) {
	t.Parallel()
	location, err := url.Parse(mocktest.Serve(t, newHost(t)) + "/private/r.git")
	must(t, err)
	location.User = url.UserPassword("git", canary)
	listRefs(t, location.String())
	location.Path = "/none.git"
	_, err = gitremote.Remote{Location: location.String()}.Refs(t.Context())
	wantKind(t, err, gitremote.ErrNotFound, "/none.git")
}

func TestRefs_File(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r, empty := newRemote(t, root, "a b.git"), mocktest.NewRemote(t, root, "empty.git")
	main := []gitremote.Ref{branch("main", r.Commits["first"])}
	for _, test := range []struct {
		name, location string
		kind           error
		branches       []gitremote.Ref
	}{
		{"a path", r.Path, nil, main},
		{"a URL", (&url.URL{Scheme: "file", Path: filepath.ToSlash(r.Path)}).String(), nil, main},
		{"an empty repository", empty.Path, nil, nil},
		{"a missing repository", filepath.Join(root, "none.git"), gitremote.ErrNotFound, nil},
		{"a directory that is no repository", root, gitremote.ErrNotFound, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refs, err := gitremote.Remote{Location: test.location, Token: sensitive.New(canary)}.Refs(t.Context())
			wantKind(t, err, test.kind, "")
			if test.kind == nil {
				wantEqual(t, "branches", test.branches, refs.Branches())
			}
		})
	}
}

func TestRefs_InvalidLocation(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"", "network.git", "./a:b", "ftp://host/r", "https://", "file://", "https://u:" + canary + "@host:port/r", "%zz://" + canary} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			_, err := gitremote.Remote{Location: location}.Refs(t.Context())
			if err == nil || !strings.Contains(err.Error(), "neither a URL") {
				t.Fatalf("got %v", err)
			}
			wantNoSecret(t, err)
		})
	}
}

func TestRefs_Certificates(t *testing.T) {
	t.Parallel()
	server := serveTLS(t, newHost(t))
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, test := range []struct {
		name   string
		remote gitremote.Remote
		kind   error
	}{
		{"an unknown authority", gitremote.Remote{}, gitremote.ErrUnreachable},
		{"an authority that is given", gitremote.Remote{CACertificatesPEM: certificate}, nil},
		{"any authority", gitremote.Remote{Insecure: true}, nil},
		{"a text without a certificate", gitremote.Remote{CACertificatesPEM: []byte("none")}, tlsconfig.ErrNoCertificate},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.remote.Location, test.remote.Token = server.URL+"/private/r.git", sensitive.New(canary)
			_, err := test.remote.Refs(t.Context())
			wantKind(t, err, test.kind, "")
		})
	}
}

func TestRefs_Proxy(t *testing.T) {
	t.Parallel()
	h, hosts := newHost(t), make(chan string, 2)
	proxy, err := url.Parse(mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.URL.Host
		h.ServeHTTP(w, r)
	})))
	must(t, err)
	_, err = gitremote.Remote{Location: "http://git.test/public.git", Proxy: sensitive.NewURL(proxy)}.Refs(t.Context())
	must(t, err)
	wantEqual(t, "host that the proxy was asked for", "git.test", <-hosts)
}

func TestRefs_ResponsesThatAreNotGit(t *testing.T) {
	t.Parallel()
	text := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	for _, test := range []struct {
		name     string
		response http.HandlerFunc
		kind     error
		text     string
	}{
		{"HTML", text("<!DOCTYPE html><p>Log in"), gitremote.ErrNotGit, "a page"},
		{"HTML with Git's content type", asGit(text("<!DOCTYPE html><p>Log in")), gitremote.ErrNotGit, ""},
		{"nothing", text(""), gitremote.ErrNotGit, ""},
		{"nothing with Git's content type", asGit(text("")), gitremote.ErrNotGit, ""},
		{"Git's dumb protocol", text("8d86cde498dc71fa1b5f67ef48670136e60512b5\trefs/heads/main\n"), gitremote.ErrNotGit, ""},
		{"a line that is no ref", asGit(text("001e# service=git-upload-pack\n0000000cno hash\n")), gitremote.ErrNotGit, ""},
		{"a login page", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, gitremote.ErrNotGit, "redirects"},
		{"refs without end", asGit(sendRefsForever), gitremote.ErrNotGit, "longer than 64 MiB"},
		{"half a line", asGit(text("001e# service=git-up")), gitremote.ErrUnreachable, "EOF"},
		{"a refusal", sendError(http.StatusForbidden), gitremote.ErrAuthentication, "denied"},
		{"an overload", sendError(http.StatusServiceUnavailable), gitremote.ErrUnreachable, "503"},
		{"an error line", asGit(text("0010ERR " + canary[:8])), gitremote.ErrUnreachable, "responds with an error"},
		{"no HTTP", sendNoHTTP, gitremote.ErrUnreachable, "malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := gitremote.Remote{Location: mocktest.Serve(t, test.response) + "/r.git", Token: sensitive.New(canary)}.Refs(t.Context())
			wantKind(t, err, test.kind, test.text)
		})
	}
}

// asGit adds Git's content type to a response.
func asGit(response http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		response(w, r)
	}
}

// sendError sends an error with a body that repeats the credential of the request.
func sendError(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, canary+r.Header.Get("Authorization"), status)
	}
}

// sendNoHTTP asks for a credential and then sends it back, not in HTTP.
func sendNoHTTP(w http.ResponseWriter, r *http.Request) {
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

// sendRefsForever sends the same ref until the client closes the connection.
func sendRefsForever(w http.ResponseWriter, r *http.Request) {
	line := func(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
	ref := strings.Repeat("0", 39) + "1 refs/heads/" + strings.Repeat("a", 60000)
	_, _ = io.WriteString(w, line("# service=git-upload-pack\n")+"0000"+line(ref+"\x00agent=git\n"))
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, line(ref+"\n")); err != nil {
			return
		}
	}
}

func TestRefs_RedirectDoesNotCarryTheCredential(t *testing.T) {
	t.Parallel()
	from, to := newHost(t), newHost(t)
	target := mocktest.Serve(t, to)
	moved := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from.record(r)
		http.Redirect(w, r, target+r.URL.RequestURI(), http.StatusMovedPermanently)
	}))
	_, err := gitremote.Remote{Location: moved + "/public.git", Token: sensitive.New(canary)}.Refs(t.Context())
	must(t, err)
	_, err = gitremote.Remote{Location: moved + "/private/r.git", Token: sensitive.New(canary)}.Refs(t.Context())
	wantKind(t, err, gitremote.ErrAuthentication, "")
	wantEqual(t, "credentials that the other host received", []string{":", ":", ":"}, to.credentials)
	wantEqual(t, "credentials that the host received", []string{":", ":", "git:" + canary}, from.credentials)
}

// listenSilently accepts connections and never responds. It closes accepted when the first one comes.
func listenSilently(t *testing.T) (address string, accepted <-chan struct{}) {
	t.Helper()
	first := make(chan struct{})
	var once sync.Once
	address = acceptConnections(t, "tcp", "127.0.0.1:0", func(net.Conn) {
		once.Do(func() { close(first) })
		<-t.Context().Done()
	})
	return address, first
}

// wantCancelable cancels while a remote does not respond. It fails the test unless Refs ends then.
func wantCancelable(t *testing.T, location func(address string) string) {
	t.Helper()
	address, accepted := listenSilently(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-accepted
		cancel()
	}()
	ended := make(chan error, 1)
	go func() {
		_, err := gitremote.Remote{Location: location(address), Token: sensitive.New(canary)}.Refs(ctx)
		ended <- err
	}()
	select {
	case err := <-ended:
		wantKind(t, err, context.Canceled, "")
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
}

func TestRefs_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "git"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			wantCancelable(t, func(address string) string { return scheme + "://" + address + "/r.git" })
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := gitremote.Remote{Location: t.TempDir()}.Refs(ctx)
		wantKind(t, err, context.Canceled, "")
	})
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		address, _ := listenSilently(t)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := gitremote.Remote{Location: "http://" + address + "/r.git"}.Refs(ctx)
		wantKind(t, err, context.DeadlineExceeded, "")
	})
}

func TestRefs_Unreachable(t *testing.T) {
	t.Parallel()
	const address = "127.0.0.1:1" // no server gets this port by chance, unlike one that was free a moment ago
	proxy := &url.URL{Scheme: "http", Host: address, User: url.UserPassword("proxy", canary)}
	for _, test := range []struct {
		name   string
		remote gitremote.Remote
	}{
		{"http", gitremote.Remote{Location: "http://u:" + canary + "@" + address + "/r.git?token=" + canary}},
		{"a token as the user", gitremote.Remote{Location: "https://" + canary + "@" + address + "/r.git"}},
		{"git", gitremote.Remote{Location: "git://" + address + "/r.git", Token: sensitive.New(canary)}},
		{"proxy", gitremote.Remote{Location: "https://git.test/r.git", Token: sensitive.New(canary), Proxy: sensitive.NewURL(proxy)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := test.remote.Refs(t.Context())
			wantKind(t, err, gitremote.ErrUnreachable, "refused")
		})
	}
}

func TestRefs_TokenGoesOnlyToTheHostsThatItIsMeantFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		hosts []string
		tls   bool
		kind  error
		token bool
	}{
		{"no hosts, http to this machine", nil, false, nil, true},
		{"no hosts, https", nil, true, nil, true},
		{"the host", []string{"127.0.0.1"}, false, nil, true},
		{"the host and its port", []string{"other.test", "127.0.0.1:PORT"}, true, nil, true},
		{"another host", []string{"git.example.com"}, true, gitremote.ErrTokenWithheld, false},
		{"another port", []string{"127.0.0.1:1"}, true, gitremote.ErrTokenWithheld, false},
		{"a part of the host", []string{"127.0.0"}, false, gitremote.ErrTokenWithheld, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			address := mocktest.Serve(t, h)
			if test.tls {
				address = serveTLS(t, h).URL
			}
			parsed, err := url.Parse(address)
			must(t, err)
			for i := range test.hosts {
				test.hosts[i] = strings.ReplaceAll(test.hosts[i], "PORT", parsed.Port())
			}
			_, err = gitremote.Remote{Location: address + "/private/r.git", Token: sensitive.New(canary), TokenHosts: test.hosts, Insecure: true}.Refs(t.Context())
			wantKind(t, err, test.kind, "")
			wantEqual(t, "the host got the token", test.token, strings.Contains(strings.Join(h.credentials, " "), canary))
		})
	}
}

// Over plain http anybody on the way could read the token.
func TestRefs_TokenGoesOverHTTPToNoOtherMachine(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	proxy, err := url.Parse(mocktest.Serve(t, h))
	must(t, err)
	remote := gitremote.Remote{Location: "http://git.test/private/r.git", Token: sensitive.New(canary), Proxy: sensitive.NewURL(proxy)}
	_, err = remote.Refs(t.Context())
	wantKind(t, err, gitremote.ErrTokenWithheld, "")
	remote.TokenHosts = []string{"git.test"}
	_, err = remote.Refs(t.Context())
	must(t, err)
	wantEqual(t, "credentials that the proxy received", []string{":", ":", "git:" + canary}, h.credentials)
}

// A list over the protocol git has no end of its own: the timeout ends it, and the connection.
func TestRefs_ListWithoutEndOverGitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	address := acceptConnections(t, "tcp", "127.0.0.1:0", func(connection net.Conn) {
		defer close(closed)
		for line := "\x00agent=git\n"; ; line = "\n" {
			line = strings.Repeat("a", 40) + " refs/heads/main" + line
			if _, err := fmt.Fprintf(connection, "%04x%s", len(line)+4, line); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := gitremote.Remote{Location: "git://" + address + "/r.git"}.Refs(ctx)
	wantKind(t, err, context.DeadlineExceeded, "")
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the list is still read")
	}
}

func TestRefs_RedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	t.Parallel()
	to := newHost(t)
	target := mocktest.Serve(t, to)
	moved := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, sent := r.BasicAuth(); !sent {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, target+r.URL.RequestURI(), http.StatusFound)
	}))
	_, err := gitremote.Remote{Location: moved.URL + "/private/r.git", Token: sensitive.New(canary), Insecure: true}.Refs(t.Context())
	wantKind(t, err, gitremote.ErrUnreachable, "changes scheme")
	wantEqual(t, "requests that the host behind http received", nil, to.credentials)
}
