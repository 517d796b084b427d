package infrahub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// newClient returns a client of main that does not retry.
func newClient(t *testing.T, address string) *infrahub.Client {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client, err := infrahub.New(infrahub.Config{Address: parsed, Branch: "main", Token: sensitive.New(mockserver.DefaultToken)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// createMany runs a mutation for each number below count, all in one request, and returns the ids in this order. The
// mutation is a format of the number.
func createMany(t *testing.T, s *mocktest.Server, count int, mutation string) []string {
	t.Helper()
	if count == 0 {
		return nil
	}
	var document strings.Builder
	for n := range count {
		fmt.Fprintf(&document, "m%d: "+mutation+"\n", n, n)
	}
	resp := s.Ask(t, "mutation{"+document.String()+"}")
	var ids []string
	for n := range count {
		ids = append(ids, resp.Text(fmt.Sprintf("data.m%d.object.id", n)))
	}
	return ids
}

const (
	createTagMutation    = `BuiltinTagCreate(data:{name:{value:"tag-%03d"}}){object{id}}`
	createBranchMutation = `BranchCreate(data:{name:"branch-%03d" sync_with_git:false} wait_until_completion:true){object{id}}`
)

// listed returns the names that a list yields, and the error that ends it.
func listed[T any](ctx context.Context, nodes infrahub.Nodes[T], filter infrahub.Filter, name func(node T) string) ([]string, error) {
	var names []string
	for node, err := range nodes.List(ctx, filter) {
		if err != nil {
			return names, err
		}
		names = append(names, name(node))
	}
	return names, nil
}

func tagName(tag infrahub.Tag) string          { return tag.Name }
func branchName(branch infrahub.Branch) string { return branch.Name }

// numbered returns the names with the numbers below count.
func numbered(count int, format string) []string {
	var names []string
	for n := range count {
		names = append(names, fmt.Sprintf(format, n))
	}
	return names
}

func TestList_EveryPageOnce(t *testing.T) {
	t.Parallel()
	for count, pages := range map[int]int{0: 1, 1: 1, 99: 1, 100: 2, 101: 2, 250: 3} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			s := mocktest.Start(t, mockserver.Options{})
			createMany(t, s, count, createTagMutation)
			names, err := listed(t.Context(), newClient(t, s.Address).Tags(), infrahub.Filter{}, tagName)
			slices.Sort(names)
			if difference := cmp.Diff(numbered(count, "tag-%03d"), names); difference != "" || err != nil {
				t.Errorf("error %v, names (-want +got):\n%s", err, difference)
			}
			if requests := s.Log.Requests(); len(requests) != pages {
				t.Errorf("%d requests, want %d", len(requests), pages)
			}
		})
	}
}

// The server lists all branches at once, and the client divides them into pages.
func TestList_EveryBranchOnce(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 1, 99, 100} { // and main
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			s := mocktest.Start(t, mockserver.Options{})
			createMany(t, s, count, createBranchMutation)
			names, err := listed(t.Context(), newClient(t, s.Address).Branches(), infrahub.Filter{}, branchName)
			if difference := cmp.Diff(append(numbered(count, "branch-%03d"), "main"), names); difference != "" || err != nil {
				t.Errorf("error %v, names (-want +got):\n%s", err, difference)
			}
		})
	}
}

func TestList_Filters(t *testing.T) {
	t.Parallel()
	s := mocktest.Start(t, mockserver.Options{})
	tags, branches := createMany(t, s, 3, createTagMutation), createMany(t, s, 3, createBranchMutation)
	client := newClient(t, s.Address)
	for name, test := range map[string]struct {
		filter func(ids []string, prefix string) infrahub.Filter
		want   []int
	}{
		"by id": {func(ids []string, _ string) infrahub.Filter { return infrahub.Filter{IDs: ids[1:]} }, []int{1, 2}},
		"by an id that does not exist": {func([]string, string) infrahub.Filter {
			return infrahub.Filter{IDs: []string{"0d0c96ac-83d5-4ca5-9f28-68b527a471d7"}}
		}, nil},
		"by name": {func(_ []string, prefix string) infrahub.Filter {
			return infrahub.Filter{Names: []string{prefix + "-001"}}
		}, []int{1}},
		"by names": {func(_ []string, prefix string) infrahub.Filter {
			return infrahub.Filter{Names: []string{prefix + "-002", "nope", prefix + "-000"}}
		}, []int{0, 2}},
		"by a name that does not exist": {func([]string, string) infrahub.Filter { return infrahub.Filter{Names: []string{"nope"}} }, nil},
		"by id and name": {func(ids []string, prefix string) infrahub.Filter {
			return infrahub.Filter{IDs: ids[:2], Names: []string{prefix + "-001", prefix + "-002"}}
		}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string][]string{}
			var err error
			if got["tag"], err = listed(t.Context(), client.Tags(), test.filter(tags, "tag"), tagName); err != nil {
				t.Error(err)
			}
			if got["branch"], err = listed(t.Context(), client.Branches(), test.filter(branches, "branch"), branchName); err != nil {
				t.Error(err)
			}
			for prefix, names := range got {
				var want []string
				for _, n := range test.want {
					want = append(want, fmt.Sprintf("%s-%03d", prefix, n))
				}
				slices.Sort(names)
				if difference := cmp.Diff(want, names); difference != "" {
					t.Errorf("names (-want +got):\n%s", difference)
				}
			}
		})
	}
}

func TestList_StopsWithItsConsumer(t *testing.T) {
	t.Parallel()
	for stopAt, pages := range map[int]int{1: 1, 100: 1, 101: 2} {
		s := mocktest.Start(t, mockserver.Options{})
		createMany(t, s, 250, createTagMutation)
		count := 0
		for _, err := range newClient(t, s.Address).Tags().List(t.Context(), infrahub.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if count++; count == stopAt {
				break
			}
		}
		if requests := s.Log.Requests(); len(requests) != pages {
			t.Errorf("%d requests for %d nodes, want %d", len(requests), stopAt, pages)
		}
	}
}

func TestList_ErrorOnAPageEndsTheListAfterThePagesBefore(t *testing.T) {
	t.Parallel()
	s := mocktest.New(t, mockserver.Options{})
	createMany(t, s, 250, createTagMutation)
	address := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Contains(body, []byte(`"offset":100`)) {
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.Log.ServeHTTP(w, r)
	}))
	yielded := 0
	var failures []error
	for tag, err := range newClient(t, address).Tags().List(t.Context(), infrahub.Filter{}) {
		if yielded++; err != nil {
			failures = append(failures, err)
		} else if tag.Name == "" {
			t.Error("a node without a name")
		}
	}
	if yielded != 101 || len(failures) != 1 || !strings.Contains(failures[0].Error(), "no healthy upstream") {
		t.Errorf("yielded %d, errors %v; want 100 tags and one error", yielded, failures)
	}
}

func TestGet_ByIDAndByName(t *testing.T) {
	t.Parallel()
	const missing = "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"
	s := mocktest.Start(t, mockserver.Options{})
	createMany(t, s, 2, createBranchMutation)
	ids := createMany(t, s, 2, `CoreProposedChangeCreate(data:{name:{value:"Release"} source_branch:{value:"branch-%03d"} destination_branch:{value:"main"}}){object{id}}`)
	changes := newClient(t, s.Address).ProposedChanges()
	for _, id := range ids {
		if got, err := changes.Get(t.Context(), id); err != nil || got.ID != id {
			t.Errorf("got %v, %v; want the id %s", got, err, id)
		}
	}
	if got, err := changes.Get(t.Context(), missing); !errors.Is(err, infrahub.ErrNotFound) || got != nil {
		t.Errorf("got %v, %v; want ErrNotFound", got, err)
	}
	if got, err := changes.GetByName(t.Context(), "Other"); !errors.Is(err, infrahub.ErrNotFound) || got != nil {
		t.Errorf("got %v, %v; want ErrNotFound", got, err)
	}
	got, err := changes.GetByName(t.Context(), "Release")
	if !errors.Is(err, infrahub.ErrAmbiguous) || got != nil || !strings.Contains(err.Error(), `2 proposed changes are named "Release"`) {
		t.Errorf("got %v, %v; want ErrAmbiguous", got, err)
	}
	if id, err := changes.IDByName(t.Context(), "Release"); !errors.Is(err, infrahub.ErrAmbiguous) || id != "" {
		t.Errorf("got %q, %v; want ErrAmbiguous", id, err)
	}
}

func TestUpdate_WithoutAChangeSendsNothing(t *testing.T) {
	t.Parallel()
	text := func(value string) *string { return &value } // not the same pointer twice
	on := func() *bool { value := true; return &value }
	repository := func(kind infrahub.Kind) infrahub.Repository {
		return infrahub.Repository{
			Kind: kind, ID: "1", Name: "network", Location: "https://git.example.com/network.git", Ref: "main", Description: text("d"),
			CredentialID: text("2"), Tags: []string{"core", "edge"},
		}
	}
	for name, update := range map[string]func(ctx context.Context, client *infrahub.Client) error{
		"tag": func(ctx context.Context, client *infrahub.Client) error {
			tag := func() infrahub.Tag { return infrahub.Tag{ID: "1", Name: "core", Description: text("d")} }
			return client.Tags().Update(ctx, tag(), tag())
		},
		"branch": func(ctx context.Context, client *infrahub.Client) error {
			branch := func() infrahub.Branch {
				return infrahub.Branch{ID: "1", Name: "release", Description: text("d"), SyncWithGit: on()}
			}
			return client.Branches().Update(ctx, branch(), branch())
		},
		"credential": func(ctx context.Context, client *infrahub.Client) error {
			credential := func() infrahub.Credential {
				return infrahub.Credential{ID: "1", Name: "git", Label: text("l"), Description: text("d"), Username: text("u"), Password: new(sensitive.New("p"))}
			}
			return client.Credentials(false).Update(ctx, credential(), credential())
		},
		"proposed change": func(ctx context.Context, client *infrahub.Client) error {
			change := func() infrahub.ProposedChange {
				return infrahub.ProposedChange{
					ID: "1", Name: "Release", Description: text("d"), SourceBranch: "release", DestinationBranch: "main", Draft: true, State: "open",
				}
			}
			return client.ProposedChanges().Update(ctx, change(), change())
		},
		"read-only repository": func(ctx context.Context, client *infrahub.Client) error {
			return client.Repositories(infrahub.ReadOnly).Update(ctx, repository(infrahub.ReadOnly), repository(infrahub.ReadOnly))
		},
		"repository, tags in another order": func(ctx context.Context, client *infrahub.Client) error {
			after := repository(infrahub.ReadWrite)
			slices.Reverse(after.Tags)
			return client.Repositories(infrahub.ReadWrite).Update(ctx, repository(infrahub.ReadWrite), after)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mocktest.Start(t, mockserver.Options{})
			if err := update(t.Context(), newClient(t, s.Address)); err != nil {
				t.Error(err)
			}
			if requests := s.Log.Requests(); len(requests) > 0 {
				t.Errorf("sent %+v, want nothing", requests)
			}
		})
	}
}

func TestCreate_OfAKindWhoseIDTheServerChooses(t *testing.T) {
	t.Parallel()
	s := mocktest.Start(t, mockserver.Options{})
	description := "Release 1.2"
	id, err := newClient(t, s.Address).Branches().Create(t.Context(), infrahub.Branch{ID: "ignored", Name: "release", Description: &description})
	if err != nil {
		t.Fatal(err)
	}
	if want := s.Ask(t, `{Branch(name:"release"){id}}`).Text("data.Branch.0.id"); id != want || id == "" {
		t.Errorf("got the id %q, the server has %q", id, want)
	}
	if difference := cmp.Diff([]string{"CreateBranch: description name"}, mocktest.Mutations(s.Log.Requests())); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
}
