package mockserver_test

import (
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestBranch_CreateReadUpdateDelete(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	got := m.Ask(t, `mutation{BranchCreate(data:{name:"release/2" description:"d" sync_with_git:false} wait_until_completion:true){ok object{name description status sync_with_git is_default origin_branch} task{id}}}`)
	want := `{"object":{"description":"d","is_default":false,"name":"release/2","origin_branch":"main","status":"OPEN","sync_with_git":false},"ok":true,"task":null}`
	if made := got.JSON(t, "data.BranchCreate"); made != want {
		t.Errorf("got %s, want %s", made, want)
	}
	m.Ask(t, `mutation{BranchUpdate(data:{name:"release/2" description:"new"}){ok}}`)
	if got := m.Post(t, "release/2", `{Branch(name:"release/2"){description}}`); got.At("data.Branch.0.description") != "new" {
		t.Errorf("got %s", got.Body)
	}
	m.Ask(t, `mutation{BranchDelete(data:{name:"release/2"}){ok}}`)
	if got := m.Ask(t, `{Branch(name:"release/2"){id}}`).JSON(t, "data.Branch"); got != "[]" {
		t.Errorf("after the delete: %s", got)
	}
}

func TestBranch_CreateWithoutWaitingReturnsATask(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	got := m.Ask(t, `mutation{BranchCreate(data:{name:"rel"} wait_until_completion:false){object{id} task{id}}}`)
	task := got.Text("data.BranchCreate.task.id")
	if got.At("data.BranchCreate.object") != nil || task == "" {
		t.Fatalf("got %s", got.Body)
	}
	if got := m.Ask(t, `query($i:[String]){InfrahubTask(ids:$i){edges{node{workflow state}}}}`, "i", []string{task}).JSON(t, "data.InfrahubTask.edges.0.node"); got != `{"state":"COMPLETED","workflow":"create-branch"}` {
		t.Errorf("got %s", got)
	}
}

func TestBranch_RefusedMutations(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.createBranch(t, "taken")
	for document, want := range map[string]string{
		`BranchCreate(data:{name:"taken"}){ok}`:      "The branch taken already exists",
		`BranchCreate(data:{name:"bad name~^"}){ok}`: "Branch name contains invalid patterns or characters: disallowed ASCII characters/patterns",
		`BranchCreate(data:{name:"a..b/"}){ok}`:      "Branch name contains invalid patterns or characters: .., ends with /",
		`BranchCreate(data:{name:"x"}){ok}`:          "invalid field name: String should have at least 3 characters",
		`BranchDelete(data:{name:"none"}){ok}`:       "Branch: none not found.",
		`BranchUpdate(data:{name:"none"}){ok}`:       "Branch: none not found.",
		`BranchDelete(data:{name:"main"}){ok}`:       "Unable to delete main it is the default branch.",
		`BranchMerge(data:{name:"main"}){ok}`:        "Unable to merge the branch 'main' into itself",
	} {
		if got := m.Post(t, "main", "mutation{"+document+"}"); got.Text("errors.0.message") != want {
			t.Errorf("%s: got %s", document, got.Body)
		}
	}
}

// Branches see a repository that was created on another branch (infrahub-behaviour.md, Branches 1).
func TestBranch_RepositoriesAreSharedTheirRefsAreNot(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	root := t.TempDir()
	m.createBranch(t, "rel")
	onMain := m.createReadOnly(t, newRemote(t, root, "a.git"), "a", "v1.0.0")
	got := m.Post(t, "rel", createReadOnlyDocument, "name", "b", "location", newRemote(t, root, "b.git").Path, "ref", "v1.0.0")
	onBranch := got.Text("data.CoreReadOnlyRepositoryCreate.object.id")
	m.WaitForTasks(t)
	const seen = `query($ids:[ID]){CoreReadOnlyRepository(ids:$ids){edges{node{ref{value} internal_status{value} sync_status{value}}}}}`
	for _, test := range []struct{ name, branch, id, want string }{
		{"created on main, seen there", "main", onMain, `{"internal_status":{"value":"active"},"ref":{"value":"v1.0.0"},"sync_status":{"value":"in-sync"}}`},
		{"created on main later, seen on the branch", "rel", onMain, `{"internal_status":{"value":"inactive"},"ref":{"value":"main"},"sync_status":{"value":"unknown"}}`},
		{"created on the branch, seen there", "rel", onBranch, `{"internal_status":{"value":"staging"},"ref":{"value":"v1.0.0"},"sync_status":{"value":"in-sync"}}`},
		{"created on the branch, seen on main", "main", onBranch, `{"internal_status":{"value":"inactive"},"ref":{"value":"main"},"sync_status":{"value":"unknown"}}`},
	} {
		if got := m.Post(t, test.branch, seen, "ids", []string{test.id}).JSON(t, "data.CoreReadOnlyRepository.edges.0.node"); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	m.Post(t, "rel", `mutation($id:String){CoreReadOnlyRepositoryDelete(data:{id:$id}){ok}}`, "id", onMain)
	if count := m.Ask(t, `{CoreReadOnlyRepository(name__value:"a"){count}}`).At("data.CoreReadOnlyRepository.count"); count != 0.0 {
		t.Error("a repository deleted on a branch is still on main")
	}
	if got := m.Ask(t, `{CoreGraphQLQuery(name__value:"a"){edges{node{repository{node{id}}}}}}`).JSON(t, "data.CoreGraphQLQuery.edges.0.node"); got != `{"repository":{"node":null}}` {
		t.Errorf("its query on main: %s, want it to stay, detached", got)
	}
}

func TestBranch_TagsAreOnTheirBranchUntilMerged(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation{a:BuiltinTagCreate(data:{name:{value:"kept"}}){ok} b:BuiltinTagCreate(data:{name:{value:"gone"}}){ok} c:BuiltinTagCreate(data:{name:{value:"changed"}}){ok} BranchCreate(data:{name:"rel"}){ok}}`)
	m.Post(t, "rel", `mutation{BuiltinTagCreate(data:{name:{value:"new"}}){ok} BuiltinTagDelete(data:{hfid:["gone"]}){ok} BuiltinTagUpdate(data:{hfid:["changed"] description:{value:"x"}}){ok}}`)
	names := func() string {
		return m.Ask(t, `{BuiltinTag{edges{node{name{value} description{value}}}}}`).JSON(t, "data.BuiltinTag.edges")
	}
	before := `[{"node":{"description":{"value":null},"name":{"value":"changed"}}},{"node":{"description":{"value":null},"name":{"value":"gone"}}},{"node":{"description":{"value":null},"name":{"value":"kept"}}}]`
	if got := names(); got != before {
		t.Errorf("before the merge main has %s", got)
	}
	m.Ask(t, `mutation{BranchMerge(data:{name:"rel"}){ok object{status}}}`)
	after := `[{"node":{"description":{"value":"x"},"name":{"value":"changed"}}},{"node":{"description":{"value":null},"name":{"value":"kept"}}},{"node":{"description":{"value":null},"name":{"value":"new"}}}]`
	if got := names(); got != after {
		t.Errorf("after the merge main has %s", got)
	}
}

func TestBranch_MergeCopiesRefAndCommit(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.importReadOnly(t, r, "r", "v1.0.0")
	m.createBranch(t, "rel")
	m.changeRef(t, "rel", id, "v1.1.0")
	m.WaitForTasks(t)
	proposed := m.Ask(t, `mutation{CoreProposedChangeCreate(data:{name:{value:"p"} source_branch:{value:"rel"} destination_branch:{value:"main"}}){object{id}}}`).
		Text("data.CoreProposedChangeCreate.object.id")
	m.Ask(t, `mutation{BranchMerge(data:{name:"rel"} wait_until_completion:true){ok}}`)
	if got := m.state(t, r, "main", id); got != "v1.1.0 in-sync online" {
		t.Errorf("on main: %q", got)
	}
	if got := m.Ask(t, `{CoreGraphQLQuery{edges{node{query{value}}}}}`).Text("data.CoreGraphQLQuery.edges.0.node.query.value"); !strings.HasSuffix(got, "# 1.1") {
		t.Errorf("main has the query %q", got)
	}
	if state := m.Ask(t, `query($i:[ID]){CoreProposedChange(ids:$i){edges{node{state{value}}}}}`, "i", []string{proposed}).At("data.CoreProposedChange.edges.0.node.state.value"); state != "canceled" {
		t.Errorf("the open proposed change of the merged branch is %v", state)
	}
	if status := m.Ask(t, `{Branch(name:"rel"){status}}`).At("data.Branch.0.status"); status != "MERGED" {
		t.Errorf("the branch is %v", status)
	}
	got := m.Post(t, "rel", `mutation{BuiltinTagCreate(data:{name:{value:"x"}}){ok}}`)
	if got.At("errors.0.extensions.code") != "BRANCH_ALREADY_MERGED" {
		t.Errorf("a change on a merged branch: %s", got.Body)
	}
}
