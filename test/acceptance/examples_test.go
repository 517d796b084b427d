package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const examples = "../../examples"

// The example of each resource is applied, with the Git server and the names of the test. Then the import example
// imports it into another state, from which it is destroyed, and then from the first.
func TestExamples_AreAppliedImportedAndDestroyed(t *testing.T) {
	t.Parallel()
	directories, err := filepath.Glob(filepath.Join(examples, "resources", "*"))
	if err != nil || len(directories) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, directory := range directories {
		t.Run(filepath.Base(directory), func(t *testing.T) {
			t.Parallel()
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
			w := s.newWorkspace(t, requirement+s.example(t, file))
			w.apply()
			w.planNothing()
			w.destroy()
			s.assertNothingLeft(t)
		})
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
