package mockserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// state shows a repository on a branch: commit (by the name it has in the remote, "-" if there is
// none), sync_status, operational_status.
func (m mock) state(t *testing.T, r *mocktest.Remote, branch, id string) string {
	t.Helper()
	return show(r, stateIn(m.Post(t, branch, readState, "ids", []string{id})))
}

func show(r *mocktest.Remote, state [3]string) string {
	if state[0] = r.NameOf(state[0]); state[0] == "" {
		state[0] = "-"
	}
	return strings.Join(state[:], " ")
}

// watch waits until all tasks have ended, and returns the distinct states that a repository went
// through on main since it was made or last bumped.
func (m mock) watch(t *testing.T, r *mocktest.Remote, id string) []string {
	t.Helper()
	m.WaitForTasks(t)
	var states []string
	for _, each := range append(m.history.take(id), repositoryState(t, m.inProcess, id)) {
		states = append(states, show(r, each))
	}
	return slices.Compact(states)
}

// tasks lists the tasks of a repository, the oldest first: workflow and state.
func (m mock) tasks(t *testing.T, id string) []string {
	t.Helper()
	got := m.Ask(t, `query($ids:[String]){InfrahubTask(related_node__ids:$ids limit:100){edges{node{workflow state}}}}`, "ids", []string{id})
	edges, _ := got.At("data.InfrahubTask.edges").([]any)
	found := make([]string, len(edges))
	for i := range edges {
		node := fmt.Sprintf("data.InfrahubTask.edges.%d.node.", i)
		found[len(edges)-1-i] = got.Text(node+"workflow") + " " + got.Text(node+"state")
	}
	return found
}

// reason waits for the last line of the log of the newest task of a workflow that failed: it may be late.
func (m mock) reason(t *testing.T, id, workflow string) string {
	t.Helper()
	var message string
	for deadline := time.Now().Add(5 * time.Second); !strings.HasPrefix(message, "Finished in state Failed("); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the last line of the log is %q", message)
		}
		got := m.Ask(t, `query($ids:[String] $w:[String]){InfrahubTask(related_node__ids:$ids workflow:$w state:[FAILED]){edges{node{logs{edges{node{message severity}}}}}}}`,
			"ids", []string{id}, "w", []string{workflow})
		lines, _ := got.At("data.InfrahubTask.edges.0.node.logs.edges").([]any)
		message = got.Text(fmt.Sprintf("data.InfrahubTask.edges.0.node.logs.edges.%d.node.message", len(lines)-1))
	}
	return message
}

const (
	add        = "git-repository-add-read-only"
	addWrite   = "git-repository-add-read-write"
	pull       = "git-repository-pull-read-only"
	importLast = "git-read-only-repository-import-last-commit"
	subtask    = "import-object-from-file"
	done       = " COMPLETED"
	failed     = " FAILED"
)

// The rows of the table in infrahub.md, Importing, for a read-only repository. Before is the ref that
// was imported already; "" is a create.
func TestReadOnlyRepository_Timelines(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, before, ref string
		states, tasks     []string
		workflow, reason  string
	}{
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
	} {
		for _, delay := range []mockserver.Delay{mockserver.NoDelay, mockserver.LiveDelay} {
			t.Run(fmt.Sprintf("%s, delay %d", row.name, delay), func(t *testing.T) {
				t.Parallel()
				m := start(t, mockserver.Options{Delay: delay})
				r := newRemote(t, t.TempDir(), "r.git")
				first := row.before
				if first == "" {
					first = row.ref
				}
				id, already := m.readOnly(t, r, "r", first), 0
				if row.before != "" {
					m.WaitForTasks(t)
					already = len(m.tasks(t, id))
					m.bump(t, "main", id, row.ref)
				}
				states := m.watch(t, r, id)
				if last := states[len(states)-1]; last != row.states[len(row.states)-1] {
					t.Errorf("ended as %q, want %q", last, row.states[len(row.states)-1])
				}
				if difference := cmp.Diff(row.states, states); difference != "" {
					t.Errorf("states: %s", difference)
				}
				got, want := m.tasks(t, id)[already:], slices.Clone(row.tasks)
				slices.Sort(got)
				slices.Sort(want)
				if difference := cmp.Diff(want, got); difference != "" {
					t.Errorf("tasks: %s", difference)
				}
				if row.reason != "" {
					if reason := m.reason(t, id, row.workflow); !strings.Contains(reason, row.reason) {
						t.Errorf("the reason is %q, want %q in it", reason, row.reason)
					}
				}
			})
		}
	}
}

func TestReadOnlyRepository_LiveDelayIsLikeAServer(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	m.Inject(mockserver.Fault{Operation: add, Times: 1, Delay: 500 * time.Millisecond})
	r := newRemote(t, t.TempDir(), "r.git")
	began := time.Now()
	id := m.readOnly(t, r, "r", "v1.0.0")
	if tasks := m.tasks(t, id); len(tasks) != 0 {
		t.Errorf("tasks are visible before they start: %v", tasks)
	}
	m.WaitForTasks(t)
	if took := time.Since(began); took < 1200*time.Millisecond {
		t.Errorf("a create took %s, want about 1.5 s", took)
	}
}

func TestReadOnlyRepository_RefsOfEveryKind(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	r.Commit(t, "v3.0.0", mocktest.QueryFiles("r", "3"))
	r.AnnotatedTag(t, "v3.0.0")
	r.Branch(t, "feature")
	r.Commit(t, "feature", mocktest.QueryFiles("r", "feature"))
	id := m.readOnly(t, r, "r", "v1.0.0")
	m.WaitForTasks(t)
	for _, ref := range []string{"v3.0.0", "feature", r.Commits["v1.1.0"], r.Commits["v1.0.0"][:7], "main", "v1.1.0"} {
		m.bump(t, "main", id, ref)
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

func TestReadOnlyRepository_ParametersTellAnImportFromItsEcho(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.readOnly(t, r, "r", "v1.0.0")
	m.WaitForTasks(t)
	m.bump(t, "main", id, "v1.1.0")
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
	id := m.readOnly(t, r, "r", "v1.0.0")
	for !slices.Contains(m.tasks(t, id), add+done) {
		time.Sleep(5 * time.Millisecond)
	}
	m.bump(t, "main", id, "v1.1.0")
	began := len(m.tasks(t, id))
	states := m.watch(t, r, id)
	if began == 5 {
		t.Error("the echo of the create was over before the bump")
	}
	gone := slices.IndexFunc(states, func(s string) bool { return strings.HasPrefix(s, "v1.1.0") })
	for _, state := range states[gone:] {
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
			id := m.readOnly(t, r, "r", "v1.0.0")
			for _, ref := range []string{"v1.1.0", "v2.0.0", "main"} {
				m.bump(t, "main", id, ref)
				time.Sleep(20 * time.Millisecond)
			}
			order := []string{"-", "v1.0.0", "v1.1.0", "v2.0.0", "main"}
			states, newest := m.watch(t, r, id), 0
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

func TestRepository_UpdatesThatImportNothing(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	root := t.TempDir()
	r, other := newRemote(t, root, "r.git"), newRemote(t, root, "other.git")
	w := newRemote(t, root, "w.git")
	m.Ask(t, `mutation{BuiltinTagCreate(data:{name:{value:"red"}}){ok} CorePasswordCredentialCreate(data:{name:{value:"git"}}){ok}}`)
	readOnly := m.readOnly(t, r, "r", "v1.0.0")
	readWrite := m.Ask(t, `mutation($l:String){CoreRepositoryCreate(data:{name:{value:"w"} location:{value:$l}}){object{id}}}`, "l", w.Path).
		Text("data.CoreRepositoryCreate.object.id")
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
		t.Errorf("%v tasks, want the %v from before", after, before)
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
	id := m.readOnly(t, r, "r", "v1.0.0")
	m.WaitForTasks(t)
	m.Ask(t, `mutation($id:String $l:String){CoreReadOnlyRepositoryUpdate(data:{id:$id location:{value:$l} ref:{value:"main"}}){ok}}`, "id", id, "l", other.Path)
	states := m.watch(t, other, id)
	if !slices.ContainsFunc(states, func(s string) bool { return strings.HasSuffix(s, " error") }) {
		t.Errorf("other tags of the same name are no error for a moment: %v", states)
	}
	if last := states[len(states)-1]; last != "v1.0.0 in-sync online" {
		t.Errorf("ended as %v", states)
	}
	if got := m.Ask(t, `{CoreGraphQLQuery{edges{node{name{value}}}}}`).JSON(t, "data.CoreGraphQLQuery.edges"); got != `[{"node":{"name":{"value":"other"}}}]` {
		t.Errorf("the queries are %s", got)
	}
}

func TestReadOnlyRepository_OnDemand(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.readOnly(t, r, "r", "main")
	m.WaitForTasks(t)
	const byID = `query($ids:[String]){InfrahubTask(ids:$ids){edges{node{state workflow branch related_nodes{id}}}}}`
	const node = "data.InfrahubTask.edges.0.node."
	again := m.Ask(t, `mutation($id:String!){InfrahubRepositoryProcess(data:{id:$id}){ok task{id}}}`, "id", id).Text("data.InfrahubRepositoryProcess.task.id")
	if got := m.Ask(t, byID, "ids", []string{again}); got.At(node+"state") != "PENDING" || got.At(node+"branch") != nil {
		t.Errorf("by its id a task is visible before it starts: %s", got.Body)
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

func TestReadOnlyRepository_ReimportSaysOnlyLaterWhatItIsAbout(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	id := m.readOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "main")
	m.WaitForTasks(t)
	m.Inject(mockserver.Fault{Operation: "git-repository-import-object", StuckTask: true})
	again := m.Ask(t, `mutation($id:String!){InfrahubRepositoryProcess(data:{id:$id}){task{id}}}`, "id", id).Text("data.InfrahubRepositoryProcess.task.id")
	running := func() string {
		return m.Ask(t, `query($ids:[String]){InfrahubTask(ids:$ids state:[RUNNING]){edges{node{branch related_nodes{id}}}}}`, "ids", []string{again}).JSON(t, "data.InfrahubTask.edges")
	}
	for running() == "[]" {
		time.Sleep(time.Millisecond)
	}
	if got := running(); got != `[{"node":{"branch":"main","related_nodes":[]}}]` {
		t.Errorf("got %s", got)
	}
}

func TestReadOnlyRepository_OnABranchAlone(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.readOnly(t, r, "r", "v1.0.0")
	m.WaitForTasks(t)
	m.Ask(t, `mutation{BranchCreate(data:{name:"rel"}){ok}}`)
	m.bump(t, "rel", id, "v1.1.0")
	m.WaitForTasks(t)
	if got := m.state(t, r, "rel", id); got != "v1.1.0 in-sync online" {
		t.Errorf("on the branch: %q", got)
	}
	if got := m.state(t, r, "main", id); got != "v1.0.0 in-sync online" {
		t.Errorf("on main: %q", got)
	}
	if count := m.Ask(t, `{InfrahubTask(branch:"rel" workflow:["`+pull+`"]){count}}`).At("data.InfrahubTask.count"); count != 2.0 {
		t.Errorf("%v pulls on the branch, want the asked one and its echo", count)
	}
}

func TestReadOnlyRepository_DeletedWhileImported(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	id := m.readOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
	for len(m.tasks(t, id)) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	m.Ask(t, `mutation($id:String){CoreReadOnlyRepositoryDelete(data:{id:$id}){ok}}`, "id", id)
	m.WaitForTasks(t)
	if got := m.tasks(t, id)[0]; got != add+failed {
		t.Errorf("got %s", got)
	}
}

func TestImport_Objects(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	root := t.TempDir()
	r := mocktest.NewRemote(t, root, "r.git")
	for _, each := range []struct {
		tag   string
		files map[string]string
	}{
		{"one", mocktest.QueryFiles("q", "1")},
		{"two", mocktest.QueryFiles("q", "2")},
		{"renamed", mocktest.QueryFiles("p", "2")},
		{"nothing", map[string]string{".infrahub.yaml": ""}},
		{"shape", map[string]string{".infrahub.yml": "queries: 5\nfoo: x\n"}},
		{"path", map[string]string{".infrahub.yml": mocktest.QueryFiles("q", "1")[".infrahub.yml"]}},
		{"missing", map[string]string{"README": "x"}},
		{"taken", mocktest.QueryFiles("taken", "mine")},
	} {
		r.Release(t, each.tag, each.files)
	}
	m.readOnly(t, newRemote(t, root, "taken.git"), "owner", "v1.0.0")
	id := m.readOnly(t, r, "r", "one")
	m.WaitForTasks(t)
	for _, test := range []struct{ ref, queries, reason string }{
		{"one", `["query { BuiltinTag { count } } # 1"]`, ""},
		{"two", `["query { BuiltinTag { count } } # 2"]`, ""},
		{"renamed", `["query { BuiltinTag { count } } # 2"]`, ""},
		{"nothing", `[]`, ""},
		{"shape", `[]`, `2 validation errors for InfrahubRepositoryConfig\\nqueries\\n  Input should be a valid list [type=list_type, input_value=5, input_type=int]`},
		{"path", `[]`, `RepositoryFileNotFoundError: File 'queries/q.gql' does not exist.`},
		{"missing", `[]`, `Repository 'r' is missing a configuration file. Please add a '.infrahub.yml' or '.infrahub.yaml' file to the repository root.`},
		{"taken", `[]`, `"Violates uniqueness constraint \'name\'"`},
	} {
		m.bump(t, "main", id, test.ref)
		m.WaitForTasks(t)
		got := m.Ask(t, `{CoreGraphQLQuery{edges{node{query{value} repository{node{id}}}}}}`)
		var queries []string
		for i := range 3 {
			node := fmt.Sprintf("data.CoreGraphQLQuery.edges.%d.node.", i)
			if got.At(node+"repository.node.id") == id {
				queries = append(queries, `"`+got.Text(node+"query.value")+`"`)
			}
		}
		if listed := "[" + strings.Join(queries, ",") + "]"; listed != test.queries {
			t.Errorf("%s: the queries are %s, want %s", test.ref, listed, test.queries)
		}
		if test.reason != "" {
			if reason := m.reason(t, id, pull); !strings.Contains(reason, strings.ReplaceAll(test.reason, `\\n`, `\n`)) {
				t.Errorf("%s: the reason is %s", test.ref, reason)
			}
		}
	}
}

// A remote with a password: right, wrong, none, and one that changes after the check at create.
func TestCredential_IsUsed(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	newRemote(t, root, "private/r.git")
	newRemote(t, root, "r.git")
	served, err := gitserver.Handler(root, gitserver.Options{Username: "bot", Password: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	var refuse atomic.Bool
	git := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			r.Header.Del("Authorization")
		}
		served.ServeHTTP(w, r)
	}))
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	m.Ask(t, `mutation{a:CorePasswordCredentialCreate(data:{name:{value:"right"} username:{value:"bot"} password:{value:"s3cret"}}){ok}
		b:CorePasswordCredentialCreate(data:{name:{value:"wrong"} username:{value:"bot"} password:{value:"bad"}}){ok}}`)
	create := func(name, credential, path string) mocktest.Response {
		return m.Post(t, "main", `mutation($n:String $l:String){CoreReadOnlyRepositoryCreate(data:{name:{value:$n} location:{value:$l} ref:{value:"v1.0.0"} `+credential+`}){object{id}}}`,
			"n", name, "l", git+path)
	}
	if got := create("a", ``, "/private/r.git").Text("errors.0.message"); got != "Unable to correctly lookup credentials for repository a ("+git+"/private/r.git)." {
		t.Errorf("without credential: %q", got)
	}
	if got := create("b", `credential:{hfid:["wrong"]}`, "/private/r.git").Text("errors.0.message"); got != "Authentication failed for b, please validate the credentials." {
		t.Errorf("with a wrong one: %q", got)
	}
	if got := create("c", ``, "/none.git").Text("errors.0.message"); got != "\n  stderr: 'fatal: repository '"+git+"/none.git/' not found'" {
		t.Errorf("without repository: %q", got)
	}
	id := create("d", `credential:{hfid:["right"]}`, "/private/r.git").Text("data.CoreReadOnlyRepositoryCreate.object.id")
	refuse.Store(true)
	m.WaitForTasks(t)
	if got := m.state(t, &mocktest.Remote{}, "main", id); got != "- unknown error-cred" {
		t.Errorf("refused after the check: %q", got)
	}
	if reason := m.reason(t, id, add); !strings.Contains(reason, "RepositoryCredentialsError: Authentication failed for d, please validate the credentials.") {
		t.Errorf("the reason is %q", reason)
	}
	got := m.Ask(t, `mutation($id:String!){InfrahubRepositoryConnectivity(data:{id:$id}){ok message}}`, "id", id)
	if got.At("data.InfrahubRepositoryConnectivity.ok") != false {
		t.Errorf("connectivity: %s", got.Body)
	}
	refuse.Store(false)
	got = m.Ask(t, `mutation($id:String!){InfrahubRepositoryConnectivity(data:{id:$id}){ok message}}`, "id", id)
	if got.At("data.InfrahubRepositoryConnectivity.message") != "Successfully accessed repository" || m.state(t, &mocktest.Remote{}, "main", id) != "- unknown online" {
		t.Errorf("connectivity: %s", got.Body)
	}
}

func (m mock) readWrite(t *testing.T, r *mocktest.Remote, name, defaultBranch string) string {
	t.Helper()
	return m.Ask(t, `mutation($n:String $l:String $b:String){CoreRepositoryCreate(data:{name:{value:$n} location:{value:$l} default_branch:{value:$b}}){object{id}}}`,
		"n", name, "l", r.Path, "b", defaultBranch).Text("data.CoreRepositoryCreate.object.id")
}

func TestReadWriteRepository_AnotherBranchThatFailsIsNoFailureOfTheDefaultBranch(t *testing.T) {
	t.Parallel()
	for _, delay := range []mockserver.Delay{mockserver.NoDelay, mockserver.LiveDelay} {
		t.Run(fmt.Sprint(delay), func(t *testing.T) {
			t.Parallel()
			m := start(t, mockserver.Options{Delay: delay, SyncInterval: -1})
			r := newRemote(t, t.TempDir(), "r.git")
			r.Branch(t, "feature")
			r.Commit(t, "feature", mocktest.BrokenFiles())
			id := m.readWrite(t, r, "r", "main")
			states := m.watch(t, r, id)
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
			if reason := m.reason(t, id, addWrite); !strings.Contains(reason, "RepositoryError: Unable to synchronize the following branches of repository r: feature (step=import): Repository ") {
				t.Errorf("the reason is %q", reason)
			}
			if branch := m.Ask(t, `{InfrahubTask(workflow:["`+addWrite+`"]){edges{node{branch}}}}`).At("data.InfrahubTask.edges.0.node.branch"); branch != "feature" {
				t.Errorf("the task shows branch %v, want its last", branch)
			}
		})
	}
}

func TestReadWriteRepository_DefaultBranchIsMissing(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{SyncInterval: 5 * time.Millisecond})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.readWrite(t, r, "r", "nope")
	m.WaitForTasks(t)
	time.Sleep(30 * time.Millisecond) // a few looks at the remote
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
	id := m.readWrite(t, r, "r", "main")
	m.WaitForTasks(t)
	r.Commit(t, "pushed", mocktest.QueryFiles("r", "pushed"))
	for deadline := time.Now().Add(10 * time.Second); m.state(t, r, "main", id) != "pushed in-sync online"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("stays %q", m.state(t, r, "main", id))
		}
	}
	r.Branch(t, "topic/one")
	r.Commit(t, "topic", mocktest.QueryFiles("r", "topic"))
	for deadline := time.Now().Add(10 * time.Second); m.state(t, r, "topic/one", id) != "topic in-sync online"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("stays %q", m.state(t, r, "topic/one", id))
		}
	}
	m.WaitForTasks(t)
	want := []string{addWrite + done, "sync-git-repo-with-origin" + done, "sync-git-repo-with-origin" + done}
	if difference := cmp.Diff(want, m.tasks(t, id)); difference != "" {
		t.Errorf("tasks: %s", difference)
	}
}

func TestTasks_Pages(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.readOnly(t, r, "r", "v1.0.0")
	m.WaitForTasks(t)
	m.bump(t, "main", id, "v1.1.0")
	m.WaitForTasks(t)
	got := m.Ask(t, `{a:InfrahubTask{count edges{node{id}}} b:InfrahubTask(offset:9){edges{node{workflow}}} c:InfrahubTask(limit:1 log_limit:1 log_offset:1){edges{node{logs{count edges{node{message}}}}}}}`)
	edges, _ := got.At("data.a.edges").([]any)
	if total := got.At("data.a.count"); total != 11.0 || len(edges) != 10 {
		t.Errorf("%v tasks, %d shown; want 11 and 10", total, len(edges))
	}
	if oldest := got.At("data.b.edges.1.node.workflow"); oldest != add {
		t.Errorf("the oldest is %v, want it last", oldest)
	}
	if logs := got.At("data.c.edges.0.node.logs.count"); logs != 1.0 {
		t.Errorf("%v lines, want the one that was asked for", logs)
	}
	if got := m.Post(t, "main", `{InfrahubTask(ids:["nope"]){count}}`); got.Text("errors.0.message") != "'nope' is not a valid task id" || got.At("data") != nil {
		t.Errorf("got %s", got.Body)
	}
}

func TestImports_ManyAtOnce(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{SyncInterval: 10 * time.Millisecond})
	root := t.TempDir()
	var making sync.WaitGroup
	for i := range 10 {
		r := newRemote(t, root, fmt.Sprintf("r%d.git", i))
		making.Go(func() {
			if i%2 == 0 {
				m.Post(t, "main", createReadOnly, "name", fmt.Sprint(i), "location", r.Path, "ref", "v1.0.0")
				return
			}
			m.Post(t, "main", `mutation($n:String $l:String){CoreRepositoryCreate(data:{name:{value:$n} location:{value:$l}}){ok}}`, "n", fmt.Sprint(i), "l", r.Path)
		})
	}
	making.Wait()
	m.WaitForTasks(t)
	got := m.Ask(t, `{CoreGenericRepository{count edges{node{sync_status{value} operational_status{value}}}} CoreGraphQLQuery{count}}`)
	for i := range 10 {
		node := fmt.Sprintf("data.CoreGenericRepository.edges.%d.node.", i)
		if got.At(node+"sync_status.value") != "in-sync" || got.At(node+"operational_status.value") != "online" {
			t.Errorf("repository %d: %s", i, got.JSON(t, "data.CoreGenericRepository.edges"))
		}
	}
	if queries := got.At("data.CoreGraphQLQuery.count"); queries != 10.0 {
		t.Errorf("%v queries, want 10", queries)
	}
}

func TestClose_StopsImports(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	id := m.readOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
	for len(m.tasks(t, id)) == 0 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	m.Close()
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %s", took)
	}
	before := m.tasks(t, id)
	time.Sleep(300 * time.Millisecond)
	if difference := cmp.Diff(before, m.tasks(t, id)); difference != "" {
		t.Errorf("went on: %s", difference)
	}
}
