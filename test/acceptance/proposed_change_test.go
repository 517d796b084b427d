package acceptance

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// A failing check stops a release, another ref cures it, and a merge that would take back another repository is not begun.
func TestProposedChange_IsCheckedAndMerged(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	s := newServer(t)
	const change = "infrahub_proposed_change.test"
	checked, other := s.newEmptyRemote(t, "network.git"), s.newRemote(t, "other.git")
	for _, each := range []struct{ tag, message string }{{"v1.0.0", ""}, {"v1.1.0", "VLAN 12 is used twice"}, {"v1.2.0", ""}} {
		checked.Release(t, each.tag, mocktest.CheckFiles("query_"+s.suffix, each.tag, "vlans_"+s.suffix, each.message))
	}
	config := func(ref, settings, more string) string {
		return s.config(`
			resource "infrahub_read_only_repository" "test" {
				name     = "network-NAME"
				location = "GIT/network.git"
				ref      = "v1.0.0"
				lifecycle { ignore_changes = [ref] }
			}
			resource "infrahub_branch" "test" {
				name          = "release-NAME"
				sync_with_git = false
				depends_on    = [infrahub_read_only_repository.test]
			}
			resource "infrahub_read_only_repository_ref" "test" {
				repository_id = infrahub_read_only_repository.test.id
				branch        = infrahub_branch.test.name
				ref           = "` + ref + `"
			}
			resource "infrahub_proposed_change" "test" {
				name          = "Release NAME"
				source_branch = infrahub_branch.test.name
				` + settings + `
				depends_on    = [infrahub_read_only_repository_ref.test]
			}` + more)
	}
	passed := statecheck.ExpectKnownValue(change, tfjsonpath.New("checks"), knownvalue.ListPartial(map[int]knownvalue.Check{0: knownvalue.ObjectPartial(map[string]knownvalue.Check{
		"label": knownvalue.StringExact("Check: vlans_" + s.suffix), "kind": knownvalue.StringExact("user"), "state": knownvalue.StringExact("completed"),
		"conclusion": knownvalue.StringExact("success"), "messages": knownvalue.Null(),
	})}))
	const create = "CreateProposedChange: destination_branch id is_draft name source_branch"
	younger := `
		resource "infrahub_read_only_repository" "other" {
			name       = "other-NAME"
			location   = "GIT/other.git"
			ref        = "v1.1.0"
			depends_on = [infrahub_branch.test]
		}`
	s.run(
		t,
		resource.TestStep{
			Config:      config("v1.1.0", "wait_for_checks = true", ""),
			ExpectError: regexp.MustCompile(`(?s)Checks\s+Failed.*Check:\s+vlans_` + s.suffix + `.*VLAN\s+12\s+is\s+used\s+twice.*untaint`),
		},
		resource.TestStep{
			PreConfig:        s.resetLog,
			Config:           config("v1.2.0", "wait_for_checks = true", ""),
			ConfigPlanChecks: preApply(plancheck.ExpectResourceAction(change, plancheck.ResourceActionReplace)),
			ConfigStateChecks: []statecheck.StateCheck{
				passed, expectText(change, "state", "open"), s.expectMutations("CancelProposedChange: id", "UpdateReadOnlyRepository: id ref", create),
			},
		},
		resource.TestStep{Config: config("v1.2.0", "wait_for_checks = true", younger)},
		resource.TestStep{
			Config: config("v1.2.0", "merge = true", younger),
			ExpectError: regexp.MustCompile(`(?s)Merge\s+Would\s+Take\s+Back\s+Refs.*other-` + s.suffix + `.*created\s+after\s+the\s+branch.*v1\.1\.0.*` +
				other.Commits["v1.1.0"] + `.*replace`),
		},
		resource.TestStep{Config: config("v1.2.0", "wait_for_checks = true", "")},
		resource.TestStep{
			PreConfig:         s.resetLog,
			Config:            config("v1.2.0", "merge = true", ""),
			ConfigPlanChecks:  preApply(plancheck.ExpectResourceAction(change, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{passed, expectText(change, "state", "merged"), s.expectMutations("MergeProposedChange: id", "RunChecks: change")},
		},
	)
}
