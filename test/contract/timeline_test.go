package contract

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// timeline holds the distinct states of a repository, in their order.
type timeline struct {
	mu     sync.Mutex
	states []string
	stop   func()
	done   sync.WaitGroup
}

// watch records the states of a repository on main until the timeline ends.
func (s *server) watch(t *testing.T, kind, id string, r *remote) *timeline {
	t.Helper()
	stopped := make(chan struct{})
	w := &timeline{stop: sync.OnceFunc(func() { close(stopped) })}
	t.Cleanup(func() { w.end() }) // also if the test fails before
	interval := 100 * time.Millisecond
	if s.mock != nil {
		interval = 20 * time.Millisecond
	}
	w.add(s.state(t, "main", kind, id, r))
	w.done.Go(func() {
		for {
			select {
			case <-stopped:
				return
			case <-time.After(interval):
				w.add(s.state(t, "main", kind, id, r))
			}
		}
	})
	return w
}

func (w *timeline) add(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.states) == 0 || w.states[len(w.states)-1] != state {
		w.states = append(w.states, state)
	}
}

// end stops recording and returns the states, each followed by a space.
func (w *timeline) end() string {
	w.stop()
	w.done.Wait()
	return strings.Join(w.states, " ") + " "
}

// state returns commit/sync_status/operational_status of a repository. The commit is "null", its name in the
// remote, or its hash if it has no name there.
func (s *server) state(t *testing.T, branch, kind, id string, r *remote) string {
	got := s.Post(t, branch, `query($ids:[ID]){`+kind+`(ids:$ids){edges{node{commit{value} sync_status{value} operational_status{value}}}}}`, "ids", []string{id})
	read := node{got, "data." + kind + ".edges.0.node"}
	commit := "null"
	if hash := read.Text("commit.value"); hash != "" {
		commit = r.NameOf(hash)
	}
	return commit + "/" + read.Text("sync_status.value") + "/" + read.Text("operational_status.value")
}

// assertState checks the state of a repository on a branch.
func (s *server) assertState(t *testing.T, branch, kind, id string, r *remote, want string) {
	t.Helper()
	if got := s.state(t, branch, kind, id, r); got != want {
		t.Errorf("on %s the state is %s, want %s", branch, got, want)
	}
}

// assertStates checks the states of a timeline. In the pattern, "A?" is a state that polling may miss, "A|B*" are
// any number of states that are A or B.
func assertStates(t *testing.T, states, pattern string) {
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
