package mockserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// changeState returns the state of a proposed change and its validators, each as "label state/conclusion".
func (m *mock) changeState(t *testing.T, id string) (state string, validators []string) {
	t.Helper()
	got := m.Ask(t, `query($i:[ID]){CoreProposedChange(ids:$i){edges{node{state{value} validations{edges{node{label{value} state{value} conclusion{value}}}}}}}}`, "i", []string{id})
	const change = "data.CoreProposedChange.edges.0.node"
	edges, _ := got.At(change + ".validations.edges").([]any)
	for i := range edges {
		at := fmt.Sprintf("%s.validations.edges.%d.node.", change, i)
		validators = append(validators, got.Text(at+"label.value")+" "+got.Text(at+"state.value")+"/"+got.Text(at+"conclusion.value"))
	}
	return got.Text(change + ".state.value"), validators
}

func (m *mock) propose(t *testing.T, branch string) string {
	t.Helper()
	return m.Ask(t, `mutation($b:String){CoreProposedChangeCreate(data:{name:{value:"p"} source_branch:{value:$b} destination_branch:{value:"main"}}){object{id}}}`, "b", branch).
		Text("data.CoreProposedChangeCreate.object.id")
}

// A check that never ends leaves its validator in progress, and the change cannot be merged.
func TestProposedChange_CheckThatNeverEnds(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Inject(mockserver.Fault{Operation: "git-repository-run-user-check", StuckTask: true})
	remote := mocktest.NewRemote(t, t.TempDir(), "checked")
	remote.Release(t, "v1", mocktest.CheckFiles("q", "1", "slow", ""))
	m.Ask(t, `mutation($l:String){CoreReadOnlyRepositoryCreate(data:{name:{value:"r"} location:{value:$l} ref:{value:"v1"}}){ok}}`, "l", remote.Path)
	m.WaitForTasks(t)
	m.createBranch(t, "rel")
	change := m.propose(t, "rel")
	until(t, "the check to begin", func() bool {
		_, validators := m.changeState(t, change)
		return strings.Contains(strings.Join(validators, ";"), "Check: slow in_progress/unknown")
	})
	got := m.Post(t, "main", `mutation{CoreProposedChangeUpdate(data:{id:"`+change+`" name:{value:"kept"} state:{value:"merged"}}){ok}}`)
	if message := got.Text("errors.0.message"); message != "Unable to merge proposed change containing failing checks" {
		t.Errorf("got %s", got.Body)
	}
	if state, _ := m.changeState(t, change); state != "open" {
		t.Errorf("the state is %s", state)
	}
	if name := m.Ask(t, `{CoreProposedChange{edges{node{name{value}}}}}`).Text("data.CoreProposedChange.edges.0.node.name.value"); name != "kept" {
		t.Errorf("the name is %s", name)
	}
}

// A merge that comes before the validators checks nothing but conflicts of data.
func TestProposedChange_MergeBeforeTheChecks(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	id := m.Ask(t, `mutation{BuiltinTagCreate(data:{name:{value:"t"} description:{value:"old"}}){object{id}}}`).Text("data.BuiltinTagCreate.object.id")
	describe := func(branch, text string) {
		m.Post(t, branch, `mutation($i:String $d:String){BuiltinTagUpdate(data:{id:$i description:{value:$d}}){ok}}`, "i", id, "d", text)
	}
	m.createBranch(t, "conflict")
	m.createBranch(t, "fine")
	describe("conflict", "branch")
	describe("main", "main")
	merge := func(branch string) mocktest.Response {
		return m.Post(t, "main", `mutation{CoreProposedChangeMerge(data:{id:"`+m.propose(t, branch)+`"}){ok}}`)
	}
	want := "Unable to merge the branch 'conflict', conflict resolution missing: data/" + id + "/description/value"
	if got := merge("conflict"); got.Text("errors.0.message") != want {
		t.Errorf("got %s", got.Body)
	}
	if got := merge("fine"); got.At("data.CoreProposedChangeMerge.ok") != true {
		t.Errorf("got %s", got.Body)
	}
}

// A check definition with targets or parameters is refused instead of being run once.
func TestProposedChange_ChecksThatAreNotImitated(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	files := mocktest.CheckFiles("q", "1", "targeted", "")
	files[".infrahub.yml"] += "    targets: a_group\n"
	remote := mocktest.NewRemote(t, t.TempDir(), "checked")
	remote.Release(t, "v1", files)
	m.Ask(t, `mutation($l:String){CoreReadOnlyRepositoryCreate(data:{name:{value:"r"} location:{value:$l} ref:{value:"v1"}}){ok}}`, "l", remote.Path)
	m.WaitForTasks(t)
	got := m.Ask(t, `{InfrahubTask(workflow:["git-repository-add-read-only"]){edges{node{state logs{edges{node{message}}}}}}}`)
	if !strings.Contains(got.Body, "FAILED") || !strings.Contains(got.Body, "targets or parameters is not imitated by infrahub-mock") {
		t.Errorf("got %s", got.Body)
	}
}
