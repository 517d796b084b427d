package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

const (
	readOnly   = "CoreReadOnlyRepository"
	readWrite  = "CoreRepository"
	credential = "CorePasswordCredential"
	tag        = "BuiltinTag"
)

// node is a node in a response. Its paths start at the node.
type node struct {
	response mocktest.Response
	path     string
}

func (n node) At(path string) any      { return n.response.At(n.path + "." + path) }
func (n node) Text(path string) string { return n.response.Text(n.path + "." + path) }

func (n node) JSON(t testing.TB, path string) string {
	t.Helper()
	return n.response.JSON(t, n.path+"."+path)
}

func (n node) exists() bool { return n.response.At(n.path) != nil }

// newID returns an id for a node, as a client may choose one.
func newID() string { return uuid.NewString() }

// create creates a node on main from the input of its create mutation, and returns its id. The node is deleted
// when the test ends.
func (s *server) create(t *testing.T, kind, input string, variables ...any) string {
	t.Helper()
	return s.createOn(t, "main", kind, input, variables...)
}

func (s *server) createOn(t *testing.T, branch, kind, input string, variables ...any) string {
	t.Helper()
	got := s.tryCreateOn(t, branch, kind, input, variables...)
	id := got.Text("data." + kind + "Create.object.id")
	if got.Status != http.StatusOK || got.At("errors") != nil || id == "" {
		t.Fatalf("create %s %s: %d %s", kind, input, got.Status, got.Body)
	}
	return id
}

// createRepository creates a repository named after its base and returns its id. More is the rest of the input.
func (s *server) createRepository(t *testing.T, kind, base string, r *remote, more string) string {
	t.Helper()
	return s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} %s`, s.name(base), r.location, more))
}

// tryCreate is create for what the server may refuse.
func (s *server) tryCreate(t *testing.T, kind, input string, variables ...any) mocktest.Response {
	t.Helper()
	return s.tryCreateOn(t, "main", kind, input, variables...)
}

func (s *server) tryCreateOn(t *testing.T, branch, kind, input string, variables ...any) mocktest.Response {
	t.Helper()
	got := s.Post(t, branch, signature("mutation", variables)+`{`+kind+`Create(data:{`+input+`}){ok object{id}}}`, variables...)
	if id := got.Text("data." + kind + "Create.object.id"); id != "" {
		t.Cleanup(func() { s.delete(t, kind, id) })
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

// delete deletes a node, on whichever branch it is. A node that is gone is no error.
func (s *server) delete(t *testing.T, kind, id string) {
	t.Helper()
	for _, branch := range s.branches(t) {
		s.Post(t, branch, `mutation{`+kind+`Delete(data:{id:"`+id+`"}){ok}}`)
		if kind != tag {
			return
		}
	}
}

// branches returns main and the open branches of this test.
func (s *server) branches(t *testing.T) []string {
	t.Helper()
	names := []string{"main"}
	edges, _ := s.Ask(t, `{Branch{name status}}`).At("data.Branch").([]any)
	for _, edge := range edges {
		b, _ := edge.(map[string]any)
		if name := fmt.Sprint(b["name"]); strings.Contains(name, s.suffix) && b["status"] == "OPEN" {
			names = append(names, name)
		}
	}
	return names
}

// newBranch creates a branch without Git and returns its name. The branch is deleted when the test ends.
func (s *server) newBranch(t *testing.T, base string) string {
	t.Helper()
	name := s.name(base)
	s.Ask(t, `mutation($name:String!){BranchCreate(data:{name:$name sync_with_git:false} wait_until_completion:true){ok}}`, "name", name)
	s.deleteBranchAtEnd(t, name)
	return name
}

// deleteBranchAtEnd deletes a branch when the test ends, if it exists then.
func (s *server) deleteBranchAtEnd(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		s.waitUntil(t, name+" to be gone", func() bool {
			s.Post(t, "main", `mutation($name:String){BranchDelete(data:{name:$name} wait_until_completion:true){ok}}`, "name", name)
			return s.Ask(t, `query($name:String){Branch(name:$name){name}}`, "name", name).JSON(t, "data.Branch") == "[]"
		})
	})
}

// tryUpdate updates a node on main and returns the response.
func (s *server) tryUpdate(t *testing.T, kind, id, input string) mocktest.Response {
	t.Helper()
	return s.tryUpdateOn(t, "main", kind, id, input)
}

func (s *server) tryUpdateOn(t *testing.T, branch, kind, id, input string) mocktest.Response {
	t.Helper()
	return s.Post(t, branch, `mutation{`+kind+`Update(data:{id:"`+id+`" `+input+`}){ok object{`+selection(kind)+`}}}`)
}

// update is tryUpdate for what the server must accept.
func (s *server) update(t *testing.T, kind, id, input string) mocktest.Response {
	t.Helper()
	return s.updateOn(t, "main", kind, id, input)
}

func (s *server) updateOn(t *testing.T, branch, kind, id, input string) mocktest.Response {
	t.Helper()
	got := s.tryUpdateOn(t, branch, kind, id, input)
	if got.At("data."+kind+"Update.ok") != true {
		t.Fatalf("update %s on %s: %d %s", input, branch, got.Status, got.Body)
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

// read reads a node on main. It does not exist if there is none.
func (s *server) read(t *testing.T, kind, id string) node {
	t.Helper()
	return s.readOn(t, "main", kind, id)
}

func (s *server) readOn(t *testing.T, branch, kind, id string) node {
	t.Helper()
	got := s.Post(t, branch, `query($ids:[ID]){`+kind+`(ids:$ids){edges{node{`+selection(kind)+`}}}}`, "ids", []string{id})
	if got.Status != http.StatusOK || got.At("errors") != nil {
		t.Fatalf("read %s on %s: %d %s", kind, branch, got.Status, got.Body)
	}
	return node{got, "data." + kind + ".edges.0.node"}
}

// importReadOnly creates a read-only repository at a ref, waits until its import and the echo have ended, and
// returns its id.
func (s *server) importReadOnly(t *testing.T, r *remote, ref string) string {
	t.Helper()
	id := s.createRepository(t, readOnly, r.query, r, fmt.Sprintf(`ref:{value:%q}`, ref))
	s.waitForTasks(t, id, append(completed(importLast, pull), addReadOnly+" COMPLETED")...) // the first two are the echo
	return id
}

// importReadWrite creates a read-write repository, waits until its import has ended, and returns its id.
func (s *server) importReadWrite(t *testing.T, r *remote) string {
	t.Helper()
	id := s.createRepository(t, readWrite, r.query, r, "")
	s.waitForTasks(t, id, addReadWrite+" COMPLETED")
	return id
}

// newReadOnly makes a remote, and a read-only repository that has imported its v1.0.0.
func (s *server) newReadOnly(t *testing.T) (r *remote, id string) {
	t.Helper()
	r = s.newRemote(t, "r.git")
	return r, s.importReadOnly(t, r, "v1.0.0")
}

// newReadWrite makes a remote, and a read-write repository that has imported it.
func (s *server) newReadWrite(t *testing.T) (r *remote, id string) {
	t.Helper()
	r = s.newRemote(t, "r.git")
	return r, s.importReadWrite(t, r)
}

// importRef changes the ref on a branch and waits until both imports, and the echo of both, have ended.
func (s *server) importRef(t *testing.T, branch, id, ref string) {
	t.Helper()
	s.updateOn(t, branch, readOnly, id, fmt.Sprintf(`ref:{value:%q}`, ref))
	s.waitForTasks(t, id, completed(pull, importLast, pull, importLast)...)
}

// importOnDemand starts an import and returns the id of its task.
func (s *server) importOnDemand(t *testing.T, mutation, id string) string {
	t.Helper()
	got := s.Ask(t, `mutation{`+mutation+`(data:{id:"`+id+`"}){ok task{id}}}`)
	assertJSON(t, got, "data."+mutation+".ok", "true")
	return got.Text("data." + mutation + ".task.id")
}

// pause waits long enough for a task to appear that should not.
func (s *server) pause() {
	if s.mock == nil {
		time.Sleep(3 * time.Second)
		return
	}
	time.Sleep(100 * time.Millisecond)
}
