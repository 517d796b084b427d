package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// A repository that was created on a branch is staging there, and on main it has ref "main" and no commit, and is
// inactive and unknown. So is, on an older branch, a repository that was created on main.
func TestBranches1_RepositoriesExistOnEveryBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		onBranch, onMain := s.newRemote(t, "b.git"), s.newRemote(t, "m.git")
		input := func(r *remote) string {
			return fmt.Sprintf(`name:{value:%q} location:{value:%q} ref:{value:"v1.0.0"} description:{value:"d"}`, s.name(r.query), r.location)
		}
		here := s.createOn(t, branch, readOnly, input(onBranch))
		there := s.create(t, readOnly, input(onMain))
		for _, test := range []struct{ id, own, other, status string }{{here, branch, "main", "staging"}, {there, "main", branch, "active"}} {
			own, other := s.readOn(t, test.own, readOnly, test.id), s.readOn(t, test.other, readOnly, test.id)
			assertJSON(t, own, "ref.value", `"v1.0.0"`)
			assertJSON(t, own, "internal_status.value", `"`+test.status+`"`)
			for path, want := range map[string]string{
				"ref.value": `"main"`, "commit.value": "null", "internal_status.value": `"inactive"`, "sync_status.value": `"unknown"`, "description.value": `"d"`,
			} {
				assertJSON(t, other, path, want)
			}
		}
	})
}

// The name, the description and the operational_status of a repository are the same on every branch.
func TestBranches1_SharedAttributes(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		_, id := s.newReadOnly(t)
		s.updateOn(t, branch, readOnly, id, fmt.Sprintf(`description:{value:"d"} name:{value:%q}`, s.name("renamed")))
		for _, name := range []string{"main", branch} {
			node := s.readOn(t, name, readOnly, id)
			assertJSON(t, node, "description.value", `"d"`)
			assertJSON(t, node, "name.value", `"`+s.name("renamed")+`"`)
			assertJSON(t, node, "operational_status.value", `"online"`)
		}
	})
}

// Deleting a repository or a credential on any branch deletes it everywhere.
func TestBranches1_DeletingAnywhereDeletesEverywhere(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		remote := s.newRemote(t, "r.git")
		for kind, id := range map[string]string{
			readOnly:   s.importReadOnly(t, remote, "v1.0.0"),
			credential: s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))),
		} {
			assertJSON(t, s.Post(t, branch, `mutation{`+kind+`Delete(data:{id:"`+id+`"}){ok}}`), "data."+kind+"Delete.ok", "true")
			for _, name := range []string{"main", branch} {
				if s.readOn(t, name, kind, id).exists() {
					t.Errorf("the %s still exists on %s", kind, name)
				}
			}
		}
	})
}

// A tag exists on its branch only, until the branch is merged.
func TestBranches1_TagsBelongToTheirBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		id := s.createOn(t, branch, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		if s.read(t, tag, id).exists() {
			t.Error("the tag exists on main")
		}
		assertJSON(t, s.readOn(t, branch, tag, id), "id", `"`+id+`"`)
	})
}

// A ref that is set on a branch is imported there only. BranchMerge gives main the ref and the commit. The branch is
// MERGED and read-only then, and its open proposed change is canceled. During the merge the server may refuse writes
// on the branch and on main with MERGE_IN_PROGRESS 423, since 1.11; it does not refuse reads.
func TestBranches2_RefOnABranchAndItsMerge(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	proveWithDelays(t, func(t *testing.T, s *server) {
		remote, id := s.newReadOnly(t)
		branch := s.newBranch(t, "release")
		s.importRef(t, branch, id, "v1.1.0")
		s.assertState(t, branch, readOnly, id, remote, "v1.1.0/in-sync/online")
		s.assertState(t, "main", readOnly, id, remote, "v1.0.0/in-sync/online")
		change := s.propose(t, branch)
		merged, refused := s.mergeAndWrite(t, branch)
		assertJSON(t, merged, "data.BranchMerge.ok", "true")
		if s.mockOnly(t, "that writes are refused, because they are only for a moment of the merge") && (refused > 0) == s.old() {
			t.Errorf("the server refused %d writes", refused)
		}
		node := s.read(t, readOnly, id)
		assertJSON(t, node, "ref.value", `"v1.1.0"`)
		assertJSON(t, node, "commit.value", `"`+remote.Commits["v1.1.0"]+`"`)
		assertJSON(t, s.Ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"MERGED"`)
		if s.mockOnly(t, "that a merged branch is read-only, because a process may learn late that it was merged") {
			s.assertRefused(t, s.Post(t, branch, `mutation{BuiltinTagCreate(data:{name:{value:"t"}}){ok}}`), "BuiltinTagCreate", failure{
				message: "Branch '" + branch + "' has been merged and is read-only. No modifications are allowed.",
				code:    "BRANCH_ALREADY_MERGED", status: http.StatusBadRequest, data: `{"branch_name":"` + branch + `"}`,
			})
		}
		s.waitUntil(t, "the proposed change to be canceled", func() bool {
			return s.Ask(t, `query($ids:[ID]){CoreProposedChange(ids:$ids){edges{node{state{value}}}}}`, "ids", []string{change}).
				Text("data.CoreProposedChange.edges.0.node.state.value") == "canceled"
		})
	})
}

// BranchCreate creates a branch and returns it. Branch(name:) is a list, empty if the branch is missing. BranchUpdate
// and BranchDelete go by name.
func TestBranches3_CreateReadUpdateDelete(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.name("b")
		s.deleteBranchAtEnd(t, name)
		read := func() mocktest.Response {
			return s.Ask(t, `query($n:String){Branch(name:$n){name description status sync_with_git is_default origin_branch}}`, "n", name)
		}
		assertJSON(t, read(), "data.Branch", "[]")
		created := s.Ask(t, `mutation($n:String!){BranchCreate(data:{name:$n description:"d" sync_with_git:false} wait_until_completion:true){ok object{name status} task{id}}}`, "n", name)
		assertJSON(t, created, "data.BranchCreate", `{"object":{"name":"`+name+`","status":"OPEN"},"ok":true,"task":null}`)
		assertJSON(t, read(), "data.Branch", `[{"description":"d","is_default":false,"name":"`+name+`","origin_branch":"main","status":"OPEN","sync_with_git":false}]`)
		assertJSON(t, s.Ask(t, `mutation($n:String!){BranchUpdate(data:{name:$n description:"e"}){ok}}`, "n", name), "data.BranchUpdate.ok", "true")
		assertJSON(t, read(), "data.Branch.0.description", `"e"`)
		assertJSON(t, s.Ask(t, `mutation($n:String){BranchDelete(data:{name:$n} wait_until_completion:true){ok task{id}}}`, "n", name), "data.BranchDelete", `{"ok":true,"task":null}`)
		assertJSON(t, read(), "data.Branch", "[]")
	})
}

// A new branch is synced with Git unless sync_with_git is false, and has an empty description unless one is given.
// BranchUpdate leaves the description for null, and clears it for "".
func TestBranches3_Defaults(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.name("b")
		s.deleteBranchAtEnd(t, name)
		read := func() mocktest.Response {
			return s.Ask(t, `query($n:String){Branch(name:$n){description sync_with_git}}`, "n", name)
		}
		update := func(description any) {
			assertJSON(t, s.Ask(t, `mutation($n:String! $d:String){BranchUpdate(data:{name:$n description:$d}){ok}}`, "n", name, "d", description), "data.BranchUpdate.ok", "true")
		}
		s.Ask(t, `mutation($n:String!){BranchCreate(data:{name:$n} wait_until_completion:true){ok}}`, "n", name)
		assertJSON(t, read(), "data.Branch", `[{"description":"","sync_with_git":true}]`)
		update("d")
		update(nil)
		assertJSON(t, read(), "data.Branch.0.description", `"d"`)
		update("")
		assertJSON(t, read(), "data.Branch.0.description", `""`)
	})
}

// A duplicate name and a name that Git would refuse are UNDEFINED_ERROR 422 with a clear message. A missing branch is
// BRANCH_NOT_FOUND.
func TestBranches4_Refused(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.newBranch(t, "b")
		create := func(name string) mocktest.Response {
			return s.Post(t, "main", `mutation($n:String!){BranchCreate(data:{name:$n} wait_until_completion:true){ok}}`, "n", name)
		}
		s.assertRefused(t, create(name), "BranchCreate", failure{message: "The branch " + name + " already exists", status: 422})
		s.assertRefused(t, create("bad name~^"), "BranchCreate", failure{
			message: "Branch name contains invalid patterns or characters: disallowed ASCII characters/patterns", status: 422,
		})
		s.assertRefused(t, create(name+"..x/"), "BranchCreate", failure{message: "Branch name contains invalid patterns or characters: .., ends with /", status: 422})
		s.assertRefused(t, create("ab"), "BranchCreate", failure{message: "invalid field name: String should have at least 3 characters", status: 422})
		s.assertRefused(t, create(strings.Repeat("x", 251)), "BranchCreate", failure{message: "invalid field name: String should have at most 250 characters", status: 422})
		none := s.name("none")
		s.assertRefused(t, s.Post(t, "main", `mutation($n:String){BranchDelete(data:{name:$n} wait_until_completion:true){ok}}`, "n", none), "BranchDelete", failure{
			message: "Branch: " + none + " not found.", code: "BRANCH_NOT_FOUND", status: 400, data: `{"branch_name":"` + none + `"}`,
		})
	})
}

// BranchMerge gives every read-only repository on main the ref and commit that it has on the branch, even if the branch
// changed nothing: a ref that was set on main after the branch was created is taken back, and a repository that is
// younger than the branch gets ref "main". What differs then is imported.
func TestBranches7_MergeTakesBackEveryRef(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		older, younger := s.newRemote(t, "older.git"), s.newRemote(t, "younger.git")
		bumped := s.importReadOnly(t, older, "v1.0.0")
		branch := s.newBranch(t, "stale")
		s.importRef(t, "main", bumped, "v1.1.0")
		added := s.importReadOnly(t, younger, "v1.0.0")
		assertJSON(t, s.Post(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch), "data.BranchMerge.ok", "true")
		if s.is110() {
			t.Skip("some merges of Infrahub 1.10.11 take back refs, and some do not")
		}
		for id, want := range map[string]string{
			bumped: `{"commit":{"value":"` + older.Commits["v1.0.0"] + `"},"ref":{"value":"v1.0.0"}}`,
			added:  `{"commit":{"value":"` + younger.Commits["main"] + `"},"ref":{"value":"main"}}`,
		} {
			s.waitUntil(t, "main to have "+want, func() bool {
				return s.Ask(t, `query($ids:[ID]){CoreReadOnlyRepository(ids:$ids){edges{node{commit{value} ref{value}}}}}`, "ids", []string{id}).
					JSON(t, "data.CoreReadOnlyRepository.edges.0.node") == want
			})
			s.waitUntil(t, "the import", func() bool {
				return strings.HasSuffix(s.state(t, "main", readOnly, id, older), "/in-sync/online")
			})
		}
	})
}

// A branch cannot be merged if a ref or commit has got different values on main and on the branch since it was
// created. The same value on both is no conflict.
func TestBranches8_ConflictsAreNotMerged(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		_, id := s.newReadOnly(t)
		merge := func(branch string) mocktest.Response {
			return s.Post(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch)
		}
		branch := s.newBranch(t, "other")
		s.importRef(t, "main", id, "v1.1.0")
		s.importRef(t, branch, id, "v2.0.0")
		s.assertRefused(t, merge(branch), "BranchMerge", failure{
			message: "Branch " + branch + " contains conflicts with the default branch. Please create a Proposed Change to resolve the conflicts or manually update them before merging.",
			status:  422,
		})
		assertJSON(t, s.Ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"OPEN"`)
		equal := s.newBranch(t, "equal")
		s.importRef(t, "main", id, "v1.0.0")
		s.importRef(t, equal, id, "v1.0.0")
		assertJSON(t, merge(equal), "data.BranchMerge.ok", "true")
	})
}

// updated_at of a ref and a commit shows whether main has got them since another branch was created, by a change or by a merge of
// what an older branch had imported before. What the other branch sees is older than the branch, unless it was changed there.
func TestBranches16_WhenARefChanged(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		_, merged := s.newReadOnly(t)
		changed := s.importReadOnly(t, s.newRemote(t, "changed.git"), "v1.0.0")
		release := s.newBranch(t, "release")
		s.importRef(t, release, merged, "v1.1.0")
		later := s.newBranch(t, "later")
		s.importRef(t, later, changed, "v1.1.0")
		assertJSON(t, s.Post(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", release), "data.BranchMerge.ok", "true")
		began := s.Ask(t, `query($n:String){Branch(name:$n){branched_from}}`, "n", later).Text("data.Branch.0.branched_from")
		for _, each := range []struct {
			branch, id string
			want       bool
		}{
			{"main", merged, true}, {"main", changed, false}, {later, merged, false}, {later, changed, true},
		} {
			for _, attribute := range []string{"ref", "commit"} {
				got := s.Post(t, each.branch, `query($ids:[ID]){CoreReadOnlyRepository(ids:$ids){edges{node{`+attribute+`{updated_at}}}}}`, "ids", []string{each.id})
				at := got.Text("data.CoreReadOnlyRepository.edges.0.node." + attribute + ".updated_at")
				if since := parseTime(t, at).After(parseTime(t, began)); since != each.want {
					t.Errorf("on %s %s was updated at %s, the branch began at %s: since is %t, want %t", each.branch, attribute, at, began, since, each.want)
				}
			}
		}
	})
}

// After a merge and the deletion of its branch no task is left that has imported what main has.
func TestBranches17_DeletedBranchTakesItsTasksAlong(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		_, id := s.newReadOnly(t)
		branch := s.newBranch(t, "release")
		s.importRef(t, branch, id, "v1.1.0")
		count := func(arguments string) any {
			return s.Ask(t, `{InfrahubTask(`+arguments+`){count}}`).At("data.InfrahubTask.count")
		}
		pulls := `workflow:["git-repository-pull-read-only"] related_node__ids:["` + id + `"] branch:`
		onMain := count(pulls + `"main"`)
		if onBranch := count(pulls + `"` + branch + `"`); onBranch == 0.0 {
			t.Error("the branch has no pulls")
		}
		assertJSON(t, s.Post(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch), "data.BranchMerge.ok", "true")
		s.waitUntil(t, "the task of the merge", func() bool {
			merged := s.Ask(t, `{InfrahubTask(workflow:["branch-merged"] limit:20){edges{node{title branch}}}}`)
			for i := range 20 {
				if merged.Text(fmt.Sprintf("data.InfrahubTask.edges.%d.node.title", i)) == "Running actions after '"+branch+"' was merged" {
					return merged.At(fmt.Sprintf("data.InfrahubTask.edges.%d.node.branch", i)) == nil
				}
			}
			return false
		})
		s.Post(t, "main", `mutation($n:String){BranchDelete(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch)
		s.waitUntil(t, "the tasks of the branch to be gone", func() bool { return count(pulls+`"`+branch+`"`) == 0.0 })
		if now := count(pulls + `"main"`); now != onMain {
			t.Errorf("main has %v pulls, want %v as before", now, onMain)
		}
	})
}

// A source branch has at most one open proposed change.
func TestBranches12_OneProposedChangePerBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		first := s.propose(t, branch)
		again := `mutation($b:String){CoreProposedChangeCreate(data:{name:{value:$b} source_branch:{value:$b} destination_branch:{value:"main"}}){ok}}`
		s.assertRefused(t, s.Post(t, "main", again, "b", branch), "CoreProposedChangeCreate", failure{
			message: "An open proposed change already exists for branch '" + branch + "'", status: 422,
		})
		assertJSON(t, s.Ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+first+`" state:{value:"canceled"}}){ok}}`), "data.CoreProposedChangeUpdate.ok", "true")
		s.propose(t, branch)
	})
}

// An open proposed change takes updates of name, description and draft, also "" and null. A canceled one refuses them.
func TestBranches12_ProposedChangeIsUpdated(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := s.propose(t, s.newBranch(t, "b"))
		update := func(input string) mocktest.Response {
			return s.Post(t, "main", `mutation{CoreProposedChangeUpdate(data:{id:"`+id+`" `+input+`}){ok}}`)
		}
		assertJSON(t, update(`name:{value:"n"} description:{value:"d"} is_draft:{value:true}`), "data.CoreProposedChangeUpdate.ok", "true")
		assertJSON(t, update(`description:{value:null}`), "data.CoreProposedChangeUpdate.ok", "true")
		assertJSON(t, s.Ask(t, `query($ids:[ID]){CoreProposedChange(ids:$ids){edges{node{name{value} description{value} is_draft{value} state{value}}}}}`, "ids", []string{id}),
			"data.CoreProposedChange.edges.0.node", `{"description":{"value":null},"is_draft":{"value":true},"name":{"value":"n"},"state":{"value":"open"}}`)
		assertJSON(t, update(`state:{value:"canceled"}`), "data.CoreProposedChangeUpdate.ok", "true")
		s.assertRefused(t, update(`description:{value:"e"}`), "CoreProposedChangeUpdate", failure{
			message: "A proposed change in the canceled state is not allowed to be updated", status: 422,
		})
	})
}

// Setting the state of a proposed change to merged merges its branch. It refuses updates then.
func TestBranches12_ProposedChangeIsMerged(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		id := s.propose(t, branch)
		update := func(input string) mocktest.Response {
			return s.Post(t, "main", `mutation{CoreProposedChangeUpdate(data:{id:"`+id+`" `+input+`}){ok}}`)
		}
		assertJSON(t, update(`state:{value:"merged"}`), "data.CoreProposedChangeUpdate.ok", "true")
		s.waitUntil(t, "the proposed change to be merged", func() bool {
			return s.Ask(t, `query($ids:[ID]){CoreProposedChange(ids:$ids){edges{node{state{value}}}}}`, "ids", []string{id}).
				Text("data.CoreProposedChange.edges.0.node.state.value") == "merged"
		})
		assertJSON(t, s.Ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"MERGED"`)
		s.assertRefused(t, update(`description:{value:"e"}`), "CoreProposedChangeUpdate", failure{
			message: "A proposed change in the merged state is not allowed to be updated", status: 422,
		})
	})
}

// mergeAndWrite merges a branch and writes on it and on main meanwhile. It returns the response of the merge and the
// number of refused writes.
func (s *server) mergeAndWrite(t *testing.T, branch string) (merged mocktest.Response, refused int) {
	t.Helper()
	responses := make(chan mocktest.Response)
	go func() {
		responses <- s.Post(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch)
	}()
	messages := map[string]string{
		"main": "A merge is currently in progress; writes are temporarily blocked. Please retry shortly.",
		branch: "Branch '" + branch + "' is being merged and is read-only. No modifications are allowed.",
	}
	s.waitUntil(t, "the merge to end", func() bool {
		for name, message := range messages {
			got := s.tryCreateOn(t, name, credential, fmt.Sprintf(`name:{value:%q}`, newID()))
			if got.Status == http.StatusOK && got.At("errors") == nil || strings.Contains(got.Body, "has been merged") {
				continue
			}
			refused++
			s.assertRefused(t, got, "CorePasswordCredentialCreate", failure{
				message: message, code: "MERGE_IN_PROGRESS", status: http.StatusLocked, data: fmt.Sprintf(`{"branch_name":%q,"merging_branch":%q}`, name, branch),
			})
		}
		s.Ask(t, `{InfrahubInfo{version}}`)
		select {
		case merged = <-responses:
			return true
		default:
			return false
		}
	})
	return merged, refused
}

// propose opens a proposed change into main and returns its id. It is deleted when the test ends.
func (s *server) propose(t *testing.T, branch string) string {
	t.Helper()
	got := s.Post(t, "main", `mutation($b:String){CoreProposedChangeCreate(data:{name:{value:$b} source_branch:{value:$b} destination_branch:{value:"main"}}){ok object{id state{value}}}}`, "b", branch)
	assertJSON(t, got, "data.CoreProposedChangeCreate.object.state.value", `"open"`)
	id := got.Text("data.CoreProposedChangeCreate.object.id")
	t.Cleanup(func() { s.Post(t, "main", `mutation{CoreProposedChangeDelete(data:{id:"`+id+`"}){ok}}`) })
	return id
}

// A rebase lets a branch see what main sees now, with the branch's own changes.
func TestBranches13_Rebase(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		kept := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("kept")))
		branch := s.newBranch(t, "b")
		from := func() string {
			return s.Ask(t, `query($n:String){Branch(name:$n){branched_from}}`, "n", branch).Text("data.Branch.0.branched_from")
		}
		before := from()
		s.updateOn(t, branch, tag, kept, `description:{value:"on the branch"}`)
		later := s.create(t, tag, fmt.Sprintf(`name:{value:%q}`, s.name("later")))
		if s.readOn(t, branch, tag, later).exists() {
			t.Error("the branch sees what main got after it was created")
		}
		rebase := func(name string) mocktest.Response {
			return s.Post(t, "main", `mutation($n:String){BranchRebase(data:{name:$n}){ok object{status}}}`, "n", name)
		}
		assertJSON(t, rebase(branch), "data.BranchRebase", `{"object":{"status":"OPEN"},"ok":true}`)
		if !s.readOn(t, branch, tag, later).exists() {
			t.Error("the branch does not see what main has")
		}
		assertJSON(t, s.readOn(t, branch, tag, kept), "description.value", `"on the branch"`)
		assertJSON(t, s.read(t, tag, kept), "description.value", "null")
		if from() <= before {
			t.Errorf("branched from %s, before from %s", from(), before)
		}
		s.update(t, tag, kept, `description:{value:"on main"}`)
		if got := rebase(branch); !strings.HasPrefix(got.Text("errors.0.message"), "Branch "+branch+" contains conflicts with the default branch that must be addressed before rebasing.") {
			t.Errorf("got %s", got.Body)
		}
		none := s.name("none")
		s.assertRefused(t, rebase(none), "BranchRebase", failure{message: "Branch: " + none + " not found.", code: "BRANCH_NOT_FOUND", status: 400, data: fmt.Sprintf(`{"branch_name":%q}`, none)})
	})
}

// A validation of a branch is ok if the branch exists.
func TestBranches14_Validate(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch, none := s.newBranch(t, "b"), s.name("none")
		validate := func(name string) mocktest.Response {
			return s.Post(t, "main", `mutation($n:String){BranchValidate(data:{name:$n}){ok object{name}}}`, "n", name)
		}
		assertJSON(t, validate(branch), "data.BranchValidate", `{"object":{"name":"`+branch+`"},"ok":true}`)
		s.assertRefused(t, validate(none), "BranchValidate", failure{message: "Branch: " + none + " not found.", code: "BRANCH_NOT_FOUND", status: 400, data: fmt.Sprintf(`{"branch_name":%q}`, none)})
	})
}

// A branch tells the version of its data model, and whether its schema differs from that of main.
func TestBranches15_Fields(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		for _, name := range []string{"main", s.newBranch(t, "b")} {
			got := s.Ask(t, `query($n:String){Branch(name:$n){graph_version has_schema_changes schema_differs_from_default_branch origin_branch}}`, "n", name)
			assertJSON(t, got, "data.Branch.0", `{"graph_version":79,"has_schema_changes":false,"origin_branch":"main","schema_differs_from_default_branch":false}`)
		}
	})
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
