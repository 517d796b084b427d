package citations

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// The guide says from which version on each program works. Pages that repeat it say the same, and so does the code.
func TestVersions_PagesAndCodeAgree(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`(?m)^\| (Infrahub|Terraform|OpenTofu) \| (\d+\.\d+) or newer`)
	oldest := map[string]string{}
	for _, match := range row.FindAllStringSubmatch(readFile(t, "docs/guides/versions.md"), -1) {
		oldest[match[1]] = match[2]
	}
	inCode := infrahub.OldestVersion
	if len(oldest) != 3 || strings.TrimSuffix(inCode, ".0") != oldest["Infrahub"] {
		t.Errorf("the guide says %v, the oldest Infrahub of the code is %s", oldest, inCode)
	}
	for _, match := range row.FindAllStringSubmatch(readFile(t, "README.md"), -1) {
		if match[2] != oldest[match[1]] {
			t.Errorf("README.md says %s %s, the guide says %s", match[1], match[2], oldest[match[1]])
		}
	}
}

// The pipeline runs the tests with the versions that the guide names: the oldest, those that got a feature, and the newest.
func TestVersions_PipelineTestsWhatTheGuideNames(t *testing.T) {
	t.Parallel()
	guide, pipeline := readFile(t, "docs/guides/versions.md"), readFile(t, ".github/workflows/ci.yml")
	matrix := regexp.MustCompile(`(?s)name: (Terraform|OpenTofu) \$\{\{.*?\n        version: \[([^]]*)\]`).FindAllStringSubmatch(pipeline, -1)
	if len(matrix) != 2 {
		t.Fatalf("the pipeline has %d matrices, want one of Terraform and one of OpenTofu", len(matrix))
	}
	for _, job := range matrix {
		row := regexp.MustCompile(`(?m)^\| ` + job[1] + ` \| (\d+\.\d+) or newer \| ([\d., ]+) \|$`).FindStringSubmatch(guide)
		if row == nil {
			t.Fatalf("the guide does not say what %s it is tested with", job[1])
		}
		oldest, want := row[1], strings.Split(row[2], ", ")
		var got []string
		for version := range strings.SplitSeq(job[2], ", ") {
			got = append(got, strings.TrimSuffix(strings.Trim(version, `"`), ".*"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the pipeline tests with %s %v, the guide says %v", job[1], got, want)
		}
		if got[0] != oldest {
			t.Errorf("the pipeline tests with %s from %s on, it is supported from %s on", job[1], got[0], oldest)
		}
		features := regexp.MustCompile(`(?m)^\| [^|]+ \| (1\.\d+) \| (1\.\d+|no) \|$`).FindAllStringSubmatch(guide, -1)
		if len(features) == 0 {
			t.Error("the guide names no features that need a newer CLI")
		}
		for _, feature := range features {
			since := map[string]string{"Terraform": feature[1], "OpenTofu": feature[2]}[job[1]]
			if since != "no" && !slices.Contains(got, since) {
				t.Errorf("the pipeline does not test with %s %s, which got a feature: %s", job[1], since, feature[0])
			}
		}
	}
}
