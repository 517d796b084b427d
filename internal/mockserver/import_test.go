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

const (
	add        = "git-repository-add-read-only"
	addWrite   = "git-repository-add-read-write"
	pull       = "git-repository-pull-read-only"
	importLast = "git-read-only-repository-import-last-commit"
	subtask    = "import-object-from-file"
	done       = " COMPLETED"
	failed     = " FAILED"
)

// timeline is what happens to a read-only repository (infrahub-behaviour.md, Importing 9 to 15). Before is the
// ref that was imported before, "" for a create.
type timeline struct {
	name, before, ref string
	states, tasks     []string
	workflow, reason  string // the reason of the failure of a workflow's last task
}

func timelines() []timeline {
	return []timeline{
		{
			name: "create, good", ref: "v1.0.0",
			states: []string{
				"- unknown unknown", "v1.0.0 unknown unknown", "v1.0.0 syncing unknown", "v1.0.0 in-sync unknown", "v1.0.0 in-sync online",
				"v1.0.0 syncing online", "v1.0.0 in-sync online",
			},
			tasks: []string{add + done, subtask + done, importLast + done, pull + done, subtask + done},
		},
		{
			name: "ref bump, good", before: "v1.0.0", ref: "v1.1.0",
			states: []string{
				"v1.0.0 in-sync online", "v1.1.0 in-sync online", "v1.1.0 syncing online", "v1.1.0 in-sync online", "v1.1.0 syncing online",
				"v1.1.0 in-sync online",
			},
			tasks: []string{importLast + done, pull + done, subtask + done, importLast + done, pull + done, subtask + done},
		},
		{
			name: "ref bump, ref missing", before: "v1.0.0", ref: "v9.9.9",
			states:   []string{"v1.0.0 in-sync online"},
			tasks:    []string{importLast + failed, pull + failed},
			workflow: pull, reason: "Finished in state Failed('Flow run encountered an exception: ValueError: Ref v9.9.9 not found.')",
		},
		{
			name: "ref bump, broken .infrahub.yml", before: "v1.0.0", ref: "v2.0.0",
			states: []string{
				"v1.0.0 in-sync online", "v2.0.0 in-sync online", "v2.0.0 syncing online", "v2.0.0 error-import online", "v2.0.0 syncing online",
				"v2.0.0 error-import online",
			},
			tasks:    []string{importLast + done, pull + failed, subtask + failed, importLast + done, pull + failed, subtask + failed},
			workflow: pull, reason: `RepositoryConfigurationError: Repository 'r' has an invalid configuration file '.infrahub.yml'. The file could not be parsed as valid YAML: `,
		},
		{
			name: "create, ref missing", ref: "v9.9.9",
			states:   []string{"- unknown unknown", "- unknown error"},
			tasks:    []string{add + failed},
			workflow: add, reason: "RepositoryInvalidBranchError: The branch v9.9.9 isn't a valid branch for the repository r at ",
		},
		{
			name: "create, broken .infrahub.yml", ref: "v2.0.0",
			states: []string{
				"- unknown unknown", "v2.0.0 unknown unknown", "v2.0.0 syncing unknown", "v2.0.0 error-import unknown", "v2.0.0 error-import online",
				"v2.0.0 syncing online", "v2.0.0 error-import online",
			},
			tasks:    []string{add + failed, subtask + failed, importLast + done, pull + failed, subtask + failed},
			workflow: add, reason: "RepositoryConfigurationError: Repository 'r' has an invalid configuration file",
		},
	}
}

func TestReadOnlyRepository_Timelines(t *testing.T) {
	t.Parallel()
	for _, row := range timelines() {
		for _, delay := range []mockserver.Delay{mockserver.NoDelay, mockserver.LiveDelay} {
			t.Run(fmt.Sprintf("%s, delay %d", row.name, delay), func(t *testing.T) {
				t.Parallel()
				row.check(t, delay)
			})
		}
	}
}

func (row timeline) check(t *testing.T, delay mockserver.Delay) {
	t.Helper()
	m := start(t, mockserver.Options{Delay: delay})
	r := newRemote(t, t.TempDir(), "r.git")
	var id string
	var earlier int // how many tasks the import before had
	if row.before == "" {
		id = m.createReadOnly(t, r, "r", row.ref)
	} else {
		id = m.importReadOnly(t, r, "r", row.before)
		earlier = len(m.tasks(t, id))
		m.changeRef(t, "main", id, row.ref)
	}
	if difference := cmp.Diff(row.states, m.states(t, r, id)); difference != "" {
		t.Errorf("states (-want +got): %s", difference)
	}
	got, want := m.tasks(t, id)[earlier:], slices.Clone(row.tasks)
	slices.Sort(got)
	slices.Sort(want)
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("tasks (-want +got): %s", difference)
	}
	if row.reason != "" {
		reason := m.failureReason(t, id, row.workflow)
		if unquoted := strings.ReplaceAll(reason, `\'`, "'"); !strings.Contains(unquoted, row.reason) {
			t.Errorf("the reason is %q, want %q in it", reason, row.reason)
		}
	}
}

func TestReadOnlyRepository_LiveDelayTakesTime(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	m.Inject(mockserver.Fault{Operation: add, Times: 1, Delay: 500 * time.Millisecond})
	r := newRemote(t, t.TempDir(), "r.git")
	start := time.Now()
	id := m.createReadOnly(t, r, "r", "v1.0.0")
	if tasks := m.tasks(t, id); len(tasks) != 0 {
		t.Errorf("tasks are visible before they start: %v", tasks)
	}
	m.WaitForTasks(t)
	if elapsed := time.Since(start); elapsed < 1200*time.Millisecond {
		t.Errorf("a create took %s, want about 1.5 s", elapsed)
	}
}

func TestReadOnlyRepository_RefIsATagABranchOrACommit(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	r.Commit(t, "v3.0.0", mocktest.QueryFiles("r", "3"))
	r.AnnotatedTag(t, "v3.0.0")
	r.Branch(t, "feature")
	r.Commit(t, "feature", mocktest.QueryFiles("r", "feature"))
	id := m.importReadOnly(t, r, "r", "v1.0.0")
	for _, ref := range []string{"v3.0.0", "feature", r.Commits["v1.1.0"], r.Commits["v1.0.0"][:7], "main", "v1.1.0"} {
		m.changeRef(t, "main", id, ref)
		m.WaitForTasks(t)
		want := ref
		switch ref {
		case r.Commits["v1.1.0"]:
			want = "v1.1.0"
		case r.Commits["v1.0.0"][:7]:
			want = "v1.0.0"
		case "main":
			want = "v3.0.0" // the newest commit of main has that tag
		}
		if got := m.state(t, r, "main", id); got != want+" in-sync online" {
			t.Errorf("%s: ended as %q, want %s", ref, got, want)
		}
	}
}

func TestReadOnlyRepository_ParametersDistinguishAnImportFromItsEcho(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.importReadOnly(t, r, "r", "v1.0.0")
	m.changeRef(t, "main", id, "v1.1.0")
	m.WaitForTasks(t)
	got := m.Ask(t, `query($ids:[String] $w:[String]){InfrahubTask(related_node__ids:$ids workflow:$w){edges{node{parameters}}}}`, "ids", []string{id}, "w", []string{pull})
	branch := m.Ask(t, `{Branch(name:"main"){id}}`).Text("data.Branch.0.id")
	model := func(ref, commit string) string {
		return fmt.Sprintf(`{"model":{"commit":%s,"infrahub_branch_id":%q,"infrahub_branch_name":"main","location":%q,"ref":%q,"repository_id":%q,"repository_name":"r"}}`,
			commit, branch, r.Path, ref, id)
	}
	for i, want := range []string{model("v1.1.0", `"`+r.Commits["v1.1.0"]+`"`), model("v1.1.0", "null"), model("v1.0.0", `"`+r.Commits["v1.0.0"]+`"`)} {
		if parameters := got.JSON(t, fmt.Sprintf("data.InfrahubTask.edges.%d.node.parameters", i)); parameters != want {
			t.Errorf("pull %d: got %s\nwant %s", i, parameters, want)
		}
	}
}

func TestReadOnlyRepository_EchoOverlapsALaterBump(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.createReadOnly(t, r, "r", "v1.0.0")
	until(t, "the end of the add", func() bool { return slices.Contains(m.tasks(t, id), add+done) })
	m.changeRef(t, "main", id, "v1.1.0")
	tasks := len(m.tasks(t, id))
	states := m.states(t, r, id)
	if tasks == 5 {
		t.Error("the echo of the create ended before the bump")
	}
	changed := slices.IndexFunc(states, func(s string) bool { return strings.HasPrefix(s, "v1.1.0") })
	for _, state := range states[changed:] {
		if !strings.HasPrefix(state, "v1.1.0") {
			t.Errorf("the commit went back: %v", states)
		}
	}
	if last := states[len(states)-1]; last != "v1.1.0 in-sync online" {
		t.Errorf("ended as %q", last)
	}
}

func TestReadOnlyRepository_CommitNeverGoesBack(t *testing.T) {
	t.Parallel()
	for _, delay := range []mockserver.Delay{mockserver.NoDelay, mockserver.LiveDelay} {
		t.Run(fmt.Sprint(delay), func(t *testing.T) {
			t.Parallel()
			m := start(t, mockserver.Options{Delay: delay})
			r := newRemote(t, t.TempDir(), "r.git")
			id := m.createReadOnly(t, r, "r", "v1.0.0")
			for _, ref := range []string{"v1.1.0", "v2.0.0", "main"} {
				m.changeRef(t, "main", id, ref)
				time.Sleep(20 * time.Millisecond)
			}
			order := []string{"-", "v1.0.0", "v1.1.0", "v2.0.0", "main"}
			states, newest := m.states(t, r, id), 0
			for _, state := range states {
				commit, _, _ := strings.Cut(state, " ")
				if at := slices.Index(order, commit); at < newest {
					t.Fatalf("the commit went back: %v", states)
				} else {
					newest = at
				}
			}
			if states[len(states)-1] != "main in-sync online" {
				t.Errorf("ended as %v", states)
			}
		})
	}
}

func TestRepository_OtherUpdatesImportNothing(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	root := t.TempDir()
	r, other := newRemote(t, root, "r.git"), newRemote(t, root, "other.git")
	w := newRemote(t, root, "w.git")
	m.Ask(t, `mutation{BuiltinTagCreate(data:{name:{value:"red"}}){ok} CorePasswordCredentialCreate(data:{name:{value:"git"}}){ok}}`)
	readOnly := m.createReadOnly(t, r, "r", "v1.0.0")
	readWrite := m.createReadWrite(t, w, "w", "main")
	m.WaitForTasks(t)
	before := m.Ask(t, `{InfrahubTask{count}}`).At("data.InfrahubTask.count")
	for _, input := range []string{
		`description:{value:"d"}`, `name:{value:"renamed"}`, `tags:[{hfid:["red"]}]`, `credential:{hfid:["git"]}`, `ref:{value:"v1.0.0"}`,
		`location:{value:"` + other.Path + `"}`, `ref:{value:null}`,
	} {
		m.Ask(t, `mutation($id:String){CoreReadOnlyRepositoryUpdate(data:{id:$id `+input+`}){ok}}`, "id", readOnly)
	}
	m.Ask(t, `mutation($id:String){CoreRepositoryUpdate(data:{id:$id default_branch:{value:"nope"}}){ok}}`, "id", readWrite)
	m.WaitForTasks(t)
	if after := m.Ask(t, `{InfrahubTask{count}}`).At("data.InfrahubTask.count"); after != before {
		t.Errorf("%v tasks after the updates, %v before", after, before)
	}
	if got := m.state(t, r, "main", readOnly); got != "v1.0.0 in-sync online" {
		t.Errorf("read-only: %q", got)
	}
	if got := m.state(t, w, "main", readWrite); got != "main in-sync online" {
		t.Errorf("read-write: %q", got)
	}
}

func TestReadOnlyRepository_NextImportClonesTheNewLocation(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	root := t.TempDir()
	r := newRemote(t, root, "r.git")
	other := mocktest.NewRemote(t, root, "other.git")
	other.Commit(t, "first", mocktest.QueryFiles("other", "1"))
	other.Release(t, "v1.0.0", mocktest.QueryFiles("other", "2"))
	id := m.importReadOnly(t, r, "r", "v1.0.0")
	m.Ask(t, `mutation($id:String $l:String){CoreReadOnlyRepositoryUpdate(data:{id:$id location:{value:$l} ref:{value:"main"}}){ok}}`, "id", id, "l", other.Path)
	states := m.states(t, other, id)
	if !slices.ContainsFunc(states, func(s string) bool { return strings.HasSuffix(s, " error") }) {
		t.Errorf("operational_status is never error, though tags of the same name differ: %v", states)
	}
	if last := states[len(states)-1]; last != "v1.0.0 in-sync online" {
		t.Errorf("ended as %v", states)
	}
	if got := m.Ask(t, `{CoreGraphQLQuery{edges{node{name{value}}}}}`).JSON(t, "data.CoreGraphQLQuery.edges"); got != `[{"node":{"name":{"value":"other"}}}]` {
		t.Errorf("the queries are %s", got)
	}
}

func TestReadOnlyRepository_ImportsOnDemand(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.importReadOnly(t, r, "r", "main")
	const byID = `query($ids:[String]){InfrahubTask(ids:$ids){edges{node{state workflow branch related_nodes{id}}}}}`
	const node = "data.InfrahubTask.edges.0.node."
	again := m.Ask(t, `mutation($id:String!){InfrahubRepositoryProcess(data:{id:$id}){ok task{id}}}`, "id", id).Text("data.InfrahubRepositoryProcess.task.id")
	if got := m.Ask(t, byID, "ids", []string{again}); got.At(node+"state") != "PENDING" || got.At(node+"branch") != nil {
		t.Errorf("before it starts, the task of that id is %s", got.Body)
	}
	m.WaitForTasks(t)
	if got := m.Ask(t, byID, "ids", []string{again}); got.At(node+"state") != "COMPLETED" || got.At(node+"related_nodes.0.id") != id {
		t.Errorf("got %s", got.Body)
	}
	r.Commit(t, "pushed", mocktest.QueryFiles("r", "pushed"))
	m.Ask(t, `mutation($id:String!){InfrahubReadOnlyRepositoryImportLastCommit(data:{id:$id}){ok task{id}}}`, "id", id)
	m.WaitForTasks(t)
	if got := m.state(t, r, "main", id); got != "pushed in-sync online" {
		t.Errorf("ended as %q", got)
	}
}

func TestReadOnlyRepository_ReimportIsTaggedLate(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	id := m.importReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "main")
	m.Inject(mockserver.Fault{Operation: "git-repository-import-object", StuckTask: true})
	again := m.Ask(t, `mutation($id:String!){InfrahubRepositoryProcess(data:{id:$id}){task{id}}}`, "id", id).Text("data.InfrahubRepositoryProcess.task.id")
	running := func() string {
		return m.Ask(t, `query($ids:[String]){InfrahubTask(ids:$ids state:[RUNNING]){edges{node{branch related_nodes{id}}}}}`, "ids", []string{again}).JSON(t, "data.InfrahubTask.edges")
	}
	until(t, "the start of the task", func() bool { return running() != "[]" })
	if got := running(); got != `[{"node":{"branch":"main","related_nodes":[]}}]` {
		t.Errorf("got %s", got)
	}
}

func TestReadOnlyRepository_RefOnABranchLeavesMain(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.importReadOnly(t, r, "r", "v1.0.0")
	m.createBranch(t, "rel")
	m.changeRef(t, "rel", id, "v1.1.0")
	m.WaitForTasks(t)
	if got := m.state(t, r, "rel", id); got != "v1.1.0 in-sync online" {
		t.Errorf("on the branch: %q", got)
	}
	if got := m.state(t, r, "main", id); got != "v1.0.0 in-sync online" {
		t.Errorf("on main: %q", got)
	}
	if count := m.Ask(t, `{InfrahubTask(branch:"rel" workflow:["`+pull+`"]){count}}`).At("data.InfrahubTask.count"); count != 2.0 {
		t.Errorf("%v pulls on the branch, want the one that was asked for and its echo", count)
	}
}

func TestReadOnlyRepository_DeleteFailsItsImport(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	id := m.createReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
	until(t, "the start of the import", func() bool { return len(m.tasks(t, id)) > 0 })
	m.Ask(t, `mutation($id:String){CoreReadOnlyRepositoryDelete(data:{id:$id}){ok}}`, "id", id)
	m.WaitForTasks(t)
	if got := m.tasks(t, id)[0]; got != add+failed {
		t.Errorf("got %s", got)
	}
}
