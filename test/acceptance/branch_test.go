package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func TestBranch_Lifecycle(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	lifecycle{
		address: "infrahub_branch.test",
		config: func(more string) string {
			return s.config(`resource "infrahub_branch" "test" {` + "\nname = \"release-NAME\"\nsync_with_git = false\n" + more + "\n}")
		},
		create: "CreateBranch: name sync_with_git",
		update: "UpdateBranch: description name",
		name:   s.name("release"),
		remove: func() { s.deleteBranch(t, s.name("release")) },
	}.run(t, s)
}

func TestBranch_AnotherNameReplacesWhatIsOnIt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	const ref, change = "infrahub_read_only_repository_ref.test", "infrahub_proposed_change.test"
	config := func(release string) string {
		return s.config(`
			resource "infrahub_read_only_repository" "test" {
				name     = "network-NAME"
				location = "GIT/network.git"
				ref      = "v1.0.0"
			}
			resource "infrahub_branch" "test" {
				name          = "` + release + `-NAME"
				sync_with_git = false
				depends_on    = [infrahub_read_only_repository.test]
			}
			resource "infrahub_read_only_repository_ref" "test" {
				repository_id = infrahub_read_only_repository.test.id
				branch        = infrahub_branch.test.name
				ref           = "` + release + `"
			}
			resource "infrahub_proposed_change" "test" {
				name          = "Release ` + release + `-NAME"
				source_branch = infrahub_branch.test.name
				depends_on    = [infrahub_read_only_repository_ref.test]
			}`)
	}
	remote.release(t, "v1.2.0")
	s.run(
		t,
		resource.TestStep{
			Config: config("v1.1.0"),
			ConfigStateChecks: []statecheck.StateCheck{
				expectText(ref, "commit", remote.Commits["v1.1.0"]), expectText(readOnly, "commit", remote.Commits["v1.0.0"]), expectText(change, "state", "open"),
			},
		},
		resource.TestStep{ResourceName: ref, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: ref, ImportState: true, ImportStateVerify: true, ImportStateId: s.name("network") + "/v1.1.0-" + s.suffix},
		resource.TestStep{ResourceName: change, ImportState: true, ImportStateVerify: true},
		resource.TestStep{
			PreConfig: s.resetLog,
			Config:    config("v1.2.0"),
			ConfigPlanChecks: preApply(
				plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionNoop),
				plancheck.ExpectResourceAction("infrahub_branch.test", plancheck.ResourceActionReplace),
				plancheck.ExpectResourceAction(ref, plancheck.ResourceActionReplace),
				plancheck.ExpectResourceAction(change, plancheck.ResourceActionReplace),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				expectText(ref, "commit", remote.Commits["v1.2.0"]), expectText(readOnly, "commit", remote.Commits["v1.0.0"]),
				s.expectMutations("CancelProposedChange: id", "DeleteBranch: name", "CreateBranch: name sync_with_git", "UpdateReadOnlyRepository: id ref",
					"CreateProposedChange: destination_branch id is_draft name source_branch"),
			},
		},
	)
}
