package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// A task is found by its node only once it has started. Without related_node__ids it is listed before that, as
// SCHEDULED or PENDING.
func TestImporting2_TasksAreHiddenUntilTheyStart(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		if s.mock != nil { // the task has to be queued long enough for a poll
			s.mock.Inject(mockserver.Fault{Operation: addReadOnly, Times: 1, Delay: time.Second})
		}
		id := s.createRepository(t, readOnly, "r", remote, `ref:{value:"v1.0.0"}`)
		queued := false
		poll(t, "the task to end", 3*time.Minute, 5*time.Millisecond, func() bool {
			got := s.Ask(t, `query($ids:[String] $w:[String]){found:InfrahubTask(related_node__ids:$ids workflow:$w){edges{node{state}}}
				all:InfrahubTask(workflow:$w limit:50){edges{node{state parameters}}}}`, "ids", []string{id}, "w", []string{addReadOnly})
			found := got.Text("data.found.edges.0.node.state")
			for i := range 50 {
				listed := node{got, fmt.Sprintf("data.all.edges.%d.node", i)}
				if listed.Text("parameters.model.repository_id") != id {
					continue
				}
				if state := listed.Text("state"); state == "SCHEDULED" || state == "PENDING" {
					queued = true
					if found != "" {
						t.Errorf("found by its node as %s, while it is %s", found, state)
					}
				}
			}
			return found == "COMPLETED"
		})
		if !queued {
			t.Error("the task was never listed before it started")
		}
		s.waitForTasks(t, id, completed(addReadOnly, pull, importLast)...)
	})
}

// InfrahubTask has filters for ids, branch, workflow and state, and pages. Of several related_node__ids the server
// looks at the first only.
func TestImporting2_TaskFilters(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		a := s.importReadOnly(t, s.newRemote(t, "a.git"), "v1.0.0")
		b := s.importReadOnly(t, s.newRemote(t, "b.git"), "v1.0.0")
		one := s.tasks(t, a)[0].id
		count := func(filter string) any {
			return s.Ask(t, `{InfrahubTask(`+filter+`){count}}`).At("data.InfrahubTask.count")
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
			if got := count(filter); got != want {
				t.Errorf("%s: got %v, want %v", filter, got, want)
			}
		}
		page := s.Ask(t, fmt.Sprintf(`{InfrahubTask(related_node__ids:[%q] limit:1){edges{node{id}}}}`, a))
		if edges, _ := page.At("data.InfrahubTask.edges").([]any); len(edges) != 1 {
			t.Errorf("a page of one has %d tasks", len(edges))
		}
	})
}

// Each import has a sub-task import-object-from-file.
func TestImporting3_SubTask(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		_, id := s.newReadOnly(t)
		count := 0
		for _, task := range s.tasks(t, id) {
			if task.workflow == importFile {
				count++
				if task.state != "COMPLETED" {
					t.Errorf("a sub-task is %s", task.state)
				}
			}
		}
		if count < 2 { // of the create, and of the echo's pull
			t.Errorf("got %d sub-tasks, want at least 2", count)
		}
	})
}

// InfrahubReadOnlyRepositoryImportLastCommit and InfrahubRepositoryProcess start one task each and return its id.
// After a push the former imports the new commit of the ref, the latter imports the current commit again.
func TestImporting4_OnDemand(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.importReadOnly(t, remote, "main")
		remote.Commit(t, "pushed", remote.files("pushed"))
		again := s.importOnDemand(t, "InfrahubRepositoryProcess", id)
		if tasks := s.waitForTasks(t, id, importObject+" COMPLETED"); tasks[0].id != again {
			t.Errorf("the task is %s, the response has %s", tasks[0].id, again)
		}
		s.assertState(t, "main", readOnly, id, remote, "main/in-sync/online")
		last := s.importOnDemand(t, "InfrahubReadOnlyRepositoryImportLastCommit", id)
		tasks := s.waitForTasks(t, id, completed(importLast, importLast, pull)...) // the import and its echo
		if tasks[0].id != last {
			t.Errorf("the first task is %s, the response has %s", tasks[0].id, last)
		}
		s.assertState(t, "main", readOnly, id, remote, "pushed/in-sync/online")
		none := newID()
		s.assertRefused(t, s.Post(t, "main", `mutation{InfrahubRepositoryProcess(data:{id:"`+none+`"}){ok}}`), "InfrahubRepositoryProcess", failure{
			message: "Unable to find the node " + none + " / CoreGenericRepository in the database.", code: "NODE_NOT_FOUND", status: 404,
			data: fmt.Sprintf(`{"identifier":%q,"node_kind":"CoreGenericRepository"}`, none),
		})
	})
}

// InfrahubRepositoryConnectivity connects to the remote and returns ok and message. operational_status follows.
func TestImporting5_Connectivity(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, id := s.newReadWrite(t)
		s.newRemote(t, "private/r.git")
		name := s.name(remote.query)
		for _, step := range []struct{ location, status, message string }{
			{remote.location, "online", "Successfully accessed repository"},
			{unreachable + "/" + name + ".git", "error-connection", "Unable to clone the repository " + name + ", please check the address and the credential"},
			{s.git + "/private/r.git", "error-cred", "Unable to correctly lookup credentials for repository " + name + " (" + s.git + "/private/r.git)."},
			{s.git + "/none.git", "error", "\n  stderr: 'fatal: repository '" + s.git + "/none.git/' not found'"},
		} {
			s.update(t, readWrite, id, fmt.Sprintf(`location:{value:%q}`, step.location))
			got := s.Ask(t, `mutation{InfrahubRepositoryConnectivity(data:{id:"`+id+`"}){ok message}}`)
			if message := got.Text("data.InfrahubRepositoryConnectivity.message"); message != step.message {
				t.Errorf("%s: got the message %q, want %q", step.status, message, step.message)
			}
			assertJSON(t, got, "data.InfrahubRepositoryConnectivity.ok", fmt.Sprint(step.status == "online"))
			assertJSON(t, s.read(t, readWrite, id), "operational_status.value", `"`+step.status+`"`)
		}
	})
}

// InfrahubRepositoryConnectivity uses the credential as it is at that moment, which an import has not tried yet.
func TestImporting5_ConnectivityUsesTheChangedCredential(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		r := s.newRemote(t, "private/r.git")
		secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q} username:{value:%q} password:{value:%q}`, s.name("c"), gitUsername, gitPassword))
		id := s.createRepository(t, readOnly, "r", r, fmt.Sprintf(`ref:{value:"v1.0.0"} credential:{id:%q}`, secret))
		s.waitForTasks(t, id, append(completed(importLast, pull), addReadOnly+" COMPLETED")...)
		for _, step := range []struct{ input, status, message string }{
			{`password:{value:"wrong"}`, "error-cred", "Authentication failed for " + s.name("r") + ", please validate the credentials."},
			{fmt.Sprintf(`password:{value:%q}`, gitPassword), "online", "Successfully accessed repository"},
			{`username:{value:"nobody"}`, "error-cred", "Authentication failed for " + s.name("r") + ", please validate the credentials."},
		} {
			s.update(t, credential, secret, step.input)
			got := s.Ask(t, `mutation{InfrahubRepositoryConnectivity(data:{id:"`+id+`"}){ok message}}`)
			assertJSON(t, got, "data.InfrahubRepositoryConnectivity", fmt.Sprintf(`{"message":%q,"ok":%t}`, step.message, step.status == "online"))
			assertJSON(t, s.read(t, readOnly, id), "operational_status.value", `"`+step.status+`"`)
		}
	})
}

// A ref is a tag, an annotated tag, a branch, or a commit, long or short.
func TestImporting8_Refs(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		remote.commitOnBranch(t, "feature", remote.files("feature"))
		id := s.importReadOnly(t, remote, "v1.0.0")
		for _, step := range []struct{ ref, commit string }{
			{"v2.0.0", "v2.0.0"}, {"feature", "feature"}, {remote.Commits["v1.1.0"], "v1.1.0"}, {remote.Commits["v1.0.0"][:7], "v1.0.0"}, {"main", "main"},
		} {
			s.importRef(t, "main", id, step.ref)
			s.assertState(t, "main", readOnly, id, remote, step.commit+"/in-sync/online")
		}
	})
}

// A ref may also be a full name, the hash of a tag's object, HEAD, or an expression that begins with one of these. Letters of
// a hash may be upper case.
func TestImporting8_OtherFormsOfRefs(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		remote.commitOnBranch(t, "feature", remote.files("feature"))
		object := remote.TagObject(t, "v2.0.0")
		id := s.importReadOnly(t, remote, "v1.0.0")
		for _, step := range []struct{ ref, commit string }{
			{"refs/tags/v1.1.0", "v1.1.0"},
			{"tags/v1.0.0", "v1.0.0"},
			{"refs/remotes/origin/feature", "feature"},
			{"origin/main", "main"},
			{object, "v2.0.0"},
			{"HEAD", "main"},
			{strings.ToUpper(object), "v2.0.0"},
			{"v1.1.0^{commit}", "v1.1.0"},
			{strings.ToUpper(remote.Commits["v1.0.0"]), "v1.0.0"},
			{object[:10], "v2.0.0"},
			{"v1.0.0^0", "v1.0.0"},
			{"v3.0.0~1", "v2.0.0"},
		} {
			s.importRef(t, "main", id, step.ref)
			s.assertState(t, "main", readOnly, id, remote, step.commit+"/in-sync/online")
		}
	})
}

// The full name of a branch leads to a branch of the clone. A clone has only the one that HEAD names, as it was when the
// repository was cloned. White space is part of a ref.
func TestImporting8_RefsThatAreNotFound(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		remote.commitOnBranch(t, "feature", remote.files("feature"))
		id := s.importReadOnly(t, remote, "v1.0.0")
		for _, ref := range []string{"refs/heads/feature", "heads/feature", " v1.1.0 "} {
			s.update(t, readOnly, id, fmt.Sprintf(`ref:{value:%q}`, ref))
			s.waitForTasks(t, id, pull+" FAILED", importLast+" FAILED")
			s.assertState(t, "main", readOnly, id, remote, "v1.0.0/in-sync/online")
		}
	})
}

// A good create: sync_status goes from unknown through syncing to in-sync, commit is set while it is still unknown,
// and operational_status becomes online last. The echo imports once more.
func TestImporting9_CreateGood(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.createRepository(t, readOnly, "r", remote, `ref:{value:"v1.0.0"}`)
		states := s.watch(t, readOnly, id, remote)
		s.waitForTasks(t, id, completed(addReadOnly, pull, importLast)...)
		assertStates(t, states.end(), `null/unknown/unknown v1.0.0/unknown/unknown? v1.0.0/syncing/unknown? v1.0.0/in-sync/unknown?
			v1.0.0/in-sync/online? v1.0.0/syncing/online? v1.0.0/in-sync/online`)
	})
}

// A good create of a read-write repository has the same states, on its default branch. If a periodic sync comes in
// between, it may be in-sync before its commit is set, and syncing once more.
func TestImporting9_CreateGoodReadWrite(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.createRepository(t, readWrite, "r", remote, "")
		states := s.watch(t, readWrite, id, remote)
		s.waitForTasks(t, id, addReadWrite+" COMPLETED")
		assertStates(t, states.end(), `null/unknown/unknown null/syncing/unknown? null/in-sync/unknown? main/unknown/unknown? main/syncing/unknown? main/in-sync/unknown?
			main/in-sync/online? main/syncing/online? main/in-sync/online`)
	})
}

// A good ref bump: the node is in-sync with the old commit at first. It may be syncing and in-sync again with the old
// commit, or with the new commit before its objects are imported, and ends at the new commit. Two tasks run, then the
// echo of both.
func TestImporting10_BumpGood(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote, id := s.newReadOnly(t)
		states := s.watch(t, readOnly, id, remote)
		s.importRef(t, "main", id, "v1.1.0")
		got := states.end()
		assertStates(t, got, `v1.0.0/in-sync/online v1.0.0/syncing/online? v1.0.0/in-sync/online? v1.1.0/in-sync/online|v1.1.0/syncing/online*`)
		if !strings.HasSuffix(got, " v1.1.0/in-sync/online ") {
			t.Errorf("the states end otherwise: %s", got)
		}
	})
}

// A bump to a missing ref: the node has the new ref and stays in-sync and online at the old commit for ever. Both
// tasks fail with the reason.
func TestImporting11_BumpToAMissingRef(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote, id := s.newReadOnly(t)
		states := s.watch(t, readOnly, id, remote)
		s.update(t, readOnly, id, `ref:{value:"v9.9.9"}`)
		tasks := s.waitForTasks(t, id, pull+" FAILED", importLast+" FAILED")
		assertStates(t, states.end(), `v1.0.0/in-sync/online`)
		assertJSON(t, s.read(t, readOnly, id), "ref.value", `"v9.9.9"`)
		for _, task := range tasks {
			s.assertReason(t, id, task, "Finished in state Failed('Flow run encountered an exception: ValueError: Ref v9.9.9 not found.')")
		}
	})
}

// A bump to a broken .infrahub.yml: the node gets the new commit, and in-sync becomes error-import. import-last is
// COMPLETED and pull is FAILED, in the echo too.
func TestImporting12_BumpToABrokenConfiguration(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote, id := s.newReadOnly(t)
		states := s.watch(t, readOnly, id, remote)
		s.update(t, readOnly, id, `ref:{value:"v3.0.0"}`)
		tasks := s.waitForTasks(t, id, pull+" FAILED", importLast+" COMPLETED", pull+" FAILED", importLast+" COMPLETED")
		assertStates(t, states.end(), `v1.0.0/in-sync/online v1.0.0/syncing/online? v1.0.0/error-import/online?
			v3.0.0/in-sync/online? v3.0.0/syncing/online? v3.0.0/error-import/online v3.0.0/syncing/online? v3.0.0/error-import/online?`)
		for _, task := range tasks {
			if task.workflow == pull {
				s.assertReason(t, id, task, "RepositoryConfigurationError: Repository '"+s.name(remote.query)+"' has an invalid configuration file '.infrahub.yml'.")
			}
		}
	})
}

// A create with a missing ref or default branch: sync_status stays unknown and commit null for ever, and
// operational_status is error. The only task fails with the reason.
func TestImporting13_CreateWithAMissingRef(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		for kind, test := range map[string]struct{ attribute, workflow string }{readOnly: {"ref", addReadOnly}, readWrite: {"default_branch", addReadWrite}} {
			remote := s.newRemote(t, test.attribute+".git")
			id := s.createRepository(t, kind, test.attribute, remote, test.attribute+`:{value:"none"}`)
			states := s.watch(t, kind, id, remote)
			task := s.waitForTasks(t, id, test.workflow+" FAILED")[0]
			assertStates(t, states.end(), `null/unknown/unknown null/unknown/error`)
			s.assertReason(t, id, task, fmt.Sprintf(`Finished in state Failed("Flow run encountered an exception: RepositoryInvalidBranchError: `+
				`The branch none isn't a valid branch for the repository %s at %s.")`, s.name(test.attribute), remote.location))
		}
	})
}

// A create whose credential is detached, or becomes wrong, while the import is queued: sync_status stays unknown and
// commit null, and operational_status is error-cred. The only task fails.
func TestImporting14_CreateWithoutItsCredential(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		for kind, workflow := range map[string]string{readOnly: addReadOnly, readWrite: addReadWrite} {
			remote := s.newRemote(t, "private/"+kind+".git")
			secret := s.create(t, credential, fmt.Sprintf(`name:{value:%q} username:{value:%q} password:{value:%q}`, s.name(kind), gitUsername, gitPassword))
			id := s.createRepository(t, kind, kind, remote, fmt.Sprintf(`credential:{id:%q}`, secret))
			reason := "RepositoryCredentialsError: Unable to correctly lookup credentials for repository " + s.name(kind)
			if kind == readOnly { // the clone comes later
				s.update(t, kind, id, `credential:null`)
			} else {
				s.update(t, credential, secret, `password:{value:"wrong"}`)
				reason = "RepositoryCredentialsError: Authentication failed for " + s.name(kind)
			}
			task := s.waitForTasks(t, id, workflow+" FAILED")[0]
			s.assertState(t, "main", kind, id, remote, "null/unknown/error-cred")
			s.assertReason(t, id, task, reason)
		}
	})
}

// If the remote moves a tag that the server has cloned, every import-last fails, because Git refuses its fetch of
// tags. The pull goes on with the tag as it was. The commit of the node does not change.
func TestImporting15_MovedTag(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, id := s.newReadOnly(t)
		remote.Release(t, "v1.1.0", remote.files("moved"))
		s.update(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		for _, task := range s.waitForTasks(t, id, importLast+" FAILED", pull+" COMPLETED") {
			if task.workflow == importLast {
				s.assertReason(t, id, task, "GitCommandError: Cmd('git') failed due to: exit code(1)\\n  cmdline: git fetch -v --prune --tags --prune-tags -- origin")
			}
		}
		assertJSON(t, s.read(t, readOnly, id), "commit.value", `"`+remote.Commits["v1.0.0"]+`"`)
	})
}

// A changed location starts nothing and changes nothing. Imports on demand go on with the old remote. The pull of a
// changed ref clones the new remote.
func TestImporting16_LocationChanged(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, other := s.newRemote(t, "old.git"), s.newRemote(t, "new.git")
		id := s.importReadOnly(t, remote, "v1.0.0")
		s.update(t, readOnly, id, fmt.Sprintf(`location:{value:%q}`, other.location))
		s.waitForTasks(t, id)
		s.assertState(t, "main", readOnly, id, remote, "v1.0.0/in-sync/online")
		s.importOnDemand(t, "InfrahubReadOnlyRepositoryImportLastCommit", id)
		s.waitForTasks(t, id, importLast+" COMPLETED")
		s.importOnDemand(t, "InfrahubRepositoryProcess", id)
		s.waitForTasks(t, id, importObject+" COMPLETED")
		s.assertState(t, "main", readOnly, id, remote, "v1.0.0/in-sync/online")
		s.update(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		s.waitUntil(t, "the new remote's commit", func() bool { return s.state(t, "main", readOnly, id, other) == "v1.1.0/in-sync/online" })
	})
}

// The next periodic sync of a read-write repository goes to a changed location.
func TestImporting16_LocationOfReadWriteIsFollowed(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote, other := s.newRemote(t, "old.git"), s.newRemote(t, "new.git")
		id := s.importReadWrite(t, remote)
		s.update(t, readWrite, id, fmt.Sprintf(`location:{value:%q}`, other.location))
		if s.is110() { // the tags of the remotes differ, and it does not clone anew
			s.waitUntil(t, "the sync to fail", func() bool { return strings.HasSuffix(s.state(t, "main", readWrite, id, remote), "main/in-sync/error") })
			return
		}
		s.waitUntil(t, "the new remote's commit", func() bool { return s.state(t, "main", readWrite, id, other) == "main/in-sync/online" })
	})
}

// A changed description, tag, credential or name starts no task, nor does a ref that the node has already.
func TestImporting17_ChangesWithoutATask(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		secret, label := s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))), s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		id := s.importReadOnly(t, remote, "v1.0.0")
		for _, input := range []string{
			`description:{value:"d"}`, `tags:[{id:"` + label + `"}]`, `credential:{id:"` + secret + `"}`, `name:{value:"` + s.name("renamed") + `"}`, `ref:{value:"v1.0.0"}`, `ref:{value:null}`,
		} {
			s.update(t, readOnly, id, input)
		}
		s.waitForTasks(t, id)
		s.assertState(t, "main", readOnly, id, remote, "v1.0.0/in-sync/online")
	})
}

// The server stores a changed default_branch of a read-write repository, and never acts on it.
func TestImporting18_DefaultBranchChanged(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, id := s.newReadWrite(t)
		for _, name := range []string{"v1.0.0", "none"} {
			s.update(t, readWrite, id, fmt.Sprintf(`default_branch:{value:%q}`, name))
			s.waitForTasks(t, id)
			assertJSON(t, s.read(t, readWrite, id), "default_branch.value", `"`+name+`"`)
			s.assertState(t, "main", readWrite, id, remote, "main/in-sync/online")
		}
	})
}

// The next periodic sync imports what was pushed to the remote of a read-write repository.
func TestImporting19_PushIsFollowed(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote, id := s.newReadWrite(t)
		remote.Commit(t, "pushed", remote.files("pushed"))
		states := s.watch(t, readWrite, id, remote)
		s.waitForTasks(t, id, syncOrigin+" COMPLETED")
		assertStates(t, states.end(), `main/in-sync/online pushed/in-sync/online? pushed/syncing/online? pushed/in-sync/online`)
	})
}

// A good create whose other Git branch cannot be synced: the default branch is in-sync, yet the task is FAILED and
// names the other branch. The task's branch is the last that it worked on: the other one.
func TestImporting20_AnotherBranchCannotBeSynced(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		feature := s.name("feature")
		remote.commitOnBranch(t, feature, mocktest.BrokenFiles())
		s.deleteBranchAtEnd(t, feature)
		id := s.createRepository(t, readWrite, "r", remote, "")
		task := s.waitForTasks(t, id, addReadWrite+" FAILED")[0]
		s.assertState(t, "main", readWrite, id, remote, "main/in-sync/online")
		if task.branch != feature {
			t.Errorf("the branch of the task is %s, want %s", task.branch, feature)
		}
		reason := fmt.Sprintf("Unable to synchronize the following branches of repository %s: %s", s.name("r"), feature)
		if !s.is110() {
			reason += " (step=import): "
		}
		s.assertReason(t, id, task, reason)
	})
}

// The parameters of a pull distinguish an import from its echo: the pull that a changed ref starts has the new ref and
// no commit, the pull of the echo has the commit and is created later. import-last has the ref.
func TestImporting21_ParametersIdentifyTheEcho(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		remote, id := s.newReadOnly(t)
		s.update(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		tasks := s.waitForTasks(t, id, completed(pull, importLast, pull, importLast)...)
		var commits []string
		for i, task := range tasks {
			for name, want := range map[string]any{"repository_id": id, "repository_name": s.name(remote.query), "ref": "v1.1.0", "infrahub_branch_name": "main"} {
				if task.parameters[name] != want {
					t.Errorf("%s: %s is %v, want %v", task.workflow, name, task.parameters[name], want)
				}
			}
			if task.workflow != pull {
				continue
			}
			if task.parameters["location"] != remote.location {
				t.Errorf("location is %v", task.parameters["location"])
			}
			commit, _ := task.parameters["commit"].(string)
			commits = append(commits, remote.NameOf(commit))
			if echo := i > 1; echo != (commit != "") {
				t.Errorf("task %d has commit %q", i, commit)
			}
		}
		if want := []string{"", "v1.1.0"}; !slices.Equal(commits, want) {
			t.Errorf("the pulls have the commits %q, want %q", commits, want)
		}
	})
}

// The task of a create has the attributes of the repository as parameters.
func TestImporting21_ParametersOfACreate(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for kind, attribute := range map[string]string{readOnly: "ref", readWrite: "default_branch_name"} {
			remote := s.newRemote(t, attribute+".git")
			id := s.createRepository(t, kind, attribute, remote, "")
			workflows := []string{addReadWrite}
			if kind == readOnly {
				workflows = []string{addReadOnly, pull, importLast} // the last two are the echo
			}
			tasks := s.waitForTasks(t, id, completed(workflows...)...)
			for name, want := range map[string]any{
				"repository_id": id, "repository_name": s.name(attribute), "location": remote.location, attribute: "main", "infrahub_branch_name": "main", "internal_status": "active",
			} {
				if tasks[0].workflow != workflows[0] || tasks[0].parameters[name] != want {
					t.Errorf("%s: %s is %v, want %v", tasks[0].workflow, name, tasks[0].parameters[name], want)
				}
			}
		}
	})
}

// The echo of an import may appear after a later change. It undoes nothing: the node ends at the commit of the later
// ref.
func TestImporting22_EchoAfterALaterChange(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.createRepository(t, readOnly, "r", remote, `ref:{value:"v1.0.0"}`)
		s.waitUntil(t, "the task of the create", func() bool {
			tasks := s.tasks(t, id)
			return len(tasks) > 0 && tasks[0].workflow == addReadOnly && tasks[0].state == "COMPLETED"
		})
		s.update(t, readOnly, id, `ref:{value:"v1.1.0"}`)
		echoing := slices.Repeat([]string{pull, importLast}, 3) // the echo of the create, the change, the echo of the change
		tasks := s.waitForTasks(t, id, completed(append(echoing, addReadOnly)...)...)
		s.assertState(t, "main", readOnly, id, remote, "v1.1.0/in-sync/online")
		refs := map[any]int{}
		for _, task := range tasks {
			refs[task.parameters["ref"]]++
		}
		if refs["v1.0.0"] != 3 || refs["v1.1.0"] != 4 {
			t.Errorf("tasks by ref: %v, want 3 of v1.0.0 and 4 of v1.1.0", refs)
		}
	})
}

// The last line of a failed task's log, which has the reason, may come some time after the task has ended.
func TestImporting24_LastLogLineIsLate(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		late, polls := 0, 0
		for attempt := 0; attempt == 0 || s.mock != nil && attempt < 10 && late == 0; attempt++ { // on a busy machine a poll may come late
			name := fmt.Sprintf("r%d", attempt)
			remote := s.newRemote(t, name+".git")
			id := s.createRepository(t, readOnly, name, remote, `ref:{value:"none"}`)
			poll(t, "the reason", 3*time.Minute, 5*time.Millisecond, func() bool {
				for _, task := range s.tasks(t, id) {
					if task.state == "FAILED" {
						polls++
						if strings.HasPrefix(task.reason(), "Finished in state Failed(") {
							return true
						}
						late++
					}
				}
				return false
			})
		}
		if s.mock != nil && late == 0 {
			t.Error("the last line of the mock is never late")
		}
		t.Logf("%d of %d polls of the failed task found no reason", late, polls)
	})
}

// A query that another repository owns on the branch cannot be imported: the task fails with that reason.
func TestImporting26_ObjectsBelongToOneRepository(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		first, second := s.newRemote(t, "a.git"), s.newRemote(t, "b.git")
		owner := s.importReadOnly(t, first, "v1.0.0")
		assertJSON(t, s.Ask(t, fmt.Sprintf(`{CoreGraphQLQuery(name__value:%q){edges{node{repository{node{id}}}}}}`, first.query)),
			"data.CoreGraphQLQuery.edges.0.node.repository.node.id", `"`+owner+`"`)
		second.Release(t, "v4.0.0", first.files("again"))
		id := s.createRepository(t, readOnly, "b", second, `ref:{value:"v4.0.0"}`)
		tasks := s.waitForTasks(t, id, addReadOnly+" FAILED", pull+" FAILED", importLast+" COMPLETED")
		s.assertReason(t, id, tasks[0], "Violates uniqueness constraint 'name'")
		s.assertState(t, "main", readOnly, id, second, "v4.0.0/error-import/online")
	})
}

// A read-write repository with the default branch "" is imported from main.
func TestImporting30_EmptyDefaultBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		r := s.newRemote(t, "r.git")
		id := s.createRepository(t, readWrite, r.query, r, `default_branch:{value:""}`)
		s.waitForTasks(t, id, addReadWrite+" COMPLETED")
		s.assertState(t, "main", readWrite, id, r, "main/in-sync/online")
		assertJSON(t, s.read(t, readWrite, id), "default_branch.value", `""`)
	})
}

// A read-only repository that is created with the ref "" has the commit of main, in-sync and online, although its import failed.
func TestImporting31_EmptyRef(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		r := s.newRemote(t, "r.git")
		id := s.createRepository(t, readOnly, r.query, r, `ref:{value:""}`)
		for _, task := range s.waitForTasks(t, id, addReadOnly+" FAILED", importLast+" FAILED", pull+" COMPLETED") {
			if task.state == "FAILED" {
				s.assertReason(t, id, task, "Ref  not found.")
			}
		}
		s.assertState(t, "main", readOnly, id, r, "main/in-sync/online")
	})
}

// An empty configuration, a key that stands twice, and symbolic links can be imported.
func TestImporting32_ConfigurationsThatAreAccepted(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		const query = "query { BuiltinTag { count } }"
		named := func(base string) string { return "queries:\n  - name: " + s.name(base) + "\n    file_path: q.gql\n" }
		for name, test := range map[string]struct {
			files   map[string]string
			queries string
		}{
			"empty":   {map[string]string{".infrahub.yml": ""}, "0"},
			"comment": {map[string]string{".infrahub.yml": "# nothing\n"}, "0"},
			"twice":   {map[string]string{".infrahub.yml": "queries: []\n" + named("twice"), "q.gql": query}, "1"},
			"linked":  {map[string]string{"config.yml": named("linked"), ".infrahub.yml": gitserver.Link("config.yml"), "text.gql": query, "q.gql": gitserver.Link("text.gql")}, "1"},
			"class":   {map[string]string{".infrahub.yml": "check_definitions:\n  - name: " + s.name("check") + "\n    file_path: c.py\n", "c.py": "x = 1\n"}, "0"},
		} {
			mocktest.NewRemote(t, s.root, name+".git").Commit(t, "main", test.files)
			id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:"%s/%s.git"} ref:{value:"main"}`, s.name(name), s.git, name))
			s.waitForTasks(t, id, append(completed(importLast, pull), addReadOnly+" COMPLETED")...)
			assertJSON(t, s.Ask(t, `{CoreGraphQLQuery(repository__ids:["`+id+`"]){count}}`), "data.CoreGraphQLQuery.count", test.queries)
			assertJSON(t, s.Ask(t, `{CoreCheckDefinition(repository__ids:["`+id+`"]){count}}`), "data.CoreCheckDefinition.count", "0")
		}
	})
}

// A query that cannot be parsed, and a configuration with problems, fail the import with the server's words.
func TestImporting33_ConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		const invalid = "has an invalid configuration file '.infrahub.yml'. The file format is not valid: "
		for name, test := range map[string]struct{ config, query, want string }{
			"syntax":    {"queries:\n  - name: q\n    file_path: q.gql\n", "query { BuiltinTag { count }", "QuerySyntaxError: GraphQL syntax error: Syntax Error: Expected Name, found <EOF>."},
			"nothing":   {"queries:\n  - name: q\n    file_path: q.gql\n", "", "QuerySyntaxError: GraphQL syntax error: Syntax Error: Unexpected <EOF>."},
			"documents": {"queries: []\n---\nqueries: []\n", "", "The file could not be parsed as valid YAML: expected a single document in the stream"},
			"text":      {"hello\n", "", "TypeError: infrahub_sdk.schema.repository.InfrahubRepositoryConfig() argument after ** must be a mapping, not str"},
			"check":     {"check_definitions:\n  - {}\n", "", invalid + "2 validation errors for InfrahubRepositoryConfig\\ncheck_definitions.0.name\\n  Field required [type=missing, input_value={}, input_type=dict]"},
			"extra":     {"queries: []\nfoo: bar\n", "", invalid + "1 validation error for InfrahubRepositoryConfig\\nfoo\\n  Extra inputs are not permitted [type=extra_forbidden, input_value='bar', input_type=str]"},
			"type":      {"queries:\n  - name: 5\n    file_path: q.gql\n", "", "queries.0.name\\n  Input should be a valid string [type=string_type, input_value=5, input_type=int]"},
			"item":      {"queries:\n  - a\n", "", "queries.0\\n  Input should be a valid dictionary or instance of InfrahubRepositoryGraphQLConfig [type=model_type, input_value='a', input_type=str]"},
			"same":      {"queries:\n  - name: q\n    file_path: a\n  - name: q\n    file_path: b\n", "", "queries\\n  Value error, Found multiples element with the same names: ['q'] [type=value_error, input_value=["},
		} {
			r := mocktest.NewRemote(t, s.root, name+".git")
			r.Commit(t, "main", map[string]string{".infrahub.yml": test.config, "q.gql": test.query})
			id := s.create(t, readOnly, fmt.Sprintf(`name:{value:%q} location:{value:"%s/%s.git"} ref:{value:"main"}`, s.name(name), s.git, name))
			for _, task := range s.waitForTasks(t, id, addReadOnly+" FAILED", pull+" FAILED", importLast+" COMPLETED") {
				if task.workflow == addReadOnly {
					s.assertReason(t, id, task, test.want)
				}
			}
		}
	})
}
