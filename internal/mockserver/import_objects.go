package mockserver

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// importedObject is an object of a repository: a GraphQL query or a check definition. The mock server imports no others.
type importedObject struct {
	kind, name string
	title      string // what the log of an import calls it
	values     map[string]string
}

// readObjects returns the objects that the configuration of a commit names.
func (e *engine) readObjects(t *task, j job, c *clone, commit string) ([]importedObject, error) {
	config, err := e.readConfig(t, j, c, commit)
	if err != nil {
		e.locked(func() {
			exception := newPythonError(err)
			t.log("error", "Task run failed with exception: %s(%s)\nTraceback …", exception.class, quote(exception.message))
			t.log("error", "Finished in state Failed(%s)", quote("Task run encountered an exception "+exception.class+": "+exception.message))
		})
		return nil, err
	}
	var objects []importedObject
	for _, query := range config.queries {
		content, err := c.file(commit, query.path)
		if isFileNotFound(err) {
			message := fmt.Sprintf("File '%s' does not exist.", query.path)
			e.log(t, "error", "Query '%s': %s", query.name, message)
			return nil, &pythonError{"RepositoryFileNotFoundError", message}
		}
		if err != nil {
			return nil, err
		}
		if err := checkSyntax(content); err != nil {
			e.log(t, "error", "Query '%s': %s", query.name, err)
			return nil, err
		}
		objects = append(objects, importedObject{queryKind, query.name, "Graphql Query", map[string]string{"query": content}})
	}
	for _, check := range config.checks {
		content, err := c.file(commit, check.path)
		if isFileNotFound(err) {
			module := strings.ReplaceAll(strings.TrimSuffix(check.path, ".py"), "/", ".")
			return nil, &pythonError{"ModuleNotFoundError", fmt.Sprintf("No module named '%s'", module)}
		}
		if err != nil {
			return nil, err
		}
		if !regexp.MustCompile(`(?m)^class ` + regexp.QuoteMeta(check.class) + `\b`).MatchString(content) {
			continue // a check definition without its class is left out (infrahub-behaviour.md, Importing 32)
		}
		objects = append(objects, importedObject{checkDefinitionKind, check.name, "CheckDefinition", map[string]string{
			"file_path": check.path, "class_name": check.class, checkSource: content,
		}})
	}
	e.locked(func() {
		for _, what := range []string{"Python transforms", "Jinja2 transforms", "check definitions", "generator definitions", "artifact definitions"} {
			count := 0
			if what == "check definitions" {
				count = len(config.checks)
			}
			t.log("info", "Found %d %s in the repository", count, what)
		}
	})
	return objects, nil
}

// storeObjects replaces the objects that a branch has of a repository. It fails if another repository owns
// an object of the same kind and name (infrahub-behaviour.md, Importing 26).
func (s *Server) storeObjects(j job, objects []importedObject, log func(format string, arguments ...any)) error {
	invalid := s.invalidQueries(objects)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b := s.store.branches[j.branch]
	if b == nil || s.store.get(b, j.kind.name, j.repository) == nil {
		return errRepositoryDeleted
	}
	stale := map[[2]string]*node{}
	for _, n := range s.store.importedFrom(b, j.repository) {
		stale[[2]string{n.kind.name, n.text("name")}] = n
	}
	for _, o := range objects {
		n := stale[[2]string{o.kind, o.name}]
		delete(stale, [2]string{o.kind, o.name})
		switch {
		case n == nil:
			log("New %s '%s' found, creating", o.title, o.name)
			if reason := invalid[o.name]; o.kind == queryKind && reason != "" {
				return createError(j, o, reason, http.StatusInternalServerError)
			}
			if s.store.findByName(b, o.kind, o.name) != nil {
				return createError(j, o, "Violates uniqueness constraint 'name'", http.StatusUnprocessableEntity)
			}
			n = newNode(s.store.kinds.named(o.kind), uuid.NewString())
			n.related["repository"] = []string{j.repository}
			n.set("name", o.name, false)
			if o.kind == queryKind {
				n.set("description", nil, true)
			}
		case o.equals(n):
			continue
		default:
			log("New version of the %s '%s' found, updating", o.title, o.name)
			if reason := invalid[o.name]; o.kind == queryKind && reason != "" {
				return createError(j, o, reason, http.StatusInternalServerError)
			}
		}
		for name, content := range o.values {
			n.set(name, content, false)
		}
		n.protect(j.repository)
		s.store.put(b, n)
	}
	for _, n := range stale {
		s.store.remove(b, n)
	}
	return nil
}

// equals reports whether a node has the values of the object.
func (o importedObject) equals(n *node) bool {
	for name, content := range o.values {
		if n.text(name) != content {
			return false
		}
	}
	return true
}

// protect marks every value of an imported object as protected, with its repository as the source.
func (n *node) protect(repository string) {
	for name, v := range n.values {
		if v.content != nil {
			v.isProtected, v.source = true, repository
			n.values[name] = v
		}
	}
}

// createError returns the exception of the server's own client for an object that the server refuses to create.
func createError(j job, o importedObject, message string, status int) error {
	create := o.kind + "Create"
	variable := "$value_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	attribute := func(name, value string) string {
		return fmt.Sprintf("            %s: {\n                value: %s\n                is_protected: true\n                source: \"%s\"\n            }\n", name, value, j.repository)
	}
	var fields strings.Builder
	for _, name := range slices.Sorted(maps.Keys(o.values)) {
		switch name {
		case "query":
			fields.WriteString(attribute(name, variable))
			fields.WriteString(attribute("fingerprint", fmt.Sprintf("\"%x\"", sha256.Sum256([]byte(o.name+o.values[name])))))
		case checkSource:
		default:
			fields.WriteString(attribute(name, `"`+o.values[name]+`"`))
		}
	}
	document := "\nmutation (" + variable + ": String!) {\n    " + create + "(\n        data: {\n" + fields.String() +
		attribute("name", `"`+o.name+`"`) +
		fmt.Sprintf("            repository: {\n                id: \"%s\"\n                _relation__is_protected: true\n                _relation__source: \"%s\"\n            }\n", j.repository, j.repository) +
		"        }\n    ){\n        ok\n        object {\n            id\n        }\n    }\n}\n"
	errors := fmt.Sprintf(`[{'message': %s, 'locations': [{'line': 3, 'column': 5}], 'path': ['%s'], 'extensions': {'code': 'UNDEFINED_ERROR', 'http_status': %d, 'data': {}}}]`,
		quote(message), create, status)
	return &pythonError{"GraphQLError", "An error occurred while executing the GraphQL Query " + document + ", " + errors}
}
