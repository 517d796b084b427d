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

// runGit runs Git without anyone's configuration and without prompts, and returns what it prints.
func runGit(t *testing.T, directory string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", arguments...)
	command.Dir = directory
	command.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Automation", "GIT_AUTHOR_EMAIL=automation@example.com", "GIT_COMMITTER_NAME=Automation", "GIT_COMMITTER_EMAIL=automation@example.com")
	output, err := command.CombinedOutput()
	return string(output), err
}

// wantGit fails the test unless Git succeeds and prints this, without the last line break.
func wantGit(t *testing.T, directory, want string, arguments ...string) {
	t.Helper()
	if got, err := runGit(t, directory, arguments...); err != nil || strings.TrimSuffix(got, "\n") != want {
		t.Errorf("git %s printed %q, %v; want %q", strings.Join(arguments, " "), got, err, want)
	}
}

// must fails the test at once if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRepository(t *testing.T, root, path string) *gitserver.Repository {
	t.Helper()
	repository, err := gitserver.NewRepository(root, path)
	must(t, err)
	return repository
}

func commit(t *testing.T, repository *gitserver.Repository, files map[string]string) string {
	t.Helper()
	hash, err := repository.Commit(files)
	must(t, err)
	return hash
}

// serve serves the repositories below root until the test ends and returns the address.
func serve(t *testing.T, root string) *url.URL {
	t.Helper()
	handler, err := gitserver.Handler(root, gitserver.Options{Username: "bot", Password: "s3cret"})
	must(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	must(t, err)
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
		refusal    string // "" if Git succeeds
	}{
		{"public", "/public.git", nil, ""},
		{"private, right password", "/private/r.git", url.UserPassword("bot", "s3cret"), ""},
		{"private, wrong password", "/private/r.git", url.UserPassword("bot", "bad"), "Authentication failed"},
		{"private, no password", "/private/r.git", nil, "could not read Username"},
		{"missing", "/none.git", nil, "not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			location := *address
			location.Path, location.User = test.path, test.user
			output, err := runGit(t, root, "ls-remote", location.String())
			if (err == nil) != (test.refusal == "") || !strings.Contains(output, test.refusal) {
				t.Errorf("got %q, %v; want %q", output, err, test.refusal)
			}
		})
	}
}

func TestHandler_Push(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	repository := newRepository(t, root, "r.git")
	commit(t, repository, map[string]string{"a": "1"})
	location, clone := serve(t, root).JoinPath("r.git").String(), filepath.Join(t.TempDir(), "clone")
	for _, arguments := range [][]string{
		{"clone", location, clone}, {"-C", clone, "commit", "--allow-empty", "-m", "pushed"}, {"-C", clone, "push", "origin", "main"},
	} {
		if output, err := runGit(t, root, arguments...); err != nil {
			t.Fatalf("git %v: %s", arguments, output)
		}
	}
	wantGit(t, repository.Path, "pushed", "log", "-1", "--format=%s", "main")
}

// newHistory returns a repository with two commits on main, tagged v1 and v2, and one on feature, and their
// hashes.
func newHistory(t *testing.T) (repository *gitserver.Repository, first, second, feature string) {
	t.Helper()
	r := newRepository(t, t.TempDir(), "nested/r.git")
	first = commit(t, r, map[string]string{"a": "1", "d/b": "x", "d.c": "y", "d/e/f": "z"})
	must(t, r.Tag("v1"))
	must(t, r.Branch("feature"))
	feature = commit(t, r, map[string]string{"a": "f"})
	must(t, r.Branch("main"))
	second = commit(t, r, map[string]string{"a": "2"})
	must(t, r.AnnotatedTag("v2"))
	return r, first, second, feature
}

func TestRepository_HoldsWhatWasAdded(t *testing.T) {
	t.Parallel()
	r, first, second, feature := newHistory(t)
	for ref, want := range map[string]string{
		"v1": first, "main~1": first, "feature~1": first, "feature": feature, "main": second, "v2^{commit}": second,
	} {
		wantGit(t, r.Path, want, "rev-parse", ref)
	}
	wantGit(t, r.Path, "tag", "cat-file", "-t", "v2")
	wantGit(t, r.Path, "a\nd.c\nd/b\nd/e/f", "ls-tree", "-r", "--name-only", "v1")
	if output, err := runGit(t, r.Path, "fsck", "--strict"); err != nil {
		t.Errorf("fsck: %s", output)
	}
}

func TestRepository_TagMoves(t *testing.T) {
	t.Parallel()
	r, _, second, _ := newHistory(t)
	must(t, r.Tag("v1"))
	wantGit(t, r.Path, second, "rev-parse", "v1")
}

func TestRepository_SameCallsGiveTheSameHashes(t *testing.T) {
	t.Parallel()
	_, _, second, _ := newHistory(t)
	if _, _, again, _ := newHistory(t); again != second {
		t.Errorf("the second time the commit is %s, not %s", again, second)
	}
}
