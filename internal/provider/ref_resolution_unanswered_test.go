package provider

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// losses are ways to lose what a plan with resolve_ref asks for, each with the warning that names it.
func losses() map[string]struct {
	lose               func(t *testing.T, r *mocktest.Remote)
	attribute, summary string
} {
	return map[string]struct {
		lose               func(t *testing.T, r *mocktest.Remote)
		attribute, summary string
	}{
		"the remote": {func(t *testing.T, r *mocktest.Remote) {
			t.Helper()
			if err := os.Rename(r.Path, r.Path+".gone"); err != nil {
				t.Fatal(err)
			}
		}, "location", "Git Repository Not Found"},
		"the tag": {func(t *testing.T, r *mocktest.Remote) {
			t.Helper()
			runGit(t, r, "tag", "-d", "v1.0.0")
		}, "ref", "Git Ref Not Found"},
	}
}

func TestResolveRef_WithoutAnAnswerAnUnchangedRepositoryIsAWarning(t *testing.T) {
	t.Parallel()
	for name, loss := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			i := s.connect(t).newInstance(readOnlyType)
			config := resolvedConfig(r, "v1.0.0")
			i.mustApply(config)
			s.WaitForTasks(t)
			loss.lose(t, r)
			i.refresh().requireNone(t)

			plan := i.plan(config)
			plan.diagnostics.requireNoErrors(t)
			plan.diagnostics.onlyWarning(t).expect(t, loss.attribute, loss.summary, r.Path, "this does not stop the plan", "planned_commit stays at "+r.Commits["v1.0.0"])
			if difference := cmp.Diff(i.state, plan.state); difference != "" {
				t.Errorf("the plan is not empty (-state +plan):\n%s", difference)
			}
			// What needs no answer goes on.
			described := config.with(attributes{"description": "The network"})
			s.Log.Reset()
			i.apply(i.plan(described)).requireNone(t)
			s.expectMutations(t, "UpdateReadOnlyRepository: description id")
			if i.state.text("planned_commit") != r.Commits["v1.0.0"] {
				t.Errorf("saved %v", i.state)
			}
			// A destroy does not ask.
			i.refresh().requireNone(t)
			i.mustDestroy()
			if i.state != nil {
				t.Errorf("left %v", i.state)
			}
		})
	}
}

func TestResolveRef_WithoutAnAnswerAChangeOfTheQuestionFailsThePlan(t *testing.T) {
	t.Parallel()
	for name, loss := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			p := s.connect(t)
			i, unresolved := p.newInstance(readOnlyType), p.newInstance(readOnlyType)
			i.mustApply(resolvedConfig(r, "v1.1.0"))
			other := readOnlyConfig(newRemote(t), "v1.0.0").with(attributes{"name": "other"})
			unresolved.mustApply(other)
			s.WaitForTasks(t)
			loss.lose(t, r)
			i.refresh().requireNone(t)
			// ref; location and resolve_ref.
			i.plan(resolvedConfig(r, "v1.0.0")).diagnostics.onlyError(t).expect(t, loss.attribute, loss.summary, r.Path)
			unresolved.plan(other.with(attributes{"location": r.Path})).diagnostics.requireNone(t)
			unresolved.plan(other.with(attributes{"location": r.Path, "resolve_ref": true})).diagnostics.onlyError(t).expect(t, loss.attribute, loss.summary, r.Path)
			// Nothing exists yet.
			p.newInstance(readOnlyType).plan(resolvedConfig(r, "v1.0.0")).diagnostics.onlyError(t).expect(t, loss.attribute, loss.summary, r.Path)
		})
	}
}

func TestResolveRef_WithoutAnAnswerAnImportThatIsDueIsNotChecked(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r := mocktest.NewRemote(t, root, "private/network.git", "v1.0.0")
	location := mocktest.ServeGit(t, root, gitserver.Options{Username: "bot", Password: secret}) + "/private/network.git"
	s := startServer(t, mockserver.Options{})
	asking := s.connectWith(t, attributes{"git_username": "bot", "git_token": secret})
	c := asking.newInstance(credentialType)
	c.mustApply(attributes{"name": "git", "username": "bot", "password": secret})
	i := asking.newInstance(readOnlyType)
	config := attributes{"name": "network", "location": location, "ref": "main", "resolve_ref": true, "credential_id": c.id()}
	i.mustApply(config)
	s.WaitForTasks(t)
	r.Release(t, "v2.0.0", nil)

	// The same workspace, without a credential for the remote.
	refused := s.connect(t).newInstance(readOnlyType)
	refused.state, refused.private = i.state, i.private
	refused.refresh().requireNone(t)
	plan := refused.plan(config)
	plan.diagnostics.requireNoErrors(t)
	plan.diagnostics.onlyWarning(t).expect(t, "location", "Git Remote Refused", location, "git_token")
	plan = refused.plan(config.with(attributes{"reimport_triggers": map[string]string{"release": "2"}}))
	plan.diagnostics.requireNoErrors(t)
	if plan.state["commit"] != unknown || plan.state["planned_commit"] != nil {
		t.Errorf("planned %v", plan.state)
	}
	refused.apply(plan).requireNone(t)
	if refused.state.text("commit") != r.Commits["v2.0.0"] {
		t.Errorf("imported %v", refused.state)
	}
}

func TestResolveRef_WhatTheApplyLearnsIsTheSameQuestion(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	config := resolvedConfig(r, "v1.0.0")
	i.mustApply(config)
	s.WaitForTasks(t)
	plan := i.plan(config.with(attributes{"ref": unknown, "description": "The network"}))
	plan.diagnostics.requireNone(t)
	runGit(t, r, "tag", "-d", "v1.0.0")
	plan.config, plan.state["ref"] = config.with(attributes{"description": "The network"}), "v1.0.0" // as it was
	diags := i.apply(plan)
	diags.requireNoErrors(t)
	if warnings := diags.warnings(); len(warnings) == 0 || warnings[0].summary != "Git Ref Not Found" {
		t.Errorf("got %v", warnings)
	}
}

func TestGitRef_WithoutAnAnswerTheErrorSaysHowToDestroy(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	p := s.connect(t)
	_, diags := p.readDataSource(gitRefType, attributes{"location": r.Path, "ref": "v9.9.9"})
	diags.onlyError(t).expect(t, "ref", "Git Ref Not Found", "terraform destroy -refresh=false")
	_, diags = p.readDataSource(gitRefType, attributes{"location": r.Path + ".gone"})
	diags.onlyError(t).expect(t, "location", "Git Repository Not Found", "terraform destroy -refresh=false")
}
