// Package licences checks that everything in the binaries has a licence that they may be distributed under.
package licences

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// own is the module of the project.
const own = "github.com/infrahub-community/terraform-provider-infrahub"

// identify returns the SPDX id of a licence by its words, "" if they are those of no licence that is allowed.
func identify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(parts ...string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
	}
	switch {
	case has("Mozilla Public License", "2.0"):
		return "MPL-2.0"
	case has("Apache License", "Version 2.0"):
		return "Apache-2.0"
	case has("Redistribution and use in source and binary forms", "Neither the name"), has("Redistribution and use in source and binary forms", "may not be used to endorse"), has("Redistribution and use in source and binary forms", "names of its contributors"):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("Permission to use, copy, modify, and/or distribute this software"), has("Permission to use, copy, modify, and distribute this software"):
		return "ISC"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	default:
		return ""
	}
}

// A new dependency, or one that has changed its licence, must be looked at: then write the list anew with TEST_UPDATE=1.
func TestLicences_AreListedAndAllowed(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Dir}}{{end}}", ".", "./cmd/infrahub-mock")
	command.Dir = filepath.Join("..", "..")
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := slices.Compact(slices.Sorted(strings.Lines(string(output))))
	var list strings.Builder
	for _, line := range modules {
		module, directory, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || module == own {
			continue
		}
		licence := ""
		for _, pattern := range []string{"LICENSE*", "LICENCE*", "License*", "COPYING*"} {
			files, err := filepath.Glob(filepath.Join(directory, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if content, err := os.ReadFile(file); err == nil && licence == "" {
					licence = identify(string(content))
				}
			}
		}
		if licence == "" {
			t.Errorf("%s has no licence that is allowed", module)
		}
		_, _ = fmt.Fprintf(&list, "%-14s%s\n", licence, module)
	}
	const path = "licences.txt"
	if os.Getenv("TEST_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(list.String()), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
	}
	listed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(string(listed), list.String()); difference != "" {
		t.Errorf("%s (-listed +found):\n%s", path, difference)
	}
}
