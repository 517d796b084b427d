// Package pipelines checks the pipelines of this repository and of its examples.
package pipelines

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rhysd/actionlint"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const root = "../.."

// matchFiles returns the files of the repository that match the patterns. Each pattern must match a file.
func matchFiles(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, pattern := range patterns {
		matched, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(matched) == 0 {
			t.Fatalf("no file matches %s: %v", pattern, err)
		}
		files = append(files, matched...)
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestGitHub_WorkflowsPassActionlint(t *testing.T) {
	t.Parallel()
	for _, file := range matchFiles(t, ".github/workflows/*.yml", "examples/*/*/github.yml") {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			problems, err := lintWorkflow(t, file, read(t, file))
			if err != nil || len(problems) > 0 {
				t.Errorf("%v %v", problems, err)
			}
		})
	}
}

// lintWorkflow returns what actionlint reports of a GitHub workflow.
func lintWorkflow(t *testing.T, name string, workflow []byte) ([]*actionlint.Error, error) {
	t.Helper()
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: "", Pyflakes: ""})
	if err != nil {
		t.Fatal(err)
	}
	return linter.Lint(name, workflow, nil)
}

func TestGitLab_PipelinesMatchTheSchema(t *testing.T) {
	t.Parallel()
	for _, file := range matchFiles(t, "examples/*/*/gitlab.yml") {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			if err := gitlabSchema(t).Validate(decodeYAML(t, read(t, file))); err != nil {
				t.Error(err)
			}
		})
	}
}

// gitlabSchema returns the JSON schema of pipelines that GitLab's own editor uses.
func gitlabSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/gitlab-ci.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// decodeYAML returns a YAML text as the values that a JSON schema validates.
func decodeYAML(t *testing.T, text []byte) any {
	t.Helper()
	encoded, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(encoded)))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// The checks above reject invalid pipelines.
func TestChecks_RejectMistakes(t *testing.T) {
	t.Parallel()
	github := string(read(t, filepath.Join(root, "examples/release-bump/direct/github.yml")))
	for _, mistake := range []string{
		strings.Replace(github, "runs-on:", "run-on:", 1),
		strings.Replace(github, "github.event_name ==", "github.event_nam ==", 1),
		strings.Replace(github, "pull_request:", "pull_requests:", 1),
	} {
		if problems, err := lintWorkflow(t, "github.yml", []byte(mistake)); err != nil || len(problems) == 0 {
			t.Errorf("actionlint accepts\n%s\n%v", mistake, err)
		}
	}
	gitlab := string(read(t, filepath.Join(root, "examples/release-bump/direct/gitlab.yml")))
	for _, mistake := range []string{
		strings.Replace(gitlab, "resource_group: infrahub", "resource_group: []", 1),
		strings.Replace(gitlab, "  script:", "  scripts:", 1),
		strings.Replace(gitlab, "interruptible: false", "interruptible: perhaps", 1),
	} {
		if gitlabSchema(t).Validate(decodeYAML(t, []byte(mistake))) == nil {
			t.Errorf("GitLab's schema accepts\n%s", mistake)
		}
	}
}

// Renovate and Go both use RE2 expressions.
func TestRenovate_FindsTheReleaseInEveryExample(t *testing.T) {
	t.Parallel()
	var settings struct {
		CustomManagers []struct {
			CustomType          string   `json:"customType"`
			ManagerFilePatterns []string `json:"managerFilePatterns"`
			MatchStrings        []string `json:"matchStrings"`
			VersioningTemplate  string   `json:"versioningTemplate"`
		} `json:"customManagers"`
	}
	if err := json.Unmarshal(read(t, filepath.Join(root, "examples/release-bump/renovate.json")), &settings); err != nil {
		t.Fatal(err)
	}
	if len(settings.CustomManagers) != 1 || settings.CustomManagers[0].CustomType != "regex" || len(settings.CustomManagers[0].MatchStrings) != 1 {
		t.Fatalf("got %+v", settings)
	}
	manager := settings.CustomManagers[0]
	rule := regexp.MustCompile(manager.MatchStrings[0])
	for _, file := range matchFiles(t, "examples/release-bump/*/main.tf") {
		if !regexp.MustCompile(strings.Trim(manager.ManagerFilePatterns[0], "/")).MatchString(file) {
			t.Errorf("the rule does not match the file name %s", file)
		}
		text := string(read(t, file))
		matches := rule.FindAllStringSubmatchIndex(text, -1)
		if len(matches) != 1 {
			t.Fatalf("%s: %d matches, want one", file, len(matches))
		}
		at := func(group string) (int, int) {
			n := rule.SubexpIndex(group)
			return matches[0][2*n], matches[0][2*n+1]
		}
		for group, want := range map[string]string{
			"datasource": "git-tags", "depName": "https://git.example.com/network/automation.git", "currentValue": "v1.0.0",
		} {
			if begin, end := at(group); text[begin:end] != want {
				t.Errorf("%s: %s is %q, want %q", file, group, text[begin:end], want)
			}
		}
		begin, end := at("currentValue")
		if bumped := text[:begin] + "v1.1.0" + text[end:]; !strings.Contains(bumped, `default = "v1.1.0"`) {
			t.Errorf("%s: the bump does not change the release:\n%s", file, bumped)
		}
	}
}
