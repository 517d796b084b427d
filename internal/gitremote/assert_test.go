package gitremote_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// canary is the secret that no error may repeat.
const canary = "c4nary-t0ken"

// newRemote returns a repository with one commit, "first".
func newRemote(t *testing.T, root, path string) *mocktest.Remote {
	t.Helper()
	r := mocktest.NewRemote(t, root, path)
	r.Commit(t, "first", map[string]string{"file": "1"})
	return r
}

// must fails the test at once if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantEqual fails the test if what was got differs.
func wantEqual[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantKind fails the test unless the error is of a kind, nil for no error, has a part in its text, and repeats no
// secret.
func wantKind(t *testing.T, err, kind error, part string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
	if err == nil {
		return
	}
	if !strings.Contains(err.Error(), part) {
		t.Errorf("the error %q does not contain %q", err, part)
	}
	wantNoSecret(t, err)
}

// wantNoSecret fails the test if the error repeats the canary, or the credential as it is encoded in a header.
func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	encoded := base64.StdEncoding.EncodeToString([]byte("git:" + canary))
	if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), encoded) {
		t.Errorf("the error repeats the secret: %v", err)
	}
}
