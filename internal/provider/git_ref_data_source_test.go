package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestGitRef_ReleaseOrRefIsRead(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	r.Release(t, "v2.0.0-rc.1", nil)
	r.Release(t, "network-3.0.0", nil)
	r.AnnotatedTag(t, "v1.2.0")
	r.Commits["v1.2.0"], r.Commits["main"] = r.Commits["network-3.0.0"], r.Commits["network-3.0.0"]
	p := s.connect(t)
	for name, test := range map[string]struct {
		config     attributes
		kind, ref  string
		annotated  bool
		candidates []string
	}{
		"the newest release":      {attributes{}, "tag", "v1.2.0", true, []string{"v1.2.0", "v1.1.0", "v1.0.0"}},
		"a constraint":            {attributes{"version": "< 1.2"}, "tag", "v1.1.0", false, []string{"v1.1.0", "v1.0.0"}},
		"prereleases included":    {attributes{"include_prereleases": true}, "tag", "v2.0.0-rc.1", false, []string{"v2.0.0-rc.1", "v1.2.0", "v1.1.0", "v1.0.0"}},
		"a prefix":                {attributes{"prefix": "network-"}, "tag", "network-3.0.0", false, []string{"network-3.0.0"}},
		"a tag by its name":       {attributes{"ref": "v1.0.0"}, "tag", "v1.0.0", false, nil},
		"a branch by its name":    {attributes{"ref": "main"}, "branch", "main", false, nil},
		"a ref by its other name": {attributes{"ref": "refs/tags/v1.1.0"}, "tag", "v1.1.0", false, nil},
		"a commit":                {attributes{"ref": r.Commits["v1.0.0"]}, "commit", "v1.0.0", false, nil},
	} {
		state, diags := p.readDataSource(gitRefType, attributes{"location": r.Path}.with(test.config))
		diags.requireNone(t)
		want := attributes{"location": r.Path, "kind": test.kind, "commit": r.Commits[test.ref], "annotated": test.annotated, "ref": test.ref}.with(test.config)
		if test.kind == "tag" {
			want["tag"] = test.ref
		}
		want["candidates"] = append(stringList{}, test.candidates...)
		if difference := cmp.Diff(want, state); difference != "" {
			t.Errorf("%s (-want +got):\n%s", name, difference)
		}
	}
	if sent := s.Log.Requests(); len(sent) != 0 {
		t.Errorf("Infrahub got %v", sent)
	}
}

func TestGitRef_FailureIsOnTheAttribute(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	p := s.connect(t)
	for name, test := range map[string]struct {
		config             attributes
		attribute, summary string
		parts              []string
	}{
		"no version matches":       {attributes{"version": ">= 2"}, "version", "Git Tag Not Found", []string{`">= 2"`, "v1.1.0, v1.0.0", r.Path, "include_prereleases"}},
		"no tag has the prefix":    {attributes{"prefix": "network-"}, "version", "Git Tag Not Found", []string{`"network-"`}},
		"invalid constraint":       {attributes{"version": "latest"}, "version", "Invalid Version Constraint", []string{`"latest"`, "~> 1.2"}},
		"no such ref":              {attributes{"ref": "v1.0.1"}, "ref", "Git Ref Not Found", []string{`"v1.0.1"`, "v1.0.0"}},
		"userinfo in the location": {attributes{"location": "https://bot:canary@git.example.com/network.git"}, "location", "Invalid Location", []string{"username or a password"}},
		"ref and version":          {attributes{"ref": "v1.0.0", "version": "1.0.0"}, "version", "Invalid Attribute Combination", nil},
		"ref and prefix":           {attributes{"ref": "v1.0.0", "prefix": "v"}, "prefix", "Invalid Attribute Combination", nil},
	} {
		_, diags := p.readDataSource(gitRefType, attributes{"location": r.Path}.with(test.config))
		diags.expectNoSecret(t, "canary")
		got := diags.onlyError(t)
		got.expect(t, test.attribute, test.summary, test.parts...)
		if strings.HasPrefix(got.detail, ": ") {
			t.Errorf("%q does not begin with the location", got.detail)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}
