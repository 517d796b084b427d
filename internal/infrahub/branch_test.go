package infrahub_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// newRelease makes a branch release of main.
func (s *server) newRelease(t *testing.T) {
	t.Helper()
	s.ask(t, `mutation{BranchCreate(data:{name:"release" sync_with_git:false} wait_until_completion:true){ok}}`)
}

func (s *server) mergeRelease(t *testing.T) {
	t.Helper()
	s.ask(t, `mutation{BranchMerge(data:{name:"release"} wait_until_completion:true){ok}}`)
}

func TestOn_RequestsGoToTheOtherBranchAndTheClientStays(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"release": "/graphql/release", "feature/x": "/graphql/feature/x", "a#b": "/graphql/a%23b", "a%b": "/graphql/a%25b", "a b?": "/graphql/a%20b%3F",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var asked string
				p := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.EscapedPath() }))
				client := p.client(t)
				_, _ = client.WithBranch(name).Tags().Get(t.Context(), nobody) // the answer is empty; the request counts
				if asked != want {
					t.Errorf("asked %s, want %s", asked, want)
				}
				_, _ = client.Tags().Get(t.Context(), nobody)
				if asked != "/graphql/main" || client.Branch() != "main" {
					t.Errorf("the client asks %s now", asked)
				}
			})
		})
	}
}

func TestCreateBranch_ThatIsThereAlready(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.newRelease(t)
		_, err := s.client(t).Branches().Create(t.Context(), infrahub.Branch{Name: "release"})
		if !errors.Is(err, infrahub.ErrExists) {
			t.Errorf("got %v, want ErrExists", err)
		}
		if difference := cmp.Diff([]string{"Branches"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}

func TestCreateBranch_TakesTheIDOfTheAnswerAndAsksOnlyIfThatIsLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault mockserver.Fault
		sent  []string
	}{
		"answered":            {mockserver.Fault{Operation: "none"}, []string{"Branches", "CreateBranch"}},
		"answer lost":         {mockserver.Fault{Operation: "CreateBranch", Times: 1, Drop: true, After: true}, []string{"Branches", "CreateBranch", "Branches"}},
		"request lost":        {mockserver.Fault{Operation: "CreateBranch", Times: 1, Drop: true}, []string{"Branches", "CreateBranch", "Branches", "CreateBranch"}},
		"answered by a proxy": {mockserver.Fault{Operation: "CreateBranch", Times: 1, Status: http.StatusGatewayTimeout, After: true}, []string{"Branches", "CreateBranch", "Branches"}},
		"answered with an error": {mockserver.Fault{
			Operation: "CreateBranch", Times: 1, After: true, Status: http.StatusOK, ContentType: "application/json",
			Body: `{"data": {"BranchCreate": null}, "errors": [{"message": "None", "extensions": {"code": "UNDEFINED_ERROR", "http_status": 500, "data": {}}}]}`,
		}, []string{"Branches", "CreateBranch", "Branches"}},
		"refused for a moment": {mockserver.Fault{Operation: "CreateBranch", Times: 1, Status: http.StatusTooManyRequests}, []string{"Branches", "CreateBranch", "CreateBranch"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				s.Inject(test.fault)
				id, err := client.Branches().Create(t.Context(), infrahub.Branch{Name: "release", Description: new("d"), SyncWithGit: new(false)})
				if err != nil {
					t.Fatal(err)
				}
				if difference := cmp.Diff(test.sent, s.operations()); difference != "" {
					t.Error(difference)
				}
				made, err := client.Branches().Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				want := &infrahub.Branch{ID: id, Name: "release", Description: new("d"), SyncWithGit: new(false), Status: "OPEN"}
				if difference := cmp.Diff(want, made); difference != "" {
					t.Error(difference)
				}
			})
		})
	}
}

func TestDeleteBranch_ThatAnswersWithAnErrorAlthoughItIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		id, err := client.Branches().Create(t.Context(), infrahub.Branch{Name: "release"})
		if err != nil {
			t.Fatal(err)
		}
		s.Inject(mockserver.Fault{
			Operation: "DeleteBranch", Times: 1, After: true, Status: http.StatusOK, ContentType: "application/json",
			Body: `{"data": {"BranchDelete": null}, "errors": [{"message": "None", "extensions": {"code": "UNDEFINED_ERROR", "http_status": 500, "data": {}}}]}`,
		})
		if err := client.Branches().Delete(t.Context(), id); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// A write on the branch that is being merged would come after the merge, and be lost.
func TestRetry_OfAWriteOnTheBranchThatIsMergedIsNotMade(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"data": null, "errors": [{"message": "m", "extensions": {"code": "MERGE_IN_PROGRESS", "http_status": 423, "data": {"branch_name": "release", "merging_branch": "release"}}}]}`,
		`{"data": null, "errors": [{"message": "m", "extensions": {"code": "BRANCH_ALREADY_MERGED", "http_status": 400, "data": {"branch_name": "release"}}}]}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, mockserver.Options{})
			s.newRelease(t)
			client := s.client(t).WithBranch("release")
			s.Inject(mockserver.Fault{Operation: "CreateTag", Status: http.StatusOK, Body: body, ContentType: "application/json"})
			if _, err := client.Tags().Create(t.Context(), infrahub.Tag{Name: "core"}); !errors.Is(err, infrahub.ErrMerged) {
				t.Errorf("got %v, want ErrMerged", err)
			}
			if difference := cmp.Diff([]string{"CreateTag"}, s.operations()); difference != "" {
				t.Error(difference)
			}
		})
	}
}

func TestPin_OnABranchThatTakesNoChangesWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		created := established(t, client, readOnly(newRemote(t), "v1.0.0"))
		s.newRelease(t)
		s.mergeRelease(t)
		s.log.Reset()
		for branch, want := range map[string]error{"release": infrahub.ErrMerged, "none": infrahub.ErrBranchNotFound} {
			if _, err := client.WithBranch(branch).SetRef(t.Context(), created.ID, "v1.1.0", true); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", branch, err, want)
			}
		}
		for _, request := range s.requests() {
			if request.Mutation {
				t.Errorf("sent %s", request.Operation)
			}
		}
	})
}

func TestPin_ImportsUnlessATaskProvesThatItWas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ref, onMain string
		fault       mockserver.Fault
		imports     bool
	}{
		"what main has imported":         {"v1.0.0", "", mockserver.Fault{Operation: "none"}, false},
		"what main could not import":     {"v2.0.0", "v2.0.0", mockserver.Fault{Operation: "none"}, true},
		"where the tasks cannot be seen": {"v1.0.0", "", mockserver.Fault{NoTasks: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				created := established(t, client, readOnly(newRemote(t), "v1.0.0"))
				time.Sleep(time.Minute) // the echo, which names the commit
				if test.onMain != "" {
					fails(t, bump(t, client, created, test.onMain), "")
				}
				s.newRelease(t)
				s.Inject(test.fault)
				started, err := client.WithBranch("release").SetRef(t.Context(), created.ID, test.ref, false)
				if err != nil || (started != nil) != test.imports {
					t.Errorf("got %v, %v, want an import: %t", started, err, test.imports)
				}
			})
		})
	}
}

func TestProposedChange_CancelOfOneThatIsNotOpenSendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		s.newRelease(t)
		id, err := client.ProposedChanges().Create(t.Context(), infrahub.ProposedChange{Name: "Release", SourceBranch: "release", DestinationBranch: "main"})
		if err != nil {
			t.Fatal(err)
		}
		s.mergeRelease(t)
		s.log.Reset()
		for _, each := range []string{id, nobody} {
			if err := client.ProposedChanges().Delete(t.Context(), each); err != nil {
				t.Error(err)
			}
		}
		if difference := cmp.Diff([]string{"ProposedChanges", "ProposedChanges"}, s.operations()); difference != "" {
			t.Error(difference)
		}
	})
}
