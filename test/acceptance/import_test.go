package acceptance

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// readOnlyAt returns a configuration with a read-only repository at a ref.
func (s *server) readOnlyAt(ref string) string {
	return s.config(`resource "infrahub_read_only_repository" "test" {
		name     = "network-NAME"
		location = "GIT/network.git"
		ref      = "` + ref + `"
	}`)
}

func TestImport_BumpRightAfterCreateIgnoresTheEcho(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	ctx := t.Context()
	// Without the CLI, because the second mutation has to follow the first at once.
	want := infrahub.Repository{Kind: infrahub.ReadOnly, Name: s.name("network"), Location: s.gitAddress + "/network.git", Ref: "v1.0.0"}
	id, created, err := s.client.CreateRepository(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.deleteRepository(t, infrahub.ReadOnly, id) })
	if imported, err := created.Wait(ctx); err != nil || *imported.Commit != remote.Commits["v1.0.0"] {
		t.Fatalf("create: %+v, %v", imported, err)
	}
	before, after := want, want
	before.ID, after.Ref = id, "v1.1.0"
	bumped, err := s.client.UpdateRepository(ctx, before, after)
	if err != nil {
		t.Fatal(err)
	}
	imported, err := bumped.Wait(ctx)
	if err != nil || *imported.Commit != remote.Commits["v1.1.0"] || imported.SyncStatus != "in-sync" {
		t.Fatalf("bump: %+v, %v; want commit %s", imported, err, remote.Commits["v1.1.0"])
	}
	s.assertCommitStays(t, infrahub.ReadOnly, id, remote.Commits["v1.1.0"])
}

func TestImport_BumpBackAndForthEndsAtTheLastRef(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	step := func(ref string) resource.TestStep {
		return resource.TestStep{Config: s.readOnlyAt(ref), ConfigStateChecks: []statecheck.StateCheck{expectText(readOnly, "commit", remote.Commits[ref])}}
	}
	s.run(t, step("v1.0.0"), step("v1.1.0"), step("v1.0.0"), step("v1.1.0"))
}

func TestImport_MissingRefFailsAlthoughTheNodeStaysInSync(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	s.run(
		t,
		resource.TestStep{Config: s.readOnlyAt("v1.0.0")},
		resource.TestStep{
			Config:      s.readOnlyAt("v9.9.9"),
			ExpectError: regexp.MustCompile(`(?s)Import Failed.*Ref v9\.9\.9 not found\..*Push "v9\.9\.9"\s+to\s+the\s+remote.*nearest\s+that\s+it\s+has:\s+v1.*Task\s+[0-9a-f-]{36}.*Request\s+id:\s+\w+`),
		},
		resource.TestStep{
			// The server has the new ref and the old commit, in sync (infrahub-behaviour.md, Importing 25).
			PreConfig:         func() { remote.release(t, "v9.9.9") },
			Config:            s.readOnlyAt("v9.9.9"),
			ConfigPlanChecks:  preApply(expectChanges(readOnly, "commit")),
			ConfigStateChecks: []statecheck.StateCheck{expectCommitOf(readOnly, remote, "v9.9.9")},
		},
	)
}

func TestImport_BrokenConfigurationFailsAlthoughTheNodeIsInSyncForAWhile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	remote.breakMain(t, "v1.2.0")
	remote.release(t, "v1.2.1")
	s.run(
		t,
		resource.TestStep{Config: s.readOnlyAt("v1.1.0")},
		resource.TestStep{
			Config:      s.readOnlyAt("v1.2.0"),
			ExpectError: regexp.MustCompile(`(?s)Import Failed.*\.infrahub\.yml.*Correct\s+\.infrahub\.yml`),
		},
		resource.TestStep{
			Config:            s.readOnlyAt("v1.2.1"),
			ConfigStateChecks: []statecheck.StateCheck{expectText(readOnly, "commit", remote.Commits["v1.2.1"]), expectText(readOnly, "sync_status", "in-sync")},
		},
	)
}

func TestImport_FailedCreateIsTaintedAndReplaced(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	s.run(
		t,
		resource.TestStep{
			Config:      s.readOnlyAt("v9.9.9"),
			ExpectError: regexp.MustCompile(`(?s)Import Failed.*v9\.9\.9.*Push "v9\.9\.9"\s+to\s+the\s+remote,\s+or\s+correct\s+ref`),
		},
		resource.TestStep{
			PreConfig:        s.resetLog,
			Config:           s.readOnlyAt("v1.0.0"),
			ConfigPlanChecks: expectAction(readOnly, plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				expectText(readOnly, "commit", remote.Commits["v1.0.0"]),
				s.expectMutations("DeleteReadOnlyRepository: id", "CreateReadOnlyRepository: id location name ref"),
			},
		},
	)
}

func TestImport_MissingDefaultBranchFailsWithItsReason(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	s.run(t, resource.TestStep{
		Config: s.config(`resource "infrahub_repository" "test" {
			name           = "network-NAME"
			location       = "GIT/network.git"
			default_branch = "nope"
		}`),
		ExpectError: regexp.MustCompile(`(?s)Import Failed.*branch\s+nope\s+isn't\s+a\s+valid\s+branch.*correct\s+default_branch`),
	})
}

func TestImport_BranchThatCannotBeSyncedIsOnlyAWarning(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	remote.commitOnBranch(t, "feature", mocktest.BrokenFiles())
	ctx := t.Context()
	id, created, err := s.client.CreateRepository(ctx, infrahub.Repository{
		Kind: infrahub.ReadWrite, Name: s.name("network"), Location: s.gitAddress + "/network.git", Ref: "main",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.deleteRepository(t, infrahub.ReadWrite, id) })
	imported, err := created.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if *imported.Commit != remote.Commits["main"] {
		t.Errorf("commit = %s, want %s", *imported.Commit, remote.Commits["main"])
	}
	if !regexp.MustCompile(`Unable to synchronize the following branches.*feature`).MatchString(imported.Warning) {
		t.Errorf("warning = %q, want the branch feature and the reason", imported.Warning)
	}
}

func TestImport_WrongCredentialFailsWithItsReason(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "private/network.git")
	config := func(password, ref string) string {
		return s.config(`resource "infrahub_password_credential" "git" {
			name     = "git-NAME"
			username = "bot"
			password = "` + password + `"
		}
		resource "infrahub_read_only_repository" "test" {
			name          = "network-NAME"
			location      = "GIT/private/network.git"
			credential_id = infrahub_password_credential.git.id
			ref           = "` + ref + `"
		}`)
	}
	s.run(
		t,
		resource.TestStep{Config: config(gitPassword, "v1.0.0")},
		resource.TestStep{
			Config:      config("not it", "v1.1.0"),
			ExpectError: regexp.MustCompile(`(?s)Import Failed.*[Aa]uthentication\s+failed.*Check\s+credential_id`),
		},
		resource.TestStep{Config: config(gitPassword, "v1.1.0")},
	)
}

func TestImport_WithoutWaitingReturnsAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	config := s.config(`resource "infrahub_read_only_repository" "test" {
		name            = "network-NAME"
		location        = "GIT/network.git"
		ref             = "v1.0.0"
		wait_for_import = false
	}`)
	var id string
	s.run(
		t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{
			saveID(readOnly, &id),
			s.expectCount("Tasks", 1), // before the create, not after it
		}},
		resource.TestStep{
			PreConfig:         func() { s.waitUntilImported(t, infrahub.ReadOnly, id) },
			Config:            config,
			ConfigPlanChecks:  preApply(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{expectText(readOnly, "commit", remote.Commits["v1.0.0"])},
		},
	)
}

func TestImport_TimeoutSavesStateAndNamesTheRunningTasks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.mockOnly(t, "no task of a live server can be made to run for ever")
	s.newRemote(t, "network.git")
	config := func(ref string) string {
		return s.config(`resource "infrahub_read_only_repository" "test" {
			name     = "network-NAME"
			location = "GIT/network.git"
			ref      = "` + ref + `"
			timeouts = { update = "3s" }
		}`)
	}
	s.run(
		t,
		resource.TestStep{Config: config("v1.0.0")},
		resource.TestStep{
			PreConfig:   func() { s.mock.Inject(mockserver.Fault{Operation: pull, StuckTask: true}) },
			Config:      config("v1.1.0"),
			ExpectError: regexp.MustCompile(`(?s)Import Not Finished.*timeout expired.*git-repository-pull-read-only: RUNNING, task`),
		},
		resource.TestStep{
			Config:             config("v1.1.0"),
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
	)
}
