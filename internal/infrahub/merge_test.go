package infrahub_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// takenBack fails the test unless the guard stops a merge of the branch "release", and returns what the merge would take back.
func (c *checkTest) takenBack(t *testing.T) []infrahub.TakenBack {
	t.Helper()
	err := c.client.CheckMerge(t.Context(), "release")
	taken, ok := errors.AsType[*infrahub.TakenBackError](err)
	if !ok || taken.Branch != "release" {
		t.Fatalf("got %v, want a TakenBackError", err)
	}
	for _, repository := range taken.Repositories {
		wantContains(t, err.Error(), repository.Name)
	}
	return taken.Repositories
}

func (c *checkTest) wantTakenBack(t *testing.T, want ...infrahub.TakenBack) {
	t.Helper()
	wantEqual(t, "taken back", want, c.takenBack(t))
}

func TestCheckMerge_RefThatMainGotSinceIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		c.setRef(t, "main", "v1.2.0")
		c.wantTakenBack(t, infrahub.TakenBack{
			ID: c.repository.ID, Name: c.repository.Name, Ref: "v1.2.0", Commit: c.remote.Commits["v1.2.0"], BranchRef: "v1.0.0", BranchCommit: c.remote.Commits["v1.0.0"],
		})
	})
}

// The server takes back a commit as well.
func TestCheckMerge_CommitThatMainGotSinceIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		other := newRemote(t)
		moving := c.add(t, other, "main")
		c.Ask(t, `mutation{BranchDelete(data:{name:"release"} wait_until_completion:true){ok}}`)
		c.createRelease(t)
		other.Commit(t, "next", queryFiles("next"))
		wantImported(t, startReimport(t, c.client, moving), other, "next")
		c.wantTakenBack(t, infrahub.TakenBack{
			ID: moving.ID, Name: moving.Name, Ref: "main", Commit: other.Commits["next"], BranchRef: "main", BranchCommit: other.Commits["main"],
		})
	})
}

func TestCheckMerge_RepositoryYoungerThanTheBranchIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		r := newRemote(t)
		younger := c.add(t, r, "v1.1.0")
		taken := c.takenBack(t)
		if len(taken) != 1 || taken[0].ID != younger.ID || taken[0].Ref != "v1.1.0" || taken[0].Commit != r.Commits["v1.1.0"] || !taken[0].Younger ||
			taken[0].BranchRef != "main" || taken[0].BranchCommit != "" {
			t.Errorf("got %+v", taken)
		}
	})
}

func TestCheckMerge_NothingIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, c *checkTest){
		"where nothing has changed": func(*testing.T, *checkTest) {},
		"where only the branch has changed": func(t *testing.T, c *checkTest) {
			t.Helper()
			c.setRef(t, "release", "v1.1.0")
		},
		"where both have changed to the same": func(t *testing.T, c *checkTest) {
			t.Helper()
			c.setRef(t, "release", "v1.2.0")
			c.setRef(t, "main", "v1.2.0")
		},
		"where main has changed and changed back": func(t *testing.T, c *checkTest) {
			t.Helper()
			c.setRef(t, "main", "v1.2.0")
			time.Sleep(time.Minute)
			c.setRef(t, "main", "v1.0.0")
		},
		"where a repository was created on the branch": func(t *testing.T, c *checkTest) {
			t.Helper()
			r := newRemote(t)
			createImported(t, c.client.WithBranch("release"), readOnly(r, "v1.0.0"))
		},
		"where a younger repository was deleted again": func(t *testing.T, c *checkTest) {
			t.Helper()
			younger := c.add(t, newRemote(t), "v1.1.0")
			must(t, c.client.Repositories(infrahub.ReadOnly).Delete(t.Context(), younger.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				change(t, c)
				must(t, c.client.CheckMerge(t.Context(), "release"))
			})
		})
	}
}

func TestCheckMerge_OfAMissingBranch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		wantErrorIs(t, c.client.CheckMerge(t.Context(), "nowhere"), infrahub.ErrBranchNotFound)
	})
}

// proposeChecked proposes the branch "release" with another ref, and waits for its checks.
func (c *checkTest) proposeChecked(t *testing.T) infrahub.ProposedChange {
	t.Helper()
	c.setRef(t, "release", "v1.2.0")
	change := c.propose(t)
	wantPassed(t, c.client.FirstChecks(change), "Check: vlans", "Data Integrity", "Schema Integrity")
	c.Log.Reset()
	return change
}

// wantMerged fails the test unless a proposed change is merged, and main has its ref.
func (c *checkTest) wantMerged(t *testing.T, change infrahub.ProposedChange) {
	t.Helper()
	found, err := c.client.ProposedChanges().Get(t.Context(), change.ID)
	must(t, err)
	repository := getRepository(t, c.client, infrahub.ReadOnly, c.repository.ID)
	if found.State != "merged" || repository.Ref != "v1.2.0" || commitName(c.remote, repository.Commit) != "v1.2.0" {
		t.Errorf("the proposed change is %s, main has %s", found.State, repository.Ref)
	}
}

func TestMerge_ChangesMain(t *testing.T) {
	t.Parallel()
	forEachDelay(t, func(t *testing.T, options mockserver.Options) {
		c := startCheckTest(t, options)
		change := c.proposeChecked(t)
		must(t, c.client.MergeProposedChange(t.Context(), change))
		c.wantMerged(t, change)
	})
}

func TestMerge_WhoseReplyIsLostIsFollowed(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{
		"the connection breaks after it": {After: true, Drop: true}, "a proxy gives up after it": {After: true, Status: http.StatusGatewayTimeout},
		"the connection breaks before it": {Drop: true}, "a proxy is busy at first": {Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				change := c.proposeChecked(t)
				fault.Operation, fault.Times = "MergeProposedChange", 1
				c.Inject(fault)
				must(t, c.client.MergeProposedChange(t.Context(), change))
				c.wantMerged(t, change)
			})
		})
	}
}

func TestMerge_ThatNeverArrivedFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		change := c.proposeChecked(t)
		c.Inject(mockserver.Fault{Operation: "MergeProposedChange", Status: http.StatusServiceUnavailable})
		began := time.Now()
		wantErrorIs(t, c.client.MergeProposedChange(t.Context(), change), infrahub.ErrBusy)
		wantDuration(t, began, 0, time.Minute)
	})
}

func TestMerge_Refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(t *testing.T, c *checkTest, change infrahub.ProposedChange)
		message string
	}{
		"a draft": {func(t *testing.T, c *checkTest, change infrahub.ProposedChange) {
			t.Helper()
			draft := change
			draft.Draft = true
			must(t, c.client.ProposedChanges().Update(t.Context(), change, draft))
		}, "A draft proposed change is not allowed to be merged"},
		"a failing check": {func(t *testing.T, c *checkTest, change infrahub.ProposedChange) {
			t.Helper()
			c.setRef(t, "release", "v1.1.0")
			_ = failedChecks(t, c.run(t, change))
		}, "Unable to merge proposed change containing failing checks"},
		"no permission": {func(t *testing.T, c *checkTest, _ infrahub.ProposedChange) {
			t.Helper()
			c.Inject(mockserver.Fault{
				Operation: "MergeProposedChange", Status: http.StatusOK, ContentType: "application/json",
				Body: `{"data":null,"errors":[{"message":"You are not allowed to merge proposed changes","extensions":{"code":"UNDEFINED_ERROR","http_status":422,"data":{}}}]}`,
			})
		}, "You are not allowed to merge proposed changes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				change := c.proposeChecked(t)
				test.change(t, c, change)
				err := c.client.MergeProposedChange(t.Context(), change)
				failure, ok := errors.AsType[*infrahub.Error](err)
				if !ok {
					t.Fatalf("got %v, want an Error", err)
				}
				wantContains(t, failure.Message, test.message)
				found, err := c.client.ProposedChanges().Get(t.Context(), change.ID)
				must(t, err)
				wantEqual(t, "state", "open", found.State)
				wantEqual(t, "ref of main", false, getRepository(t, c.client, infrahub.ReadOnly, c.repository.ID).Ref == "v1.2.0")
			})
		})
	}
}

// The words are in the log of the task alone.
func TestMerge_ThatFailsAfterItsReplyWasLostSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		change := c.proposeChecked(t)
		c.setRef(t, "main", "v1.1.0")
		c.Post(t, "main", `mutation($id:String!){CoreProposedChangeMerge(data:{id:$id} wait_until_completion:false){ok}}`, "id", change.ID)
		change.State = "merging"
		err := c.client.MergeProposedChange(t.Context(), change)
		failure, ok := errors.AsType[*infrahub.Error](err)
		if !ok {
			t.Fatalf("got %v, want an Error", err)
		}
		wantContains(t, failure.Message, "the merge has failed: Unable to merge the branch 'release', conflict resolution missing: ")
		if sent := c.requests("MergeProposedChange"); len(sent) != 0 {
			t.Errorf("sent %v", sent)
		}
	})
}

func TestMerge_ReviewerWasFaster(t *testing.T) {
	t.Parallel()
	for state, test := range map[string]struct{ merged bool }{"merged": {true}, "closed": {false}, "canceled": {false}} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				change := c.proposeChecked(t)
				c.end(t, change, state)
				err := c.client.MergeProposedChange(t.Context(), change)
				if !test.merged {
					wantNotOpen(t, err, state)
					return
				}
				must(t, err)
				c.wantMerged(t, change)
			})
		})
	}
}

func TestMerge_TimeoutAndInterruptLeaveItToTheServer(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				change := c.proposeChecked(t)
				c.Inject(mockserver.Fault{Operation: "proposed-change-merge", Times: 1, StuckTask: true})
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				if errors.Is(cause, context.Canceled) {
					cancel()
					ctx = canceledAfter(t, 2*time.Minute)
				}
				defer cancel()
				began := time.Now()
				err := c.client.MergeProposedChange(ctx, change)
				if _, ok := errors.AsType[*infrahub.UnfinishedMergeError](err); !ok {
					t.Fatalf("got %v, want an UnfinishedMergeError", err)
				}
				wantErrorIs(t, err, cause)
				wantContains(t, err.Error(), "the merge of the proposed change Release has not ended")
				wantDuration(t, began, 2*time.Minute, 3*time.Minute)
			})
		})
	}
}

// While another branch is merged the guard would see too little, so the merge is not asked for. What the other merge has brought is
// looked at before it is.
func TestMerge_WaitsForThatOfAnotherBranch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeout time.Duration
		asked   int
	}{
		"that ends in time": {time.Hour, 1}, "that does not end in time": {time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := startCheckTest(t, live())
				change := c.proposeChecked(t)
				c.Ask(t, `mutation{BranchCreate(data:{name:"other" sync_with_git:false} wait_until_completion:true){ok}}`)
				go c.Ask(t, `mutation{BranchMerge(data:{name:"other"} wait_until_completion:true){ok}}`)
				time.Sleep(100 * time.Millisecond)
				c.Log.Reset()
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				err := c.client.MergeProposedChange(ctx, change)
				wantEqual(t, "requests to merge", test.asked, len(c.requests("MergeProposedChange")))
				if test.asked > 0 {
					must(t, err)
					c.wantMerged(t, change)
					return
				}
				unfinished, ok := errors.AsType[*infrahub.UnfinishedMergeError](err)
				if !ok || !unfinished.NotAsked {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

// An overloaded server may refuse a merge for minutes, in which the default branch changes.
func TestMerge_IsGuardedAgainAfterARefusalForOverload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := startCheckTest(t, live())
		change := c.proposeChecked(t)
		c.Inject(mockserver.Fault{Operation: "MergeProposedChange", Times: 2, Status: http.StatusTooManyRequests, RetryAfter: time.Second})
		c.Log.Reset()
		must(t, c.client.MergeProposedChange(t.Context(), change))
		wantEqual(t, "looks at both branches", 2*3, len(c.requests("PinnedRefs")))
		c.wantMerged(t, change)
	})
}
