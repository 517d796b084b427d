package gitserver_test

import (
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

// git runs Git without anyone's configuration and without asking.
func git(t *testing.T, directory string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", arguments...)
	command.Dir = directory
	command.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Automation", "GIT_AUTHOR_EMAIL=automation@example.com", "GIT_COMMITTER_NAME=Automation", "GIT_COMMITTER_EMAIL=automation@example.com")
	output, err := command.CombinedOutput()
	return string(output), err
}

func newRepository(t *testing.T, root, path string) *gitserver.Repository {
	t.Helper()
	made, err := gitserver.NewRepository(root, path)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func commit(t *testing.T, r *gitserver.Repository, files map[string]string) string {
	t.Helper()
	hash, err := r.Commit(files)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func serve(t *testing.T, root string) *url.URL {
	t.Helper()
	handler, err := gitserver.Handler(root, gitserver.Options{Username: "bot", Password: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestHandler_Access(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, path := range []string{"public.git", "private/r.git"} {
		commit(t, newRepository(t, root, path), map[string]string{"a": "1"})
	}
	address := serve(t, root)
	for _, test := range []struct {
		name, path string
		user       *url.Userinfo
		want       string // "" is that it works
	}{
		{"public", "/public.git", nil, ""},
		{"private, right password", "/private/r.git", url.UserPassword("bot", "s3cret"), ""},
		{"private, wrong password", "/private/r.git", url.UserPassword("bot", "bad"), "Authentication failed"},
		{"private, no password", "/private/r.git", nil, "could not read Username"},
		{"missing", "/none.git", nil, "not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := *address
			at.Path, at.User = test.path, test.user
			output, err := git(t, root, "ls-remote", at.String())
			if (err == nil) != (test.want == "") || !strings.Contains(output, test.want) {
				t.Errorf("got %q, %v", output, err)
			}
		})
	}
}

func TestHandler_Push(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	commit(t, newRepository(t, root, "r.git"), map[string]string{"a": "1"})
	location := serve(t, root).JoinPath("r.git").String()
	work := filepath.Join(t.TempDir(), "work")
	for _, arguments := range [][]string{{"clone", location, work}, {"-C", work, "commit", "--allow-empty", "-m", "pushed"}, {"-C", work, "push", "origin", "main"}} {
		if output, err := git(t, root, arguments...); err != nil {
			t.Fatalf("git %v: %s", arguments, output)
		}
	}
	if log, err := git(t, filepath.Join(root, "r.git"), "log", "-1", "--format=%s", "main"); err != nil || log != "pushed\n" {
		t.Errorf("got %q, %v", log, err)
	}
}

func TestRepository(t *testing.T) {
	t.Parallel()
	made := func() (string, map[string]string) {
		r, hashes := newRepository(t, t.TempDir(), "nested/r.git"), map[string]string{}
		hashes["one"] = commit(t, r, map[string]string{"a": "1", "d/b": "x", "d.c": "y", "d/e/f": "z"})
		if err := r.Tag("v1"); err != nil {
			t.Fatal(err)
		}
		if err := r.Branch("feature"); err != nil {
			t.Fatal(err)
		}
		hashes["feature"] = commit(t, r, map[string]string{"a": "f"})
		if err := r.Branch("main"); err != nil {
			t.Fatal(err)
		}
		hashes["two"] = commit(t, r, map[string]string{"a": "2"})
		if err := r.AnnotatedTag("v2"); err != nil {
			t.Fatal(err)
		}
		return r.Path, hashes
	}
	path, hashes := made()
	for ref, want := range map[string]string{"v1": "one", "feature": "feature", "v2^{commit}": "two", "main": "two", "main~1": "one", "feature~1": "one"} {
		if got, err := git(t, path, "rev-parse", ref); err != nil || strings.TrimSpace(got) != hashes[want] {
			t.Errorf("%s: got %q, want %s", ref, got, hashes[want])
		}
	}
	if kind, err := git(t, path, "cat-file", "-t", "v2"); err != nil || kind != "tag\n" {
		t.Errorf("v2 is a %q, want an annotated tag", kind)
	}
	if files, err := git(t, path, "ls-tree", "-r", "--name-only", "v1"); err != nil || files != "a\nd.c\nd/b\nd/e/f\n" {
		t.Errorf("v1 holds %q", files)
	}
	if output, err := git(t, path, "fsck", "--strict"); err != nil {
		t.Errorf("fsck: %s", output)
	}
	if _, again := made(); again["two"] != hashes["two"] {
		t.Error("the same content has another hash the second time")
	}
}
