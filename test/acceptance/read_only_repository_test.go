package acceptance

import (
	"context"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

const readOnly = "infrahub_read_only_repository.test"

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
				is(readOnly, "commit", remote.commits["v1.0.0"]),
				is(readOnly, "internal_status", "active"),
				is(readOnly, "operational_status", "online"),
				is(readOnly, "sync_status", "in-sync"),
			},
		},
		resource.TestStep{
			PreConfig: func() {
				s.waitUntilIdle(t) // the echo of the create shows in sync_status, and so in a plan
				s.forget()
			},
			Config: config("v1.1.0"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionUpdate),
				changes(readOnly, "ref", "commit"),
				plancheck.ExpectUnknownValue(readOnly, tfjsonpath.New("commit")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				is(readOnly, "commit", remote.commits["v1.1.0"]),
				expectSent(s, "UpdateReadOnlyRepository: id ref"),
			},
		},
	)
}

func TestReadOnlyRepository_EveryAttributeIsUpdatedAndClearedAlone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "private/network.git")
	moved := s.newRemote(t, "moved.git")
	s.newTag(t, "core")
	s.newTag(t, "edge")
	repositoryUpdates(t, s, "infrahub_read_only_repository", "ReadOnlyRepository", "credential id location name ref", moved,
		[]string{"ImportLatestCommit: id", "ReimportCommit: id"},
		[]string{"UpdateReadOnlyRepository: credential id location ref", "UpdateReadOnlyRepository: id ref"})
}

// repositoryUpdates changes and clears one attribute after the other; both kinds do it alike.
func repositoryUpdates(t *testing.T, s *server, kind, operation, created string, moved *remote, reimport, move []string) {
	t.Helper()
	address := kind + ".test"
	credential := `resource "infrahub_password_credential" "git" {
		name                = "git-NAME"
		username            = "bot"
		password_wo         = "` + gitPassword + `"
		password_wo_version = 1
	}
	`
	repository := func(body string) string {
		return s.config(credential + `resource "` + kind + `" "test" {` + body + "\n}")
	}
	update := func(body string, checks []statecheck.StateCheck, sent ...string) resource.TestStep {
		return resource.TestStep{
			PreConfig: s.forget,
			Config:    repository(body),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
			}},
			ConfigStateChecks: append(checks, expectSent(s, sent...)),
		}
	}
	const (
		place = `
		name     = "network-NAME"
		location = "GIT/private/network.git"`
		secured = place + `
		credential_id = infrahub_password_credential.git.id`
		full = secured + `
		description = "The network's schema"
		tags        = ["core-NAME", "edge-NAME"]`
	)
	s.run(
		t,
		resource.TestStep{
			Config: repository(secured),
			ConfigStateChecks: []statecheck.StateCheck{
				none(address, "description"),
				none(address, "tags"),
				statecheck.CompareValuePairs(address, tfjsonpath.New("credential_id"), "infrahub_password_credential.git", tfjsonpath.New("id"), same()),
				expectSent(s, "CreateCredential: id name password username", "Create"+operation+": "+created),
			},
		},
		update(secured+`
		description = "The network's schema"`,
			[]statecheck.StateCheck{is(address, "description", "The network's schema")},
			"Update"+operation+": description id"),
		update(full,
			[]statecheck.StateCheck{statecheck.ExpectKnownValue(address, tfjsonpath.New("tags"), knownvalue.SetSizeExact(2))},
			"Update"+operation+": id tags"),
		update(full+`
		timeouts        = { update = "10m" }
		wait_for_import = true`,
			nil),
		update(secured+`
		tags = []`,
			[]statecheck.StateCheck{none(address, "description"), statecheck.ExpectKnownValue(address, tfjsonpath.New("tags"), knownvalue.SetSizeExact(0))},
			"Update"+operation+": description id tags"),
		update(`
		name          = "renamed-NAME"
		location      = "GIT/private/network.git"
		credential_id = infrahub_password_credential.git.id`,
			[]statecheck.StateCheck{is(address, "name", s.name("renamed")), none(address, "tags")},
			"Update"+operation+": id name"),
		update(secured+`
		reimport_triggers = { release = "1" }`, nil,
			append([]string{"Update" + operation + ": id name"}, reimport...)...),
		update(`
		name              = "network-NAME"
		location          = "GIT/moved.git"
		reimport_triggers = { release = "1" }`,
			[]statecheck.StateCheck{
				is(address, "location", s.gitAddress+"/moved.git"), none(address, "credential_id"),
				is(address, "commit", moved.commits["main"]),
			},
			move...),
	)
}

func TestReadOnlyRepository_IsImportedByIDAndByName(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	importedByIDAndByName(t, s, "infrahub_read_only_repository")
}

func importedByIDAndByName(t *testing.T, s *server, kind string) {
	t.Helper()
	address := kind + ".test"
	moving := []string{"sync_status"} // the echo of the create may be at work
	config := s.config(`resource "` + kind + `" "test" {
		name        = "network-NAME"
		location    = "GIT/network.git"
		description = "The network's schema"
	}`)
	s.run(
		t,
		resource.TestStep{Config: config},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: moving},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: moving, ImportStateId: s.name("network")},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		resource.TestStep{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithID, ImportStateId: s.name("network")},
		resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: "no-such-" + s.suffix,
			ExpectError: regexp.MustCompile(`Object Not Found`),
		},
	)
}

func TestReadOnlyRepository_DriftIsPlannedAndRepaired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	var id string
	config := s.config(`resource "infrahub_read_only_repository" "test" {
		name     = "network-NAME"
		location = "GIT/network.git"
		ref      = "v1.0.0"
	}`)
	s.run(
		t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{keep(readOnly, "id", &id)}},
		resource.TestStep{
			PreConfig: func() {
				s.change(t, infrahub.ReadOnly, id, func(r *infrahub.Repository) {
					description := "changed outside"
					r.Description, r.Ref = &description, "v1.1.0"
				})
			},
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionUpdate),
				plancheck.ExpectUnknownValue(readOnly, tfjsonpath.New("commit")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				is(readOnly, "commit", remote.commits["v1.0.0"]),
				none(readOnly, "description"),
			},
		},
		resource.TestStep{
			PreConfig: func() { s.remove(t, infrahub.ReadOnly, id) },
			Config:    config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionCreate),
			}},
			ConfigStateChecks: []statecheck.StateCheck{keep(readOnly, "id", &id)},
		},
		resource.TestStep{
			PreConfig: func() { s.remove(t, infrahub.ReadOnly, id) },
			Config:    config,
			Destroy:   true,
		},
	)
}

func TestReadOnlyRepository_WhatIsGoneIsDestroyed(t *testing.T) {
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
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{keep(readOnly, "id", &id)}},
		resource.TestStep{
			Config:  config,
			Destroy: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				// Between plan and apply, so that the delete itself finds nothing.
				during(func(context.Context) { s.remove(t, infrahub.ReadOnly, id) }),
			}},
		},
	)
}

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
	location := localhost(s.gitAddress) + "/network"
	s.run(
		t,
		resource.TestStep{
			Config:            config(location),
			ConfigStateChecks: []statecheck.StateCheck{is(readOnly, "location", location)},
		},
		resource.TestStep{
			PreConfig: s.forget,
			Config:    config(location + ".git"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectEmptyPlan(),
			}},
			ConfigStateChecks: []statecheck.StateCheck{expectSent(s)},
		},
		resource.TestStep{ResourceName: readOnly, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
	)
}
