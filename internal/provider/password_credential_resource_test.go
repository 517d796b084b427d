package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestPasswordCredential_PlanOfACreateLeavesTheLabelToInfrahub(t *testing.T) {
	t.Parallel()
	i := startServer(t, mockserver.Options{}).connect(t).newInstance(credentialType)
	plan := i.plan(attributes{"name": "git"})
	if difference := cmp.Diff(attributes{"name": "git", "id": unknown, "label": unknown}, plan.state); difference != "" {
		t.Errorf("plan (-want +got):\n%s", difference)
	}
}

func TestPasswordCredential_PlanOfAnUpdate(t *testing.T) {
	t.Parallel()
	state := attributes{"id": "0d0c96ac-83d5-4ca5-9f28-68b527a471d7", "name": "git", "label": "Git", "username": "bot", "password_wo_version": 1}
	config := attributes{"name": "git", "username": "bot", "password_wo": secret, "password_wo_version": 1}
	for name, test := range map[string]struct{ after, want attributes }{
		"nothing":                       {nil, state},
		"password_wo alone":             {attributes{"password_wo": "other"}, state},
		"password_wo_version":           {attributes{"password_wo": "other", "password_wo_version": 2}, state.with(attributes{"password_wo_version": 2})},
		"password_wo removed":           {attributes{"password_wo": nil, "password_wo_version": nil}, state.with(attributes{"password_wo_version": nil})},
		"rename keeps the label":        {attributes{"name": "other"}, state.with(attributes{"name": "other"})},
		"label that Infrahub generated": {attributes{"label": "Git"}, state},
		"another label":                 {attributes{"label": "Other"}, state.with(attributes{"label": "Other"})},
		"username cleared":              {attributes{"username": nil}, state.with(attributes{"username": nil})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := startServer(t, mockserver.Options{}).connect(t).newInstance(credentialType)
			i.state = state
			plan := i.plan(config.with(test.after))
			plan.diagnostics.requireNone(t)
			if difference := cmp.Diff(test.want, plan.state); difference != "" || plan.replacedBy != nil {
				t.Errorf("replaced by %v, plan (-want +got):\n%s", plan.replacedBy, difference)
			}
		})
	}
}

func TestPasswordCredential_PasswordsAreValidated(t *testing.T) {
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
			diags := newProvider(t).validate(credentialType, attributes{"name": "git", "username": "bot"}.with(test.config))
			diags.expectNoSecret(t, secret)
			if test.attribute == "" {
				diags.requireNone(t)
				return
			}
			got := diags.onlyError(t)
			got.expect(t, test.attribute, got.summary, test.part)
		})
	}
}

func TestPasswordCredential_OldCLIRefusesTheWriteOnlyPassword(t *testing.T) {
	t.Parallel()
	for name, cli := range map[string]*tfprotov6.ValidateResourceConfigClientCapabilities{"no capabilities": nil, "without write-only attributes": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			p.validateFor(cli, credentialType, attributes{"name": "git", "username": "bot", "password": secret}).requireNone(t)
			diags := p.validateFor(cli, credentialType, attributes{"name": "git", "username": "bot", "password_wo": secret, "password_wo_version": 1})
			diags.onlyError(t).expect(t, "password_wo", "WriteOnly Attribute Not Allowed", "1.11")
			diags.expectNoSecret(t, secret)
		})
	}
}
