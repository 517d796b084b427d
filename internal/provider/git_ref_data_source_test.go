package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const gitRef = "infrahub_git_ref"

// read reads a data source; it gives no state if that fails.
func (p *protocol) read(kind string, config attributes) (attributes, diagnostics) {
	p.t.Helper()
	schema := p.schemas.DataSourceSchemas[kind]
	checked, err := p.ValidateDataResourceConfig(p.ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: kind, Config: p.encode(schema, config)})
	if err != nil {
		p.t.Fatal(err)
	}
	if diagnostics(checked.Diagnostics).failed() {
		return nil, checked.Diagnostics
	}
	resp, err := p.ReadDataSource(p.ctx, &tfprotov6.ReadDataSourceRequest{TypeName: kind, Config: p.encode(schema, config)})
	if err != nil {
		p.t.Fatal(err)
	}
	if diagnostics(resp.Diagnostics).failed() {
		return nil, resp.Diagnostics
	}
	return p.decode(schema, resp.State), resp.Diagnostics
}

func TestGitRef_Found(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	r.release(t, "v2.0.0-rc.1")
	r.release(t, "network-3.0.0")
	if err := r.AnnotatedTag("v1.2.0"); err != nil {
		t.Fatal(err)
	}
	r.commits["v1.2.0"], r.commits["main"] = r.commits["network-3.0.0"], r.commits["network-3.0.0"]
	p := s.connected(t)
	for name, test := range map[string]struct {
		config     attributes
		kind, ref  string
		annotated  bool
		candidates []string
	}{
		"the newest release":       {attributes{}, "tag", "v1.2.0", true, []string{"v1.2.0", "v1.1.0", "v1.0.0"}},
		"a constraint":             {attributes{"version": "< 1.2"}, "tag", "v1.1.0", false, []string{"v1.1.0", "v1.0.0"}},
		"prereleases, too":         {attributes{"include_prereleases": true}, "tag", "v2.0.0-rc.1", false, []string{"v2.0.0-rc.1", "v1.2.0", "v1.1.0", "v1.0.0"}},
		"a prefix":                 {attributes{"prefix": "network-"}, "tag", "network-3.0.0", false, []string{"network-3.0.0"}},
		"a tag by its name":        {attributes{"ref": "v1.0.0"}, "tag", "v1.0.0", false, nil},
		"a branch by its name":     {attributes{"ref": "main"}, "branch", "main", false, nil},
		"a ref by its other name":  {attributes{"ref": "refs/tags/v1.1.0"}, "tag", "v1.1.0", false, nil},
		"a commit, which is taken": {attributes{"ref": r.commits["v1.0.0"]}, "commit", "v1.0.0", false, nil},
	} {
		state, diags := p.read(gitRef, attributes{"location": r.Path}.with(test.config))
		diags.none(t)
		want := attributes{"location": r.Path, "kind": test.kind, "commit": r.commits[test.ref], "annotated": test.annotated, "ref": test.ref}.with(test.config)
		if test.kind == "tag" {
			want["tag"] = test.ref
		}
		want["candidates"] = append(ordered{}, test.candidates...)
		if difference := cmp.Diff(want, state); difference != "" {
			t.Errorf("%s (-want +got):\n%s", name, difference)
		}
	}
	if sent := s.log.Requests(); len(sent) != 0 {
		t.Errorf("Infrahub was asked %v", sent)
	}
}

func TestGitRef_NotFound(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	p := s.connected(t)
	for name, test := range map[string]struct {
		config             attributes
		attribute, summary string
		parts              []string
	}{
		"no version matches":       {attributes{"version": ">= 2"}, "version", "Git Tag Not Found", []string{`">= 2"`, "v1.1.0, v1.0.0", r.Path, "include_prereleases"}},
		"no tag has the prefix":    {attributes{"prefix": "network-"}, "version", "Git Tag Not Found", []string{`"network-"`}},
		"constraint of no meaning": {attributes{"version": "latest"}, "version", "Invalid Version Constraint", []string{`"latest"`, "~> 1.2"}},
		"no such ref":              {attributes{"ref": "v1.0.1"}, "ref", "Git Ref Not Found", []string{`"v1.0.1"`, "v1.0.0"}},
		"userinfo in the location": {attributes{"location": "https://bot:canary@git.example.com/network.git"}, "location", "Invalid Location", []string{"username or a password"}},
		"ref and version":          {attributes{"ref": "v1.0.0", "version": "1.0.0"}, "version", "Invalid Attribute Combination", nil},
		"ref and prefix":           {attributes{"ref": "v1.0.0", "prefix": "v"}, "prefix", "Invalid Attribute Combination", nil},
	} {
		_, diags := p.read(gitRef, attributes{"location": r.Path}.with(test.config))
		diags.hides(t, "canary")
		got := diags.oneError(t)
		got.is(t, test.attribute, test.summary, test.parts...)
		if strings.HasPrefix(got.detail, ": ") {
			t.Errorf("%q names no location", got.detail)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}
