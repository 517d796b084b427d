package infrahub_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// ids are those that the requests of an operation had, in their order.
func (s *server) ids(operation string) []any {
	var ids []any
	for _, request := range s.requests(operation) {
		ids = append(ids, request.Input()["id"])
	}
	return ids
}

// count is how many nodes of a kind there are.
func (s *server) count(t *testing.T, kind string) any {
	t.Helper()
	nodes, _ := s.ask(t, "{"+kind+"{count}}")[kind].(map[string]any)
	return nodes["count"]
}

func TestCreate_LostReply(t *testing.T) {
	t.Parallel()
	const c, r = "CreateReadOnlyRepository", "ReadOnlyRepositories"
	for _, test := range []struct {
		name  string
		after bool
		sent  []string
	}{
		{"after the node was made: it is adopted", true, []string{c, r}},
		{"before the node was made: it is made with the same id", false, []string{c, r, c}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				s.Inject(mockserver.Fault{Operation: c, Drop: true, After: test.after, Times: 1})
				r := newRemote(t)
				id, started, err := s.client(t).CreateRepository(t.Context(), readOnly(r, "v1.0.0"))
				if err != nil {
					t.Fatal(err)
				}
				if difference := cmp.Diff(append([]string{"Tasks"}, test.sent...), s.operations()); difference != "" {
					t.Error(difference)
				}
				for _, sent := range s.ids(c) {
					if sent != id {
						t.Errorf("sent the id %v, want %s each time", sent, id)
					}
				}
				if count := s.count(t, "CoreReadOnlyRepository"); count != 1.0 {
					t.Errorf("%v repositories, want one", count)
				}
				if imported, err := started.Wait(patient(t)); err != nil || r.name(imported.Commit) != "v1.0.0" {
					t.Errorf("imported %v, %v", imported, err)
				}
			})
		})
	}
}

// The server undoes a create whose remote it does not reach, and never frees its id (infrahub.md,
// Writing 1 and 9). If the reply is lost as well, the same id is refused the next time.
func TestCreate_IDOfAnUndoneTryIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		r := newRemote(t)
		hidden := r.Path + ".hidden"
		if err := os.Rename(r.Path, hidden); err != nil {
			t.Fatal(err)
		}
		const c = "CreateReadOnlyRepository"
		s.Inject(mockserver.Fault{Operation: c, Drop: true, After: true, Times: 1})
		time.AfterFunc(100*time.Millisecond, func() { // the client waits for longer
			if err := os.Rename(hidden, r.Path); err != nil {
				t.Error(err)
			}
		})
		id, _, err := s.client(t).CreateRepository(t.Context(), readOnly(r, "v1.0.0"))
		if err != nil {
			t.Fatal(err)
		}
		ids := s.ids(c)
		if len(ids) != 3 || ids[0] != ids[1] || ids[1] == ids[2] || ids[2] != id {
			t.Errorf("sent the ids %v and returned %s; want one twice and then a fresh one, which is returned", ids, id)
		}
		if count := s.count(t, "CoreReadOnlyRepository"); count != 1.0 {
			t.Errorf("%v repositories, want one", count)
		}
	})
}

func TestCreate_RefusalIsFinal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		_, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: strings.Repeat("x", 5000)})
		failed(t, err, want{code: "UNDEFINED_ERROR", message: "Text attribute length"})
		if difference := cmp.Diff([]string{"CreateCredential", "Credentials"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

// Whether the node is there is asked even by a caller who has given up: else it was lost.
func TestCreate_LostReplyOfACanceledCallerIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Operation: "CreateCredential", Delay: 10 * time.Second, Drop: true, After: true})
		id, err := s.client(t).Credentials(false).Create(canceledAfter(t, time.Second), infrahub.Credential{Name: "git"})
		if err != nil || id != s.ids("CreateCredential")[0] {
			t.Errorf("got %q, %v; want the node to be adopted", id, err)
		}
		if difference := cmp.Diff([]string{"CreateCredential", "Credentials"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

// Where the look fails too nobody knows whether the node is there, so nothing more is sent.
func TestCreate_LostReplyAndNoLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Operation: "CreateCredential", Drop: true, After: true})
		s.Inject(mockserver.Fault{Operation: "Credentials", Status: http.StatusServiceUnavailable})
		_, err := s.client(t).Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git"})
		if !errors.Is(err, infrahub.ErrUnreachable) {
			t.Errorf("got %v, want how the create failed", err)
		}
		if difference := cmp.Diff([]string{"CreateCredential", "Credentials", "Credentials", "Credentials"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

func TestDelete_LostReply(t *testing.T) {
	t.Parallel()
	const d, r = "DeleteReadOnlyRepository", "ReadOnlyRepositories"
	for _, test := range []struct {
		name       string
		maxRetries int
		sent       []string
	}{
		{"is sent again", 2, []string{d, d}},
		{"is looked up where it may not be sent again", 0, []string{d, r}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t, func(config *infrahub.Config) { config.MaxRetries = test.maxRetries })
				id, started, err := client.CreateRepository(t.Context(), readOnly(newRemote(t), "v1.0.0"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := started.Wait(patient(t)); err != nil {
					t.Fatal(err)
				}
				s.log.Reset()
				s.Inject(mockserver.Fault{Operation: d, Drop: true, After: true, Times: 1})
				if err := client.Repositories(infrahub.ReadOnly).Delete(t.Context(), id); err != nil {
					t.Errorf("got %v, want no error", err)
				}
				if difference := cmp.Diff(test.sent, s.operations()); difference != "" {
					t.Error(difference)
				}
				if count := s.count(t, "CoreReadOnlyRepository"); count != 0.0 {
					t.Errorf("%v repositories, want none", count)
				}
			})
		})
	}
}
