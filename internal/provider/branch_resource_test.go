package provider

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// ask sends a document past the provider and its log, and wants no error.
func (s *server) ask(t *testing.T, document string) {
	t.Helper()
	if answer := s.post(t, "main", document); strings.Contains(answer, `"errors"`) {
		t.Fatalf("%s: %s", document, answer)
	}
}

// post sends a document to a branch past the provider and its log.
func (s *server) post(t *testing.T, branch, document string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	asked := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql/"+branch, bytes.NewReader(body))
	asked.Header.Set("Content-Type", "application/json")
	asked.Header.Set("X-Infrahub-Key", mockserver.DefaultToken)
	answered := httptest.NewRecorder()
	s.ServeHTTP(answered, asked)
	return answered.Body.String()
}

func (s *server) newBranch(t *testing.T, name string) {
	t.Helper()
	s.ask(t, `mutation{BranchCreate(data:{name:"`+name+`" sync_with_git:false} wait_until_completion:true){ok}}`)
}

func (s *server) merge(t *testing.T, name string) {
	t.Helper()
	s.ask(t, `mutation{BranchMerge(data:{name:"`+name+`"} wait_until_completion:true){ok}}`)
}

func (s *server) deleteBranch(t *testing.T, name string) {
	t.Helper()
	s.ask(t, `mutation{BranchDelete(data:{name:"`+name+`"} wait_until_completion:true){ok}}`)
}

// unchanged wants a plan without a change.
func (i *instance) unchanged(config attributes) {
	i.t.Helper()
	plan := i.plan(config)
	plan.diagnostics.none(i.t)
	if difference := cmp.Diff(i.state, plan.state); difference != "" || plan.replace != nil {
		i.t.Errorf("replaces %v, plan (-state +plan):\n%s", plan.replace, difference)
	}
}

func TestBranch_CreateChangeAndDelete(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	i := s.connected(t).newInstance(branch)
	config := attributes{"name": "release-1.2"}
	i.applied(config)
	i.wrote(s, "CreateBranch: name")
	if i.state.text("status") != "OPEN" || i.state["sync_with_git"] != true || i.state["description"] != nil || i.state.text("id") == "" {
		t.Errorf("saved %v", i.state)
	}
	i.refresh().none(t)
	i.unchanged(config)

	described := config.with(attributes{"description": "Release 1.2"})
	i.applied(described)
	i.wrote(s, "UpdateBranch: description name")
	i.refresh().none(t)
	i.unchanged(described)
	i.applied(config)
	i.refresh().none(t)
	if i.state["description"] != nil {
		t.Errorf("not cleared: %v", i.state)
	}
	if plan := i.plan(config.with(attributes{"name": "other"})); !slices.Equal(plan.replace, []string{"name"}) {
		t.Errorf("another name replaces %v", plan.replace)
	}
	if plan := i.plan(config.with(attributes{"sync_with_git": false})); !slices.Equal(plan.replace, []string{"sync_with_git"}) {
		t.Errorf("another sync_with_git replaces %v", plan.replace)
	}
	s.sent()
	i.apply(i.plan(nil)).none(t)
	i.wrote(s, "DeleteBranch: name")
	if answer := s.post(t, "main", `{Branch(name:"release-1.2"){id}}`); !strings.Contains(answer, `"Branch":[]`) {
		t.Errorf("it is left: %s", answer)
	}
}

// wrote wants exactly these mutations since the last look.
func (i *instance) wrote(s *server, want ...string) {
	i.t.Helper()
	if difference := cmp.Diff(append([]string{}, want...), s.sent()); difference != "" {
		i.t.Errorf("mutations (-want +got):\n%s", difference)
	}
}

func TestBranch_LostReplyIsFoundByItsName(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"after it was made":  {Operation: "CreateBranch", Times: 1, Drop: true, After: true},
		"before it was made": {Operation: "CreateBranch", Times: 1, Drop: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, mockserver.Options{})
			p := newProtocol(t)
			p.configure(s.block().with(attributes{"max_retries": 2})).none(t)
			s.Inject(fault)
			i := p.newInstance(branch)
			i.applied(attributes{"name": "release"})
			if answer := s.post(t, "main", `{Branch(name:"release"){id}}`); !strings.Contains(answer, i.state.text("id")) {
				t.Errorf("saved %v, the server has %s", i.state, answer)
			}
		})
	}
}

func TestBranch_NameThatIsTakenIsRefusedAndNotAdopted(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	s.newBranch(t, "release")
	i := s.connected(t).newInstance(branch)
	i.apply(i.plan(attributes{"name": "release"})).oneError(t).is(t, "name", "Branch Not Created", "release already exists", "terraform import", "another name")
	i.wrote(s)
	if i.state != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestBranch_MergedOutsideIsKeptWithAWarning(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	i := s.connected(t).newInstance(branch)
	config := attributes{"name": "release"}
	i.applied(config)
	s.merge(t, "release")
	i.refresh().oneWarning(t).is(t, "", "Branch Was Merged", `"release"`, "another name", "remove from the configuration")
	if i.state.text("status") != "MERGED" {
		t.Errorf("read %v", i.state)
	}
	i.unchanged(config)
	i.apply(i.plan(nil)).none(t)
}

func TestBranch_DeletedOutsideIsMadeAgainWithAWarning(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	i := s.connected(t).newInstance(branch)
	config := attributes{"name": "release"}
	i.applied(config)
	s.deleteBranch(t, "release")
	gone := *i
	i.refresh().oneWarning(t).is(t, "", "Branch Is Gone", `"release"`, "creates it again", "another name")
	if i.state != nil {
		t.Errorf("what is gone is kept: %v", i.state)
	}
	// One that took its name since is another one, and is left alone by a destroy.
	s.newBranch(t, "release")
	s.sent()
	gone.apply(gone.plan(nil)).none(t)
	gone.wrote(s)
}

func TestBranch_IsImportedByIDAndByName(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	p := s.connected(t)
	i := p.newInstance(branch)
	config := attributes{"name": "feature/x", "description": "x"}
	i.applied(config)
	for _, id := range []string{i.state.text("id"), "feature/x"} {
		adopted := p.newInstance(branch)
		adopted.adopt(id).none(t)
		if difference := cmp.Diff(i.state, adopted.state); difference != "" {
			t.Errorf("%s (-applied +imported):\n%s", id, difference)
		}
		adopted.unchanged(config)
	}
	p.newInstance(branch).adopt("none").oneError(t).is(t, "", "Object Not Found", `"none"`)
}

func TestBranch_ReadFailureKeepsTheState(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	i := s.connected(t).newInstance(branch)
	i.applied(attributes{"name": "release"})
	before := i.state
	s.Inject(answer("Branches", http.StatusServiceUnavailable, "no healthy upstream"))
	i.refresh().oneError(t).is(t, "", "Branch Not Read", "release", "no healthy upstream")
	if difference := cmp.Diff(before, i.state); difference != "" {
		t.Errorf("the state changed (-before +after):\n%s", difference)
	}
}

func TestProvider_OnABranchThatWasMergedWarns(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	s.newBranch(t, "release")
	s.merge(t, "release")
	newProtocol(t).configure(s.block().with(attributes{"branch": "release"})).oneWarning(t).is(t, "branch", "Branch Was Merged", `"release"`)
}

func TestCreate_RepositoryOnABranchWarnsAtPlanTime(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	s.newBranch(t, "release")
	p := newProtocol(t)
	p.configure(s.block().with(attributes{"branch": "release"})).none(t)
	for kind, config := range map[string]attributes{readOnly: r.pinned("v1.0.0"), readWrite: r.pinned("").with(attributes{"ref": nil})} {
		i := p.newInstance(kind)
		plan := i.plan(config)
		got := plan.diagnostics.oneWarning(t)
		got.is(t, "", got.summary, `"release"`, "inactive", "deletes it everywhere", "infrahub_read_only_repository_ref")
		if !strings.HasSuffix(got.summary, "Is Created on a Branch") {
			t.Errorf("got %q", got.summary)
		}
	}
	i := p.newInstance(readOnly)
	i.apply(i.plan(r.pinned("v1.0.0"))).none(t)
	i.plan(r.pinned("v1.1.0")).diagnostics.none(t) // an update is no surprise
}
