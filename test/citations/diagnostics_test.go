package citations

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	troubleshooting = "docs/guides/troubleshooting.md"
	// anyTitle stands for the name of a kind, with which many summaries begin: "… Not Created".
	anyTitle = "…"
)

// The page explains every diagnostic of the provider, each in a row of a table that begins with its summary in bold, and
// no other. A row has a cause and what to do.
func TestTroubleshooting_ExplainsEveryDiagnostic(t *testing.T) {
	t.Parallel()
	var paths []string
	for _, path := range sources(t, ".go") {
		if filepath.Dir(path) == "internal/provider" && !strings.HasSuffix(path, "_test.go") {
			paths = append(paths, path)
		}
	}
	code := parseSummaries(t, paths, func(path string) string { return readFile(t, path) })
	page := readFile(t, troubleshooting)
	if difference := cmp.Diff(code, explained(page)); difference != "" {
		t.Errorf("diagnostics (-in the code +in %s):\n%s", troubleshooting, difference)
	}
	for _, row := range explanation().FindAllStringSubmatch(page, -1) {
		for cell := range strings.SplitSeq(row[2], "|") {
			if len(strings.TrimSpace(cell)) < 10 {
				t.Errorf("%s: %s: a cell of the row is empty", troubleshooting, row[1])
			}
		}
	}
	t.Logf("%d diagnostics", len(code))
}

// explanation matches a row of the page: its summary, and the other cells.
func explanation() *regexp.Regexp { return regexp.MustCompile(`(?m)^\| \*\*(.+?)\*\* \|(.*)\|$`) }

func explained(page string) []string {
	var summaries []string
	for _, row := range explanation().FindAllStringSubmatch(page, -1) {
		summaries = append(summaries, row[1])
	}
	return slices.Sorted(slices.Values(summaries))
}

func TestParseSummaries(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code string
		want []string
	}{
		"a literal":            {`func f(d D) { d.AddError("A Thing", "x"); d.AddAttributeWarning(p, "Another", "x") }`, []string{"A Thing", "Another"}},
		"a constant":           {`const summary = "A Thing"; func f() { diag.NewErrorDiagnostic(summary, "x") }`, []string{"A Thing"}},
		"a variable":           {`func f() { s := "One"; if x { s, t = "Two", 1 }; diag.NewWarningDiagnostic(s, "x") }`, []string{"One", "Two"}},
		"a parameter":          {`func f(x, s string) { diag.NewErrorDiagnostic(s, x) }; func g() { f("x", "One"); f("y", "Two") }`, []string{"One", "Two"}},
		"a result":             {`func f() (string, int) { if x { return "", 1 }; return "One", 1 }; func g() { s, _ := f(); diag.NewErrorDiagnostic(s, "x") }`, []string{"One"}},
		"a result handed on":   {`func e() (string, int) { return "One", 1 }; func f() (string, int) { return e() }; func g() { s, _ := f(); d.AddError(s, "x") }`, []string{"One"}},
		"a title":              {`func (r R) f(o string) { d.AddError(r.title+" "+o, "x") }; func (r R) g() { r.f("Not Created") }`, []string{"… Not Created"}},
		"methods of one name":  {`func (a A) f(o string) { d.AddError("A "+o, "") }; func (b B) f(n int, o string) { d.AddError("B "+o, "") }; func g() { a.f("1"); b.f(1, "2") }`, []string{"A 1", "B 2"}},
		"methods of receivers": {`func (a A) f(o string) { d.AddError("A "+o, "") }; func (a A) g() { a.f("1") }; func (b *B[T]) f(o string) { d.AddError("B "+o, "") }; func (b *B[T]) g() { b.f("2") }`, []string{"A 1", "B 2"}},
		"an embedded method":   {`type C struct { *B[int]; a A }; func (a A) f(o string) { d.AddError("A "+o, "") }; func (b *B[T]) f(o string) { d.AddError("B "+o, "") }; func (c C) g() { c.f("2") }`, []string{"B 2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseSummaries(t, []string{"x.go"}, func(string) string { return "package x\n" + test.code })
			if difference := cmp.Diff(test.want, got); difference != "" {
				t.Errorf("(-want +got):\n%s", difference)
			}
		})
	}
}

// summaries finds the summaries of diagnostics in the syntax of one package, without its types. It tells functions apart by their
// name, their receiver and the number of their parameters.
type summaries struct {
	t         *testing.T
	positions *token.FileSet
	functions []*ast.FuncDecl
	constants map[string]ast.Expr
	calls     []call
	// embedded are the types that a struct embeds.
	embedded map[string][]string
}

// call is a call, and the function that it is in.
type call struct {
	*ast.CallExpr
	in *ast.FuncDecl
}

// summaryArgument returns the argument of a function that is the summary of a diagnostic.
func summaryArgument() map[string]int {
	return map[string]int{
		"AddError": 0, "AddWarning": 0, "NewErrorDiagnostic": 0, "NewWarningDiagnostic": 0,
		"AddAttributeError": 1, "AddAttributeWarning": 1, "NewAttributeErrorDiagnostic": 1, "NewAttributeWarningDiagnostic": 1,
	}
}

// parseSummaries returns the summaries that the files can report, sorted. It fails the test where it cannot find one out.
func parseSummaries(t *testing.T, paths []string, read func(path string) string) []string {
	t.Helper()
	s := &summaries{t: t, positions: token.NewFileSet(), constants: map[string]ast.Expr{}, embedded: map[string][]string{}}
	for _, path := range paths {
		file, err := parser.ParseFile(s.positions, path, read(path), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.collect(file)
	}
	found := map[string]bool{}
	for _, each := range s.calls {
		if index, ok := summaryArgument()[calledName(each.CallExpr)]; ok {
			for _, text := range s.values(each.Args[index], each.in, nil) {
				if text != "" {
					found[text] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (s *summaries) collect(file *ast.File) {
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			s.functions = append(s.functions, declaration)
			ast.Inspect(declaration, func(node ast.Node) bool {
				if each, ok := node.(*ast.CallExpr); ok {
					s.calls = append(s.calls, call{each, declaration})
				}
				return true
			})
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				s.collectSpec(spec)
			}
		}
	}
}

func (s *summaries) collectSpec(spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		if len(spec.Values) == len(spec.Names) {
			for i, name := range spec.Names {
				s.constants[name.Name] = spec.Values[i]
			}
		}
	case *ast.TypeSpec:
		if structure, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range structure.Fields.List {
				if len(field.Names) == 0 {
					s.embedded[spec.Name.Name] = append(s.embedded[spec.Name.Name], receiver(field.Type))
				}
			}
		}
	}
}

// isCallOf reports whether a call may be one of a function. Where a method calls a method of its own receiver, that is certain.
func (s *summaries) isCallOf(called call, function *ast.FuncDecl) bool {
	if calledName(called.CallExpr) != function.Name.Name || len(called.Args) != len(parameters(function)) {
		return false
	}
	selector, isMethod := called.Fun.(*ast.SelectorExpr)
	if !isMethod || function.Recv == nil {
		return !isMethod && function.Recv == nil
	}
	on, isName := selector.X.(*ast.Ident)
	if !isName || called.in.Recv == nil || len(called.in.Recv.List[0].Names) == 0 || called.in.Recv.List[0].Names[0].Name != on.Name {
		return true
	}
	declaring := s.declaringType(receiver(called.in.Recv.List[0].Type), function.Name.Name)
	return declaring == "" || declaring == receiver(function.Recv.List[0].Type)
}

// declaringType returns the type that declares a method: the type itself or one that it embeds. It returns "" if none does.
func (s *summaries) declaringType(typeName, method string) string {
	for _, function := range s.functions {
		if function.Name.Name == method && function.Recv != nil && receiver(function.Recv.List[0].Type) == typeName {
			return typeName
		}
	}
	for _, embedded := range s.embedded[typeName] {
		if declaring := s.declaringType(embedded, method); declaring != "" {
			return declaring
		}
	}
	return ""
}

// calledName returns the name of the function or method that is called, "" if it has none.
func calledName(expression *ast.CallExpr) string {
	switch function := expression.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		return function.Sel.Name
	default:
		return ""
	}
}

// values returns the texts that an expression in a function can have. Seen are the expressions that are being looked at.
func (s *summaries) values(expression ast.Expr, in *ast.FuncDecl, seen []ast.Expr) []string {
	s.t.Helper()
	if slices.Contains(seen, expression) {
		return nil
	}
	seen = append(slices.Clone(seen), expression)
	switch expression := expression.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(expression.Value); err == nil {
			return []string{text}
		}
	case *ast.BinaryExpr:
		var texts []string
		for _, left := range s.values(expression.X, in, seen) {
			for _, right := range s.values(expression.Y, in, seen) {
				texts = append(texts, left+right)
			}
		}
		return texts
	case *ast.SelectorExpr:
		if expression.Sel.Name == "title" {
			return []string{anyTitle}
		}
	case *ast.CallExpr:
		return s.results(call{expression, in}, 0, seen)
	case *ast.Ident:
		return s.named(expression, in, seen)
	}
	s.t.Errorf("%s: the summary of this diagnostic is not found: write it as a text, or teach this test", s.positions.Position(expression.Pos()))
	return nil
}

// named returns the texts that a parameter, a variable or a constant can have.
func (s *summaries) named(name *ast.Ident, in *ast.FuncDecl, seen []ast.Expr) []string {
	if constant, ok := s.constants[name.Name]; ok {
		return s.values(constant, in, seen)
	}
	var texts []string
	if index := slices.Index(parameters(in), name.Name); index >= 0 {
		for _, each := range s.calls {
			if s.isCallOf(each, in) {
				texts = append(texts, s.values(each.Args[index], each.in, seen)...)
			}
		}
	}
	ast.Inspect(in.Body, func(node ast.Node) bool {
		assignment, ok := node.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range assignment.Lhs {
			if variable, ok := left.(*ast.Ident); !ok || variable.Name != name.Name {
				continue
			}
			if len(assignment.Lhs) == len(assignment.Rhs) {
				texts = append(texts, s.values(assignment.Rhs[i], in, seen)...)
			} else if several, ok := assignment.Rhs[0].(*ast.CallExpr); ok {
				texts = append(texts, s.results(call{several, in}, i, seen)...)
			}
		}
		return true
	})
	if texts == nil && len(seen) == 1 {
		s.t.Errorf("%s: %s has no value that this test finds", s.positions.Position(name.Pos()), name.Name)
	}
	return texts
}

// results returns the texts that one result of a call can have.
func (s *summaries) results(called call, index int, seen []ast.Expr) []string {
	var texts []string
	for _, function := range s.functions {
		if !s.isCallOf(called, function) {
			continue
		}
		ast.Inspect(function.Body, func(node ast.Node) bool {
			if _, isLiteral := node.(*ast.FuncLit); isLiteral {
				return false
			}
			returned, ok := node.(*ast.ReturnStmt)
			switch {
			case !ok:
			case len(returned.Results) > index && (index > 0 || len(returned.Results) > 1 || function.Type.Results.NumFields() == 1):
				texts = append(texts, s.values(returned.Results[index], function, seen)...)
			case len(returned.Results) == 1:
				if several, ok := returned.Results[0].(*ast.CallExpr); ok {
					texts = append(texts, s.results(call{several, function}, index, seen)...)
				}
			}
			return true
		})
	}
	return texts
}

// parameters returns the names of the parameters of a function.
func parameters(function *ast.FuncDecl) []string {
	var names []string
	for i, field := range function.Type.Params.List {
		if len(field.Names) == 0 {
			names = append(names, fmt.Sprint("unnamed ", i))
		}
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}
