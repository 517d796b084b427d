package acceptance

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

func TestRepository_ChangedDefaultBranchReplaces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	remote.newBranch(t, "stable")
	var id string
	config := func(branch string) string {
		return s.config(`resource "infrahub_repository" "test" {
			name           = "network-NAME"
			location       = "GIT/network.git"
			default_branch = "` + branch + `"
		}`)
	}
	s.run(
		t,
		resource.TestStep{
			Config:            config("main"),
			ConfigStateChecks: []statecheck.StateCheck{saveID(readWrite, &id), expectText(readWrite, "commit", remote.Commits["main"])},
		},
		resource.TestStep{
			PreConfig:        s.resetLog,
			Config:           config("stable"),
			ConfigPlanChecks: expectAction(readWrite, plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				expectOtherText(readWrite, "id", &id),
				expectText(readWrite, "commit", remote.Commits["stable"]),
				s.expectMutations("DeleteRepository: id", "CreateRepository: default_branch id location name"),
			},
		},
	)
}

func TestRepository_DriftIsPlannedAndRepaired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	drift{
		address: readWrite,
		config: s.config(`resource "infrahub_repository" "test" {
			name        = "network-NAME"
			location    = "GIT/network.git"
			description = "The network's schema"
		}`),
		edit: func(id string) {
			s.updateRepository(t, infrahub.ReadWrite, id, func(r *infrahub.Repository) { r.Description = nil })
		},
		remove: func(id string) { s.deleteRepository(t, infrahub.ReadWrite, id) },
		plan:   []plancheck.PlanCheck{expectChanges(readWrite, "description")},
		state:  []statecheck.StateCheck{s.expectMutations("UpdateRepository: description id")},
	}.run(t, s)
}

func TestRepository_NameOfTheOtherKindIsAnErrorOfTheAttribute(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	s.newRemote(t, "other.git")
	first := `resource "infrahub_read_only_repository" "first" {
		name     = "network-NAME"
		location = "GIT/network.git"
	}
	`
	second := func(name, location string) string {
		return s.config(first + `resource "infrahub_repository" "test" {
			name     = "` + name + `"
			location = "` + location + `"
		}`)
	}
	s.run(
		t,
		resource.TestStep{Config: s.config(first)},
		resource.TestStep{
			Config:      second("network-NAME", "GIT/other.git"),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*name += "network-.*uniqueness\s+constraint\s+'name'.*choose\s+another\s+name.*Request\s+id: \w+`),
		},
		resource.TestStep{
			Config:      second("other-NAME", "GIT/network.git"),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*location += .*uniqueness\s+constraint\s+'location'`),
		},
	)
}

func TestRepository_UnreachableLocationFailsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "private/network.git")
	s.run(
		t,
		resource.TestStep{
			Config: s.config(`resource "infrahub_repository" "test" {
				name     = "network-NAME"
				location = "GIT/nowhere.git"
			}`),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*Check that the Infrahub server\s+itself reaches`),
		},
		resource.TestStep{
			Config: s.config(`resource "infrahub_repository" "test" {
				name     = "network-NAME"
				location = "GIT/private/network.git"
			}`),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*Check credential_id`),
		},
		resource.TestStep{
			Config: s.config(`resource "infrahub_password_credential" "wrong" {
				name     = "wrong-NAME"
				username = "bot"
				password = "not it"
			}
			resource "infrahub_repository" "test" {
				name          = "network-NAME"
				location      = "GIT/private/network.git"
				credential_id = infrahub_password_credential.wrong.id
			}`),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*Authentication\s+failed.*Check credential_id`),
		},
	)
}

func TestRepository_ErrorNamesAnUnknownTagOrCredential(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	s.run(
		t,
		resource.TestStep{
			Config: s.config(`resource "infrahub_repository" "test" {
				name     = "network-NAME"
				location = "GIT/network.git"
				tags     = ["no-such-tag-NAME"]
			}`),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*no-such-tag.*Create the tag in Infrahub first`),
		},
		resource.TestStep{
			Config: s.config(`resource "infrahub_repository" "test" {
				name          = "network-NAME"
				location      = "GIT/network.git"
				credential_id = "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"
			}`),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*0d0c96ac-83d5-4ca5-9f28-68b527a471d7.*Check credential_id`),
		},
	)
}
