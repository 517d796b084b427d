package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// minimal is the least configuration of a resource.
func minimal(kind string) attributes {
	switch kind {
	case credential, tag, branch:
		return attributes{"name": "git"}
	case proposedChange:
		return attributes{"name": "Release", "source_branch": "release"}
	case readOnlyRef:
		return attributes{"repository_id": "0d0c96ac-83d5-4ca5-9f28-68b527a471d7", "branch": "release", "ref": "v1.0.0"}
	default:
		return attributes{"name": "network", "location": "https://git.example.com/network.git"}
	}
}

func TestValidation_EveryAttribute(t *testing.T) {
	t.Parallel()
	longestText, tooLong := strings.Repeat("é", maxTextBytes/2), strings.Repeat("é", maxTextBytes/2+1)
	texts := []any{"x", "two words", "a\nb", longestText}
	noText := []any{"", tooLong}
	branches := []any{"rel", "release-1.2", "feature/x", "a@b", "release_é", strings.Repeat("x", 250)}
	noBranches := []any{
		"", "ab", strings.Repeat("x", 251), "two words", "a..b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a@{b", "/abc", "abc/", "a//b", "a/.b", "abc.", "abc.lock", "a\tb",
	}
	for _, test := range []struct {
		kind, attribute string
		required        bool
		valid, invalid  []any
	}{
		{credential, "name", true, append(texts, "a/b"), noText},
		{credential, "label", false, append(texts, "a/b"), noText},
		{credential, "description", false, append(texts, "\n"), noText},
		{credential, "username", false, append(texts, "a/b"), noText},
		{credential, "password", false, append(texts, " "), noText},
		{credential, "timeouts", false, []any{attributes{}, attributes{"create": "10m", "delete": "1h30m"}, attributes{"read": unknown}}, []any{attributes{"update": "soon"}, attributes{"read": "10"}}},
		{readOnly, "name", true, texts, append(noText, "a/b", "/")},
		{readOnly, "credential_id", false, []any{"0d0c96ac-83d5-4ca5-9f28-68b527a471d7", "0D0C96AC-83D5-4CA5-9F28-68B527A471D7"}, []any{"", "git", "0d0c96ac-83d5-4ca5-9f28-68b527a471d", "0d0c96ac83d54ca59f2868b527a471d7", "0d0c96ac-83d5-4ca5-9f28-68b527a471d7\n"}},
		{readOnly, "tags", false, []any{[]string{}, []string{"core"}, []string{"core", "edge"}}, []any{[]string{""}, []string{"core", ""}, []string{tooLong}}},
		{readOnly, "description", false, texts, noText},
		{readOnly, "wait_for_import", false, []any{true, false}, nil},
		{readOnly, "reimport_triggers", false, []any{map[string]string{"release": "1"}, map[string]string{"release": ""}}, []any{map[string]string{}}},
		{readOnly, "ref", false, []any{"main", "v1.0.0", "feature/x"}, noText},
		{readOnly, "timeouts", false, []any{attributes{"update": "90s"}, unknown}, []any{attributes{"create": "never"}, attributes{"delete": ""}}},
		{readWrite, "name", true, texts, append(noText, "a/b", "/")},
		{readWrite, "credential_id", false, []any{"0d0c96ac-83d5-4ca5-9f28-68b527a471d7"}, []any{"git"}},
		{readWrite, "tags", false, []any{[]string{"core"}}, []any{[]string{""}}},
		{readWrite, "description", false, texts, noText},
		{readWrite, "reimport_triggers", false, []any{map[string]string{"release": "1"}}, []any{map[string]string{}}},
		{readWrite, "default_branch", false, []any{"main", "feature/x"}, noText},
		{readWrite, "timeouts", false, []any{attributes{"update": "90s"}}, []any{attributes{"create": "never"}}},
		{readOnly, "resolve_ref", false, []any{true, false}, nil},
		{tag, "name", true, append(texts, "a/b"), noText},
		{tag, "description", false, texts, noText},
		{branch, "name", true, branches, noBranches},
		{branch, "description", false, texts, noText},
		{branch, "sync_with_git", false, []any{true, false}, nil},
		{proposedChange, "name", true, append(texts, "a/b"), noText},
		{proposedChange, "description", false, texts, noText},
		{proposedChange, "source_branch", true, branches, append(noBranches, "main")},
		{proposedChange, "destination_branch", false, []any{"main", "trunk"}, append(noBranches, "")},
		{proposedChange, "is_draft", false, []any{true, false}, nil},
		{readOnlyRef, "repository_id", true, []any{"0d0c96ac-83d5-4ca5-9f28-68b527a471d7"}, []any{"", "network"}},
		{readOnlyRef, "branch", true, append(branches, "main"), noBranches},
		{readOnlyRef, "ref", true, []any{"main", "v1.0.0", "feature/x"}, noText},
		{readOnlyRef, "wait_for_import", false, []any{true, false}, nil},
	} {
		t.Run(test.kind+"/"+test.attribute, func(t *testing.T) {
			t.Parallel()
			p := newProtocol(t)
			with := func(value any) attributes { return minimal(test.kind).with(attributes{test.attribute: value}) }
			for _, value := range append(test.valid, unknown) {
				if diags := p.validate(test.kind, with(value)); len(diags) > 0 {
					t.Errorf("%.30q is refused: %v", fmt.Sprint(value), diags.errors())
				}
			}
			if missing := p.validate(test.kind, with(nil)); missing.failed() != test.required {
				t.Errorf("without it: %v", missing.errors())
			}
			for _, value := range test.invalid {
				refused := p.validate(test.kind, with(value))
				if !refused.failed() {
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

func TestValidation_WhatInfrahubAloneKnowsCannotBeSet(t *testing.T) {
	t.Parallel()
	known := []string{"commit", "id", "internal_status", "operational_status", "sync_status"}
	want := map[string][]string{
		credential: {"id"}, readWrite: known, tag: {"id"}, branch: {"id", "status"}, proposedChange: {"id", "state"}, readOnlyRef: {"commit", "id"},
		readOnly: {"commit", "id", "internal_status", "operational_status", "planned_commit", "sync_status"},
	}
	got := map[string][]string{}
	p := newProtocol(t)
	for kind, schema := range p.schemas.ResourceSchemas {
		for _, attribute := range schema.Block.Attributes {
			if attribute.Computed && !attribute.Optional {
				got[kind] = append(got[kind], attribute.Name)
			}
		}
		slices.Sort(got[kind])
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("(-want +got)\n%s", difference)
	}
}

func TestValidation_Passwords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config    attributes
		attribute string // of the error; "" if it is valid
		part      string
	}{
		"password":                        {attributes{"password": secret}, "", ""},
		"password_wo":                     {attributes{"password_wo": secret, "password_wo_version": 1}, "", ""},
		"password_wo, unknown version":    {attributes{"password_wo": secret, "password_wo_version": unknown}, "", ""},
		"unknown password_wo":             {attributes{"password_wo": unknown, "password_wo_version": 1}, "", ""},
		"password_wo without version":     {attributes{"password_wo": secret}, "password_wo", "password_wo_version"},
		"version without password_wo":     {attributes{"password_wo_version": 1}, "password_wo_version", "password_wo"},
		"both":                            {attributes{"password": secret, "password_wo": secret, "password_wo_version": 1}, "password", "password_wo"},
		"password, unknown password_wo":   {attributes{"password": secret, "password_wo": unknown, "password_wo_version": 1}, "", ""},
		"empty password_wo":               {attributes{"password_wo": "", "password_wo_version": 1}, "password_wo", "empty"},
		"password_wo longer than allowed": {attributes{"password_wo": strings.Repeat(secret, 200), "password_wo_version": 1}, "password_wo", "4092"},
		"password longer than allowed":    {attributes{"password": strings.Repeat(secret, 200)}, "password", "4092"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := newProtocol(t).validate(credential, minimal(credential).with(test.config))
			diags.hides(t, secret)
			if test.attribute == "" {
				diags.none(t)
				return
			}
			got := diags.oneError(t)
			got.is(t, test.attribute, got.summary, test.part)
		})
	}
}

func TestValidation_OldCLI(t *testing.T) {
	t.Parallel()
	for name, cli := range map[string]*tfprotov6.ValidateResourceConfigClientCapabilities{"before capabilities": nil, "without write-only": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProtocol(t)
			p.validateAs(credential, attributes{"name": "git", "password": secret}, cli).none(t)
			diags := p.validateAs(credential, attributes{"name": "git", "password_wo": secret, "password_wo_version": 1}, cli)
			diags.oneError(t).is(t, "password_wo", "WriteOnly Attribute Not Allowed", "1.11")
			diags.hides(t, secret)
		})
	}
}
