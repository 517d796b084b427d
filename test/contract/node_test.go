package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

const (
	readOnly   = "CoreReadOnlyRepository"
	readWrite  = "CoreRepository"
	credential = "CorePasswordCredential"
	tag        = "BuiltinTag"
)

// remote is a Git repository: v1.0.0, v1.1.0, an annotated v2.0.0, a v3.0.0 that cannot be imported, and
// main after them.
type remote struct {
	*gitserver.Repository
	location string
	commits  map[string]string
	query    string
}

// newRemote makes a repository at a path of the Git server; below private/ it needs a credential.
func (s *server) newRemote(t *testing.T, path string) *remote {
	t.Helper()
	made, err := gitserver.NewRepository(s.root, path)
	if err != nil {
		t.Fatal(err)
	}
	r := &remote{Repository: made, location: s.git + "/" + path, commits: map[string]string{}}
	r.query = strings.NewReplacer("/", "_", ".git", "", "-", "_").Replace(path) + "_" + s.suffix
	r.commit(t, "v1.0.0", r.files("1.0"), made.Tag)
	r.commit(t, "v1.1.0", r.files("1.1"), made.Tag)
	r.commit(t, "v2.0.0", r.files("2.0"), made.AnnotatedTag)
	r.commit(t, "v3.0.0", broken(path), made.Tag)
	r.commit(t, "main", r.files("main"), nil)
	return r
}

// newEmptyRemote makes a repository without a commit.
func (s *server) newEmptyRemote(t *testing.T, path string) {
	t.Helper()
	if _, err := gitserver.NewRepository(s.root, path); err != nil {
		t.Fatal(err)
	}
}

// files are those of a repository that brings one query along.
func (r *remote) files(version string) map[string]string {
	return map[string]string{
		".infrahub.yml":   fmt.Sprintf("queries:\n  - name: %s\n    file_path: queries/q.gql\n", r.query),
		"queries/q.gql":   "query { BuiltinTag { count } } # " + version,
		"release/version": r.query + " " + version,
	}
}

// broken is a configuration that cannot be read.
func broken(salt string) map[string]string {
	return map[string]string{".infrahub.yml": "queries: [\n", "salt": salt}
}

// commit adds a commit, known by this name from now on.
func (r *remote) commit(t *testing.T, name string, files map[string]string, mark func(string) error) {
	t.Helper()
	hash, err := r.Commit(files)
	if err == nil && mark != nil {
		err = mark(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.commits[name] = hash
}

// branch makes a branch with a commit of its own and goes back to main.
func (r *remote) branch(t *testing.T, name string, files map[string]string) {
	t.Helper()
	if err := r.Branch(name); err != nil {
		t.Fatal(err)
	}
	r.commit(t, name, files, nil)
	if err := r.Branch("main"); err != nil {
		t.Fatal(err)
	}
}

// create makes a node on main from the input of its create mutation, and returns its id. The node is
// gone when the test ends.
func (s *server) create(t *testing.T, kind, input string, variables ...any) string {
	t.Helper()
	return s.createOn(t, "main", kind, input, variables...)
}

func (s *server) createOn(t *testing.T, branch, kind, input string, variables ...any) string {
	t.Helper()
	got := s.tryOn(t, branch, kind, input, variables...)
	id := got.text("data." + kind + "Create.object.id")
	if got.status != http.StatusOK || got.at("errors") != nil || id == "" {
		t.Fatalf("create %s %s: %d %s", kind, input, got.status, got.body)
	}
	return id
}

// try is create for what may be refused.
func (s *server) try(t *testing.T, kind, input string, variables ...any) reply {
	t.Helper()
	return s.tryOn(t, "main", kind, input, variables...)
}

func (s *server) tryOn(t *testing.T, branch, kind, input string, variables ...any) reply {
	t.Helper()
	got := s.on(t, branch, signature("mutation", variables)+`{`+kind+`Create(data:{`+input+`}){ok object{id}}}`, variables...)
	if id := got.text("data." + kind + "Create.object.id"); id != "" {
		t.Cleanup(func() { s.remove(t, kind, id) })
	}
	return got
}

// signature declares variables, each a string.
func signature(operation string, variables []any) string {
	var declared []string
	for i := 0; i+1 < len(variables); i += 2 {
		declared = append(declared, fmt.Sprintf("$%s:String", variables[i]))
	}
	if declared == nil {
		return operation
	}
	return operation + "(" + strings.Join(declared, " ") + ")"
}

// remove deletes a node, on whichever branch; that it is gone already is fine.
func (s *server) remove(t *testing.T, kind, id string) {
	t.Helper()
	for _, branch := range s.branches(t) {
		s.on(t, branch, `mutation{`+kind+`Delete(data:{id:"`+id+`"}){ok}}`)
		if kind != tag {
			return
		}
	}
}

// branches are main and those of this test.
func (s *server) branches(t *testing.T) []string {
	t.Helper()
	names := []string{"main"}
	edges, _ := s.ask(t, `{Branch{name status}}`).at("data.Branch").([]any)
	for _, each := range edges {
		b, _ := each.(map[string]any)
		if name := fmt.Sprint(b["name"]); strings.Contains(name, s.suffix) && b["status"] == "OPEN" {
			names = append(names, name)
		}
	}
	return names
}

// newBranch makes a branch without Git, that is gone when the test ends.
func (s *server) newBranch(t *testing.T, base string) string {
	t.Helper()
	name := s.name(base)
	s.ask(t, `mutation($name:String!){BranchCreate(data:{name:$name sync_with_git:false} wait_until_completion:true){ok}}`, "name", name)
	s.dropBranch(t, name)
	return name
}

// dropBranch deletes a branch when the test ends, if it is there then.
func (s *server) dropBranch(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		s.until(t, name+" to be gone", func() bool {
			s.on(t, "main", `mutation($name:String){BranchDelete(data:{name:$name} wait_until_completion:true){ok}}`, "name", name)
			return s.ask(t, `query($name:String){Branch(name:$name){name}}`, "name", name).json(t, "data.Branch") == "[]"
		})
	})
}

// update changes a node on main and returns the answer.
func (s *server) update(t *testing.T, kind, id, input string) reply {
	t.Helper()
	return s.updateOn(t, "main", kind, id, input)
}

func (s *server) updateOn(t *testing.T, branch, kind, id, input string) reply {
	t.Helper()
	return s.on(t, branch, `mutation{`+kind+`Update(data:{id:"`+id+`" `+input+`}){ok object{`+selection(kind)+`}}}`)
}

// change is update that must be done.
func (s *server) change(t *testing.T, kind, id, input string) reply {
	t.Helper()
	got := s.update(t, kind, id, input)
	if got.at("data."+kind+"Update.ok") != true {
		t.Fatalf("update %s: %d %s", input, got.status, got.body)
	}
	return got
}

func selection(kind string) string {
	const repository = `id hfid display_label name{value is_default} description{value is_default} location{value} commit{value} internal_status{value}
		operational_status{value} sync_status{value} credential{node{id hfid}} tags{count edges{node{id hfid}}} `
	switch kind {
	case readOnly:
		return repository + `ref{value is_default}`
	case readWrite:
		return repository + `default_branch{value is_default}`
	case credential:
		return `id hfid display_label name{value} label{value} description{value is_default} username{value} password{value}`
	}
	return `id hfid display_label name{value} description{value}`
}

// read reads a node on main: paths of the reply start at the node. There is none where id is null.
func (s *server) read(t *testing.T, kind, id string) reply {
	t.Helper()
	return s.readOn(t, "main", kind, id)
}

func (s *server) readOn(t *testing.T, branch, kind, id string) reply {
	t.Helper()
	got := s.on(t, branch, `query($ids:[ID]){`+kind+`(ids:$ids){edges{node{`+selection(kind)+`}}}}`, "ids", []string{id})
	if got.status != http.StatusOK || got.at("errors") != nil {
		t.Fatalf("read %s on %s: %d %s", kind, branch, got.status, got.body)
	}
	got.parsed = got.at("data." + kind + ".edges.0.node")
	return got
}

// readOnlyAt makes a read-only repository at a ref, waits until its import and the echo are over, and
// returns its id.
func (s *server) readOnlyAt(t *testing.T, r *remote, ref string) string {
	t.Helper()
	id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} ref:{value:%q}`, s.name(r.query), r.location, ref))
	s.ended(t, id, addReadOnly+" COMPLETED", importLast+" COMPLETED", pull+" COMPLETED") // the latter two are the echo
	return id
}

// readWriteAt makes a read-write repository, waits until its import is over, and returns its id.
func (s *server) readWriteAt(t *testing.T, r *remote) string {
	t.Helper()
	id := s.create(t, readWrite, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name(r.query), r.location))
	s.ended(t, id, addReadWrite+" COMPLETED")
	return id
}

// bumped changes the ref on a branch and waits until both imports and the echo of both are over.
func (s *server) bumped(t *testing.T, branch, id, ref string) {
	t.Helper()
	got := s.updateOn(t, branch, readOnly, id, fmt.Sprintf(`ref:{value:%q}`, ref))
	if got.at("data.CoreReadOnlyRepositoryUpdate.ok") != true {
		t.Fatalf("bump to %s: %d %s", ref, got.status, got.body)
	}
	s.ended(t, id, pull+" COMPLETED", importLast+" COMPLETED", pull+" COMPLETED", importLast+" COMPLETED")
}

// Workflows.
const (
	addReadOnly  = "git-repository-add-read-only"
	addReadWrite = "git-repository-add-read-write"
	pull         = "git-repository-pull-read-only"
	importLast   = "git-read-only-repository-import-last-commit"
	importFile   = "import-object-from-file"
	importObject = "git-repository-import-object"
	syncOrigin   = "sync-git-repo-with-origin"
	syncAll      = "git_repositories_sync" // of every repository: it fails with any of them
)

// task is a run of a workflow.
type task struct {
	id, workflow, state, branch string
	created                     string
	parameters                  map[string]any
	// failures are the error lines of its log.
	failures []string
}

// reason is the last error line of a failed task's log.
func (t task) reason() string {
	if len(t.failures) == 0 {
		return ""
	}
	return t.failures[len(t.failures)-1]
}

// tasks are those of a node, the oldest first.
func (s *server) tasks(t *testing.T, id string) []task {
	t.Helper()
	got := s.ask(t, `query($ids:[String]){InfrahubTask(related_node__ids:$ids limit:100){edges{node{
		id workflow state branch created_at parameters logs{edges{node{message severity}}}}}}}`, "ids", []string{id})
	edges, _ := got.at("data.InfrahubTask.edges").([]any)
	var found []task
	for i := range edges {
		at := func(path string) string { return got.text(fmt.Sprintf("data.InfrahubTask.edges.%d.node.%s", i, path)) }
		each := task{id: at("id"), workflow: at("workflow"), state: at("state"), branch: at("branch"), created: at("created_at")}
		each.parameters, _ = got.at(fmt.Sprintf("data.InfrahubTask.edges.%d.node.parameters.model", i)).(map[string]any)
		lines, _ := got.at(fmt.Sprintf("data.InfrahubTask.edges.%d.node.logs.edges", i)).([]any)
		for j := range lines {
			if at(fmt.Sprintf("logs.edges.%d.node.severity", j)) == "error" {
				each.failures = append(each.failures, at(fmt.Sprintf("logs.edges.%d.node.message", j)))
			}
		}
		found = append(found, each)
	}
	slices.SortStableFunc(found, func(a, b task) int { return strings.Compare(a.created, b.created) })
	return found
}

// ended waits until the tasks of a node that no test has waited for yet are these, as "workflow STATE"
// in any order, without sub-tasks and the server's own housekeeping, and stay so for a moment. It returns them, the oldest first.
func (s *server) ended(t *testing.T, id string, want ...string) []task {
	t.Helper()
	slices.Sort(want)
	var fresh []task
	var has []string
	look := func() bool {
		fresh, has = nil, nil
		for _, each := range s.tasks(t, id) {
			if each.workflow != importFile && each.workflow != syncAll && !s.told[each.id] {
				fresh, has = append(fresh, each), append(has, each.workflow+" "+each.state)
			}
		}
		slices.Sort(has)
		return slices.Equal(has, want)
	}
	defer func() {
		if t.Failed() {
			t.Logf("the new tasks of %s are %v, want %v", id, has, want)
		}
	}()
	s.until(t, "tasks "+strings.Join(want, ", "), look)
	s.settle()
	if !look() {
		t.Fatal("the tasks went on")
	}
	for _, each := range fresh {
		s.told[each.id] = true
	}
	return fresh
}

// reason waits for the last line of a failed task's log, and checks what it holds.
func (s *server) reason(t *testing.T, id, failed, want string) {
	t.Helper()
	var reason string
	s.until(t, "the reason of a failed task", func() bool {
		for _, each := range s.tasks(t, id) {
			if each.id == failed {
				reason = each.reason()
			}
		}
		return strings.HasPrefix(reason, "Finished in state Failed(")
	})
	if unquoted := strings.ReplaceAll(reason, `\'`, "'"); !strings.Contains(unquoted, want) {
		t.Errorf("the reason is\n%s\nwant\n%s", reason, want)
	}
}

// demand starts an import on demand and returns the task that the server names.
func (s *server) demand(t *testing.T, mutation, id string) string {
	t.Helper()
	got := s.ask(t, `mutation{`+mutation+`(data:{id:"`+id+`"}){ok task{id}}}`)
	same(t, got, "data."+mutation+".ok", "true")
	return got.text("data." + mutation + ".task.id")
}

// settle gives what should not happen the time to happen.
func (s *server) settle() {
	if s.mock == nil {
		time.Sleep(3 * time.Second)
		return
	}
	time.Sleep(100 * time.Millisecond)
}

// newID is an id that a client chooses.
func newID() string { return uuid.NewString() }
