package mockserver_test

import (
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestProposedChange_RefusedCreates(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	m.Ask(t, `mutation{a:BranchCreate(data:{name:"open"}){ok} b:BranchCreate(data:{name:"merged"}){ok} BranchMerge(data:{name:"merged"}){ok}
		CoreProposedChangeCreate(data:{name:{value:"p"} source_branch:{value:"open"} destination_branch:{value:"main"}}){ok}}`)
	m.createBranch(t, "free")
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
	m.createBranch(t, "rel")
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
	if got := update(second, `is_draft:{value:false} state:{value:"merged"}`); !strings.Contains(got, `"merging"`) || strings.Contains(got, "errors") {
		t.Errorf("got %s", got)
	}
	if count := m.Ask(t, `{BuiltinTag(name__value:"new"){count}}`).At("data.BuiltinTag.count"); count != 1.0 {
		t.Error("the merged change did not reach main")
	}
	const succeeded = `{"count":2,"edges":[{"node":{"conclusion":{"value":"success"},"display_label":"Data Integrity"}},{"node":{"conclusion":{"value":"success"},"display_label":"Schema Integrity"}}]}`
	until(t, "the validations", func() bool {
		got := m.Ask(t, `query($i:[ID]){CoreProposedChange(ids:$i){edges{node{validations{count edges{node{display_label conclusion{value}}}}}}}}`, "i", []string{second})
		return got.JSON(t, "data.CoreProposedChange.edges.0.node.validations") == succeeded
	})
}
