package gitremote_test

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

func names(tags []gitremote.Ref) []string {
	var list []string
	for _, each := range tags {
		list = append(list, each.Name)
	}
	return list
}

func TestVersions_Prereleases(t *testing.T) {
	t.Parallel()
	refs := refsOfTags(t, "v1.0.0", "v1.1.0-rc.1", "v1.1.0-rc.2", "v1.1.0", "v1.2.0-beta", "v2.0.0-rc.1", "v2.0.0", "v3.0.0-alpha.1")
	for _, test := range []struct {
		constraint  string
		prereleases bool
		want        []string
	}{
		{">= 1.1.0-rc.1, < 3.0", false, []string{"v2.0.0", "v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1"}},
		{">= 1.0.0-0", false, []string{"v2.0.0", "v1.1.0", "v1.0.0"}},
		{">= 1.1.0-rc.2", false, []string{"v2.0.0", "v1.1.0", "v1.1.0-rc.2"}},
		{"= 1.1.0-rc.1", false, []string{"v1.1.0-rc.1"}},
		{"< 1.1.0-rc.2", false, []string{"v1.1.0-rc.1", "v1.0.0"}},
		{"~> 1.1.0-rc.1", false, []string{"v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1"}},
		{"^1.1.0-rc.2", false, []string{"v1.1.0", "v1.1.0-rc.2"}},
		{"!= 2.0.0-rc.2", false, []string{"v2.0.0", "v1.1.0", "v1.0.0"}},
		{"1.0.0 || 3.0.0-alpha.1", false, []string{"v3.0.0-alpha.1", "v1.0.0"}},
		{">= 1.2.0-0 || 1.0.0", false, []string{"v2.0.0", "v1.2.0-beta", "v1.0.0"}},
		{">= 1.0, < 2.0", true, []string{"v1.2.0-beta", "v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1", "v1.0.0"}},
		{">= 1.0, < 2", true, []string{"v1.2.0-beta", "v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1", "v1.0.0"}},
		{"< 1.1.0", true, []string{"v1.0.0"}},
		{"< 1.1.0+build", true, []string{"v1.0.0"}},
		{"~> 1.0", true, []string{"v1.2.0-beta", "v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1", "v1.0.0"}},
		{"~> 1.0.0", true, []string{"v1.0.0"}},
		{"^1", true, []string{"v1.2.0-beta", "v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1", "v1.0.0"}},
		{"<= 2.0.0", true, []string{"v2.0.0", "v2.0.0-rc.1", "v1.2.0-beta", "v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1", "v1.0.0"}},
		{"< 2.0.0-rc.2, > 1.1.0", true, []string{"v2.0.0-rc.1", "v1.2.0-beta"}},
		{"> 1.0", false, []string{"v2.0.0", "v1.1.0"}},
		{"<= 1.1", false, []string{"v1.1.0", "v1.0.0"}},
		{"", true, []string{"v3.0.0-alpha.1", "v2.0.0", "v2.0.0-rc.1", "v1.2.0-beta", "v1.1.0", "v1.1.0-rc.2", "v1.1.0-rc.1", "v1.0.0"}},
	} {
		t.Run(test.constraint, func(t *testing.T) {
			t.Parallel()
			found, err := refs.Versions(test.constraint, "", test.prereleases)
			must(t, err)
			wantEqual(t, "versions", test.want, names(found.Tags))
		})
	}
}

func TestVersions_BuildMetadata(t *testing.T) {
	t.Parallel()
	found, err := refsOfTags(t, "v1.0.0+build.9", "v1.0.0+build.10", "v1.0.0", "v1.0.0+9", "v1.0.0+10", "v1.0.0+abc", "v1.0.0-rc.1+1", "1.0.0").Versions("", "", false)
	want := []string{"v1.0.0", "1.0.0", "v1.0.0+build.10", "v1.0.0+build.9", "v1.0.0+abc", "v1.0.0+10", "v1.0.0+9"}
	must(t, err)
	wantEqual(t, "versions", want, names(found.Tags))
}

func TestVersions_NumbersMayBeginWithZeros(t *testing.T) {
	t.Parallel()
	refs := refsOfTags(t, "2024.10.1", "2025.01.3", "2025.01.12", "v2025.1.4", "2025.02.0-rc.01", "2025.02.0-rc.2", "2024.00.007")
	for constraint, want := range map[string][]string{
		"":                         {"2025.01.12", "v2025.1.4", "2025.01.3", "2024.10.1", "2024.00.007"},
		"< 2025.01.12":             {"v2025.1.4", "2025.01.3", "2024.10.1", "2024.00.007"},
		"~> 2025.01":               {"2025.01.12", "v2025.1.4", "2025.01.3"},
		"~> 2024.00.1":             {"2024.00.007"},
		"= 2024.0.7":               {"2024.00.007"},
		">= 2025.02.0-rc.01, < 26": nil,
		">= 2025.02.0-rc.01":       {"2025.02.0-rc.2", "2025.02.0-rc.01"},
	} {
		found, err := refs.Versions(constraint, "", false)
		if (err != nil) != (want == nil) {
			t.Errorf("%s: %v", constraint, err)
		}
		wantEqual(t, constraint, want, names(found.Tags))
	}
}

func TestVersions_TagsThatOnlyLookLikeAVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name               string
		tags               []string
		constraint, prefix string
		want               []string
	}{
		{"four numbers", []string{"1.2.3", "1.2.3.4"}, "", "", []string{"1.2.3.4"}},
		{"two numbers", []string{"v1.2.3", "v1.3", "2025.01"}, "", "", []string{"2025.01", "v1.3"}},
		{"one number", []string{"v1.2.3", "v2", "3", "20260101"}, "", "", []string{"v2"}},
		{"a zero at the beginning", []string{"1.2.3", "02.0.0"}, "", "", []string{"02.0.0"}},
		{"something after the version", []string{"1.2.3", "1.2.4rc1", "1.3.0_1", "v2-final", "v2ray"}, "", "", []string{"v2-final", "1.3.0_1", "1.2.4rc1"}},
		{"the beginning of a version, which moves", []string{"v1.2.3", "v1", "v1.2", "1.2"}, "", "", nil},
		{"older ones", []string{"v1.2.3", "v0.9.1.2", "v1.1"}, "", "", nil},
		{"what the constraint does not allow", []string{"v1.2.3", "v2.0", "v1.4"}, "~> 1.0", "", []string{"v1.4"}},
		{"a prefix", []string{"network-v1.2.3", "network-v1.3", "network-v1", "v7.1"}, "", "network-", []string{"network-v1.3"}},
		{"other names", []string{"v1.2.3", "latest", "nightly-2.0", "vx"}, "", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found, err := refsOfTags(t, test.tags...).Versions(test.constraint, test.prefix, false)
			must(t, err)
			wantEqual(t, "unreadable tags", test.want, found.Unreadable)
		})
	}
	_, err := refsOfTags(t, "v1.2", "1.2.3.4", "latest", "v1.0.0").Versions(">= 2", "", false)
	if err == nil || err.Error() != `no version matches ">= 2" among v1.0.0; not read as versions: 1.2.3.4, v1.2` {
		t.Errorf("got %v", err)
	}
	_, err = refsOfTags(t, "v1.2", "latest").Versions("", "", false)
	if err == nil || err.Error() != "no tag is a semantic version; not read as versions: v1.2" {
		t.Errorf("got %v", err)
	}
}
