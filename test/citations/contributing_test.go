package citations

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const contributing = "CONTRIBUTING.md"

// Every path that CONTRIBUTING.md names exists, and every function is in its file. The page writes a path from the
// root of the repository as `internal/infrahub/tag.go`, several files as `internal/infrahub/import_*`, and
// functions, methods or types after their file: `internal/infrahub/tag.go` `Client.Tags`, `newTag`. NAME in a path
// is a placeholder.
func TestContributing_NamesWhatExists(t *testing.T) {
	t.Parallel()
	page := readFile(t, contributing)
	if before, _, found := strings.Cut(page, "TODO"); found {
		t.Errorf("%s:%d: a TODO is left", contributing, 1+strings.Count(before, "\n"))
	}
	mentions := parseMentions(page)
	if len(mentions) == 0 {
		t.Fatal("the page names no file")
	}
	for _, mention := range mentions {
		if reason := mention.problem(t); reason != "" {
			t.Errorf("%s:%d: %s", contributing, mention.line, reason)
		}
	}
}

func TestParseMentions(t *testing.T) {
	t.Parallel()
	page := "`make test` and `ref` name no file.\n" +
		"`main.go` and `test/contract/` do; `internal/infrahub/import_*`, too.\n" +
		"1. `internal/infrahub/tag.go` `Client.Tags`, `newTag`: and `Tag` is prose.\n" +
		"2. `internal/infrahub/node.go`\n   `Nodes.Create` is wrapped.\n" +
		"3. `internal/infrahub/NAME.go` is a placeholder, `go.mod` is not.\n" +
		"```console\n$ cat `missing/file.go`\n```\n"
	want := []mention{
		{line: 2, path: "main.go"},
		{line: 2, path: "test/contract/"},
		{line: 2, path: "internal/infrahub/import_*"},
		{line: 3, path: "internal/infrahub/tag.go", names: []string{"Client.Tags", "newTag"}},
		{line: 4, path: "internal/infrahub/node.go", names: []string{"Nodes.Create"}},
		{line: 6, path: "go.mod"},
	}
	if diff := cmp.Diff(want, parseMentions(page), cmp.AllowUnexported(mention{})); diff != "" {
		t.Errorf("unexpected mentions (-want +got):\n%s", diff)
	}
}

func TestMention_Problem(t *testing.T) {
	t.Parallel()
	const file = "test/citations/contributing_test.go"
	tests := map[string]struct {
		mention mention
		want    string
	}{
		"a file":               {mention{path: file}, ""},
		"a directory":          {mention{path: "test/citations/"}, ""},
		"several files":        {mention{path: "test/citations/*_test.go"}, ""},
		"a function":           {mention{path: file, names: []string{"parseMentions"}}, ""},
		"a method":             {mention{path: file, names: []string{"mention.problem"}}, ""},
		"a method, unquali":    {mention{path: file, names: []string{"problem"}}, ""},
		"a type and a const":   {mention{path: file, names: []string{"mention", "contributing"}}, ""},
		"no such file":         {mention{path: "test/citations/nope.go"}, "test/citations/nope.go does not exist"},
		"no such directory":    {mention{path: "test/nope/"}, "test/nope/ does not exist"},
		"no such files":        {mention{path: "test/nope_*"}, "no file matches test/nope_*"},
		"a file elsewhere":     {mention{path: "test/contributing_test.go"}, "test/contributing_test.go does not exist"},
		"no such function":     {mention{path: file, names: []string{"parseMentions", "nope"}}, file + " does not declare nope"},
		"a method of another":  {mention{path: file, names: []string{"checker.problem"}}, file + " does not declare checker.problem"},
		"a function of a page": {mention{path: "CONTRIBUTING.md", names: []string{"nope"}}, "CONTRIBUTING.md is no Go file: it does not declare nope"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.mention.problem(t); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// mention is a path on a page, relative to the root of the repository, and the declarations named after it.
type mention struct {
	line  int
	path  string
	names []string
}

// parseMentions returns the paths and names that a page has in code spans, without its code blocks.
func parseMentions(page string) []mention {
	block := regexp.MustCompile("(?ms)^```.*?^```$")
	page = block.ReplaceAllStringFunc(page, func(code string) string { return strings.Repeat("\n", strings.Count(code, "\n")) })
	span := regexp.MustCompile("`([^`\n]+)`")
	path := regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)*/?$`)
	file := regexp.MustCompile(`\.(go|mod|md|graphql|keep|tmpl|ya?ml|json|sh|tf)$`)
	name := regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$`)
	separator := regexp.MustCompile(`^[\s,]+$`)

	var mentions []mention
	var current *mention // the mention that names may still follow
	end := 0
	for _, at := range span.FindAllStringSubmatchIndex(page, -1) {
		text := page[at[2]:at[3]]
		switch {
		case current != nil && separator.MatchString(page[end:at[0]]) && name.MatchString(text) && !file.MatchString(text):
			current.names = append(current.names, text)
		case path.MatchString(text) && (strings.Contains(text, "/") || file.MatchString(text)) && !strings.Contains(text, "NAME"):
			mentions = append(mentions, mention{line: 1 + strings.Count(page[:at[0]], "\n"), path: text})
			current = &mentions[len(mentions)-1]
		default:
			current = nil
		}
		end = at[1]
	}
	return mentions
}

// problem returns why a mention is wrong, "" if it is not.
func (m mention) problem(t *testing.T) string {
	t.Helper()
	if strings.Contains(m.path, "*") {
		if matches, err := filepath.Glob(filepath.Join(root, m.path)); err != nil || len(matches) == 0 {
			return "no file matches " + m.path
		}
		return ""
	}
	if _, err := os.Stat(filepath.Join(root, m.path)); err != nil {
		return m.path + " does not exist"
	}
	if len(m.names) == 0 {
		return ""
	}
	if !strings.HasSuffix(m.path, ".go") {
		return m.path + " is no Go file: it does not declare " + m.names[0]
	}
	declared := declarations(t, m.path)
	for _, name := range m.names {
		if !slices.Contains(declared, name) {
			return m.path + " does not declare " + name
		}
	}
	return ""
}

// declarations returns the functions, types, constants and variables that a Go file declares at its top level.
// A method is in it twice, as Close and as Client.Close.
func declarations(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			names = append(names, declaration.Name.Name)
			if declaration.Recv != nil {
				names = append(names, receiver(declaration.Recv.List[0].Type)+"."+declaration.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// receiver returns the name of a receiver's type, without its pointer and type parameters.
func receiver(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.StarExpr:
		return receiver(expression.X)
	case *ast.IndexExpr:
		return receiver(expression.X)
	case *ast.IndexListExpr:
		return receiver(expression.X)
	case *ast.Ident:
		return expression.Name
	default:
		return ""
	}
}
