package mockserver

import (
	"cmp"
	"errors"
	"fmt"
	"io"
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
	parsed, err := parseYAML(content)
	if err != nil {
		return invalid(fmt.Sprintf("Unable to load the configuration file in YAML format %s: %s", file, err),
			reason+fmt.Sprintf("The file could not be parsed as valid YAML: %s", err))
	}
	dict, isDict := parsed.(pythonDict)
	if !isDict {
		return repositoryConfig{}, &pythonError{"TypeError", fmt.Sprintf(
			"infrahub_sdk.schema.repository.InfrahubRepositoryConfig() argument after ** must be a mapping, not %s", pythonType(parsed))}
	}
	if problems := checkConfig(dict); problems != nil {
		return invalid(fmt.Sprintf("Unable to load the configuration file %s, the format is not valid: %s", file, problems),
			reason+fmt.Sprintf("The file format is not valid: %s", problems))
	}
	e.log(t, "info", "Successfully parsed %s", file)
	return newConfig(dict)
}

// parseYAML returns the value of a YAML file. An empty file is an empty dictionary.
func parseYAML(content string) (any, error) {
	var documents [2]yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(content))
	switch err := decoder.Decode(&documents[0]); {
	case errors.Is(err, io.EOF):
		return pythonDict{}, nil
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&documents[1]); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected a single document in the stream")
	}
	value, err := newPythonValue(&documents[0])
	if value == nil || pythonRepr(value) == "[]" {
		value = pythonDict{}
	}
	return value, err
}

// defaultCheckClass is the class of a check whose configuration names none.
const defaultCheckClass = "Check"

// errTargets is what the mock server tells of a check with targets or parameters, which a server accepts. The mock server has no
// groups, and says so instead of running the check once.
var errTargets = &pythonError{"RepositoryConfigurationError", "A check with targets or parameters" + notImitated}

// newConfig returns what the mock server imports of a valid configuration.
func newConfig(parsed pythonDict) (repositoryConfig, error) {
	var config repositoryConfig
	for _, query := range elements(parsed, "queries") {
		config.queries = append(config.queries, queryReference{query.text("name"), query.text("file_path")})
	}
	for _, check := range elements(parsed, "check_definitions") {
		parameters, _ := check.get("parameters")
		if dict, ok := parameters.(pythonDict); check.text("targets") != "" || ok && len(dict) > 0 {
			return repositoryConfig{}, errTargets
		}
		class := cmp.Or(check.text("class_name"), defaultCheckClass)
		config.checks = append(config.checks, checkReference{check.text("name"), check.text("file_path"), class})
	}
	return config, nil
}

// elements returns the elements of a list in a configuration.
func elements(config pythonDict, list string) []pythonDict {
	value, _ := config.get(list)
	items, _ := value.([]any)
	found := make([]pythonDict, len(items))
	for i, item := range items {
		found[i], _ = item.(pythonDict)
	}
	return found
}

func (d pythonDict) text(key string) string {
	value, _ := d.get(key)
	text, _ := value.(string)
	return text
}
