package citations

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Every link of a page leads somewhere: to a file of the repository, a heading, or a well-formed https URL.
func TestPages_LinksResolve(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range sources(t, ".md") {
		for _, link := range parseLinks(readFile(t, page)) {
			links++
			if reason := linkProblem(t, page, link.target); reason != "" {
				t.Errorf("%s:%d: %s: %s", page, link.line, link.target, reason)
			}
		}
	}
	if links == 0 {
		t.Error("no links found")
	}
	t.Logf("%d links", links)
}

// Every page of the documentation shows how something is done.
func TestPages_HaveAnExample(t *testing.T) {
	t.Parallel()
	for _, page := range sources(t, ".md") {
		if strings.HasPrefix(page, "docs/") && len(parseCode(readFile(t, page))) == 0 {
			t.Errorf("%s has no example", page)
		}
	}
}

// The registries show about a hundred characters of a line of code. A reader has to scroll for the rest.
func TestPages_CodeFitsTheScreen(t *testing.T) {
	t.Parallel()
	const width, unbreakable = 100, 50
	for _, page := range sources(t, ".md") {
		if page != "README.md" && !strings.HasPrefix(page, "docs/") {
			continue
		}
		for _, block := range parseCode(readFile(t, page)) {
			for line := range strings.Lines(block) {
				words := strings.Fields(line)
				longest := slices.MaxFunc(append(words, ""), func(a, b string) int { return len(a) - len(b) })
				if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > width && len(longest) <= unbreakable {
					t.Errorf("%s: break this line: %s", page, line)
				}
			}
		}
	}
}

// The index leads to every guide.
func TestPages_GuidesAreInTheIndex(t *testing.T) {
	t.Parallel()
	linked := map[string]bool{}
	for _, link := range parseLinks(readFile(t, "docs/index.md")) {
		linked[link.target] = true
	}
	for _, page := range sources(t, ".md") {
		if name, isGuide := strings.CutPrefix(page, "docs/"); isGuide && strings.HasPrefix(name, "guides/") && !linked[name] {
			t.Errorf("docs/index.md does not link to %s", name)
		}
	}
}

func TestParseLinks(t *testing.T) {
	t.Parallel()
	page := "See [one](a.md) and [two](b.md#c \"title\").\n\n```text\n[no](link)\n```\n`[no](link)` ![image](d.png)\n<a id=\"x\"></a>[wrapped\ntext](e.md)\n"
	want := []link{{1, "a.md"}, {1, "b.md#c"}, {6, "d.png"}, {8, "e.md"}}
	if difference := cmp.Diff(want, parseLinks(page), cmp.AllowUnexported(link{})); difference != "" {
		t.Errorf("(-want +got):\n%s", difference)
	}
}

func TestParseAnchors(t *testing.T) {
	t.Parallel()
	page := "# One Two\n\n## `code` and *more*: it's here\n\n```shell\n# no heading\n```\n\n## One Two\n\n<a id=\"nested--x\"></a>\n"
	want := []string{"one-two", "code-and-more-its-here", "one-two-1", "nested--x"}
	if difference := cmp.Diff(want, parseAnchors(page)); difference != "" {
		t.Errorf("(-want +got):\n%s", difference)
	}
}

func TestLinkProblem(t *testing.T) {
	t.Parallel()
	const page = "docs/guides/releases.md"
	for target, want := range map[string]string{
		"https://example.com/a":          "",
		"http://example.com":             "it is no https URL",
		"https://":                       "it is no https URL",
		"infrahub-behaviour.md":          "",
		"infrahub-behaviour.md#writing":  "",
		"infrahub-behaviour.md#reading":  "docs/guides/infrahub-behaviour.md has no heading reading",
		"#directly":                      "",
		"#indirectly":                    "docs/guides/releases.md has no heading indirectly",
		"../index.md":                    "",
		"../nope.md":                     "docs/nope.md does not exist",
		"../../../outside.md":            "it leads out of the repository",
		"../resources/branch":            "docs/resources/branch does not exist",
		"../../README.md#install":        "a page of the Registry cannot link to README.md",
		"../resources/branch.md#example": "docs/resources/branch.md has no heading example",
	} {
		if got := linkProblem(t, page, target); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
}

// link is a link or an image of a page.
type link struct {
	line   int
	target string
}

// parseLinks returns the links of a page, without those in code.
func parseLinks(page string) []link {
	page = withoutCode(page)
	var links []link
	for _, at := range regexp.MustCompile(`\]\(([^)\s]+)(?:\s+"[^"]*")?\)`).FindAllStringSubmatchIndex(page, -1) {
		links = append(links, link{1 + strings.Count(page[:at[2]], "\n"), page[at[2]:at[3]]})
	}
	return links
}

// linkProblem returns why a link of a page leads nowhere, "" if it leads somewhere.
func linkProblem(t *testing.T, page, target string) string {
	t.Helper()
	parsed, err := url.Parse(target)
	if err != nil || parsed.IsAbs() || parsed.Host != "" {
		if err != nil || parsed.Scheme != "https" || parsed.Host == "" {
			return "it is no https URL"
		}
		return ""
	}
	file := page
	if parsed.Path != "" {
		file = path.Join(path.Dir(page), parsed.Path)
	}
	switch {
	case strings.HasPrefix(file, ".."):
		return "it leads out of the repository"
	case strings.HasPrefix(page, "docs/") && !strings.HasPrefix(file, "docs/"):
		return "a page of the Registry cannot link to " + file
	case (mention{path: file}).problem(t) != "":
		return (mention{path: file}).problem(t)
	case parsed.Fragment != "" && !slices.Contains(parseAnchors(readFile(t, file)), parsed.Fragment):
		return file + " has no heading " + parsed.Fragment
	default:
		return ""
	}
}

// parseAnchors returns the names that a link to a page can have after #: those of its headings, as GitHub and the Registry build
// them, and those that it names itself.
func parseAnchors(page string) []string {
	var anchors []string
	unlinked := regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
	dropped := regexp.MustCompile(`[^\p{L}\p{N}\-_ ]`)
	for _, match := range regexp.MustCompile(`(?m)^#{1,6} +(.+)$|<a id="([^"]+)">`).FindAllStringSubmatch(withoutBlocks(page), -1) {
		if match[2] != "" {
			anchors = append(anchors, match[2])
			continue
		}
		text := unlinked.ReplaceAllString(match[1], "$1")
		anchor := strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), ""), " ", "-")
		unique := anchor
		for n := 1; slices.Contains(anchors, unique); n++ {
			unique = anchor + "-" + string(rune('0'+n))
		}
		anchors = append(anchors, unique)
	}
	return anchors
}

// parseCode returns the code blocks of a page.
func parseCode(page string) []string { return codeBlock().FindAllString(page, -1) }

func codeBlock() *regexp.Regexp { return regexp.MustCompile("(?ms)^ *```.*?^ *```$") }

// withoutBlocks returns a page with its code blocks as empty lines.
func withoutBlocks(page string) string {
	return codeBlock().ReplaceAllStringFunc(page, func(code string) string { return strings.Repeat("\n", strings.Count(code, "\n")) })
}

// withoutCode returns a page without its code, with every line where it was.
func withoutCode(page string) string {
	return regexp.MustCompile("`[^`\n]+`").ReplaceAllString(withoutBlocks(page), "")
}
