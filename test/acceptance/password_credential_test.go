package acceptance

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

const credential = "infrahub_password_credential.test"

func TestPasswordCredential_EveryAttributeIsUpdatedAndClearedAlone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	config := func(body string) string {
		return s.config(`resource "infrahub_password_credential" "test" {` + body + "\n}")
	}
	update := func(body string, checks []statecheck.StateCheck, sent ...string) resource.TestStep {
		return resource.TestStep{
			PreConfig:         s.resetLog,
			Config:            config(body),
			ConfigPlanChecks:  expectAction(credential, plancheck.ResourceActionUpdate),
			ConfigStateChecks: append(checks, s.expectMutations(sent...)),
		}
	}
	s.run(
		t,
		resource.TestStep{
			Config: config(`
				name = "git-NAME"`),
			ConfigStateChecks: []statecheck.StateCheck{
				expectText(credential, "label", "Git-"+strings.ToUpper(s.suffix[:1])+s.suffix[1:]),
				expectNull(credential, "description"), expectNull(credential, "username"), expectNull(credential, "password"),
				s.expectMutations("CreateCredential: id name"),
			},
		},
		update(`
				name     = "git-NAME"
				username = "bot"`,
			[]statecheck.StateCheck{expectText(credential, "username", "bot")}, "UpdateCredential: id username"),
		update(`
				name     = "git-NAME"
				username = "bot"
				password = "first"`,
			[]statecheck.StateCheck{expectText(credential, "password", "first"), statecheck.ExpectSensitiveValue(credential, tfjsonpath.New("password"))},
			"UpdateCredential: id password"),
		update(`
				name        = "git-NAME"
				username    = "bot"
				password    = "first"
				label       = "Git"
				description = "For the tests"`,
			[]statecheck.StateCheck{expectText(credential, "label", "Git"), expectText(credential, "description", "For the tests")},
			"UpdateCredential: description id label"),
		update(`
				name  = "renamed-NAME"
				label = "Git"`,
			[]statecheck.StateCheck{
				expectText(credential, "name", s.name("renamed")), expectText(credential, "label", "Git"),
				expectNull(credential, "description"), expectNull(credential, "username"), expectNull(credential, "password"),
			},
			"UpdateCredential: description id name password username"),
		update(`
				name                = "renamed-NAME"
				password_wo         = "first"
				password_wo_version = 1`,
			[]statecheck.StateCheck{
				expectNull(credential, "password_wo"), expectText(credential, "label", "Git"),
				statecheck.ExpectKnownValue(credential, tfjsonpath.New("password_wo_version"), knownvalue.Int64Exact(1)),
				s.expectPassword(t, "first"),
			},
			"UpdateCredential: id password"),
		resource.TestStep{
			PreConfig: s.resetLog,
			Config: config(`
				name                = "renamed-NAME"
				password_wo         = "second"
				password_wo_version = 1`),
			ConfigPlanChecks:  preApply(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{s.expectMutations()},
		},
		update(`
				name                = "renamed-NAME"
				password_wo         = "second"
				password_wo_version = 2`,
			[]statecheck.StateCheck{s.expectPassword(t, "second")}, "UpdateCredential: id password"),
		update(`
				name = "renamed-NAME"`,
			[]statecheck.StateCheck{s.expectPassword(t, "")}, "UpdateCredential: id password"),
	)
}

func TestPasswordCredential_IsReadWithPasswordOnlyIfStateHasOne(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	config := func(password string) string {
		return s.config(`resource "infrahub_password_credential" "test" {
			name = "git-NAME"
			` + password + `
		}`)
	}
	withPassword := func(want bool) statecheck.StateCheck {
		return s.expectVariables("Credentials", func(variables map[string]any) bool { return variables["withPassword"] == want })
	}
	s.run(
		t,
		resource.TestStep{
			Config: config(`password_wo = "first"
			password_wo_version = 1`),
			ConfigStateChecks: []statecheck.StateCheck{withPassword(false)},
		},
		resource.TestStep{Config: config(`password = "first"`)},
		resource.TestStep{
			PreConfig:         s.resetLog,
			Config:            config(`password = "second"`),
			ConfigStateChecks: []statecheck.StateCheck{withPassword(true)},
		},
	)
}

func TestPasswordCredential_IsImportedByIDAndByName(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	steps := []resource.TestStep{{Config: s.config(`resource "infrahub_password_credential" "test" {
		name        = "git-NAME"
		description = "For the tests"
		username    = "bot"
	}`)}}
	s.run(t, append(steps, importSteps(credential, s.name("git"))...)...)
}

func TestPasswordCredential_DriftIsPlannedAndRepaired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	drift{
		address: credential,
		config: s.config(`resource "infrahub_password_credential" "test" {
			name     = "git-NAME"
			username = "bot"
			password = "first"
		}`),
		edit: func(id string) {
			s.updateCredential(t, id, func(c *infrahub.Credential) {
				c.Password, c.Username = new(sensitive.New("other")), nil
			})
		},
		remove: func(id string) { s.deleteCredential(t, id) },
		plan:   []plancheck.PlanCheck{expectChanges(credential, "password", "username")},
		state:  []statecheck.StateCheck{s.expectPassword(t, "first"), s.expectMutations("UpdateCredential: id password username")},
	}.run(t, s)
}
