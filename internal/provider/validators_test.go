package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// validation is a test of the validators of one attribute. Unknown is always valid, null if the attribute is not required.
type validation struct {
	typeName, attribute string
	required            bool
	valid, invalid      []any
}

func TestValidators_OfEveryAttribute(t *testing.T) {
	t.Parallel()
	longestText, tooLong := strings.Repeat("é", maxTextBytes/2), strings.Repeat("é", maxTextBytes/2+1)
	texts := []any{"x", "two words", "a\nb", longestText}
	invalidTexts := []any{"", tooLong}
	branches := []any{"rel", "release-1.2", "feature/x", "a@b", "release_é", strings.Repeat("x", 250)}
	invalidBranches := []any{
		"", "ab", strings.Repeat("x", 251), "two words", "a..b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a@{b", "/abc", "abc/", "a//b", "a/.b", "abc.", "abc.lock", "a\tb",
	}
	waits := []any{true, false}
	tests := []validation{
		{credentialType, "name", true, append(texts, "a/b"), invalidTexts},
		{credentialType, "label", false, append(texts, "a/b"), invalidTexts},
		{credentialType, "description", false, append(texts, "\n"), invalidTexts},
		{credentialType, "username", false, append(texts, "a/b"), invalidTexts},
		{credentialType, "password", false, append(texts, " "), invalidTexts},
		{readOnlyType, "name", true, texts, append(invalidTexts, "a/b", "/")},
		{readOnlyType, "credential_id", false, texts, invalidTexts},
		{readOnlyType, "tags", false, []any{[]string{}, []string{"core"}, []string{"core", "edge"}}, []any{[]string{""}, []string{"core", ""}, []string{tooLong}}},
		{readOnlyType, "description", false, texts, invalidTexts},
		{readOnlyType, "wait_for_import", false, waits, nil},
		{readOnlyType, "reimport_triggers", false, []any{map[string]string{"release": "1"}, map[string]string{"release": ""}}, []any{map[string]string{}}},
		{readOnlyType, "ref", false, []any{"main", "v1.0.0", "feature/x"}, invalidTexts},
		{readWriteType, "name", true, texts, append(invalidTexts, "a/b", "/")},
		{readWriteType, "credential_id", false, texts, invalidTexts},
		{readWriteType, "tags", false, []any{[]string{"core"}}, []any{[]string{""}}},
		{readWriteType, "description", false, texts, invalidTexts},
		{readWriteType, "reimport_triggers", false, []any{map[string]string{"release": "1"}}, []any{map[string]string{}}},
		{readWriteType, "default_branch", false, []any{"main", "feature/x"}, invalidTexts},
		{readOnlyType, "resolve_ref", false, []any{true, false}, nil},
		{tagType, "name", true, append(texts, "a/b"), invalidTexts},
		{tagType, "description", false, texts, invalidTexts},
		{branchType, "name", true, branches, invalidBranches},
		{branchType, "description", false, texts, invalidTexts},
		{branchType, "sync_with_git", false, []any{true, false}, nil},
		{proposedChangeType, "name", true, append(texts, "a/b"), invalidTexts},
		{proposedChangeType, "description", false, texts, invalidTexts},
		{proposedChangeType, "source_branch", true, branches, append(invalidBranches, "main")},
		{proposedChangeType, "destination_branch", false, []any{"main", "trunk"}, append(invalidBranches, "")},
		{proposedChangeType, "is_draft", false, []any{true, false}, nil},
		{readOnlyRefType, "repository_id", true, texts, invalidTexts},
		{readOnlyRefType, "branch", true, append(branches, "main"), invalidBranches},
		{readOnlyRefType, "ref", true, []any{"main", "v1.0.0", "feature/x"}, invalidTexts},
		{readOnlyRefType, "wait_for_import", false, waits, nil},
		{readWriteType, "wait_for_import", false, waits, nil},
		{proposedChangeType, "wait_for_checks", false, waits, nil},
		{proposedChangeType, "merge", false, waits, nil},
		// The values of these are tested with TestLocation_… and TestPasswordCredential_….
		{readOnlyType, "location", true, nil, nil},
		{readWriteType, "location", true, nil, nil},
		{credentialType, "password_wo", false, nil, nil},
		{credentialType, "password_wo_version", false, nil, nil},
	}
	for _, name := range []string{branchType, credentialType, proposedChangeType, readOnlyType, readWriteType, tagType} {
		tests = append(tests, validation{name, "adopt_existing", false, []any{true, false}, nil})
	}
	for _, r := range resourceTypes() {
		tests = append(tests, validation{
			r.name, "timeouts", false,
			[]any{attributes{}, attributes{"create": "10m", "update": "1h30m"}, attributes{"read": unknown}},
			[]any{attributes{"create": "never"}, attributes{"update": "soon"}, attributes{"read": "10"}, attributes{"read": ""}},
		})
	}
	expectEveryAttribute(t, tests)
	for _, test := range tests {
		t.Run(test.typeName+"/"+test.attribute, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			with := func(value any) attributes {
				return resourceTypeOf(t, test.typeName).valid.with(attributes{test.attribute: value})
			}
			valid := test.valid
			if test.attribute != "password_wo" && test.attribute != "password_wo_version" { // each requires the other
				valid = append(valid, unknown)
			}
			for _, value := range valid {
				if diags := p.validate(test.typeName, with(value)); len(diags) > 0 {
					t.Errorf("%.30q is refused: %v", fmt.Sprint(value), diags.errors())
				}
			}
			if missing := p.validate(test.typeName, with(nil)); missing.hasErrors() != test.required {
				t.Errorf("without it: %v", missing.errors())
			}
			for _, value := range test.invalid {
				refused := p.validate(test.typeName, with(value))
				if !refused.hasErrors() {
					t.Errorf("%.30q is accepted", fmt.Sprint(value))
				}
				for _, each := range refused.errors() {
					if each.attribute != test.attribute || each.detail == "" {
						t.Errorf("%.30q: %s", fmt.Sprint(value), each)
					}
				}
			}
		})
	}
}

// expectEveryAttribute expects a test of every attribute that a configuration can set.
func expectEveryAttribute(t *testing.T, tests []validation) {
	t.Helper()
	p := newProvider(t)
	for _, r := range resourceTypes() {
		for _, attribute := range p.schemas.ResourceSchemas[r.name].Block.Attributes {
			tested := slices.ContainsFunc(tests, func(v validation) bool { return v.typeName == r.name && v.attribute == attribute.Name })
			if !tested && r.settable(p, attribute.Name) {
				t.Errorf("no test of the validators of %s.%s", r.name, attribute.Name)
			}
		}
	}
}

func TestOptional_NullAndUnknownAreNil(t *testing.T) {
	t.Parallel()
	text, empty := "text", ""
	for name, test := range map[string]struct {
		value types.String
		want  *string
	}{
		"text":    {types.StringValue("text"), &text},
		"empty":   {types.StringValue(""), &empty},
		"null":    {types.StringNull(), nil},
		"unknown": {types.StringUnknown(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if difference := cmp.Diff(test.want, optional(test.value)); difference != "" {
				t.Errorf("(-want +got)\n%s", difference)
			}
		})
	}
}

func TestParseHTTPURL_AcceptsWebServersAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://infrahub.example.com": true, "http://127.0.0.1:8000": true, "https://h/at/infrahub/": true, "https://[::1]:8000": true,
		"": false, "infrahub": false, "infrahub:8000": false, "ftp://h": false, "https://": false, "https:///path": false,
		"https://h?a=b": false, "https://h#a": false, "https://h:port": false, "https://bot:" + secret + "@h:port": false,
	} {
		parsed, err := parseHTTPURL(text)
		if (err == nil) != want || (parsed != nil) != want {
			t.Errorf("%q: %v, want it to be accepted: %t", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error contains the secret: %v", err)
		}
	}
}
