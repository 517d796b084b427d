package mockserver

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
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
	if isDict && slices.ContainsFunc(dict, func(item pythonItem) bool { return item.other != nil }) {
		return repositoryConfig{}, &pythonError{"TypeError", "keywords must be strings"}
	}
	if !isDict {
		return repositoryConfig{}, notAMapping(parsed)
	}
	if problems := checkConfig(dict); problems != nil {
		return invalid(fmt.Sprintf("Unable to load the configuration file %s, the format is not valid: %s", file, problems),
			reason+fmt.Sprintf("The file format is not valid: %s", problems))
	}
	e.log(t, "info", "Successfully parsed %s", file)
	return newConfig(dict)
}

// notAMapping returns the server's exception for a configuration that is no mapping.
func notAMapping(value any) *pythonError {
	return &pythonError{"TypeError", "infrahub_sdk.schema.repository.InfrahubRepositoryConfig() argument after ** must be a mapping, not " + pythonType(value)}
}

// parseYAML returns the value of a YAML file. An empty file is an empty dictionary.
func parseYAML(content string) (any, error) {
	var documents [2]yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(content))
	switch err := decoder.Decode(&documents[0]); {
	case errors.Is(err, io.EOF):
		return pythonDict{}, nil
	case err != nil:
		return nil, errors.New(yamlProblem(content, strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	second := regexp.MustCompile(`(?m)^---`).FindAllStringIndex(content, -1)
	switch err := decoder.Decode(&documents[1]); {
	case errors.Is(err, io.EOF):
	case second == nil, err != nil && strings.HasSuffix(err.Error(), "<document start>"):
		return nil, errors.New(yamlProblem(content, strings.TrimPrefix(fmt.Sprint(err), "yaml: ")))
	default:
		first := documents[0].Content[0]
		return nil, fmt.Errorf("expected a single document in the stream\n%s\nbut found another document\n%s",
			yamlPlace(content, first.Line, first.Column), yamlPlace(content, 1+strings.Count(content[:second[len(second)-1][0]], "\n"), 1))
	}
	value, err := newPythonValue(&documents[0])
	if err == nil && isFalse(value) {
		value = pythonDict{}
	}
	return value, err
}

// yamlPlace shows a place in a file as Python's YAML does.
func yamlPlace(content string, line, column int) string {
	lines, text := strings.Split(content, "\n"), ""
	if line <= len(lines) {
		text = lines[line-1]
	}
	return fmt.Sprintf("  in \"<unicode string>\", line %d, column %d:\n    %s\n    %s^", line, column, text, strings.Repeat(" ", column-1))
}

// yamlProblem returns a problem that Go's parser has found in the words of Python's, as far as they are known: the others stay.
func yamlProblem(content, problem string) string {
	end := yamlPlace(content, strings.Count(content, "\n")+1, 1)
	unknown := regexp.MustCompile(`^unknown anchor '(.*)' referenced$`).FindStringSubmatch(problem)
	tab := regexp.MustCompile(`(?m)^\t`).FindStringIndex(content)
	before := regexp.MustCompile(`^line (\d+): did not find expected <document start>$`).FindStringSubmatch(problem)
	switch {
	case before != nil:
		line, _ := strconv.Atoi(before[1]) // digits
		return "expected '<document start>', but found '<block mapping start>'\n" + yamlPlace(content, line+1, 1)
	case strings.HasSuffix(problem, "did not find expected node content") && strings.HasSuffix(content, "\n"):
		return "while parsing a flow node\nexpected the node content, but found '<stream end>'\n" + end
	case strings.HasSuffix(problem, "found character that cannot start any token") && tab != nil:
		return "while scanning for the next token\nfound character '\\t' that cannot start any token\n" + yamlPlace(content, strings.Count(content[:tab[0]], "\n")+1, 1)
	case unknown != nil:
		before, _, _ := strings.Cut(content, "*"+unknown[1])
		column := len(before) - strings.LastIndex(before, "\n")
		return "found undefined alias '" + unknown[1] + "'\n" + yamlPlace(content, strings.Count(before, "\n")+1, column)
	}
	return problem
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
