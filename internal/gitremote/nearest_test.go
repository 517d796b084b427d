package gitremote_test

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	refs := refsOfTags(t, "v1.2.0", "v1.9.0", "v1.10.0", "v2.0.0-rc.1", "v2.0.0", "network-v1.3.1", "network-v1.2.0", "network-v1.1.0", "network-v2.3.0", "nightly")
	for _, test := range []struct {
		name, ref string
		n         int
		want      []string
	}{
		{"a typing error", "mian", 1, []string{"main"}},
		{"another case", "MAIN", 1, []string{"main"}},
		{"another case before another name", "NETWORK-V1.3.1", 1, []string{"network-v1.3.1"}},
		{"a missing v", "1.10.0", 1, []string{"v1.10.0"}},
		{"a missing part", "v1.10", 1, []string{"v1.10.0"}},
		{"another patch before another minor, the newest first", "network-v1.3.0", 4, []string{"network-v1.3.1", "network-v1.2.0", "network-v1.1.0", "network-v2.3.0"}},
		{"the newest of those equally near", "v1.3.0", 2, []string{"v1.9.0", "v1.2.0"}},
		{"a beginning", "night", 1, []string{"nightly"}},
		{"a full name", "refs/tags/nightlyy", 1, []string{"nightly"}},
		{"the same name first", "v1.9.0", 5, []string{"v1.9.0", "v1.2.0", "v1.10.0", "v2.0.0", "v2.0.0-rc.1"}},
		{"none", "v1.9.0", 0, nil},
		{"fewer than none", "v1.9.0", -1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantEqual(t, "nearest", test.want, refs.Nearest(test.ref, test.n))
		})
	}
}

func TestNearest_SameCaseIsFirstAmongEquallyNearNames(t *testing.T) {
	t.Parallel()
	refs := refsOfTags(t, "Release-1.0", "release-1.0", "RELEASE-1.0")
	for ref, want := range map[string]string{"release-1.1": "release-1.0", "RELEASE-1.1": "RELEASE-1.0", "Release-1.1": "Release-1.0"} {
		wantEqual(t, "nearest to "+ref, []string{want}, refs.Nearest(ref, 1))
	}
}

func TestNearest_ReturnsNoMoreNamesThanThereAre(t *testing.T) {
	t.Parallel()
	wantEqual(t, "nearest", []string{"v1.0.0", "main"}, refsOfTags(t, "v1.0.0").Nearest("v1", 100))
}

func TestNearest_ReturnsTheNameOfATagAndABranchOnce(t *testing.T) {
	t.Parallel()
	wantEqual(t, "nearest", []string{"main"}, refsOfTags(t, "main").Nearest("main", 5))
}

func TestNearest_ReturnsNothingOfAnEmptyRepository(t *testing.T) {
	t.Parallel()
	wantEqual(t, "nearest", nil, (&gitremote.Refs{}).Nearest("main", 5))
}
