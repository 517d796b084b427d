package acceptance

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"
)

// The provider at commit b725237 wrote the states below testdata/state, each from the configuration beside it. They
// are never written again: a later provider has to read what an earlier one wrote. Placeholders in upper case
// stand for what differs between runs: addresses, the password of the Git server, and the id of the Infrahub
// branch, which the server chooses.

func TestState_OfAnEarlierVersionIsReadWithoutADiff(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.mockOnly(t, "the ids in the state can be given to new objects only once")
	for _, path := range []string{"private/schema.git", "checks.git", "private/automation.git", "templates.git", "generators.git"} {
		s.newRemote(t, path)
	}
	w := s.newStateWorkspace(t, "unchanged")
	before := w.instances()
	w.planNothing()
	w.apply("-refresh-only")
	if diff := cmp.Diff(before, w.instances()); diff != "" {
		t.Errorf("a refresh changes the state (-before +after):\n%s", diff)
	}
	s.assertMutations(t)
}

func TestState_OfAnEarlierVersionStillRetriesFailedImports(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.mockOnly(t, "the ids in the state can be given to new objects only once")
	remotes := map[string]remote{}
	for _, path := range []string{"automation.git", "generators.git"} {
		remotes[path] = s.newRemote(t, path)
	}
	for _, path := range []string{"broken/schema.git", "broken/templates.git"} {
		remotes[path] = s.newEmptyRemote(t, path)
		remotes[path].breakMain(t, "v1.0.0")
	}
	w := s.newStateWorkspace(t, "failed")
	w.run(0, "plan", "-json", "-out=retry.tfplan")
	warnings := w.warnings("plan")
	for address, reason := range map[string]string{
		"infrahub_read_only_repository.ref":         "Ref v9.9.9 not found.",
		"infrahub_read_only_repository.location":    "Repository 'templates' has an invalid configuration file",
		"infrahub_repository.location":              "after its periodic sync the repository is error-import and online.",
		"infrahub_read_only_repository_ref.release": "Ref v9.9.9 not found.",
	} {
		if !strings.Contains(warnings[address], reason) {
			t.Errorf("the plan of %s warns %q, want %q", address, warnings[address], reason)
		}
	}
	want := map[string][]string{
		"infrahub_read_only_repository.ref":         {"commit"},
		"infrahub_read_only_repository.location":    {"commit", "internal_status", "operational_status", "sync_status"},
		"infrahub_repository.location":              {"commit", "internal_status", "operational_status", "sync_status"},
		"infrahub_read_only_repository_ref.release": {"commit"},
		"infrahub_read_only_repository.released":    nil,
		"infrahub_branch.release":                   nil,
	}
	if diff := cmp.Diff(want, w.planned("retry.tfplan")); diff != "" {
		t.Errorf("attributes that the plan changes (-want +got):\n%s", diff)
	}
	if t.Failed() {
		return
	}

	remotes["automation.git"].release(t, "v9.9.9")
	remotes["generators.git"].release(t, "v9.9.9")
	remotes["broken/templates.git"].release(t, "v1.0.1")
	err := w.runUntil(func() bool { return s.hasSent("CheckConnectivity") }, func(*exec.Cmd) {
		remotes["broken/schema.git"].release(t, "v1.0.1") // now, because the import waits for a sync that finds a new commit
	}, "apply", "retry.tfplan")
	if err != nil {
		t.Fatalf("apply: %v\n%s", err, w.printed["apply"])
	}
	// Two refs are imported again, and two repositories from their new location.
	if err := s.compareMutations([]string{
		"CheckConnectivity: id",
		"ImportLatestCommit: id", "ImportLatestCommit: id", "ReimportCommit: id", "ReimportCommit: id",
		"UpdateReadOnlyRepository: id ref", "UpdateReadOnlyRepository: id ref",
	}); err != nil {
		t.Error(err)
	}
	w.planNothing()
}

// newStateWorkspace creates what a state holds, and returns a workspace with that state and its configuration.
func (s *server) newStateWorkspace(t *testing.T, name string) *workspace {
	t.Helper()
	read := func(extension string, more ...string) string {
		content, err := os.ReadFile(filepath.Join("testdata", "state", name+extension))
		if err != nil {
			t.Fatal(err)
		}
		return strings.NewReplacer(append(more,
			"GIT_ADDRESS", s.gitAddress, "GIT_LOCALHOST", onLocalhost(s.gitAddress), "GIT_PASSWORD", gitPassword)...).Replace(string(content))
	}
	branchID := s.createState(t, read(".tfstate"))
	host := os.Getenv("TF_ACC_PROVIDER_HOST")
	if host == "" {
		host = "registry.terraform.io"
	}
	w := s.newWorkspace(t, read(".tf"))
	w.write("terraform.tfstate", read(".tfstate", "PROVIDER_HOST", host, "BRANCH_ID", branchID))
	return w
}

// createState creates the objects of a state on the server, under their ids, and returns the id of its branch.
func (s *server) createState(t *testing.T, content string) (branchID string) {
	t.Helper()
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(content), &state); err != nil {
		t.Fatal(err)
	}
	each := func(kind string, create func(attributes map[string]any)) {
		for _, resource := range state.Resources {
			for _, instance := range resource.Instances {
				if resource.Type == kind {
					create(maps.Clone(instance.Attributes))
				}
			}
		}
	}
	// ask sends the attributes for which a document has variables.
	ask := func(branch, document string, attributes map[string]any) {
		declared, _, _ := strings.Cut(document, "{")
		var variables []any
		for name, value := range attributes {
			if strings.Contains(declared, "$"+name+":") {
				variables = append(variables, name, value)
			}
		}
		if got := s.direct.Post(t, branch, document, variables...); got.Status != http.StatusOK || got.At("errors") != nil {
			t.Fatalf("%s: %d %s", document, got.Status, got.Body)
		}
		s.direct.WaitForTasks(t)
	}
	each("infrahub_tag", func(tag map[string]any) {
		ask("main", `mutation($id: String, $name: String, $description: String) {
			BuiltinTagCreate(data: {id: $id, name: {value: $name}, description: {value: $description}}) { ok } }`, tag)
	})
	each("infrahub_password_credential", func(credential map[string]any) {
		credential["password"] = gitPassword
		ask("main", `mutation($id: String, $name: String, $label: String, $description: String, $username: String, $password: String) {
			CorePasswordCredentialCreate(data: {id: $id, name: {value: $name}, label: {value: $label}, description: {value: $description},
				username: {value: $username}, password: {value: $password}}) { ok } }`, credential)
	})
	const (
		variables = `mutation($id: String, $name: String, $location: String, $description: String, $ref: String, $credential: RelatedNodeInput, $tags: [RelatedNodeInput]) {`
		input     = `(data: {id: $id, name: {value: $name}, location: {value: $location}, description: {value: $description},
			credential: $credential, tags: $tags, `
		setRef = `mutation($id: String, $ref: String) { CoreReadOnlyRepositoryUpdate(data: {id: $id, ref: {value: $ref}}) { ok } }`
	)
	related := func(repository map[string]any) {
		if id := repository["credential_id"]; id != nil {
			repository["credential"] = map[string]any{"id": id}
		}
		names, _ := repository["tags"].([]any)
		tags := []any{}
		for _, name := range names {
			tags = append(tags, map[string]any{"hfid": []any{name}})
		}
		repository["tags"] = tags
	}
	each("infrahub_repository", func(repository map[string]any) {
		related(repository)
		repository["ref"] = repository["default_branch"]
		ask("main", variables+`CoreRepositoryCreate`+input+`default_branch: {value: $ref}}) { ok } }`, repository)
	})
	each("infrahub_read_only_repository", func(repository map[string]any) {
		related(repository)
		created := maps.Clone(repository)
		created["ref"] = "v1.0.0" // a missing ref fails differently at a create (infrahub-behaviour.md, Importing 11 and 13)
		ask("main", variables+`CoreReadOnlyRepositoryCreate`+input+`ref: {value: $ref}}) { ok } }`, created)
		ask("main", setRef, repository)
	})
	each("infrahub_branch", func(branch map[string]any) {
		name, _ := branch["name"].(string)
		ask("main", `mutation($name: String!, $description: String, $sync_with_git: Boolean) {
			BranchCreate(data: {name: $name, description: $description, sync_with_git: $sync_with_git}, wait_until_completion: true) { ok } }`, branch)
		created, err := s.client.Branches().GetByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		branchID = created.ID
	})
	each("infrahub_read_only_repository_ref", func(set map[string]any) {
		branch, _ := set["branch"].(string)
		set["id"] = set["repository_id"]
		ask(branch, setRef, set)
	})
	each("infrahub_proposed_change", func(change map[string]any) {
		ask("main", `mutation($id: String, $name: String, $description: String, $source_branch: String, $destination_branch: String, $is_draft: Boolean) {
			CoreProposedChangeCreate(data: {id: $id, name: {value: $name}, description: {value: $description},
				source_branch: {value: $source_branch}, destination_branch: {value: $destination_branch}, is_draft: {value: $is_draft}}) { ok } }`, change)
	})
	return branchID
}

// instance is what the state holds of a resource, without the private data: a refresh may add records to that.
type instance struct {
	SchemaVersion int `json:"schema_version"`
	Attributes    map[string]any
}

// instances returns what the state of the workspace holds, by resource. An attribute that is null is left out: a state of an earlier
// version does not have those that came later.
func (w *workspace) instances() map[string][]instance {
	w.t.Helper()
	var state struct {
		Resources []struct {
			Mode, Type, Name string
			Instances        []instance
		}
	}
	if err := json.Unmarshal([]byte(w.read("terraform.tfstate")), &state); err != nil {
		w.t.Fatal(err)
	}
	instances := map[string][]instance{}
	for _, resource := range state.Resources {
		if resource.Mode == "data" {
			continue
		}
		for _, each := range resource.Instances {
			maps.DeleteFunc(each.Attributes, func(_ string, value any) bool { return value == nil })
		}
		instances[resource.Type+"."+resource.Name] = resource.Instances
	}
	return instances
}

// warnings returns the warnings that a command with -json printed, by resource.
func (w *workspace) warnings(command string) map[string]string {
	w.t.Helper()
	warnings := map[string]string{}
	for line := range strings.Lines(w.printed[command]) {
		var printed struct {
			Diagnostic struct{ Severity, Address, Detail string }
		}
		if json.Unmarshal([]byte(line), &printed) == nil && printed.Diagnostic.Severity == "warning" {
			warnings[printed.Diagnostic.Address] += printed.Diagnostic.Detail
		}
	}
	return warnings
}

// planned returns what a saved plan changes: the attributes of each resource, none of one that stays as it is.
func (w *workspace) planned(file string) map[string][]string {
	w.t.Helper()
	output, err := w.command("show", "-json", file).Output()
	if err != nil {
		w.t.Fatal(err)
	}
	var plan tfjson.Plan
	if err := json.Unmarshal(output, &plan); err != nil {
		w.t.Fatal(err)
	}
	planned := map[string][]string{}
	for _, resource := range plan.ResourceChanges {
		if planned[resource.Address], err = changedAttributes(resource.Change); err != nil {
			w.t.Errorf("%s: %v", resource.Address, err)
		}
	}
	return planned
}
