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

// TestExamples_AreAppliedImportedAndDestroyed applies every resource's example as it stands in the
// documentation, with the Git server and the names of the test; imports what that made, as the import
// example says, into a state of its own; and destroys it from there and then again.
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
			remote.branch(t, "stable")
			files, err := filepath.Glob(filepath.Join(directory, "resource*.tf"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no resource.tf: %v", err)
			}
			configuration := requirement + "provider \"infrahub\" {}\n"
			for _, file := range files {
				configuration += s.example(t, file)
			}
			environment := []string{
				"INFRAHUB_ADDRESS=" + s.address, "INFRAHUB_API_TOKEN=" + s.token,
				"TF_VAR_git_token=" + gitPassword, "TF_VAR_git_password=" + gitPassword,
			}
			applied := newWorkspace(t, configuration, environment...)
			applied.run("apply", "-auto-approve", "-input=false")
			applied.run("plan", "-detailed-exitcode", "-input=false")

			blocks := s.example(t, filepath.Join(directory, "import-by-string-id.tf"))
			imported := newWorkspace(t, requirement+"provider \"infrahub\" {}\n"+s.example(t, filepath.Join(directory, "resource.tf"))+blocks, environment...)
			imported.run("apply", "-auto-approve", "-input=false")
			if !strings.Contains(imported.printed["apply"], fmt.Sprintf("%d imported, 0 added", strings.Count(blocks, "import {"))) {
				t.Errorf("not imported:\n%s", imported.printed["apply"])
			}
			imported.run("plan", "-detailed-exitcode", "-input=false")
			imported.run("destroy", "-auto-approve", "-input=false")
			applied.run("destroy", "-auto-approve", "-input=false")
			s.nothingLeft(t)
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
			w := newWorkspace(t, requirement+"provider \"infrahub\" {}\n"+s.example(t, file), "INFRAHUB_ADDRESS="+s.address, "INFRAHUB_API_TOKEN="+s.token)
			w.run("apply", "-auto-approve", "-input=false")
			w.run("plan", "-detailed-exitcode", "-input=false")
			w.run("destroy", "-auto-approve", "-input=false")
			s.nothingLeft(t)
		})
	}
}

func TestExamples_ProviderIsValid(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(examples, "provider", "provider.tf"))
	if err != nil {
		t.Fatal(err)
	}
	newWorkspace(t, string(content)).run("validate")
}

const requirement = `terraform {
  required_providers {
    infrahub = { source = "infrahub-community/infrahub" }
  }
}
`

// example is a file of the documentation with the test's Git server, and with names that are unique.
func (s *server) example(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(content), "https://git.example.com", s.gitAddress)
	text = regexp.MustCompile(`(?m)^(\s*id\s+=\s+"[^"/]+)/`).ReplaceAllString(text, `${1}-`+s.suffix+`/`)
	return regexp.MustCompile(`(?m)^(\s*(?:name|id)\s+=\s+"[^"]+)"`).ReplaceAllString(text, `${1}-`+s.suffix+`"`) + "\n"
}
