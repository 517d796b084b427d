package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// createReadWriteRepository creates a read-write repository without the provider, waits for its import and returns its id.
func (s *server) createReadWriteRepository(t *testing.T, name, location, branch string) string {
	t.Helper()
	resp := s.Ask(t, `mutation($name:String!,$location:String!,$branch:String!){
		CoreRepositoryCreate(data:{name:{value:$name} location:{value:$location} default_branch:{value:$branch}}){ok object{id}}
	}`, "name", name, "location", location, "branch", branch)
	s.WaitForTasks(t)
	return resp.Text("data.CoreRepositoryCreate.object.id")
}

// What exists cannot be what the configuration describes: plan and apply fail, and say which objects are in the way.
func TestAdoption_ConflictIsAnErrorOfThePlanAndOfTheApply(t *testing.T) {
	t.Parallel()
	type conflict struct {
		typeName, attribute string
		// setUp makes what exists, and returns the configuration and what the error names.
		setUp func(t *testing.T, s *server) (config attributes, parts []string)
	}
	for name, test := range map[string]conflict{
		"another location": {readOnlyType, "location", func(t *testing.T, s *server) (attributes, []string) {
			r, other := newRemote(t), otherLocation(t)
			id := s.createReadOnlyRepository(t, "network", other, "v1.0.0")
			return readOnlyConfig(r, "v1.0.0"), []string{id, other, r.Path, "import {\n  to = infrahub_read_only_repository.NAME\n  id = \"" + id + "\"\n}"}
		}},
		"the other kind": {readOnlyType, "name", func(t *testing.T, s *server) (attributes, []string) {
			r := newRemote(t)
			id := s.createReadWriteRepository(t, "network", r.Path, "main")
			return readOnlyConfig(r, "main"), []string{id, "of the other kind", "infrahub_repository"}
		}},
		"the other kind of a read-write repository": {readWriteType, "name", func(t *testing.T, s *server) (attributes, []string) {
			r := newRemote(t)
			id := s.createReadOnlyRepository(t, "network", r.Path, "main")
			return readWriteConfig(r), []string{id, "of the other kind", "infrahub_read_only_repository"}
		}},
		"two candidates": {readOnlyType, "name", func(t *testing.T, s *server) (attributes, []string) {
			r := newRemote(t)
			byName := s.createReadOnlyRepository(t, "network", otherLocation(t), "v1.0.0")
			byLocation := s.createReadWriteRepository(t, "other", r.Path, "main")
			return readOnlyConfig(r, "v1.0.0"), []string{byName, byLocation, `"network"`, `"other"`}
		}},
		"location of another name": {readOnlyType, "location", func(t *testing.T, s *server) (attributes, []string) {
			r := newRemote(t)
			id := s.createReadOnlyRepository(t, "other", r.Path, "v1.0.0")
			return readOnlyConfig(r, "v1.0.0"), []string{id, `name = "other"`}
		}},
		"location of the other kind": {readOnlyType, "location", func(t *testing.T, s *server) (attributes, []string) {
			r := newRemote(t)
			id := s.createReadWriteRepository(t, "other", r.Path, "main")
			return readOnlyConfig(r, "v1.0.0"), []string{id, "of the other kind", "infrahub_repository"}
		}},
		"another default branch": {readWriteType, "default_branch", func(t *testing.T, s *server) (attributes, []string) {
			r := newRemote(t)
			r.Branch(t, "stable")
			id := s.createReadWriteRepository(t, "network", r.Path, "stable")
			return readWriteConfig(r), []string{id, `follows the branch "stable"`, `default_branch = "stable"`}
		}},
		"default branch of Infrahub": {branchType, "name", func(*testing.T, *server) (attributes, []string) {
			return attributes{"name": "main"}, []string{"default branch", "destroy"}
		}},
		"merged branch": {branchType, "name", func(t *testing.T, s *server) (attributes, []string) {
			s.createBranch(t, "release")
			id := s.branchID(t, "release")
			s.mergeBranch(t, "release")
			return attributes{"name": "release"}, []string{id, "MERGED", "another name"}
		}},
		"sync_with_git": {branchType, "sync_with_git", func(t *testing.T, s *server) (attributes, []string) {
			s.createBranch(t, "release")
			return attributes{"name": "release", "sync_with_git": true}, []string{s.branchID(t, "release"), "sync_with_git = false"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			config, parts := test.setUp(t, s)
			s.Log.Reset()
			i := s.newInstance(t, test.typeName)
			title := "Existing " + resourceTypeOf(t, test.typeName).title() + " Not Adopted"
			got := i.plan(adopting(config)).diagnostics.onlyError(t)
			got.expect(t, test.attribute, title, parts...)
			expectTitleCase(t, title)

			// The plan could not ask, because the setting was not known yet.
			plan := i.plan(config.with(attributes{"adopt_existing": unknown}))
			plan.diagnostics.requireNone(t)
			plan.config = adopting(config)
			plan.state = plan.state.with(attributes{"adopt_existing": true})
			i.apply(plan).onlyError(t).expect(t, test.attribute, title, parts...)
			for _, sent := range s.takeMutations() { // the create, repeated in case that the name becomes free
				if !strings.HasPrefix(sent, "Create") {
					t.Errorf("sent %s", sent)
				}
			}
			if i.state != nil {
				t.Errorf("saved %v", i.state)
			}
		})
	}
}

// A repository that becomes one of the other kind is deleted by the same apply.
func TestAdoption_ConflictWithAnObjectInTheStateIsNoErrorOfThePlan(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	before := s.newInstance(t, readWriteType)
	before.mustApply(readWriteConfig(r))
	s.WaitForTasks(t)
	planning := s.connect(t)
	before.testProvider = planning
	before.refresh().requireNone(t)
	planning.newInstance(readOnlyType).plan(adopting(readOnlyConfig(r, "main"))).diagnostics.requireNone(t)
}

// Others may have put a user and a password into a location.
func TestAdoption_ConflictShowsNoPasswordInALocation(t *testing.T) {
	t.Parallel()
	location := "https://bot:" + secret + "@git.example.com/network.git"
	holder := &infrahub.Repository{Kind: infrahub.ReadWrite, ID: nodeUUID, Name: "network", Location: location}
	other := &infrahub.Repository{Kind: infrahub.ReadOnly, ID: otherUUID, Name: "other", Location: location}
	for name, byLocation := range map[string]*infrahub.Repository{"one candidate": nil, "two candidates": other} {
		for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
			conflict := repositoryConflict(kind, "https://git.example.com/moved.git", holder, byLocation)
			if !strings.Contains(conflict.reason, "git.example.com/network.git") || strings.Contains(conflict.reason, secret) {
				t.Errorf("%s, %s: %s", name, kind, conflict.reason)
			}
		}
	}
}

func TestAdoption_GitSuffixThatTheServerAppendsIsNoDifference(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{AppendGitSuffix: []string{"localhost"}})
	address, commits := twoRepositories(t, "localhost")
	config := attributes{"name": "network", "location": address + "/nos"}
	s.newInstance(t, readOnlyType).mustApply(config)
	s.WaitForTasks(t)
	i := s.newInstance(t, readOnlyType)
	i.adopt(s, adopting(config)).expect(t, "", "Existing Read-only Repository Will Be Adopted", "None of its attributes changes.")
	s.expectMutations(t)
	if i.state.text("location") != address+"/nos" || i.state.text("commit") != commits["/nos.git"] {
		t.Errorf("saved %v", i.state)
	}
	i.refresh().requireNone(t)
	i.expectEmptyPlan(adopting(config))
}

// reimports are the mutations that import the ref of a read-only repository again.
func reimports() []string { return []string{"ImportLatestCommit: id", "ReimportCommit: id"} }

func TestAdoption_ImportsWhatIsNotProvenToBeImported(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// setUp makes the repository "network" and returns what the configuration adds to ref v1.0.0.
		setUp func(t *testing.T, s *server, r *mocktest.Remote) attributes
		want  []string
	}{
		"proven": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
			return nil
		}, nil},
		"proven, with triggers": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
			return attributes{"reimport_triggers": map[string]string{"release": "7"}}
		}, nil},
		"another ref": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.createReadOnlyRepository(t, "network", r.Path, "v1.1.0")
			return nil
		}, []string{"UpdateReadOnlyRepository: id ref"}},
		"stored": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.upsertRef(t, "main", s.createReadOnlyRepository(t, "network", r.Path, "v1.1.0"), "v1.0.0")
			return nil
		}, reimports()},
		"failed": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.createReadOnlyRepository(t, "network", r.Path, "v1.2.0")
			r.Release(t, "v1.2.0", nil)
			return attributes{"ref": "v1.2.0"}
		}, reimports()},
		"no task": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
			s.Inject(mockserver.Fault{Operation: "Tasks", Times: 2, Status: http.StatusOK, ContentType: "application/json", Body: `{"data":{"InfrahubTask":{"edges":[]}}}`})
			return nil
		}, reimports()},
		"no task, and the remote shows that the commit is right": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
			s.forgetTasks()
			return attributes{"resolve_ref": true}
		}, nil},
		"a branch that moved": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.createReadOnlyRepository(t, "network", r.Path, "main")
			r.Release(t, "v2.0.0", nil)
			return attributes{"ref": "main", "resolve_ref": true}
		}, reimports()},
		"a stored location": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			id := s.createReadOnlyRepository(t, "network", otherLocation(t), "v1.0.0")
			s.Ask(t, `mutation($id:String!,$to:String!){CoreReadOnlyRepositoryUpsert(data:{id:$id location:{value:$to}}){ok}}`, "id", id, "to", r.Path)
			return nil
		}, []string{"UpdateReadOnlyRepository: id ref", "UpdateReadOnlyRepository: id ref"}},
		"without waiting": {func(t *testing.T, s *server, r *mocktest.Remote) attributes {
			s.upsertRef(t, "main", s.createReadOnlyRepository(t, "network", r.Path, "v1.1.0"), "v1.0.0")
			return attributes{"wait_for_import": false}
		}, []string{"ImportLatestCommit: id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			config := adopting(readOnlyConfig(r, "v1.0.0").with(test.setUp(t, s, r)))
			i := s.newInstance(t, readOnlyType)
			i.adopt(s, config)
			s.expectMutations(t, test.want...)
			s.WaitForTasks(t)
			i.refresh().requireNone(t)
			want := r.Commits[config.text("ref")]
			if config.text("ref") == "main" {
				want = r.Commits["v2.0.0"]
			}
			if i.state.text("commit") != want || i.recordedFailure() != nil {
				t.Errorf("saved %v, want commit %s; recorded %+v", i.state, want, i.recordedFailure())
			}
			i.expectEmptyPlan(config)
		})
	}
}

func TestAdoption_WaitsForAnImportThatStillRuns(t *testing.T) {
	t.Parallel()
	for typeName, workflow := range map[string]string{readOnlyType: "git-repository-add-read-only", readWriteType: "git-repository-add-read-write"} {
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			config := attributes{"name": "network", "location": r.Path}
			// A create that was killed: nobody waits for its import.
			s.Inject(mockserver.Fault{Operation: workflow, Delay: time.Second})
			killed := s.newInstance(t, typeName)
			killed.mustApply(config.with(attributes{"wait_for_import": false}))
			if killed.state["commit"] != nil {
				t.Fatalf("imported already: %v", killed.state)
			}
			i := s.newInstance(t, typeName)
			i.adopt(s, adopting(config))
			s.expectMutations(t)
			if i.id() != killed.id() || i.state.text("commit") != r.Commits["v1.1.0"] || i.state.text("operational_status") != "online" {
				t.Errorf("adopted %v", i.state)
			}
			i.expectEmptyPlan(adopting(config))
		})
	}
}

// The server still checks the connection of a create: there is no task yet, and the repository is not in use.
func TestAdoption_WaitsForTheFirstTaskOfACreate(t *testing.T) {
	t.Parallel()
	for _, typeName := range []string{readOnlyType, readWriteType} {
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			s, root := startServer(t, mockserver.Options{}), t.TempDir()
			r := mocktest.NewRemote(t, root, "network.git", "v1.0.0")
			git, err := gitserver.Handler(root, gitserver.Options{})
			if err != nil {
				t.Fatal(err)
			}
			location := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				time.Sleep(250 * time.Millisecond)
				git.ServeHTTP(w, req)
			})) + "/network.git"
			config := attributes{"name": "network", "location": location}
			created := make(chan struct{})
			go func() {
				defer close(created)
				killed := s.newInstance(t, typeName)
				killed.mustApply(config.with(attributes{"wait_for_import": false}))
			}()
			i := s.newInstance(t, typeName)
			for range 100 {
				if len(i.plan(adopting(config)).diagnostics.warnings()) > 0 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			i.adopt(s, adopting(config))
			<-created
			if i.state.text("commit") != r.Commits["v1.0.0"] {
				t.Errorf("adopted %v", i.state)
			}
		})
	}
}

func TestAdoption_OfAHealthyReadWriteRepositoryImportsNothing(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.createReadWriteRepository(t, "network", r.Path, "main")
	i := s.newInstance(t, readWriteType)
	i.adopt(s, adopting(readWriteConfig(r)))
	s.expectMutations(t)
	if i.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("adopted %v", i.state)
	}
	// The branch that was imported is known, as after a create.
	i.plan(adopting(readWriteConfig(r).with(attributes{"default_branch": "stable"}))).diagnostics.onlyWarning(t).expect(t, "default_branch", "Repository Will Be Replaced", `"main"`)
}

func TestAdoption_OfAReadWriteRepositoryWhoseImportFailedImportsItsCommitAgain(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{SyncInterval: 20 * time.Millisecond}), newRemote(t)
	r.Commit(t, "broken", mocktest.BrokenFiles())
	s.createReadWriteRepository(t, "network", r.Path, "main")
	i := s.newInstance(t, readWriteType)
	config := adopting(readWriteConfig(r))
	plan := i.plan(config)
	s.Log.Reset()
	i.apply(plan).onlyError(t).expect(t, "", "Import Failed", `"network"`, ".infrahub.yml", "not kept in the state")
	s.expectMutations(t, "ReimportCommit: id")
	if i.state != nil {
		t.Errorf("saved %v", i.state)
	}
}

// An error with a state would be a tainted repository, which the next apply would delete.
func TestAdoption_FailedImportIsAnErrorWithoutAStateAndIsRetried(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ref     string
		exists  string
		summary string
	}{
		"of a changed ref":   {"v9.9.9", "v1.0.0", "Import Failed"},
		"that failed before": {"v9.9.9", "v9.9.9", "Import Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			id := s.createReadOnlyRepository(t, "network", r.Path, test.exists)
			config := adopting(readOnlyConfig(r, test.ref))
			i := s.newInstance(t, readOnlyType)
			i.apply(i.plan(config)).onlyError(t).expect(t, "", test.summary, "v9.9.9", "not kept in the state", "next apply adopts it again")
			if i.state != nil || i.recordedFailure() != nil {
				t.Errorf("saved %v, recorded %+v", i.state, i.recordedFailure())
			}
			r.Release(t, "v9.9.9", nil)
			i.adopt(s, config)
			s.expectMutations(t, reimports()...)
			if i.id() != id || i.state.text("commit") != r.Commits["v9.9.9"] {
				t.Errorf("adopted %v", i.state)
			}
		})
	}
}

func TestAdoption_ImportThatDoesNotEndIsAnErrorWithoutAState(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.Inject(mockserver.Fault{Operation: "git-repository-add-read-only", StuckTask: true})
	s.newInstance(t, readOnlyType).mustApply(readOnlyConfig(r, "v1.0.0").with(attributes{"wait_for_import": false}))
	i := s.newInstance(t, readOnlyType)
	config := adopting(readOnlyConfig(r, "v1.0.0")).with(attributes{"timeouts": attributes{"create": "2s"}})
	i.apply(i.plan(config)).onlyError(t).expect(t, "", "Import Not Finished", "The timeout expired.", "already", "not kept in the state")
	if i.state != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestAdoption_ImportThatIsNotObservedIsAWarningAndRecorded(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	i := s.newInstance(t, readOnlyType)
	plan := i.plan(adopting(readOnlyConfig(r, "v9.9.9")))
	s.blindAfter("UpdateReadOnlyRepository", 0)
	diags := i.apply(plan)
	diags.requireNoErrors(t)
	diags.onlyWarning(t).expect(t, "", "Import Not Observed", "next plan looks at the import again")
	if record := i.recordedFailure(); i.id() != id || record == nil || !record.Unobserved {
		t.Errorf("saved %v, recorded %+v", i.state, record)
	}
}

// Infrahub undoes a create whose connection check fails.
func TestAdoption_RepositoryThatIsGoneByThenIsCreated(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	id := s.createReadOnlyRepository(t, "network", r.Path, "v1.0.0")
	i := s.newInstance(t, readOnlyType)
	plan := i.plan(adopting(readOnlyConfig(r, "v1.1.0")))
	s.failOnce("UpdateReadOnlyRepository", http.StatusOK, `{"data":null,"errors":[{"message":"Unable to find the node","extensions":{"code":"NODE_NOT_FOUND","http_status":404,"data":{}}}]}`)
	s.injectAfter(mockserver.Fault{Operation: "none"}, func(request mockserver.Request) bool {
		if request.Operation != "UpdateReadOnlyRepository" {
			return false
		}
		s.Ask(t, `mutation($id:String!){CoreReadOnlyRepositoryDelete(data:{id:$id}){ok}}`, "id", id)
		return true
	})
	i.apply(plan).requireNone(t)
	if i.id() == id || i.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("created %v", i.state)
	}
}
