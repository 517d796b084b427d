package infrahub_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// progressLines keeps what a wait reports, and when.
type progressLines struct {
	texts []string
	times []time.Time
}

func (p *progressLines) report(line string) {
	p.texts, p.times = append(p.texts, line), append(p.times, time.Now())
}

func TestProgress_ReportsTheTasksOfAnImportWhenTheyChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		before := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(time.Minute)
		var lines progressLines
		started, err := client.Reimport(t.Context(), before)
		must(t, err)
		_, err = started.Wait(infrahub.WithProgress(t.Context(), lines.report))
		must(t, err)
		for n, text := range lines.texts {
			if !strings.HasPrefix(text, "Importing network at v1.0.0 into branch main: git-r") || !strings.Contains(text, ", task ") && !strings.Contains(text, ": not started") {
				t.Errorf("reported %q", text)
			}
			if n > 0 && text == lines.texts[n-1] {
				t.Errorf("reported %q twice", text)
			}
		}
		// Both imports are reported, although the second is started by the wait of the first.
		for _, workflow := range []string{importLast, importObjects} {
			if !slices.ContainsFunc(lines.texts, func(text string) bool { return strings.Contains(text, workflow+": ") }) {
				t.Errorf("%s is not reported: %q", workflow, lines.texts)
			}
		}
	})
}

func TestProgress_IsReportedOnceASecondAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		before := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(time.Minute)
		var lines progressLines
		_, err := changeRef(t, client, before, "v1.1.0").Wait(infrahub.WithProgress(t.Context(), lines.report))
		must(t, err)
		if len(lines.times) < 2 {
			t.Fatalf("reported %q", lines.texts)
		}
		for n := range lines.times[1:] {
			if lines.times[n+1].Sub(lines.times[n]) < time.Second {
				t.Errorf("reported %q %s after %q", lines.texts[n+1], lines.times[n+1].Sub(lines.times[n]), lines.texts[n])
			}
		}
	})
}

func TestProgress_NamesTheEarlierImportsThatAChangeWaitsFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end   func(ctx context.Context) (context.Context, context.CancelFunc)
		cause error
	}{
		"timeout": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, context.DeadlineExceeded},
		"cancel": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				before := createImported(t, client, readWrite(newRemote(t)))
				time.Sleep(time.Minute)
				s.Inject(mockserver.Fault{Operation: importObjects, Times: 1, StuckTask: true})
				startReimport(t, client, before)
				var lines progressLines
				ctx, cancel := test.end(infrahub.WithProgress(t.Context(), lines.report))
				defer cancel()
				began := time.Now()
				_, err := client.ReimportCommit(ctx, before)
				wantDuration(t, began, time.Minute, time.Minute)
				wantErrorIs(t, err, test.cause)
				earlier, ok := errors.AsType[*infrahub.EarlierImportsError](err)
				if !ok || len(earlier.Tasks) != 1 {
					t.Fatalf("got %v, want an EarlierImportsError with one task", err)
				}
				wantContains(t, earlier.Tasks[0], importObjects+": RUNNING, task ")
				wantContains(t, err.Error(), earlier.Tasks[0])
				wantEqual(t, "mutations", 1, len(s.requests("ReimportCommit")))
				if len(lines.texts) == 0 || lines.texts[len(lines.texts)-1] != "Waiting for earlier imports to end: "+earlier.Tasks[0] {
					t.Errorf("reported %q", lines.texts)
				}
			})
		})
	}
}
