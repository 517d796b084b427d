package mockserver_test

import (
	"strings"
	"testing"
	"time"

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

func TestBranch_WithoutWaitingThereIsATask(t *testing.T) {
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

func TestBranch_Refused(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation{BranchCreate(data:{name:"taken"}){ok}}`)
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

// What each branch sees of a node that was made elsewhere (infrahub.md, Branches).
func TestBranch_RepositoriesAreSharedTheirRefsAreNot(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	root := t.TempDir()
	m.Ask(t, `mutation{BranchCreate(data:{name:"rel"}){ok}}`)
	onMain := m.readOnly(t, newRemote(t, root, "a.git"), "a", "v1.0.0")
	got := m.Post(t, "rel", createReadOnly, "name", "b", "location", newRemote(t, root, "b.git").Path, "ref", "v1.0.0")
	onBranch := got.Text("data.CoreReadOnlyRepositoryCreate.object.id")
	m.WaitForTasks(t)
	const seen = `query($ids:[ID]){CoreReadOnlyRepository(ids:$ids){edges{node{ref{value} internal_status{value} sync_status{value}}}}}`
	for _, test := range []struct{ name, branch, id, want string }{
		{"made on main, seen there", "main", onMain, `{"internal_status":{"value":"active"},"ref":{"value":"v1.0.0"},"sync_status":{"value":"in-sync"}}`},
		{"made on main later, seen on the branch", "rel", onMain, `{"internal_status":{"value":"inactive"},"ref":{"value":"main"},"sync_status":{"value":"unknown"}}`},
		{"made on the branch, seen there", "rel", onBranch, `{"internal_status":{"value":"staging"},"ref":{"value":"v1.0.0"},"sync_status":{"value":"in-sync"}}`},
		{"made on the branch, seen on main", "main", onBranch, `{"internal_status":{"value":"inactive"},"ref":{"value":"main"},"sync_status":{"value":"unknown"}}`},
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

func TestBranch_MergeTakesOverRefAndCommit(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.readOnly(t, r, "r", "v1.0.0")
	m.WaitForTasks(t)
	m.Ask(t, `mutation{BranchCreate(data:{name:"rel"}){ok}}`)
	m.bump(t, "rel", id, "v1.1.0")
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
		t.Errorf("the proposed change that was merged behind its back is %v", state)
	}
	if status := m.Ask(t, `{Branch(name:"rel"){status}}`).At("data.Branch.0.status"); status != "MERGED" {
		t.Errorf("the branch is %v", status)
	}
	got := m.Post(t, "rel", `mutation{BuiltinTagCreate(data:{name:{value:"x"}}){ok}}`)
	if got.At("errors.0.extensions.code") != "BRANCH_ALREADY_MERGED" {
		t.Errorf("a change on a merged branch: %s", got.Body)
	}
}

func TestProposedChange_Refused(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation{a:BranchCreate(data:{name:"open"}){ok} b:BranchCreate(data:{name:"merged"}){ok} BranchMerge(data:{name:"merged"}){ok}
		CoreProposedChangeCreate(data:{name:{value:"p"} source_branch:{value:"open"} destination_branch:{value:"main"}}){ok}}`)
	m.Ask(t, `mutation{BranchCreate(data:{name:"free"}){ok}}`)
	for input, want := range map[string]string{
		`source_branch:{value:"open"} destination_branch:{value:"main"}`:   "An open proposed change already exists for branch 'open'",
		`source_branch:{value:"none"} destination_branch:{value:"main"}`:   "The specified source branch for this proposed change was not found",
		`source_branch:{value:"merged"} destination_branch:{value:"main"}`: "Cannot create proposed change: branch 'merged' has been merged",
		`source_branch:{value:"free"} destination_branch:{value:"free"}`:   "The source and destination branch can't be the same",
		`source_branch:{value:"free"} destination_branch:{value:"open"}`:   "Currently only the 'main' branch is supported as a destination for a proposed change",
		`source_branch:{value:"free"}`:                                     "destination_branch is mandatory for CoreProposedChange at destination_branch",
	} {
		if got := m.Post(t, "main", `mutation{CoreProposedChangeCreate(data:{name:{value:"q"} `+input+`}){ok}}`); got.Text("errors.0.message") != want {
			t.Errorf("%s: got %s", input, got.Body)
		}
	}
}

func TestProposedChange_Lifecycle(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation{BranchCreate(data:{name:"rel"}){ok}}`)
	m.Post(t, "rel", `mutation{BuiltinTagCreate(data:{name:{value:"new"}}){ok}}`)
	propose := func() string {
		got := m.Ask(t, `mutation{CoreProposedChangeCreate(data:{name:{value:"p"} source_branch:{value:"rel"} destination_branch:{value:"main"} is_draft:{value:true}}){object{id hfid state{value}}}}`)
		if got.At("data.CoreProposedChangeCreate.object.state.value") != "open" || got.At("data.CoreProposedChangeCreate.object.hfid") != nil {
			t.Errorf("got %s", got.Body)
		}
		return got.Text("data.CoreProposedChangeCreate.object.id")
	}
	update := func(id, input string) string {
		return m.Post(t, "main", `mutation($id:String){CoreProposedChangeUpdate(data:{id:$id `+input+`}){object{state{value}}}}`, "id", id).Body
	}
	first := propose()
	if got := update(first, `state:{value:"bogus"}`); !strings.Contains(got, "'bogus' is not a valid ProposedChangeState") {
		t.Errorf("got %s", got)
	}
	if got := update(first, `state:{value:"canceled"}`); !strings.Contains(got, `"canceled"`) {
		t.Errorf("got %s", got)
	}
	if got := update(first, `description:{value:"x"}`); !strings.Contains(got, "A proposed change in the canceled state is not allowed to be updated") {
		t.Errorf("got %s", got)
	}
	second := propose()
	if got := update(second, `state:{value:"merged"}`); !strings.Contains(got, "A draft proposed change is not allowed to be merged") {
		t.Errorf("got %s", got)
	}
	if got := update(second, `is_draft:{value:false} state:{value:"merged"}`); !strings.Contains(got, `"merged"`) || strings.Contains(got, "errors") {
		t.Errorf("got %s", got)
	}
	if count := m.Ask(t, `{BuiltinTag(name__value:"new"){count}}`).At("data.BuiltinTag.count"); count != 1.0 {
		t.Error("the merged change did not reach main")
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		got := m.Ask(t, `query($i:[ID]){CoreProposedChange(ids:$i){edges{node{validations{count edges{node{display_label conclusion{value}}}}}}}}`, "i", []string{second}).
			JSON(t, "data.CoreProposedChange.edges.0.node.validations")
		if got == `{"count":2,"edges":[{"node":{"conclusion":{"value":"success"},"display_label":"Data Integrity"}},{"node":{"conclusion":{"value":"success"},"display_label":"Schema Integrity"}}]}` {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the validations are %s", got)
		}
	}
}
