package infrahub_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// credential makes one for a test that is about something else.
func credential(t *testing.T, client *infrahub.Client) infrahub.Credential {
	t.Helper()
	id, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git"})
	if err != nil {
		t.Fatal(err)
	}
	made, err := client.Credentials(false).Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return *made
}

// The operations on a credential stand for those on every kind: what is repeated depends on the operation.
func read(ctx context.Context, client *infrahub.Client, of infrahub.Credential) error {
	_, err := client.Credentials(false).Get(ctx, of.ID)
	return err
}

func update(ctx context.Context, client *infrahub.Client, of infrahub.Credential) error {
	after := of
	after.Description = new("changed")
	return client.Credentials(false).Update(ctx, of, after)
}

func create(ctx context.Context, client *infrahub.Client, _ infrahub.Credential) error {
	_, err := client.Credentials(false).Create(ctx, infrahub.Credential{Name: "another"})
	return err
}

func remove(ctx context.Context, client *infrahub.Client, of infrahub.Credential) error {
	return client.Credentials(false).Delete(ctx, of.ID)
}

func TestRetry_WhatIsSent(t *testing.T) {
	t.Parallel()
	const c, r, u, d = "CreateCredential", "Credentials", "UpdateCredential", "DeleteCredential"
	busy := mockserver.Fault{Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second}
	down := mockserver.Fault{Status: http.StatusServiceUnavailable, Body: "no server is available"}
	late := mockserver.Fault{Status: http.StatusGatewayTimeout, After: true}
	lost, unheard, half := mockserver.Fault{Drop: true, After: true}, mockserver.Fault{Drop: true}, mockserver.Fault{TruncateBody: true}
	merging := mockserver.Fault{
		Status: http.StatusOK, ContentType: "application/json", RetryAfter: 5 * time.Second,
		Body: `{"data": {"Any": null}, "errors": [{"message": "A merge is currently in progress", "extensions": {"code": "MERGE_IN_PROGRESS", "http_status": 423, "data": {}}}]}`,
	}
	failing := mockserver.Fault{Status: http.StatusInternalServerError, Body: "Internal Server Error"}
	for _, test := range []struct {
		name  string
		do    func(ctx context.Context, client *infrahub.Client, of infrahub.Credential) error
		fault mockserver.Fault
		of    string // the operation that the fault hits, once
		sent  []string
		fails bool
	}{
		{"a query that was refused", read, busy, r, []string{r, r}, false},
		{"a query that no server took", read, down, r, []string{r, r}, false},
		{"a query that got no answer", read, unheard, r, []string{r, r}, false},
		{"a query that got half an answer", read, half, r, []string{r, r}, false},
		{"a query that crashed", read, failing, r, []string{r, r}, false},
		{"an update that was refused", update, busy, u, []string{u, u}, false},
		{"an update that no server took", update, down, u, []string{u, u}, false},
		{"an update that got no answer", update, lost, u, []string{u, u}, false},
		{"an update while a branch is merged", update, merging, u, []string{u, u}, false},
		{"a create while a branch is merged", create, merging, c, []string{c, c}, false},
		{"a delete while a branch is merged", remove, merging, d, []string{d, d}, false},
		{"an update that crashed", update, failing, u, []string{u, r}, true},
		{"a create that was refused", create, busy, c, []string{c, c}, false},
		{"a create that got no answer", create, lost, c, []string{c, r}, false},
		{"a create that got half an answer", create, half, c, []string{c, r}, false},
		{"a create that was answered too late", create, late, c, []string{c, r}, false},
		{"a create that was not carried out", create, unheard, c, []string{c, r, c}, false},
		{"a create that no server took", create, down, c, []string{c, r, c}, false},
		{"a create that crashed", create, failing, c, []string{c, r, c}, false},
		{"a delete that was refused", remove, busy, d, []string{d, d}, false},
		{"a delete that got no answer", remove, lost, d, []string{d, d}, false},
		{"a delete that got half an answer", remove, half, d, []string{d, d}, false},
		{"a delete that crashed", remove, failing, d, []string{d, r}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				of := credential(t, client)
				s.log.Reset()
				test.fault.Operation, test.fault.Times = test.of, 1
				s.Inject(test.fault)
				began := time.Now()
				if err := test.do(t.Context(), client, of); (err != nil) != test.fails {
					t.Errorf("got %v, want an error: %t", err, test.fails)
				}
				if difference := cmp.Diff(test.sent, s.operations()); difference != "" {
					t.Error(difference)
				}
				took := time.Since(began)
				if asked := test.fault.RetryAfter; took < asked || took > asked*5/4+time.Second {
					t.Errorf("took %s, where Retry-After was %s", took, asked)
				}
			})
		})
	}
}

func TestRetry_IsBounded(t *testing.T) {
	t.Parallel()
	const c, r, u, d = "CreateCredential", "Credentials", "UpdateCredential", "DeleteCredential"
	for _, test := range []struct {
		name string
		do   func(ctx context.Context, client *infrahub.Client, of infrahub.Credential) error
		of   string
		sent []string
	}{
		{"a query", read, r, []string{r, r, r}},
		{"an update", update, u, []string{u, u, u, r}},
		{"a create", create, c, []string{c, r, c, r, c, r}},
		{"a delete", remove, d, []string{d, d, d, r}},
	} {
		for name, fault := range map[string]mockserver.Fault{
			"no answer": {Drop: true}, "unavailable": {Status: http.StatusServiceUnavailable},
		} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{})
					client := s.client(t)
					of := credential(t, client)
					s.log.Reset()
					fault.Operation = test.of
					s.Inject(fault)
					err := test.do(t.Context(), client, of)
					failed(t, err, want{operation: test.of, status: fault.Status})
					if errors.Is(err, infrahub.ErrUnreachable) != fault.Drop {
						t.Errorf("got %v, want ErrUnreachable: %t", err, fault.Drop)
					}
					if difference := cmp.Diff(test.sent, s.operations()); difference != "" {
						t.Error(difference)
					}
				})
			})
		}
	}
}

func TestRetry_Never(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.Inject(mockserver.Fault{Status: http.StatusTooManyRequests})
		_, err := s.client(t, once).Connect(t.Context())
		failed(t, err, want{status: http.StatusTooManyRequests})
		if sent := len(s.requests()); sent != 1 {
			t.Errorf("sent %d requests, want one", sent)
		}
	})
}

// A login is a request like any other: a server that is busy or gone is asked again.
func TestRetry_Login(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"no answer": {Drop: true}, "unavailable": {Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				fault.Operation, fault.Times = "login", 1
				s.Inject(fault)
				connect(t, s.client(t, admin))
				if difference := cmp.Diff([]string{"login", "login", "ServerInfo"}, s.operations()); difference != "" {
					t.Error(difference)
				}
			})
		})
	}
}

// canceledAfter is a context that is given up in a moment.
func canceledAfter(t *testing.T, moment time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(moment, cancel)
	return ctx
}

func TestCancel_NothingIsSentAfterwards(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, *infrahub.Client, infrahub.Credential) error{
		"query": read, "update": update, "create": create, "delete": remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				of := credential(t, client)
				s.log.Reset()
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := do(ctx, client, of); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
				if sent := s.operations(); sent != nil {
					t.Errorf("sent %v", sent)
				}
			})
		})
	}
}

func TestCancel_EndsAQueryAtOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"while it is answered": {Delay: time.Minute}, "between two tries": {Status: http.StatusTooManyRequests, RetryAfter: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				s.Inject(fault)
				began := time.Now()
				_, err := s.client(t).Connect(canceledAfter(t, 5*time.Second))
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
				if took := time.Since(began); took != 5*time.Second {
					t.Errorf("ended after %s, want 5 s", took)
				}
				if sent := len(s.requests()); sent != 1 {
					t.Errorf("sent %d requests, want one", sent)
				}
			})
		})
	}
}

// Breaking off a mutation would leave nobody knowing whether it was carried out.
func TestCancel_MutationOnceBegunIsNotBrokenOff(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, *infrahub.Client, infrahub.Credential) error{
		"UpdateCredential": update, "CreateCredential": create, "DeleteCredential": remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				of := credential(t, client)
				s.log.Reset()
				s.Inject(mockserver.Fault{Operation: name, Delay: 10 * time.Second})
				if err := do(canceledAfter(t, time.Second), client, of); err != nil {
					t.Errorf("got %v, want the mutation to be carried out", err)
				}
				if difference := cmp.Diff([]string{name}, s.operations()); difference != "" {
					t.Error(difference)
				}
			})
		})
	}
}

func TestCancel_MutationIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, *infrahub.Client, infrahub.Credential) error{
		"UpdateCredential": update, "DeleteCredential": remove, "CreateCredential": create,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				of := credential(t, client)
				s.log.Reset()
				s.Inject(mockserver.Fault{Operation: name, Delay: 10 * time.Second, Status: http.StatusServiceUnavailable})
				if err := do(canceledAfter(t, time.Second), client, of); err == nil {
					t.Error("got no error")
				}
				if sent := len(s.requests(name)); sent != 1 {
					t.Errorf("sent %d requests, want one", sent)
				}
			})
		})
	}
}
