package provider

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// importedRepository returns the state of a repository after a successful import, and its configuration.
func importedRepository(typeName string) (state, config attributes) {
	config = attributes{"name": "network", "location": "https://git.example.com/network.git", "description": "The network"}
	config[refAttribute(typeName)] = "v1.0.0"
	return config.with(attributes{
		"id": "0d0c96ac-83d5-4ca5-9f28-68b527a471d7", "commit": "1f0a",
		"internal_status": "active", "operational_status": "online", "sync_status": "in-sync",
	}), config
}

// refAttribute returns the attribute that holds the ref.
func refAttribute(typeName string) string {
	if typeName == readWriteType {
		return "default_branch"
	}
	return "ref"
}

func TestRepository_PlanOfAnUpdate(t *testing.T) {
	t.Parallel()
	const (
		commit   = "commit"
		statuses = "internal_status operational_status sync_status"
	)
	both := []string{readOnlyType, readWriteType}
	for name, test := range map[string]struct {
		typeNames []string
		// before changes the state, after the configuration.
		before, after attributes
		// doesNotWait is set if the provider does not wait for imports.
		doesNotWait bool
		// unknown are the attributes that are known only after the apply.
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
		"reimport, failed before":           {both, attributes{"sync_status": "error-import"}, attributes{"reimport_triggers": map[string]string{"a": "1"}}, false, []string{commit, statuses}},
		"ref":                               {[]string{readOnlyType}, nil, attributes{"ref": "v1.1.0"}, false, []string{commit}},
		"ref, unknown":                      {[]string{readOnlyType}, nil, attributes{"ref": unknown}, false, []string{commit}},
		"ref, to its default":               {[]string{readOnlyType}, nil, attributes{"ref": nil}, false, []string{commit}},
		"ref, sync failed before":           {[]string{readOnlyType}, attributes{"sync_status": "error-import"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, unreachable before":           {[]string{readOnlyType}, attributes{"operational_status": "error-cred"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, inactive before":              {[]string{readOnlyType}, attributes{"internal_status": "inactive"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, never imported before":        {[]string{readOnlyType}, attributes{"commit": nil, "sync_status": "unknown"}, attributes{"ref": "v1.1.0"}, false, []string{commit, statuses}},
		"ref, not waited for":               {[]string{readOnlyType}, nil, attributes{"ref": "v1.1.0", "wait_for_import": false}, false, []string{commit, statuses}},
		"ref, waiting is unknown":           {[]string{readOnlyType}, nil, attributes{"ref": "v1.1.0", "wait_for_import": unknown}, false, []string{commit, statuses}},
		"ref, provider does not wait":       {[]string{readOnlyType}, nil, attributes{"ref": "v1.1.0"}, true, []string{commit, statuses}},
		"ref, only the resource waits":      {[]string{readOnlyType}, nil, attributes{"ref": "v1.1.0", "wait_for_import": true}, true, []string{commit}},
		"location, not waited for":          {both, nil, attributes{"location": "https://git.example.com/other.git", "wait_for_import": false}, false, []string{commit, statuses}},
		"location and description together": {both, nil, attributes{"location": "https://git.example.com/other.git", "description": "Other"}, false, []string{commit}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, typeName := range test.typeNames {
				s := startServer(t, mockserver.Options{})
				i := s.connectWith(t, attributes{"wait_for_import": !test.doesNotWait}).newInstance(typeName)
				state, config := importedRepository(typeName)
				i.state = state.with(test.before)
				config = config.with(withoutComputed(test.before)).with(test.after)
				plan := i.plan(config)
				plan.diagnostics.requireNone(t)
				want := i.state.with(test.after)
				if want["ref"] == nil && typeName == readOnlyType {
					want["ref"] = "main"
				}
				for _, names := range test.unknown {
					for name := range strings.FieldsSeq(names) {
						want[name] = unknown
					}
				}
				if difference := cmp.Diff(want, plan.state); difference != "" || plan.replacedBy != nil {
					t.Errorf("%s: replaced by %v, plan (-want +got):\n%s", typeName, plan.replacedBy, difference)
				}
			}
		})
	}
}

// withoutComputed returns the attributes of a state that a configuration can set.
func withoutComputed(state attributes) attributes {
	config := maps.Clone(state)
	for _, computed := range []string{"commit", "internal_status", "operational_status", "sync_status"} {
		delete(config, computed)
	}
	return config
}

func TestRepository_PlanWithoutAChangeIsEmptyAndSendsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, after attributes }{
		"nothing":              {},
		".git left out":        {nil, attributes{"location": "https://git.example.com/network"}},
		".git added":           {attributes{"location": "https://git.example.com/network"}, attributes{"location": "https://git.example.com/network.git"}},
		"default ref left out": {attributes{"ref": "main", "default_branch": "main"}, attributes{"ref": nil, "default_branch": nil}},
		"a failed import":      {attributes{"sync_status": "error-import", "operational_status": "error"}, nil},
		"never imported":       {attributes{"commit": nil, "sync_status": "unknown"}, nil},
		"everything is set":    {attributes{"tags": []string{"core"}, "reimport_triggers": map[string]string{"a": "1"}, "timeouts": attributes{"create": "1h"}, "wait_for_import": false}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for typeName, other := range map[string]string{readOnlyType: "default_branch", readWriteType: "ref"} {
				s := startServer(t, mockserver.Options{})
				i := s.connect(t).newInstance(typeName)
				state, config := importedRepository(typeName)
				i.state = state.with(test.before)
				delete(i.state, other)
				config = config.with(withoutComputed(test.before)).with(test.after)
				delete(config, other)
				i.expectEmptyPlan(config)
				if requests := s.Log.Requests(); len(requests) > 0 {
					t.Errorf("%s: the plan sent %+v", typeName, requests)
				}
			}
		})
	}
}

func TestRepository_PlanOfACreateKnowsTheConfigurationAlone(t *testing.T) {
	t.Parallel()
	for _, typeName := range []string{readOnlyType, readWriteType} {
		i := startServer(t, mockserver.Options{}).connect(t).newInstance(typeName)
		config := resourceTypeOf(t, typeName).valid
		plan := i.plan(config)
		plan.diagnostics.requireNone(t)
		want := config.with(attributes{
			"id": unknown, "commit": unknown, "internal_status": unknown, "operational_status": unknown, "sync_status": unknown, refAttribute(typeName): "main",
		})
		if difference := cmp.Diff(want, plan.state); difference != "" || plan.replacedBy != nil {
			t.Errorf("%s: replaced by %v, plan (-want +got):\n%s", typeName, plan.replacedBy, difference)
		}
	}
}

func TestRepository_PlanOfADestroyIgnoresAFailedImport(t *testing.T) {
	t.Parallel()
	for _, typeName := range []string{readOnlyType, readWriteType} {
		i := startServer(t, mockserver.Options{}).connect(t).newInstance(typeName)
		i.state, _ = importedRepository(typeName)
		i.private = privateWithFailure(t, `{"ref": "v9", "reason": "Ref v9 not found."}`)
		plan := i.plan(nil)
		plan.diagnostics.requireNone(t)
		if plan.state != nil {
			t.Errorf("%s: planned %v", typeName, plan.state)
		}
	}
}

func TestRepository_PlanBeforeTheProviderIsConfigured(t *testing.T) {
	t.Parallel()
	for _, typeName := range []string{readOnlyType, readWriteType} {
		i := newProvider(t).newInstance(typeName)
		state, config := importedRepository(typeName)
		i.state = state
		plan := i.plan(config.with(attributes{"location": "https://git.example.com/other.git"}))
		plan.diagnostics.requireNone(t)
		if plan.state["commit"] != unknown {
			t.Errorf("%s: planned %v", typeName, plan.state)
		}
	}
}

func TestRepository_CreateOutlivesACrashAfterTheImport(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	s.crashOnce("ReadOnlyRepositories")
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	s.WaitForTasks(t)
	i.expectEmptyPlan(readOnlyConfig(r, "v1.0.0"))
}

// An error would let Terraform replace a repository whose import worked.
func TestRepository_CreateIsSavedWithAWarningIfItCannotBeReadAfterTheImport(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	plan := i.plan(readOnlyConfig(r, "v1.0.0"))
	s.failOnce("ReadOnlyRepositories", http.StatusForbidden, "<html>Sign in</html>")
	diags := i.apply(plan)
	diags.requireNoErrors(t)
	diags.onlyWarning(t).expect(t, "", "Import Not Observed", "network", "main", "403", "the repository could not be read")
	if i.state.text("commit") != r.Commits["v1.0.0"] || i.id() == "" {
		t.Errorf("saved %v", i.state)
	}
}

func TestRepository_NameOfTheOtherKindIsRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	p := s.connect(t)
	p.newInstance(readWriteType).mustApply(readWriteConfig(r))
	i := p.newInstance(readOnlyType)
	i.apply(i.plan(readOnlyConfig(newRemote(t), "v1.0.0"))).onlyError(t).expect(t, "name", "Read-only Repository Not Created",
		"network on branch main", "uniqueness", `The repository "network" has this name.`, "choose another name", "Request id: ")
	if i.state != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestRepository_CommitThatMovedAfterThePlanIsLeftToTheNextRefresh(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{SyncInterval: 20 * time.Millisecond}), newRemote(t)
	i := s.connect(t).newInstance(readWriteType)
	config := readWriteConfig(r)
	i.mustApply(config)
	plan := i.plan(config.with(attributes{"description": "The network"}))
	r.Release(t, "v2.0.0", nil)
	other := *i
	for start := time.Now(); other.state.text("commit") != r.Commits["v2.0.0"]; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the server does not sync")
		}
		other.refresh().requireNone(t)
	}
	s.WaitForTasks(t)
	i.apply(plan).requireNone(t)
	if i.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("saved %v, want the commit that was planned", i.state)
	}
	i.refresh().requireNone(t)
	if i.state.text("commit") != r.Commits["v2.0.0"] {
		t.Errorf("refreshed %v", i.state)
	}
}

func TestRepository_CreateOnABranchWarnsInThePlan(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	s.createBranch(t, "release")
	p := s.connectWith(t, attributes{"branch": "release"})
	for typeName, config := range map[string]attributes{readOnlyType: readOnlyConfig(r, "v1.0.0"), readWriteType: readWriteConfig(r)} {
		got := p.newInstance(typeName).plan(config).diagnostics.onlyWarning(t)
		got.expect(t, "", got.summary, `"release"`, "inactive", "deletes it everywhere", "infrahub_read_only_repository_ref")
		if !strings.HasSuffix(got.summary, "Is Created on a Branch") {
			t.Errorf("got %q", got.summary)
		}
	}
	i := p.newInstance(readOnlyType)
	i.apply(i.plan(readOnlyConfig(r, "v1.0.0"))).requireNone(t)
	i.plan(readOnlyConfig(r, "v1.1.0")).diagnostics.requireNone(t) // an update does not warn
}
