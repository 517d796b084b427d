package infrahub_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// createCredential creates a credential for a test about something else, and returns it as the server has it.
func createCredential(t *testing.T, client *infrahub.Client) infrahub.Credential {
	t.Helper()
	id, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git"})
	must(t, err)
	created, err := client.Credentials(false).Get(t.Context(), id)
	must(t, err)
	return *created
}

// operation is one operation on a credential. Those of other kinds are retried alike: only the name of the
// operation decides.
type operation func(ctx context.Context, client *infrahub.Client, credential infrahub.Credential) error

func read(ctx context.Context, client *infrahub.Client, credential infrahub.Credential) error {
	_, err := client.Credentials(false).Get(ctx, credential.ID)
	return err
}

func update(ctx context.Context, client *infrahub.Client, credential infrahub.Credential) error {
	after := credential
	after.Description = new("changed")
	return client.Credentials(false).Update(ctx, credential, after)
}

func create(ctx context.Context, client *infrahub.Client, _ infrahub.Credential) error {
	_, err := client.Credentials(false).Create(ctx, infrahub.Credential{Name: "another"})
	return err
}

func remove(ctx context.Context, client *infrahub.Client, credential infrahub.Credential) error {
	return client.Credentials(false).Delete(ctx, credential.ID)
}

// withCredential runs a test in a bubble with a server that has a credential, and an empty log.
func withCredential(t *testing.T, test func(t *testing.T, s *server, client *infrahub.Client, credential infrahub.Credential)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		credential := createCredential(t, client)
		s.Log.Reset()
		test(t, s, client, credential)
	})
}

// forEachMutation runs a test in a bubble for each mutation of a credential, by its name.
func forEachMutation(t *testing.T, test func(t *testing.T, s *server, name string, do func(ctx context.Context) error)) {
	t.Helper()
	for name, do := range map[string]operation{"UpdateCredential": update, "CreateCredential": create, "DeleteCredential": remove} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withCredential(t, func(t *testing.T, s *server, client *infrahub.Client, credential infrahub.Credential) {
				test(t, s, name, func(ctx context.Context) error { return do(ctx, client, credential) })
			})
		})
	}
}

func TestRetry_RequestsByOperationAndFailure(t *testing.T) {
	t.Parallel()
	const c, r, u, d = "CreateCredential", "Credentials", "UpdateCredential", "DeleteCredential"
	var (
		overload    = mockserver.Fault{Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second}
		unavailable = mockserver.Fault{Status: http.StatusServiceUnavailable, Body: "no server is available"}
		lateTimeout = mockserver.Fault{Status: http.StatusGatewayTimeout, After: true}
		lostReply   = mockserver.Fault{Drop: true, After: true}
		lostRequest = mockserver.Fault{Drop: true}
		halfReply   = mockserver.Fault{TruncateBody: true}
		crash       = mockserver.Fault{Status: http.StatusInternalServerError, Body: "Internal Server Error"}
		merging     = mockserver.Fault{
			Status: http.StatusOK, ContentType: "application/json", RetryAfter: 5 * time.Second,
			Body: `{"data": {"Any": null}, "errors": [{"message": "A merge is currently in progress", "extensions": {"code": "MERGE_IN_PROGRESS", "http_status": 423, "data": {}}}]}`,
		}
	)
	for _, test := range []struct {
		name  string
		do    operation
		fault mockserver.Fault
		at    string // the operation with the fault, once
		sent  []string
		fails bool
	}{
		{"a query that was refused", read, overload, r, []string{r, r}, false},
		{"a query that no server received", read, unavailable, r, []string{r, r}, false},
		{"a query without a response", read, lostRequest, r, []string{r, r}, false},
		{"a query with half a response", read, halfReply, r, []string{r, r}, false},
		{"a query that crashed", read, crash, r, []string{r, r}, false},
		{"an update that was refused", update, overload, u, []string{u, u}, false},
		{"an update that no server received", update, unavailable, u, []string{u, u}, false},
		{"an update without a response", update, lostReply, u, []string{u, u}, false},
		{"an update while a branch is merged", update, merging, u, []string{u, u}, false},
		{"a create while a branch is merged", create, merging, c, []string{c, c}, false},
		{"a delete while a branch is merged", remove, merging, d, []string{d, d}, false},
		{"an update that crashed", update, crash, u, []string{u, r}, true},
		{"a create that was refused", create, overload, c, []string{c, c}, false},
		{"a create without a response", create, lostReply, c, []string{c, r}, false},
		{"a create with half a response", create, halfReply, c, []string{c, r}, false},
		{"a create with a response that came too late", create, lateTimeout, c, []string{c, r}, false},
		{"a create that was not carried out", create, lostRequest, c, []string{c, r, c}, false},
		{"a create that no server received", create, unavailable, c, []string{c, r, c}, false},
		{"a create that crashed", create, crash, c, []string{c, r, c}, false},
		{"a delete that was refused", remove, overload, d, []string{d, d}, false},
		{"a delete without a response", remove, lostReply, d, []string{d, d}, false},
		{"a delete with half a response", remove, halfReply, d, []string{d, d}, false},
		{"a delete that crashed", remove, crash, d, []string{d, r}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			withCredential(t, func(t *testing.T, s *server, client *infrahub.Client, credential infrahub.Credential) {
				fault := test.fault
				fault.Operation, fault.Times = test.at, 1
				s.Inject(fault)
				began := time.Now()
				if err := test.do(t.Context(), client, credential); (err != nil) != test.fails {
					t.Errorf("got %v, want an error: %t", err, test.fails)
				}
				s.wantOperations(t, test.sent...)
				wantDuration(t, began, fault.RetryAfter, fault.RetryAfter*5/4+time.Second)
			})
		})
	}
}

func TestRetry_IsBounded(t *testing.T) {
	t.Parallel()
	const c, r, u, d = "CreateCredential", "Credentials", "UpdateCredential", "DeleteCredential"
	for _, test := range []struct {
		name string
		do   operation
		at   string
		sent []string
	}{
		{"a query", read, r, []string{r, r, r}},
		{"an update", update, u, []string{u, u, u, r}},
		{"a create", create, c, []string{c, r, c, r, c, r}},
		{"a delete", remove, d, []string{d, d, d, r}},
	} {
		for name, fault := range map[string]mockserver.Fault{
			"no response": {Drop: true}, "unavailable": {Status: http.StatusServiceUnavailable},
		} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				t.Parallel()
				withCredential(t, func(t *testing.T, s *server, client *infrahub.Client, credential infrahub.Credential) {
					fault.Operation = test.at
					s.Inject(fault)
					err := test.do(t.Context(), client, credential)
					wantError(t, err, errorFields{operation: test.at, status: fault.Status})
					if errors.Is(err, infrahub.ErrUnreachable) != fault.Drop {
						t.Errorf("got %v, want ErrUnreachable: %t", err, fault.Drop)
					}
					s.wantOperations(t, test.sent...)
				})
			})
		}
	}
}

func TestRetry_NoneWithoutRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Status: http.StatusTooManyRequests})
		_, err := s.client(t, noRetries).Connect(t.Context())
		wantError(t, err, errorFields{status: http.StatusTooManyRequests})
		s.wantOperations(t, "ServerInfo")
	})
}

func TestRetry_Login(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"no response": {Drop: true}, "unavailable": {Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				fault.Operation, fault.Times = "login", 1
				s.Inject(fault)
				connect(t, s.client(t, adminLogin))
				s.wantOperations(t, "login", "login", "ServerInfo")
			})
		})
	}
}

// A write to the branch that is being merged would come after the merge, and be lost (infrahub-behaviour.md,
// Branches 11).
func TestRetry_WriteToABranchThatIsMergedIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, errorExtensions := range map[string]string{
		"being merged": `{"code": "MERGE_IN_PROGRESS", "http_status": 423, "data": {"branch_name": "release", "merging_branch": "release"}}`,
		"merged":       `{"code": "BRANCH_ALREADY_MERGED", "http_status": 400, "data": {"branch_name": "release"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				s.createRelease(t)
				client := s.client(t).WithBranch("release")
				s.Inject(mockserver.Fault{
					Operation: "CreateTag", Status: http.StatusOK, ContentType: "application/json",
					Body: `{"data": null, "errors": [{"message": "m", "extensions": ` + errorExtensions + `}]}`,
				})
				_, err := client.Tags().Create(t.Context(), infrahub.Tag{Name: "core"})
				wantErrorIs(t, err, infrahub.ErrMerged)
				s.wantOperations(t, "CreateTag")
			})
		})
	}
}

func TestCancel_NothingIsSentAfterwards(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]operation{"query": read, "update": update, "create": create, "delete": remove} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withCredential(t, func(t *testing.T, s *server, client *infrahub.Client, credential infrahub.Credential) {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				wantErrorIs(t, do(ctx, client, credential), context.Canceled)
				s.wantOperations(t)
			})
		})
	}
}

func TestCancel_EndsAQueryAtOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"while the server handles it": {Delay: time.Minute},
		"between two attempts":        {Status: http.StatusTooManyRequests, RetryAfter: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				s.Inject(fault)
				began := time.Now()
				_, err := s.client(t).Connect(canceledAfter(t, 5*time.Second))
				wantErrorIs(t, err, context.Canceled)
				wantDuration(t, began, 5*time.Second, 5*time.Second)
				s.wantOperations(t, "ServerInfo")
			})
		})
	}
}

// If a mutation in flight were canceled, its outcome would be unknown.
func TestCancel_MutationInFlightIsCarriedOut(t *testing.T) {
	t.Parallel()
	forEachMutation(t, func(t *testing.T, s *server, name string, do func(ctx context.Context) error) {
		s.Inject(mockserver.Fault{Operation: name, Delay: 10 * time.Second})
		if err := do(canceledAfter(t, time.Second)); err != nil {
			t.Errorf("got %v, want the mutation to be carried out", err)
		}
		s.wantOperations(t, name)
	})
}

func TestCancel_MutationIsNotRepeated(t *testing.T) {
	t.Parallel()
	forEachMutation(t, func(t *testing.T, s *server, name string, do func(ctx context.Context) error) {
		s.Inject(mockserver.Fault{Operation: name, Delay: 10 * time.Second, Status: http.StatusServiceUnavailable})
		if err := do(canceledAfter(t, time.Second)); err == nil {
			t.Error("got no error")
		}
		if sent := len(s.requests(name)); sent != 1 {
			t.Errorf("sent %d requests, want one", sent)
		}
	})
}
