package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
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
			PreConfig: s.forget,
			Config:    config(body),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(credential, plancheck.ResourceActionUpdate),
			}},
			ConfigStateChecks: append(checks, expectSent(s, sent...)),
		}
	}
	s.run(
		t,
		resource.TestStep{
			Config: config(`
				name = "git-NAME"`),
			ConfigStateChecks: []statecheck.StateCheck{
				is(credential, "label", "Git-"+capital(s.suffix)),
				none(credential, "description"), none(credential, "username"), none(credential, "password"),
				expectSent(s, "CreateCredential: id name"),
			},
		},
		update(`
				name     = "git-NAME"
				username = "bot"`,
			[]statecheck.StateCheck{is(credential, "username", "bot")}, "UpdateCredential: id username"),
		update(`
				name     = "git-NAME"
				username = "bot"
				password = "first"`,
			[]statecheck.StateCheck{is(credential, "password", "first"), statecheck.ExpectSensitiveValue(credential, tfjsonpath.New("password"))},
			"UpdateCredential: id password"),
		update(`
				name        = "git-NAME"
				username    = "bot"
				password    = "first"
				label       = "Git"
				description = "For the tests"`,
			[]statecheck.StateCheck{is(credential, "label", "Git"), is(credential, "description", "For the tests")},
			"UpdateCredential: description id label"),
		update(`
				name  = "renamed-NAME"
				label = "Git"`,
			[]statecheck.StateCheck{
				is(credential, "name", s.name("renamed")), is(credential, "label", "Git"),
				none(credential, "description"), none(credential, "username"), none(credential, "password"),
			},
			"UpdateCredential: description id name password username"),
		update(`
				name                = "renamed-NAME"
				password_wo         = "first"
				password_wo_version = 1`,
			[]statecheck.StateCheck{
				none(credential, "password_wo"), is(credential, "label", "Git"),
				statecheck.ExpectKnownValue(credential, tfjsonpath.New("password_wo_version"), knownvalue.Int64Exact(1)),
				s.holdsPassword(t, "first"),
			},
			"UpdateCredential: id password"),
		resource.TestStep{
			PreConfig: s.forget,
			Config: config(`
				name                = "renamed-NAME"
				password_wo         = "second"
				password_wo_version = 1`),
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			ConfigStateChecks: []statecheck.StateCheck{expectSent(s)},
		},
		update(`
				name                = "renamed-NAME"
				password_wo         = "second"
				password_wo_version = 2`,
			[]statecheck.StateCheck{s.holdsPassword(t, "second")}, "UpdateCredential: id password"),
		update(`
				name = "renamed-NAME"`,
			[]statecheck.StateCheck{s.holdsPassword(t, "")}, "UpdateCredential: id password"),
	)
}

func TestPasswordCredential_PasswordIsAskedForOnlyWhereTheStateHoldsOne(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	config := func(password string) string {
		return s.config(`resource "infrahub_password_credential" "test" {
			name = "git-NAME"
			` + password + `
		}`)
	}
	asked := func(want bool) statecheck.StateCheck {
		return s.eachRequest("Credentials", func(variables map[string]any) bool { return variables["withPassword"] == want })
	}
	s.run(
		t,
		resource.TestStep{
			Config: config(`password_wo = "first"
			password_wo_version = 1`),
			ConfigStateChecks: []statecheck.StateCheck{asked(false)},
		},
		resource.TestStep{Config: config(`password = "first"`)},
		resource.TestStep{
			PreConfig:         s.forget,
			Config:            config(`password = "second"`),
			ConfigStateChecks: []statecheck.StateCheck{asked(true)},
		},
	)
}

func TestPasswordCredential_IsImportedByIDAndByName(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.run(
		t,
		resource.TestStep{Config: s.config(`resource "infrahub_password_credential" "test" {
			name        = "git-NAME"
			description = "For the tests"
			username    = "bot"
		}`)},
		resource.TestStep{ResourceName: credential, ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: credential, ImportState: true, ImportStateVerify: true, ImportStateId: s.name("git")},
		resource.TestStep{ResourceName: credential, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		resource.TestStep{ResourceName: credential, ImportState: true, ImportStateKind: resource.ImportBlockWithID, ImportStateId: s.name("git")},
	)
}

func TestPasswordCredential_DriftIsPlannedAndRepaired(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var id string
	config := s.config(`resource "infrahub_password_credential" "test" {
		name     = "git-NAME"
		username = "bot"
		password = "first"
	}`)
	remove := func() {
		if err := s.client.Credentials(false).Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	s.run(
		t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{keep(credential, "id", &id)}},
		resource.TestStep{
			PreConfig: func() {
				s.changeCredential(t, id, func(c *infrahub.Credential) {
					other := "other"
					c.Password, c.Username = &other, nil
				})
				s.forget()
			},
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				changes(credential, "password", "username"),
			}},
			ConfigStateChecks: []statecheck.StateCheck{s.holdsPassword(t, "first"), expectSent(s, "UpdateCredential: id password username")},
		},
		resource.TestStep{
			PreConfig: remove,
			Config:    config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(credential, plancheck.ResourceActionCreate),
			}},
			ConfigStateChecks: []statecheck.StateCheck{keep(credential, "id", &id)},
		},
		resource.TestStep{PreConfig: remove, Config: config, Destroy: true},
	)
}
