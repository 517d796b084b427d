package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A repository that was created on a branch is seen on main with ref "main", no commit, inactive and
// unknown; on its branch it is staging. One that was created on main later than a branch's start is
// seen so on that branch.
func TestBranches1_RepositoriesAreSeenOnEveryBranch(t *testing.T) {
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
			same(t, own, "ref.value", `"v1.0.0"`)
			same(t, own, "internal_status.value", `"`+test.status+`"`)
			for path, want := range map[string]string{
				"ref.value": `"main"`, "commit.value": "null", "internal_status.value": `"inactive"`, "sync_status.value": `"unknown"`, "description.value": `"d"`,
			} {
				same(t, other, path, want)
			}
		}
	})
}

// The name, the description and operational_status of a repository are the same on every branch.
func TestBranches1_SharedAttributes(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		got := s.updateOn(t, branch, readOnly, id, fmt.Sprintf(`description:{value:"d"} name:{value:%q}`, s.name("renamed")))
		same(t, got, "data.CoreReadOnlyRepositoryUpdate.ok", "true")
		for _, each := range []string{"main", branch} {
			node := s.readOn(t, each, readOnly, id)
			same(t, node, "description.value", `"d"`)
			same(t, node, "name.value", `"`+s.name("renamed")+`"`)
			same(t, node, "operational_status.value", `"online"`)
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
			readOnly:   s.readOnlyAt(t, remote, "v1.0.0"),
			credential: s.create(t, credential, fmt.Sprintf(`name:{value:%q}`, s.name("c"))),
		} {
			same(t, s.on(t, branch, `mutation{`+kind+`Delete(data:{id:"`+id+`"}){ok}}`), "data."+kind+"Delete.ok", "true")
			for _, each := range []string{"main", branch} {
				if has := s.readOn(t, each, kind, id); has.parsed != nil {
					t.Errorf("the %s is still on %s", kind, each)
				}
			}
		}
	})
}

// A tag belongs to its branch until that is merged.
func TestBranches1_TagsBelongToTheirBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		id := s.createOn(t, branch, tag, fmt.Sprintf(`name:{value:%q}`, s.name("t")))
		if has := s.read(t, tag, id); has.parsed != nil {
			t.Error("it is on main")
		}
		same(t, s.readOn(t, branch, tag, id), "id", `"`+id+`"`)
	})
}

// A ref that is set on a branch is imported there alone. BranchMerge lets main take over ref and commit.
// The branch is MERGED and read-only then, and its open proposed change is canceled. While it is merged,
// writes on it and on main may be refused with MERGE_IN_PROGRESS 423, since 1.11; reads are not.
func TestBranches2_RefOnABranchAndItsMerge(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	proveInTime(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		branch := s.newBranch(t, "release")
		s.bumped(t, branch, id, "v1.1.0")
		if has := s.state(t, branch, readOnly, id, remote); has != "v1.1.0/in-sync/online" {
			t.Errorf("on the branch it is %s", has)
		}
		if has := s.state(t, "main", readOnly, id, remote); has != "v1.0.0/in-sync/online" {
			t.Errorf("on main it is %s", has)
		}
		change := s.propose(t, branch)
		merged, refused := s.mergeAndWrite(t, branch)
		same(t, merged, "data.BranchMerge.ok", "true")
		if s.mockOnly(t, "that writes are refused, for they are so for a moment of the merge alone") && (refused > 0) == s.old() {
			t.Errorf("%d writes were refused", refused)
		}
		node := s.read(t, readOnly, id)
		same(t, node, "ref.value", `"v1.1.0"`)
		same(t, node, "commit.value", `"`+remote.commits["v1.1.0"]+`"`)
		same(t, s.ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"MERGED"`)
		if s.mockOnly(t, "that a merged branch is read-only, for a process may not know yet that it is merged") {
			s.refused(t, s.on(t, branch, `mutation{BuiltinTagCreate(data:{name:{value:"t"}}){ok}}`), "BuiltinTagCreate", failure{
				message: "Branch '" + branch + "' has been merged and is read-only. No modifications are allowed.",
				code:    "BRANCH_ALREADY_MERGED", status: http.StatusBadRequest, data: `{"branch_name":"` + branch + `"}`,
			})
		}
		s.until(t, "the proposed change to be canceled", func() bool {
			return s.ask(t, `query($ids:[ID]){CoreProposedChange(ids:$ids){edges{node{state{value}}}}}`, "ids", []string{change}).
				text("data.CoreProposedChange.edges.0.node.state.value") == "canceled"
		})
	})
}

// BranchCreate makes a branch and returns it; Branch(name:) is a list, empty where there is none;
// BranchUpdate and BranchDelete work by name.
func TestBranches3_CreateReadUpdateDelete(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.name("b")
		s.dropBranch(t, name)
		read := func() reply {
			return s.ask(t, `query($n:String){Branch(name:$n){name description status sync_with_git is_default origin_branch}}`, "n", name)
		}
		same(t, read(), "data.Branch", "[]")
		made := s.ask(t, `mutation($n:String!){BranchCreate(data:{name:$n description:"d" sync_with_git:false} wait_until_completion:true){ok object{name status} task{id}}}`, "n", name)
		same(t, made, "data.BranchCreate", `{"object":{"name":"`+name+`","status":"OPEN"},"ok":true,"task":null}`)
		same(t, read(), "data.Branch", `[{"description":"d","is_default":false,"name":"`+name+`","origin_branch":"main","status":"OPEN","sync_with_git":false}]`)
		same(t, s.ask(t, `mutation($n:String!){BranchUpdate(data:{name:$n description:"e"}){ok}}`, "n", name), "data.BranchUpdate.ok", "true")
		same(t, read(), "data.Branch.0.description", `"e"`)
		same(t, s.ask(t, `mutation($n:String){BranchDelete(data:{name:$n} wait_until_completion:true){ok task{id}}}`, "n", name), "data.BranchDelete", `{"ok":true,"task":null}`)
		same(t, read(), "data.Branch", "[]")
	})
}

// A branch is synced with Git unless that is refused, and has no description if none is given. BranchUpdate
// leaves the description where it is null, and clears it where it is empty.
func TestBranches3_Defaults(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.name("b")
		s.dropBranch(t, name)
		read := func() reply {
			return s.ask(t, `query($n:String){Branch(name:$n){description sync_with_git}}`, "n", name)
		}
		update := func(description any) {
			same(t, s.ask(t, `mutation($n:String! $d:String){BranchUpdate(data:{name:$n description:$d}){ok}}`, "n", name, "d", description), "data.BranchUpdate.ok", "true")
		}
		s.ask(t, `mutation($n:String!){BranchCreate(data:{name:$n} wait_until_completion:true){ok}}`, "n", name)
		same(t, read(), "data.Branch", `[{"description":"","sync_with_git":true}]`)
		update("d")
		update(nil)
		same(t, read(), "data.Branch.0.description", `"d"`)
		update("")
		same(t, read(), "data.Branch.0.description", `""`)
	})
}

// A branch that is there already and a name that Git would refuse are UNDEFINED_ERROR 422 with a clear
// message; one that is missing is BRANCH_NOT_FOUND.
func TestBranches4_Refused(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		name := s.newBranch(t, "b")
		create := func(name string) reply {
			return s.on(t, "main", `mutation($n:String!){BranchCreate(data:{name:$n} wait_until_completion:true){ok}}`, "n", name)
		}
		s.refused(t, create(name), "BranchCreate", failure{message: "The branch " + name + " already exists", status: 422})
		s.refused(t, create("bad name~^"), "BranchCreate", failure{
			message: "Branch name contains invalid patterns or characters: disallowed ASCII characters/patterns", status: 422,
		})
		s.refused(t, create(name+"..x/"), "BranchCreate", failure{message: "Branch name contains invalid patterns or characters: .., ends with /", status: 422})
		s.refused(t, create("ab"), "BranchCreate", failure{message: "invalid field name: String should have at least 3 characters", status: 422})
		s.refused(t, create(strings.Repeat("x", 251)), "BranchCreate", failure{message: "invalid field name: String should have at most 250 characters", status: 422})
		none := s.name("none")
		s.refused(t, s.on(t, "main", `mutation($n:String){BranchDelete(data:{name:$n} wait_until_completion:true){ok}}`, "n", none), "BranchDelete", failure{
			message: "Branch: " + none + " not found.", code: "BRANCH_NOT_FOUND", status: 400, data: `{"branch_name":"` + none + `"}`,
		})
	})
}

// BranchMerge gives every read-only repository on main the ref and commit that the branch sees, also where
// the branch changed nothing: a ref that main was given since the branch was made is taken back, and a
// repository that is younger than the branch gets ref "main". What then differs is imported.
func TestBranches7_MergeTakesBackEveryRef(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		older, younger := s.newRemote(t, "older.git"), s.newRemote(t, "younger.git")
		bumped := s.readOnlyAt(t, older, "v1.0.0")
		branch := s.newBranch(t, "stale")
		s.bumped(t, "main", bumped, "v1.1.0")
		added := s.readOnlyAt(t, younger, "v1.0.0")
		same(t, s.on(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch), "data.BranchMerge.ok", "true")
		for id, want := range map[string]string{
			bumped: `{"commit":{"value":"` + older.commits["v1.0.0"] + `"},"ref":{"value":"v1.0.0"}}`,
			added:  `{"commit":{"value":"` + younger.commits["main"] + `"},"ref":{"value":"main"}}`,
		} {
			s.until(t, "main to have "+want, func() bool {
				return s.ask(t, `query($ids:[ID]){CoreReadOnlyRepository(ids:$ids){edges{node{commit{value} ref{value}}}}}`, "ids", []string{id}).
					json(t, "data.CoreReadOnlyRepository.edges.0.node") == want
			})
			s.until(t, "it to be imported", func() bool {
				return strings.HasSuffix(s.state(t, "main", readOnly, id, older), "/in-sync/online")
			})
		}
	})
}

// A branch cannot be merged if main and the branch have given a ref or commit different values since it was
// made. The same value on both is no conflict.
func TestBranches8_ConflictsAreNotMerged(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		remote := s.newRemote(t, "r.git")
		id := s.readOnlyAt(t, remote, "v1.0.0")
		merge := func(branch string) reply {
			return s.on(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch)
		}
		branch := s.newBranch(t, "other")
		s.bumped(t, "main", id, "v1.1.0")
		s.bumped(t, branch, id, "v2.0.0")
		s.refused(t, merge(branch), "BranchMerge", failure{
			message: "Branch " + branch + " contains conflicts with the default branch. Please create a Proposed Change to resolve the conflicts or manually update them before merging.",
			status:  422,
		})
		same(t, s.ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"OPEN"`)
		alike := s.newBranch(t, "alike")
		s.bumped(t, "main", id, "v1.0.0")
		s.bumped(t, alike, id, "v1.0.0")
		same(t, merge(alike), "data.BranchMerge.ok", "true")
	})
}

// There is one open proposed change per source branch.
func TestBranches12_OneProposedChangePerBranch(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		first := s.propose(t, branch)
		again := `mutation($b:String){CoreProposedChangeCreate(data:{name:{value:$b} source_branch:{value:$b} destination_branch:{value:"main"}}){ok}}`
		s.refused(t, s.on(t, "main", again, "b", branch), "CoreProposedChangeCreate", failure{
			message: "An open proposed change already exists for branch '" + branch + "'", status: 422,
		})
		same(t, s.ask(t, `mutation{CoreProposedChangeUpdate(data:{id:"`+first+`" state:{value:"canceled"}}){ok}}`), "data.CoreProposedChangeUpdate.ok", "true")
		s.propose(t, branch)
	})
}

// A proposed change takes its name, description and draft from updates while it is open, also "" and null;
// one that was canceled refuses them.
func TestBranches12_ProposedChangeIsUpdated(t *testing.T) {
	t.Parallel()
	prove(t, func(t *testing.T, s *server) {
		id := s.propose(t, s.newBranch(t, "b"))
		update := func(input string) reply {
			return s.on(t, "main", `mutation{CoreProposedChangeUpdate(data:{id:"`+id+`" `+input+`}){ok}}`)
		}
		same(t, update(`name:{value:"n"} description:{value:"d"} is_draft:{value:true}`), "data.CoreProposedChangeUpdate.ok", "true")
		same(t, update(`description:{value:null}`), "data.CoreProposedChangeUpdate.ok", "true")
		same(t, s.ask(t, `query($ids:[ID]){CoreProposedChange(ids:$ids){edges{node{name{value} description{value} is_draft{value} state{value}}}}}`, "ids", []string{id}),
			"data.CoreProposedChange.edges.0.node", `{"description":{"value":null},"is_draft":{"value":true},"name":{"value":"n"},"state":{"value":"open"}}`)
		same(t, update(`state:{value:"canceled"}`), "data.CoreProposedChangeUpdate.ok", "true")
		s.refused(t, update(`description:{value:"e"}`), "CoreProposedChangeUpdate", failure{
			message: "A proposed change in the canceled state is not allowed to be updated", status: 422,
		})
	})
}

// A proposed change is merged by its state, with its branch; it is refused further updates then.
func TestBranches12_ProposedChangeIsMerged(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	prove(t, func(t *testing.T, s *server) {
		branch := s.newBranch(t, "b")
		id := s.propose(t, branch)
		update := func(input string) reply {
			return s.on(t, "main", `mutation{CoreProposedChangeUpdate(data:{id:"`+id+`" `+input+`}){ok}}`)
		}
		same(t, update(`state:{value:"merged"}`), "data.CoreProposedChangeUpdate.ok", "true")
		s.until(t, "it to be merged", func() bool {
			return s.ask(t, `query($ids:[ID]){CoreProposedChange(ids:$ids){edges{node{state{value}}}}}`, "ids", []string{id}).
				text("data.CoreProposedChange.edges.0.node.state.value") == "merged"
		})
		same(t, s.ask(t, `query($n:String){Branch(name:$n){status}}`, "n", branch), "data.Branch.0.status", `"MERGED"`)
		s.refused(t, update(`description:{value:"e"}`), "CoreProposedChangeUpdate", failure{
			message: "A proposed change in the merged state is not allowed to be updated", status: 422,
		})
	})
}

// mergeAndWrite merges a branch and tries to write meanwhile; it returns the answer of the merge and how
// many writes were refused.
func (s *server) mergeAndWrite(t *testing.T, branch string) (merged reply, refused int) {
	t.Helper()
	over := make(chan reply)
	go func() {
		over <- s.on(t, "main", `mutation($n:String){BranchMerge(data:{name:$n} wait_until_completion:true){ok}}`, "n", branch)
	}()
	messages := map[string]string{
		"main": "A merge is currently in progress; writes are temporarily blocked. Please retry shortly.",
		branch: "Branch '" + branch + "' is being merged and is read-only. No modifications are allowed.",
	}
	s.until(t, "the merge to end", func() bool {
		for name, message := range messages {
			got := s.tryOn(t, name, credential, fmt.Sprintf(`name:{value:%q}`, newID()))
			if got.status == http.StatusOK && got.at("errors") == nil || strings.Contains(got.body, "has been merged") {
				continue
			}
			refused++
			s.refused(t, got, "CorePasswordCredentialCreate", failure{
				message: message, code: "MERGE_IN_PROGRESS", status: http.StatusLocked, data: fmt.Sprintf(`{"branch_name":%q,"merging_branch":%q}`, name, branch),
			})
		}
		s.ask(t, `{InfrahubInfo{version}}`)
		select {
		case merged = <-over:
			return true
		default:
			return false
		}
	})
	return merged, refused
}

// propose opens a proposed change into main, that is gone when the test ends.
func (s *server) propose(t *testing.T, branch string) string {
	t.Helper()
	got := s.on(t, "main", `mutation($b:String){CoreProposedChangeCreate(data:{name:{value:$b} source_branch:{value:$b} destination_branch:{value:"main"}}){ok object{id state{value}}}}`, "b", branch)
	same(t, got, "data.CoreProposedChangeCreate.object.state.value", `"open"`)
	id := got.text("data.CoreProposedChangeCreate.object.id")
	t.Cleanup(func() { s.on(t, "main", `mutation{CoreProposedChangeDelete(data:{id:"`+id+`"}){ok}}`) })
	return id
}
