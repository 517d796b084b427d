package infrahub_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	r.readAll(t, ids, atOnce)
	return len(r.requests()) - before
}

// readAll reads the tags with these ids, some at a time.
func (r *refreshTest) readAll(t *testing.T, ids []string, atOnce int) {
	t.Helper()
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
}

// crowd is a server that has many tags and nothing else, and takes as long for each response as one far away.
type crowd struct {
	ids      []string
	requests atomic.Int64
}

func newCrowd(tags int) *crowd {
	c := &crowd{}
	for i := range tags {
		c.ids = append(c.ids, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	}
	return c
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	var asked struct {
		OperationName string
		Variables     struct {
			IDs           []string
			Limit, Offset int
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	time.Sleep(100 * time.Millisecond)
	if asked.OperationName == "CountTags" {
		_, _ = fmt.Fprintf(w, `{"data":{"BuiltinTag":{"count":%d}}}`, len(c.ids))
		return
	}
	ids := asked.Variables.IDs // of tags that exist
	if len(ids) == 0 {
		ids = c.ids[asked.Variables.Offset:]
	}
	var edges []string
	for _, id := range ids[:min(len(ids), asked.Variables.Limit)] {
		edges = append(edges, `{"node":{"id":"`+id+`"}}`)
	}
	_, _ = fmt.Fprintf(w, `{"data":{"BuiltinTag":{"edges":[%s]}}}`, strings.Join(edges, ","))
}

func TestRefresh_ReadsManyNodesInPages(t *testing.T) {
	t.Parallel()
	shuffled := func(ids []string) {
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	orders := map[string]func(ids []string){"as listed": func([]string) {}, "reversed": slices.Reverse[[]string], "shuffled": shuffled}
	for _, test := range []struct {
		nodes, of, atOnce int
		// most is how many requests the reads may take, in any order.
		most int
	}{
		{1, 1, parallelism, 1},
		{1, 10000, parallelism, 1},
		{5, 10000, parallelism, 2},
		{5, 10000, 1, 5},
		{10, 1000, 1, 20},
		{10, 2000, 1, 12},
		{100, 100, parallelism, 4},
		{1000, 1000, parallelism, 13},
		{1000, 1000, 100, 13},
		{1000, 1000, 1, 20},
		{1000, 2000, parallelism, 26},
		{1000, 10000, parallelism, 130},
		{1000, 10000, 1, 200},
	} {
		for name, order := range orders {
			t.Run(fmt.Sprintf("%d of %d, %d at once, %s", test.nodes, test.of, test.atOnce, name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := newCrowd(test.of)
					r := &refreshTest{client: serve(t, c).client(t)}
					ids := slices.Clone(c.ids)
					shuffled(ids) // so that the state has tags from everywhere on the server
					ids = slices.Sorted(slices.Values(ids[:test.nodes]))
					order(ids)
					began := time.Now()
					r.readAll(t, ids, test.atOnce)
					got := int(c.requests.Load())
					if got > test.most || got > 2*test.nodes {
						t.Errorf("%d requests, want at most %d", got, test.most)
					}
					t.Logf("%d requests in %v", got, time.Since(began))
				})
			})
		}
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
		"the count":          {mockserver.Fault{Operation: "CountTags", Times: 1}, 1 + 1 + 200},
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
