package provider

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// listRequest is what a list block asks for.
type listRequest struct {
	config          attributes
	limit           int64
	includeResource bool
}

// listResult is one result of a list resource. Its resource is nil if the request does not include it.
type listResult struct {
	displayName        string
	identity, resource attributes
	diagnostics        diagnostics
}

// listTags returns the results of the list resource of tags as a stream.
func (p *testProvider) listTags(ctx context.Context, req listRequest) iter.Seq[listResult] {
	p.t.Helper()
	stream, err := p.ListResource(ctx, &tfprotov6.ListResourceRequest{
		TypeName: tagType, Config: p.encode(p.schemas.ListResourceSchemas[tagType], req.config), Limit: req.limit, IncludeResource: req.includeResource,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	i := p.newInstance(tagType)
	return func(yield func(listResult) bool) {
		for result := range stream.Results {
			decoded := listResult{displayName: result.DisplayName, identity: i.decodeIdentity(result.Identity), diagnostics: result.Diagnostics}
			if result.Resource != nil {
				decoded.resource = i.decode(i.schema(), result.Resource)
			}
			if !yield(decoded) {
				return
			}
		}
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

func TestNodeListResource_ListsEveryPageOnce(t *testing.T) {
	t.Parallel()
	for count, pages := range map[int][]any{
		0: {0.0}, 1: {0.0}, 99: {0.0}, 100: {0.0, 100.0}, 101: {0.0, 100.0}, 250: {0.0, 100.0, 200.0},
	} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			want, got := s.createTags(t, count), map[string]string{}
			for result := range s.connect(t).listTags(t.Context(), listRequest{}) {
				result.diagnostics.requireNone(t)
				if got[result.displayName] != "" {
					t.Errorf("%s is listed twice", result.displayName)
				}
				got[result.displayName] = result.identity.text("id")
				if result.resource != nil {
					t.Errorf("%s has the resource %v, without include_resource", result.displayName, result.resource)
				}
			}
			if difference := cmp.Diff(want, got); difference != "" {
				t.Errorf("ids by display name (-want +got):\n%s", difference)
			}
			if difference := cmp.Diff(pages, s.pages(t)); difference != "" {
				t.Errorf("offsets of the pages (-want +got):\n%s", difference)
			}
		})
	}
}

func TestNodeListResource_IncludesTheResource(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p := s.connect(t)
	created := map[string]attributes{}
	for name, config := range map[string]attributes{"core": {"name": "core", "description": "The core"}, "edge": {"name": "edge"}} {
		i := p.newInstance(tagType)
		i.mustApply(config)
		created[name] = i.state
	}
	listed := map[string]attributes{}
	for result := range p.listTags(t.Context(), listRequest{includeResource: true}) {
		result.diagnostics.requireNone(t)
		listed[result.displayName] = result.resource
		if result.identity.text("id") != result.resource.text("id") {
			t.Errorf("the identity of %v is %v", result.resource, result.identity)
		}
	}
	if difference := cmp.Diff(created, listed); difference != "" {
		t.Errorf("resources by display name (-created +listed):\n%s", difference)
	}
}

func TestNodeListResource_FiltersByName(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createTags(t, 101)
	p := s.connect(t)
	for name, test := range map[string]struct{ names, want []string }{
		"one":                 {[]string{"tag-007"}, []string{"tag-007"}},
		"several":             {[]string{"tag-100", "tag-007"}, []string{"tag-007", "tag-100"}},
		"one of them missing": {[]string{"tag-007", "nope"}, []string{"tag-007"}},
		"missing":             {[]string{"nope"}, nil},
	} {
		var got []string
		for result := range p.listTags(t.Context(), listRequest{config: attributes{"names": test.names}}) {
			result.diagnostics.requireNone(t)
			got = append(got, result.displayName)
		}
		slices.Sort(got)
		if difference := cmp.Diff(test.want, got); difference != "" {
			t.Errorf("%s (-want +got):\n%s", name, difference)
		}
	}
}

func TestNodeListResource_ListsTheProvidersBranch(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	s.createTag(t, "core", nil)
	for result := range s.connectWith(t, attributes{"branch": "release"}).listTags(t.Context(), listRequest{}) {
		t.Errorf("listed %v", result)
	}
}

func TestNodeListResource_StopsAtTheLimit(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createTags(t, 101)
	p := s.connect(t)
	for _, test := range []struct {
		limit int64
		want  int
		pages []any
	}{
		{1, 1, []any{0.0}}, {99, 99, []any{0.0}}, {100, 100, []any{0.0}}, {101, 101, []any{0.0, 100.0}}, {102, 101, []any{0.0, 100.0}},
	} {
		s.Log.Reset()
		got := 0
		for result := range p.listTags(t.Context(), listRequest{limit: test.limit}) {
			result.diagnostics.requireNone(t)
			got++
		}
		if got != test.want {
			t.Errorf("limit %d: %d results, want %d", test.limit, got, test.want)
		}
		if difference := cmp.Diff(test.pages, s.pages(t)); difference != "" {
			t.Errorf("limit %d: offsets of the pages (-want +got):\n%s", test.limit, difference)
		}
	}
}

func TestNodeListResource_ConsumerThatStopsRequestsNoMore(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createTags(t, 250)
	for range s.connect(t).listTags(t.Context(), listRequest{}) {
		break
	}
	if difference := cmp.Diff([]any{0.0}, s.pages(t)); difference != "" {
		t.Errorf("offsets of the pages (-want +got):\n%s", difference)
	}
}

func TestNodeListResource_CancelEndsTheListWithAnError(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createTags(t, 250)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	listed, failures := 0, diagnostics{}
	for result := range s.connect(t).listTags(ctx, listRequest{}) {
		if result.diagnostics.hasErrors() {
			failures = append(failures, result.diagnostics...)
			continue
		}
		if listed++; listed == 50 {
			cancel()
		}
	}
	failures.onlyError(t).expect(t, "", "Tag List Not Complete", "branch main", "interrupted")
	if listed != 100 {
		t.Errorf("%d results, want those of the page that was read", listed)
	}
	if difference := cmp.Diff([]any{0.0}, s.pages(t)); difference != "" {
		t.Errorf("offsets of the pages (-want +got):\n%s", difference)
	}
}

func TestNodeListResource_ErrorKeepsTheResultsBeforeIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		offset float64
		want   int
	}{"on the first page": {0, 0}, "on the second page": {100, 100}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			s.createTags(t, 250)
			p := s.connect(t)
			s.failPage(test.offset)
			listed, failures := 0, diagnostics{}
			for result := range p.listTags(t.Context(), listRequest{}) {
				if len(failures) > 0 {
					t.Errorf("%v comes after the error", result)
				}
				if result.diagnostics.hasErrors() {
					failures = append(failures, result.diagnostics...)
					continue
				}
				listed++
			}
			failures.onlyError(t).expect(t, "", "Tag List Not Complete", "branch main", "no healthy upstream", "Request id: ")
			if listed != test.want {
				t.Errorf("%d results before the error, want %d", listed, test.want)
			}
		})
	}
}

func TestNodeListResource_NamesAreValidated(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, config := range map[string]attributes{"none": {"names": []string{}}, "empty": {"names": []string{"core", ""}}} {
		if got := p.validateList(tagType, config).onlyError(t); got.attribute != "names" {
			t.Errorf("%s: got %s", name, got)
		}
	}
	for _, config := range []attributes{{}, {"names": unknown}, {"names": []string{"core"}}} {
		p.validateList(tagType, config).requireNone(t)
	}
}

// failPage makes the request for a page of tags fail.
func (s *server) failPage(offset float64) {
	fault := mockserver.Fault{Operation: "Tags", Times: 1, Status: http.StatusServiceUnavailable, Body: "no healthy upstream", ContentType: "text/plain"}
	if offset == 0 {
		s.Inject(fault)
		return
	}
	s.injectAfter(fault, func(request mockserver.Request) bool {
		return request.Operation == "Tags" && request.Variables["offset"] == offset-100
	})
}
