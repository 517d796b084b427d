package provider

import "testing"

func TestLocation_ThatMayBeMeantOtherwiseWarns(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]struct{ summary, detail string }{
		"https://git.example.com/x/y/tree/main": {"Location Looks Like a Page", `location = "https://git.example.com/x/y.git" and ref = "main"`},
		"https://github.com/x/y.git/":           {"Location Ends With a Slash", `Write "https://github.com/x/y.git"`},
	} {
		diags := newProvider(t).validate(readOnlyType, resourceTypeOf(t, readOnlyType).valid.with(attributes{"location": location}))
		diags.requireNoErrors(t)
		diags.onlyWarning(t).expect(t, "location", want.summary, want.detail)
	}
}

func TestRef_ThatGitCannotReadIsRefused(t *testing.T) {
	t.Parallel()
	valid := resourceTypeOf(t, readOnlyType).valid
	for _, ref := range []string{"main", "v1.2.0", "release/1.2", "v1.0.0^{commit}", "v1^0", "HEAD", "refs/tags/v1", "origin/main", "main@{1}", "0123abc"} {
		newProvider(t).validate(readOnlyType, valid.with(attributes{"ref": ref})).requireNone(t)
	}
	for ref, why := range map[string]string{
		"v1.0.0 ":   `Write "v1.0.0"`,
		"v1.0.0\n":  "trimspace",
		"v 1":       "a space",
		"-v1":       "a hyphen at its beginning",
		"a..b":      "two dots in a row",
		"v1:x":      "one of",
		"v1^{x}y":   "an expression that leads to no commit",
		"^0":        "an expression that leads to no commit",
		"v1\u00a02": "white space",
	} {
		newProvider(t).validate(readOnlyType, valid.with(attributes{"ref": ref})).onlyError(t).expect(t, "ref", "Invalid Git Ref", why)
	}
}

func TestDefaultBranch_ThatIsNoBranchIsRefused(t *testing.T) {
	t.Parallel()
	valid := resourceTypeOf(t, readWriteType).valid
	for branch, why := range map[string]string{
		"refs/heads/main": `write "main"`,
		"HEAD":            "names the branch that a clone checks out",
		"main stable":     "a space",
		"v1^0":            "one of",
	} {
		newProvider(t).validate(readWriteType, valid.with(attributes{"default_branch": branch})).onlyError(t).expect(t, "default_branch", "Invalid Branch Name", why)
	}
}

func TestCredential_PasswordWithoutAUsernameWarns(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, config := range []attributes{
		{"name": "git", "password": secret},
		{"name": "git", "password_wo": secret, "password_wo_version": 1},
	} {
		diags := p.validate(credentialType, config)
		diags.requireNoErrors(t)
		diags.expectNoSecret(t, secret)
		diags.onlyWarning(t).expect(t, "username", "Credential Has No Username", "Set username")
		p.validate(credentialType, config.with(attributes{"username": "bot"})).requireNone(t)
	}
	p.validate(credentialType, attributes{"name": "git"}).requireNone(t)
}
