package acceptance

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// lifecycle creates a resource, changes it, clears it, imports it, and deletes it outside of Terraform.
type lifecycle struct {
	address string
	// with is a configuration with more in the resource's block.
	with func(body string) string
	// created, described and cleared are the mutations sent for each.
	created, described, cleared []string
	// id is what imports it besides its id.
	name string
	// remove deletes it outside of Terraform.
	remove func()
}

func (l lifecycle) run(t *testing.T, s *server) {
	t.Helper()
	again := l.with("")
	s.run(
		t,
		resource.TestStep{
			Config:            again,
			ConfigStateChecks: []statecheck.StateCheck{none(l.address, "description"), expectSent(s, l.created...)},
		},
		resource.TestStep{
			PreConfig: s.forget,
			Config:    l.with(`description = "What it is for"`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(l.address, plancheck.ResourceActionUpdate), changes(l.address, "description"),
			}},
			ConfigStateChecks: []statecheck.StateCheck{is(l.address, "description", "What it is for"), expectSent(s, l.described...)},
		},
		resource.TestStep{
			PreConfig:         s.forget,
			Config:            again,
			ConfigStateChecks: []statecheck.StateCheck{none(l.address, "description"), expectSent(s, l.cleared...)},
		},
		resource.TestStep{ResourceName: l.address, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: l.address, ImportState: true, ImportStateVerify: true, ImportStateId: l.name},
		resource.TestStep{ResourceName: l.address, ImportState: true, ImportStateKind: resource.ImportBlockWithID, ImportStateId: l.name},
		resource.TestStep{ResourceName: l.address, ImportState: true, ImportStateId: "no-such-" + s.suffix, ExpectError: regexp.MustCompile(`Object Not Found`)},
		resource.TestStep{
			PreConfig: l.remove,
			Config:    again,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(l.address, plancheck.ResourceActionCreate),
			}},
		},
		resource.TestStep{PreConfig: l.remove, Config: again, Destroy: true},
	)
}

func TestTag_Lifecycle(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	lifecycle{
		address: "infrahub_tag.test",
		with: func(body string) string {
			return s.config(`resource "infrahub_tag" "test" {` + "\nname = \"core-NAME\"\n" + body + "\n}")
		},
		created: []string{"CreateTag: id name"}, described: []string{"UpdateTag: description id"}, cleared: []string{"UpdateTag: description id"},
		name: s.name("core"),
		remove: func() {
			s.query(t, `mutation($name: String!) { BuiltinTagDelete(data: {hfid: [$name]}) { ok } }`, s.name("core"))
		},
	}.run(t, s)
}

func TestBranch_Lifecycle(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	lifecycle{
		address: "infrahub_branch.test",
		with: func(body string) string {
			return s.config(`resource "infrahub_branch" "test" {` + "\nname = \"release-NAME\"\nsync_with_git = false\n" + body + "\n}")
		},
		created: []string{"CreateBranch: name sync_with_git"}, described: []string{"UpdateBranch: description name"}, cleared: []string{"UpdateBranch: description name"},
		name: s.name("release"),
		remove: func() {
			s.query(t, `mutation($name: String!) { BranchDelete(data: {name: $name}, wait_until_completion: true) { ok } }`, s.name("release"))
		},
	}.run(t, s)
}

func TestTag_ConfiguredTagIsThereForItsRepository(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	s.run(t, resource.TestStep{
		Config: s.config(`resource "infrahub_tag" "core" { name = "core-NAME" }
			resource "infrahub_read_only_repository" "test" {
				name     = "network-NAME"
				location = "GIT/network.git"
				tags     = [infrahub_tag.core.name]
			}`),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(readOnly, tfjsonpath.New("tags"), knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact(s.name("core"))})),
		},
	})
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
				is(ref, "commit", remote.commits["v1.1.0"]), is(readOnly, "commit", remote.commits["v1.0.0"]), is(change, "state", "open"),
			},
		},
		resource.TestStep{ResourceName: ref, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: ref, ImportState: true, ImportStateVerify: true, ImportStateId: s.name("network") + "/v1.1.0-" + s.suffix},
		resource.TestStep{ResourceName: change, ImportState: true, ImportStateVerify: true},
		resource.TestStep{
			PreConfig: s.forget,
			Config:    config("v1.2.0"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionNoop),
				plancheck.ExpectResourceAction("infrahub_branch.test", plancheck.ResourceActionReplace),
				plancheck.ExpectResourceAction(ref, plancheck.ResourceActionReplace),
				plancheck.ExpectResourceAction(change, plancheck.ResourceActionReplace),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				is(ref, "commit", remote.commits["v1.2.0"]), is(readOnly, "commit", remote.commits["v1.0.0"]),
				expectSent(s, "CancelProposedChange: id", "DeleteBranch: name", "CreateBranch: name sync_with_git", "UpdateReadOnlyRepository: id ref",
					"CreateProposedChange: destination_branch id is_draft name source_branch"),
			},
		},
	)
}
