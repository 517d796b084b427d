package contract

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// Workflows of a proposed change.
const (
	repositoryChecks = "proposed-changed-repository-checks"
	userCheckTrigger = "git-repository-user-checks-definition-trigger"
	mergeChange      = "proposed-change-merge"
)

// A new change has no validator. Data Integrity appears, and Schema Integrity if the branch changes data; both succeed.
func TestProposals1_ValidatorsAppearLater(t *testing.T) {
	t.Parallel()
	proveWithDelays(t, func(t *testing.T, s *server) {
		change := s.propose(t, s.newTagBranch(t, "b"))
		if found := s.validators(t, change); len(found) > 0 {
			t.Errorf("a new change has the validators %v", found)
		}
		s.waitForConclusions(t, change, map[string]string{"Data Integrity": "success", "Schema Integrity": "success"})
		for label, typename := range map[string]string{"Data Integrity": "CoreDataValidator", "Schema Integrity": "CoreSchemaValidator"} {
			v := s.validators(t, change)[label]
			assertJSON(t, v, "__typename", `"`+typename+`"`)
			assertJSON(t, v, "state.value", `"completed"`)
			assertJSON(t, v, "checks.count", "1")
			for path, want := range map[string]string{
				"label.value": `"Data Conflict"`, "kind.value": `"DataIntegrity"`, "severity.value": `"info"`, "conclusion.value": `"success"`,
				"name.value": "null", "message.value": "null", "origin.value": `"internal"`, "conflicts.value": "[]",
			} {
				assertJSON(t, v, "checks.edges.0.node."+path, want)
			}
		}
	})
}

// A branch that changes nothing gets no Schema Integrity.
func TestProposals2_BranchWithoutChanges(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		change := s.propose(t, s.newBranch(t, "b"))
		s.waitForConclusions(t, change, map[string]string{"Data Integrity": "success"})
		s.waitForChangeTask(t, change, repositoryChecks, 1)
		s.pause()
		if v := s.validators(t, change)["Schema Integrity"]; v.exists() {
			t.Error("there is a Schema Integrity")
		}
	})
}

// The workflows that the checks consist of show the change as their related node. The one that starts them is not listed.
func TestProposals3_Tasks(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newTagBranch(t, "b")
		change := s.propose(t, branch)
		for _, workflow := range []string{
			"proposed-changed-run-generator", repositoryChecks, "proposed-changed-data-integrity", "proposed-changed-schema-integrity",
		} {
			if found := s.waitForChangeTask(t, change, workflow, 1); found.branch != branch || found.parameters["proposed_change"] != change {
				t.Errorf("%s has the branch %q and the parameters %v", workflow, found.branch, found.parameters)
			}
		}
		listed := s.Ask(t, `{InfrahubTask(workflow:["proposed-changed-pipeline"]){count}}`)
		assertJSON(t, listed, "data.InfrahubTask.count", "0")
	})
}

// A repository that the branch did not change is checked as well. A deleted repository takes its validators along.
func TestProposals5_EveryRepositoryIsChecked(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		_, id := s.newChecked(t)
		branch := s.newBranch(t, "b")
		change := s.propose(t, branch)
		label := "Check: " + s.name("check")
		v := s.waitForConclusions(t, change, map[string]string{label: "success"})[label]
		const completed = "Message: Check succesfully completed\nLevel: INFO\n" //nolint:misspell // in the words of Infrahub
		if message := v.Text("checks.edges.0.node.message.value"); !strings.HasSuffix(message, completed) {
			t.Errorf("the message is\n%s", message)
		}
		assertJSON(t, v, "checks.edges.0.node.severity.value", `"info"`)
		s.delete(t, readOnly, id)
		if s.validators(t, change)[label].exists() {
			t.Error("the validator is still there")
		}
		left := s.Post(t, branch, `query($name:String){CoreCheckDefinition(name__value:$name){count edges{node{repository{node{id}}}}}}`, "name", s.name("check"))
		assertJSON(t, left, "data.CoreCheckDefinition", `{"count":1,"edges":[{"node":{"repository":{"node":null}}}]}`)
	})
}

// An active read-write repository has a validator of its own if the branch is synced with Git. It cannot be deleted before the
// change is.
func TestProposals6_ReadWriteRepository(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		r, id := s.newReadWrite(t)
		label := "Repository Validator: " + s.name(r.query)
		branch := s.name("git")
		s.deleteBranchAtEnd(t, branch)
		s.Ask(t, `mutation($n:String!){BranchCreate(data:{name:$n sync_with_git:true} wait_until_completion:true){ok}}`, "n", branch)
		change := s.propose(t, branch)
		v := s.waitForConclusions(t, change, map[string]string{label: "success"})[label]
		assertJSON(t, v, "__typename", `"CoreRepositoryValidator"`)
		assertJSON(t, v, "checks.edges.0.node.name.value", `"Merge Conflict Check"`)
		assertJSON(t, v, "checks.edges.0.node.kind.value", `"MergeConflictCheck"`)
		assertJSON(t, v, "checks.edges.0.node.origin.value", `"ConflictCheck"`)
		s.Ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+change+`" state:{value:"canceled"}}){ok}}`)
		const field = "CoreRepositoryValidator.repository"
		constraint := "Cannot delete CoreRepository '" + id + "'. It is linked to mandatory relationship repository on node CoreRepositoryValidator '" + v.Text("id") + "'"
		s.assertRefused(t, s.Post(t, "main", `mutation{CoreRepositoryDelete(data:{id:"`+id+`"}){ok}}`), "CoreRepositoryDelete", failure{
			message: constraint + " at " + field, code: "ATTRIBUTE_CONSTRAINT_VIOLATION", status: 422,
			data: `{"constraint":"` + constraint + `","detail":null,"field_name":"` + field + `","node_kind":"CoreRepository"}`,
		})
		s.Ask(t, `mutation{CoreProposedChangeDelete(data:{id:"`+change+`"}){ok}}`)
		assertJSON(t, s.Ask(t, `mutation{CoreRepositoryDelete(data:{id:"`+id+`"}){ok}}`), "data.CoreRepositoryDelete.ok", "true")
	})
}

// A ref that main and the branch have changed is a failed check of Data Integrity, for the ref and for the commit. It stops the
// merge, and the change is open again.
func TestProposals8_ConflictOfARef(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		_, id := s.newReadOnly(t)
		branch := s.newBranch(t, "release")
		s.importRef(t, branch, id, "v1.1.0")
		s.importRef(t, "main", id, "v2.0.0")
		change := s.propose(t, branch)
		v := s.waitForConclusions(t, change, map[string]string{"Data Integrity": "failure", "Schema Integrity": "success"})["Data Integrity"]
		checks := checksByLabel(v)
		if !checks["commit ("+id+")"].exists() {
			t.Errorf("there is no check for the commit among %v", slices.Sorted(maps.Keys(checks)))
		}
		ref := checks["ref ("+id+")"]
		for path, want := range map[string]string{
			"__typename": `"CoreDataCheck"`, "severity.value": `"critical"`, "conclusion.value": `"failure"`, "message.value": "null", "keep_branch.value": "null",
			"conflicts.value.0.name": `"ref"`, "conflicts.value.0.kind": `"CoreReadOnlyRepository"`, "conflicts.value.0.id": `"` + id + `"`,
			"conflicts.value.0.changes": `[{"action":"updated","branch":"main","new":"v2.0.0","previous":"v1.0.0"},` +
				`{"action":"updated","branch":"` + branch + `","new":"v1.1.0","previous":"v1.0.0"}]`,
		} {
			assertJSON(t, ref, path, want)
		}
		s.assertRefused(t, s.setMerged(t, change), "CoreProposedChangeUpdate", failure{
			message: "Data conflicts found on branch and missing decisions about what branch to keep", status: http.StatusInternalServerError,
		})
		s.assertOpen(t, change, branch)
	})
}

// The check of a read-only repository runs at the commit that the branch has. It fails because it logs an error, and the
// message is all that it has logged.
func TestProposals9_FailingCheckOfAReadOnlyRepository(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		_, id := s.newChecked(t)
		branch := s.newBranch(t, "release")
		s.importRef(t, branch, id, "v1.1.0")
		change := s.propose(t, branch)
		label := "Check: " + s.name("check")
		v := s.waitForConclusions(t, change, map[string]string{label: "failure", "Data Integrity": "success", "Schema Integrity": "success"})[label]
		for path, want := range map[string]string{
			"__typename": `"CoreUserValidator"`, "repository.node.id": `"` + id + `"`, "check_definition.node.display_label": `"` + s.name("check") + `"`,
			"checks.count": "1", "checks.edges.0.node.__typename": `"CoreStandardCheck"`, "checks.edges.0.node.name.value": `"` + s.name("check") + `"`,
			"checks.edges.0.node.kind.value": `"CheckDefinition"`, "checks.edges.0.node.severity.value": `"critical"`,
			"checks.edges.0.node.conclusion.value": `"failure"`, "checks.edges.0.node.origin.value": `"` + id + `"`,
		} {
			assertJSON(t, v, path, want)
		}
		const dashes = "-----------------------\n"
		want := dashes + "Message: looked at it\nLevel: INFO\n" + dashes + "Message: the VLAN is missing\nLevel: ERROR\nObject ID: vlan-1\nObject ID: BuiltinTag\n"
		if got := v.Text("checks.edges.0.node.message.value"); got != want {
			t.Errorf("the message is\n%s\nwant\n%s", got, want)
		}
		if found := s.waitForChangeTask(t, change, userCheckTrigger, 1); found.parameters["repository_id"] != id {
			t.Errorf("the parameters are %v", found.parameters)
		}
	})
}

// A data conflict that is gone is no longer one once the checks have run again. Its validator is the same.
func TestProposals11_ConflictIsCured(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := s.create(t, tag, fmt.Sprintf(`name:{value:%q} description:{value:"old"}`, s.name("t")))
		branch := s.newBranch(t, "b")
		s.update(t, tag, id, `description:{value:"main"}`)
		s.updateOn(t, branch, tag, id, `description:{value:"branch"}`)
		change := s.propose(t, branch)
		before := s.waitForConclusions(t, change, map[string]string{"Data Integrity": "failure"})["Data Integrity"]
		assertJSON(t, before, "checks.edges.0.node.label.value", `"description (`+id+`)"`)
		s.update(t, tag, id, `description:{value:"branch"}`)
		s.runCheck(t, change, "DATA")
		after := s.waitForConclusions(t, change, map[string]string{"Data Integrity": "success"})["Data Integrity"]
		assertJSON(t, after, "id", before.JSON(t, "id"))
		assertJSON(t, after, "checks.count", "1")
		assertJSON(t, after, "checks.edges.0.node.severity.value", `"info"`)
		s.runCheck(t, change, "DATA")
		s.waitForChangeTask(t, change, "proposed-changed-data-integrity", 3)
		assertJSON(t, s.validators(t, change)["Data Integrity"], "started_at.value", after.JSON(t, "started_at.value"))
	})
}

// A failing check stops both merges with the same words. The task of the merge has them, too. A new ref runs no checks. They
// run when they are asked to: the same validator and check, with a new started_at. The cured change is merged.
func TestProposals12_FailingCheckAndItsCure(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		r, id := s.newChecked(t)
		branch := s.newBranch(t, "release")
		s.importRef(t, branch, id, "v1.1.0")
		change := s.propose(t, branch)
		label := "Check: " + s.name("check")
		before := s.waitForConclusions(t, change, map[string]string{label: "failure", "Schema Integrity": "success"})[label]
		refused := failure{message: "Unable to merge proposed change containing failing checks", status: http.StatusInternalServerError}
		s.assertRefused(t, s.setMerged(t, change), "CoreProposedChangeUpdate", refused)
		s.assertRefused(t, s.Post(t, "main", `mutation{CoreProposedChangeMerge(data:{id:"`+change+`"}){ok}}`), "CoreProposedChangeMerge", refused)
		s.assertOpen(t, change, branch)
		failed := s.waitForChangeTask(t, change, mergeChange, 2)
		s.waitUntil(t, "the reason of the merge", func() bool {
			failed = s.waitForChangeTask(t, change, mergeChange, 2)
			return failed.reason() == "Finished in state Failed('"+refused.message+"')"
		})
		s.importRef(t, branch, id, "v1.2.0")
		s.pause()
		assertJSON(t, s.validators(t, change)[label], "started_at.value", before.JSON(t, "started_at.value"))
		assertJSON(t, s.validators(t, change)[label], "conclusion.value", `"failure"`)
		s.runCheck(t, change, "ALL")
		after := s.waitForConclusions(t, change, map[string]string{label: "success", "Schema Integrity": "success"})[label]
		assertJSON(t, after, "id", before.JSON(t, "id"))
		assertJSON(t, after, "checks.edges.0.node.id", before.JSON(t, "checks.edges.0.node.id"))
		if after.Text("started_at.value") <= before.Text("started_at.value") {
			t.Errorf("it started at %s, before at %s", after.Text("started_at.value"), before.Text("started_at.value"))
		}
		s.waitForChangeTask(t, change, repositoryChecks, 2)
		merged := s.setMerged(t, change)
		assertJSON(t, merged, "data.CoreProposedChangeUpdate.object.state.value", `"merging"`)
		assertJSON(t, s.changeNode(t, change), "state.value", `"merged"`)
		node := s.read(t, readOnly, id)
		assertJSON(t, node, "ref.value", `"v1.2.0"`)
		assertJSON(t, node, "commit.value", `"`+r.Commits["v1.2.0"]+`"`)
	})
}

// CoreProposedChangeMerge merges a draft, which an update of the state refuses. Without waiting it returns a task.
func TestProposals15_DraftIsMergedByTheMutationAlone(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		branch := s.newTagBranch(t, "b")
		change := s.propose(t, branch)
		s.Ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+change+`" is_draft:{value:true}}){ok}}`)
		s.waitForConclusions(t, change, map[string]string{"Data Integrity": "success", "Schema Integrity": "success"})
		s.waitForChangeTask(t, change, repositoryChecks, 1)
		s.assertRefused(t, s.setMerged(t, change), "CoreProposedChangeUpdate", failure{message: "A draft proposed change is not allowed to be merged", status: 422})
		got := s.Ask(t, `mutation{CoreProposedChangeMerge(data:{id:"`+change+`"} wait_until_completion:false){ok task{id}}}`)
		task := got.Text("data.CoreProposedChangeMerge.task.id")
		s.waitUntil(t, "the merge", func() bool { return s.changeNode(t, change).Text("state.value") == "merged" })
		s.waitUntil(t, "the end of its task", func() bool {
			found := s.waitForChangeTask(t, change, mergeChange, 1)
			return found.id == task && found.state == "COMPLETED"
		})
		assertJSON(t, s.Ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"MERGED"`)
	})
}

// A change that is not open refuses checks and merges. A change that does not exist is not found.
func TestProposals17_NotOpen(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		change := s.propose(t, s.newBranch(t, "b"))
		assertJSON(t, s.Ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+change+`" state:{value:"closed"}}){ok}}`), "data.CoreProposedChangeUpdate.ok", "true")
		const run, merge = "CoreProposedChangeRunCheck", "CoreProposedChangeMerge"
		post := func(mutation, id string) mocktest.Response {
			return s.Post(t, "main", `mutation{`+mutation+`(data:{id:"`+id+`"}){ok}}`)
		}
		s.assertRefused(t, post(run, change), run, failure{message: "Unable to trigger check on proposed changes that aren't in the open state", status: 422})
		s.assertRefused(t, post(merge, change), merge, failure{message: "Only proposed change in OPEN state can be merged", status: 422})
		s.assertRefused(t, s.Post(t, "main", `mutation{CoreProposedChangeUpdate(data:{id:"`+change+`" state:{value:"open"}}){ok}}`), "CoreProposedChangeUpdate", failure{
			message: "A proposed change in the closed state is not allowed to be updated", status: 422,
		})
		none := newID()
		for _, mutation := range []string{run, merge} {
			s.assertRefused(t, post(mutation, none), mutation, failure{
				message: "Unable to find the node " + none + " / CoreProposedChange in the database.", code: "NODE_NOT_FOUND", status: 404,
				data: `{"identifier":"` + none + `","node_kind":"CoreProposedChange"}`,
			})
		}
	})
}

// An update to merging is accepted and leaves the change as it is. Deleting the branch cancels an open change.
func TestProposals17_StuckAndCanceled(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		stuck := s.propose(t, s.newBranch(t, "stuck"))
		s.Ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+stuck+`" state:{value:"merging"}}){ok}}`)
		gone := s.newBranch(t, "gone")
		canceled := s.propose(t, gone)
		s.Ask(t, `mutation($n:String){BranchDelete(data:{name:$n} wait_until_completion:true){ok}}`, "n", gone)
		s.waitUntil(t, "the change to be canceled", func() bool { return s.changeNode(t, canceled).Text("state.value") == "canceled" })
		assertJSON(t, s.changeNode(t, stuck), "state.value", `"merging"`)
	})
}

// A reader without a token may read validators and checks. One may not run or merge anything.
func TestProposals18_Anonymous(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		change := s.propose(t, s.newBranch(t, "b"))
		s.waitForConclusions(t, change, map[string]string{"Data Integrity": "success"})
		got := s.postWith(t, `{CoreProposedChange(ids:["`+change+`"]){edges{node{validations{edges{node{label{value} checks{edges{node{severity{value}}}}}}}}}}}`)
		const first = "data.CoreProposedChange.edges.0.node.validations.edges.0.node"
		assertJSON(t, got, first, `{"checks":{"edges":[{"node":{"severity":{"value":"info"}}}]},"label":{"value":"Data Integrity"}}`)
		for _, mutation := range []string{"CoreProposedChangeRunCheck", "CoreProposedChangeMerge"} {
			if got := s.postWith(t, `mutation{`+mutation+`(data:{id:"`+change+`"}){ok}}`); got.Status != http.StatusUnauthorized {
				t.Errorf("%s: got %d %s", mutation, got.Status, got.Body)
			}
		}
	})
}

// newTagBranch creates a branch with a tag of its own.
func (s *server) newTagBranch(t *testing.T, base string) string {
	t.Helper()
	branch := s.newBranch(t, base)
	s.createOn(t, branch, tag, fmt.Sprintf(`name:{value:%q}`, s.name("new")))
	return branch
}

// newChecked makes a remote with a check that passes at v1.0.0 and v1.2.0 and fails at v1.1.0, and a read-only repository that
// has imported v1.0.0.
func (s *server) newChecked(t *testing.T) (r *remote, id string) {
	t.Helper()
	r = &remote{Remote: mocktest.NewRemote(t, s.root, "checked.git"), location: s.git + "/checked.git", query: "checked_" + s.suffix}
	for _, version := range []string{"v1.0.0", "v1.1.0", "v1.2.0"} {
		files := mocktest.CheckFiles(r.query, version, s.name("check"), "")
		if version == "v1.1.0" {
			files = mocktest.CheckFiles(r.query, version, s.name("check"), "the VLAN is missing")
		}
		r.Release(t, version, files)
	}
	return r, s.importReadOnly(t, r, "v1.0.0")
}

func (s *server) changeNode(t *testing.T, change string) node {
	t.Helper()
	const validator = `__typename id label{value} state{value} conclusion{value} started_at{value} completed_at{value}
		... on CoreUserValidator{repository{node{id}} check_definition{node{id display_label}}} ... on CoreRepositoryValidator{repository{node{id}}}
		checks{count edges{node{__typename id name{value} label{value} kind{value} severity{value} message{value} conclusion{value} origin{value} created_at{value}
			... on CoreDataCheck{conflicts{value} keep_branch{value} enriched_conflict_id{value}} ... on CoreSchemaCheck{conflicts{value} enriched_conflict_id{value}}
			... on CoreFileCheck{files{value} commit{value}}}}}`
	got := s.Ask(t, `query($ids:[ID]){CoreProposedChange(ids:$ids){edges{node{state{value} validations{count edges{node{`+validator+`}}}}}}}`, "ids", []string{change})
	return node{got, "data.CoreProposedChange.edges.0.node"}
}

// validators returns the validators of a change by label.
func (s *server) validators(t *testing.T, change string) map[string]node {
	t.Helper()
	return nodesByLabel(s.changeNode(t, change), "validations")
}

func checksByLabel(validator node) map[string]node { return nodesByLabel(validator, "checks") }

// nodesByLabel returns the nodes of a relationship by label. The node of a missing label does not exist.
func nodesByLabel(n node, relationship string) map[string]node {
	edges, _ := n.response.At(n.path + "." + relationship + ".edges").([]any)
	found := map[string]node{}
	for i := range edges {
		one := node{n.response, fmt.Sprintf("%s.%s.edges.%d.node", n.path, relationship, i)}
		found[one.Text("label.value")] = one
	}
	return found
}

// waitForConclusions waits until validators of a change have completed with these conclusions, by label, and returns them all.
func (s *server) waitForConclusions(t *testing.T, change string, want map[string]string) map[string]node {
	t.Helper()
	var found map[string]node
	s.waitUntil(t, fmt.Sprintf("the conclusions %v", want), func() bool {
		found = s.validators(t, change)
		for label, conclusion := range want {
			v := found[label]
			if !v.exists() || v.Text("state.value") != "completed" || v.Text("conclusion.value") != conclusion {
				return false
			}
		}
		return true
	})
	return found
}

// waitForChangeTask waits until a workflow of a change has run a number of times, and returns the last of these tasks.
func (s *server) waitForChangeTask(t *testing.T, change, workflow string, times int) task {
	t.Helper()
	var found []task
	s.waitUntil(t, fmt.Sprintf("%s to have run %d times", workflow, times), func() bool {
		found = slices.DeleteFunc(s.tasks(t, change), func(next task) bool {
			return next.workflow != workflow || next.state != "COMPLETED" && next.state != "FAILED"
		})
		return len(found) >= times
	})
	return found[len(found)-1]
}

// runCheck runs checks of a change again. It lets a moment pass, so that a new started_at differs from the one before.
func (s *server) runCheck(t *testing.T, change, checks string) {
	t.Helper()
	time.Sleep(time.Millisecond)
	got := s.Ask(t, `mutation{CoreProposedChangeRunCheck(data:{id:"`+change+`" check_type:`+checks+`}){ok}}`)
	assertJSON(t, got, "data.CoreProposedChangeRunCheck", `{"ok":true}`)
}

func (s *server) setMerged(t *testing.T, change string) mocktest.Response {
	t.Helper()
	return s.Post(t, "main", `mutation{CoreProposedChangeUpdate(data:{id:"`+change+`" state:{value:"merged"}}){ok object{state{value}}}}`)
}

// assertOpen checks that a change and its branch are open.
func (s *server) assertOpen(t *testing.T, change, branch string) {
	t.Helper()
	assertJSON(t, s.changeNode(t, change), "state.value", `"open"`)
	assertJSON(t, s.Ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"OPEN"`)
}
