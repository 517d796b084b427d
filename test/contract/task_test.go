package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Workflows.
const (
	addReadOnly  = "git-repository-add-read-only"
	addReadWrite = "git-repository-add-read-write"
	pull         = "git-repository-pull-read-only"
	importLast   = "git-read-only-repository-import-last-commit"
	importFile   = "import-object-from-file"
	importObject = "git-repository-import-object"
	syncOrigin   = "sync-git-repo-with-origin"
	syncAll      = "git_repositories_sync" // of every repository: it fails if any of them fails
)

// completed returns workflows as waitForTasks expects them: each COMPLETED.
func completed(workflows ...string) []string {
	var tasks []string
	for _, workflow := range workflows {
		tasks = append(tasks, workflow+" COMPLETED")
	}
	return tasks
}

// task is a run of a workflow.
type task struct {
	id, workflow, state, branch string
	created                     string
	parameters                  map[string]any // of the model
	errors                      []string       // the error lines of its log
}

// reason returns the last error line of the log, "" if there is none.
func (t task) reason() string {
	if len(t.errors) == 0 {
		return ""
	}
	return t.errors[len(t.errors)-1]
}

// tasks returns the tasks of a node, the oldest first.
func (s *server) tasks(t *testing.T, id string) []task {
	t.Helper()
	got := s.Ask(t, `query($ids:[String]){InfrahubTask(related_node__ids:$ids limit:100){edges{node{
		id workflow state branch created_at parameters logs{edges{node{message severity}}}}}}}`, "ids", []string{id})
	edges, _ := got.At("data.InfrahubTask.edges").([]any)
	var tasks []task
	for i := range edges {
		found := node{got, fmt.Sprintf("data.InfrahubTask.edges.%d.node", i)}
		next := task{
			id: found.Text("id"), workflow: found.Text("workflow"), state: found.Text("state"), branch: found.Text("branch"), created: found.Text("created_at"),
		}
		next.parameters, _ = found.At("parameters.model").(map[string]any)
		lines, _ := found.At("logs.edges").([]any)
		for j := range lines {
			if line := fmt.Sprintf("logs.edges.%d.node.", j); found.Text(line+"severity") == "error" {
				next.errors = append(next.errors, found.Text(line+"message"))
			}
		}
		tasks = append(tasks, next)
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return strings.Compare(a.created, b.created) })
	return tasks
}

// waitForTasks waits until the new tasks of a node are the wanted ones, each as "workflow STATE" in any order, and
// remain so for a moment. It returns them, the oldest first. A task is new if no call has returned it. Sub-tasks and
// the server's own housekeeping do not count.
func (s *server) waitForTasks(t *testing.T, id string, want ...string) []task {
	t.Helper()
	slices.Sort(want)
	var tasks []task
	var got []string
	arrived := func() bool {
		tasks, got = nil, nil
		for _, next := range s.tasks(t, id) {
			if next.workflow != importFile && next.workflow != syncAll && !s.awaited[next.id] {
				tasks, got = append(tasks, next), append(got, next.workflow+" "+next.state)
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	}
	defer func() {
		if t.Failed() {
			t.Logf("the new tasks of %s are %v, want %v", id, got, want)
		}
	}()
	s.waitUntil(t, "the tasks "+strings.Join(want, ", "), arrived)
	s.pause()
	if !arrived() {
		t.Fatal("more tasks followed")
	}
	for _, next := range tasks {
		s.awaited[next.id] = true
	}
	return tasks
}

// assertReason waits for the last line of a failed task's log, and checks what it contains.
func (s *server) assertReason(t *testing.T, id string, failed task, want string) {
	t.Helper()
	var reason string
	s.waitUntil(t, "the reason of a failed task", func() bool {
		for _, next := range s.tasks(t, id) {
			if next.id == failed.id {
				reason = next.reason()
			}
		}
		return strings.HasPrefix(reason, "Finished in state Failed(")
	})
	if unquoted := strings.ReplaceAll(reason, `\'`, "'"); !strings.Contains(unquoted, want) {
		t.Errorf("the reason is\n%s\nwant\n%s", reason, want)
	}
}
