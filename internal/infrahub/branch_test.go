package infrahub_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// failedAfterwards returns a fault with which the server carries out an operation once and still responds with an
// error (infrahub-behaviour.md, Branches 6).
func failedAfterwards(operation string) mockserver.Fault {
	return mockserver.Fault{
		Operation: operation, Times: 1, After: true, Status: http.StatusOK, ContentType: "application/json",
		Body: `{"data": {"Any": null}, "errors": [{"message": "None", "extensions": {"code": "UNDEFINED_ERROR", "http_status": 500, "data": {}}}]}`,
	}
}

func TestWithBranch_SendsToThatBranchAndLeavesTheClientAsItIs(t *testing.T) {
	t.Parallel()
	for branch, want := range map[string]string{
		"release": "/graphql/release", "feature/x": "/graphql/feature/x", "a#b": "/graphql/a%23b", "a%b": "/graphql/a%25b", "a b?": "/graphql/a%20b%3F",
	} {
		t.Run(branch, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var path string
				p := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { path = r.URL.EscapedPath() }))
				client := p.client(t)
				_, _ = client.WithBranch(branch).Tags().Get(t.Context(), missingID) // the response is empty; only the request counts
				if path != want {
					t.Errorf("sent to %s, want %s", path, want)
				}
				_, _ = client.Tags().Get(t.Context(), missingID)
				if path != "/graphql/main" || client.Branch() != "main" {
					t.Errorf("the client now sends to %s", path)
				}
			})
		})
	}
}

func TestCreateBranch_TakenName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.createRelease(t)
		_, err := s.client(t).Branches().Create(t.Context(), infrahub.Branch{Name: "release"})
		taken, ok := errors.AsType[*infrahub.TakenError](err)
		if !ok || taken.Field != "name" || taken.Name != "release" {
			t.Errorf("got %v, want a TakenError for the name of release", err)
		}
		s.wantOperations(t, "Branches")
	})
}

func TestCreateBranch_LooksForTheBranchOnlyIfTheReplyIsLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault      mockserver.Fault
		operations []string
	}{
		"a reply":           {mockserver.Fault{Operation: "none"}, []string{"Branches", "CreateBranch"}},
		"a lost reply":      {mockserver.Fault{Operation: "CreateBranch", Times: 1, Drop: true, After: true}, []string{"Branches", "CreateBranch", "Branches"}},
		"a lost request":    {mockserver.Fault{Operation: "CreateBranch", Times: 1, Drop: true}, []string{"Branches", "CreateBranch", "Branches", "CreateBranch"}},
		"a proxy's timeout": {mockserver.Fault{Operation: "CreateBranch", Times: 1, Status: http.StatusGatewayTimeout, After: true}, []string{"Branches", "CreateBranch", "Branches"}},
		"an error of a create that was carried out": {failedAfterwards("CreateBranch"), []string{"Branches", "CreateBranch", "Branches"}},
		"a passing overload":                        {mockserver.Fault{Operation: "CreateBranch", Times: 1, Status: http.StatusTooManyRequests}, []string{"Branches", "CreateBranch", "CreateBranch"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				s.Inject(test.fault)
				want := infrahub.Branch{Name: "release", Description: new("d"), SyncWithGit: new(false)}
				id, err := client.Branches().Create(t.Context(), want)
				must(t, err)
				s.wantOperations(t, test.operations...)
				created, err := client.Branches().Get(t.Context(), id)
				must(t, err)
				want.ID, want.Status = id, "OPEN"
				wantEqual(t, "branch", &want, created)
			})
		})
	}
}

func TestDeleteBranch_ErrorOfADeleteThatWasCarriedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		id, err := client.Branches().Create(t.Context(), infrahub.Branch{Name: "release"})
		must(t, err)
		s.Inject(failedAfterwards("DeleteBranch"))
		must(t, client.Branches().Delete(t.Context(), id))
	})
}
