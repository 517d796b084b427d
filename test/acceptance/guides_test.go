package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const guideExamples = examples + "/guides"

// guideConfiguration is how a test applies the main.tf of a guide.
type guideConfiguration struct {
	// remotes are the Git repositories that it names.
	remotes []string
	// environment sets its variables.
	environment []string
	// before precedes it, for one that does not stand alone.
	before string
}

func guideConfigurations() map[string]guideConfiguration {
	return map[string]guideConfiguration{
		"from-manual-steps": {
			remotes: []string{"network/automation.git", "network/design.git"}, environment: []string{"TF_VAR_git_token=" + gitPassword},
		},
		"private-repositories/github": {
			remotes:     []string{"private/automation.git", "private/design.git"},
			environment: []string{"TF_VAR_read_token=" + gitPassword, "TF_VAR_write_token=" + gitPassword},
		},
		// gitlab.tf needs a GitLab: the test replaces it by the values that it results in.
		"private-repositories/gitlab": {
			remotes: []string{"private/automation.git"},
			before:  requirement + "locals {\n  token = sensitive(\"" + gitPassword + "\")\n  expires_at = \"2026-07-31\"\n}\n",
		},
		"repository-kinds": {remotes: []string{"network/design.git", "network/library.git"}},
		"troubleshooting":  {remotes: []string{"network/design.git"}},
		"write-only-secrets": {
			remotes: []string{"private/automation.git"}, environment: []string{"TF_VAR_git_token=" + gitPassword},
		},
	}
}

func TestGuides_ConfigurationsAreApplied(t *testing.T) {
	t.Parallel()
	newestOnly(t)
	for name, guide := range guideConfigurations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			for _, path := range guide.remotes {
				s.newRemote(t, path)
			}
			w := s.newWorkspace(t, guide.before+s.example(t, filepath.Join(guideExamples, name, "main.tf")), guide.environment...)
			w.apply()
			w.assertNoWarning("apply")
			w.planNothing()
			if state := w.read("terraform.tfstate"); strings.Contains(state, gitPassword) {
				t.Error("the state contains the token")
			}
			w.destroy()
			s.assertNothingLeft(t)
		})
	}
}

func TestGuides_EveryConfigurationHasATest(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{
		"getting-started": true, "testing-with-the-mock": true,
		"releases": true, "adopting/import-blocks": true, "adopting/for-each": true, "adopting/adopt-existing": true,
	} // by tests of their own
	for name := range guideConfigurations() {
		tested[name] = true
	}
	found := 0
	err := filepath.WalkDir(guideExamples, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != "main.tf" {
			return err
		}
		found++
		name, err := filepath.Rel(guideExamples, filepath.Dir(path))
		if !tested[filepath.ToSlash(name)] {
			t.Errorf("no test applies %s", path)
		}
		return err
	})
	if err != nil || found != len(tested) {
		t.Errorf("found %d configurations, want %d (%v)", found, len(tested), err)
	}
}

// The guide's Git repository is a directory, which only the mock beside it can clone.
func TestGuides_GettingStartedRunsAsWritten(t *testing.T) {
	t.Parallel()
	newestOnly(t)
	s := newServer(t)
	s.mockOnly(t, "the guide has a Git repository on the machine of the server")
	directory := t.TempDir()
	script, err := filepath.Abs(filepath.Join(guideExamples, "getting-started", "repository.sh"))
	if err != nil {
		t.Fatal(err)
	}
	create := exec.CommandContext(t.Context(), script)
	create.Dir = directory
	if output, err := create.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	w := s.newWorkspace(t, s.example(t, filepath.Join(guideExamples, "getting-started", "main.tf")), "TF_VAR_location="+filepath.Join(directory, "automation"))
	w.apply()
	w.assertPrinted("apply", "2 added, 0 changed, 0 destroyed", "commit = ")
	w.planNothing()
	w.apply("-var=release=v1.1.0")
	w.assertPrinted("apply", `~ ref = "v1.0.0" -> "v1.1.0"`, "0 added, 1 changed, 0 destroyed")
	w.run(1, "apply", "-auto-approve", "-var=release=v1.2.0")
	w.assertPrinted("apply", "Error: Import Failed", "Push \"v1.2.0\" to the remote, or correct ref.")
	w.apply("-var=release=v1.1.0")
	w.planNothing("-var=release=v1.1.0")
	w.destroy()
	s.assertNothingLeft(t)
}

func TestGuides_KindOfARepositoryChangesInOneApply(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network/library.git")
	arguments := "{\n  name     = \"library-NAME\"\n  location = \"GIT/network/library.git\"\n}\n"
	w := s.newWorkspace(t, requirement+s.fill("resource \"infrahub_repository\" \"library\" "+arguments))
	w.apply()
	w.write("main.tf", requirement+s.fill("resource \"infrahub_read_only_repository\" \"library\" "+arguments))
	w.apply()
	w.assertPrinted("apply", "1 added, 0 changed, 1 destroyed")
	w.planNothing()
	w.destroy()
	s.assertNothingLeft(t)
}
