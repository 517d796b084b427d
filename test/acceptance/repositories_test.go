package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

const (
	readOnly  = "infrahub_read_only_repository.test"
	readWrite = "infrahub_repository.test"
)

// Both kinds of repository have the same attributes, but for the ref. They differ in what the provider sends.
func TestRepositories_EveryAttributeIsUpdatedAndClearedAlone(t *testing.T) {
	t.Parallel()
	for kind, operations := range map[string]struct {
		kind, create       string // the end of the names of mutations, and the create
		reimport, relocate []string
	}{
		"infrahub_read_only_repository": {
			kind:     "ReadOnlyRepository",
			create:   "CreateReadOnlyRepository: credential id location name ref",
			reimport: []string{"ImportLatestCommit: id", "ReimportCommit: id"},
			relocate: []string{"UpdateReadOnlyRepository: credential id location ref", "UpdateReadOnlyRepository: id ref"},
		},
		"infrahub_repository": {
			kind:     "Repository",
			create:   "CreateRepository: credential default_branch id location name",
			reimport: []string{"ReimportCommit: id"},
			relocate: []string{"UpdateRepository: credential id location", "CheckConnectivity: id"},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.newRemote(t, "private/network.git")
			moved := s.newRemote(t, "moved.git")
			s.newTag(t, "core")
			s.newTag(t, "edge")
			address, update := kind+".test", "Update"+operations.kind+": "
			config := func(body string) string {
				return s.config(`resource "infrahub_password_credential" "git" {
					name                = "git-NAME"
					username            = "bot"
					password_wo         = "` + gitPassword + `"
					password_wo_version = 1
				}
				resource "` + kind + `" "test" {` + body + "\n}")
			}
			step := func(body string, checks []statecheck.StateCheck, mutations ...string) resource.TestStep {
				return resource.TestStep{
					PreConfig:         s.resetLog,
					Config:            config(body),
					ConfigPlanChecks:  expectAction(address, plancheck.ResourceActionUpdate),
					ConfigStateChecks: append(checks, s.expectMutations(mutations...)),
				}
			}
			expectTags := func(size int) statecheck.StateCheck {
				return statecheck.ExpectKnownValue(address, tfjsonpath.New("tags"), knownvalue.SetSizeExact(size))
			}
			const (
				minimal = `
				name          = "network-NAME"
				location      = "GIT/private/network.git"
				credential_id = infrahub_password_credential.git.id`
				full = minimal + `
				description = "The network's schema"
				tags        = ["core-NAME", "edge-NAME"]`
			)
			s.run(
				t,
				resource.TestStep{
					Config: config(minimal),
					ConfigStateChecks: []statecheck.StateCheck{
						expectNull(address, "description"),
						expectNull(address, "tags"),
						statecheck.CompareValuePairs(address, tfjsonpath.New("credential_id"), "infrahub_password_credential.git", tfjsonpath.New("id"), compare.ValuesSame()),
						s.expectMutations("CreateCredential: id name password username", operations.create),
					},
				},
				step(minimal+`
				description = "The network's schema"`,
					[]statecheck.StateCheck{expectText(address, "description", "The network's schema")},
					update+"description id"),
				step(full, []statecheck.StateCheck{expectTags(2)}, update+"id tags"),
				step(full+`
				timeouts        = { update = "10m" }
				wait_for_import = true`, nil),
				step(minimal+`
				tags = []`,
					[]statecheck.StateCheck{expectNull(address, "description"), expectTags(0)},
					update+"description id tags"),
				step(`
				name          = "renamed-NAME"
				location      = "GIT/private/network.git"
				credential_id = infrahub_password_credential.git.id`,
					[]statecheck.StateCheck{expectText(address, "name", s.name("renamed")), expectNull(address, "tags")},
					update+"id name"),
				step(minimal+`
				reimport_triggers = { release = "1" }`, nil,
					append([]string{update + "id name"}, operations.reimport...)...),
				step(`
				name              = "network-NAME"
				location          = "GIT/moved.git"
				reimport_triggers = { release = "1" }`,
					[]statecheck.StateCheck{
						expectText(address, "location", s.gitAddress+"/moved.git"), expectNull(address, "credential_id"),
						expectText(address, "commit", moved.Commits["main"]),
					},
					operations.relocate...),
			)
		})
	}
}

func TestRepositories_AreImportedByIDAndByName(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"infrahub_read_only_repository", "infrahub_repository"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.newRemote(t, "network.git")
			steps := []resource.TestStep{{Config: s.config(`resource "` + kind + `" "test" {
				name        = "network-NAME"
				location    = "GIT/network.git"
				description = "The network's schema"
			}`)}}
			// The echo of the create may still change sync_status.
			s.run(t, append(steps, importSteps(kind+".test", s.name("network"), "sync_status")...)...)
		})
	}
}
