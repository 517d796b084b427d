package infrahub_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestRead_MissingNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, mockserver.Options{}).client(t)
		_, byID := client.Credentials(false).Get(t.Context(), missingID)
		_, byName := client.Credentials(false).GetByName(t.Context(), "nope")
		_, readOnlyByID := client.Repositories(infrahub.ReadOnly).Get(t.Context(), missingID)
		_, readOnlyByName := client.Repositories(infrahub.ReadOnly).GetByName(t.Context(), "nope")
		_, readWriteByID := client.Repositories(infrahub.ReadWrite).Get(t.Context(), missingID)
		_, readWriteByName := client.Repositories(infrahub.ReadWrite).GetByName(t.Context(), "nope")
		for what, err := range map[string]error{
			"credential " + missingID: byID, "credential nope": byName,
			"read-only repository " + missingID: readOnlyByID, "read-only repository nope": readOnlyByName,
			"repository " + missingID: readWriteByID, "repository nope": readWriteByName,
		} {
			wantKind(t, err, infrahub.ErrNotFound)
			if err == nil || err.Error() != what+" on branch main: not found" {
				t.Errorf("%s: got %v", what, err)
			}
		}
	})
}

func TestCreate_LostReply(t *testing.T) {
	t.Parallel()
	const create, read = "CreateReadOnlyRepository", "ReadOnlyRepositories"
	for _, test := range []struct {
		name       string
		created    bool
		operations []string
	}{
		{"of a node that exists: it is taken over", true, []string{"Tasks", create, read}},
		{"of a node that does not exist: it is created with the same id", false, []string{"Tasks", create, read, create}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				s.Inject(mockserver.Fault{Operation: create, Drop: true, After: test.created, Times: 1})
				r := newRemote(t)
				created, started := startCreate(t, s.client(t), readOnly(r, "v1.0.0"))
				s.wantOperations(t, test.operations...)
				for _, id := range s.sentIDs(create) {
					if id != created.ID {
						t.Errorf("sent the id %v, want %s each time", id, created.ID)
					}
				}
				wantEqual[any](t, "repositories", 1.0, s.count(t, "CoreReadOnlyRepository"))
				wantImported(t, started, r, "v1.0.0")
			})
		})
	}
}

// The server undoes a create whose remote it cannot reach, and the id is never free again (infrahub-behaviour.md,
// Writing 1 and 9). If the reply to that create is lost, the server refuses the same id the next time.
func TestCreate_IDOfAnUndoneAttemptIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const create = "CreateReadOnlyRepository"
		s := start(t, mockserver.Options{})
		r := newRemote(t)
		hidden := r.Path + ".hidden"
		must(t, os.Rename(r.Path, hidden))
		s.Inject(mockserver.Fault{Operation: create, Drop: true, After: true, Times: 1})
		time.AfterFunc(100*time.Millisecond, func() { // before the client repeats the create
			if err := os.Rename(hidden, r.Path); err != nil {
				t.Error(err)
			}
		})
		created, _ := startCreate(t, s.client(t), readOnly(r, "v1.0.0"))
		ids := s.sentIDs(create)
		if len(ids) != 3 || ids[0] != ids[1] || ids[1] == ids[2] || ids[2] != created.ID {
			t.Errorf("sent the ids %v and returned %s; want one twice and then a fresh one, which is returned", ids, created.ID)
		}
		wantEqual[any](t, "repositories", 1.0, s.count(t, "CoreReadOnlyRepository"))
	})
}

func TestCreate_RefusalIsFinal(t *testing.T) {
	t.Parallel()
	withCredential(t, func(t *testing.T, s *server, client *infrahub.Client, _ infrahub.Credential) {
		_, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: strings.Repeat("x", 5000)})
		wantError(t, err, errorFields{code: "UNDEFINED_ERROR", message: "Text attribute length"})
		s.wantOperations(t, "CreateCredential", "Credentials")
	})
}

// Otherwise the node would exist and nobody would know its id.
func TestCreate_LostReplyIsLookedUpEvenIfTheCallerGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Operation: "CreateCredential", Delay: 10 * time.Second, Drop: true, After: true})
		id, err := s.client(t).Credentials(false).Create(canceledAfter(t, time.Second), infrahub.Credential{Name: "git"})
		must(t, err)
		wantEqual(t, "sent ids", []any{id}, s.sentIDs("CreateCredential"))
		s.wantOperations(t, "CreateCredential", "Credentials")
	})
}

// If the read fails too, it is unknown whether the node exists, so no further create is sent.
func TestCreate_LostReplyAndFailedReadIsNotRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Operation: "CreateCredential", Drop: true, After: true})
		s.Inject(mockserver.Fault{Operation: "Credentials", Status: http.StatusServiceUnavailable})
		_, err := s.client(t).Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git"})
		wantErrorIs(t, err, infrahub.ErrUnreachable) // of the create, not of the read
		s.wantOperations(t, "CreateCredential", "Credentials", "Credentials", "Credentials")
	})
}

func TestDelete_LostReply(t *testing.T) {
	t.Parallel()
	const remove, read = "DeleteReadOnlyRepository", "ReadOnlyRepositories"
	for _, test := range []struct {
		name       string
		maxRetries int
		operations []string
	}{
		{"is sent again", 2, []string{remove, remove}},
		{"is looked up without retries", 0, []string{remove, read}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t, func(config *infrahub.Config) { config.MaxRetries = test.maxRetries })
				created := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
				s.Log.Reset()
				s.Inject(mockserver.Fault{Operation: remove, Drop: true, After: true, Times: 1})
				must(t, client.Repositories(infrahub.ReadOnly).Delete(t.Context(), created.ID))
				s.wantOperations(t, test.operations...)
				wantEqual[any](t, "repositories", 0.0, s.count(t, "CoreReadOnlyRepository"))
			})
		})
	}
}
