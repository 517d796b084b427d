package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// Every data source of Infrahub's objects, over objects of the same configuration.
const everyDataSource = `
resource "infrahub_tag" "test" {
  name        = "core-NAME"
  description = "The core"
}
resource "infrahub_password_credential" "test" {
  name     = "git-NAME"
  username = "bot"
  password = "` + gitPassword + `"
}
resource "infrahub_read_only_repository" "test" {
  name          = "network-NAME"
  location      = "GIT/network.git"
  ref           = "v1.0.0"
  credential_id = infrahub_password_credential.test.id
  tags          = [infrahub_tag.test.name]
}
resource "infrahub_repository" "test" {
  name     = "designs-NAME"
  location = "GIT/designs.git"
}
resource "infrahub_branch" "test" {
  name          = "release-NAME"
  sync_with_git = false
  depends_on    = [infrahub_read_only_repository.test, infrahub_repository.test]
}
resource "infrahub_proposed_change" "test" {
  name          = "Release NAME"
  source_branch = infrahub_branch.test.name
}

data "infrahub_tag" "test" { name = infrahub_tag.test.name }
data "infrahub_password_credential" "test" { name = infrahub_password_credential.test.name }
data "infrahub_read_only_repository" "test" { name = infrahub_read_only_repository.test.name }
data "infrahub_repository" "test" { id = infrahub_repository.test.id }
data "infrahub_branch" "test" { name = infrahub_branch.test.name }
data "infrahub_proposed_change" "test" { name = infrahub_proposed_change.test.name }
data "infrahub_tags" "test" { names = [infrahub_tag.test.name] }
data "infrahub_branches" "test" { names = ["main", infrahub_branch.test.name] }
data "infrahub_repositories" "both" {
  names = [infrahub_read_only_repository.test.name, infrahub_repository.test.name]
}
data "infrahub_repositories" "filtered" {
  kind               = "CoreReadOnlyRepository"
  names              = data.infrahub_repositories.both.names
  tag                = infrahub_tag.test.name
  credential_id      = infrahub_password_credential.test.id
  operational_status = "online"
}
data "infrahub_repository_tasks" "test" { repository_id = infrahub_repository.test.id }
data "infrahub_server" "test" {}
`

func TestDataSources_ReadTheObjectsOfAConfiguration(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	s.newRemote(t, "designs.git")
	same := func(typeName string, attributes ...string) []statecheck.StateCheck {
		var checks []statecheck.StateCheck
		for _, attribute := range attributes {
			address := typeName + ".test"
			checks = append(checks, statecheck.CompareValuePairs(address, tfjsonpath.New(attribute), "data."+address, tfjsonpath.New(attribute), compare.ValuesSame()))
		}
		return checks
	}
	namesOf := func(address, list string, names ...string) statecheck.StateCheck {
		var objects []knownvalue.Check
		for _, name := range names {
			objects = append(objects, knownvalue.ObjectPartial(map[string]knownvalue.Check{"name": knownvalue.StringExact(name)}))
		}
		return statecheck.ExpectKnownValue(address, tfjsonpath.New(list), knownvalue.ListExact(objects))
	}
	checks := []statecheck.StateCheck{
		namesOf("data.infrahub_tags.test", "tags", s.name("core")),
		namesOf("data.infrahub_branches.test", "branches", "main", s.name("release")),
		namesOf("data.infrahub_repositories.both", "repositories", s.name("designs"), s.name("network")),
		namesOf("data.infrahub_repositories.filtered", "repositories", s.name("network")),
		statecheck.ExpectKnownValue("data.infrahub_repository_tasks.test", tfjsonpath.New("tasks").AtSliceIndex(0), knownvalue.ObjectPartial(map[string]knownvalue.Check{
			"state": knownvalue.NotNull(), "workflow": knownvalue.NotNull(), "start_time": knownvalue.NotNull(),
		})),
		expectText("data.infrahub_server.test", "branch", "main"),
		expectText("data.infrahub_server.test", "address", s.address),
		expectText("data.infrahub_server.test", "version", s.direct.Ask(t, `{InfrahubInfo{version}}`).Text("data.InfrahubInfo.version")),
	}
	checks = append(checks, same("infrahub_tag", "id", "name", "description")...)
	checks = append(checks, same("infrahub_password_credential", "id", "name", "label", "username")...)
	checks = append(checks, same("infrahub_read_only_repository", "id", "name", "location", "ref", "commit", "credential_id", "tags")...)
	checks = append(checks, same("infrahub_repository", "id", "name", "location", "default_branch", "commit")...)
	checks = append(checks, same("infrahub_branch", "id", "name", "sync_with_git", "status")...)
	checks = append(checks, same("infrahub_proposed_change", "id", "name", "source_branch", "destination_branch", "is_draft", "state")...)
	s.run(t, resource.TestStep{Config: s.config(everyDataSource), ConfigStateChecks: checks})
}
