package mockserver

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A repository is configured by the first of these files that it has.
const configFile, otherConfigFile = ".infrahub.yml", ".infrahub.yaml"

// repositoryConfig is what the mock server imports of a configuration.
type repositoryConfig struct {
	queries []queryReference
	checks  []checkReference
}

// queryReference is a GraphQL query in the configuration.
type queryReference struct{ name, path string }

// checkReference is a check definition in the configuration.
type checkReference struct{ name, path, class string }

// readConfig returns the configuration of a commit.
func (e *engine) readConfig(t *task, j job, c *clone, commit string) (repositoryConfig, error) {
	file := configFile
	content, err := c.file(commit, file)
	if isFileNotFound(err) {
		file = otherConfigFile
		content, err = c.file(commit, file)
	}
	invalid := func(logged, message string) (repositoryConfig, error) {
		e.log(t, "error", "%s", logged)
		return repositoryConfig{}, &pythonError{"RepositoryConfigurationError", message}
	}
	switch {
	case isFileNotFound(err):
		reason := fmt.Sprintf("Repository '%s' is missing a configuration file. ", j.name)
		return invalid(reason+"Expected '.infrahub.yml' or '.infrahub.yaml' in the repository root.",
			reason+"Please add a '.infrahub.yml' or '.infrahub.yaml' file to the repository root. See https://docs.infrahub.app/topics/repository for more information.")
	case err != nil:
		return repositoryConfig{}, err
	}
	reason := fmt.Sprintf("Repository '%s' has an invalid configuration file '%s'. ", j.name, file)
	var parsed map[string]any
	if err := yaml.Unmarshal([]byte(content), &parsed); err != nil {
		return invalid(fmt.Sprintf("Unable to load the configuration file in YAML format %s: %s", file, err),
			reason+fmt.Sprintf("The file could not be parsed as valid YAML: %s", err))
	}
	config, problems := parseConfig(parsed)
	if problems != nil {
		return invalid(fmt.Sprintf("Unable to load the configuration file %s, the format is not valid: %s", file, problems),
			reason+fmt.Sprintf("The file format is not valid: %s", problems))
	}
	e.log(t, "info", "Successfully parsed %s", file)
	return config, nil
}

// configProblems are the problems of a configuration in the words of pydantic, which the server uses.
type configProblems []string

func (p *configProblems) add(where, what, kind string, input any) {
	*p = append(*p, fmt.Sprintf("%s\n  %s [type=%s, %s]\n    For further information visit https://errors.pydantic.dev/2.12/v/%s",
		where, what, kind, pydanticInput(input), kind))
}

func (p configProblems) String() string {
	if len(p) == 1 {
		return "1 validation error for InfrahubRepositoryConfig\n" + p[0]
	}
	return fmt.Sprintf("%d validation errors for InfrahubRepositoryConfig\n%s", len(p), strings.Join(p, "\n"))
}

// parseConfig returns a configuration and its problems, nil if there are none.
func parseConfig(content map[string]any) (repositoryConfig, configProblems) {
	var config repositoryConfig
	var problems configProblems
	keys := []string{
		"schemas", "check_definitions", "jinja2_transforms", "artifact_definitions", "python_transforms", "generator_definitions",
		"queries", "objects", "menus",
	}
	for _, key := range keys {
		items, isList := content[key].([]any)
		if _, present := content[key]; present && !isList {
			problems.add(key, "Input should be a valid list", "list_type", content[key])
		}
		switch key {
		case "queries":
			config.queries = parseQueries(items, &problems)
		case "check_definitions":
			config.checks = parseChecks(items, &problems)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(content)) {
		if !slices.Contains(keys, key) {
			problems.add(key, "Extra inputs are not permitted", "extra_forbidden", content[key])
		}
	}
	return config, problems
}

func parseQueries(items []any, problems *configProblems) []queryReference {
	var queries []queryReference
	for i, item := range items {
		fields, _ := item.(map[string]any)
		name, hasName := fields["name"].(string)
		path, hasPath := fields["file_path"].(string)
		switch {
		case !hasName:
			problems.add(fmt.Sprintf("queries.%d.name", i), "Field required", "missing", item)
		case !hasPath:
			problems.add(fmt.Sprintf("queries.%d.file_path", i), "Field required", "missing", item)
		default:
			queries = append(queries, queryReference{name, path})
		}
	}
	return queries
}

// defaultCheckClass is the class of a check whose configuration names none.
const defaultCheckClass = "Check"

func parseChecks(items []any, problems *configProblems) []checkReference {
	var checks []checkReference
	for i, item := range items {
		fields, _ := item.(map[string]any)
		name, hasName := fields["name"].(string)
		path, hasPath := fields["file_path"].(string)
		class, hasClass := fields["class_name"].(string)
		if !hasClass {
			class = defaultCheckClass
		}
		switch {
		case !hasName:
			problems.add(fmt.Sprintf("check_definitions.%d.name", i), "Field required", "missing", item)
		case !hasPath:
			problems.add(fmt.Sprintf("check_definitions.%d.file_path", i), "Field required", "missing", item)
		case fields["targets"] != nil || fields["parameters"] != nil:
			// A server accepts them. The mock server has no groups, and says so instead of running the check once.
			problems.add(fmt.Sprintf("check_definitions.%d", i), "The mock server imitates no targets and parameters", "not_imitated", item)
		default:
			checks = append(checks, checkReference{name, path, class})
		}
	}
	return checks
}

// pydanticInput describes a value as pydantic does.
func pydanticInput(input any) string {
	kind, shown := "dict", fmt.Sprint(input)
	switch input := input.(type) {
	case nil:
		kind, shown = "NoneType", "None"
	case string:
		kind, shown = "str", quote(input)
	case int:
		kind = "int"
	case float64:
		kind = "float"
	case bool:
		kind, shown = "bool", titleCase(shown)
	case []any:
		kind = "list"
	}
	return fmt.Sprintf("input_value=%s, input_type=%s", shown, kind)
}
