// Package citations tests that what comments and pages refer to exists: facts about Infrahub's behaviour, and
// the files and functions that CONTRIBUTING.md names.
package citations

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	root   = "../.."
	guides = "docs/guides"
	// factsPage holds the numbered facts, each cited as in "(infrahub-behaviour.md, Writing 2)".
	factsPage = "infrahub-behaviour.md"
)

// Every citation of a fact names a page, a section and numbers that exist.
func TestFacts_CitationsExist(t *testing.T) {
	t.Parallel()
	checker := newChecker(readPages(t))
	for _, path := range sources(t, "GNUmakefile", ".go", ".graphql", ".md", ".tmpl", ".tf", ".hcl", ".sh", ".yml", ".yaml") {
		own := strings.TrimSuffix(filepath.Base(path), ".tmpl") == factsPage
		for _, problem := range checker.check(readFile(t, path), own) {
			t.Errorf("%s:%d: %s", path, problem.line, problem.message)
		}
	}
}

// The facts of each section are numbered from 1 on, without a gap: numbers never change.
func TestFacts_AreNumberedInOrder(t *testing.T) {
	t.Parallel()
	sections := parseFacts(readFile(t, filepath.Join(guides, factsPage)))
	if len(sections) == 0 {
		t.Fatal("the page has no numbered facts")
	}
	for section, numbers := range sections {
		for i, number := range numbers {
			if number != i+1 {
				t.Errorf("%s: fact %d follows %d others", section, number, i)
				break
			}
		}
	}
}

// The number in the name of a contract test, as in TestWriting2_UpdateResponse, is that of a fact.
func TestFacts_ContractTestsAreNamedAfterFacts(t *testing.T) {
	t.Parallel()
	facts := readPages(t)[factsPage]
	name := regexp.MustCompile(`(?m)^func Test([A-Z][a-z]+)(\d+)_\w+`)
	found := 0
	for _, path := range sources(t, "_test.go") {
		if filepath.Dir(path) != "test/contract" {
			continue
		}
		for _, match := range name.FindAllStringSubmatch(readFile(t, path), -1) {
			found++
			if number, _ := strconv.Atoi(match[2]); !slices.Contains(facts[match[1]], number) {
				t.Errorf("%s: %s: there is no fact %s %d", path, match[0], match[1], number)
			}
		}
	}
	if found == 0 {
		t.Error("no contract test has the number of a fact in its name")
	}
}

func TestChecker(t *testing.T) {
	t.Parallel()
	checker := newChecker(map[string]map[string][]int{
		"infrahub-behaviour.md": {"Writing": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, "Errors": {1, 2}},
		"releases.md":           {},
	})
	tests := map[string]struct {
		text string
		want []problem
	}{
		"no citation":             {"// See README.md, which is a page.", nil},
		"good":                    {"// Foo returns bar (infrahub-behaviour.md, Writing 2).", nil},
		"good, two numbers":       {"// Foo (infrahub-behaviour.md, Writing 1 and 10).", nil},
		"good, a range":           {"// Foo (infrahub-behaviour.md, Writing 3 to 7).", nil},
		"good, two sections":      {"// Foo (infrahub-behaviour.md, Writing 1, 4, Errors 2).", nil},
		"good, wrapped":           {"// Foo (infrahub-behaviour.md,\n\t// Writing 6). Bar.", nil},
		"good, wrapped at number": {"# Foo (infrahub-behaviour.md, Writing\n# 6). Bar.", nil},
		"good, after a link":      {"by default ([Behaviour](docs/guides/infrahub-behaviour.md), Writing 6).", nil},
		"good, not in brackets":   {"return errInternal // infrahub-behaviour.md, Writing 3", nil},
		"a link to the page":      {"See [Behaviour](docs/guides/infrahub-behaviour.md).", nil},
		"a path to the page":      {"`docs/guides/infrahub-behaviour.md` holds the facts", nil},
		"wrong number":            {"// Foo.\n// Bar (infrahub-behaviour.md, Writing 11).", []problem{{2, "infrahub-behaviour.md has no fact Writing 11"}}},
		"wrong second number":     {"// (infrahub-behaviour.md, Writing 1 and 12)", []problem{{1, "infrahub-behaviour.md has no fact Writing 12"}}},
		"wrong end of a range":    {"// (infrahub-behaviour.md, Errors 1 to 3)", []problem{{1, "infrahub-behaviour.md has no fact Errors 3"}}},
		"wrong section":           {"// (infrahub-behaviour.md, Reading 1)", []problem{{1, "infrahub-behaviour.md has no section Reading with numbered facts"}}},
		"wrong second section":    {"// (infrahub-behaviour.md, Writing 1, Reading 2)", []problem{{1, "infrahub-behaviour.md has no section Reading with numbered facts"}}},
		"wrong file":              {"// (behaviour.md, Writing 1)", []problem{{1, "there is no page docs/guides/behaviour.md"}}},
		"a page without facts":    {"// (releases.md, Writing 1)", []problem{{1, "releases.md has no section Writing with numbered facts"}}},
		"the page's old name":     {"// measured on a live server: infrahub.md", []problem{{1, "there is no page infrahub.md: cite infrahub-behaviour.md, a section and a number"}}},
		"its old name, numbered":  {"// (infrahub.md, Writing 1)", []problem{{1, "there is no page infrahub.md: cite infrahub-behaviour.md, a section and a number"}}},
		"no number":               {"// (infrahub-behaviour.md, Writing)", []problem{{1, "the citation of infrahub-behaviour.md, Writing has no number"}}},
		"no number, second":       {"// (infrahub-behaviour.md, Writing 1, Errors)", []problem{{1, "the citation of infrahub-behaviour.md, Errors has no number"}}},
		"no number after a link":  {"(see [Behaviour](infrahub-behaviour.md), Writing).", []problem{{1, "the citation of infrahub-behaviour.md, Writing has no number"}}},
		"no section":              {"// (infrahub-behaviour.md)", []problem{{1, "the citation of infrahub-behaviour.md has no section and number"}}},
		"number without section":  {"// (infrahub-behaviour.md, 2)", []problem{{1, "the citation of infrahub-behaviour.md has no section and number"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, checker.check(test.text, false), cmp.AllowUnexported(problem{})); diff != "" {
				t.Errorf("unexpected problems (-want +got):\n%s", diff)
			}
		})
	}
}

// The page of the facts cites itself without its name.
func TestChecker_OwnPage(t *testing.T) {
	t.Parallel()
	checker := newChecker(map[string]map[string][]int{factsPage: {"Writing": {1, 2}}})
	want := []problem{{2, "infrahub-behaviour.md has no fact Writing 3"}}
	if diff := cmp.Diff(want, checker.check("Foo (Writing 2).\nBar (Writing 3), (Other 7).", true), cmp.AllowUnexported(problem{})); diff != "" {
		t.Errorf("unexpected problems (-want +got):\n%s", diff)
	}
}

func TestParseFacts(t *testing.T) {
	t.Parallel()
	page := "# Page\n\n1. Not in a section\n\n## Writing\n\n1. One\n   1. nested\n2. Two\n\n## Importing\n\n1. One\n\n| # | case |\n|---|---|\n| 2 | two |\n| 3 | three |\n\n 4. Indented\n\n## Prose\n\nNone.\n"
	want := map[string][]int{"Writing": {1, 2}, "Importing": {1, 2, 3, 4}}
	if diff := cmp.Diff(want, parseFacts(page)); diff != "" {
		t.Errorf("unexpected facts (-want +got):\n%s", diff)
	}
}

// problem is what is wrong with a citation.
type problem struct {
	line    int
	message string
}

// checker finds citations in a text and checks them against the facts of the pages: page, section, numbers.
type checker struct {
	pages map[string]map[string][]int
	// oldName matches the name that the page of the facts had in comments.
	oldName *regexp.Regexp
	// page matches the name of a Markdown page, with the path or link before it and the bracket after it.
	page *regexp.Regexp
	// section and number match the next part of a citation.
	section, number *regexp.Regexp
	// unnamed matches a citation that names no page. The page itself cites so.
	unnamed *regexp.Regexp
}

func newChecker(pages map[string]map[string][]int) checker {
	return checker{
		pages:   pages,
		oldName: regexp.MustCompile(`(^|[^\w./-])infrahub\.md\b`),
		page:    regexp.MustCompile(`(\]\()?([\w./-]*/)?([\w-]+\.md)\)?`),
		section: regexp.MustCompile(`^, ([A-Z][a-z]+)\b`),
		number:  regexp.MustCompile(`^(?: |, | and | to )(\d+)\b`),
		unnamed: regexp.MustCompile(`\(([A-Z][a-z]+) (\d+)\)`),
	}
}

// check returns what is wrong with the citations of a text. Own is whether the text is the page of the facts.
func (c checker) check(text string, own bool) []problem {
	joined, lineAt := joinLines(text)
	var problems []problem
	report := func(offset int, format string, args ...any) {
		problems = append(problems, problem{lineAt(offset), fmt.Sprintf(format, args...)})
	}
	for _, at := range c.oldName.FindAllStringIndex(joined, -1) {
		report(at[1]-1, "there is no page infrahub.md: cite %s, a section and a number", factsPage)
	}
	for _, at := range c.page.FindAllStringSubmatchIndex(joined, -1) {
		name, start := joined[at[6]:at[7]], at[6]
		if name == "infrahub.md" {
			continue // reported above
		}
		isPath := at[2] >= 0 || at[4] >= 0 // a link or a path, not a citation unless a section follows
		rest := joined[at[1]:]
		if !isPath && strings.HasSuffix(joined[at[0]:at[1]], ")") {
			rest = ""
		}
		section := c.section.FindStringSubmatch(rest)
		if section == nil {
			if name == factsPage && !isPath {
				report(start, "the citation of %s has no section and number", name)
			}
			continue
		}
		c.checkSections(name, rest, func(format string, args ...any) { report(start, format, args...) })
	}
	for _, at := range c.unnamed.FindAllStringSubmatchIndex(joined, -1) {
		section := joined[at[2]:at[3]]
		switch number, _ := strconv.Atoi(joined[at[4]:at[5]]); {
		case !c.isSection(section):
		case !own:
			report(at[2], "the citation of %s %d names no page", section, number)
		case !slices.Contains(c.pages[factsPage][section], number):
			report(at[2], "%s has no fact %s %d", factsPage, section, number)
		}
	}
	return problems
}

// checkSections checks what follows the name of a page: ", Writing 1 and 9, Errors 2".
func (c checker) checkSections(page, rest string, report func(format string, args ...any)) {
	facts, known := c.pages[page]
	for first := true; ; first = false {
		section := c.section.FindStringSubmatch(rest)
		if section == nil {
			return
		}
		rest = rest[len(section[0]):]
		numbers, after := c.numbers(rest)
		rest = after
		_, hasSection := facts[section[1]]
		switch {
		case len(numbers) == 0 && !c.isSection(section[1]):
			return // prose: "README.md, Then …"
		case !known:
			if first {
				report("there is no page %s/%s", guides, page)
			}
		case !hasSection:
			report("%s has no section %s with numbered facts", page, section[1])
		case len(numbers) == 0:
			report("the citation of %s, %s has no number", page, section[1])
		default:
			for _, number := range numbers {
				if !slices.Contains(facts[section[1]], number) {
					report("%s has no fact %s %d", page, section[1], number)
				}
			}
		}
	}
}

// numbers returns the numbers that text begins with, and the text after them.
func (c checker) numbers(text string) ([]int, string) {
	var numbers []int
	for {
		match := c.number.FindStringSubmatch(text)
		if match == nil {
			return numbers, text
		}
		number, err := strconv.Atoi(match[1])
		if err != nil {
			return numbers, text
		}
		numbers = append(numbers, number)
		text = text[len(match[0]):]
	}
}

// isSection reports whether any page has a section of numbered facts with this name.
func (c checker) isSection(name string) bool {
	for _, sections := range c.pages {
		if _, ok := sections[name]; ok {
			return true
		}
	}
	return false
}

// joinLines returns a text as one line, without indentation and comment markers, and a function that returns the
// line of an offset. A citation may be wrapped.
func joinLines(text string) (joined string, lineAt func(offset int) int) {
	marker := regexp.MustCompile(`^\s*(//|#+|\*)?\s*`)
	var out strings.Builder
	var starts []int
	for line := range strings.Lines(text) {
		starts = append(starts, out.Len())
		out.WriteString(strings.TrimRight(line[len(marker.FindString(line)):], " \t\r\n") + " ")
	}
	return out.String(), func(offset int) int { return sort.SearchInts(starts, offset+1) }
}

// parseFacts returns the numbers of the facts of each section of a page: of its top-level list items, and of table
// rows whose first column is a number. A section without facts is left out.
func parseFacts(page string) map[string][]int {
	heading := regexp.MustCompile(`^## (\w+)\s*$`)
	fact := regexp.MustCompile(`^(?: ?(\d+)\. |\| (\d+) \|)`)
	facts := map[string][]int{}
	section := ""
	for line := range strings.Lines(page) {
		if match := heading.FindStringSubmatch(line); match != nil {
			section = match[1]
			continue
		}
		match := fact.FindStringSubmatch(line)
		if match == nil || section == "" {
			continue
		}
		number, err := strconv.Atoi(match[1] + match[2])
		if err == nil {
			facts[section] = append(facts[section], number)
		}
	}
	return facts
}

// readPages returns the numbered facts of every guide.
func readPages(t *testing.T) map[string]map[string][]int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, guides))
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]map[string][]int{}
	for _, entry := range entries {
		pages[entry.Name()] = parseFacts(readFile(t, filepath.Join(guides, entry.Name())))
	}
	return pages
}

// sources returns the files of the repository that end as given, relative to its root. It leaves out what builds
// make, and the tests of this package, which cite what does not exist.
func sources(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if entry.IsDir() {
			hidden := strings.HasPrefix(entry.Name(), ".") && !slices.Contains([]string{".", "..", ".github", ".ci"}, entry.Name())
			if hidden || relative == "dist" || relative == "test/citations" {
				return fs.SkipDir
			}
			return nil
		}
		if slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(relative, suffix) }) {
			paths = append(paths, relative)
		}
		return nil
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sources found: %v", err)
	}
	return paths
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
