package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write writes a file below a directory.
func write(t *testing.T, directory, name, content string) {
	t.Helper()
	path := filepath.Join(directory, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// suite returns a directory with three tests.
func suite(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	for _, section := range sections() {
		write(t, directory, section.file, "package contract\n")
	}
	write(t, directory, "writing_test.go", "package contract\n\n// It a|b.\nfunc TestWriting12_B() {}\n\n// An id is\n// honoured.\nfunc TestWriting1_ID() {}\n")
	write(t, directory, "errors_test.go", "package contract\n\n// Errors have a code.\nfunc TestErrors_Code() {}\n\nfunc prove() {}\n")
	write(t, directory, "testdata/exceptions.json", `{"a.json: b": "it crashed"}`)
	return directory
}

func read(t *testing.T, directory, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(directory, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func rows(t *testing.T, directory string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(read(t, directory, "CONFORMANCE.md")) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| |") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

const (
	mockRun = `{"Action":"attr","Test":"TestWriting1_ID/1.9.9","Key":"mock","Value":"1.9.9"}
{"Action":"attr","Test":"TestWriting1_ID/1.11.9","Key":"mock","Value":"1.11.9"}
{"Action":"pass","Test":"TestWriting1_ID/1.9.9"}
{"Action":"pass","Test":"TestWriting1_ID"}
{"Action":"attr","Test":"TestErrors_Code/1.11.9","Key":"mock","Value":"1.11.9"}
{"Action":"fail","Test":"TestErrors_Code"}
{"Action":"pass","Package":"contract"}
`
	liveRun = `{"Action":"attr","Test":"TestErrors_Code","Key":"live","Value":"1.11.9"}
{"Action":"attr","Test":"TestErrors_Code","Key":"note","Value":"not asked"}
{"Time":"2026-11-23T01:00:00Z","Action":"pass","Test":"TestErrors_Code"}
`
)

func TestRun_UpdatesTheProofs(t *testing.T) {
	t.Parallel()
	directory := suite(t)
	write(t, directory, "testdata/mock.json", `{"TestErrors_Code":{"version":"1.11.9"},"TestGone":{"version":"1.11.9"}}`)
	for _, events := range []string{mockRun, liveRun} {
		write(t, directory, "events", events)
		if err := run(directory, filepath.Join(directory, "events")); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`| 1 | An id is honoured. | TestWriting1_ID | 1.11.9 and 1.9.9 | — |`,
		`| 12 | It a\|b. | TestWriting12_B | — | — |`,
		`|  | Errors have a code. | TestErrors_Code | — | 1.11.9, 2026-11-23 (not asked) |`,
		`| exchange | why |`,
		`| a.json: b | it crashed |`,
	}
	if got := rows(t, directory); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if known := read(t, directory, "testdata/mock.json"); strings.Contains(known, "TestGone") {
		t.Errorf("a proof is left of a test that does not exist: %s", known)
	}
}

func TestRun_WithoutResultsKeepsTheProofs(t *testing.T) {
	t.Parallel()
	directory := suite(t)
	write(t, directory, "testdata/mock.json", `{"TestErrors_Code":{"version":"1.11.9"},"TestWriting1_ID":{"version":"1.11.9"},"TestWriting12_B":{"version":"1.11.9"}}`)
	write(t, directory, "testdata/live.json", `{"TestErrors_Code":{"version":"1.10.0","date":"2026-01-02"}}`)
	if err := run(directory, ""); err != nil {
		t.Fatal(err)
	}
	first := read(t, directory, "CONFORMANCE.md")
	if !strings.Contains(first, "| 1.10.0, 2026-01-02 |") {
		t.Errorf("got %s", first)
	}
	if err := run(directory, ""); err != nil || read(t, directory, "CONFORMANCE.md") != first {
		t.Errorf("the second run writes another page: %v", err)
	}
}

func TestRun_RequiresAProofOfTheMock(t *testing.T) {
	t.Parallel()
	if err := run(suite(t), ""); err == nil || !strings.Contains(err.Error(), "TestWriting1_ID is not proven of the mock") {
		t.Errorf("got %v", err)
	}
}

func TestRun_RequiresACommentOfEachTest(t *testing.T) {
	t.Parallel()
	directory := suite(t)
	write(t, directory, "kinds_test.go", "package contract\n\nfunc TestKinds1_Silent() {}\n")
	if err := run(directory, ""); err == nil || !strings.Contains(err.Error(), "TestKinds1_Silent has no comment that states what it proves") {
		t.Errorf("got %v", err)
	}
}
