package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// upsertRef stores a ref as infrahubctl does, which imports nothing.
func (s *server) upsertRef(t *testing.T, id, ref string) {
	t.Helper()
	s.direct.Ask(t, `mutation($id:String!,$ref:String!){CoreReadOnlyRepositoryUpsert(data:{id:$id ref:{value:$ref}}){ok}}`, "id", id, "ref", ref)
}

func TestStoredRef_IsImportedOnceTheConfigurationHasIt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	var id string
	s.run(
		t,
		resource.TestStep{
			Config:            s.readOnlyAt("v1.0.0"),
			ConfigStateChecks: []statecheck.StateCheck{saveID(readOnly, &id)},
		},
		resource.TestStep{
			PreConfig: func() {
				s.waitUntilIdle(t)
				s.upsertRef(t, id, "v1.1.0")
			},
			Config: s.readOnlyAt("v1.1.0"),
			ConfigPlanChecks: preApply(
				plancheck.ExpectResourceAction(readOnly, plancheck.ResourceActionUpdate),
				plancheck.ExpectUnknownValue(readOnly, tfjsonpath.New("commit")),
			),
			ConfigStateChecks: []statecheck.StateCheck{expectText(readOnly, "commit", remote.Commits["v1.1.0"])},
		},
	)
}

func TestStoredRef_OfARepositoryThatIsImportedIntoTheState(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	id, created, err := s.client.CreateRepository(t.Context(), infrahub.Repository{
		Kind: infrahub.ReadOnly, Name: s.name("network"), Location: s.gitAddress + "/network.git", Ref: "v1.0.0",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.deleteRepository(t, infrahub.ReadOnly, id) })
	if _, err := created.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.waitUntilIdle(t)
	s.upsertRef(t, id, "v1.1.0")
	w := s.newWorkspace(t, requirement+s.fill(`
		import {
			to = infrahub_read_only_repository.test
			id = "network-NAME"
		}
		resource "infrahub_read_only_repository" "test" {
			name     = "network-NAME"
			location = "GIT/network.git"
			ref      = "v1.1.0"
		}
		output "commit" {
			value = infrahub_read_only_repository.test.commit
		}
	`))
	w.apply()
	w.assertPrinted("apply", "Import Is Due Again", "1 imported, 0 added, 1 changed", remote.Commits["v1.1.0"])
	s.waitUntilIdle(t)
	w.planNothing()
	w.destroy()
}

func TestConnectivity_RotatedPasswordThatIsRefusedIsAWarning(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "private/network.git")
	w := s.newWorkspace(t, requirement+s.fill(`
		variable "password" {
			type = string
		}
		resource "infrahub_password_credential" "git" {
			name     = "git-NAME"
			username = "bot"
			password = var.password
		}
		resource "infrahub_read_only_repository" "test" {
			name          = "network-NAME"
			location      = "GIT/private/network.git"
			ref           = "v1.0.0"
			credential_id = infrahub_password_credential.git.id
		}
	`))
	w.apply("-var=password=" + gitPassword)
	s.waitUntilIdle(t)
	w.apply("-var=password=wrong")
	w.assertPrinted("apply", "Warning: Repositories Not Reached", s.fill(`read-only repository "network-NAME": Authentication failed for network-NAME`), "Correct username and password")
	w.apply("-var=password=" + gitPassword)
	s.waitUntilIdle(t)
	w.planNothing("-var=password=" + gitPassword)
	w.destroy("-var=password=" + gitPassword)
	s.assertNothingLeft(t)
}
