package provider

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// listed returns the objects in the list of a data source.
func listed(t *testing.T, state attributes, name string) []attributes {
	t.Helper()
	objects, ok := state[name].([]attributes)
	if !ok {
		t.Fatalf("%s is %v", name, state[name])
	}
	return objects
}

// namesOf returns the names of objects.
func namesOf(objects []attributes) []string {
	var names []string
	for _, object := range objects {
		names = append(names, object.text("name"))
	}
	return names
}

func TestNodeListDataSource_ReadsEveryPageOnce(t *testing.T) {
	t.Parallel()
	for count, pages := range map[int]int{0: 1, 1: 1, 99: 1, 100: 2, 101: 2, 1000: 11} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			ids := s.createTags(t, count)
			want := []attributes{}
			for n := range count {
				name := fmt.Sprintf("tag-%03d", n)
				want = append(want, attributes{"id": ids[name], "name": name, "description": fmt.Sprintf("Tag %d", n)})
			}
			slices.SortFunc(want, func(a, b attributes) int { return strings.Compare(a.text("name"), b.text("name")) })
			state, diags := s.connect(t).readDataSource(tagsType, attributes{})
			diags.requireNone(t)
			if difference := cmp.Diff(want, listed(t, state, "tags")); difference != "" {
				t.Errorf("tags (-want +got):\n%s", difference)
			}
			if got := s.pages(t); len(got) != pages {
				t.Errorf("%d pages, want %d", len(got), pages)
			}
		})
	}
}

func TestNodeListDataSource_NamesPickTheListAndMissingOnesAreLeftOut(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createTags(t, 5)
	p := s.connect(t)
	state, diags := p.readDataSource(tagsType, attributes{"names": []string{"tag-003", "missing", "tag-001"}})
	diags.requireNone(t)
	if difference := cmp.Diff([]string{"tag-001", "tag-003"}, namesOf(listed(t, state, "tags"))); difference != "" {
		t.Errorf("names (-want +got):\n%s", difference)
	}
	if difference := cmp.Diff(stringList{"tag-003", "missing", "tag-001"}, state["names"]); difference != "" {
		t.Errorf("the filter in the state (-want +got):\n%s", difference)
	}
	state, diags = p.readDataSource(tagsType, attributes{"names": []string{"missing"}})
	diags.requireNone(t)
	if tags := listed(t, state, "tags"); len(tags) != 0 {
		t.Errorf("listed %v", tags)
	}
}

func TestNodeListDataSource_RefusesNamesThatPickNothing(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, typeName := range []string{tagsType, branchesType, repositoriesType} {
		p.validateDataSource(typeName, attributes{"names": []string{}}).onlyError(t).expect(t, "names", "Invalid Attribute Value")
		p.validateDataSource(typeName, attributes{"names": []string{""}}).onlyError(t).expect(t, "names", "Invalid Attribute Value Length")
		p.validateDataSource(typeName, attributes{"names": unknown}).requireNone(t)
	}
}

// A part of a list must not be taken for the whole.
func TestNodeListDataSource_ErrorOnAPageFailsTheRead(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createTags(t, 150)
	p := s.connect(t)
	s.injectAfter(mockserver.Fault{Operation: "Tags", Times: 1, Status: http.StatusOK, Body: refusal, ContentType: "application/json"},
		func(request mockserver.Request) bool { return request.Operation == "Tags" })
	state, diags := p.readDataSource(tagsType, attributes{})
	diags.onlyError(t).expect(t, "", "Tags Not Listed", "The tags on branch main", "Refused.", "Request id: ")
	if state != nil {
		t.Errorf("read %v", state)
	}
	if got := s.pages(t); len(got) != 2 {
		t.Errorf("%d pages, want 2", len(got))
	}
}

func TestNodeListDataSource_OnABranchThatIsGone(t *testing.T) {
	t.Parallel()
	for typeName, summary := range map[string]string{tagsType: "Tags Not Listed", repositoriesType: "Repositories Not Listed"} {
		s := startServer(t, mockserver.Options{})
		s.createBranch(t, "gone")
		p := s.connectWith(t, attributes{"branch": "gone"})
		s.deleteBranch(t, "gone")
		_, diags := p.readDataSource(typeName, attributes{})
		got := diags.onlyError(t)
		got.expect(t, "", summary, "on branch gone", "Create the branch, or set another one", branchVariable)
		if strings.Contains(got.detail, "changed") {
			t.Errorf("a read says what it has changed:\n%s", got.detail)
		}
		expectTitleCase(t, got.summary)
	}
}

// createTags creates tags without the provider, in one request, and returns their ids by name.
func (s *server) createTags(t *testing.T, count int) map[string]string {
	t.Helper()
	ids := map[string]string{}
	if count == 0 {
		return ids
	}
	var document strings.Builder
	for n := range count {
		fmt.Fprintf(&document, "t%d: BuiltinTagCreate(data:{name:{value:\"tag-%03d\"} description:{value:\"Tag %d\"}}){object{id}}\n", n, n, n)
	}
	resp := s.Ask(t, "mutation{"+document.String()+"}")
	for n := range count {
		ids[fmt.Sprintf("tag-%03d", n)] = resp.Text(fmt.Sprintf("data.t%d.object.id", n))
	}
	return ids
}

// pages returns the offset of every page that was requested.
func (s *server) pages(t *testing.T) []any {
	t.Helper()
	var offsets []any
	for _, request := range s.Log.Requests() {
		if request.Operation != "Tags" || request.Variables["limit"] != 100.0 {
			t.Errorf("sent %s %v", request.Operation, request.Variables)
		}
		offsets = append(offsets, request.Variables["offset"])
	}
	return offsets
}
