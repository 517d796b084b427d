package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const (
	guide    = "../../templates/guides/testing-with-the-mock.md.tmpl"
	examples = "../../examples/guides/testing-with-the-mock"
)

func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestGuide_FaultsAreKnown(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile("--fault ([a-z][^ `]*)").FindAllStringSubmatch(text(t, guide), -1)
	if len(found) < 11 {
		t.Errorf("found only %d faults", len(found))
	}
	for _, each := range found {
		if _, err := mockserver.ParseFault(each[1]); err != nil {
			t.Errorf("%s: %v", each[0], err)
		}
	}
}

func TestGuide_FlagsAreKnown(t *testing.T) {
	t.Parallel()
	var help output
	start(t.Context(), []string{"--help"}, io.Discard, &help)
	known := regexp.MustCompile(`(?m)^  -([a-z]+)`).FindAllStringSubmatch(help.String(), -1)
	page := text(t, guide)
	for _, flag := range known {
		if !strings.Contains(page, "`--"+flag[1]) {
			t.Errorf("the guide does not tell of --%s", flag[1])
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^infrahub-mock .*`).FindAllString(text(t, filepath.Join(examples, "test.sh")), -1) {
		for _, flag := range regexp.MustCompile(`--([a-z]+)`).FindAllStringSubmatch(line, -1) {
			if !strings.Contains(help.String(), "\n  -"+flag[1]+" ") {
				t.Errorf("test.sh has --%s, which is none", flag[1])
			}
		}
	}
}

func TestGuide_SeedIsPlanted(t *testing.T) {
	t.Parallel()
	r := serve(t, "--token", "abc", "--seed", filepath.Join(examples, "tests", "seed.yaml"))
	want := `{"data":{"BuiltinTag":{"edges":[{"node":{"hfid":["production"]}}]},"CorePasswordCredential":{"edges":[{"node":{"hfid":["git"]}}]},"Branch":[{"name":"main"},{"name":"release"}]}}`
	if got := r.post(t, "{BuiltinTag{edges{node{hfid}}} CorePasswordCredential{edges{node{hfid}}} Branch{name}}").Body; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGuide_WorkflowRunsTheScript(t *testing.T) {
	t.Parallel()
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, filepath.Join(examples, "github.yml"))), &workflow); err != nil {
		t.Fatal(err)
	}
	steps := workflow.Jobs["test"].Steps
	if len(steps) == 0 || steps[len(steps)-1].Run != "./test.sh" {
		t.Errorf("the workflow does not end with the script: %+v", steps)
	}
	for _, step := range steps {
		if step.Uses != "" && !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(step.Uses) {
			t.Errorf("%s is not pinned", step.Uses)
		}
	}
}
