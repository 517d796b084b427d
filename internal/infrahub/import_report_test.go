package infrahub_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestRepositoryTasks_LastAsLongAsTheyRan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		created, started := startCreate(t, client, readOnly(newRemote(t), "v1.0.0"))
		_, err := started.Wait(t.Context())
		must(t, err)
		time.Sleep(time.Hour) // the echo ends, and time that passes after the end does not count
		s.Log.Reset()
		tasks, err := client.RepositoryTasks(t.Context(), created.ID, 100)
		must(t, err)
		if len(tasks) != 3 {
			t.Fatalf("tasks %+v", tasks)
		}
		for n, task := range tasks {
			if task.Started == nil || task.Duration == nil || *task.Duration <= 0 || *task.Duration > time.Minute {
				t.Errorf("task %+v started %v and lasted %v", task, task.Started, task.Duration)
			} else if n > 0 && task.Started.After(*tasks[n-1].Started) {
				t.Errorf("%s started after the task before it in the list", task.Workflow)
			}
			if task.Branch != "main" || task.State != "COMPLETED" || task.Reason != "" {
				t.Errorf("task %+v", task)
			}
		}
		s.wantOperations(t, "RepositoryTasks", "RepositoryTasks")
	})
}

// A task that Infrahub calls CRASHED may go on.
func TestRepositoryTasks_CrashedOneHasAReasonAndNoDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		s.Inject(mockserver.Fault{CrashedTask: true, Times: 1})
		created, _ := startCreate(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(10 * time.Minute)
		before := time.Now()
		tasks, err := client.RepositoryTasks(t.Context(), created.ID, 100)
		must(t, err)
		if len(tasks) != 1 || tasks[0].State != "CRASHED" || tasks[0].Duration != nil ||
			tasks[0].Reason != "Infrahub has not heard of the task for a while and calls it CRASHED" {
			t.Errorf("tasks %+v", tasks)
		}
		if waited := time.Since(before); waited > time.Second {
			t.Errorf("waited %s for the end of a log that is not written any more", waited)
		}
	})
}

// The last line of a log can be missing for some seconds.
func TestRepositoryTasks_FailedJustNowHasItsReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		created, started := startCreate(t, client, readOnly(newRemote(t), "v9.9.9"))
		var tasks []infrahub.Task
		for len(tasks) == 0 || tasks[0].State != "FAILED" {
			time.Sleep(10 * time.Millisecond)
			var err error
			tasks, err = client.RepositoryTasks(t.Context(), created.ID, 1)
			must(t, err)
		}
		_, err := started.Wait(t.Context())
		failure, ok := errors.AsType[*infrahub.ImportError](err)
		if !ok {
			t.Fatalf("error %v", err)
		}
		if len(tasks) != 1 || tasks[0].ID != failure.TaskID || tasks[0].Reason != failure.Reason {
			t.Errorf("tasks %+v, want the reason %q", tasks, failure.Reason)
		}
	})
}

func TestRepositoryTasks_OfTheSyncAreOnTheBranchThatTheySync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{Delay: mockserver.LiveDelay, SyncInterval: time.Minute})
		client := s.client(t)
		r := newRemote(t)
		created, started := startCreate(t, client, readWrite(r))
		_, err := started.Wait(t.Context())
		must(t, err)
		r.Branch(t, "feature") // the task is tagged with this branch last
		r.Commit(t, "feature", map[string]string{".infrahub.yml": "queries: ["})
		time.Sleep(5 * time.Minute)
		tasks, err := client.RepositoryTasks(t.Context(), created.ID, 1)
		must(t, err)
		if len(tasks) != 1 || tasks[0].Workflow != "sync-git-repo-with-origin" || tasks[0].Branch != "main" || tasks[0].State != "FAILED" || tasks[0].Reason == "" {
			t.Errorf("tasks %+v", tasks)
		}
	})
}
