package mockserver

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/google/uuid"
)

// importedQuery is a GraphQL importedQuery that a repository brings along, so that an import leaves something behind.
type importedQuery struct{ name, text string }

const configFile, otherConfigFile = ".infrahub.yml", ".infrahub.yaml"

// readQueries reads the configuration of a commit and the queries that it names.
func (e *engine) readQueries(t *task, j job, c *clone, commit string) ([]importedQuery, error) {
	named, err := e.readConfig(t, j, c, commit)
	if err != nil {
		e.locked(func() {
			raised := toException(err)
			t.log("error", "Task run failed with exception: %s(%s)\nTraceback …", raised.class, quote(raised.message))
			t.log("error", "Finished in state Failed(%s)", quote("Task run encountered an exception "+raised.class+": "+raised.message))
		})
		return nil, err
	}
	var queries []importedQuery
	for _, each := range named {
		content, err := c.file(commit, each.path)
		if isFileNotFound(err) {
			message := fmt.Sprintf("File '%s' does not exist.", each.path)
			e.locked(func() { t.log("error", "Query '%s': %s", each.name, message) })
			return nil, &pythonError{"RepositoryFileNotFoundError", message}
		}
		if err != nil {
			return nil, err
		}
		queries = append(queries, importedQuery{each.name, content})
	}
	e.locked(func() {
		for _, what := range []string{"Python transforms", "Jinja2 transforms", "check definitions", "generator definitions", "artifact definitions"} {
			t.log("info", "Found 0 %s in the repository", what)
		}
	})
	return queries, nil
}

// queryReference is a query in the configuration.
type queryReference struct{ name, path string }

func (e *engine) readConfig(t *task, j job, c *clone, commit string) ([]queryReference, error) {
	file := configFile
	content, err := c.file(commit, file)
	if isFileNotFound(err) {
		file = otherConfigFile
		content, err = c.file(commit, file)
	}
	refuse := func(logged, message string) error {
		e.locked(func() { t.log("error", "%s", logged) })
		return &pythonError{"RepositoryConfigurationError", message}
	}
	switch {
	case isFileNotFound(err):
		lacks := fmt.Sprintf("Repository '%s' is missing a configuration file. ", j.name)
		return nil, refuse(lacks+"Expected '.infrahub.yml' or '.infrahub.yaml' in the repository root.",
			lacks+"Please add a '.infrahub.yml' or '.infrahub.yaml' file to the repository root. See https://docs.infrahub.app/topics/repository for more information.")
	case err != nil:
		return nil, err
	}
	invalidFile := fmt.Sprintf("Repository '%s' has an invalid configuration file '%s'. ", j.name, file)
	var parsed map[string]any
	if err := yaml.Unmarshal([]byte(content), &parsed); err != nil {
		return nil, refuse(fmt.Sprintf("Unable to load the configuration file in YAML format %s: %s", file, err),
			invalidFile+fmt.Sprintf("The file could not be parsed as valid YAML: %s", err))
	}
	queries, wrong := parseConfig(parsed)
	if wrong != "" {
		return nil, refuse(fmt.Sprintf("Unable to load the configuration file %s, the format is not valid: %s", file, wrong),
			invalidFile+"The file format is not valid: "+wrong)
	}
	e.locked(func() { t.log("info", "Successfully parsed %s", file) })
	return queries, nil
}

// parseConfig reads the queries of a configuration; wrong says, as pydantic does, why there are none.
func parseConfig(content map[string]any) (queries []queryReference, wrong string) {
	var complaints []string
	complain := func(where, what, kind string, input any) {
		complaints = append(complaints, fmt.Sprintf("%s\n  %s [type=%s, %s]\n    For further information visit https://errors.pydantic.dev/2.12/v/%s",
			where, what, kind, pydanticInput(input), kind))
	}
	known := []string{
		"schemas", "check_definitions", "jinja2_transforms", "artifact_definitions", "python_transforms", "generator_definitions",
		"queries", "objects", "menus",
	}
	for _, key := range known {
		items, isList := content[key].([]any)
		if _, given := content[key]; given && !isList {
			complain(key, "Input should be a valid list", "list_type", content[key])
		}
		for i, item := range items {
			fields, _ := item.(map[string]any)
			name, hasName := fields["name"].(string)
			path, hasPath := fields["file_path"].(string)
			switch {
			case key != "queries":
				continue
			case !hasName:
				complain(fmt.Sprintf("queries.%d.name", i), "Field required", "missing", item)
			case !hasPath:
				complain(fmt.Sprintf("queries.%d.file_path", i), "Field required", "missing", item)
			default:
				queries = append(queries, queryReference{name, path})
			}
		}
	}
	extra := []string{}
	for key := range content {
		if !slices.Contains(known, key) {
			extra = append(extra, key)
		}
	}
	slices.Sort(extra)
	for _, key := range extra {
		complain(key, "Extra inputs are not permitted", "extra_forbidden", content[key])
	}
	switch len(complaints) {
	case 0:
		return queries, ""
	case 1:
		return nil, "1 validation error for InfrahubRepositoryConfig\n" + complaints[0]
	}
	return nil, fmt.Sprintf("%d validation errors for InfrahubRepositoryConfig\n%s", len(complaints), strings.Join(complaints, "\n"))
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

// storeQueries makes a branch's queries of a repository what its configuration says. A name that
// another owner has is refused.
func (s *Server) storeQueries(j job, queries []importedQuery, log func(format string, arguments ...any)) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b := s.store.branches[j.branch]
	if b == nil || s.store.get(b, j.kind, j.repository) == nil {
		return errRepositoryDeleted
	}
	stale := map[string]*node{}
	for _, n := range s.store.list(b, "CoreGraphQLQuery") {
		if slices.Contains(n.related["repository"], j.repository) {
			stale[n.text("name")] = n
		}
	}
	for _, each := range queries {
		n := stale[each.name]
		delete(stale, each.name)
		switch {
		case n == nil && s.store.findByName(b, "CoreGraphQLQuery", each.name) != nil:
			log("New Graphql Query '%s' found, creating", each.name)
			return duplicateQueryError(j, each)
		case n == nil:
			log("New Graphql Query '%s' found, creating", each.name)
			n = &node{id: uuid.NewString(), kind: "CoreGraphQLQuery", values: map[string]value{}, related: map[string][]string{"repository": {j.repository}}}
			n.set("name", each.name, false)
			n.set("description", nil, true)
		case n.text("query") == each.text:
			continue
		default:
			log("New version of the Graphql Query '%s' found, updating", each.name)
		}
		n.set("query", each.text, false)
		s.store.put(b, n)
	}
	for _, n := range stale {
		s.store.remove(b, n)
	}
	return nil
}

// duplicateQueryError is what the server's own client says when a query's name is taken.
func duplicateQueryError(j job, q importedQuery) error {
	variable := "$value_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	attribute := func(name, value string) string {
		return fmt.Sprintf("            %s: {\n                value: %s\n                is_protected: true\n                source: \"%s\"\n            }\n", name, value, j.repository)
	}
	document := "\nmutation (" + variable + ": String!) {\n    CoreGraphQLQueryCreate(\n        data: {\n" +
		attribute("query", variable) +
		attribute("fingerprint", fmt.Sprintf("\"%x\"", sha256.Sum256([]byte(q.name+q.text)))) +
		attribute("name", `"`+q.name+`"`) +
		fmt.Sprintf("            repository: {\n                id: \"%s\"\n                _relation__is_protected: true\n                _relation__source: \"%s\"\n            }\n", j.repository, j.repository) +
		"        }\n    ){\n        ok\n        object {\n            id\n        }\n    }\n}\n"
	errors := `[{'message': "Violates uniqueness constraint 'name'", 'locations': [{'line': 3, 'column': 5}], ` +
		`'path': ['CoreGraphQLQueryCreate'], 'extensions': {'code': 'UNDEFINED_ERROR', 'http_status': 422, 'data': {}}}]`
	return &pythonError{"GraphQLError", "An error occurred while executing the GraphQL Query " + document + ", " + errors}
}
