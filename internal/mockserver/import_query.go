package mockserver

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// checkSyntax returns the server's exception for a query that it cannot parse, nil if it can (infrahub-behaviour.md, Importing 33).
func checkSyntax(query string) error {
	document, err := parser.ParseQuery(&ast.Source{Input: query})
	var invalid *gqlerror.Error
	switch {
	case errors.As(err, &invalid) && len(invalid.Locations) > 0:
		return syntaxError(query, pythonSyntax(invalid.Message), invalid.Locations[0].Line, invalid.Locations[0].Column)
	case err != nil:
		return &pythonError{"QuerySyntaxError", "GraphQL syntax error: Syntax Error: " + pythonSyntax(err.Error())}
	case len(document.Operations) == 0 && len(document.Fragments) == 0:
		end := query[strings.LastIndex(query, "\n")+1:]
		return syntaxError(query, "Unexpected <EOF>.", strings.Count(query, "\n")+1, len(end)+1)
	}
	return nil
}

// syntaxError shows a place in a query as the server's parser does: the line, and those beside it.
func syntaxError(query, message string, line, column int) *pythonError {
	lines := strings.Split(query, "\n")
	width := len(fmt.Sprint(line))
	if line < len(lines) {
		width = len(fmt.Sprint(line + 1))
	}
	var shown strings.Builder
	show := func(prefix, text string) {
		_, _ = fmt.Fprintf(&shown, "\n%*s |%s", width, prefix, strings.TrimSuffix(" "+text, " "))
	}
	for i := max(line-1, 1); i <= min(line+1, len(lines)); i++ {
		show(fmt.Sprint(i), lines[i-1])
		if i == line {
			show("", strings.Repeat(" ", column-1)+"^")
		}
	}
	return &pythonError{"QuerySyntaxError", fmt.Sprintf("GraphQL syntax error: Syntax Error: %s\n\nGraphQL request:%d:%d%s", message, line, column, shown.String())}
}

// punctuator matches a token in a message of the parser that the server quotes.
var punctuator = regexp.MustCompile(`(found|Expected|Unexpected) ([^\w<'"\s,.]+)`)

// pythonSyntax returns a message of the parser in the server's words, with its quotes and period.
func pythonSyntax(message string) string {
	message = strings.Replace(message, "expected at least one definition,", "Expected Name,", 1)
	message = punctuator.ReplaceAllString(message, `$1 '$2'`)
	return strings.TrimSuffix(strings.ReplaceAll(message, `"`, `'`), ".") + "."
}

// invalidQueries returns by name why the server refuses a query: it does not fit the schema (infrahub-behaviour.md, Importing 28).
// What a query selects of the kinds that the seed names is not checked.
func (s *Server) invalidQueries(objects []importedObject) map[string]string {
	reasons := map[string]string{}
	for _, o := range objects {
		if o.kind != queryKind {
			continue
		}
		if invalid := s.invalidOnServer(o.values["query"]); len(invalid) > 0 {
			described := make([]string, len(invalid))
			for i, one := range invalid {
				described[i] = fmt.Sprintf("GraphQLError(%s%s)", quote(strings.ReplaceAll(one.Message, `"`, `'`)), sourceLocations(one))
			}
			reasons[o.name] = "Query is not valid, [" + strings.Join(described, ", ") + "]"
		}
	}
	return reasons
}

func sourceLocations(of *gqlerror.Error) string {
	var places []string
	for _, at := range of.Locations {
		places = append(places, fmt.Sprintf("SourceLocation(line=%d, column=%d)", at.Line, at.Column))
	}
	return ", locations=[" + strings.Join(places, ", ") + "]"
}

// invalidOnServer returns the errors of a document that a server would not accept either.
func (s *Server) invalidOnServer(query string) gqlerror.List {
	validate := func(schema *ast.Schema) gqlerror.List {
		document, err := parser.ParseQuery(&ast.Source{Input: query})
		if err != nil {
			return gqlerror.List{{Message: err.Error()}}
		}
		return slices.DeleteFunc(validator.ValidateWithRules(schema, document, rules.NewDefaultRules()), s.concernsSeededKind)
	}
	invalid := validate(s.schema)
	if len(invalid) == 0 {
		return nil
	}
	whole, err := s.whole()
	if err != nil {
		return invalid
	}
	return validate(whole)
}

// quotedName matches the name of the field or type that an error of the validator begins with.
var quotedName = regexp.MustCompile(`^(?:Cannot query field|Unknown type) "(\w+)"`)

// concernsSeededKind reports whether an error tells that a kind does not exist that the seed names.
func (s *Server) concernsSeededKind(one *gqlerror.Error) bool {
	found := quotedName.FindStringSubmatch(one.Message)
	if found == nil {
		return false
	}
	return slices.ContainsFunc(s.seededKinds(), func(kind string) bool {
		rest, ok := strings.CutPrefix(found[1], kind)
		return ok && slices.Contains([]string{"", "Create", "Update", "Upsert", "Delete"}, rest)
	})
}

// seededKinds returns the kinds that the seed names.
func (s *Server) seededKinds() []string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.seededKinds
}
