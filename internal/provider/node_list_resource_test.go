package provider

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// listType describes a list resource to the tests of what holds for every one of them.
type listType struct {
	// operation is the name of its query, and summary that of the error that ends a list.
	operation, summary string
	// create returns the field of a mutation that creates an object. Location is that of a Git remote.
	create func(name, location string) string
	// unpaged is whether one request lists everything.
	unpaged bool
	// valid sets every filter.
	valid attributes
}

// listResourceTypes returns every list resource. TestResources_AreAllInTheTable compares them with the provider's.
func listResourceTypes() map[string]listType {
	node := func(kind string) func(name, location string) string {
		return func(name, _ string) string {
			return fmt.Sprintf("%sCreate(data:{name:{value:%q}}){object{id}}", kind, name)
		}
	}
	repository := func(kind string) func(name, location string) string {
		return func(name, location string) string {
			return fmt.Sprintf("%sCreate(data:{name:{value:%q} location:{value:%q}}){object{id}}", kind, name, location)
		}
	}
	filters := attributes{"names": []string{"network"}, "tag": "core", "credential_id": nodeUUID, "sync_status": "in-sync", "operational_status": "online"}
	return map[string]listType{
		branchType: {
			operation: "Branches", summary: "Branch List Not Complete", unpaged: true, valid: attributes{"names": []string{"release"}},
			create: func(name, _ string) string {
				return fmt.Sprintf("BranchCreate(data:{name:%q sync_with_git:false} wait_until_completion:true){object{id}}", name)
			},
		},
		credentialType: {
			operation: "Credentials", summary: "Credential List Not Complete", valid: attributes{"names": []string{"git"}},
			create: node("CorePasswordCredential"),
		},
		readOnlyType: {
			operation: "ReadOnlyRepositories", summary: "Read-only Repository List Not Complete", valid: filters,
			create: repository("CoreReadOnlyRepository"),
		},
		readWriteType: {
			operation: "Repositories", summary: "Repository List Not Complete", valid: filters,
			create: repository("CoreRepository"),
		},
		tagType: {
			operation: "Tags", summary: "Tag List Not Complete", valid: attributes{"names": []string{"core"}},
			create: node("BuiltinTag"),
		},
	}
}

// eachListResource runs a test in parallel for every list resource.
func eachListResource(t *testing.T, test func(t *testing.T, name string, l listType)) {
	t.Helper()
	for name, l := range listResourceTypes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name, l)
		})
	}
}

// start starts a server with objects, and returns their ids by name.
func (l listType) start(t *testing.T, count int) (*server, map[string]string) {
	t.Helper()
	s, remotes, ids := startServer(t, mockserver.Options{}), serveEmptyRemotes(t), map[string]string{}
	for len(ids) < count {
		var document strings.Builder
		first, last := len(ids), min(len(ids)+250, count)
		for n := first; n < last; n++ {
			name := fmt.Sprintf("node-%04d", n)
			fmt.Fprintf(&document, "n%d: %s\n", n, l.create(name, remotes+"/"+name+".git"))
		}
		resp := s.Ask(t, "mutation{"+document.String()+"}")
		for n := first; n < last; n++ {
			ids[fmt.Sprintf("node-%04d", n)] = resp.Text(fmt.Sprintf("data.n%d.object.id", n))
		}
	}
	return s, ids
}

// serveEmptyRemotes serves an empty Git repository at every path, and returns the address.
func serveEmptyRemotes(t *testing.T) string {
	t.Helper()
	return mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		capabilities := strings.Repeat("0", 40) + " capabilities^{}\x00agent=git/2\n"
		_, _ = fmt.Fprintf(w, "001e# service=git-upload-pack\n0000%04x%s0000", len(capabilities)+4, capabilities) // the client may be gone
	}))
}

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

// list returns the results of a list resource as a stream.
func (p *testProvider) list(ctx context.Context, typeName string, req listRequest) iter.Seq[listResult] {
	p.t.Helper()
	stream, err := p.ListResource(ctx, &tfprotov6.ListResourceRequest{
		TypeName: typeName, Config: p.encode(p.schemas.ListResourceSchemas[typeName], req.config), Limit: req.limit, IncludeResource: req.includeResource,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	i := p.newInstance(typeName)
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

// listAll returns the results by display name. There must be no error and no warning.
func (p *testProvider) listAll(typeName string, req listRequest) map[string]listResult {
	p.t.Helper()
	all := map[string]listResult{}
	for result := range p.list(p.ctx, typeName, req) {
		result.diagnostics.requireNone(p.t)
		if _, twice := all[result.displayName]; twice {
			p.t.Errorf("%s is listed twice", result.displayName)
		}
		all[result.displayName] = result
	}
	return all
}

// listFailing returns how many results a list has before its only error, which must end it.
func (p *testProvider) listFailing(ctx context.Context, typeName string, req listRequest, each func(listed int)) (int, diagnostic) {
	p.t.Helper()
	listed, failures := 0, diagnostics{}
	for result := range p.list(ctx, typeName, req) {
		if len(failures) > 0 {
			p.t.Errorf("%v comes after the error", result)
		}
		if result.diagnostics.hasErrors() {
			failures = append(failures, result.diagnostics...)
			continue
		}
		listed++
		each(listed)
	}
	return listed, failures.onlyError(p.t)
}

// expectPages expects that a list has requested so many pages, one after the other, and nothing else.
func (l listType) expectPages(t *testing.T, s *server, want int) {
	t.Helper()
	var offsets, wanted []any
	for _, request := range s.Log.Requests() {
		if request.Operation != l.operation || !l.unpaged && request.Variables["limit"] != 100.0 {
			t.Errorf("sent %s %v", request.Operation, request.Variables)
		}
		offsets = append(offsets, request.Variables["offset"])
	}
	for n := range want {
		if l.unpaged {
			wanted = []any{nil}
			break
		}
		wanted = append(wanted, float64(100*n))
	}
	if difference := cmp.Diff(wanted, offsets); difference != "" {
		t.Errorf("offsets of the pages (-want +got):\n%s", difference)
	}
}

func TestNodeListResource_ListsEveryPageOnce(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		for count, pages := range map[int]int{0: 1, 1: 1, 99: 1, 100: 2, 101: 2, 350: 4} {
			t.Run(fmt.Sprint(count), func(t *testing.T) {
				t.Parallel()
				s, want := l.start(t, count)
				got := map[string]string{}
				for displayName, result := range s.connect(t).listAll(name, listRequest{}) {
					got[displayName] = result.identity.text("id")
					if result.resource != nil {
						t.Errorf("%s has the resource %v, without include_resource", displayName, result.resource)
					}
				}
				if difference := cmp.Diff(want, got); difference != "" {
					t.Errorf("ids by display name (-want +got):\n%s", difference)
				}
				l.expectPages(t, s, pages)
			})
		}
	})
}

func TestNodeListResource_StopsAtTheLimit(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		s, _ := l.start(t, 101)
		p := s.connect(t)
		for limit, pages := range map[int64]int{1: 1, 99: 1, 100: 1, 101: 2, 102: 2} {
			s.Log.Reset()
			if got, want := len(p.listAll(name, listRequest{limit: limit})), int(min(limit, 101)); got != want {
				t.Errorf("limit %d: %d results, want %d", limit, got, want)
			}
			l.expectPages(t, s, pages)
		}
	})
}

func TestNodeListResource_ConsumerThatStopsRequestsNoMore(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		s, _ := l.start(t, 250)
		p, listed := s.connect(t), 0
		for range p.list(t.Context(), name, listRequest{}) {
			if listed++; listed == 150 {
				break
			}
		}
		l.expectPages(t, s, 2)
	})
}

func TestNodeListResource_CancelEndsTheListWithAnError(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		if l.unpaged {
			return // one response holds the whole list
		}
		s, _ := l.start(t, 250)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		listed, failure := s.connect(t).listFailing(ctx, name, listRequest{}, func(listed int) {
			if listed == 50 {
				cancel()
			}
		})
		failure.expect(t, "", l.summary, "branch main", "interrupted", "after 100 results", "there may be more")
		if listed != 100 {
			t.Errorf("%d results, want those of the page that was read", listed)
		}
		l.expectPages(t, s, 1)
	})
}

func TestNodeListResource_CancelBeforeTheListRequestsNothing(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		s, _ := l.start(t, 1)
		p := s.connect(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, failure := p.listFailing(ctx, name, listRequest{}, func(int) {})
		failure.expect(t, "", l.summary, "interrupted", "after 0 results")
		l.expectPages(t, s, 0)
	})
}

func TestNodeListResource_ErrorKeepsTheResultsBeforeIt(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		for page := range 3 {
			if l.unpaged && page > 0 {
				return
			}
			t.Run(fmt.Sprintf("page %d", page+1), func(t *testing.T) {
				t.Parallel()
				s, _ := l.start(t, 250)
				p := s.connect(t)
				s.failPage(l.operation, page)
				listed, failure := p.listFailing(t.Context(), name, listRequest{}, func(int) {})
				failure.expect(t, "", l.summary, "branch main", "no healthy upstream", fmt.Sprintf("after %d results", 100*page),
					"there may be more", "run the query again", "Request id: ")
				if listed != 100*page {
					t.Errorf("%d results before the error, want %d", listed, 100*page)
				}
				l.expectPages(t, s, page+1)
			})
		}
	})
}

// failPage makes the request for a page fail.
func (s *server) failPage(operation string, page int) {
	fault := mockserver.Fault{Operation: operation, Times: 1, Status: http.StatusServiceUnavailable, Body: "no healthy upstream", ContentType: "text/plain"}
	if page == 0 {
		s.Inject(fault)
		return
	}
	s.injectAfter(fault, func(request mockserver.Request) bool {
		return request.Operation == operation && request.Variables["offset"] == float64(100*(page-1))
	})
}

func TestNodeListResource_RefusedListSaysWhatToDo(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		s, _ := l.start(t, 1)
		p := s.connect(t)
		s.failOnce(l.operation, http.StatusUnauthorized, refusal)
		_, failure := p.listFailing(t.Context(), name, listRequest{}, func(int) {})
		failure.expect(t, "", l.summary, "the account of the token")
	})
}

// The whole resource is what an import would save, so that terraform query can generate a configuration of it.
func TestNodeListResource_WholeResourceIsThatOfAnImport(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		s, i, object := resourceTypeOf(t, name).created(t)
		listed := i.listAll(name, listRequest{includeResource: true, config: attributes{"names": []string{object.importName}}})[object.importName]
		if listed.identity.text("id") != i.id() || listed.resource.text("id") != i.id() {
			t.Fatalf("listed %v, want the id %s", listed, i.id())
		}
		l.expectPages(t, s, 1)
		imported := i.newInstance(name)
		imported.importByIdentity(listed.identity).requireNone(t)
		if difference := cmp.Diff(imported.state, listed.resource); difference != "" {
			t.Errorf("resource (-imported +listed):\n%s", difference)
		}
		config := imported.generatedConfig()
		imported.validate(name, config).requireNone(t)
		imported.expectEmptyPlan(config)
		s.expectMutations(t)
	})
}

func TestNodeListResource_PasswordsAreNotRead(t *testing.T) {
	t.Parallel()
	s, i, _ := resourceTypeOf(t, credentialType).created(t)
	for displayName, result := range i.listAll(credentialType, listRequest{includeResource: true}) {
		if result.resource["password"] != nil || strings.Contains(fmt.Sprint(result), secret) {
			t.Errorf("%s: the result holds the password: %v", displayName, result)
		}
	}
	for _, request := range s.Log.Requests() {
		if request.Variables["withPassword"] != false {
			t.Errorf("sent %s %v", request.Operation, request.Variables)
		}
	}
}

func TestNodeListResource_FiltersByName(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		s, _ := l.start(t, 101)
		p := s.connect(t)
		for description, test := range map[string]struct{ names, want []string }{
			"one":                 {[]string{"node-0007"}, []string{"node-0007"}},
			"several":             {[]string{"node-0100", "node-0007"}, []string{"node-0007", "node-0100"}},
			"one of them missing": {[]string{"node-0007", "nope"}, []string{"node-0007"}},
			"missing":             {[]string{"nope"}, nil},
		} {
			got := slices.Sorted(maps.Keys(p.listAll(name, listRequest{config: attributes{"names": test.names}})))
			if difference := cmp.Diff(test.want, got); difference != "" {
				t.Errorf("%s (-want +got):\n%s", description, difference)
			}
		}
	})
}

func TestNodeListResource_ListsTheProvidersBranch(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	s.createTag(t, "core", nil)
	if got := s.connectWith(t, attributes{"branch": "release"}).listAll(tagType, listRequest{}); len(got) > 0 {
		t.Errorf("listed %v", got)
	}
}

// The default branch can neither be created nor deleted.
func TestBranchListResource_LeavesTheDefaultBranchOut(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	p := s.connect(t)
	if got := keys(p.listAll(branchType, listRequest{})); !slices.Equal(got, []string{"release"}) {
		t.Errorf("listed %v", got)
	}
	if got := p.listAll(branchType, listRequest{config: attributes{"names": []string{"main"}}}); len(got) > 0 {
		t.Errorf("listed %v", got)
	}
}

// Branches exist independently of the provider's branch; everything else exists on it.
func TestNodeListResource_BranchThatIsGone(t *testing.T) {
	t.Parallel()
	eachListResource(t, func(t *testing.T, name string, l listType) {
		s := startServer(t, mockserver.Options{})
		s.createBranch(t, "release")
		s.createBranch(t, "other")
		p := s.connectWith(t, attributes{"branch": "release"})
		s.deleteBranch(t, "release")
		if name == branchType {
			if got := keys(p.listAll(name, listRequest{})); !slices.Equal(got, []string{"other"}) {
				t.Errorf("listed %v", got)
			}
			return
		}
		listed, failure := p.listFailing(t.Context(), name, listRequest{}, func(int) {})
		failure.expect(t, "", l.summary, "branch release", "not found", "Create the branch", branchVariable)
		if listed > 0 {
			t.Errorf("%d results before the error", listed)
		}
		l.expectPages(t, s, 1)
	})
}

func TestNodeListResource_FiltersAreValidated(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, l := range listResourceTypes() {
		for _, attribute := range p.schemas.ListResourceSchemas[name].Block.Attributes {
			if l.valid[attribute.Name] == nil {
				t.Errorf("%s: the table has no value for %s", name, attribute.Name)
			}
			p.validateList(name, attributes{attribute.Name: unknown}).requireNone(t)
			invalid := []any{""}
			if attribute.Name == "names" {
				invalid = []any{[]string{}, []string{"core", ""}}
			}
			if strings.HasSuffix(attribute.Name, "_status") {
				invalid = append(invalid, "nope")
			}
			for _, value := range invalid {
				if got := p.validateList(name, attributes{attribute.Name: value}).onlyError(t); got.attribute != attribute.Name {
					t.Errorf("%s, %s = %q: got %s", name, attribute.Name, value, got)
				}
			}
		}
		p.validateList(name, attributes{}).requireNone(t)
		p.validateList(name, l.valid).requireNone(t)
	}
}
