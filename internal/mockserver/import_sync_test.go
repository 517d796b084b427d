package mockserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

func TestReadWriteRepository_FailureOfAnotherBranchLeavesTheDefaultBranchImported(t *testing.T) {
	t.Parallel()
	for _, delay := range []mockserver.Delay{mockserver.NoDelay, mockserver.LiveDelay} {
		t.Run(fmt.Sprint(delay), func(t *testing.T) {
			t.Parallel()
			m := start(t, mockserver.Options{Delay: delay, SyncInterval: -1})
			r := newRemote(t, t.TempDir(), "r.git")
			r.Branch(t, "feature")
			r.Commit(t, "feature", mocktest.BrokenFiles())
			id := m.createReadWrite(t, r, "r", "main")
			states := m.states(t, r, id)
			want := []string{"- unknown unknown", "main unknown unknown", "main syncing unknown", "main in-sync unknown", "main in-sync online"}
			if difference := cmp.Diff(want, states); difference != "" {
				t.Errorf("states: %s", difference)
			}
			if got := m.state(t, r, "main", id); got != "main in-sync online" {
				t.Errorf("on main: %q", got)
			}
			if got := m.state(t, r, "feature", id); got != "feature error-import online" {
				t.Errorf("on feature: %q", got)
			}
			if difference := cmp.Diff([]string{addWrite + failed}, m.tasks(t, id)); difference != "" {
				t.Errorf("tasks: %s", difference)
			}
			if reason := m.failureReason(t, id, addWrite); !strings.Contains(reason, "RepositoryError: Unable to synchronize the following branches of repository r: feature (step=import): Repository ") {
				t.Errorf("the reason is %q", reason)
			}
			if branch := m.Ask(t, `{InfrahubTask(workflow:["`+addWrite+`"]){edges{node{branch}}}}`).At("data.InfrahubTask.edges.0.node.branch"); branch != "feature" {
				t.Errorf("the task shows branch %v, want the last one", branch)
			}
		})
	}
}

func TestReadWriteRepository_MissingDefaultBranchFailsOnce(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{SyncInterval: 5 * time.Millisecond})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.createReadWrite(t, r, "r", "nope")
	m.WaitForTasks(t)
	time.Sleep(30 * time.Millisecond) // a few periodic syncs
	if got := m.state(t, r, "main", id); got != "- unknown error" {
		t.Errorf("ended as %q", got)
	}
	if difference := cmp.Diff([]string{addWrite + failed}, m.tasks(t, id)); difference != "" {
		t.Errorf("tasks: %s", difference)
	}
}

func TestReadWriteRepository_FollowsPushes(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{SyncInterval: 20 * time.Millisecond})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.createReadWrite(t, r, "r", "main")
	m.WaitForTasks(t)
	r.Commit(t, "pushed", mocktest.QueryFiles("r", "pushed"))
	until(t, "the pushed commit", func() bool { return m.state(t, r, "main", id) == "pushed in-sync online" })
	r.Branch(t, "topic/one")
	r.Commit(t, "topic", mocktest.QueryFiles("r", "topic"))
	until(t, "the pushed branch", func() bool { return m.state(t, r, "topic/one", id) == "topic in-sync online" })
	m.WaitForTasks(t)
	want := []string{addWrite + done, "sync-git-repo-with-origin" + done, "sync-git-repo-with-origin" + done}
	// A sync that comes while the test writes to the remote may fail; the next one repeats it.
	got := slices.DeleteFunc(m.tasks(t, id), func(task string) bool { return strings.HasSuffix(task, " FAILED") })
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("tasks: %s", difference)
	}
}
