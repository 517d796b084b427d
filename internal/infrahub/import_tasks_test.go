package infrahub_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// pollTimes returns when the client polled the tasks. Those that it requests before a mutation do not count.
func (s *server) pollTimes() []time.Time {
	var times []time.Time
	for _, request := range s.requests("Tasks") {
		if request.Header.Get("X-Priority") == "low" {
			times = append(times, request.Time)
		}
	}
	return times
}

// intervals returns the durations between successive times.
func intervals(times []time.Time) []time.Duration {
	var between []time.Duration
	for n := range times[1:] {
		between = append(between, times[n+1].Sub(times[n]))
	}
	return between
}

// startStuck starts an import of a new repository. Its task never ends.
func startStuck(t *testing.T, s *server, client *infrahub.Client, name string) *infrahub.Import {
	t.Helper()
	s.Inject(mockserver.Fault{StuckTask: true})
	want := readOnly(newRemote(t), "v1.0.0")
	want.Name = name
	_, started := startCreate(t, client, want)
	return started
}

// countPolls returns how often the client polls in 50 seconds while it waits for so many imports.
func countPolls(t *testing.T, imports int) (polls int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		var all []*infrahub.Import
		for n := range imports {
			all = append(all, startStuck(t, s, client, fmt.Sprint("network ", n)))
		}
		time.Sleep(time.Minute)
		s.Log.Reset()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		var waiting sync.WaitGroup
		for _, started := range all {
			waiting.Go(func() {
				if _, err := started.Wait(ctx); err == nil {
					t.Error("an import without end has ended")
				}
			})
		}
		waiting.Wait()
		polls = len(s.pollTimes())
	})
	return polls
}

func TestPoller_IsSharedByAllThatWait(t *testing.T) {
	t.Parallel()
	one, twenty := countPolls(t, 1), countPolls(t, 20)
	if one < 20 || twenty > one+2 {
		t.Errorf("one import was polled %d times, twenty at once %d times", one, twenty)
	}
}

func TestPoller_SlowsDownWhileNothingChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		started := startStuck(t, s, client, "network")
		time.Sleep(time.Minute)
		s.Log.Reset()
		var change time.Time
		time.AfterFunc(time.Minute, func() {
			change = time.Now()
			startStuck(t, s, client, "other")
		})
		if _, err := started.Wait(canceledAfter(t, 115*time.Second)); err == nil {
			t.Error("an import without end has ended")
		}
		var timesBefore, timesAfter []time.Time
		for _, poll := range s.pollTimes() {
			if poll.Before(change) {
				timesBefore = append(timesBefore, poll)
			} else {
				timesAfter = append(timesAfter, poll)
			}
		}
		const shortest, longest = 250 * time.Millisecond, 2 * time.Second
		before, after := intervals(timesBefore), intervals(timesAfter)
		for n, interval := range before[1:] {
			if interval < before[n] {
				t.Errorf("polled faster although nothing changed: %s", before)
				break
			}
		}
		if before[0] != shortest || before[len(before)-1] != longest {
			t.Errorf("polled after %s, want from %s to %s", before, shortest, longest)
		}
		if min(after[0], after[1], after[2]) > shortest*3/2 || after[len(after)-1] != longest {
			t.Errorf("after a change polled after %s, want from %s to %s", after, shortest, longest)
		}
	})
}

func TestPoller_StopsWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		repository := createImported(t, client, readOnly(r, "v1.0.0"))
		for _, ref := range []string{"v1.1.0", "main"} { // it starts again each time
			time.Sleep(10 * time.Second)
			s.Log.Reset()
			time.Sleep(time.Hour)
			s.wantOperations(t)
			wantImported(t, changeRef(t, client, repository, ref), r, ref)
			repository.Ref = ref
		}
	})
}

func TestPoller_GoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	const failures = 20
	for name, fault := range map[string]mockserver.Fault{
		"unavailable":    {Status: http.StatusServiceUnavailable},
		"no responses":   {Drop: true},
		"half responses": {TruncateBody: true},
		"a server down":  {Status: http.StatusBadGateway, ContentType: "text/html", Body: "<html>Bad Gateway</html>"},
		"a crash":        {Status: http.StatusInternalServerError, Body: "Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				r := newRemote(t)
				_, started := startCreate(t, s.client(t), readOnly(r, "v1.0.0"))
				fault.Operation, fault.Times = "Tasks", failures
				s.Inject(fault)
				s.Log.Reset()
				wantImported(t, started, r, "v1.0.0")
				if polls := len(s.pollTimes()); polls <= failures {
					t.Errorf("polled %d times, want more than the %d that fail", polls, failures)
				}
			})
		})
	}
}

// The list of tasks has pages of 200, and the task that was started last comes first. So the poller requests
// further pages only now and then.
func TestPoller_FindsATaskBehindManyOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		other := readWrite(newRemote(t))
		other.Name = "other"
		other = createImported(t, client, other)
		s.Inject(mockserver.Fault{StuckTask: true, Operation: addReadOnly})
		_, started := startCreate(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(time.Second)
		for range 220 {
			s.Ask(t, `mutation{InfrahubRepositoryProcess(data:{id:"`+other.ID+`"}){ok}}`)
		}
		time.Sleep(time.Second)
		s.Log.Reset()
		_, err := started.Wait(canceledAfter(t, 20*time.Second))
		wantUnfinished(t, err, context.Canceled, addReadOnly+": RUNNING")
		pages := map[any]int{}
		for _, request := range s.requests("Tasks") {
			pages[request.Variables["offset"]]++
		}
		if first, second := pages[0.0], pages[200.0]; len(pages) != 2 || first < 10 || second != (first+4)/5 {
			t.Errorf("pages requested = %v, want the second with every fifth of the first", pages)
		}
	})
}
