package acceptance

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// unlessLive makes a test parallel on the mock alone. On a real server a test that merges a branch runs before
// all others: a merge takes back the refs of all repositories (infrahub.md, Branches).
func unlessLive(parallel func()) {
	if os.Getenv("INFRAHUB_ADDRESS") == "" {
		parallel()
	}
}

// merge merges a branch as people do, outside of Terraform.
func (s *server) merge(t *testing.T, branch string) {
	t.Helper()
	s.query(t, `mutation($name: String) { BranchMerge(data: {name: $name}, wait_until_completion: true) { ok } }`, branch)
}

// mergeProposed merges a proposed change as its reviewers do.
func (s *server) mergeProposed(t *testing.T, name string) {
	t.Helper()
	change, err := s.client.ProposedChanges().GetByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s.query(t, `mutation($name: String) { CoreProposedChangeUpdate(data: {id: $name, state: {value: "merged"}}) { ok } }`, change.ID)
}

// waitUntilClosed waits for what a merge does a moment later to the proposed change of its branch.
func (s *server) waitUntilClosed(t *testing.T, name string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(200 * time.Millisecond) {
		change, err := s.client.ProposedChanges().GetByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if !change.Open() {
			return
		}
	}
	t.Fatalf("the proposed change %q is still open", name)
}

// released is an example of ../../examples/release-bump, in a workspace of its own.
func (s *server) released(t *testing.T, example string) *workspace {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(examples, "release-bump", example, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	return newWorkspace(t, string(content), "INFRAHUB_ADDRESS="+s.address, "INFRAHUB_API_TOKEN="+s.token,
		"TF_VAR_name="+s.name("automation"), "TF_VAR_location="+s.gitAddress+"/automation.git")
}

// bump changes the release in the HCL itself, as Renovate does.
func (w *workspace) bump(from, to string) {
	w.t.Helper()
	file := filepath.Join(w.directory, "main.tf")
	content, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	before, after := `default = "`+from+`"`, `default = "`+to+`"`
	if strings.Count(string(content), before) != 1 {
		w.t.Fatalf("%s does not stand once in\n%s", before, content)
	}
	w.write("main.tf", strings.Replace(string(content), before, after, 1))
}

// onBranch checks what a branch has.
func (s *server) onBranch(t *testing.T, branch, ref, commit string) {
	t.Helper()
	found, err := s.client.WithBranch(branch).Repositories(infrahub.ReadOnly).GetByName(t.Context(), s.name("automation"))
	if err != nil {
		t.Fatal(err)
	}
	if found.Ref != ref || found.Commit == nil || *found.Commit != commit {
		t.Errorf("branch %s has %+v, want %s at %s", branch, found, ref, commit)
	}
}

func TestRelease_DirectIsAChangeOfOneLine(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "automation.git")
	w := s.released(t, "direct")
	w.run("apply", "-auto-approve", "-input=false")
	s.onBranch(t, "main", "v1.0.0", remote.commits["v1.0.0"])

	s.forget()
	w.bump("v1.0.0", "v1.2.0")
	w.exits(1, "plan", "-input=false")
	for _, want := range []string{"Git Ref Not Found", `"v1.2.0"`, "v1.1.0"} {
		if !strings.Contains(w.printed["plan"], want) {
			t.Errorf("%q is not printed:\n%s", want, w.printed["plan"])
		}
	}
	w.bump("v1.2.0", "v1.1.0")
	w.run("apply", "-auto-approve", "-input=false")
	s.onBranch(t, "main", "v1.1.0", remote.commits["v1.1.0"])
	if got, want := s.sent(), []string{"UpdateReadOnlyRepository: id ref"}; !slices.Equal(got, want) {
		t.Errorf("mutations sent = %v, want %v", got, want)
	}
	w.run("plan", "-detailed-exitcode", "-input=false")
	w.run("destroy", "-auto-approve", "-input=false")
	s.nothingLeft(t)
}

func TestRelease_ReviewedReachesMainByTheMergeAlone(t *testing.T) {
	unlessLive(func() { t.Parallel() })
	s := newServer(t)
	remote := s.newRemote(t, "automation.git")
	remote.release(t, "v1.2.0")
	w := s.released(t, "reviewed")
	w.run("apply", "-auto-approve", "-input=false")
	if got := s.operations(); slices.Contains(got, "CreateBranch") || slices.Contains(got, "CreateProposedChange") {
		t.Errorf("the first release is reviewed: %v", got)
	}
	for _, bump := range []struct {
		from, to string
		// proposed is whether the proposed change is merged, and not the branch behind its back.
		proposed bool
	}{{"v1.0.0", "v1.1.0", true}, {"v1.1.0", "v1.2.0", false}} {
		branch := s.name("automation") + "-" + bump.to
		w.bump(bump.from, bump.to)
		s.forget()
		w.run("apply", "-auto-approve", "-input=false")
		if got, want := s.operations(), []string{"CreateBranch", "CreateProposedChange", "UpdateReadOnlyRepository"}; !slices.Equal(got, want) {
			t.Errorf("mutations sent = %v, want %v", got, want)
		}
		s.onBranch(t, branch, bump.to, remote.commits[bump.to])
		s.onBranch(t, "main", bump.from, remote.commits[bump.from])
		w.run("plan", "-detailed-exitcode", "-input=false")

		change := s.name("automation") + " " + bump.to
		if bump.proposed {
			s.mergeProposed(t, change)
		} else {
			s.merge(t, branch)
		}
		s.waitUntilClosed(t, change)
		s.forget()
		w.run("apply", "-auto-approve", "-input=false")
		if got, want := s.operations(), []string{"DeleteBranch"}; !slices.Equal(got, want) {
			t.Errorf("mutations sent after the merge = %v, want %v", got, want)
		}
		s.onBranch(t, "main", bump.to, remote.commits[bump.to])
		w.run("plan", "-detailed-exitcode", "-input=false")
	}
	w.run("destroy", "-auto-approve", "-input=false")
	s.nothingLeft(t)
}

// The commit that the plan has looked up is the one that is imported, or the apply fails.
func TestRelease_ReviewedTagThatMovesBetweenPlanAndApplyIsNotProposed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "automation.git")
	w := s.released(t, "reviewed")
	w.run("apply", "-auto-approve", "-input=false")
	s.waitUntilIdle(t) // so that Infrahub has not seen the tag before it moves
	remote.release(t, "v2.0.0")
	planned := remote.commits["v2.0.0"]
	w.bump("v1.0.0", "v2.0.0")
	w.run("plan", "-input=false", "-out=release.tfplan")
	remote.release(t, "v2.0.0")
	s.forget()
	w.exits(1, "apply", "-input=false", "release.tfplan")
	for _, want := range []string{planned, remote.commits["v2.0.0"], "moved in between"} {
		if !strings.Contains(strings.Join(strings.Fields(w.printed["apply"]), " "), want) {
			t.Errorf("%q is not printed:\n%s", want, w.printed["apply"])
		}
	}
	if slices.Contains(s.operations(), "CreateProposedChange") {
		t.Error("it is proposed all the same")
	}
	w.run("apply", "-auto-approve", "-input=false")
	s.onBranch(t, s.name("automation")+"-v2.0.0", "v2.0.0", remote.commits["v2.0.0"])
	w.run("destroy", "-auto-approve", "-input=false")
	s.nothingLeft(t)
}

func TestRelease_BumpWhileOneIsReviewedTakesItsPlace(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "automation.git")
	remote.release(t, "v1.2.0")
	w := s.released(t, "reviewed")
	w.run("apply", "-auto-approve", "-input=false")
	w.bump("v1.0.0", "v1.1.0")
	w.run("apply", "-auto-approve", "-input=false")
	s.forget()
	w.bump("v1.1.0", "v1.2.0")
	w.run("apply", "-auto-approve", "-input=false")
	if got, want := s.operations(), []string{"CancelProposedChange", "CreateBranch", "CreateProposedChange", "DeleteBranch", "UpdateReadOnlyRepository"}; !slices.Equal(got, want) {
		t.Errorf("mutations sent = %v, want %v", got, want)
	}
	s.onBranch(t, s.name("automation")+"-v1.2.0", "v1.2.0", remote.commits["v1.2.0"])
	s.onBranch(t, "main", "v1.0.0", remote.commits["v1.0.0"])
	w.run("destroy", "-auto-approve", "-input=false")
	s.nothingLeft(t)
}

func TestRelease_DirectOfAPrivateRepository(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "private/automation.git")
	w := s.released(t, "direct")
	content, err := os.ReadFile(filepath.Join(w.directory, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	w.write("main.tf", strings.Replace(string(content), "= var.credential_id", "= infrahub_password_credential.git.id", 1)+s.unique(`
		resource "infrahub_password_credential" "git" {
			name                = "git-NAME"
			username            = "`+gitUsername+`"
			password_wo         = "`+gitPassword+`"
			password_wo_version = 1
		}`))
	w.environment = append(w.environment, "TF_VAR_location="+s.gitAddress+"/private/automation.git")
	w.exits(1, "plan", "-input=false")
	if !strings.Contains(w.printed["plan"], "Git Remote Refused") {
		t.Errorf("the plan does not ask for a credential:\n%s", w.printed["plan"])
	}
	w.environment = append(w.environment, "INFRAHUB_GIT_USERNAME="+gitUsername, "INFRAHUB_GIT_TOKEN="+gitPassword)
	w.run("apply", "-auto-approve", "-input=false")
	s.onBranch(t, "main", "v1.0.0", remote.commits["v1.0.0"])
	w.run("plan", "-detailed-exitcode", "-input=false")
	w.run("destroy", "-auto-approve", "-input=false")
	s.nothingLeft(t)
}

func TestRelease_GivenUpLeavesMainAsItWas(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "automation.git")
	w := s.released(t, "reviewed")
	w.run("apply", "-auto-approve", "-input=false")
	w.bump("v1.0.0", "v1.1.0")
	w.run("apply", "-auto-approve", "-input=false")
	s.forget()
	w.bump("v1.1.0", "v1.0.0")
	w.run("apply", "-auto-approve", "-input=false")
	if got, want := s.operations(), []string{"CancelProposedChange", "DeleteBranch"}; !slices.Equal(got, want) {
		t.Errorf("mutations sent = %v, want %v", got, want)
	}
	s.onBranch(t, "main", "v1.0.0", remote.commits["v1.0.0"])
	w.run("plan", "-detailed-exitcode", "-input=false")
	w.run("destroy", "-auto-approve", "-input=false")
	s.nothingLeft(t)
}

// operations are the mutations that were sent, each once and sorted.
func (s *server) operations() []string {
	names := map[string]bool{}
	for _, sent := range s.sent() {
		name, _, _ := strings.Cut(sent, ":")
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Terraform plans once more before it applies, and ends there if the answer is another one.
func TestResolveRef_TagThatMovesBetweenPlanAndApplyChangesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	w := newWorkspace(t, strings.Replace(s.unique(pinnedByVariable), "ref      = var.ref", "ref = var.ref\n resolve_ref = true", 1),
		"INFRAHUB_ADDRESS="+s.address, "INFRAHUB_API_TOKEN="+s.token)
	w.run(apply("v1.0.0")...)
	w.exits(0, plan("v1.0.0")...)
	s.waitUntilIdle(t) // so that Infrahub has not seen the tag before it moves
	remote.release(t, "v2.0.0")
	planned := remote.commits["v2.0.0"]
	w.exits(2, append(plan("v2.0.0"), "-out=release.tfplan")...)
	if !strings.Contains(w.printed["plan"], planned) {
		t.Errorf("the commit %s is not planned:\n%s", planned, w.printed["plan"])
	}
	remote.release(t, "v2.0.0")
	s.forget()
	w.exits(1, "apply", "-input=false", "release.tfplan")
	for _, want := range []string{"planned_commit", planned, remote.commits["v2.0.0"]} {
		if !strings.Contains(w.printed["apply"], want) {
			t.Errorf("%q is not printed:\n%s", want, w.printed["apply"])
		}
	}
	if sent := s.sent(); len(sent) > 0 {
		t.Errorf("mutations sent = %v, want none", sent)
	}
	w.run(apply("v2.0.0")...)
	if !strings.Contains(w.printed["apply"], remote.commits["v2.0.0"]) {
		t.Errorf("the commit %s was not imported:\n%s", remote.commits["v2.0.0"], w.printed["apply"])
	}
	w.exits(0, plan("v2.0.0")...)
	w.run("destroy", "-auto-approve", "-input=false", "-var=ref=v2.0.0")
	s.nothingLeft(t)
}

func TestResolveRef_MovingBranchIsImportedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	config := s.config(`resource "infrahub_read_only_repository" "test" {
		name        = "network-NAME"
		location    = "GIT/network.git"
		resolve_ref = true
	}`)
	s.run(
		t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				s.waitUntilIdle(t)
				remote.release(t, "v2.0.0")
			},
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				changes(readOnly, "commit", "planned_commit"),
			}},
			ConfigStateChecks: []statecheck.StateCheck{stateCheckOf(func() error {
				found, err := s.client.Repositories(infrahub.ReadOnly).GetByName(t.Context(), s.name("network"))
				if err == nil && *found.Commit != remote.commits["main"] {
					err = errors.New("another commit was imported: " + *found.Commit)
				}
				return err
			})},
		},
		resource.TestStep{
			PreConfig: s.forget,
			Config:    config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectEmptyPlan(),
			}},
			ConfigStateChecks: []statecheck.StateCheck{expectSent(s)},
		},
	)
}
