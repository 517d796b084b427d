package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// proof is the last proof of a fact.
type proof struct {
	// Version is the version of the server, or versions with " and " between them.
	Version string `json:"version"`
	// Date is the date of a live run, "" for the mock, which every run proves.
	Date string `json:"date,omitempty"`
	// Note names what the test did not ask of this server.
	Note string `json:"note,omitempty"`
}

func (p proof) cell() string {
	if p.Version == "" {
		return "—"
	}
	text := strings.Join(slices.DeleteFunc([]string{p.Version, p.Date}, func(part string) bool { return part == "" }), ", ")
	if p.Note != "" {
		text += " (" + p.Note + ")"
	}
	return cell(text)
}

// proofs holds the proofs of the mock and of live servers, by test.
type proofs struct{ mock, live map[string]proof }

func (p proofs) files() map[string]map[string]proof {
	return map[string]map[string]proof{"mock.json": p.mock, "live.json": p.live}
}

func readProofs(directory string) (proofs, error) {
	known := proofs{map[string]proof{}, map[string]proof{}}
	for name, of := range known.files() {
		if err := readJSON(filepath.Join(directory, "testdata", name), &of); err != nil {
			return proofs{}, err
		}
	}
	return known, nil
}

// readExceptions returns the recorded exchanges to which the mock responds differently, and why.
func readExceptions(directory string) (exceptions map[string]string, err error) {
	return exceptions, readJSON(filepath.Join(directory, "testdata", "exceptions.json"), &exceptions)
}

// readJSON reads a file. A missing file is empty.
func readJSON(path string, into any) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func (p proofs) write(directory string) error {
	for name, of := range p.files() {
		content, err := json.MarshalIndent(of, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, "testdata", name), append(content, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// event is a line of go test -json.
type event struct {
	Time                     time.Time
	Action, Test, Key, Value string
}

// update adds the proofs of a run, and removes the proofs of tests that failed in it.
func (p proofs) update(events io.Reader) error {
	versions, notes := map[string]map[string][]string{"mock": {}, "live": {}}, map[string]string{}
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return err
		}
		test, _, inside := strings.Cut(e.Test, "/")
		switch {
		case e.Action == "attr" && e.Key == "note":
			notes[test] = strings.TrimPrefix(notes[test]+"; "+e.Value, "; ")
		case e.Action == "attr" && versions[e.Key] != nil && !slices.Contains(versions[e.Key][test], e.Value):
			versions[e.Key][test] = append(versions[e.Key][test], e.Value)
		case test == "" || inside:
		case e.Action == "fail":
			for kind, of := range map[string]map[string]proof{"mock": p.mock, "live": p.live} {
				if versions[kind][test] != nil {
					delete(of, test)
				}
			}
		case e.Action == "pass":
			if proven := versions["mock"][test]; proven != nil {
				slices.Sort(proven)
				p.mock[test] = proof{Version: strings.Join(proven, " and ")}
			}
			if proven := versions["live"][test]; proven != nil {
				p.live[test] = proof{Version: proven[0], Date: e.Time.UTC().Format(time.DateOnly), Note: notes[test]}
			}
		}
	}
	return lines.Err()
}

// removeOthers removes the proofs of tests that no longer exist.
func (p proofs) removeOthers(facts []fact) {
	for _, of := range p.files() {
		maps.DeleteFunc(of, func(test string, _ proof) bool {
			return !slices.ContainsFunc(facts, func(f fact) bool { return f.test == test })
		})
	}
}
