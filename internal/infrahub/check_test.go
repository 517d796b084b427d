package infrahub_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// newCheckedRemote returns a repository whose check passes at v1.0.0 and v1.2.0, and fails at v1.1.0.
func newCheckedRemote(t *testing.T, name string) *mocktest.Remote {
	t.Helper()
	r := mocktest.NewRemote(t, t.TempDir(), name)
	r.Release(t, "v1.0.0", mocktest.CheckFiles("query_"+name, "1.0", name, ""))
	r.Release(t, "v1.1.0", mocktest.CheckFiles("query_"+name, "1.1", name, "VLAN 12 is used twice"))
	r.Release(t, "v1.2.0", mocktest.CheckFiles("query_"+name, "1.2", name, ""))
	return r
}

// checkTest is a mock server with a read-only repository, whose check is "Check: vlans", and the branch "release".
type checkTest struct {
	*server
	client     *infrahub.Client
	remote     *mocktest.Remote
	repository infrahub.Repository
}

func startCheckTest(t *testing.T, options mockserver.Options) *checkTest {
	t.Helper()
	c := &checkTest{server: start(t, options), remote: newCheckedRemote(t, "vlans")}
	c.client = c.server.client(t)
	c.repository = c.add(t, c.remote, "v1.0.0")
	c.createRelease(t)
	return c
}

// add imports a read-only repository on main.
func (c *checkTest) add(t *testing.T, r *mocktest.Remote, ref string) infrahub.Repository {
	t.Helper()
	want := readOnly(r, ref)
	want.Name = ref + strings.ReplaceAll(r.Path, "/", "-")
	return createImported(t, c.client, want)
}

// setRef imports a ref on a branch.
func (c *checkTest) setRef(t *testing.T, branch, ref string) {
	t.Helper()
	started, err := c.client.WithBranch(branch).SetRef(t.Context(), c.repository.ID, ref, false)
	must(t, err)
	wantImported(t, started, c.remote, ref)
}

// propose proposes the branch "release".
func (c *checkTest) propose(t *testing.T) infrahub.ProposedChange {
	t.Helper()
	change := infrahub.ProposedChange{Name: "Release", SourceBranch: "release", DestinationBranch: "main", State: "open"}
	id, err := c.client.ProposedChanges().Create(t.Context(), change)
	must(t, err)
	change.ID = id
	return change
}

// run runs the checks of a proposed change again.
func (c *checkTest) run(t *testing.T, change infrahub.ProposedChange) *infrahub.CheckRun {
	t.Helper()
	run, err := c.client.RunChecks(t.Context(), change)
	must(t, err)
	return run
}

// end ends a proposed change as a reviewer does.
func (c *checkTest) end(t *testing.T, change infrahub.ProposedChange, state string) {
	t.Helper()
	c.Post(t, "main", `mutation($id:String!,$state:String!){CoreProposedChangeUpdate(data:{id:$id state:{value:$state}}){ok}}`, "id", change.ID, "state", state)
}

// waitForChecks waits for checks. Those that do not end fail the test instead of hanging it.
func waitForChecks(t *testing.T, run *infrahub.CheckRun) ([]infrahub.Check, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	return run.Wait(ctx)
}

// wantPassed waits for checks that have to pass, and fails the test unless they have these labels.
func wantPassed(t *testing.T, run *infrahub.CheckRun, labels ...string) {
	t.Helper()
	checks, err := waitForChecks(t, run)
	must(t, err)
	var got []string
	for _, check := range checks {
		got = append(got, check.Label)
		if check.State != "completed" || check.Conclusion != "success" || check.Messages != nil {
			t.Errorf("got %+v, want one that has passed", check)
		}
	}
	wantEqual(t, "checks", labels, got)
}

// failedChecks waits for checks that have to fail, and returns those that have.
func failedChecks(t *testing.T, run *infrahub.CheckRun) []infrahub.Check {
	t.Helper()
	_, err := waitForChecks(t, run)
	failure, ok := errors.AsType[*infrahub.ChecksFailedError](err)
	if !ok {
		t.Fatalf("got %v, want a ChecksFailedError", err)
	}
	return failure.Failed
}

// wantNotOpen fails the test unless a proposed change was found in this state.
func wantNotOpen(t *testing.T, err error, state string) {
	t.Helper()
	ended, ok := errors.AsType[*infrahub.NotOpenError](err)
	if !ok || ended.State != state {
		t.Fatalf("got %v, want a NotOpenError with the state %s", err, state)
	}
	wantContains(t, err.Error(), "Release is "+state)
}

func TestChecks_AreAllWaitedForAlthoughTheyAppearOneAfterAnother(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		c := startCheckTest(t, options)
		c.add(t, newCheckedRemote(t, "racks"), "v1.0.0")
		c.Ask(t, `mutation{BranchDelete(data:{name:"release"} wait_until_completion:true){ok}}`)
		c.createRelease(t)
		c.setRef(t, "release", "v1.2.0")
		// The repository is checked late, after the others have ended.
		c.Inject(mockserver.Fault{Operation: "git-repository-user-checks-definition-trigger", Times: 1, Delay: 20 * time.Second})
		wantPassed(t, c.client.FirstChecks(c.propose(t)), "Check: racks", "Check: vlans", "Data Integrity", "Schema Integrity")
	})
}

// A branch keeps the check definitions of a repository that main has deleted since. No check of them ever runs.
func TestChecks_OfARepositoryThatWasDeletedAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		c := startCheckTest(t, options)
		racks := c.add(t, newCheckedRemote(t, "racks"), "v1.0.0")
		c.Ask(t, `mutation{BranchDelete(data:{name:"release"} wait_until_completion:true){ok}}`)
		c.createRelease(t)
		c.setRef(t, "release", "v1.2.0")
		c.Ask(t, `mutation{CoreReadOnlyRepositoryDelete(data:{id:"`+racks.ID+`"}){ok}}`)
		if left := c.Post(t, "release", `{CoreCheckDefinition{count}}`).At("data.CoreCheckDefinition.count"); left != 2.0 {
			t.Fatalf("the branch has %v check definitions, want 2", left)
		}
		wantPassed(t, c.client.FirstChecks(c.propose(t)), "Check: vlans", "Data Integrity", "Schema Integrity")
	})
}

func TestChecks_OfABranchThatIsSyncedWithGitIncludeItsReadWriteRepositories(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sync   string
		labels []string
	}{
		"synced":     {"true", []string{"Check: vlans", "Data Integrity", "Repository Validator: network"}},
		"not synced": {"false", []string{"Check: vlans", "Data Integrity"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				createImported(t, c.client, readWrite(newRemote(t)))
				c.Ask(t, `mutation{BranchCreate(data:{name:"other" sync_with_git:`+test.sync+`} wait_until_completion:true){ok}}`)
				change := infrahub.ProposedChange{Name: "Release", SourceBranch: "other", DestinationBranch: "main", State: "open"}
				id, err := c.client.ProposedChanges().Create(t.Context(), change)
				must(t, err)
				change.ID = id
				wantPassed(t, c.client.FirstChecks(change), test.labels...)
			})
		})
	}
}

func TestChecks_FailedUserCheckSaysWhatItHasLogged(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		c := startCheckTest(t, options)
		c.setRef(t, "release", "v1.1.0")
		change := c.propose(t)
		checks, err := waitForChecks(t, c.client.FirstChecks(change))
		failure, ok := errors.AsType[*infrahub.ChecksFailedError](err)
		if !ok || len(failure.Failed) != 1 || len(checks) != 3 {
			t.Fatalf("got %v, %+v", err, checks)
		}
		wantContains(t, err.Error(), "checks of the proposed change Release have failed: Check: vlans")
		failed := failure.Failed[0]
		if failed.Label != "Check: vlans" || failed.Kind != "user" || failed.State != "completed" || failed.Conclusion != "failure" || !failed.Failed() {
			t.Errorf("got %+v", failed)
		}
		messages := []string{"VLAN 12 is used twice (vlan-1, BuiltinTag)"}
		wantEqual(t, "messages", messages, failed.Messages)
		now, err := c.client.Checks(t.Context(), change)
		must(t, err)
		wantEqual(t, "messages of checks that are read later", messages, now[0].Messages)
	})
}

func TestChecks_ConflictOfDataSaysWhatEachBranchHas(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		c := startCheckTest(t, options)
		c.createTags(t, "blue")
		c.Ask(t, `mutation{BranchCreate(data:{name:"other" sync_with_git:false} wait_until_completion:true){ok}}`)
		id := c.Ask(t, `{BuiltinTag{edges{node{id}}}}`).Text("data.BuiltinTag.edges.0.node.id")
		for branch, text := range map[string]string{"main": "Main's", "other": "Other's"} {
			c.Post(t, branch, `mutation($id:String!,$text:String!){BuiltinTagUpdate(data:{id:$id description:{value:$text}}){ok}}`, "id", id, "text", text)
		}
		change := infrahub.ProposedChange{Name: "Release", SourceBranch: "other", DestinationBranch: "main", State: "open"}
		var err error
		change.ID, err = c.client.ProposedChanges().Create(t.Context(), change)
		must(t, err)
		failed := failedChecks(t, c.client.FirstChecks(change))
		if len(failed) != 1 || failed[0].Label != "Data Integrity" || failed[0].Kind != "data" {
			t.Fatalf("got %+v", failed)
		}
		wantEqual(t, "messages", []string{"description of BuiltinTag " + id + `: branch main has "Main's", branch other has "Other's"`}, failed[0].Messages)
	})
}

// A validator keeps its old conclusion until its turn comes (infrahub-behaviour.md, Proposals 10).
func TestChecks_RunAgainAreNotEndedByAnOldConclusion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refs   []string
		passed bool
	}{
		"failed, then passes": {[]string{"v1.1.0", "v1.2.0"}, true},
		"passed, then fails":  {[]string{"v1.2.0", "v1.1.0"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachDelay(t, func(t *testing.T, options mockserver.Options) {
				c := startCheckTest(t, options)
				c.setRef(t, "release", test.refs[0])
				change := c.propose(t)
				_, err := waitForChecks(t, c.client.FirstChecks(change))
				if failed := err != nil; failed != test.passed {
					t.Fatalf("the first run: %v", err)
				}
				c.setRef(t, "release", test.refs[1])
				c.Inject(mockserver.Fault{Operation: "git-repository-trigger-user-checks", Times: 1, Delay: 20 * time.Second})
				run := c.run(t, change)
				if test.passed {
					wantPassed(t, run, "Check: vlans", "Data Integrity", "Schema Integrity")
				} else if failed := failedChecks(t, run); len(failed) != 1 || failed[0].Label != "Check: vlans" {
					t.Errorf("got %+v", failed)
				}
			})
		})
	}
}

// Data Integrity does not run again then, and no task of it exists (infrahub-behaviour.md, Proposals 11).
func TestChecks_RunAgainEndWhereNothingHasChanged(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		c := startCheckTest(t, options)
		change := c.propose(t)
		wantPassed(t, c.client.FirstChecks(change), "Check: vlans", "Data Integrity")
		time.Sleep(time.Minute)
		began := time.Now()
		wantPassed(t, c.run(t, change), "Check: vlans", "Data Integrity")
		wantDuration(t, began, 0, 20*time.Second)
	})
}

// A conflict that was resolved has no check any more.
func TestChecks_RunAgainForgetAConflictThatIsGone(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		c := startCheckTest(t, options)
		c.setRef(t, "release", "v1.2.0")
		time.Sleep(time.Minute)
		c.setRef(t, "main", "v1.1.0")
		change := c.propose(t)
		failed := failedChecks(t, c.client.FirstChecks(change))
		if len(failed) != 1 || failed[0].Label != "Data Integrity" || len(failed[0].Messages) != 3 {
			t.Fatalf("got %+v", failed)
		}
		wantContains(t, failed[0].Messages[0], "commit of CoreReadOnlyRepository "+c.repository.ID)
		wantContains(t, failed[0].Messages[1], "query of CoreGraphQLQuery ")
		wantContains(t, failed[0].Messages[2], "ref of CoreReadOnlyRepository "+c.repository.ID+`: branch main has "v1.1.0", branch release has "v1.2.0"`)
		c.setRef(t, "main", "v1.2.0")
		wantPassed(t, c.run(t, change), "Check: vlans", "Data Integrity", "Schema Integrity")
	})
}

func TestChecks_ReviewerWhoEndsTheChangeEndsTheWait(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"closed", "canceled", "merging"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				c.Inject(mockserver.Fault{Operation: "git-repository-run-user-check", StuckTask: true})
				change := c.propose(t)
				time.AfterFunc(30*time.Second, func() { c.end(t, change, state) })
				began := time.Now()
				_, err := waitForChecks(t, c.client.FirstChecks(change))
				wantNotOpen(t, err, state)
				wantDuration(t, began, 30*time.Second, 40*time.Second)
			})
		})
	}
}

func TestRunChecks_OfAChangeThatIsNotOpenSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, c *checkTest, change infrahub.ProposedChange){
		"before": func(t *testing.T, c *checkTest, change infrahub.ProposedChange) {
			t.Helper()
			c.end(t, change, "closed")
		},
		"in between": func(t *testing.T, c *checkTest, change infrahub.ProposedChange) {
			t.Helper()
			c.Inject(mockserver.Fault{Operation: "RunChecks", Times: 1, Delay: 10 * time.Second})
			time.AfterFunc(5*time.Second, func() { c.end(t, change, "closed") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				change := c.propose(t)
				test(t, c, change)
				_, err := c.client.RunChecks(t.Context(), change)
				wantNotOpen(t, err, "closed")
			})
		})
	}
}

func TestChecks_TimeoutNamesWhatIsPending(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault   mockserver.Fault
		pending []string
	}{
		"a check that never ends": {
			mockserver.Fault{Operation: "git-repository-run-user-check", StuckTask: true},
			[]string{"git-repository-user-checks-definition-trigger: RUNNING", "Check: vlans: in_progress"},
		},
		"a check that never starts": {
			mockserver.Fault{Operation: "git-repository-trigger-user-checks", Delay: time.Hour},
			[]string{"Check: vlans: not started"},
		},
		"a run that never starts": {
			mockserver.Fault{Operation: "proposed-changed-run-generator", StuckTask: true},
			[]string{"proposed-changed-run-generator: RUNNING", "proposed-changed-repository-checks: not started"},
		},
		"nothing was seen": {mockserver.Fault{Operation: "ChecksProgress", Status: http.StatusServiceUnavailable}, []string{"no check was seen yet"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				c.Inject(test.fault)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				began := time.Now()
				_, err := c.client.FirstChecks(c.propose(t)).Wait(ctx)
				wantDuration(t, began, 2*time.Minute, 2*time.Minute)
				wantErrorIs(t, err, context.DeadlineExceeded)
				unfinished, ok := errors.AsType[*infrahub.ChecksUnfinishedError](err)
				if !ok {
					t.Fatalf("got %v", err)
				}
				var pending []string
				for _, text := range unfinished.Pending {
					text, _, _ = strings.Cut(text, ", task ")
					if !strings.HasPrefix(text, "git-repository-run-user-check: ") {
						pending = append(pending, text)
					}
				}
				wantEqual(t, "pending", test.pending, pending)
				wantContains(t, err.Error(), test.pending[0])
			})
		})
	}
}

func TestChecks_InterruptEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		c.Inject(mockserver.Fault{Operation: "git-repository-run-user-check", StuckTask: true})
		change := c.propose(t)
		began := time.Now()
		checks, err := c.client.FirstChecks(change).Wait(canceledAfter(t, 30*time.Second))
		wantErrorIs(t, err, context.Canceled)
		wantDuration(t, began, 30*time.Second, 30*time.Second)
		if len(checks) != 2 || checks[0].State != "in_progress" || checks[0].Failed() {
			t.Errorf("got %+v, want what was read last", checks)
		}
	})
}

func TestChecks_OutageDoesNotEndTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		c.Inject(mockserver.Fault{Operation: "ChecksProgress", Times: 20, Status: http.StatusServiceUnavailable})
		wantPassed(t, c.client.FirstChecks(c.propose(t)), "Check: vlans", "Data Integrity")
	})
}

func TestChecks_RefusedReadEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		c.Inject(refusal("ChecksProgress", "PERMISSION_DENIED", 0))
		_, err := waitForChecks(t, c.client.FirstChecks(c.propose(t)))
		wantKind(t, err, infrahub.ErrUnauthorized)
	})
}

func TestChecks_OfAChangeThatIsDeletedAreNotFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		c.Inject(mockserver.Fault{Operation: "git-repository-run-user-check", StuckTask: true})
		change := c.propose(t)
		time.AfterFunc(30*time.Second, func() {
			c.Ask(t, `mutation($id:String!){CoreProposedChangeDelete(data:{id:$id}){ok}}`, "id", change.ID)
		})
		_, err := waitForChecks(t, c.client.FirstChecks(change))
		wantErrorIs(t, err, infrahub.ErrNotFound)
		_, err = c.client.Checks(t.Context(), change)
		wantErrorIs(t, err, infrahub.ErrNotFound)
	})
}

func TestChecks_ProgressNamesWhatIsPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		change := c.propose(t)
		var lines progressLines
		_, err := c.client.FirstChecks(change).Wait(infrahub.WithProgress(t.Context(), lines.report))
		must(t, err)
		if !slices.ContainsFunc(lines.texts, func(text string) bool {
			return strings.HasPrefix(text, "Waiting for the checks of Release: ") && strings.Contains(text, "Check: vlans: ")
		}) {
			t.Errorf("reported %q", lines.texts)
		}
	})
}
