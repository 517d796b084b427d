package acceptance

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func TestReadOnlyRepository_RefBumpIsOneLineAndSendsTheRefAlone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	config := func(ref string) string {
		return s.config(`resource "infrahub_read_only_repository" "test" {
			name        = "network-NAME"
			location    = "GIT/network.git"
			ref         = "` + ref + `"
			description = "The network's schema"
		}`)
	}
	s.run(
		t,
		resource.TestStep{
			Config: config("v1.0.0"),
			ConfigStateChecks: []statecheck.StateCheck{
				expectText(readOnly, "commit", remote.Commits["v1.0.0"]),
				expectText(readOnly, "internal_status", "active"),
				expectText(readOnly, "operational_status", "online"),
				expectText(readOnly, "sync_status", "in-sync"),
			},
		},
		resource.TestStep{
			PreConfig: func() {
				s.waitUntilIdle(t) // the echo of the create changes sync_status, which a plan would show
				s.resetLog()
			},
			Config: config("v1.1.0"),
			ConfigPlanChecks: preApply(
				plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionUpdate),
				expectChanges(readOnly, "ref", "commit"),
				plancheck.ExpectUnknownValue(readOnly, tfjsonpath.New("commit")),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				expectText(readOnly, "commit", remote.Commits["v1.1.0"]),
				s.expectMutations("UpdateReadOnlyRepository: id ref"),
			},
		},
	)
}

func TestReadOnlyRepository_DriftIsPlannedAndRepaired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	drift{
		address: readOnly,
		config:  s.readOnlyAt("v1.0.0"),
		edit: func(id string) {
			s.updateRepository(t, infrahub.ReadOnly, id, func(r *infrahub.Repository) {
				description := "changed outside"
				r.Description, r.Ref = &description, "v1.1.0"
			})
		},
		remove: func(id string) { s.deleteRepository(t, infrahub.ReadOnly, id) },
		plan: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionUpdate),
			plancheck.ExpectUnknownValue(readOnly, tfjsonpath.New("commit")),
		},
		state: []statecheck.StateCheck{expectText(readOnly, "commit", remote.Commits["v1.0.0"]), expectNull(readOnly, "description")},
	}.run(t, s)
}

func TestReadOnlyRepository_DestroySucceedsIfItIsGone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	var id string
	config := s.config(`resource "infrahub_read_only_repository" "test" {
		name     = "network-NAME"
		location = "GIT/network.git"
	}`)
	s.run(
		t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{saveID(readOnly, &id)}},
		resource.TestStep{
			Config:  config,
			Destroy: true,
			ConfigPlanChecks: preApply(
				betweenPlanAndApply(func() { s.deleteRepository(t, infrahub.ReadOnly, id) }), // so that the delete finds nothing
			),
		},
	)
}

// onLocalhost returns an address with the name of the host for which Infrahub appends .git.
func onLocalhost(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }

func TestReadOnlyRepository_AppendedSuffixIsNoChange(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	config := func(location string) string {
		return s.config(`resource "infrahub_read_only_repository" "test" {
			name     = "network-NAME"
			location = "` + location + `"
			ref      = "v1.0.0"
		}`)
	}
	location := onLocalhost(s.gitAddress) + "/network"
	s.run(
		t,
		resource.TestStep{
			Config:            config(location),
			ConfigStateChecks: []statecheck.StateCheck{expectText(readOnly, "location", location)},
		},
		resource.TestStep{
			PreConfig:         s.resetLog,
			Config:            config(location + ".git"),
			ConfigPlanChecks:  preApply(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{s.expectMutations()},
		},
		resource.TestStep{ResourceName: readOnly, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
	)
}
