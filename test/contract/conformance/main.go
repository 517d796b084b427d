// Command conformance writes test/contract/CONFORMANCE.md: which facts about Infrahub are proven, by
// which test, of the mock and of a live server. The facts are the comments of the tests; what was proven
// is kept in testdata/mock.json and testdata/live.json, which -results brings up to date.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	directory := flag.String("directory", filepath.Join("test", "contract"), "the `directory` of the tests")
	results := flag.String("results", "", "the `file` of a run's events, as go test -json writes them")
	flag.Parse()
	if err := run(*directory, *results); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run takes the results of a run in, if there are any, and writes the page.
func run(directory, results string) error {
	facts, err := readFacts(directory)
	if err != nil {
		return err
	}
	known, err := readProofs(directory)
	if err != nil {
		return err
	}
	if results != "" {
		events, err := os.Open(results)
		if err != nil {
			return err
		}
		defer func() { _ = events.Close() }()
		if err := known.update(events); err != nil {
			return fmt.Errorf("read %s: %w", results, err)
		}
		known.forget(facts)
		if err := known.write(directory); err != nil {
			return err
		}
	}
	for _, each := range facts {
		if _, proven := known.mock[each.test]; !proven && results == "" {
			return fmt.Errorf("%s is not proven of the mock: run make contract", each.test)
		}
	}
	unlike, err := readUnlike(directory)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, "CONFORMANCE.md"), []byte(page(facts, known, unlike)), 0o644)
}
