package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a block of HCL on a page of the documentation. A page marks one that does not stand alone by a comment before it, with
// the reason: <!-- fragment: it needs the Vault provider -->. It must be formatted, and cannot be valid alone.
type block struct {
	page     string
	line     int
	text     string
	fragment bool
}

// parseBlocks returns the blocks of HCL on a page.
func parseBlocks(page, text string) []block {
	var blocks []block
	fence := regexp.MustCompile("(?ms)^(<!-- fragment: [^\n]+ -->\n\n?)?```(?:terraform|hcl)\n(.*?)^```$")
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		blocks = append(blocks, block{page: page, line: 1 + strings.Count(text[:at[4]], "\n"), text: text[at[4]:at[5]], fragment: at[2] >= 0})
	}
	return blocks
}

// allBlocks returns the blocks of HCL on all pages.
func allBlocks(t *testing.T) []block {
	t.Helper()
	var blocks []block
	err := filepath.WalkDir("../../docs", func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		content, err := os.ReadFile(path)
		blocks = append(blocks, parseBlocks(strings.TrimPrefix(filepath.ToSlash(path), "../../"), string(content))...)
		return err
	})
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no blocks of HCL found: %v", err)
	}
	return blocks
}

func TestParseBlocks(t *testing.T) {
	t.Parallel()
	page := "```terraform\na = 1\n```\n<!-- fragment: why -->\n```hcl\nb = 2\n```\n```shell\nc\n```\n<!-- fragment -->\n```terraform\nd = 4\n```\n"
	want := []block{{"p", 2, "a = 1\n", false}, {"p", 6, "b = 2\n", true}, {"p", 13, "d = 4\n", false}}
	if got := parseBlocks("p", page); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// appliedExamples returns the files that other tests apply, and the pages show, by their content.
func appliedExamples(t *testing.T) map[string]string {
	t.Helper()
	applied := map[string]string{}
	for _, pattern := range []string{
		"resources/*/resource*.tf", "resources/*/import-by-*.tf", "data-sources/*/data-source.tf", "provider/provider.tf",
		"release-bump/*/main.tf", "guides/*/main.tf", "guides/*/*/main.tf", "guides/testing-with-the-mock/tests/*.tftest.hcl",
	} {
		paths, err := filepath.Glob(filepath.Join(examples, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no examples: %s (%v)", pattern, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			applied[strings.TrimSpace(string(content))] = path
		}
	}
	return applied
}

func TestDocs_BlocksAreFormatted(t *testing.T) {
	t.Parallel()
	needsNoServer(t)
	w := newWorkspace(t, "")
	pages := map[string]string{}
	for i, b := range allBlocks(t) {
		name := fmt.Sprintf("block%d.tf", i)
		pages[name] = fmt.Sprintf("%s:%d", b.page, b.line)
		w.write(name, b.text)
	}
	output, err := w.command("fmt", "-check", "-diff").CombinedOutput()
	if err == nil {
		return
	}
	t.Errorf("%v\n%s", err, output)
	for name, where := range pages {
		if strings.Contains(string(output), name) {
			t.Errorf("%s is %s", name, where)
		}
	}
}

// Every block that stands alone is a valid configuration. One without required_providers gets them. One that is an example which
// another test applies is not validated once more.
func TestDocs_BlocksAreValid(t *testing.T) {
	t.Parallel()
	needsNoServer(t)
	applied := appliedExamples(t)
	validated := map[string]bool{}
	counts := map[string]int{}
	for _, b := range allBlocks(t) {
		switch {
		case applied[strings.TrimSpace(b.text)] != "":
			counts["applied by another test"]++
		case validated[b.text]:
			counts["validated on another page"]++
		default:
			if b.fragment {
				counts["fragments"]++
			} else {
				counts["validated"]++
			}
			validated[b.text] = true
			t.Run(fmt.Sprintf("%s:%d", b.page, b.line), func(t *testing.T) {
				t.Parallel()
				b.validate(t)
			})
		}
	}
	t.Log(counts)
}

func (b block) validate(t *testing.T) {
	t.Helper()
	if regexp.MustCompile(`(?m)^list "`).MatchString(b.text) {
		w := newWorkspace(t, requirement)
		w.write("block.tfquery.hcl", b.text)
		requireCLI(t, "terraform query", queries())
		w.run(0, "validate", "-query")
		return
	}
	text := b.text
	if !strings.Contains(text, "required_providers") {
		text = strings.Replace(requirement, "\nprovider \"infrahub\" {}\n", "", 1) + text
	}
	w := newWorkspace(t, text)
	if regexp.MustCompile(`(?m)^action "|action_trigger`).MatchString(text) {
		requireCLI(t, "an action", actions())
	}
	if strings.Contains(text, "identity = {") {
		requireCLI(t, "import by identity", identityImports())
	}
	if b.fragment {
		w.run(1, "validate") // otherwise remove the mark
	} else {
		w.run(0, "validate")
	}
}
