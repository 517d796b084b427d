package provider

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// resolvedConfig returns a configuration whose ref the plan resolves.
func resolvedConfig(r *mocktest.Remote, ref string) attributes {
	return readOnlyConfig(r, ref).with(attributes{"resolve_ref": true})
}

func TestResolveRef_MissingRefFailsThePlan(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.plan(resolvedConfig(r, "v1.2.0")).diagnostics.onlyError(t).expect(t, "ref", "Git Ref Not Found", r.Path, `"v1.2.0"`, "v1.1.0", "Push it")
	i.mustApply(resolvedConfig(r, "v1.0.0"))
	i.plan(resolvedConfig(r, "v9.9.9")).diagnostics.onlyError(t).expect(t, "ref", "Git Ref Not Found", `"v9.9.9"`)
	i.plan(readOnlyConfig(r, "v9.9.9")).diagnostics.requireNone(t) // without resolve_ref
}

func TestResolveRef_PlanShowsTheCommitAndTheApplyKeepsIt(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	r.AnnotatedTag(t, "v1.1.1")
	i := s.connect(t).newInstance(readOnlyType)
	plan := i.plan(resolvedConfig(r, "v1.0.0"))
	if plan.state.text("planned_commit") != r.Commits["v1.0.0"] || plan.state["commit"] != unknown {
		t.Errorf("planned %v", plan.state)
	}
	i.apply(plan).requireNone(t)
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	i.expectEmptyPlan(resolvedConfig(r, "v1.0.0"))

	plan = i.plan(resolvedConfig(r, "v1.1.1"))
	if plan.state.text("planned_commit") != r.Commits["v1.1.0"] || plan.state["commit"] != unknown {
		t.Errorf("planned %v", plan.state)
	}
	i.apply(plan).requireNone(t) // Infrahub imports the commit of an annotated tag, not the tag object
	if i.state.text("commit") != r.Commits["v1.1.0"] {
		t.Errorf("saved %v", i.state)
	}
	s.Log.Reset()
	i.mustApply(readOnlyConfig(r, "v1.1.1"))
	s.expectMutations(t)
	if i.state["planned_commit"] != nil {
		t.Errorf("without resolve_ref %v is planned", i.state["planned_commit"])
	}
	i.mustApply(resolvedConfig(r, "v1.1.1"))
	s.expectMutations(t) // the commit was imported already
	i.expectImportDone(resolvedConfig(r, "v1.1.1"))
}

func TestResolveRef_BranchThatMovedIsImportedAgain(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	config := resolvedConfig(r, "main")
	i.mustApply(config)
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	i.expectEmptyPlan(config)

	r.Release(t, "v2.0.0", nil)
	i.refresh().requireNone(t)
	plan := i.plan(config)
	plan.diagnostics.requireNone(t)
	if difference := cmp.Diff(i.state.with(attributes{"planned_commit": r.Commits["v2.0.0"], "commit": unknown}), plan.state); difference != "" {
		t.Errorf("plan (-want +got):\n%s", difference)
	}
	s.Log.Reset()
	i.apply(plan).requireNone(t)
	s.expectMutations(t, "ImportLatestCommit: id", "ReimportCommit: id")
	if i.state.text("commit") != r.Commits["v2.0.0"] {
		t.Errorf("saved %v", i.state)
	}
	i.expectImportDone(config)
}

func TestResolveRef_WithoutWaitingNothingIsImportedTwice(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	config := resolvedConfig(r, "v1.0.0").with(attributes{"wait_for_import": false})
	i.mustApply(config)
	i.expectEmptyPlan(config) // without a commit
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	i.expectEmptyPlan(config)
	bumped := config.with(attributes{"ref": "v1.1.0"})
	i.mustApply(bumped)
	i.expectEmptyPlan(bumped) // with the commit of the ref before
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	i.expectEmptyPlan(bumped)
}

func TestResolveRef_CommitThatOthersImportedIsNotImportedAgain(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{true, false} {
		s, r := startServer(t, mockserver.Options{}), newRemote(t)
		i := s.connect(t).newInstance(readOnlyType)
		i.mustApply(resolvedConfig(r, "v1.0.0").with(attributes{"wait_for_import": wait}))
		s.WaitForTasks(t)
		i.refresh().requireNone(t)
		other := *i
		other.mustApply(resolvedConfig(r, "v1.1.0").with(attributes{"wait_for_import": true}))
		s.WaitForTasks(t)
		i.refresh().requireNone(t)
		plan := i.plan(resolvedConfig(r, "v1.1.0").with(attributes{"wait_for_import": wait}))
		plan.diagnostics.requireNone(t)
		if plan.state["commit"] == unknown || plan.state.text("planned_commit") != r.Commits["v1.1.0"] {
			t.Errorf("waits: %t, planned %v", wait, plan.state)
		}
	}
}

func TestResolveRef_TagThatMovedAfterThePlanFailsTheApplyWithBothCommits(t *testing.T) {
	t.Parallel()
	for _, creating := range []bool{true, false} {
		s, r := startServer(t, mockserver.Options{}), newRemote(t)
		i := s.connect(t).newInstance(readOnlyType)
		if !creating {
			i.mustApply(resolvedConfig(r, "v1.0.0"))
			s.WaitForTasks(t)
			i.refresh().requireNone(t)
		}
		r.Release(t, "v2.0.0", nil)
		config := resolvedConfig(r, "v2.0.0")
		plan, planned := i.plan(config), r.Commits["v2.0.0"]
		r.Release(t, "v2.0.0", nil)
		i.apply(plan).onlyError(t).expect(t, "ref", "Another Commit Was Imported", `"v2.0.0"`, planned, r.Commits["v2.0.0"], "plan and apply again")
		if i.state.text("commit") != r.Commits["v2.0.0"] {
			t.Errorf("saved %v", i.state)
		}
		if creating {
			continue // Terraform taints the repository
		}
		// The next plan shows the commit of the ref now; nothing is left to import.
		s.Log.Reset()
		i.refresh().requireNone(t)
		i.mustApply(config)
		s.expectMutations(t)
		i.expectImportDone(config)
	}
}

func TestResolveRef_TagThatMovedAfterTheCloneFailsEveryImport(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	config := resolvedConfig(r, "v1.1.0")
	i.mustApply(config)
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	known := r.Commits["v1.1.0"]
	r.Release(t, "v1.1.0", nil)
	for range 2 {
		plan := i.plan(config)
		if plan.state.text("planned_commit") != r.Commits["v1.1.0"] || plan.state["commit"] != unknown {
			t.Errorf("planned %v", plan.state)
		}
		i.apply(plan).onlyError(t).expect(t, "", "Import Failed", "git fetch", "a tag was moved", "-replace")
		if i.state.text("commit") != known {
			t.Errorf("saved %v", i.state)
		}
		i.refresh().requireNone(t)
	}
}

func TestResolveRef_UnknownInputsAreResolvedByTheApplyBeforeItChangesAnything(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	p := s.connect(t)
	for _, attribute := range []string{"location", "ref", "resolve_ref"} {
		config := resolvedConfig(r, "v1.0.0").with(attributes{"name": "network-" + attribute})
		i := p.newInstance(readOnlyType)
		plan := i.plan(config.with(attributes{attribute: unknown}))
		plan.diagnostics.requireNone(t)
		if plan.state["planned_commit"] != unknown {
			t.Errorf("%s is unknown, planned %v", attribute, plan.state)
		}
		plan.config, plan.state[attribute] = config.with(attributes{"ref": "v9.9.9"}), config[attribute]
		plan.state["ref"] = "v9.9.9"
		s.Log.Reset()
		i.apply(plan).onlyError(t).expect(t, "ref", "Git Ref Not Found", "v9.9.9")
		s.expectMutations(t)
		plan.config, plan.state["ref"] = config, "v1.0.0"
		i.apply(plan).requireNone(t)
		if i.state.text("planned_commit") != r.Commits["v1.0.0"] {
			t.Errorf("saved %v", i.state)
		}
		i.mustDestroy()
	}
}

func TestResolveRef_PrivateRemoteNeedsTheCredentialOfTheProvider(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	r := mocktest.NewRemote(t, root, "private/network.git", "v1.0.0")
	location := mocktest.ServeGit(t, root, gitserver.Options{Username: "bot", Password: secret}) + "/private/network.git"
	config := attributes{"name": "network", "location": location, "ref": "v1.0.0", "resolve_ref": true}
	s := startServer(t, mockserver.Options{})
	for name, block := range map[string]attributes{"none": {}, "wrong": {"git_token": "canary-wrong"}, "wrong user": {"git_username": "eve", "git_token": secret}} {
		p := newProvider(t)
		p.configure(s.block().with(block)).requireNone(t)
		diags := p.newInstance(readOnlyType).plan(config).diagnostics
		diags.onlyError(t).expect(t, "location", "Git Remote Refused", location, "git_username", gitTokenVariable)
		diags.expectNoSecret(t, secret, "canary-wrong")
		if t.Failed() {
			t.Fatalf("with %s", name)
		}
	}
	p := newProvider(t)
	p.configure(s.block().with(attributes{"git_username": "bot", "git_token": secret})).requireNone(t)
	plan := p.newInstance(readOnlyType).plan(config)
	plan.diagnostics.requireNone(t)
	if plan.state.text("planned_commit") != r.Commits["v1.0.0"] {
		t.Errorf("planned %v", plan.state)
	}
	if len(s.Log.Requests()) == 0 {
		t.Error("no request was sent to Infrahub")
	}
	for _, request := range s.Log.Requests() {
		sent := fmt.Sprint(request.Path, request.Header, request.Variables)
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte("bot:" + secret))} {
			if strings.Contains(sent, form) {
				t.Errorf("Infrahub got the git_token: %s", sent)
			}
		}
	}
}

func TestResolveRef_UnreachableRemoteFailsThePlan(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p := s.connect(t)
	for location, want := range map[string]string{
		"http://127.0.0.1:1/network.git": "Git Remote Not Reached",
		s.Address + "/network.git":       "Git Repository Not Found",
		t.TempDir():                      "Git Repository Not Found",
	} {
		got := p.newInstance(readOnlyType).plan(attributes{"name": "network", "location": location, "resolve_ref": true}).diagnostics.onlyError(t)
		got.expect(t, "location", want, location)
	}
}

func TestResolveRef_RemoteThatIsGoneWarnsWhileNothingChanges(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i, config := s.connect(t).newInstance(readOnlyType), resolvedConfig(r, "v1.0.0")
	i.mustApply(config)
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	if err := os.Rename(r.Path, r.Path+".gone"); err != nil {
		t.Fatal(err)
	}
	plan := i.plan(config)
	plan.diagnostics.requireNoErrors(t)
	warning := plan.diagnostics.onlyWarning(t)
	warning.expect(t, "location", warning.summary, "this does not stop the plan", r.Commits["v1.0.0"])
	if difference := cmp.Diff(i.state, plan.state); difference != "" {
		t.Errorf("the plan is not empty (-state +plan):\n%s", difference)
	}
	i.plan(config.with(attributes{"ref": "v1.1.0"})).diagnostics.onlyError(t)
	i.mustDestroy()
}
