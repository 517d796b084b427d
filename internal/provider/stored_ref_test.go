package provider

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// A client such as infrahubctl stores a ref with an upsert, which imports nothing (infrahub-behaviour.md, Writing 11).

// upsertRef stores a ref on a branch as infrahubctl does.
func (s *server) upsertRef(t *testing.T, branch, id, ref string) {
	t.Helper()
	resp := s.Post(t, branch, `mutation($id:String!,$ref:String!){CoreReadOnlyRepositoryUpsert(data:{id:$id ref:{value:$ref}}){ok}}`, "id", id, "ref", ref)
	if resp.At("data.CoreReadOnlyRepositoryUpsert.ok") != true {
		t.Fatalf("not stored: %s", resp.Body)
	}
}

// updateRef sets a ref on main without the provider, and waits until Infrahub has imported it.
func (s *server) updateRef(t *testing.T, id, ref string) {
	t.Helper()
	s.Ask(t, `mutation($id:String!,$ref:String!){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:$ref}}){ok}}`, "id", id, "ref", ref)
	s.WaitForTasks(t)
}

// forgetTasks makes the server list no tasks.
func (s *server) forgetTasks() {
	s.Inject(mockserver.Fault{Operation: "Tasks", Status: http.StatusOK, ContentType: "application/json", Body: `{"data":{"InfrahubTask":{"edges":[]}}}`})
}

// hideTasks makes the server refuse to list tasks.
func (s *server) hideTasks() { s.Inject(mockserver.Fault{Operation: "Tasks", NoTasks: true}) }

// createdAt returns a server with a read-only repository that the provider has created at a ref, and its remote.
func createdAt(t *testing.T, ref string) (*server, *mocktest.Remote, *instance) {
	t.Helper()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, ref))
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	return s, r, i
}

const notImported = "no task of Infrahub has imported it; another client may have stored it without an import."

// expectImport expects that a plan imports the ref of a configuration, and that its apply does.
func (i *instance) expectImport(s *server, r *mocktest.Remote, config attributes, mutations ...string) {
	i.t.Helper()
	plan := i.planRetry(config, `"network"`, `"`+config.text("ref")+`"`, notImported)
	s.Log.Reset()
	i.apply(plan).requireNone(i.t)
	s.expectMutations(i.t, mutations...)
	if commit := r.Commits[config.text("ref")]; i.state.text("commit") != commit {
		i.t.Errorf("saved %v, want commit %s", i.state, commit)
	}
	s.WaitForTasks(i.t)
	i.expectImportDone(config)
}

func TestStoredRef_IsImportedIfTheConfigurationHasItToo(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(t *testing.T, s *server, r *mocktest.Remote, i *instance){
		"after a create": func(*testing.T, *server, *mocktest.Remote, *instance) {},
		"after the commit was imported again": func(t *testing.T, s *server, r *mocktest.Remote, i *instance) {
			t.Helper()
			i.mustApply(readOnlyConfig(r, "v1.0.0").with(attributes{"reimport_triggers": map[string]string{"n": "1"}}))
			s.WaitForTasks(t)
		},
		"that was imported long ago": func(t *testing.T, s *server, r *mocktest.Remote, i *instance) {
			t.Helper()
			i.mustApply(readOnlyConfig(r, "v1.1.0"))
			i.mustApply(readOnlyConfig(r, "v1.0.0"))
			s.WaitForTasks(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r, i := createdAt(t, "v1.0.0")
			before(t, s, r, i)
			s.upsertRef(t, "main", i.id(), "v1.1.0")
			i.refresh().requireNone(t)
			config := readOnlyConfig(r, "v1.1.0").with(attributes{"reimport_triggers": i.state["reimport_triggers"]})
			i.expectImport(s, r, config, "ImportLatestCommit: id", "ReimportCommit: id")
		})
	}
}

func TestStoredRef_IsImportedIfItWasStoredBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	s, r, i := createdAt(t, "v1.0.0")
	plan := i.plan(readOnlyConfig(r, "v1.1.0"))
	s.upsertRef(t, "main", i.id(), "v1.1.0")
	i.apply(plan).requireNone(t)
	if i.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("saved %v", i.state)
	}
}

func TestStoredRef_ThatTheConfigurationDoesNotHaveIsSetBack(t *testing.T) {
	t.Parallel()
	s, r, i := createdAt(t, "v1.0.0")
	s.upsertRef(t, "main", i.id(), "v1.1.0")
	i.refresh().requireNone(t)
	plan := i.planRetry(readOnlyConfig(r, "v1.0.0"))
	s.Log.Reset()
	i.apply(plan).requireNone(t)
	s.expectMutations(t, "UpdateReadOnlyRepository: id ref")
	s.WaitForTasks(t)
	i.expectImportDone(readOnlyConfig(r, "v1.0.0"))
}

// Another ref was imported, and the ref of the state stored again: only the commit differs.
func TestStoredRef_OfTheStateWithAnotherCommitIsImported(t *testing.T) {
	t.Parallel()
	s, r, i := createdAt(t, "v1.0.0")
	s.updateRef(t, i.id(), "v1.1.0")
	s.upsertRef(t, "main", i.id(), "v1.0.0")
	i.refresh().requireNone(t)
	i.expectImport(s, r, readOnlyConfig(r, "v1.0.0"), "ImportLatestCommit: id", "ReimportCommit: id")
}

// Somebody let Infrahub import a branch that moved: that is no failure.
func TestStoredRef_AnotherCommitThatWasImportedIsNoFailure(t *testing.T) {
	t.Parallel()
	s, r, i := createdAt(t, "main")
	r.Release(t, "v2.0.0", nil)
	s.Ask(t, `mutation($id:String!){InfrahubReadOnlyRepositoryImportLastCommit(data:{id:$id}){ok}}`, "id", i.id())
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	if i.state.text("commit") != r.Commits["v2.0.0"] {
		t.Fatalf("refreshed %v", i.state)
	}
	i.expectImportDone(readOnlyConfig(r, "main"))
}

func TestStoredLocation_IsImportedFrom(t *testing.T) {
	t.Parallel()
	s, _, i := createdAt(t, "v1.0.0")
	other := mocktest.NewRemote(t, t.TempDir(), "other.git", "v1.0.0")
	s.Ask(t, `mutation($id:String!,$to:String!){CoreReadOnlyRepositoryUpsert(data:{id:$id location:{value:$to}}){ok}}`, "id", i.id(), "to", other.Path)
	i.refresh().requireNone(t)
	i.expectImport(s, other, readOnlyConfig(other, "v1.0.0"), "UpdateReadOnlyRepository: id ref", "UpdateReadOnlyRepository: id ref")
}

func TestStoredRef_OfAnImportIntoTheStateIsImported(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	s.upsertRef(t, "main", id, "v1.1.0")
	i := s.connect(t).newInstance(readOnlyType)
	i.importByID("network").requireNone(t)
	i.refresh().requireNone(t)
	i.expectImport(s, r, readOnlyConfig(r, "v1.1.0"), "ImportLatestCommit: id", "ReimportCommit: id")
}

func TestStoredRef_ImportIntoTheStateOfAFailedImportPlansIt(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.createReadOnlyRepository(t, "network", r.Path, "v9.9.9")
	i := s.connect(t).newInstance(readOnlyType)
	i.importByID("network").requireNone(t)
	i.planRetry(readOnlyConfig(r, "v9.9.9"), "The branch v9.9.9 isn't a valid branch")
}

// A repository that another branch created is inactive on this one, which has nothing to import.
func TestStoredRef_ImportIntoTheStateOfAnInactiveRepositoryPlansNothing(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.createBranch(t, "release")
	s.Post(t, "release", `mutation($location:String!){CoreReadOnlyRepositoryCreate(data:{name:{value:"network"} location:{value:$location}}){ok}}`, "location", r.Path)
	s.WaitForTasks(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.importByID("network").requireNone(t)
	if i.state.text("internal_status") != "inactive" {
		t.Fatalf("imported %v", i.state)
	}
	i.expectEmptyPlan(readOnlyConfig(r, "main"))
}

const noTask = "no task is listed any more that imported it."

func TestStoredRef_WithoutATaskIsImported(t *testing.T) {
	t.Parallel()
	s, r, i := createdAt(t, "v1.0.0")
	s.upsertRef(t, "main", i.id(), "v1.1.0")
	s.forgetTasks()
	i.refresh().requireNone(t)
	i.planRetry(readOnlyConfig(r, "v1.1.0"), `"v1.1.0"`, noTask)
}

func TestStoredRef_WithoutATaskIsComparedWithTheRemote(t *testing.T) {
	t.Parallel()
	for name, imported := range map[string]bool{"imported": true, "only stored": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r, i := createdAt(t, "v1.0.0")
			if imported {
				s.updateRef(t, i.id(), "v1.1.0")
			} else {
				s.upsertRef(t, "main", i.id(), "v1.1.0")
			}
			s.forgetTasks()
			i.refresh().requireNone(t)
			config := readOnlyConfig(r, "v1.1.0").with(attributes{"resolve_ref": true})
			if !imported {
				i.planRetry(config, noTask)
				return
			}
			plan := i.plan(config)
			plan.diagnostics.requireNone(t)
			if plan.state.text("commit") != r.Commits["v1.1.0"] {
				t.Errorf("planned %v", plan.state)
			}
		})
	}
}

// The commit that was planned for the earlier ref is no answer.
func TestStoredRef_WithoutATaskIsImportedIfTheRemoteDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0").with(attributes{"resolve_ref": true}))
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	s.upsertRef(t, "main", i.id(), "v1.1.0")
	s.forgetTasks()
	i.refresh().requireNone(t)
	if err := os.Rename(r.Path, r.Path+".gone"); err != nil {
		t.Fatal(err)
	}
	plan := i.plan(readOnlyConfig(r, "v1.1.0").with(attributes{"resolve_ref": true}))
	plan.diagnostics.requireNoErrors(t)
	if plan.state["commit"] != unknown {
		t.Errorf("planned %v, warnings %v", plan.state, plan.diagnostics.warnings())
	}
}

func TestStoredRef_WithHiddenTasksIsBelievedOnlyWithACommit(t *testing.T) {
	t.Parallel()
	s, r, i := createdAt(t, "v1.0.0")
	s.updateRef(t, i.id(), "v1.1.0")
	s.hideTasks()
	i.refresh().requireNone(t)
	i.expectEmptyPlan(readOnlyConfig(r, "v1.1.0"))
	s.upsertRef(t, "main", i.id(), "v1.0.0")
	i.refresh().requireNone(t)
	i.planRetry(readOnlyConfig(r, "v1.0.0"), `"v1.0.0"`, "this account cannot see the tasks that would show it.")
}

func TestStoredRef_ImportIntoTheStateWithoutATaskWarns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		without func(s *server)
		reason  string
	}{
		"too old": {(*server).forgetTasks, "no task is listed any more"},
		"hidden":  {(*server).hideTasks, "this account cannot see the tasks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
			s.createBranch(t, "release")
			test.without(s)
			p := s.connect(t)
			i := p.newInstance(readOnlyType)
			i.importByID("network").onlyWarning(t).expect(t, "", "Import Not Proven",
				`"network"`, `"v1.0.0"`, r.Commits["v1.0.0"], test.reason, "reimport_triggers", "resolve_ref")
			i.expectEmptyPlan(readOnlyConfig(r, "v1.0.0"))
			ref := p.newInstance(readOnlyRefType)
			ref.importByID("network/release").onlyWarning(t).expect(t, "", "Import Not Proven", `"network"`, "branch release", `"v1.0.0"`, test.reason, "-replace")
		})
	}
}

// The tasks that have imported it are gone with its branch (infrahub-behaviour.md, Branches 17).
func TestStoredRef_ThatAMergeBroughtIsNotImportedAgain(t *testing.T) {
	t.Parallel()
	s, r, i := createdAt(t, "v1.0.0")
	s.createBranch(t, "release")
	s.Post(t, "release", `mutation($id:String!){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:"v1.1.0"}}){ok}}`, "id", i.id())
	s.WaitForTasks(t)
	s.mergeBranch(t, "release")
	s.deleteBranch(t, "release")
	imports := func() any {
		return s.Ask(t, `{InfrahubTask(branch:"release" workflow:["git-repository-pull-read-only"]){count}}`).At("data.InfrahubTask.count")
	}
	for deadline := time.Now().Add(20 * time.Second); imports() != 0.0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%v tasks of the deleted branch are left", imports())
		}
	}
	i.refresh().requireNone(t)
	i.expectEmptyPlan(readOnlyConfig(r, "v1.1.0"))
}

func TestStoredRef_OnABranchIsImported(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	r.Release(t, "v1.2.0", nil)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	s.createBranch(t, "release")
	p := s.connect(t)
	config := attributes{"repository_id": id, "branch": "release", "ref": "v1.1.0"}
	imports := []string{"ImportLatestCommit: id", "ReimportCommit: id"}

	s.upsertRef(t, "release", id, "v1.1.0")
	created := p.newInstance(readOnlyRefType)
	created.mustApply(config)
	s.expectMutations(t, imports...)
	if created.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("created %v", created.state)
	}

	s.upsertRef(t, "release", id, "v1.2.0")
	newer := config.with(attributes{"ref": "v1.2.0"})
	imported := p.newInstance(readOnlyRefType)
	imported.importByID("network/release").requireNone(t)
	imported.planRetry(newer, "branch release", `"v1.2.0"`)

	created.refresh().requireNone(t)
	plan := created.planRetry(newer, "branch release", `"v1.2.0"`)
	s.Log.Reset()
	created.apply(plan).requireNone(t)
	s.expectMutations(t, imports...)
	if created.state.text("commit") != r.Commits["v1.2.0"] {
		t.Errorf("updated %v", created.state)
	}
	s.WaitForTasks(t)
	created.expectImportDone(newer)
}
