package gitremote_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

// releases returns refs with versions of three sorts of prefixes, and with tags that are no versions.
func releases(t *testing.T) *gitremote.Refs {
	t.Helper()
	return refsOfTags(t,
		"v1.2.0", "v1.2.9", "v1.9.0", "v1.10.0", "v2.0.0-rc.1", "v0.2.0", "v0.3.0",
		"network-v1.0.0", "network-v1.1.0", "network-v2.0.0-beta", "design-3.0.0", "design-3.0.1",
		"v3", "v3.1", "v03.1.0", "20260101", "latest", "network-latest", "xv9.0.0",
	)
}

// newest returns the first of the versions.
func newest(refs *gitremote.Refs, constraint, prefix string, prereleases bool) (gitremote.Ref, error) {
	versions, err := refs.Versions(constraint, prefix, prereleases)
	if err != nil {
		return gitremote.Ref{}, err
	}
	return versions.Tags[0], nil
}

func TestVersions_ReturnsEveryAllowedVersionTheNewestFirst(t *testing.T) {
	t.Parallel()
	versions, err := releases(t).Versions(">= 1.2, < 1.10", "", false)
	must(t, err)
	var names []string
	for _, version := range versions.Tags {
		names = append(names, version.Name)
	}
	wantEqual(t, "versions", []string{"v1.9.0", "v1.2.9", "v1.2.0"}, names)
}

func TestVersions_Newest(t *testing.T) {
	t.Parallel()
	refs := releases(t)
	for _, test := range []struct {
		name, constraint, prefix string
		prereleases              bool
		want                     string
	}{
		{"numbers are compared, not text", "", "", false, "v1.10.0"},
		{"prereleases if they are included", "", "", true, "v2.0.0-rc.1"},
		{"a prerelease that the constraint names", ">= 2.0.0-rc.0", "", false, "v2.0.0-rc.1"},
		{"a prefix", "", "network-v", false, "network-v1.1.0"},
		{"a prefix without the v", "", "network-", false, "network-v1.1.0"},
		{"a prefix and prereleases", "", "network-v", true, "network-v2.0.0-beta"},
		{"no v at all", "", "design-", false, "design-3.0.1"},
		{"a range", ">= 1.2, < 1.10", "", false, "v1.9.0"},
		{"exactly", "= 1.2.0", "", false, "v1.2.0"},
		{"excluded", "!= 1.10.0", "", false, "v1.9.0"},
		{"~> with two parts goes up to the next major, as in Terraform", "~> 1.2", "", false, "v1.10.0"},
		{"~> of 0 goes up to 1", "~> 0.2", "", false, "v0.3.0"},
		{"~> with three parts goes up to the next minor", "~>1.2.0", "", false, "v1.2.9"},
		{"~> among other conditions", "~> v1.2, != 1.10.0", "", false, "v1.9.0"},
		{"~> with prereleases stays below the next major", "~> 1.2", "", true, "v1.10.0"},
		{"caret", "^0.2", "", false, "v0.2.0"},
		{"one or the other", "0.2.0 || ~> 1.2.0", "", false, "v1.2.9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := newest(refs, test.constraint, test.prefix, test.prereleases)
			if err != nil || got.Name != test.want || got.Kind != gitremote.Tag || len(got.Commit) != 40 {
				t.Errorf("got %+v, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestVersions_NoMatch(t *testing.T) {
	t.Parallel()
	refs := releases(t)
	for _, test := range []struct {
		name, constraint, prefix string
		prereleases              bool
		seen                     []string
		text                     string
	}{
		{"too new", ">= 3", "network-v", false, []string{"network-v2.0.0-beta", "network-v1.1.0", "network-v1.0.0"}, `matches ">= 3" among network-v2.0.0-beta, `},
		{"a prerelease only", "> 1.1.0", "network-v", false, []string{"network-v2.0.0-beta", "network-v1.1.0", "network-v1.0.0"}, "network-v2.0.0-beta"},
		{"many", "> 9", "", false, []string{"v2.0.0-rc.1", "v1.10.0", "v1.9.0", "v1.2.9", "v1.2.0", "v0.3.0", "v0.2.0"}, "v1.2.0 and 2 more"},
		{"no such prefix", "", "none-", true, nil, `no tag consists of "none-" and a semantic version`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := newest(refs, test.constraint, test.prefix, test.prereleases)
			noMatch, ok := errors.AsType[*gitremote.NoMatchError](err)
			if !ok || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v, want %q", err, test.text)
			}
			wantEqual(t, "seen", test.seen, noMatch.Seen)
		})
	}
}

func TestVersions_NoMatchWithoutAConstraint(t *testing.T) {
	t.Parallel()
	for tag, text := range map[string]string{
		"v1.0.0-rc.1": "no release is among the tags, only prereleases: v1.0.0-rc.1",
		"latest":      "no tag is a semantic version",
	} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			if _, err := refsOfTags(t, tag).Versions("", "", false); err == nil || err.Error() != text {
				t.Errorf("got %v, want %q", err, text)
			}
		})
	}
}

func TestVersions_InvalidConstraint(t *testing.T) {
	t.Parallel()
	refs := releases(t)
	for _, constraint := range []string{"latest", ">= ", "1.2.3.4", ">> 1", "~> 1.2 and more"} {
		t.Run(constraint, func(t *testing.T) {
			t.Parallel()
			_, err := newest(refs, constraint, "", false)
			invalid, ok := errors.AsType[*gitremote.ConstraintError](err)
			if !ok || invalid.Constraint != constraint || errors.Unwrap(invalid) == nil || !strings.Contains(err.Error(), constraint) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestVersions_AnnotatedTagIsPeeled(t *testing.T) {
	t.Parallel()
	r := newRemote(t, t.TempDir(), "r.git")
	r.AnnotatedTag(t, "v1.0.0")
	got, err := newest(listRefs(t, r.Path), "", "", false)
	must(t, err)
	wantEqual(t, "ref", annotatedTag("v1.0.0", r.Commits["first"]), got)
}

func TestVersions_EqualVersionsGiveTheSameTagEachTime(t *testing.T) {
	t.Parallel()
	refs := refsOfTags(t, "1.0.0", "v1.0.0", "1.0.0+build")
	for range 20 {
		if got, err := newest(refs, "", "", false); err != nil || got.Name != "v1.0.0" {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
}
