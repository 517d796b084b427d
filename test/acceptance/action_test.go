package acceptance

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// invoke invokes an action and returns what Terraform printed.
func (w *workspace) invoke(address string) string {
	w.t.Helper()
	w.apply("-invoke=" + address)
	return w.printed["apply"]
}

// The configurations with action blocks are apart from other tests, because older CLIs cannot parse them.
func TestAction_ExamplesAreAppliedAndInvoked(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(examples, "actions", "*", "action.tf"))
	if err != nil || len(files) != 3 {
		t.Fatalf("examples of actions: %v, %v", files, err)
	}
	for _, file := range files {
		typeName := filepath.Base(filepath.Dir(file))
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.newRemote(t, "network/automation.git")
			w := s.newWorkspace(t, requirement+s.example(t, file))
			requireCLI(t, "an action", actions())
			w.apply()
			s.resetLog()
			before := w.instances()
			w.invoke("action." + typeName + ".automation")
			mutation := map[string]string{
				"infrahub_check_connectivity":   "CheckConnectivity: id",
				"infrahub_import_latest_commit": "ImportLatestCommit: id",
				"infrahub_reimport":             "ReimportCommit: id",
			}[typeName]
			if difference := cmp.Diff([]string{mutation}, s.mutations()); difference != "" {
				t.Errorf("mutations (-want +got):\n%s", difference)
			}
			if difference := cmp.Diff(before, w.instances()); difference != "" {
				t.Errorf("resources in the state (-before +after):\n%s", difference)
			}
			w.planNothing()
			w.destroy()
			s.assertNothingLeft(t)
		})
	}
}

func TestAction_IsTriggeredByAChangeOfAResource(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := s.newRemote(t, "network.git")
	configuration := func(description string) string {
		return requirement + s.fill(`
			resource "infrahub_read_only_repository" "test" {
				name     = "network-NAME"
				location = "GIT/network.git"
				ref      = "main"
			}
			resource "infrahub_tag" "test" {
				name        = "core-NAME"
				description = "`+description+`"
				lifecycle {
					action_trigger {
						events  = [after_create, after_update]
						actions = [action.infrahub_check_connectivity.test, action.infrahub_import_latest_commit.test]
					}
				}
			}
			action "infrahub_check_connectivity" "test" {
				config {
					repository_id = infrahub_read_only_repository.test.id
				}
			}
			action "infrahub_import_latest_commit" "test" {
				config {
					repository_id = infrahub_read_only_repository.test.id
				}
			}`)
	}
	w := s.newWorkspace(t, configuration("before"))
	requireCLI(t, "an action", actions())
	w.apply()
	w.assertPrinted("apply", "Infrahub reaches "+s.gitAddress+"/network.git", "Imported "+s.name("network")+" at main into branch main: commit "+r.Commits["main"]+", as before")

	r.release(t, "v1.2.0")
	s.resetLog()
	w.write("main.tf", configuration("after"))
	w.run(0, "plan")
	if sent := s.mutations(); len(sent) > 0 {
		t.Errorf("the plan sent %v", sent)
	}
	w.apply()
	w.assertPrinted("apply", "Imported "+s.name("network")+" at main into branch main: commit "+r.Commits["main"])
	if difference := cmp.Diff([]string{"UpdateTag: description id", "CheckConnectivity: id", "ImportLatestCommit: id"}, s.mutations()); difference != "" {
		t.Errorf("mutations (-want +got):\n%s", difference)
	}
	w.planNothing()
	w.destroy()
	s.assertNothingLeft(t)
}

func TestAction_FailureIsPrintedWithTheReasonOfInfrahub(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := s.newRemote(t, "network.git")
	w := s.newWorkspace(t, requirement+s.fill(readOnlyWithImport))
	requireCLI(t, "an action", actions())
	w.apply()
	r.breakMain(t, "v2.0.0")
	w.run(1, "apply", "-auto-approve", "-invoke=action.infrahub_import_latest_commit.test")
	w.assertPrinted("apply", "Error: Error when invoking action", "Import Failed: Infrahub did not import", s.name("network"), "invalid configuration file '.infrahub.yml'", "terraform apply -invoke=action.")
	w.destroy()
	s.assertNothingLeft(t)
}

func TestAction_InterruptEndsTheInvocation(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.mockOnly(t, "a task has to hang")
	s.newRemote(t, "network.git")
	w := s.newWorkspace(t, requirement+s.fill(readOnlyWithImport))
	requireCLI(t, "an action", actions())
	w.apply()
	s.resetLog()
	s.mock.Inject(mockserver.Fault{Operation: importLast, StuckTask: true, Times: 1})
	w.interrupt(syscall.SIGINT, func() bool { return s.hasSent("ImportLatestCommit") && s.count("Tasks") > 3 }, "-invoke=action.infrahub_import_latest_commit.test")
	w.assertPrinted("apply", "Interrupt received", "Import Not Finished", "The wait was interrupted.", importLast+": RUNNING")
	w.planNothing()
	w.destroy()
	s.assertNothingLeft(t)
}

// readOnlyWithImport is a repository and an action that imports its latest commit.
const readOnlyWithImport = `
resource "infrahub_read_only_repository" "test" {
	name     = "network-NAME"
	location = "GIT/network.git"
	ref      = "main"
}

action "infrahub_import_latest_commit" "test" {
	config {
		repository_id = infrahub_read_only_repository.test.id
	}
}
`
