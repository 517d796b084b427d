package infrahub_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// parallelism is how many reads Terraform has under way at once by default.
const parallelism = 10

// refreshTest is a mock server with tags, and a client that reads them as Terraform does.
type refreshTest struct {
	*server
	client *infrahub.Client
	ids    []string
}

func startRefresh(t *testing.T, tags int) *refreshTest {
	t.Helper()
	r := &refreshTest{server: start(t, mockserver.Options{})}
	seeder := r.server.client(t)
	for i := range tags {
		id, err := seeder.Tags().Create(t.Context(), infrahub.Tag{Name: fmt.Sprintf("tag-%05d", i)})
		must(t, err)
		r.ids = append(r.ids, id)
	}
	r.client = r.server.client(t)
	return r
}

// refresh reads the tags with these ids, some at a time, and returns how many requests that took.
func (r *refreshTest) refresh(t *testing.T, ids []string, atOnce int) int {
	t.Helper()
	before := len(r.requests())
	slots := make(chan struct{}, atOnce)
	var readers sync.WaitGroup
	for _, id := range ids {
		slots <- struct{}{}
		readers.Go(func() {
			defer func() { <-slots }()
			tag, err := r.client.Tags().Refresh(t.Context(), id)
			if err != nil || tag.ID != id {
				t.Errorf("read of %s: got %+v, %v", id, tag, err)
			}
		})
	}
	readers.Wait()
	return len(r.requests()) - before
}

func TestRefresh_ReadsManyNodesInPages(t *testing.T) {
	t.Parallel()
	reversed := func(ids []string) []string { ids = slices.Clone(ids); slices.Reverse(ids); return ids }
	shuffled := func(ids []string) []string {
		ids = slices.Clone(ids)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		return ids
	}
	asListed := func(ids []string) []string { return ids }
	for _, test := range []struct {
		nodes, of, atOnce int
		// most is how many requests the reads may take.
		most  int
		order func(ids []string) []string
	}{
		{1, 1, parallelism, 1, asListed},
		{1, 200, parallelism, 1, asListed},
		{5, 200, parallelism, 2, shuffled},
		{5, 200, 1, 5, shuffled},
		{10, 2000, 1, 11, shuffled},
		{100, 100, parallelism, 5, asListed},
		{1000, 1000, parallelism, 15, asListed},
		{1000, 1000, parallelism, 15, reversed},
		{1000, 1000, parallelism, 15, shuffled},
		{1000, 1000, 100, 15, shuffled},
		{1000, 1000, 1, 20, shuffled},
		{1000, 2000, parallelism, 28, shuffled},
	} {
		t.Run(fmt.Sprintf("%d of %d, %d at once", test.nodes, test.of, test.atOnce), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := startRefresh(t, test.of)
				r.Inject(mockserver.Fault{Delay: 100 * time.Millisecond})
				got := r.refresh(t, test.order(shuffled(r.ids)[:test.nodes]), test.atOnce)
				if got > test.most || got > 2*test.nodes {
					t.Errorf("%d requests, want at most %d", got, test.most)
				}
				t.Logf("%d requests", got)
			})
		})
	}
}

func TestRefresh_PagesEndWithTheFirstMutation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startRefresh(t, 200)
		r.refresh(t, r.ids, parallelism)
		if got := r.refresh(t, r.ids, parallelism); got != 0 {
			t.Errorf("%d requests for nodes that pages have", got)
		}
		must(t, r.client.Tags().Update(t.Context(), infrahub.Tag{ID: r.ids[0], Name: "tag-00000"}, infrahub.Tag{Name: "renamed"}))
		tag, err := r.client.Tags().Refresh(t.Context(), r.ids[0])
		must(t, err)
		wantEqual(t, "name", "renamed", tag.Name)
		if got := r.refresh(t, r.ids[:20], 1); got != 20 {
			t.Errorf("%d requests after a mutation, want 20", got)
		}
	})
}

func TestRefresh_GetIsNeverServedFromAPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startRefresh(t, 50)
		r.refresh(t, r.ids, parallelism)
		r.Ask(t, `mutation{BuiltinTagUpdate(data:{id:"`+r.ids[7]+`" description:{value:"by others"}}){ok}}`)
		tag, err := r.client.Tags().Get(t.Context(), r.ids[7])
		must(t, err)
		wantEqual(t, "description", "by others", *tag.Description)
	})
}

func TestRefresh_NodeThatNoPageHasIsReadAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startRefresh(t, 50)
		r.refresh(t, r.ids, parallelism)
		late, err := r.server.client(t).Tags().Create(t.Context(), infrahub.Tag{Name: "late"})
		must(t, err)
		wantEqual(t, "requests", 1, r.refresh(t, []string{late}, 1))
		_, err = r.client.Tags().Refresh(t.Context(), missingID)
		if !errors.Is(err, infrahub.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestRefresh_PageThatFailsIsReplacedBySingleReads(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault mockserver.Fault
		// requests are the count, the pages and the single reads of 300 tags.
		requests int
	}{
		"the count":          {mockserver.Fault{Operation: "CountTags", Times: 1}, 1 + 300},
		"two of three pages": {mockserver.Fault{Operation: "Tags", Times: 2}, 1 + 3 + 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := startRefresh(t, 300)
				r.client = r.server.client(t, noRetries)
				r.refresh(t, r.ids[:9], 1)
				test.fault.Status = http.StatusInternalServerError
				r.Inject(test.fault)
				wantEqual(t, "requests", test.requests, r.refresh(t, r.ids, 1))
				wantEqual(t, "counts", 1, len(r.requests("CountTags")))
			})
		})
	}
}

func TestGet_ReadsThatBeginTogetherShareARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startRefresh(t, 10)
		r.Inject(mockserver.Fault{Operation: "Tags", Delay: 100 * time.Millisecond})
		before := len(r.requests())
		var readers sync.WaitGroup
		for i := range 10 {
			readers.Go(func() {
				id, want := r.ids[i], error(nil)
				if i == 9 {
					id, want = missingID, infrahub.ErrNotFound
				}
				if _, err := r.client.Tags().Get(t.Context(), id); !errors.Is(err, want) {
					t.Errorf("read %d: got %v, want %v", i, err, want)
				}
			})
		}
		readers.Wait()
		wantEqual(t, "requests", 2, len(r.requests())-before)
	})
}

func TestGet_RefusalOfASharedRequestIsNotTheOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault    mockserver.Fault
		requests int
	}{
		"a failure that may be of one node":  {mockserver.Fault{Times: 2, Status: http.StatusBadRequest, Body: "{}"}, 5},
		"a failure that is one of the token": {mockserver.Fault{Times: 2, Status: http.StatusUnauthorized, Body: `{"errors":["no"]}`}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := startRefresh(t, 4)
				r.client = r.server.client(t, noRetries)
				test.fault.Operation, test.fault.Delay = "Tags", 100*time.Millisecond
				r.Inject(test.fault)
				before := len(r.requests())
				var readers sync.WaitGroup
				for _, id := range r.ids {
					readers.Go(func() { _, _ = r.client.Tags().Get(t.Context(), id) })
				}
				readers.Wait()
				wantEqual(t, "requests", test.requests, len(r.requests())-before)
			})
		})
	}
}
