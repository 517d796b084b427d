package infrahub_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// polls are when the tasks were asked for by whatever waits, not by a mutation that is about to be sent.
func (s *server) polls() []time.Time {
	var times []time.Time
	for _, request := range s.requests("Tasks") {
		if request.Header.Get("X-Priority") == "low" {
			times = append(times, request.Time)
		}
	}
	return times
}

// gaps are the times between one and the next.
func gaps(times []time.Time) []time.Duration {
	var between []time.Duration
	for n := range times[1:] {
		between = append(between, times[n+1].Sub(times[n]))
	}
	return between
}

// pollsOf counts the requests for tasks while so many imports are waited for, for 50 seconds.
func pollsOf(t *testing.T, imports int) (polls int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		client := s.client(t)
		var all []*infrahub.Import
		for n := range imports {
			wanted := readOnly(newRemote(t), "v1.0.0")
			wanted.Name = fmt.Sprint("network ", n)
			_, started := begin(t, client, wanted)
			all = append(all, started)
		}
		time.Sleep(time.Minute)
		s.log.Reset()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		var waiting sync.WaitGroup
		for _, started := range all {
			waiting.Go(func() {
				if _, err := started.Wait(ctx); err == nil {
					t.Error("an import that never ends has ended")
				}
			})
		}
		waiting.Wait()
		polls = len(s.polls())
	})
	return polls
}

func TestPoller_IsOneForAllThatWait(t *testing.T) {
	t.Parallel()
	one, twenty := pollsOf(t, 1), pollsOf(t, 20)
	if one < 20 || twenty > one+2 {
		t.Errorf("one import was polled for %d times, twenty at once %d times", one, twenty)
	}
}

func TestPoller_SlowsDownWhileNothingChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		client := s.client(t)
		_, started := begin(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(time.Minute)
		s.log.Reset()
		var changed time.Time
		time.AfterFunc(time.Minute, func() {
			changed = time.Now()
			other := readOnly(newRemote(t), "v1.0.0")
			other.Name = "other"
			begin(t, client, other)
		})
		if _, err := started.Wait(canceledAfter(t, 115*time.Second)); err == nil {
			t.Error("an import that never ends has ended")
		}
		var before, after []time.Time
		for _, poll := range s.polls() {
			if poll.Before(changed) {
				before = append(before, poll)
			} else {
				after = append(after, poll)
			}
		}
		const fastest, slowest = 250 * time.Millisecond, 2 * time.Second
		intervals := gaps(before)
		for n, interval := range intervals[1:] {
			if interval < intervals[n] {
				t.Errorf("became faster although nothing changed: %s", intervals)
				break
			}
		}
		if intervals[0] != fastest || intervals[len(intervals)-1] != slowest {
			t.Errorf("polled after %s, want from %s to %s", intervals, fastest, slowest)
		}
		again := gaps(after)
		if fast := min(again[0], again[1], again[2]); fast > fastest*3/2 || again[len(again)-1] != slowest {
			t.Errorf("after a change polled after %s, want from %s to %s", again, fastest, slowest)
		}
	})
}

func TestPoller_StopsWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		repository := established(t, client, readOnly(r, "v1.0.0"))
		for _, ref := range []string{"v1.1.0", "main"} { // it starts again each time
			time.Sleep(10 * time.Second)
			s.log.Reset()
			time.Sleep(time.Hour)
			if sent := s.operations(); sent != nil {
				t.Errorf("sent %v while nobody waited", sent)
			}
			r.done(t, bump(t, client, repository, ref), ref)
			repository.Ref = ref
		}
	})
}

func TestPoller_SurvivesFailures(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"unavailable":   {Status: http.StatusServiceUnavailable},
		"no answer":     {Drop: true},
		"half answers":  {TruncateBody: true},
		"a server down": {Status: http.StatusBadGateway, ContentType: "text/html", Body: "<html>Bad Gateway</html>"},
		"a crash":       {Status: http.StatusInternalServerError, Body: "Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				r := newRemote(t)
				_, started := begin(t, client, readOnly(r, "v1.0.0"))
				fault.Operation, fault.Times = "Tasks", 20
				s.Inject(fault)
				s.log.Reset()
				r.done(t, started, "v1.0.0")
				if polls := len(s.polls()); polls <= 20 {
					t.Errorf("polled %d times, want more than the 20 that fail", polls)
				}
			})
		})
	}
}

// The list of tasks has pages of 200, and what was started last comes first: the further pages are asked
// for now and then alone.
func TestPoller_FindsATaskBehindManyOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		other := readWrite(newRemote(t))
		other.Name = "other"
		other = established(t, client, other)
		s.Inject(mockserver.Fault{StuckTask: true, Operation: addReadOnly})
		_, started := begin(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(time.Second)
		for range 220 {
			s.ask(t, `mutation{InfrahubRepositoryProcess(data:{id:"`+other.ID+`"}){ok}}`)
		}
		time.Sleep(time.Second)
		s.log.Reset()
		_, err := started.Wait(canceledAfter(t, 20*time.Second))
		if failure := unfinished(t, err, context.Canceled); !strings.HasPrefix(failure.Tasks[0], addReadOnly+": RUNNING, task ") {
			t.Errorf("was at %q", failure.Tasks)
		}
		pages := map[any]int{}
		for _, request := range s.requests("Tasks") {
			pages[request.Variables["offset"]]++
		}
		if first, second := pages[0.0], pages[200.0]; len(pages) != 2 || first < 10 || second != (first+4)/5 {
			t.Errorf("pages asked for = %v, want the second with every fifth of the first", pages)
		}
	})
}

func TestImport_WithoutPermissionToSeeTasksThatIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{NoTasks: true})
		_, started := begin(t, s.client(t), readOnly(newRemote(t), "v1.0.0"))
		_, err := started.Wait(canceledAfter(t, time.Second))
		if failure := unfinished(t, err, context.Canceled); len(failure.Tasks) != 1 || failure.Tasks[0] != "its tasks are not visible" {
			t.Errorf("was at %q", failure.Tasks)
		}
	})
}
