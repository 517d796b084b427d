package mockserver_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestEngine_ManyImportsAtOnce(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{SyncInterval: 10 * time.Millisecond})
	root := t.TempDir()
	var creating sync.WaitGroup
	for i := range 10 {
		r := newRemote(t, root, fmt.Sprintf("r%d.git", i))
		creating.Go(func() {
			document := `mutation($n:String $l:String){CoreRepositoryCreate(data:{name:{value:$n} location:{value:$l}}){ok}}`
			if i%2 == 0 {
				document = `mutation($n:String $l:String){CoreReadOnlyRepositoryCreate(data:{name:{value:$n} location:{value:$l} ref:{value:"v1.0.0"}}){ok}}`
			}
			m.Post(t, "main", document, "n", fmt.Sprint(i), "l", r.Path)
		})
	}
	creating.Wait()
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

func TestEngine_CloseStopsImports(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{Delay: mockserver.LiveDelay})
	id := m.createReadOnly(t, newRemote(t, t.TempDir(), "r.git"), "r", "v1.0.0")
	until(t, "a task that has started", func() bool { return len(m.tasks(t, id)) > 0 })
	start := time.Now()
	m.Close()
	if elapsed := time.Since(start); elapsed > time.Second {
		t.Errorf("Close took %s", elapsed)
	}
	before := m.tasks(t, id)
	time.Sleep(300 * time.Millisecond)
	if difference := cmp.Diff(before, m.tasks(t, id)); difference != "" {
		t.Errorf("the import continued: %s", difference)
	}
}
