package provider

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// createTag creates a tag without the provider and returns its id.
func (s *server) createTag(t *testing.T, name string, description any) string {
	t.Helper()
	return s.Ask(t, `mutation($name:String!,$description:String){
		BuiltinTagCreate(data:{name:{value:$name} description:{value:$description}}){ok object{id}}
	}`, "name", name, "description", description).Text("data.BuiltinTagCreate.object.id")
}

func TestNodeDataSource_ReadsByIDAndByName(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	described := attributes{"id": s.createTag(t, "core", "The core"), "name": "core", "description": "The core"}
	plain := attributes{"id": s.createTag(t, "edge", nil), "name": "edge"}
	looksLikeAnID := attributes{"id": s.createTag(t, nodeUUID, nil), "name": nodeUUID}
	p := s.connect(t)
	for _, want := range []attributes{described, plain, looksLikeAnID} {
		for _, by := range []string{"id", "name"} {
			got, diags := p.readDataSource(tagType, attributes{by: want[by]})
			diags.requireNone(t)
			if difference := cmp.Diff(want, got); difference != "" {
				t.Errorf("by %s (-want +got):\n%s", by, difference)
			}
		}
	}
	if requests := s.Log.Requests(); len(requests) != 6 {
		t.Errorf("%d requests for 6 reads", len(requests))
	}
}

func TestNodeDataSource_ReadsFromTheProvidersBranch(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createBranch(t, "release")
	s.createTag(t, "core", nil)
	p := s.connectWith(t, attributes{"branch": "release"})
	_, diags := p.readDataSource(tagType, attributes{"name": "core"})
	diags.onlyError(t).expect(t, "name", "Tag Not Found", `"core"`, "branch release")
}

func TestNodeDataSource_NeedsAnIDOrAName(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, test := range map[string]struct {
		config    attributes
		attribute string // of the error; "" if the configuration is valid
		summary   string
		parts     []string
	}{
		"neither":       {attributes{}, "id", "Invalid Attribute Combination", []string{"one (and only one) of [id,name]"}},
		"both":          {attributes{"id": nodeUUID, "name": "core"}, "id", "Invalid Attribute Combination", []string{"name"}},
		"empty name":    {attributes{"name": ""}, "name", "Invalid Attribute Value Length", nil},
		"id":            {config: attributes{"id": nodeUUID}},
		"name":          {config: attributes{"name": "core"}},
		"unknown id":    {config: attributes{"id": unknown}},
		"unknown name":  {config: attributes{"name": unknown}},
		"both unknown":  {config: attributes{"id": unknown, "name": unknown}},
		"id, name open": {config: attributes{"id": nodeUUID, "name": unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := p.validateDataSource(tagType, test.config)
			if test.attribute == "" {
				diags.requireNone(t)
				return
			}
			diags.onlyError(t).expect(t, test.attribute, test.summary, test.parts...)
		})
	}
}

func TestNodeDataSource_FailureIsAnError(t *testing.T) {
	t.Parallel()
	byID, byName := attributes{"id": nodeUUID}, attributes{"name": "core"}
	for name, test := range map[string]struct {
		config             attributes
		fault              *mockserver.Fault
		attribute, summary string
		parts              []string
	}{
		"not found by id": {
			byID, nil, "id", "Tag Not Found", []string{`"` + nodeUUID + `"`, "branch main", "with this id", "Look it up in Infrahub", "branch of the provider"},
		},
		"not found by name": {byName, nil, "name", "Tag Not Found", []string{`"core"`, "branch main", "with this name"}},
		"server error by id": {
			byID, &mockserver.Fault{Status: http.StatusInternalServerError, Body: "Internal Server Error", ContentType: "text/plain"},
			"", "Tag Not Read",
			[]string{`"` + nodeUUID + `"`, "branch main", "500"},
		},
		"server error by name": {
			byName, &mockserver.Fault{Status: http.StatusServiceUnavailable, Body: "no healthy upstream", ContentType: "text/plain"},
			"", "Tag Not Read",
			[]string{`"core"`, "no healthy upstream", "Request id: "},
		},
		"GraphQL error":      {byName, &mockserver.Fault{Status: http.StatusOK, Body: refusal, ContentType: "application/json"}, "", "Tag Not Read", []string{"Refused.", "Request id: "}},
		"HTML":               {byName, &mockserver.Fault{Status: http.StatusOK, Body: "<html></html>", ContentType: "text/html"}, "", "Tag Not Read", []string{"HTML"}},
		"truncated response": {byName, &mockserver.Fault{TruncateBody: true}, "", "Tag Not Read", []string{`"core"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{})
			p := s.connect(t)
			if test.fault != nil {
				test.fault.Operation = "Tags"
				s.Inject(*test.fault)
			}
			state, diags := p.readDataSource(tagType, test.config)
			got := diags.onlyError(t)
			got.expect(t, test.attribute, test.summary, test.parts...)
			expectTitleCase(t, got.summary)
			if state != nil {
				t.Errorf("read %v", state)
			}
		})
	}
}
