package provider

import (
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// Only a merge that Infrahub was asked for may go on.
func TestChecksDiagnostic_SaysWhetherTheMergeGoesOn(t *testing.T) {
	t.Parallel()
	for summary, unfinished := range map[string]*infrahub.UnfinishedMergeError{
		"Merge Not Finished": {}, "Merge Not Begun": {NotAsked: true},
	} {
		t.Run(summary, func(t *testing.T) {
			t.Parallel()
			got := checksDiagnostic(unfinished, "merge", checksAdvice{})
			if goesOn := strings.Contains(got.Detail(), "goes on without Terraform"); got.Summary() != summary || goesOn == unfinished.NotAsked {
				t.Errorf("got %q: %s", got.Summary(), got.Detail())
			}
		})
	}
}
