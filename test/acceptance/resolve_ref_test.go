package acceptance

import (
	"fmt"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// Terraform plans once more before it applies, and stops there if the result differs.
func TestResolveRef_TagThatMovesBetweenPlanAndApplyChangesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w, remote := s.newRefWorkspace(t, "resolve_ref = true")
	w.planNothing("-var=ref=v1.0.0")
	s.waitUntilIdle(t) // so that Infrahub does not clone the tag before it moves
	remote.release(t, "v2.0.0")
	planned := remote.Commits["v2.0.0"]
	w.planChanges("-var=ref=v2.0.0", "-out=release.tfplan")
	w.assertPrinted("plan", planned)
	remote.release(t, "v2.0.0")
	s.resetLog()
	w.run(1, "apply", "release.tfplan")
	w.assertPrinted("apply", "planned_commit", planned, remote.Commits["v2.0.0"])
	s.assertMutations(t)
	w.apply("-var=ref=v2.0.0")
	w.assertPrinted("apply", remote.Commits["v2.0.0"])
	w.planNothing("-var=ref=v2.0.0")
	w.destroy("-var=ref=v2.0.0")
	s.assertNothingLeft(t)
}

func TestResolveRef_MovedBranchIsImportedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	config := s.config(`resource "infrahub_read_only_repository" "test" {
		name        = "network-NAME"
		location    = "GIT/network.git"
		resolve_ref = true
	}`)
	s.run(
		t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				s.waitUntilIdle(t)
				remote.release(t, "v2.0.0")
			},
			Config:           config,
			ConfigPlanChecks: preApply(expectChanges(readOnly, "commit", "planned_commit")),
			ConfigStateChecks: []statecheck.StateCheck{stateCheck(func(*tfjson.State) error {
				found, err := s.client.Repositories(infrahub.ReadOnly).GetByName(t.Context(), s.name("network"))
				if err == nil && *found.Commit != remote.Commits["main"] {
					err = fmt.Errorf("the server has imported %s, want %s", *found.Commit, remote.Commits["main"])
				}
				return err
			})},
		},
		resource.TestStep{
			PreConfig:         s.resetLog,
			Config:            config,
			ConfigPlanChecks:  preApply(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{s.expectMutations()},
		},
	)
}
