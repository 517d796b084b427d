package infrahub_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// hopeless are responses to the list of tasks that do not get better by themselves.
func hopeless() map[string]mockserver.Fault {
	const page = "<html><title>Sign in</title></html>"
	return map[string]mockserver.Fault{
		"login page":     {Status: http.StatusOK, Body: page, ContentType: "text/html"},
		"HTML 401":       {Status: http.StatusUnauthorized, Body: page, ContentType: "text/html"},
		"HTML 403":       {Status: http.StatusForbidden, Body: page, ContentType: "text/html"},
		"404 of a proxy": {Status: http.StatusNotFound, Body: "404 page not found", ContentType: "text/plain"},
		"redirect":       {Status: http.StatusFound},
		"other JSON":     {Status: http.StatusOK, Body: "{}", ContentType: "application/json"},
		"no permission":  {NoTasks: true},
	}
}

// transient are failures of the list of tasks that may end by themselves.
func transient() map[string]mockserver.Fault {
	return map[string]mockserver.Fault{
		"429":        {Status: http.StatusTooManyRequests, Body: "slow down", ContentType: "text/plain"},
		"500":        {Status: http.StatusInternalServerError, Body: "Internal Server Error", ContentType: "text/plain"},
		"HTML 502":   {Status: http.StatusBadGateway, Body: "<html>Bad Gateway</html>", ContentType: "text/html"},
		"503":        {Status: http.StatusServiceUnavailable, Body: "no healthy upstream", ContentType: "text/plain"},
		"504":        {Status: http.StatusGatewayTimeout, Body: "too late", ContentType: "text/plain"},
		"dropped":    {Drop: true},
		"broken off": {TruncateBody: true},
	}
}

// blind lets every list of tasks fail from now on.
func (s *server) blind(fault mockserver.Fault) {
	if !fault.NoTasks {
		fault.Operation = "Tasks"
	}
	s.Inject(fault)
}

func unobserved(t *testing.T, err error) *infrahub.UnobservedError {
	t.Helper()
	failure, ok := errors.AsType[*infrahub.UnobservedError](err)
	if !ok {
		t.Fatalf("got %v, want an import that was not observed", err)
	}
	return failure
}

func TestUnobserved_HopelessResponsesEndTheWaitInMinutes(t *testing.T) {
	t.Parallel()
	for name, fault := range hopeless() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, r := start(t, live()), newRemote(t)
				before := createImported(t, s.client(t, noRetries), readOnly(r, "v1.0.0"))
				started := changeRef(t, s.client(t, noRetries), before, "v9.9.9") // is missing: the node never shows it
				s.blind(fault)
				began := time.Now()
				_, err := started.Wait(t.Context())
				failure := unobserved(t, err)
				if took := time.Since(began); took > 3*time.Minute {
					t.Errorf("the wait took %s", took)
				}
				if failure.Status != "in-sync and online" || failure.Since.Before(began) || failure.RequestID == "" {
					t.Errorf("got %+v", failure)
				}
			})
		})
	}
}

func TestUnobserved_TransientFailuresAreWaitedFor(t *testing.T) {
	t.Parallel()
	for name, fault := range transient() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, r := start(t, live()), newRemote(t)
				before := createImported(t, s.client(t, noRetries), readOnly(r, "v1.0.0"))
				started := changeRef(t, s.client(t, noRetries), before, "v9.9.9")
				s.blind(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				began := time.Now()
				_, err := started.Wait(ctx)
				failure := unobserved(t, err)
				if took := time.Since(began); took < 10*time.Minute || took > 12*time.Minute {
					t.Errorf("the wait took %s", took)
				}
				if errors.Is(failure, context.DeadlineExceeded) || !errors.Is(failure, infrahub.ErrBusy) && !errors.Is(failure, infrahub.ErrUnreachable) {
					t.Errorf("the cause is %v, want the failure of the list", failure)
				}
			})
		})
	}
}

func TestUnobserved_RepositoryThatShowsSuccessIsImportedWithAWarning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t, noRetries)
		repository, started := startCreate(t, client, readOnly(r, "v1.0.0"))
		s.blind(hopeless()["login page"])
		created := waitFor(t, started)
		if r.NameOf(*created.Commit) != "v1.0.0" || !strings.Contains(created.Warning, "could not be listed") || !strings.Contains(created.Warning, "HTML page") {
			t.Errorf("created: %s, %q", r.NameOf(*created.Commit), created.Warning)
		}
		repository.Commit = created.Commit
		started, err := client.UpdateRepository(t.Context(), repository, withRef(repository, "v1.1.0"))
		if err == nil {
			t.Errorf("a change was started blindly: %v", started)
		}
	})
}

func TestUnobserved_NewRepositoryThatShowsAnErrorHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		_, started := startCreate(t, s.client(t, noRetries), readOnly(newRemote(t), "v9.9.9"))
		s.blind(hopeless()["HTML 403"])
		_, err := started.Wait(t.Context())
		if failure, ok := errors.AsType[*infrahub.ImportError](err); !ok || !strings.Contains(failure.Reason, "error") {
			t.Errorf("got %v, want an import that failed", err)
		}
	})
}

func TestUnobserved_ImportOnDemandIsNotJudgedByWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t, noRetries)
		repository := createImported(t, client, readOnly(r, "v1.0.0"))
		started, err := client.Reimport(t.Context(), repository)
		if err != nil {
			t.Fatal(err)
		}
		s.blind(hopeless()["login page"])
		_, err = started.Wait(t.Context())
		_ = unobserved(t, err)
	})
}

func TestUnobserved_InterruptEndsTheWaitWithinSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, live()), newRemote(t)
		client := s.client(t, noRetries)
		started := changeRef(t, client, createImported(t, client, readOnly(r, "v1.0.0")), "v1.1.0")
		s.blind(transient()["503"])
		began := time.Now()
		_, err := started.Wait(canceledAfter(t, 30*time.Second))
		_ = unobserved(t, err)
		if took := time.Since(began); took > 35*time.Second {
			t.Errorf("the wait ended %s after its begin", took)
		}
	})
}

func TestUnobserved_OutageIsLoggedAsItBeginsAndEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r, log := start(t, live()), newRemote(t), &logBuffer{}
		_, started := startCreate(t, s.client(t, noRetries, log.use), readOnly(r, "v1.0.0"))
		fault := transient()["503"]
		fault.Times = 5
		s.blind(fault)
		waitFor(t, started)
		var warnings []string
		for _, line := range log.lines(t) {
			if line.Level == "WARN" {
				warnings = append(warnings, line.Msg)
			}
		}
		if got := strings.Join(warnings, "; "); got != "The tasks of Infrahub cannot be listed; The tasks of Infrahub can be listed again" {
			t.Errorf("warned %q", got)
		}
	})
}

func withRef(repository infrahub.Repository, ref string) infrahub.Repository {
	repository.Ref = ref
	return repository
}
