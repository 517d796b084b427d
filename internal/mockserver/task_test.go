package mockserver_test

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestTasks_Pagination(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	r := newRemote(t, t.TempDir(), "r.git")
	id := m.importReadOnly(t, r, "r", "v1.0.0")
	m.changeRef(t, "main", id, "v1.1.0")
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
