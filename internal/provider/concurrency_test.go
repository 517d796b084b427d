package provider

import (
	"fmt"
	"sync"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// inParallel calls do for 0 to n-1, as many at once as the parallelism of a CLI says.
func inParallel(n, parallelism int, do func(i int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, parallelism)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	all.Wait()
}

// tagsOn returns the descriptions of the tags on a branch by their names. A name that is there twice fails the test.
func (s *server) tagsOn(t *testing.T, branch string) map[string]string {
	t.Helper()
	resp := s.Post(t, branch, `{BuiltinTag(limit:1000){edges{node{name{value} description{value}}}}}`)
	edges, _ := resp.At("data.BuiltinTag.edges").([]any)
	tags := map[string]string{}
	for i := range edges {
		node := fmt.Sprintf("data.BuiltinTag.edges.%d.node.", i)
		name := resp.Text(node + "name.value")
		if _, twice := tags[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		tags[name] = resp.Text(node + "description.value")
	}
	return tags
}

func TestConcurrency_AnyParallelismChangesEachObjectOnce(t *testing.T) {
	t.Parallel()
	for _, parallelism := range []int{1, 10, 100} {
		t.Run(fmt.Sprint(parallelism), func(t *testing.T) {
			t.Parallel()
			objects := max(parallelism, 20)
			s := startServer(t, mockserver.Options{})
			p := s.connect(t)
			instances := make([]*instance, objects)
			config := func(i int, text string) attributes {
				return attributes{"name": fmt.Sprint("tag ", i), "description": text}
			}
			inParallel(objects, parallelism, func(i int) {
				instances[i] = p.newInstance(tagType)
				instances[i].mustApply(config(i, "first"))
			})
			inParallel(objects, parallelism, func(i int) {
				instances[i].refresh().requireNone(t)
				instances[i].mustApply(config(i, fmt.Sprint("second ", i)))
				instances[i].expectEmptyPlan(config(i, fmt.Sprint("second ", i)))
			})
			tags := s.tagsOn(t, "main")
			for i := range objects {
				if got := tags[fmt.Sprint("tag ", i)]; got != fmt.Sprint("second ", i) {
					t.Errorf("tag %d has the description %q", i, got)
				}
			}
			inParallel(objects, parallelism, func(i int) { instances[i].mustDestroy() })
			if left := s.tagsOn(t, "main"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if sent := len(s.takeMutations()); sent != 3*objects {
				t.Errorf("%d mutations, want %d", sent, 3*objects)
			}
		})
	}
}

// Two runs of a CLI that know nothing of each other neither double an object nor take each other's.
func TestConcurrency_TwoRunsOnOneServer(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	runs := []*testProvider{s.connect(t), s.connect(t)}
	created := make([]int, len(runs))
	inParallel(len(runs), len(runs), func(run int) {
		for i := range 20 {
			runs[run].newInstance(tagType).mustApply(attributes{"name": fmt.Sprint("of ", run, " ", i)})
			shared := runs[run].newInstance(tagType)
			diags := shared.apply(shared.plan(attributes{"name": fmt.Sprint("shared ", i), "description": fmt.Sprint(run)}))
			switch {
			case !diags.hasErrors():
				created[run]++
			default:
				diags.onlyError(t).expect(t, "name", "Tag Not Created", "import")
			}
		}
	})
	if tags := s.tagsOn(t, "main"); len(tags) != 60 || created[0]+created[1] != 20 {
		t.Errorf("%d tags, of the shared ones %v were created", len(tags), created)
	}
}

// Instances of the provider by alias share a process, and nothing else.
func TestConcurrency_TwoBranchesAndTwoServers(t *testing.T) {
	t.Parallel()
	type place struct {
		*server
		branch string
	}
	var places []place
	for range 2 {
		s := startServer(t, mockserver.Options{})
		s.createBranch(t, "release")
		places = append(places, place{s, "main"}, place{s, "release"})
	}
	inParallel(len(places), len(places), func(n int) {
		p := places[n].connectWith(t, attributes{"branch": places[n].branch})
		for i := range 10 {
			name := fmt.Sprint("tag ", places[n].branch, " ", i)
			tag := p.newInstance(tagType)
			tag.mustApply(attributes{"name": name, "description": fmt.Sprint(n)})
			tag.refresh().requireNone(t)
			tag.mustApply(attributes{"name": name, "description": fmt.Sprint(n, " again")})
		}
	})
	for n, at := range places {
		tags := at.tagsOn(t, at.branch)
		for i := range 10 {
			if got := tags[fmt.Sprint("tag ", at.branch, " ", i)]; got != fmt.Sprint(n, " again") {
				t.Errorf("on %s of server %d the tag %d has the description %q", at.branch, n/2, i, got)
			}
		}
		if at.branch == "main" && len(tags) != 10 {
			t.Errorf("main has %d tags, also those of the branch: %v", len(tags), tags)
		}
	}
}
