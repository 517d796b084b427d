package acceptance

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

const adoptingExamples = guideExamples + "/adopting"

// grown is an Infrahub that people have filled by hand: two credentials, two tags, and repositories of both kinds with them.
type grown struct {
	*server
	// readWrite and readOnly are the names of the repositories by their paths at the Git server.
	readWrite, readOnly map[string]string
	// before holds every object, with its values, before anything was adopted.
	before map[string]any
}

// seeded is how many credentials and tags exist beside the repositories.
const seeded = 4

// newGrown fills the server by hand: 50 repositories on the mock, and 6 on a live server, where each import takes seconds.
func newGrown(t *testing.T) *grown {
	t.Helper()
	g := &grown{server: newServer(t), readWrite: map[string]string{}, readOnly: map[string]string{}}
	each, began := 25, time.Now()
	if g.mock == nil {
		each = 3
	}
	t.Cleanup(func() { g.remove(t) })
	g.direct.Ask(t, `mutation($git: String!, $read: String!, $username: String!, $password: String!, $network: String!, $pinned: String!) {
		git: CorePasswordCredentialCreate(data: {name: {value: $git}, username: {value: $username}, password: {value: $password}}) { ok }
		read: CorePasswordCredentialCreate(data: {name: {value: $read}, username: {value: $username}, password: {value: $password}}) { ok }
		network: BuiltinTagCreate(data: {name: {value: $network}}) { ok }
		pinned: BuiltinTagCreate(data: {name: {value: $pinned}}) { ok }
	}`, "git", g.name("git"), "read", g.name("git-read"), "username", gitUsername, "password", gitPassword, "network", g.name("network"), "pinned", g.name("pinned"))
	for n := range each {
		// Names as people give them: with spaces and dots, and with a digit at the beginning.
		readWrite, readOnly := fmt.Sprintf("private/design-%02d.git", n), fmt.Sprintf("private/library-%02d.git", n)
		g.readWrite[readWrite], g.readOnly[readOnly] = g.name(fmt.Sprintf("Design of site %02d", n)), g.name(fmt.Sprintf("%02d.library", n))
		g.newRemote(t, readWrite)
		g.newRemote(t, readOnly)
		g.direct.Ask(t, `mutation($name: String!, $location: String!, $description: String!, $credential: String!, $network: String!) {
			CoreRepositoryCreate(data: {name: {value: $name}, location: {value: $location}, description: {value: $description},
				credential: {hfid: [$credential]}, tags: [{hfid: [$network]}]}) { ok } }`,
			"name", g.readWrite[readWrite], "location", g.gitAddress+"/"+readWrite, "description", description(n), "credential", g.name("git"), "network", g.name("network"))
		g.direct.Ask(t, `mutation($name: String!, $location: String!, $credential: String!, $network: String!, $pinned: String!) {
			CoreReadOnlyRepositoryCreate(data: {name: {value: $name}, location: {value: $location}, ref: {value: "v1.0.0"},
				credential: {hfid: [$credential]}, tags: [{hfid: [$network]}, {hfid: [$pinned]}]}) { ok } }`,
			"name", g.readOnly[readOnly], "location", g.gitAddress+"/"+readOnly, "credential", g.name("git-read"), "network", g.name("network"), "pinned", g.name("pinned"))
		if g.mock == nil {
			g.waitUntilSettled(t) // six imports at once have stopped the worker of a small server
		}
	}
	g.before = g.waitUntilSettled(t)
	if len(g.before) != g.count() {
		t.Fatalf("%d objects were created, want %d", len(g.before), g.count())
	}
	t.Logf("seeded %d repositories of both kinds, 2 credentials and 2 tags by hand in %s (live server: %t)", 2*each, time.Since(began).Round(time.Millisecond), g.mock == nil)
	g.resetLog()
	return g
}

func description(n int) string { return fmt.Sprintf("Site %d, as \"somebody\" clicked it together", n) }

// count returns how many objects were seeded.
func (g *grown) count() int { return len(g.readWrite) + len(g.readOnly) + seeded }

// waitUntilSettled waits until all repositories are imported, and returns every object.
func (g *grown) waitUntilSettled(t *testing.T) map[string]any {
	t.Helper()
	var found map[string]any
	poll(t, "the imports to end", 5*time.Minute, func() bool {
		found = g.snapshot(t)
		for _, object := range found {
			if repository, ok := object.(infrahub.Repository); ok && (repository.Commit == nil || repository.SyncStatus != "in-sync" || repository.OperationalStatus != "online") {
				return false
			}
		}
		return true
	})
	g.waitUntilIdle(t)
	return g.snapshot(t)
}

// snapshot returns every object of the test with its values, passwords as well.
func (g *grown) snapshot(t *testing.T) map[string]any {
	t.Helper()
	ctx, objects := context.WithoutCancel(t.Context()), map[string]any{}
	add := func(name string, object any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, g.suffix) {
			objects[fmt.Sprintf("%T %s", object, name)] = object
		}
	}
	for tag, err := range g.client.Tags().List(ctx, infrahub.Filter{}) {
		add(tag.Name, tag, err)
	}
	for credential, err := range g.client.Credentials(true).List(ctx, infrahub.Filter{}) {
		add(credential.Name, credential, err)
	}
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		for repository, err := range g.client.Repositories(kind).List(ctx, infrahub.Filter{}) {
			add(repository.Name, repository, err)
		}
	}
	return objects
}

// remove deletes every object of the test.
func (g *grown) remove(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	var rest []any
	for _, object := range g.snapshot(t) {
		repository, ok := object.(infrahub.Repository)
		if !ok {
			rest = append(rest, object)
			continue
		}
		if err := g.client.Repositories(repository.Kind).Delete(ctx, repository.ID); err != nil {
			t.Error(err)
		}
	}
	for _, object := range rest {
		var err error
		switch object := object.(type) {
		case infrahub.Tag:
			err = g.client.Tags().Delete(ctx, object.ID)
		case infrahub.Credential:
			err = g.client.Credentials(false).Delete(ctx, object.ID)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// guide returns a file of the guide with the names of the test.
func (g *grown) guide(t *testing.T, file string) string {
	t.Helper()
	names := regexp.MustCompile(`([=\[,] ?)"(network|pinned|git|git-read)"`)
	return names.ReplaceAllString(readText(t, filepath.Join(adoptingExamples, file)), `${1}"${2}-`+g.suffix+`"`)
}

// table returns the seeded repositories as the table of the guide.
func (g *grown) table() string {
	var table strings.Builder
	table.WriteString("repositories:\n")
	for n := range len(g.readWrite) {
		path := fmt.Sprintf("private/design-%02d.git", n)
		fmt.Fprintf(&table, "  %q:\n    location: %s/%s\n    description: %q\n", g.readWrite[path], g.gitAddress, path, description(n))
	}
	table.WriteString("read_only_repositories:\n")
	for n := range len(g.readOnly) {
		path := fmt.Sprintf("private/library-%02d.git", n)
		fmt.Fprintf(&table, "  %q:\n    location: %s/%s\n    ref: v1.0.0\n", g.readOnly[path], g.gitAddress, path)
	}
	return table.String()
}

// adopt imports a number of objects by the import blocks of a workspace, whose plan must change nothing else.
func (w *workspace) adopt(began time.Time, count int) {
	w.t.Helper()
	w.apply()
	w.assertPrinted("apply", fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", count), fmt.Sprintf("%d imported, 0 added, 0 changed, 0 destroyed.", count))
	w.assertAdopted(began, count)
}

// assertAdopted checks that a workspace manages a number of objects, and that its plan is empty.
func (w *workspace) assertAdopted(began time.Time, count int) {
	w.t.Helper()
	w.planNothing()
	got := 0
	for _, instances := range w.instances() {
		got += len(instances)
	}
	if got != count {
		w.t.Errorf("the state has %d objects, want %d", got, count)
	}
	if strings.Contains(w.read("terraform.tfstate"), gitPassword) {
		w.t.Error("the state contains the password")
	}
	w.t.Logf("%d objects adopted in %s", count, time.Since(began).Round(time.Millisecond))
}

// adoptByBlocks prints import blocks as the guide does, and imports with the configuration that the CLI generates for them.
func (g *grown) adoptByBlocks(t *testing.T, edit func(blocks string) string) {
	t.Helper()
	began := time.Now()
	w := g.newWorkspace(t, g.guide(t, "import-blocks/main.tf"))
	w.apply()
	blocks, err := w.command("output", "-raw", "import_blocks").Output()
	if err != nil {
		t.Fatal(err)
	}
	w.write("import.tf", edit(string(blocks)))
	w.run(0, "plan", "-generate-config-out=generated.tf")
	if strings.Contains(w.read("generated.tf"), gitPassword) {
		t.Error("the generated configuration contains the password")
	}
	// The list of the blocks has done its work.
	w.write("main.tf", requirement)
	w.adopt(began, g.count())
}

// Everything that the guide "Adopting what exists" shows, on one server that people have filled by hand. Each way adopts it into another
// state: an adoption changes nothing.
func TestAdopting_EachWayEndsInAnEmptyPlanWithoutAMutation(t *testing.T) {
	t.Parallel()
	newestOnly(t)
	g := newGrown(t)
	t.Cleanup(func() { // after all ways, and before the objects are removed
		g.assertMutations(t)
		if diff := cmp.Diff(g.before, g.waitUntilSettled(t)); diff != "" {
			t.Errorf("the objects changed (-before +after):\n%s", diff)
		}
		t.Logf("the provider sent %d requests and %d mutations", len(g.log.Requests()), len(g.mutations()))
	})
	for name, way := range map[string]func(t *testing.T){
		"import blocks by id, generated configuration": func(t *testing.T) {
			g.adoptByBlocks(t, func(blocks string) string { return blocks })
		},
		"import blocks by identity, generated configuration": func(t *testing.T) {
			requireCLI(t, "import by identity", identityImports())
			id := regexp.MustCompile(`(?m)^\s*id = (".*")$`)
			g.adoptByBlocks(t, func(blocks string) string { return id.ReplaceAllString(blocks, "  identity = { id = $1 }") })
		},
		"query": func(t *testing.T) {
			requireCLI(t, "terraform query", queries())
			began, w := time.Now(), g.newWorkspace(t, requirement)
			w.write("network.tfquery.hcl", g.guide(t, "query/network.tfquery.hcl"))
			w.run(0, "query", "-generate-config-out=generated.tf")
			w.adopt(began, g.count())
		},
		"import blocks with for_each": func(t *testing.T) {
			began, w := time.Now(), g.newWorkspace(t, g.guide(t, "for-each/main.tf"))
			w.write("repositories.yaml", g.table())
			w.adopt(began, g.count()-seeded)
		},
		"terraform import by name": func(t *testing.T) {
			began, path := time.Now(), "private/library-00.git"
			w := g.newWorkspace(t, requirement+g.fill(`
				data "infrahub_password_credential" "git" { name = "git-read-NAME" }
				resource "infrahub_read_only_repository" "library" {
					name          = "`+g.readOnly[path]+`"
					location      = "GIT/`+path+`"
					ref           = "v1.0.0"
					credential_id = data.infrahub_password_credential.git.id
					tags          = ["network-NAME", "pinned-NAME"]
				}
			`))
			w.run(0, "import", "infrahub_read_only_repository.library", g.readOnly[path])
			w.assertAdopted(began, 1)
		},
		"adopt_existing": func(t *testing.T) {
			began, w := time.Now(), g.newWorkspace(t, g.guide(t, "adopt-existing/main.tf"), "TF_VAR_git_token="+gitPassword, "TF_VAR_git_read_token="+gitPassword)
			w.write("repositories.yaml", g.table())
			w.apply()
			w.assertPrinted("apply", fmt.Sprintf("Plan: %d to add, 0 to change, 0 to destroy.", g.count()), "Existing Repository Will Be Adopted", "None of its attributes changes.")
			w.assertAdopted(began, g.count())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way(t)
		})
	}
}

// The table of the guide may be ahead of Infrahub: what does not exist yet is created by the same apply.
func TestAdopting_TableMayHaveMoreThanExists(t *testing.T) {
	t.Parallel()
	g := &grown{server: newServer(t)}
	g.newRemote(t, "network/design.git")
	g.newRemote(t, "network/library.git")
	ctx := context.WithoutCancel(t.Context())
	for _, name := range []string{"git", "git-read"} {
		id, err := g.client.Credentials(false).Create(ctx, infrahub.Credential{Name: g.name(name)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := g.client.Credentials(false).Delete(ctx, id); err != nil {
				t.Error(err)
			}
		})
	}
	g.newTag(t, "network")
	g.newTag(t, "pinned")
	table := strings.NewReplacer("https://git.example.com", g.gitAddress, "design:", g.name("design")+":", "library:", g.name("library")+":").
		Replace(readText(t, filepath.Join(adoptingExamples, "for-each/repositories.yaml")))
	newWorkspace := func() *workspace {
		w := g.newWorkspace(t, g.guide(t, "for-each/main.tf"))
		w.write("repositories.yaml", table)
		return w
	}
	creator := newWorkspace()
	creator.apply("-target=infrahub_repository.network")
	w := newWorkspace()
	w.apply()
	w.assertPrinted("apply", "1 imported, 1 added, 0 changed, 0 destroyed.")
	w.planNothing()
	w.destroy()
	g.assertNothingLeft(t)
}
