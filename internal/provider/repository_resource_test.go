package provider

import (
	"slices"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestRepository_ChangedDefaultBranchReplacesWithAWarning(t *testing.T) {
	t.Parallel()
	i := startServer(t, mockserver.Options{}).connect(t).newInstance(readWriteType)
	state, config := importedRepository(readWriteType)
	i.state = state
	plan := i.plan(config.with(attributes{"default_branch": "stable"}))
	plan.diagnostics.requireNoErrors(t)
	plan.diagnostics.onlyWarning(t).expect(t, "default_branch", "Repository Will Be Replaced", `"v1.0.0"`, `"stable"`, "deletes")
	if !slices.Equal(plan.replacedBy, []string{"default_branch"}) {
		t.Errorf("replaced by %v", plan.replacedBy)
	}
}
