package acceptance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func TestTag_Lifecycle(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	lifecycle{
		address: "infrahub_tag.test",
		config: func(more string) string {
			return s.config(`resource "infrahub_tag" "test" {` + "\nname = \"core-NAME\"\n" + more + "\n}")
		},
		create: "CreateTag: id name",
		update: "UpdateTag: description id",
		name:   s.name("core"),
		remove: func() { s.deleteTag(t, s.name("core")) },
	}.run(t, s)
}

func TestTag_IsCreatedBeforeItsRepository(t *testing.T) {
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
