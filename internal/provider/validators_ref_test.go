package provider

import (
	"strings"
	"testing"
)

// validateRef validates the ref of every type that has one, and returns what is found for each.
func validateRef(t *testing.T, ref string) []diagnostics {
	t.Helper()
	p := newProvider(t)
	return []diagnostics{
		p.validate(readOnlyType, attributes{"name": "network", "location": "https://git.example.com/network.git", "ref": ref}),
		p.validate(readOnlyRefType, attributes{"repository_id": nodeUUID, "branch": "release", "ref": ref}),
		p.validateDataSource(gitRefType, attributes{"location": "https://git.example.com/network.git", "ref": ref}),
	}
}

func TestRef_WhatGitCannotReadIsInvalid(t *testing.T) {
	t.Parallel()
	for ref, parts := range map[string][]string{
		" v1.0.0":         {`" v1.0.0"`, "a space", `Write "v1.0.0"`, "trimspace(…)"},
		"v1.0.0\n":        {`Write "v1.0.0"`, "trimspace(…)"},
		"v1.0.0\u00a0":    {"white space", `Write "v1.0.0"`},
		"two words":       {"a space", "such as v1.2.0"},
		"v1\x00":          {"control character"},
		"-v1.0.0":         {"a hyphen at its beginning"},
		"--upload-pack=x": {"a hyphen at its beginning"},
		"main..develop":   {"two dots in a row"},
		"main...develop":  {"two dots in a row"},
		"^main":           {"leads to no commit"},
		"main:README.md":  {"~ ^ : ? * ["},
		":/fix":           {"~ ^ : ? * ["},
		"v1?":             {"~ ^ : ? * ["},
		"v*":              {"~ ^ : ? * ["},
		"v[12]":           {"~ ^ : ? * ["},
		`release\1`:       {"a backslash"},
		"/main":           {"a slash at an end"},
		"feature/":        {"a slash at an end"},
		"feature//x":      {"two slashes in a row"},
		"feature/.x":      {"a part that begins with a dot"},
		".x":              {"a part that begins with a dot"},
		"v1.":             {"a dot at its end"},
		"v1.lock":         {".lock at the end"},
		"v1.lock/x":       {".lock at the end"},
		"v1^{commit":      {"leads to no commit"},
		"v1^{/two words}": {"white space"},
		"v1^{x}y":         {"leads to no commit"},
		"^0":              {"leads to no commit"},
		"v1~x":            {"leads to no commit"},
		"v1@{":            {"leads to no commit"},
		"v1~1:x":          {"leads to no commit"},
	} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			for _, diags := range validateRef(t, ref) {
				diags.onlyError(t).expect(t, "ref", "Invalid Git Ref", parts...)
			}
		})
	}
}

func TestRef_WhatGitReadsIsValid(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{
		"main", "v1.0.0", "feature/bgp", "release-1.2", "release_é", "HEAD", "@", "refs/tags/v1.0.0", "refs/heads/main", "origin/main",
		strings.Repeat("0a", 20), strings.ToUpper(strings.Repeat("0a", 20)), "0a0a0a0", "v1^{commit}", "v1^{}", "v1^0", "v1~0", "main~3^2", "main@{1}", "v1.0.0-3-g0a0a0a0", "a@b", "{x}",
	} {
		t.Run(ref, func(t *testing.T) {
			t.Parallel()
			for _, diags := range validateRef(t, ref) {
				diags.requireNone(t)
			}
		})
	}
}

func TestRepository_DefaultBranchIsTheNameOfAGitBranch(t *testing.T) {
	t.Parallel()
	validate := func(t *testing.T, branch string) diagnostics {
		t.Helper()
		return newProvider(t).validate(readWriteType, attributes{"name": "network", "location": "https://git.example.com/network.git", "default_branch": branch})
	}
	for branch, parts := range map[string][]string{
		"main\n":          {"a space, a control character"},
		"my main":         {"a space"},
		"main\u00a0":      {"white space"},
		"-main":           {"a hyphen at its beginning"},
		"a..b":            {"two dots in a row"},
		"main~1":          {"~ ^ : ? * ["},
		"feature/.x":      {"a part that begins with a dot"},
		"x.lock":          {".lock"},
		"HEAD":            {"the branch that a clone checks out", "such as main"},
		"@":               {"the branch that a clone checks out"},
		"refs/heads/main": {"full name", `write "main"`},
	} {
		t.Run(branch, func(t *testing.T) {
			t.Parallel()
			validate(t, branch).onlyError(t).expect(t, "default_branch", "Invalid Branch Name", parts...)
		})
	}
	for _, branch := range []string{"main", "x", "feature/bgp", "release-1.2", "release_é"} {
		validate(t, branch).requireNone(t)
	}
}

func TestPasswordCredential_PasswordWithoutAUsernameIsAWarning(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for name, config := range map[string]attributes{
		"password":    {"password": secret},
		"password_wo": {"password_wo": secret, "password_wo_version": 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := p.validate(credentialType, attributes{"name": "git"}.with(config))
			diags.requireNoErrors(t)
			diags.expectNoSecret(t, secret)
			diags.onlyWarning(t).expect(t, "username", "Credential Has No Username", "refuse it", "Set username")
			p.validate(credentialType, attributes{"name": "git", "username": "bot"}.with(config)).requireNone(t)
			p.validate(credentialType, attributes{"name": "git", "username": unknown}.with(config)).requireNone(t)
		})
	}
	p.validate(credentialType, attributes{"name": "git"}).requireNone(t)
	p.validate(credentialType, attributes{"name": "git", "password": unknown}).requireNone(t)
}
