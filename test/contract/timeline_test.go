package contract

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// timeline is the order of the distinct states of a repository.
type timeline struct {
	mu     sync.Mutex
	states []string
	stop   func()
	done   sync.WaitGroup
}

// watch looks at a repository on main until the timeline is ended. A state is written as
// commit/sync_status/operational_status, the commit as "null", the name that the remote knows it by, or
// itself.
func (s *server) watch(t *testing.T, kind, id string, r *remote) *timeline {
	t.Helper()
	stopped := make(chan struct{})
	w := &timeline{stop: sync.OnceFunc(func() { close(stopped) })}
	t.Cleanup(func() { w.end() }) // also where the test fails before
	interval := 100 * time.Millisecond
	if s.mock != nil {
		interval = 20 * time.Millisecond
	}
	w.see(s.state(t, "main", kind, id, r))
	w.done.Go(func() {
		for {
			select {
			case <-stopped:
				return
			case <-time.After(interval):
				w.see(s.state(t, "main", kind, id, r))
			}
		}
	})
	return w
}

func (w *timeline) see(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.states) == 0 || w.states[len(w.states)-1] != state {
		w.states = append(w.states, state)
	}
}

// end stops looking and returns the states with a space after each.
func (w *timeline) end() string {
	w.stop()
	w.done.Wait()
	return strings.Join(w.states, " ") + " "
}

func (s *server) state(t *testing.T, branch, kind, id string, r *remote) string {
	got := s.on(t, branch, `query($ids:[ID]){`+kind+`(ids:$ids){edges{node{commit{value} sync_status{value} operational_status{value}}}}}`, "ids", []string{id})
	at := func(name string) string { return got.text("data." + kind + ".edges.0.node." + name + ".value") }
	return r.named(at("commit")) + "/" + at("sync_status") + "/" + at("operational_status")
}

// named is the name of a commit, main last: it may be where a tag is.
func (r *remote) named(commit string) string {
	if commit == "" {
		return "null"
	}
	for _, name := range []string{"v1.0.0", "v1.1.0", "v2.0.0", "v3.0.0", "main"} {
		if r.commits[name] == commit {
			return name
		}
	}
	for name, hash := range r.commits {
		if hash == commit {
			return name
		}
	}
	return commit
}

// inOrder checks the states of a timeline. In the pattern, "A? " is a state that polling may miss.
func inOrder(t *testing.T, states, pattern string) {
	t.Helper()
	var expression strings.Builder
	for step := range strings.FieldsSeq(pattern) {
		step, mark := strings.TrimRight(step, "?*"), step[len(strings.TrimRight(step, "?*")):]
		fmt.Fprintf(&expression, "((%s) )%s", strings.ReplaceAll(step, ".", `\.`), mark)
	}
	if !regexp.MustCompile("^" + expression.String() + "$").MatchString(states) {
		t.Errorf("got the states\n%s\nwant\n%s", states, pattern)
	}
}
