package acceptance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

const examples = "../../examples"

// The example of each resource is applied, with the Git server and the names of the test. Then the import example
// imports it into another state, from which it is destroyed, and then from the first.
func TestExamples_AreAppliedImportedAndDestroyed(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	newestOnly(t)
	directories, err := filepath.Glob(filepath.Join(examples, "resources", "*"))
	if err != nil || len(directories) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, directory := range directories {
		t.Run(filepath.Base(directory), func(t *testing.T) {
			if name := filepath.Base(directory); name == "infrahub_proposed_change" || name == "infrahub_release" { // they merge
				unlessLive(func() { t.Parallel() })
			} else {
				t.Parallel()
			}
			s := newServer(t)
			remote := s.newRemote(t, "network/automation.git")
			remote.newBranch(t, "stable")
			files, err := filepath.Glob(filepath.Join(directory, "resource*.tf"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no resource.tf: %v", err)
			}
			var configuration string
			for _, file := range files {
				configuration += s.example(t, file)
			}
			newWorkspace := func(configuration string) *workspace {
				return s.newWorkspace(t, requirement+configuration, "TF_VAR_git_token="+gitPassword, "TF_VAR_git_password="+gitPassword)
			}
			applied := newWorkspace(configuration)
			applied.apply()
			applied.planNothing()

			blocks := s.example(t, filepath.Join(directory, "import-by-string-id.tf"))
			imported := newWorkspace(s.example(t, filepath.Join(directory, "resource.tf")) + blocks)
			imported.apply()
			imported.assertPrinted("apply", fmt.Sprintf("%d imported, 0 added", strings.Count(blocks, "import {")))
			imported.planNothing()
			imported.destroy()
			applied.destroy()
			s.assertNothingLeft(t)
		})
	}
}

func TestExamples_ImportsWithAnIdentityAreValid(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	requireCLI(t, "import by identity", identityImports())
	for _, name := range resourceTypes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := filepath.Join(examples, "resources", name)
			w := s.newWorkspace(t, requirement+readText(t, filepath.Join(directory, "resource.tf"))+readText(t, filepath.Join(directory, "import-with-identity.tf")),
				"TF_VAR_git_token="+gitPassword, "TF_VAR_git_password="+gitPassword)
			w.run(0, "validate")
			w.run(1, "plan") // the id belongs to no object
			w.assertPrinted("plan", "Object Not")
		})
	}
}

func TestExamples_DataSourcesAreRead(t *testing.T) {
	t.Parallel()
	newestOnly(t)
	files, err := filepath.Glob(filepath.Join(examples, "data-sources", "*", "data-source.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.newRemote(t, "network/automation.git")
			s.newTag(t, "core")
			typeName := filepath.Base(filepath.Dir(file))
			if create := exampleObjects()[typeName]; create != nil {
				create(t, s)
			}
			w := s.newWorkspace(t, requirement+s.example(t, file))
			w.apply()
			if isList := strings.HasSuffix(typeName, "s") || typeName == "infrahub_branches"; s.mock != nil || !isList { // other tests change lists on a live server
				w.planNothing()
			}
			w.destroy()
			s.assertNothingLeft(t)
		})
	}
}

// exampleObjects returns, for an example of a data source, what creates the object that it reads. It is deleted when the test ends.
func exampleObjects() map[string]func(t *testing.T, s *server) {
	repository := func(kind infrahub.Kind, ref string) func(t *testing.T, s *server) {
		return func(t *testing.T, s *server) {
			t.Helper()
			id, started, err := s.client.CreateRepository(t.Context(), infrahub.Repository{
				Kind: kind, Name: s.name("automation"), Location: s.gitAddress + "/network/automation.git", Ref: ref,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.deleteRepository(t, kind, id) })
			if _, err := started.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	branch := func(t *testing.T, s *server) {
		t.Helper()
		off := false
		if _, err := s.client.Branches().Create(t.Context(), infrahub.Branch{Name: s.name("release-1.2"), SyncWithGit: &off}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.deleteBranch(t, s.name("release-1.2")) })
	}
	return map[string]func(t *testing.T, s *server){
		"infrahub_branch": branch,
		"infrahub_password_credential": func(t *testing.T, s *server) {
			t.Helper()
			ctx := context.WithoutCancel(t.Context())
			id, err := s.client.Credentials(false).Create(ctx, infrahub.Credential{Name: s.name("github")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.client.Credentials(false).Delete(ctx, id); err != nil {
					t.Error(err)
				}
			})
		},
		"infrahub_proposed_change": func(t *testing.T, s *server) {
			t.Helper()
			branch(t, s) // deleting it cancels its proposed change
			if _, err := s.client.ProposedChanges().Create(t.Context(), infrahub.ProposedChange{
				Name: s.name("Release 1.2"), SourceBranch: s.name("release-1.2"), DestinationBranch: "main",
			}); err != nil {
				t.Fatal(err)
			}
		},
		"infrahub_read_only_repository": repository(infrahub.ReadOnly, "v1.0.0"),
		"infrahub_repository":           repository(infrahub.ReadWrite, "main"),
		"infrahub_repository_tasks":     repository(infrahub.ReadOnly, "v1.0.0"),
	}
}

func TestExamples_ProviderIsValid(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(examples, "provider", "provider.tf"))
	if err != nil {
		t.Fatal(err)
	}
	newWorkspace(t, string(content)).run(0, "validate")
}

// example returns an example with the Git server of the test and unique names.
func (s *server) example(t *testing.T, file string) string {
	t.Helper()
	text := strings.ReplaceAll(readText(t, file), "https://git.example.com", s.gitAddress)
	text = regexp.MustCompile(`(?m)^(\s*id\s+=\s+"[^"/]+)/`).ReplaceAllString(text, `${1}-`+s.suffix+`/`)
	return regexp.MustCompile(`(?m)^(\s*(?:name|id)\s+=\s+"[^"]+)"`).ReplaceAllString(text, `${1}-`+s.suffix+`"`) + "\n"
}

func readText(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
