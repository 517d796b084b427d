package provider

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// imported is the state of a repository after a good import, with its configuration.
func imported(kind string) (state, config attributes) {
	config = attributes{"name": "network", "location": "https://git.example.com/network.git", "description": "The network"}
	config[refOf(kind)] = "v1.0.0"
	return config.with(attributes{
		"id": "0d0c96ac-83d5-4ca5-9f28-68b527a471d7", "commit": "1f0a",
		"internal_status": "active", "operational_status": "online", "sync_status": "in-sync",
	}), config
}

func refOf(kind string) string {
	if kind == readWrite {
		return "default_branch"
	}
	return "ref"
}

func TestPlan_Repository(t *testing.T) {
	t.Parallel()
	const (
		commit   = "commit"
		statuses = "internal_status operational_status sync_status"
	)
	both := []string{readOnly, readWrite}
	for name, test := range map[string]struct {
		kinds []string
		// before and after change state and configuration.
		before, after attributes
		// alone is whether the provider's setting is not to wait.
		alone bool
		// unknown are attributes that are known after the apply only.
		unknown []string
	}{
		"description":                       {both, nil, attributes{"description": "Other"}, false, nil},
		"description cleared":               {both, nil, attributes{"description": nil}, false, nil},
		"name":                              {both, nil, attributes{"name": "other"}, false, nil},
		"tags":                              {both, nil, attributes{"tags": []string{"core"}}, false, nil},
		"tags, null to none":                {both, nil, attributes{"tags": []string{}}, false, nil},
		"credential":                        {both, nil, attributes{"credential_id": "9d0c96ac-83d5-4ca5-9f28-68b527a471d7"}, false, nil},
		"credential, unknown":               {both, nil, attributes{"credential_id": unknown}, false, nil},
		"timeouts":                          {both, nil, attributes{"timeouts": attributes{"update": "1h"}}, false, nil},
		"wait_for_import":                   {both, nil, attributes{"wait_for_import": false}, false, nil},
		"description of one that failed":    {both, attributes{"operational_status": "error"}, attributes{"description": "Other"}, false, nil},
		"location":                          {both, nil, attributes{"location": "https://git.example.com/other.git"}, false, []string{commit}},
		"location, unknown":                 {both, nil, attributes{"location": unknown}, false, []string{commit}},
		"reimport_triggers":                 {both, nil, attributes{"reimport_triggers": map[string]string{"a": "1"}}, false, []string{commit}},
		"reimport_triggers, changed":        {both, attributes{"reimport_triggers": map[string]string{"a": "1"}}, attributes{"reimport_triggers": map[string]string{"a": "2"}}, false, []string{commit}},
		"reimport_triggers, unknown":        {both, attributes{"reimport_triggers": map[string]string{"a": "1"}}, attributes{"reimport_triggers": unknown}, false, []string{commit}},
		"reimport, statuses of the past":    {both, attributes{"sync_status": "error-import"}, attributes{"reimport_triggers": map[string]string{"a": "1"}}, false, []string{commit, statuses}},
		"ref":                               {[]string{readOnly}, nil, attributes{"ref": "v1.1.0"}, false, []string{commit}},
		"ref, unknown":                      {[]string{readOnly}, nil, attributes{"ref": unknown}, false, []string{commit}},
		"ref, to its default":               {[]string{readOnly}, nil, attributes{"ref": nil}, false, []string{commit}},
		"ref, sync failed before":           {[]string{readOnly}, attributes{"sync_status": "error-import"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, unreachable before":           {[]string{readOnly}, attributes{"operational_status": "error-cred"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, inactive before":              {[]string{readOnly}, attributes{"internal_status": "inactive"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, never imported before":        {[]string{readOnly}, attributes{"commit": nil, "sync_status": "unknown"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, not waited for":               {[]string{readOnly}, nil, attributes{"ref": "v1.1.0", "wait_for_import": false}, false, []string{commit, statuses}},
		"ref, waiting is unknown":           {[]string{readOnly}, nil, attributes{"ref": "v1.1.0", "wait_for_import": unknown}, false, []string{commit, statuses}},
		"ref, provider does not wait":       {[]string{readOnly}, nil, attributes{"ref": "v1.1.0"}, true, []string{commit, statuses}},
		"ref, only the resource waits":      {[]string{readOnly}, nil, attributes{"ref": "v1.1.0", "wait_for_import": true}, true, []string{commit}},
		"location, not waited for":          {both, nil, attributes{"location": "https://git.example.com/other.git", "wait_for_import": false}, false, []string{commit, statuses}},
		"location and description together": {both, nil, attributes{"location": "https://git.example.com/other.git", "description": "Other"}, false, []string{commit}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range test.kinds {
				s := newServer(t, mockserver.Options{})
				p := newProtocol(t)
				p.configure(s.block().with(attributes{"wait_for_import": !test.alone})).none(t)
				i := p.newInstance(kind)
				state, config := imported(kind)
				i.state = state.with(test.before)
				config = config.with(onlyConfigured(test.before)).with(test.after)
				plan := i.plan(config)
				plan.diagnostics.none(t)
				want := i.state.with(test.after)
				if want["ref"] == nil && kind == readOnly {
					want["ref"] = "main"
				}
				for _, names := range test.unknown {
					for name := range strings.FieldsSeq(names) {
						want[name] = unknown
					}
				}
				if difference := cmp.Diff(want, plan.state); difference != "" || plan.replace != nil {
					t.Errorf("%s: replaces %v, plan (-want +got):\n%s", kind, plan.replace, difference)
				}
			}
		})
	}
}

// onlyConfigured leaves of a state what a configuration says.
func onlyConfigured(state attributes) attributes {
	config := maps.Clone(state)
	for _, computed := range []string{"commit", "internal_status", "operational_status", "sync_status"} {
		delete(config, computed)
	}
	return config
}

func TestPlan_NoChangeIsThePriorState(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, after attributes }{
		"nothing":               {},
		".git left out":         {nil, attributes{"location": "https://git.example.com/network"}},
		".git added":            {attributes{"location": "https://git.example.com/network"}, attributes{"location": "https://git.example.com/network.git"}},
		"default ref left out":  {attributes{"ref": "main", "default_branch": "main"}, attributes{"ref": nil, "default_branch": nil}},
		"a failed one":          {attributes{"sync_status": "error-import", "operational_status": "error"}, nil},
		"one without a commit":  {attributes{"commit": nil, "sync_status": "unknown"}, nil},
		"with everything given": {attributes{"tags": []string{"core"}, "reimport_triggers": map[string]string{"a": "1"}, "timeouts": attributes{"create": "1h"}, "wait_for_import": false}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, other := range map[string]string{readOnly: "default_branch", readWrite: "ref"} {
				s := newServer(t, mockserver.Options{})
				i := s.connected(t).newInstance(kind)
				state, config := imported(kind)
				i.state = state.with(test.before)
				delete(i.state, other)
				config = config.with(onlyConfigured(test.before)).with(test.after)
				delete(config, other)
				plan := i.plan(config)
				plan.diagnostics.none(t)
				if difference := cmp.Diff(i.state, plan.state); difference != "" || plan.replace != nil {
					t.Errorf("%s: replaces %v, plan (-state +plan):\n%s", kind, plan.replace, difference)
				}
				if requests := s.log.Requests(); len(requests) > 0 {
					t.Errorf("%s: planning asked %+v", kind, requests)
				}
			}
		})
	}
}

func TestPlan_DefaultBranchReplacesWithAWarning(t *testing.T) {
	t.Parallel()
	i := newServer(t, mockserver.Options{}).connected(t).newInstance(readWrite)
	state, config := imported(readWrite)
	i.state = state
	plan := i.plan(config.with(attributes{"default_branch": "stable"}))
	plan.diagnostics.noErrors(t)
	plan.diagnostics.oneWarning(t).is(t, "default_branch", "Repository Will Be Replaced", `"v1.0.0"`, `"stable"`, "deletes")
	if !slices.Equal(plan.replace, []string{"default_branch"}) {
		t.Errorf("replaced by %v", plan.replace)
	}
}

func TestPlan_CreateKnowsOnlyTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{readOnly, readWrite} {
		i := newServer(t, mockserver.Options{}).connected(t).newInstance(kind)
		plan := i.plan(minimal(kind))
		plan.diagnostics.none(t)
		want := minimal(kind).with(attributes{
			"id": unknown, "commit": unknown, "internal_status": unknown, "operational_status": unknown, "sync_status": unknown, refOf(kind): "main",
		})
		if difference := cmp.Diff(want, plan.state); difference != "" || plan.replace != nil {
			t.Errorf("%s: replaces %v, plan (-want +got):\n%s", kind, plan.replace, difference)
		}
	}
	i := newServer(t, mockserver.Options{}).connected(t).newInstance(credential)
	if difference := cmp.Diff(attributes{"name": "git", "id": unknown, "label": unknown}, i.plan(minimal(credential)).state); difference != "" {
		t.Errorf("credential: plan (-want +got):\n%s", difference)
	}
}

func TestPlan_DestroyPassesThrough(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{readOnly, readWrite} {
		i := newServer(t, mockserver.Options{}).connected(t).newInstance(kind)
		i.state, _ = imported(kind)
		i.private = private(t, `{"ref": "v9", "reason": "Ref v9 not found."}`)
		plan := i.plan(nil)
		plan.diagnostics.none(t)
		if plan.state != nil {
			t.Errorf("%s: planned %v", kind, plan.state)
		}
	}
}

func TestPlan_Credential(t *testing.T) {
	t.Parallel()
	state := attributes{"id": "0d0c96ac-83d5-4ca5-9f28-68b527a471d7", "name": "git", "label": "Git", "username": "bot", "password_wo_version": 1}
	config := attributes{"name": "git", "username": "bot", "password_wo": secret, "password_wo_version": 1}
	for name, test := range map[string]struct{ after, want attributes }{
		"nothing":                      {nil, state},
		"password_wo alone":            {attributes{"password_wo": "other"}, state},
		"password_wo_version":          {attributes{"password_wo": "other", "password_wo_version": 2}, state.with(attributes{"password_wo_version": 2})},
		"password_wo removed":          {attributes{"password_wo": nil, "password_wo_version": nil}, state.with(attributes{"password_wo_version": nil})},
		"rename keeps the label":       {attributes{"name": "other"}, state.with(attributes{"name": "other"})},
		"label that Infrahub has made": {attributes{"label": "Git"}, state},
		"another label":                {attributes{"label": "Other"}, state.with(attributes{"label": "Other"})},
		"username cleared":             {attributes{"username": nil}, state.with(attributes{"username": nil})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newServer(t, mockserver.Options{}).connected(t).newInstance(credential)
			i.state = state
			plan := i.plan(config.with(test.after))
			plan.diagnostics.none(t)
			if difference := cmp.Diff(test.want, plan.state); difference != "" || plan.replace != nil {
				t.Errorf("replaces %v, plan (-want +got):\n%s", plan.replace, difference)
			}
		})
	}
}

func TestPlan_BeforeTheProviderIsConfigured(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{readOnly, readWrite} {
		i := newProtocol(t).newInstance(kind)
		i.validate(kind, minimal(kind)).none(t)
		i.plan(minimal(kind)).diagnostics.none(t)
		state, config := imported(kind)
		i.state = state
		plan := i.plan(config.with(attributes{"location": "https://git.example.com/other.git"}))
		plan.diagnostics.none(t)
		if plan.state["commit"] != unknown {
			t.Errorf("%s: planned %v", kind, plan.state)
		}
	}
}
