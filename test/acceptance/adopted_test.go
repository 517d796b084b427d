package acceptance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	framework "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/provider"
)

// everything has an object of every resource type.
const everything = `
resource "infrahub_tag" "test" {
  name        = "core-NAME"
  description = "The core of the network"
}
resource "infrahub_password_credential" "test" {
  name                = "git-NAME"
  username            = "` + gitUsername + `"
  password_wo         = "` + gitPassword + `"
  password_wo_version = 1
}
resource "infrahub_read_only_repository" "test" {
  name          = "network-NAME"
  location      = "GIT/private/network.git"
  description   = "The network's schema"
  credential_id = infrahub_password_credential.test.id
  tags          = [infrahub_tag.test.name]
  ref           = "v1.0.0"
}
resource "infrahub_release" "test" {
  repository_id = infrahub_read_only_repository.test.id
  ref           = infrahub_read_only_repository.test.ref
  merge         = "by_reviewer"
}
resource "infrahub_repository" "test" {
  name     = "checks-NAME"
  location = "GIT/checks.git"
}
resource "infrahub_branch" "test" {
  name          = "release-NAME"
  sync_with_git = false
  depends_on    = [infrahub_read_only_repository.test, infrahub_repository.test]
}
resource "infrahub_read_only_repository_ref" "test" {
  repository_id = infrahub_read_only_repository.test.id
  branch        = infrahub_branch.test.name
  ref           = "v1.1.0"
}
resource "infrahub_proposed_change" "test" {
  name          = "Release NAME"
  source_branch = infrahub_branch.test.name
  depends_on    = [infrahub_read_only_repository_ref.test]
}
`

// adoptable is what exists on a server without a state.
type adoptable struct {
	*server
	// ids and names are what imports take for the object of each resource type.
	ids, names map[string]string
	creator    *workspace
}

// newAdoptable creates an object of every resource type.
func newAdoptable(t *testing.T) adoptable {
	t.Helper()
	s := newServer(t)
	s.newRemote(t, "private/network.git")
	s.newRemote(t, "checks.git")
	a := adoptable{server: s, ids: map[string]string{}, names: map[string]string{
		"infrahub_branch": s.name("release"), "infrahub_password_credential": s.name("git"), "infrahub_proposed_change": "Release " + s.suffix,
		"infrahub_read_only_repository": s.name("network"), "infrahub_read_only_repository_ref": s.name("network") + "/" + s.name("release"),
		"infrahub_release": s.name("network"), "infrahub_repository": s.name("checks"), "infrahub_tag": s.name("core"),
	}}
	if diff := cmp.Diff(resourceTypes(t), slices.Sorted(maps.Keys(a.names))); diff != "" {
		t.Fatalf("resource types (-provider +tested):\n%s", diff)
	}
	a.creator = s.newWorkspace(t, requirement+s.fill(everything))
	a.creator.apply()
	for address, instances := range a.creator.instances() {
		id, ok := instances[0].Attributes["id"].(string)
		if !ok {
			t.Fatalf("%s has no id", address)
		}
		a.ids[strings.TrimSuffix(address, ".test")] = id
	}
	s.waitUntilIdle(t)
	s.resetLog()
	return a
}

// remove deletes the objects. A test defers it: its context, which the CLI needs, ends before its cleanups.
func (a adoptable) remove(t *testing.T) {
	t.Helper()
	a.creator.destroy()
	a.assertNothingLeft(t)
}

// resourceTypes returns the names of the resource types of the provider.
func resourceTypes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, construct := range provider.New("test")().Resources(t.Context()) {
		var resp resource.MetadataResponse
		construct().Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "infrahub"}, &resp)
		names = append(names, resp.TypeName)
	}
	slices.Sort(names)
	return names
}

// listResourceTypes returns the names of the list resources of the provider.
func listResourceTypes(t *testing.T) []string {
	t.Helper()
	p, ok := provider.New("test")().(framework.ProviderWithListResources)
	if !ok {
		t.Fatal("the provider has no list resources")
	}
	var names []string
	for _, construct := range p.ListResources(t.Context()) {
		var resp resource.MetadataResponse
		construct().Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "infrahub"}, &resp)
		names = append(names, resp.TypeName)
	}
	slices.Sort(names)
	return names
}

// importBlocks returns an import block for the object of each resource type. Argument is "id" or "identity".
func importBlocks(objects map[string]string, argument string) string {
	var blocks strings.Builder
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		value := fmt.Sprintf("%q", objects[name])
		if argument == "identity" {
			value = "{ id = " + value + " }"
		}
		fmt.Fprintf(&blocks, "import {\n  to = %s.test\n  %s = %s\n}\n", name, argument, value)
	}
	return blocks.String()
}

// generate returns a workspace with import blocks, and the configuration that the CLI has generated for them.
func (a adoptable) generate(t *testing.T, blocks string) *workspace {
	t.Helper()
	w := a.newWorkspace(t, requirement+blocks)
	w.run(0, "plan", "-generate-config-out=generated.tf")
	return w
}

// adopt imports objects by the import blocks of a workspace, whose plans must change nothing else. Nothing may be changed on
// the server.
func (a adoptable) adopt(t *testing.T, w *workspace, count int) {
	t.Helper()
	w.run(0, "plan")
	w.assertPrinted("plan", fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", count))
	w.apply()
	w.assertPrinted("apply", fmt.Sprintf("%d imported, 0 added, 0 changed, 0 destroyed.", count))
	w.planNothing()
	a.assertMutations(t)
	if len(w.instances()) != count {
		t.Errorf("the state has %d resources, want %d", len(w.instances()), count)
	}
	if generated := w.read("generated.tf"); strings.Contains(generated, gitPassword) || strings.Contains(w.read("terraform.tfstate"), gitPassword) {
		t.Errorf("the password was read:\n%s", generated)
	}
}

func TestImportBlocks_GeneratedConfigurationPlansEmpty(t *testing.T) {
	t.Parallel()
	for by, objects := range map[string]func(a adoptable) map[string]string{
		"id":   func(a adoptable) map[string]string { return a.ids },
		"name": func(a adoptable) map[string]string { return a.names },
	} {
		t.Run("by "+by, func(t *testing.T) {
			t.Parallel()
			a := newAdoptable(t)
			defer a.remove(t)
			a.adopt(t, a.generate(t, importBlocks(objects(a), "id")), len(a.ids))
		})
	}
}

func TestImportBlocks_GeneratedConfigurationPlansEmptyByIdentity(t *testing.T) {
	t.Parallel()
	requireCLI(t, "import by identity", identityImports())
	a := newAdoptable(t)
	defer a.remove(t)
	a.adopt(t, a.generate(t, importBlocks(a.ids, "identity")), len(a.ids))
}

func TestImportCommand_ByNamePlansEmpty(t *testing.T) {
	t.Parallel()
	a := newAdoptable(t)
	defer a.remove(t)
	generated := a.generate(t, importBlocks(a.ids, "id")).read("generated.tf")
	w := a.newWorkspace(t, requirement+generated)
	for kind, name := range a.names {
		w.run(0, "import", kind+".test", name)
	}
	w.planNothing()
	a.assertMutations(t)
}

func TestImportBlocks_WrongIdentityIsAnError(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	requireCLI(t, "import by identity", identityImports())
	s.newTag(t, "core")
	s.resetLog()
	t.Cleanup(func() { s.assertMutations(t) })
	const gone = "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"
	for name, test := range map[string]struct {
		identity string
		want     []string
	}{
		// The CLIs drop the field without a word, so the provider gets the id alone.
		"a field too many":   {`{ id = "` + gone + `", name = "core" }`, []string{"Object Not Found", gone}},
		"no field":           {`{}`, []string{"id"}},
		"an empty id":        {`{ id = "" }`, []string{"Invalid Import Id", "empty"}},
		"a name":             {`{ id = "` + s.name("core") + `" }`, []string{"Invalid Identity", s.name("core"), "set id in the import block"}},
		"a malformed id":     {`{ id = "` + gone[1:] + `" }`, []string{"Invalid Identity", "UUID"}},
		"an object gone":     {`{ id = "` + gone + `" }`, []string{"Object Not Found", gone}},
		"id and identity":    {`{ id = "` + gone + `" }` + "\n  id = \"core\"", []string{"id", "identity"}},
		"a value of no type": {`{ id = ["core"] }`, []string{"string required"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := s.newWorkspace(t, requirement+`resource "infrahub_tag" "test" { name = "core" }
			import {
			  to       = infrahub_tag.test
			  identity = `+test.identity+"\n}\n")
			w.run(1, "plan")
			w.assertPrinted("plan", test.want...)
		})
	}
}
