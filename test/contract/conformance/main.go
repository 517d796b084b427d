// Command conformance writes test/contract/CONFORMANCE.md: the facts about Infrahub, and which test proves each of the
// mock and of a live server. A fact is the comment of its test. The proofs are in testdata/mock.json and
// testdata/live.json, which -results updates.
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

// run updates the proofs from the results of a run, if there are any, and writes the page.
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
		known.removeOthers(facts)
		if err := known.write(directory); err != nil {
			return err
		}
	}
	for _, f := range facts {
		if _, proven := known.mock[f.test]; !proven && results == "" {
			return fmt.Errorf("%s is not proven of the mock: run make contract", f.test)
		}
	}
	exceptions, err := readExceptions(directory)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, "CONFORMANCE.md"), []byte(page(facts, known, exceptions)), 0o644)
}
