package citations

import (
	"regexp"
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
