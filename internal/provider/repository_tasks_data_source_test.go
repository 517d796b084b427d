package provider

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// expectTasks expects the workflow and the state of each task.
func expectTasks(t *testing.T, tasks []attributes, want ...string) {
	t.Helper()
	var got []string
	for _, task := range tasks {
		got = append(got, task.text("workflow")+" "+task.text("state"))
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("tasks (-want +got):\n%s", difference)
	}
}

func TestRepositoryTasksDataSource_ShowsTheReasonThatTheDiagnosticOfTheApplyGives(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	r := newRemote(t)
	p := s.connect(t)
	i := p.newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	s.WaitForTasks(t)
	failure := i.apply(i.plan(readOnlyConfig(r, "v9.9.9"))).onlyError(t)
	s.WaitForTasks(t)
	s.Log.Reset()
	state, diags := p.readDataSource(repositoryTasksType, attributes{"repository_id": i.id()})
	diags.requireNone(t)
	tasks := listed(t, state, "tasks")
	slices.SortStableFunc(tasks[:2], func(a, b attributes) int { return strings.Compare(a.text("workflow"), b.text("workflow")) }) // they start in either order
	expectTasks(t, tasks[:2], "git-read-only-repository-import-last-commit FAILED", "git-repository-pull-read-only FAILED")
	expectTasks(t, tasks[len(tasks)-1:], "git-repository-add-read-only COMPLETED")
	reported := false
	for _, task := range tasks {
		failed := task["state"] == "FAILED"
		if reason := task.text("reason"); failed != (reason != "") || strings.Contains(reason, "\n") {
			t.Errorf("task %v has the reason %q", task, reason)
		} else if failed && strings.Contains(failure.detail, reason) && strings.Contains(failure.detail, task.text("id")) {
			reported = true
		}
		_, err := time.Parse(time.RFC3339, task.text("start_time"))
		_, ended := task["duration"].(int)
		if err != nil || !ended || task["branch"] != "main" {
			t.Errorf("task %v: %v", task, err)
		}
	}
	if !reported {
		t.Errorf("no task has the reason of %q: %v", failure.detail, tasks)
	}
	s.expectOperations(t, "ReadOnlyRepositories", "RepositoryTasks", "RepositoryTasks", "TaskLogs", "TaskLogs")
}

func TestRepositoryTasksDataSource_ReadsNoLogIfNothingFailed(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{SyncInterval: 20 * time.Millisecond})
	p := s.connect(t)
	i := p.newInstance(readWriteType)
	i.mustApply(readWriteConfig(newRemote(t)))
	other := p.newInstance(readOnlyType)
	other.mustApply(attributes{"name": "other", "location": mocktest.NewRemote(t, t.TempDir(), "other.git", "v1.0.0").Path})
	s.WaitForTasks(t)
	s.Log.Reset()
	state, diags := p.readDataSource(repositoryTasksType, attributes{"repository_id": i.id()})
	diags.requireNone(t)
	expectTasks(t, listed(t, state, "tasks"), "git-repository-add-read-write COMPLETED")
	s.expectOperations(t, "ReadOnlyRepositories", "Repositories", "RepositoryTasks", "RepositoryTasks")
}

func TestRepositoryTasksDataSource_LimitKeepsTheLatest(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	r := newRemote(t)
	p := s.connect(t)
	i := p.newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	for range 3 { // each starts two imports on demand, and the first of them an echo
		config := readOnlyConfig(r, "v1.0.0").with(attributes{"reimport_triggers": map[string]string{"at": time.Now().String()}})
		i.mustApply(config)
		s.WaitForTasks(t)
	}
	all, diags := p.readDataSource(repositoryTasksType, attributes{"repository_id": i.id(), "limit": 100})
	diags.requireNone(t)
	if tasks := listed(t, all, "tasks"); len(tasks) < 7 {
		t.Fatalf("%d tasks", len(tasks))
	}
	few, diags := p.readDataSource(repositoryTasksType, attributes{"repository_id": i.id(), "limit": 2})
	diags.requireNone(t)
	if difference := cmp.Diff(listed(t, all, "tasks")[:2], listed(t, few, "tasks")); difference != "" {
		t.Errorf("tasks (-first of all +limited):\n%s", difference)
	}
	for _, limit := range []int{0, -1, 101} {
		p.validateDataSource(repositoryTasksType, attributes{"repository_id": nodeUUID, "limit": limit}).onlyError(t).expect(t, "limit", "Invalid Attribute Value", "between 1 and 100")
	}
}

// A task belongs to its repository only once it has started.
func TestRepositoryTasksDataSource_ShowsTasksThatWaitForAWorker(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	r := newRemote(t)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	other := s.createReadOnlyRepository(t, "other", mocktest.NewRemote(t, t.TempDir(), "other.git", "v1.0.0").Path, "v1.0.0")
	s.Inject(mockserver.Fault{Operation: "git-read-only-repository-import-last-commit", Delay: time.Hour})
	importLast := func(repository string) (taskID string) {
		const document = `mutation($id:String!){InfrahubReadOnlyRepositoryImportLastCommit(data:{id:$id}){task{id}}}`
		return s.Ask(t, document, "id", repository).Text("data.InfrahubReadOnlyRepositoryImportLastCommit.task.id")
	}
	want := importLast(id)
	importLast(other) // later, so that it would be listed first
	state, diags := s.connect(t).readDataSource(repositoryTasksType, attributes{"repository_id": id, "limit": 1})
	diags.requireNone(t)
	tasks := listed(t, state, "tasks")
	if len(tasks) != 1 || tasks[0]["id"] != want || !slices.Contains([]any{"SCHEDULED", "PENDING"}, tasks[0]["state"]) {
		t.Fatalf("tasks %v", tasks)
	}
	for _, unset := range []string{"start_time", "duration", "reason"} {
		if value, isSet := tasks[0][unset]; isSet {
			t.Errorf("%s is %v", unset, value)
		}
	}
	if tasks[0]["branch"] != "main" {
		t.Errorf("branch is %v", tasks[0]["branch"])
	}
}

func TestRepositoryTasksDataSource_RepositoryThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createReadOnlyRepository(t, "network", newRemote(t).Path, "v1.0.0")
	p := s.connect(t)
	_, diags := p.readDataSource(repositoryTasksType, attributes{"repository_id": nodeUUID})
	diags.onlyError(t).expect(t, "repository_id", "Repository Not Found", nodeUUID, "branch main", "no repository of either kind")
	s.expectOperations(t, "ReadOnlyRepositories", "Repositories")
	s.Log.Reset()
	_, diags = p.readDataSource(repositoryTasksType, attributes{"repository_id": "network"})
	diags.onlyError(t).expect(t, "repository_id", "Not an Id", `"network"`, "infrahub_repository.NAME.id")
	s.expectOperations(t)
}

func TestRepositoryTasksDataSource_AccountThatMayNotReadTasksIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	id := s.createReadOnlyRepository(t, "network", newRemote(t).Path, "v1.0.0")
	p := s.connect(t)
	s.Inject(mockserver.Fault{Operation: "RepositoryTasks", NoTasks: true})
	_, diags := p.readDataSource(repositoryTasksType, attributes{"repository_id": id})
	got := diags.onlyError(t)
	got.expect(t, "", "Tasks Not Listed", `read-only repository "network"`, "not authorized", "may not read tasks")
	expectTitleCase(t, got.summary)
}

func TestRepositoryTasksDataSource_ServerErrorIsAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	id := s.createReadOnlyRepository(t, "network", newRemote(t).Path, "v1.0.0")
	p := s.connect(t)
	for operation, summary := range map[string]string{"ReadOnlyRepositories": "Repository Not Read", "RepositoryTasks": "Tasks Not Listed"} {
		s.failOnce(operation, http.StatusOK, refusal)
		_, diags := p.readDataSource(repositoryTasksType, attributes{"repository_id": id})
		diags.onlyError(t).expect(t, "", summary, "Refused.", "Request id: ")
	}
}
