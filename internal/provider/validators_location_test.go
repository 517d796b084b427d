package provider

import (
	"strings"
	"testing"
)

// locationTypes are the types with a location.
func locationTypes() []string { return []string{readOnlyType, readWriteType, gitRefType} }

// validateLocation validates a location of a type.
func validateLocation(t *testing.T, typeName, location string) diagnostics {
	t.Helper()
	p := newProvider(t)
	if typeName == gitRefType {
		return p.validateDataSource(typeName, attributes{"location": location})
	}
	return p.validate(typeName, attributes{"name": "network", "location": location})
}

func TestLocation_WhatIsWrongIsNamedWithWhatToWrite(t *testing.T) {
	t.Parallel()
	const tokenQuery = "?token=" + secret
	for location, parts := range map[string][]string{
		// White space.
		"https://git.example.com/network.git\n": {"white space at its beginning or end", "trimspace(…)"},
		" /srv/git/network.git":                 {"white space at its beginning or end"},
		"git@git.example.com:network.git\t":     {"white space at its beginning or end"},
		"https://git.example.com/my network":    {"white space", "%20"},
		"/srv/git/net\nwork.git":                {"control character"},
		"https://git.example.com/net\x00work":   {"control character"},
		// No URL, but almost one.
		"localhost:8332/x":                {"ssh", "https://localhost:8332/x", "http://localhost:8332/x", "ssh://localhost/~/8332/x"},
		"git.example.com:443":             {"https://git.example.com:443"},
		"[::1]:8332/x":                    {"http://[::1]:8332/x"},
		`C:\git\network`:                  {"path of Windows", "/srv/git/network.git"},
		"C:/git/network":                  {"path of Windows"},
		"https:/git.example.com/x":        {"Two slashes", "https://"},
		"https:git.example.com/x":         {"Two slashes", "https://"},
		"SSH:/git.example.com/x":          {"Two slashes", "ssh://"},
		"file:/srv/git/network.git":       {"Two slashes", "file://"},
		"http:8332/x":                     {"Two slashes", "http://"},
		"htps://git.example.com/x":        {"must be the URL"},
		"https//git.example.com/x":        {"must be the URL"},
		"https://git.example.com:99999/x": {"port 99999", "65535"},
		"ssh://git@git.example.com:0/x":   {"port 0"},
		// What a URL of a repository does not have.
		"https://git.example.com/network.git" + tokenQuery: {"query", "store and show it to everybody", "credential_id"},
		"http://git.example.com/network?":                  {"query"},
		"https://git.example.com/network.git#" + secret:    {"fragment", "default_branch"},
		"ssh://git@git.example.com/network.git#main":       {"fragment", "ref"},
		"https://git.example.com/network#":                 {"fragment"},
		"https://bot@git.example.com/network" + tokenQuery: {"username or a password"},
		"https://github.com/x/y/tree/main" + tokenQuery:    {"query"},
		// Pages.
		"https://github.com/x/y/tree/main":                       {"page", `location = "https://github.com/x/y.git"`, `ref = "main"`},
		"https://GitHub.com/x/y/tree/feature/bgp":                {`location = "https://GitHub.com/x/y.git"`, `ref = "feature/bgp"`},
		"https://www.github.com/x/y.git/tree/main/":              {`location = "https://www.github.com/x/y.git"`, `ref = "main"`},
		"https://github.com/x/y/releases/tag/v1.2.0":             {`ref = "v1.2.0"`, "default_branch"},
		"https://github.com/x/y/commit/0a0a0a0a":                 {`ref = "0a0a0a0a"`},
		"https://github.com/x/y/pull/5":                          {`location = "https://github.com/x/y.git".`},
		"https://gitlab.com/a/b/c/-/tree/v1.0.0":                 {`location = "https://gitlab.com/a/b/c.git"`, `ref = "v1.0.0"`},
		"https://git.example.com:8443/a/b/-/blob/main/README.md": {`location = "https://git.example.com:8443/a/b.git"`, `ref = "main/README.md"`},
		"https://gitlab.com/a/b/-/merge_requests/5":              {`location = "https://gitlab.com/a/b.git".`},
	} {
		t.Run(strings.ReplaceAll(location, secret, "SECRET"), func(t *testing.T) {
			t.Parallel()
			for _, typeName := range locationTypes() {
				diags := validateLocation(t, typeName, location)
				diags.expectNoSecret(t, secret)
				diags.onlyError(t).expect(t, "location", "Invalid Location", parts...)
				if warnings := diags.warnings(); warnings != nil {
					t.Errorf("%s: warnings besides the error: %v", typeName, warnings)
				}
			}
		})
	}
}

func TestLocation_UnusualFormsAreValid(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"/srv/git/my network.git", "file:///srv/git/my network.git", "git@git.example.com:2222/network.git", "bot@localhost:8332/x",
		"ssh://git@[::1]:2222/network.git", "https://git.example.com/tree/network.git", "https://git.example.com/infra/tree/network.git",
		"https://dev.azure.com/x/y/_git/network", "https://github.com/x/y", "https://github.com/x/y.git", "https://git.example.com/",
		"x:network.git", "ssh://git@git.example.com/a?b.git", "git.example.com:8332x/y",
	} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			for _, typeName := range locationTypes() {
				validateLocation(t, typeName, location).requireNone(t)
			}
		})
	}
}

func TestLocation_ThatInfrahubMayChangeIsAWarning(t *testing.T) {
	t.Parallel()
	for _, typeName := range []string{readOnlyType, readWriteType} {
		diags := validateLocation(t, typeName, "https://github.com/x/y.git/")
		diags.requireNoErrors(t)
		diags.onlyWarning(t).expect(t, "location", "Location Ends With a Slash", "appends .git", `"https://github.com/x/y.git"`)
		validateLocation(t, typeName, "https://git.example.com/x/").onlyWarning(t).expect(t, "location", "Location Ends With a Slash", `"https://git.example.com/x"`)
		validateLocation(t, typeName, "ssh://git@git.example.com/x/").requireNone(t)
		validateLocation(t, typeName, "/srv/git/x/").requireNone(t)
	}
	validateLocation(t, gitRefType, "https://git.example.com/x/").requireNone(t) // Infrahub does not get it
}

func TestLocation_ThatLooksLikeAPageIsAWarning(t *testing.T) {
	t.Parallel()
	for location, parts := range map[string][]string{
		"https://git.example.com/x/y/tree/main":           {`"https://git.example.com/x/y.git"`, `ref = "main"`},
		"https://git.example.com/x/y/src/branch/main":     {`"https://git.example.com/x/y.git"`, `ref = "main"`},
		"https://git.example.com/x/y/src/tag/v1.0.0":      {`ref = "v1.0.0"`},
		"https://git.example.com/x/y/commit/0a0a0a0a0a0a": {`ref = "0a0a0a0a0a0a"`},
	} {
		for _, typeName := range locationTypes() {
			diags := validateLocation(t, typeName, location)
			diags.requireNoErrors(t)
			diags.onlyWarning(t).expect(t, "location", "Location Looks Like a Page", parts...)
		}
	}
}
