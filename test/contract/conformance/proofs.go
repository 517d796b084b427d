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

// proof says with which versions a fact was last proven.
type proof struct {
	Version string `json:"version"`
	// Date is that of a live run; of the mock every run proves it.
	Date string `json:"date,omitempty"`
	// Note says what could not be asked of this server.
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

// proofs are those of the mock and of live servers, by test.
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

// readUnlike reads which recorded exchanges the mock answers otherwise, and why.
func readUnlike(directory string) (unlike map[string]string, err error) {
	return unlike, readJSON(filepath.Join(directory, "testdata", "unlike.json"), &unlike)
}

// readJSON reads a file; one that is not there yet is empty.
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

// update takes in what a run proved. A test that failed proves nothing any more.
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

// forget drops the proofs of tests that are no more.
func (p proofs) forget(facts []fact) {
	for _, of := range p.files() {
		maps.DeleteFunc(of, func(test string, _ proof) bool {
			return !slices.ContainsFunc(facts, func(f fact) bool { return f.test == test })
		})
	}
}
