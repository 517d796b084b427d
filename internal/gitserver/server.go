// Package gitserver creates bare Git repositories and serves them over smart HTTP, for the tests and the demo.
package gitserver

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi" //nolint:gosec // for tests; newer versions of Go are not vulnerable
	"os/exec"
	"path/filepath"
	"strings"
)

// Options configures a server.
type Options struct {
	// Username and Password give access to the repositories below /private/. Without a password nobody has access
	// to them.
	Username, Password string
}

// Handler returns a handler that serves the bare repositories below root, each at its path. Everyone may clone
// and push, except below /private/, which needs Basic authentication.
func Handler(root string, o Options) (http.Handler, error) {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", root, err)
	}
	directory, err := exec.CommandContext(context.Background(), "git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("find git http-backend: %w", err)
	}
	backend := &cgi.Handler{
		Stderr: io.Discard, // clients get the reason for a refusal in the response
		Path:   filepath.Join(strings.TrimSpace(string(directory)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + absolute, "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true",
			"GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*",
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/private/") && !o.admits(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "authentication required", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}), nil
}

func (o Options) admits(r *http.Request) bool {
	username, password, ok := r.BasicAuth()
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	return ok && o.Password != "" && same(username, o.Username) && same(password, o.Password)
}
