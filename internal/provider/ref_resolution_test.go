package provider

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// resolved is a configuration whose ref the plan resolves.
func (r *remote) resolved(ref string) attributes {
	return r.pinned(ref).with(attributes{"resolve_ref": true})
}

func TestResolveRef_MissingRefFailsThePlan(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.plan(r.resolved("v1.2.0")).diagnostics.oneError(t).is(t, "ref", "Git Ref Not Found", r.Path, `"v1.2.0"`, "v1.1.0", "Push it")
	i.applied(r.resolved("v1.0.0"))
	i.plan(r.resolved("v9.9.9")).diagnostics.oneError(t).is(t, "ref", "Git Ref Not Found", `"v9.9.9"`)
	i.plan(r.pinned("v9.9.9")).diagnostics.none(t) // nobody asked
}

func TestResolveRef_PlannedCommitIsShownAndKept(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	if err := r.AnnotatedTag("v1.1.1"); err != nil {
		t.Fatal(err)
	}
	i := s.connected(t).newInstance(readOnly)
	plan := i.plan(r.resolved("v1.0.0"))
	if plan.state.text("planned_commit") != r.commits["v1.0.0"] || plan.state["commit"] != unknown {
		t.Errorf("planned %v", plan.state)
	}
	i.apply(plan).none(t)
	s.idle(t)
	i.refresh().none(t)
	i.unchanged(r.resolved("v1.0.0"))

	plan = i.plan(r.resolved("v1.1.1"))
	if plan.state.text("planned_commit") != r.commits["v1.1.0"] || plan.state["commit"] != unknown {
		t.Errorf("planned %v", plan.state)
	}
	i.apply(plan).none(t) // Infrahub takes the commit of an annotated tag, too
	if i.state.text("commit") != r.commits["v1.1.0"] {
		t.Errorf("saved %v", i.state)
	}
	s.sent()
	i.applied(r.pinned("v1.1.1"))
	i.wrote(s)
	if i.state["planned_commit"] != nil {
		t.Errorf("without resolve_ref %v is planned", i.state["planned_commit"])
	}
	i.applied(r.resolved("v1.1.1"))
	i.wrote(s) // it is what was imported
	i.settled(r.resolved("v1.1.1"))
}

func TestResolveRef_MovingBranchIsImportedAgainWhenItsTipMoved(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	config := r.resolved("main")
	i.applied(config)
	s.idle(t)
	i.refresh().none(t)
	i.unchanged(config)

	r.release(t, "v2.0.0")
	i.refresh().none(t)
	plan := i.plan(config)
	plan.diagnostics.none(t)
	if difference := cmp.Diff(i.state.with(attributes{"planned_commit": r.commits["v2.0.0"], "commit": unknown}), plan.state); difference != "" {
		t.Errorf("plan (-want +got):\n%s", difference)
	}
	s.sent()
	i.apply(plan).none(t)
	i.wrote(s, "ImportLatestCommit: id", "ReimportCommit: id")
	if i.state.text("commit") != r.commits["v2.0.0"] {
		t.Errorf("saved %v", i.state)
	}
	i.settled(config)
}

func TestResolveRef_WithoutWaitingNothingIsImportedTwice(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	config := r.resolved("v1.0.0").with(attributes{"wait_for_import": false})
	i.applied(config)
	i.unchanged(config) // the commit is not known yet
	s.idle(t)
	i.refresh().none(t)
	i.unchanged(config)
	bumped := config.with(attributes{"ref": "v1.1.0"})
	i.applied(bumped)
	i.unchanged(bumped) // the commit is the old one still
	s.idle(t)
	i.refresh().none(t)
	i.unchanged(bumped)
}

func TestResolveRef_WhatOthersHaveImportedIsNotImportedAgain(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{true, false} {
		s, r := newServer(t, mockserver.Options{}), newRemote(t)
		i := s.connected(t).newInstance(readOnly)
		i.applied(r.resolved("v1.0.0").with(attributes{"wait_for_import": wait}))
		s.idle(t)
		i.refresh().none(t)
		other := *i
		other.applied(r.resolved("v1.1.0").with(attributes{"wait_for_import": true}))
		s.idle(t)
		i.refresh().none(t)
		plan := i.plan(r.resolved("v1.1.0").with(attributes{"wait_for_import": wait}))
		plan.diagnostics.none(t)
		if plan.state["commit"] == unknown || plan.state.text("planned_commit") != r.commits["v1.1.0"] {
			t.Errorf("waits: %t, planned %v", wait, plan.state)
		}
	}
}

func TestResolveRef_TagThatMovesAfterThePlanFailsTheApplyWithBothCommits(t *testing.T) {
	t.Parallel()
	for _, creating := range []bool{true, false} {
		s, r := newServer(t, mockserver.Options{}), newRemote(t)
		i := s.connected(t).newInstance(readOnly)
		if !creating {
			i.applied(r.resolved("v1.0.0"))
			s.idle(t)
			i.refresh().none(t)
		}
		r.release(t, "v2.0.0")
		config := r.resolved("v2.0.0")
		plan, planned := i.plan(config), r.commits["v2.0.0"]
		r.release(t, "v2.0.0")
		i.apply(plan).oneError(t).is(t, "ref", "Another Commit Was Imported", `"v2.0.0"`, planned, r.commits["v2.0.0"], "plan and apply again")
		if i.state.text("commit") != r.commits["v2.0.0"] {
			t.Errorf("saved %v", i.state)
		}
		if creating {
			continue // Terraform taints it
		}
		// The next plan shows what it is now; there is nothing left to import.
		s.sent()
		i.refresh().none(t)
		i.applied(config)
		i.wrote(s)
		i.settled(config)
	}
}

func TestResolveRef_TagThatMovedSinceItWasClonedFailsTheImportAndIsNotForgotten(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	config := r.resolved("v1.1.0")
	i.applied(config)
	s.idle(t)
	i.refresh().none(t)
	known := r.commits["v1.1.0"]
	r.release(t, "v1.1.0")
	for range 2 {
		plan := i.plan(config)
		if plan.state.text("planned_commit") != r.commits["v1.1.0"] || plan.state["commit"] != unknown {
			t.Errorf("planned %v", plan.state)
		}
		i.apply(plan).oneError(t).is(t, "", "Import Failed", "git fetch", "a tag was moved", "-replace")
		if i.state.text("commit") != known {
			t.Errorf("saved %v", i.state)
		}
		i.refresh().none(t)
	}
}

func TestResolveRef_WhatThePlanCannotKnowTheApplyFindsOutFirst(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	p := s.connected(t)
	for _, attribute := range []string{"location", "ref", "resolve_ref"} {
		config := r.resolved("v1.0.0").with(attributes{"name": "network-" + attribute})
		i := p.newInstance(readOnly)
		plan := i.plan(config.with(attributes{attribute: unknown}))
		plan.diagnostics.none(t)
		if plan.state["planned_commit"] != unknown {
			t.Errorf("%s is unknown, planned %v", attribute, plan.state)
		}
		plan.config, plan.state[attribute] = config.with(attributes{"ref": "v9.9.9"}), config[attribute]
		plan.state["ref"] = "v9.9.9"
		s.sent()
		i.apply(plan).oneError(t).is(t, "ref", "Git Ref Not Found", "v9.9.9")
		i.wrote(s)
		plan.config, plan.state["ref"] = config, "v1.0.0"
		i.apply(plan).none(t)
		if i.state.text("planned_commit") != r.commits["v1.0.0"] {
			t.Errorf("saved %v", i.state)
		}
		i.apply(i.plan(nil)).none(t)
	}
}

func TestResolveRef_PrivateRemoteNeedsTheProvidersOwnCredential(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	made, err := gitserver.NewRepository(root, "private/network.git")
	if err != nil {
		t.Fatal(err)
	}
	r := &remote{Repository: made, commits: map[string]string{}}
	r.release(t, "v1.0.0")
	handler, err := gitserver.Handler(root, gitserver.Options{Username: "bot", Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	location := serve(t, handler) + "/private/network.git"
	config := attributes{"name": "network", "location": location, "ref": "v1.0.0", "resolve_ref": true}
	s := newServer(t, mockserver.Options{})
	for name, block := range map[string]attributes{"none": {}, "wrong": {"git_token": "canary-wrong"}, "wrong user": {"git_username": "eve", "git_token": secret}} {
		p := newProtocol(t)
		p.configure(s.block().with(block)).none(t)
		diags := p.newInstance(readOnly).plan(config).diagnostics
		diags.oneError(t).is(t, "location", "Git Remote Refused", location, "git_username", gitTokenVariable)
		diags.hides(t, secret, "canary-wrong")
		if t.Failed() {
			t.Fatalf("with %s", name)
		}
	}
	p := newProtocol(t)
	p.configure(s.block().with(attributes{"git_username": "bot", "git_token": secret})).none(t)
	plan := p.newInstance(readOnly).plan(config)
	plan.diagnostics.none(t)
	if plan.state.text("planned_commit") != r.commits["v1.0.0"] {
		t.Errorf("planned %v", plan.state)
	}
	if len(s.log.Requests()) == 0 {
		t.Error("nothing was sent to look through")
	}
	for _, request := range s.log.Requests() {
		sent := fmt.Sprint(request.Path, request.Header, request.Variables)
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte("bot:" + secret))} {
			if strings.Contains(sent, form) {
				t.Errorf("Infrahub was told the git_token: %s", sent)
			}
		}
	}
}

func TestResolveRef_RemoteThatCannotBeAskedFailsThePlan(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	p := s.connected(t)
	for location, want := range map[string]string{
		"http://127.0.0.1:1/network.git": "Git Remote Not Reached",
		s.address + "/network.git":       "Git Repository Not Found",
		t.TempDir():                      "Git Repository Not Found",
	} {
		got := p.newInstance(readOnly).plan(attributes{"name": "network", "location": location, "resolve_ref": true}).diagnostics.oneError(t)
		got.is(t, "location", want, location)
	}
}
