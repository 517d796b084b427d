package mockserver

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// importedQuery is a GraphQL query of a repository. Queries are the only objects that the mock server imports.
type importedQuery struct{ name, text string }

// readQueries returns the queries that the configuration of a commit names.
func (e *engine) readQueries(t *task, j job, c *clone, commit string) ([]importedQuery, error) {
	references, err := e.readConfig(t, j, c, commit)
	if err != nil {
		e.locked(func() {
			exception := newPythonError(err)
			t.log("error", "Task run failed with exception: %s(%s)\nTraceback …", exception.class, quote(exception.message))
			t.log("error", "Finished in state Failed(%s)", quote("Task run encountered an exception "+exception.class+": "+exception.message))
		})
		return nil, err
	}
	var queries []importedQuery
	for _, reference := range references {
		content, err := c.file(commit, reference.path)
		if isFileNotFound(err) {
			message := fmt.Sprintf("File '%s' does not exist.", reference.path)
			e.log(t, "error", "Query '%s': %s", reference.name, message)
			return nil, &pythonError{"RepositoryFileNotFoundError", message}
		}
		if err != nil {
			return nil, err
		}
		queries = append(queries, importedQuery{reference.name, content})
	}
	e.locked(func() {
		for _, objects := range []string{"Python transforms", "Jinja2 transforms", "check definitions", "generator definitions", "artifact definitions"} {
			t.log("info", "Found 0 %s in the repository", objects)
		}
	})
	return queries, nil
}

// storeQueries replaces the queries that a branch has of a repository. It fails if another repository owns
// a query of the same name (infrahub-behaviour.md, Importing 26).
func (s *Server) storeQueries(j job, queries []importedQuery, log func(format string, arguments ...any)) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b := s.store.branches[j.branch]
	if b == nil || s.store.get(b, j.kind.name, j.repository) == nil {
		return errRepositoryDeleted
	}
	existing := map[string]*node{}
	for _, n := range s.store.list(b, queryKind) {
		if slices.Contains(n.related["repository"], j.repository) {
			existing[n.text("name")] = n
		}
	}
	for _, query := range queries {
		n := existing[query.name]
		delete(existing, query.name)
		switch {
		case n == nil:
			log("New Graphql Query '%s' found, creating", query.name)
			if s.store.findByName(b, queryKind, query.name) != nil {
				return duplicateQueryError(j, query)
			}
			n = newNode(s.store.kinds.named(queryKind), uuid.NewString())
			n.related["repository"] = []string{j.repository}
			n.set("name", query.name, false)
			n.set("description", nil, true)
		case n.text("query") == query.text:
			continue
		default:
			log("New version of the Graphql Query '%s' found, updating", query.name)
		}
		n.set("query", query.text, false)
		s.store.put(b, n)
	}
	for _, n := range existing {
		s.store.remove(b, n)
	}
	return nil
}

// duplicateQueryError returns the exception of the server's own client for a name that is taken.
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
