package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// A task is found by its node only once it has started; without related_node__ids it is listed as
// SCHEDULED or PENDING before.
func TestImporting2_TasksAreHiddenUntilTheyStart(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		if s.mock != nil { // so that it waits long enough to be seen
			s.mock.Inject(mockserver.Fault{Operation: addReadOnly, Times: 1, Delay: time.Second})
		}
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} ref:{value:"v1.0.0"}`, s.name("r"), remote.location))
		waiting := false
		s.often(t, "the task to end", func() bool {
			got := s.ask(t, `query($ids:[String] $w:[String]){found:InfrahubTask(related_node__ids:$ids workflow:$w){edges{node{state}}}
				all:InfrahubTask(workflow:$w limit:50){edges{node{state parameters}}}}`, "ids", []string{id}, "w", []string{addReadOnly})
			found := got.text("data.found.edges.0.node.state")
			for i := range 50 {
				node := fmt.Sprintf("data.all.edges.%d.node.", i)
				if got.text(node+"parameters.model.repository_id") != id {
					continue
				}
				if state := got.text(node + "state"); state == "SCHEDULED" || state == "PENDING" {
					waiting = true
					if found != "" {
						t.Errorf("found by its node as %s, while it is %s", found, state)
					}
				}
			}
			return found == "COMPLETED"
		})
		if !waiting {
			t.Error("the task was never seen before it started")
		}
		s.ended(t, id, addReadOnly+" COMPLETED", pull+" COMPLETED", importLast+" COMPLETED")
	})
}

// InfrahubTask is filtered by ids, branch, workflow and state, and paged; of several related_node__ids
// the server looks at the first only.
func TestImporting2_TaskFilters(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		a := s.readOnlyAt(t, s.newRemote(t, "a.git"), "v1.0.0")
		b := s.readOnlyAt(t, s.newRemote(t, "b.git"), "v1.0.0")
		one := s.tasks(t, a)[0].id
		count := func(filter string) any {
			return s.ask(t, `{InfrahubTask(`+filter+`){count}}`).at("data.InfrahubTask.count")
		}
		all := count(fmt.Sprintf(`related_node__ids:[%q]`, a))
		for filter, want := range map[string]any{
			fmt.Sprintf(`related_node__ids:[%q,%q]`, a, b):                               all,
			fmt.Sprintf(`related_node__ids:[%q]`, newID()):                               0.0,
			fmt.Sprintf(`related_node__ids:[%q] workflow:[%q]`, a, pull):                 1.0,
			fmt.Sprintf(`related_node__ids:[%q] workflow:[%q,%q]`, a, pull, addReadOnly): 2.0,
			fmt.Sprintf(`related_node__ids:[%q] state:[FAILED]`, a):                      0.0,
			fmt.Sprintf(`related_node__ids:[%q] state:[FAILED COMPLETED]`, a):            all,
			fmt.Sprintf(`related_node__ids:[%q] branch:"main"`, a):                       all,
			fmt.Sprintf(`related_node__ids:[%q] branch:"none"`, a):                       0.0,
			fmt.Sprintf(`ids:[%q]`, one):                                                 1.0,
			fmt.Sprintf(`ids:[%q] related_node__ids:[%q]`, one, b):                       0.0,
			fmt.Sprintf(`related_node__ids:[%q] limit:1 offset:1`, a):                    all,
		} {
			if has := count(filter); has != want {
				t.Errorf("%s: got %v, want %v", filter, has, want)
			}
		}
		page := s.ask(t, fmt.Sprintf(`{InfrahubTask(related_node__ids:[%q] limit:1){edges{node{id}}}}`, a))
		if edges, _ := page.at("data.InfrahubTask.edges").([]any); len(edges) != 1 {
			t.Errorf("a page of one has %d", len(edges))
		}
	})
}

// Each import has a sub-task import-object-from-file.
func TestImporting3_SubTask(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		count := 0
		for _, each := range s.tasks(t, id) {
			if each.workflow == importFile {
				count++
				if each.state != "COMPLETED" {
					t.Errorf("a sub-task is %s", each.state)
				}
			}
		}
		if count < 2 { // of the create, and of the echo's pull
			t.Errorf("%d sub-tasks", count)
		}
	})
}

// InfrahubReadOnlyRepositoryImportLastCommit and InfrahubRepositoryProcess start one task each and say
// which; after a push the former brings the ref's new commit, the latter imports the current commit again.
func TestImporting4_OnDemand(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "main")
		remote.commit(t, "pushed", remote.files("pushed"), nil)
		again := s.demand(t, "InfrahubRepositoryProcess", id)
		if tasks := s.ended(t, id, importObject+" COMPLETED"); tasks[0].id != again {
			t.Errorf("the task is %s, told was %s", tasks[0].id, again)
		}
		if has := s.state(t, "main", readOnly, id, remote); has != "main/in-sync/online" {
			t.Errorf("the re-import makes it %s", has)
		}
		last := s.demand(t, "InfrahubReadOnlyRepositoryImportLastCommit", id)
		tasks := s.ended(t, id, importLast+" COMPLETED", importLast+" COMPLETED", pull+" COMPLETED") // its own, and the echo
		if tasks[0].id != last {
			t.Errorf("the first task is %s, told was %s", tasks[0].id, last)
		}
		if has := s.state(t, "main", readOnly, id, remote); has != "pushed/in-sync/online" {
			t.Errorf("the last commit makes it %s", has)
		}
		none := newID()
		s.refused(t, s.on(t, "main", `mutation{InfrahubRepositoryProcess(data:{id:"`+none+`"}){ok}}`), "InfrahubRepositoryProcess", failure{
			message: "Unable to find the node " + none + " / CoreGenericRepository in the database.", code: "NODE_NOT_FOUND", status: 404,
			data: fmt.Sprintf(`{"identifier":%q,"node_kind":"CoreGenericRepository"}`, none),
		})
	})
}

// InfrahubRepositoryConnectivity asks the remote and says how it went; operational_status follows.
func TestImporting5_Connectivity(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		s.newRemote(t, "private/r.git")
		id := s.readWriteAt(t, remote)
		name := s.name(remote.query)
		for _, step := range []struct{ location, status, message string }{
			{remote.location, "online", "Successfully accessed repository"},
			{closed(t) + "/r.git", "error-connection", "Unable to clone the repository " + name + ", please check the address and the credential"},
			{s.git + "/private/r.git", "error-cred", "Unable to correctly lookup credentials for repository " + name + " (" + s.git + "/private/r.git)."},
			{s.git + "/none.git", "error", "\n  stderr: 'fatal: repository '" + s.git + "/none.git/' not found'"},
		} {
			s.change(t, readWrite, id, fmt.Sprintf(`location:{value:%q}`, step.location))
			got := s.ask(t, `mutation{InfrahubRepositoryConnectivity(data:{id:"`+id+`"}){ok message}}`)
			if message := got.text("data.InfrahubRepositoryConnectivity.message"); message != step.message {
				t.Errorf("%s: got the message %q, want %q", step.status, message, step.message)
			}
			same(t, got, "data.InfrahubRepositoryConnectivity.ok", fmt.Sprint(step.status == "online"))
			same(t, s.read(t, readWrite, id), "operational_status.value", `"`+step.status+`"`)
		}
	})
}

// Tags, annotated tags, branches and commits, long or short, are refs alike.
func TestImporting8_Refs(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		feature := "feature"
		remote.branch(t, feature, remote.files("feature"))
		id := s.readOnlyAt(t, remote, "v1.0.0")
		for _, step := range []struct{ ref, commit string }{
			{"v2.0.0", "v2.0.0"}, {feature, feature}, {remote.commits["v1.1.0"], "v1.1.0"}, {remote.commits["v1.0.0"][:7], "v1.0.0"}, {"main", "main"},
		} {
			s.bumped(t, "main", id, step.ref)
			if has := s.state(t, "main", readOnly, id, remote); has != step.commit+"/in-sync/online" {
				t.Errorf("ref %s is %s", step.ref, has)
			}
		}
	})
}

// A good create: sync_status goes from unknown over syncing to in-sync; commit is set while it is still
// unknown; operational_status becomes online last. The echo imports once more.
func TestImporting9_CreateGood(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} ref:{value:"v1.0.0"}`, s.name("r"), remote.location))
		states := s.watch(t, readOnly, id, remote)
		s.ended(t, id, addReadOnly+" COMPLETED", pull+" COMPLETED", importLast+" COMPLETED")
		inOrder(t, states.end(), `null/unknown/unknown v1.0.0/unknown/unknown? v1.0.0/syncing/unknown? v1.0.0/in-sync/unknown?
			v1.0.0/in-sync/online? v1.0.0/syncing/online? v1.0.0/in-sync/online`)
	})
}

// A good create of a read-write repository: the same states, on its default branch. Where a periodic sync
// comes in between, it may be in-sync before its commit is set, and syncing once more.
func TestImporting9_CreateGoodReadWrite(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.create(t, readWrite, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), remote.location))
		states := s.watch(t, readWrite, id, remote)
		s.ended(t, id, addReadWrite+" COMPLETED")
		inOrder(t, states.end(), `null/unknown/unknown null/syncing/unknown? null/in-sync/unknown? main/unknown/unknown? main/syncing/unknown? main/in-sync/unknown?
			main/in-sync/online? main/syncing/online? main/in-sync/online`)
	})
}

// A good ref bump: the node stays in-sync at first, with the old commit, is syncing and in-sync again
// still with the old commit or with the new one before its objects are there, and ends at the new commit.
// Two tasks run, then the echo of both.
func TestImporting10_BumpGood(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		states := s.watch(t, readOnly, id, remote)
		s.bumped(t, "main", id, "v1.1.0")
		got := states.end()
		inOrder(t, got, `v1.0.0/in-sync/online v1.0.0/syncing/online? v1.0.0/in-sync/online? v1.1.0/in-sync/online|v1.1.0/syncing/online*`)
		if !strings.HasSuffix(got, " v1.1.0/in-sync/online ") {
			t.Errorf("ends with %s", got)
		}
	})
}

// A bump to a ref that is missing: the node stays in-sync and online at the old commit for ever, and
// keeps the new ref; both tasks fail and say why.
func TestImporting11_BumpToAMissingRef(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		states := s.watch(t, readOnly, id, remote)
		s.change(t, readOnly, id, `ref:{value:"v9.9.9"}`)
		tasks := s.ended(t, id, pull+" FAILED", importLast+" FAILED")
		inOrder(t, states.end(), `v1.0.0/in-sync/online`)
		same(t, s.read(t, readOnly, id), "ref.value", `"v9.9.9"`)
		for _, each := range tasks {
			s.reason(t, id, each.id, "Finished in state Failed('Flow run encountered an exception: ValueError: Ref v9.9.9 not found.')")
		}
	})
}

// A bump to a broken .infrahub.yml: the new commit is written, and in-sync becomes error-import;
// import-last-commit is COMPLETED, the pull is FAILED; the echo the same.
func TestImporting12_BumpToABrokenConfiguration(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		states := s.watch(t, readOnly, id, remote)
		s.change(t, readOnly, id, `ref:{value:"v3.0.0"}`)
		tasks := s.ended(t, id, pull+" FAILED", importLast+" COMPLETED", pull+" FAILED", importLast+" COMPLETED")
		inOrder(t, states.end(), `v1.0.0/in-sync/online v1.0.0/syncing/online? v1.0.0/error-import/online?
			v3.0.0/in-sync/online? v3.0.0/syncing/online? v3.0.0/error-import/online v3.0.0/syncing/online? v3.0.0/error-import/online?`)
		for _, each := range tasks {
			if each.workflow == pull {
				s.reason(t, id, each.id, "RepositoryConfigurationError: Repository '"+s.name(remote.query)+"' has an invalid configuration file '.infrahub.yml'.")
			}
		}
	})
}

// A create with a ref or a default branch that is missing: sync_status stays unknown and commit null
// for ever, operational_status is error; the only task fails and says why.
func TestImporting13_CreateWithAMissingRef(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		for kind, test := range map[string]struct{ attribute, workflow string }{readOnly: {"ref", addReadOnly}, readWrite: {"default_branch", addReadWrite}} {
			remote := s.newRemote(t, test.attribute+".git")
			name := s.name(test.attribute)
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} %s:{value:"none"}`, name, remote.location, test.attribute))
			states := s.watch(t, kind, id, remote)
			task := s.ended(t, id, test.workflow+" FAILED")[0]
			inOrder(t, states.end(), `null/unknown/unknown null/unknown/error`)
			s.reason(t, id, task.id, fmt.Sprintf(`Finished in state Failed("Flow run encountered an exception: RepositoryInvalidBranchError: `+
				`The branch none isn't a valid branch for the repository %s at %s.")`, name, remote.location))
		}
	})
}

// A create whose credential is detached, or made wrong, while its import waits: sync_status stays unknown
// and commit null, operational_status is error-cred; the only task fails.
func TestImporting14_CreateWithoutItsCredential(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		for kind, workflow := range map[string]string{readOnly: addReadOnly, readWrite: addReadWrite} {
			remote := s.newRemote(t, "private/"+kind+".git")
			secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q} username:{value:%q} password:{value:%q}`, s.name(kind), gitUsername, gitPassword))
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q} credential:{id:%q}`, s.name(kind), remote.location, secret))
			reason := "RepositoryCredentialsError: Unable to correctly lookup credentials for repository " + s.name(kind)
			if kind == readOnly { // the clone comes later
				s.change(t, kind, id, `credential:null`)
			} else {
				s.change(t, credential, secret, `password:{value:"wrong"}`)
				reason = "RepositoryCredentialsError: Authentication failed for " + s.name(kind)
			}
			task := s.ended(t, id, workflow+" FAILED")[0]
			if has := s.state(t, "main", kind, id, remote); has != "null/unknown/error-cred" {
				t.Errorf("%s is %s", kind, has)
			}
			s.reason(t, id, task.id, reason)
		}
	})
}

// A tag that the remote moves after the server has cloned it makes every import-last fail, for its fetch of
// tags is refused; the pull goes on with the tag as it was. The commit of the node does not change.
func TestImporting15_MovedTag(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		remote.commit(t, "moved", remote.files("moved"), nil)
		if err := remote.Tag("v1.1.0"); err != nil {
			t.Fatal(err)
		}
		s.change(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		for _, each := range s.ended(t, id, importLast+" FAILED", pull+" COMPLETED") {
			if each.workflow == importLast {
				s.reason(t, id, each.id, "GitCommandError: Cmd('git') failed due to: exit code(1)\\n  cmdline: git fetch -v --prune --tags --prune-tags -- origin")
			}
		}
		same(t, s.read(t, readOnly, id), "commit.value", `"`+remote.commits["v1.0.0"]+`"`)
	})
}

// A changed location starts nothing and changes nothing. The imports on demand stay with the old
// remote; the pull of a changed ref clones the new one.
func TestImporting16_LocationChanged(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, other := s.newRemote(t, "old.git"), s.newRemote(t, "new.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		s.change(t, readOnly, id, fmt.Sprintf(`location:{value:%q}`, other.location))
		s.ended(t, id)
		if has := s.state(t, "main", readOnly, id, remote); has != "v1.0.0/in-sync/online" {
			t.Errorf("a changed location makes it %s", has)
		}
		s.demand(t, "InfrahubReadOnlyRepositoryImportLastCommit", id)
		s.ended(t, id, importLast+" COMPLETED")
		s.demand(t, "InfrahubRepositoryProcess", id)
		s.ended(t, id, importObject+" COMPLETED")
		if has := s.state(t, "main", readOnly, id, remote); has != "v1.0.0/in-sync/online" {
			t.Errorf("imports on demand make it %s", has)
		}
		s.change(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		s.until(t, "the new remote's commit", func() bool { return s.state(t, "main", readOnly, id, other) == "v1.1.0/in-sync/online" })
	})
}

// A changed location of a read-write repository is followed by the next periodic sync.
func TestImporting16_LocationOfReadWriteIsFollowed(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote, other := s.newRemote(t, "old.git"), s.newRemote(t, "new.git")
		id := s.readWriteAt(t, remote)
		s.change(t, readWrite, id, fmt.Sprintf(`location:{value:%q}`, other.location))
		s.until(t, "the new remote's commit", func() bool { return s.state(t, "main", readWrite, id, other) == "main/in-sync/online" })
	})
}

// A changed description, tag, credential or name starts no task; nor does the ref that is set already.
func TestImporting17_ChangesWithoutATask(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		secret, label := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		id := s.readOnlyAt(t, remote, "v1.0.0")
		for _, input := range []string{
			`description:{value:"d"}`, `tags:[{id:"` + label + `"}]`, `credential:{id:"` + secret + `"}`, `name:{value:"` + s.name("renamed") + `"}`, `ref:{value:"v1.0.0"}`, `ref:{value:null}`,
		} {
			s.change(t, readOnly, id, input)
		}
		s.ended(t, id)
		if has := s.state(t, "main", readOnly, id, remote); has != "v1.0.0/in-sync/online" {
			t.Errorf("it is %s", has)
		}
	})
}

// The default_branch of a read-write repository is stored when it changes, and never acted on.
func TestImporting18_DefaultBranchChanged(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readWriteAt(t, remote)
		for _, name := range []string{"v1.0.0", "none"} {
			s.change(t, readWrite, id, fmt.Sprintf(`default_branch:{value:%q}`, name))
			s.ended(t, id)
			same(t, s.read(t, readWrite, id), "default_branch.value", `"`+name+`"`)
			if has := s.state(t, "main", readWrite, id, remote); has != "main/in-sync/online" {
				t.Errorf("with default_branch %s it is %s", name, has)
			}
		}
	})
}

// A push to the remote of a read-write repository is followed by the next periodic sync.
func TestImporting19_PushIsFollowed(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readWriteAt(t, remote)
		remote.commit(t, "pushed", remote.files("pushed"), nil)
		states := s.watch(t, readWrite, id, remote)
		s.ended(t, id, syncOrigin+" COMPLETED")
		inOrder(t, states.end(), `main/in-sync/online pushed/in-sync/online? pushed/syncing/online? pushed/in-sync/online`)
	})
}

// A good create whose other Git branch cannot be synced: the default branch is in-sync, yet the task
// FAILED and names the branch. The task's branch is only its last: that of the other.
func TestImporting20_AnotherBranchCannotBeSynced(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		feature := s.name("feature")
		remote.branch(t, feature, broken("feature"))
		s.dropBranch(t, feature)
		id := s.create(t, readWrite, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name("r"), remote.location))
		task := s.ended(t, id, addReadWrite+" FAILED")[0]
		if has := s.state(t, "main", readWrite, id, remote); has != "main/in-sync/online" {
			t.Errorf("on main it is %s", has)
		}
		if task.branch != feature {
			t.Errorf("the task's branch is %s", task.branch)
		}
		s.reason(t, id, task.id, fmt.Sprintf("Unable to synchronize the following branches of repository %s: %s (step=import): ", s.name("r"), feature))
	})
}

// The parameters of a pull tell a change from its echo: a pull that a changed ref started has the new
// ref and no commit, the echo's has the commit, and is created later. import-last-commit has the ref.
func TestImporting21_ParametersTellTheEcho(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		s.change(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		tasks := s.ended(t, id, pull+" COMPLETED", importLast+" COMPLETED", pull+" COMPLETED", importLast+" COMPLETED")
		var commits []string
		for i, each := range tasks {
			for name, want := range map[string]any{"repository_id": id, "repository_name": s.name(remote.query), "ref": "v1.1.0", "infrahub_branch_name": "main"} {
				if each.parameters[name] != want {
					t.Errorf("%s: %s is %v, want %v", each.workflow, name, each.parameters[name], want)
				}
			}
			if each.workflow != pull {
				continue
			}
			if each.parameters["location"] != remote.location {
				t.Errorf("location is %v", each.parameters["location"])
			}
			commit, _ := each.parameters["commit"].(string)
			commits = append(commits, remote.named(commit))
			if echo := i > 1; echo != (commit != "") {
				t.Errorf("task %d has commit %q", i, commit)
			}
		}
		if want := []string{"null", "v1.1.0"}; !slices.Equal(commits, want) {
			t.Errorf("the pulls have the commits %v, want %v", commits, want)
		}
	})
}

// The parameters of the task of a create hold what was created.
func TestImporting21_ParametersOfACreate(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for kind, attribute := range map[string]string{readOnly: "ref", readWrite: "default_branch_name"} {
			remote := s.newRemote(t, attribute+".git")
			id := s.create(t, kind, fmt.Sprintf(`name:{value:%q} location:{value:%q}`, s.name(attribute), remote.location))
			workflow, echo := addReadWrite, []string{addReadWrite + " COMPLETED"}
			if kind == readOnly {
				workflow, echo = addReadOnly, []string{addReadOnly + " COMPLETED", pull + " COMPLETED", importLast + " COMPLETED"}
			}
			tasks := s.ended(t, id, echo...)
			for name, want := range map[string]any{
				"repository_id": id, "repository_name": s.name(attribute), "location": remote.location, attribute: "main", "infrahub_branch_name": "main", "internal_status": "active",
			} {
				if tasks[0].workflow != workflow || tasks[0].parameters[name] != want {
					t.Errorf("%s: %s is %v, want %v", tasks[0].workflow, name, tasks[0].parameters[name], want)
				}
			}
		}
	})
}

// The echo of one import may still turn up after a later change; it undoes nothing: the node ends at
// the later ref's commit.
func TestImporting22_EchoAfterALaterChange(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} ref:{value:"v1.0.0"}`, s.name("r"), remote.location))
		s.until(t, "the create's own task", func() bool {
			tasks := s.tasks(t, id)
			return len(tasks) > 0 && tasks[0].workflow == addReadOnly && tasks[0].state == "COMPLETED"
		})
		s.change(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		completed := func(workflow string, times int) []string {
			return slices.Repeat([]string{workflow + " COMPLETED"}, times)
		}
		want := append(completed(pull, 3), completed(importLast, 3)...)
		tasks := s.ended(t, id, append(want, addReadOnly+" COMPLETED")...)
		if has := s.state(t, "main", readOnly, id, remote); has != "v1.1.0/in-sync/online" {
			t.Errorf("it ends as %s", has)
		}
		refs := map[any]int{}
		for _, each := range tasks {
			refs[each.parameters["ref"]]++
		}
		if refs["v1.0.0"] != 3 || refs["v1.1.0"] != 4 { // the create and its echo; the change and its echo
			t.Errorf("tasks by ref: %v", refs)
		}
	})
}

// The last line of a failed task's log, the one with the reason, may come some time after its end.
func TestImporting24_LastLogLineIsLate(t *testing.T) {
	t.Parallel()
	proveInTime(t, func(t *testing.T, s *server) {
		late, polls := 0, 0
		for attempt := 0; attempt == 0 || s.mock != nil && attempt < 10 && late == 0; attempt++ { // on a busy machine a look itself may come late
			name := fmt.Sprintf("r%d", attempt)
			remote := s.newRemote(t, name+".git")
			id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} ref:{value:"none"}`, s.name(name), remote.location))
			s.often(t, "the reason", func() bool {
				for _, each := range s.tasks(t, id) {
					if each.state == "FAILED" {
						polls++
						if strings.HasPrefix(each.reason(), "Finished in state Failed(") {
							return true
						}
						late++
					}
				}
				return false
			})
		}
		if s.mock != nil && late == 0 {
			t.Error("the mock's last line is never late")
		}
		t.Logf("%d of %d looks at the failed task were without its reason", late, polls)
	})
}

// A query that another repository owns on the branch cannot be imported: the task says so.
func TestImporting26_ObjectsBelongToOneRepository(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		first, second := s.newRemote(t, "a.git"), s.newRemote(t, "b.git")
		owner := s.readOnlyAt(t, first, "v1.0.0")
		same(t, s.ask(t, fmt.Sprintf(`{CoreGraphQLQuery(name__value:%q){edges{node{repository{node{id}}}}}}`, first.query)),
			"data.CoreGraphQLQuery.edges.0.node.repository.node.id", `"`+owner+`"`)
		second.commit(t, "v4.0.0", first.files("again"), second.Tag)
		id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:%q} ref:{value:"v4.0.0"}`, s.name("b"), second.location))
		tasks := s.ended(t, id, addReadOnly+" FAILED", pull+" FAILED", importLast+" COMPLETED")
		s.reason(t, id, tasks[0].id, "Violates uniqueness constraint 'name'")
		if has := s.state(t, "main", readOnly, id, second); has != "v4.0.0/error-import/online" {
			t.Errorf("it is %s", has)
		}
	})
}
