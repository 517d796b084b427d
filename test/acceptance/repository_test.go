package acceptance

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

const readWrite = "infrahub_repository.test"

func TestRepository_EveryAttributeIsUpdatedAndClearedAlone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "private/network.git")
	moved := s.newRemote(t, "moved.git")
	s.newTag(t, "core")
	s.newTag(t, "edge")
	repositoryUpdates(t, s, "infrahub_repository", "Repository", "credential default_branch id location name", moved,
		[]string{"ReimportCommit: id"},
		[]string{"UpdateRepository: credential id location", "CheckConnectivity: id"})
}

func TestRepository_IsImportedByIDAndByName(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	importedByIDAndByName(t, s, "infrahub_repository")
}

func TestRepository_ChangedDefaultBranchReplaces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	remote.branch(t, "stable")
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
			ConfigStateChecks: []statecheck.StateCheck{keep(readWrite, "id", &id), is(readWrite, "commit", remote.commits["main"])},
		},
		resource.TestStep{
			PreConfig: s.forget,
			Config:    config("stable"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(readWrite, plancheck.ResourceActionDestroyBeforeCreate),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				differs(readWrite, "id", &id),
				is(readWrite, "commit", remote.commits["stable"]),
				expectSent(s, "DeleteRepository: id", "CreateRepository: default_branch id location name"),
			},
		},
	)
}

func TestRepository_DriftIsPlannedAndRepaired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	var id string
	config := s.config(`resource "infrahub_repository" "test" {
		name        = "network-NAME"
		location    = "GIT/network.git"
		description = "The network's schema"
	}`)
	s.run(
		t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{keep(readWrite, "id", &id)}},
		resource.TestStep{
			PreConfig: func() {
				s.change(t, infrahub.ReadWrite, id, func(r *infrahub.Repository) { r.Description = nil })
				s.forget()
			},
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				changes(readWrite, "description"),
			}},
			ConfigStateChecks: []statecheck.StateCheck{expectSent(s, "UpdateRepository: description id")},
		},
		resource.TestStep{
			PreConfig: func() { s.remove(t, infrahub.ReadWrite, id) },
			Config:    config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(readWrite, plancheck.ResourceActionCreate),
			}},
			ConfigStateChecks: []statecheck.StateCheck{keep(readWrite, "id", &id)},
		},
		resource.TestStep{
			PreConfig: func() { s.remove(t, infrahub.ReadWrite, id) },
			Config:    config,
			Destroy:   true,
		},
	)
}

func TestRepository_NameOfTheOtherKindIsRefusedOnItsAttribute(t *testing.T) {
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
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*name += "network-.*uniqueness\s+constraint\s+'name'.*terraform\s+import.*Request\s+id: \w+`),
		},
		resource.TestStep{
			Config:      second("other-NAME", "GIT/network.git"),
			ExpectError: regexp.MustCompile(`(?s)Repository Not Created.*location += .*uniqueness\s+constraint\s+'location'`),
		},
	)
}

func TestRepository_UnreachableLocationIsRefusedAndNothingIsLeft(t *testing.T) {
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

func TestRepository_UnknownTagAndCredentialAreNamed(t *testing.T) {
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
