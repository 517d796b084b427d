package acceptance

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// pinnedByVariable is a read-only repository whose ref the command line sets, with the provider's settings from
// the environment.
const pinnedByVariable = requirement + `
provider "infrahub" {}
variable "ref" {}
resource "infrahub_read_only_repository" "test" {
	name     = "network-NAME"
	location = "GIT/network.git"
	ref      = var.ref
}
output "commit" { value = infrahub_read_only_repository.test.commit }
`

func (s *server) newPinnedWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := newWorkspace(t, s.unique(pinnedByVariable), "INFRAHUB_ADDRESS="+s.address, "INFRAHUB_API_TOKEN="+s.token)
	t.Cleanup(func() {
		found, err := s.client.RepositoryNamed(context.WithoutCancel(t.Context()), infrahub.ReadOnly, s.name("network"))
		if err == nil {
			s.remove(t, infrahub.ReadOnly, found.ID)
		}
	})
	return w
}

func apply(ref string) []string {
	return []string{"apply", "-auto-approve", "-input=false", "-var=ref=" + ref}
}

func plan(ref string) []string {
	return []string{"plan", "-detailed-exitcode", "-input=false", "-var=ref=" + ref}
}

func TestInterrupted_KilledBeforeAFailedImportIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	w := s.newPinnedWorkspace(t)
	w.run(apply("v1.0.0")...)
	s.forget()
	w.stopped(syscall.SIGKILL, func() bool { return s.hasSent("UpdateReadOnlyRepository") }, apply("v9.9.9")...)
	s.waitForTask(t, "git-repository-pull-read-only", "v9.9.9", "FAILED")

	w.exits(2, plan("v9.9.9")...)
	if printed := w.printed["plan"]; !strings.Contains(printed, "Import Is Due Again") || !strings.Contains(printed, "Ref v9.9.9 not found") {
		t.Errorf("the plan does not name the failure:\n%s", printed)
	}
	remote.release(t, "v9.9.9")
	s.forget()
	w.run(apply("v9.9.9")...)
	if got, want := s.sent(), []string{"ImportLatestCommit: id", "ReimportCommit: id"}; strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("mutations sent = %v, want %v", got, want)
	}
	if !strings.Contains(w.printed["apply"], remote.commits["v9.9.9"]) {
		t.Errorf("the commit %s was not imported:\n%s", remote.commits["v9.9.9"], w.printed["apply"])
	}
	w.run(plan("v9.9.9")...)
}

func TestInterrupted_KilledBeforeAGoodImportNeedsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remote := s.newRemote(t, "network.git")
	w := s.newPinnedWorkspace(t)
	w.run(apply("v1.0.0")...)
	s.forget()
	w.stopped(syscall.SIGKILL, func() bool { return s.hasSent("UpdateReadOnlyRepository") }, apply("v1.1.0")...)
	s.waitForTask(t, "git-repository-pull-read-only", "v1.1.0", "COMPLETED")
	s.waitForTask(t, "git-read-only-repository-import-last-commit", "v1.1.0", "COMPLETED")
	s.forget()
	w.run(apply("v1.1.0")...)
	if sent := s.sent(); len(sent) != 0 {
		t.Errorf("mutations sent = %v, want none", sent)
	}
	if !strings.Contains(w.printed["apply"], remote.commits["v1.1.0"]) {
		t.Errorf("the commit %s is not known:\n%s", remote.commits["v1.1.0"], w.printed["apply"])
	}
}

func TestInterrupted_CtrlCSavesStateAndSaysWhatStillRuns(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.mockOnly(t, "a task that never ends cannot be made on a real server")
	s.newRemote(t, "network.git")
	w := s.newPinnedWorkspace(t)
	w.run(apply("v1.0.0")...)
	s.forget()
	s.mock.Inject(mockserver.Fault{Operation: "git-repository-pull-read-only", StuckTask: true, Times: 1})
	w.stopped(os.Interrupt, func() bool { return s.count("Tasks") > 3 }, apply("v1.1.0")...)
	for _, want := range []string{"Import Not Finished", "interrupted", "git-repository-pull-read-only"} {
		if !strings.Contains(w.printed["apply"], want) {
			t.Errorf("%q is not printed:\n%s", want, w.printed["apply"])
		}
	}
	w.exits(2, plan("v1.1.0")...)
	if printed := w.printed["plan"]; !strings.Contains(printed, "Import Is Due Again") {
		t.Errorf("the plan does not remember it:\n%s", printed)
	}
}

func TestInterrupted_DestroyWhileAnImportRunsLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "network.git")
	w := newWorkspace(t, strings.Replace(s.unique(pinnedByVariable), "ref      = var.ref", "ref = var.ref\n wait_for_import = false", 1),
		"INFRAHUB_ADDRESS="+s.address, "INFRAHUB_API_TOKEN="+s.token)
	w.run(apply("v1.0.0")...)
	w.run("destroy", "-auto-approve", "-input=false", "-var=ref=v1.0.0")
	time.Sleep(s.whileEchoing())
	s.nothingLeft(t)
}

// stopped runs the CLI and sends a signal to it and all that it started as soon as a condition holds.
func (w *workspace) stopped(signal os.Signal, when func() bool, arguments ...string) {
	w.t.Helper()
	err := w.meanwhile(when, func(started *exec.Cmd) {
		if number, ok := signal.(syscall.Signal); ok {
			if err := syscall.Kill(-started.Process.Pid, number); err != nil {
				w.t.Error(err)
			}
		}
	}, arguments...)
	if err == nil {
		w.t.Fatalf("%v succeeded\n%s", arguments, w.printed[arguments[0]])
	}
}

// meanwhile runs the CLI in a process group of its own, calls do as soon as a condition holds, and returns how the
// CLI exited.
func (w *workspace) meanwhile(when func() bool, do func(started *exec.Cmd), arguments ...string) error {
	w.t.Helper()
	command := w.command(arguments...)
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- command.Wait() }()
	for !when() {
		select {
		case err := <-exited:
			w.t.Fatalf("%v exited (%v) before the condition held\n%s", arguments, err, output.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	do(command)
	err := <-exited
	w.printed[arguments[0]] = output.String()
	return err
}

// exits runs the CLI and expects an exit code.
func (w *workspace) exits(want int, arguments ...string) {
	w.t.Helper()
	output, err := w.command(arguments...).CombinedOutput()
	w.printed[arguments[0]] = string(output)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		w.t.Fatal(err)
	}
	if got != want {
		w.t.Fatalf("%v exits with %d, want %d\n%s", arguments, got, want, output)
	}
}

func (s *server) count(operation string) int {
	count := 0
	for _, request := range s.log.Requests() {
		if request.Operation == operation {
			count++
		}
	}
	return count
}

func (s *server) hasSent(operation string) bool { return s.count(operation) > 0 }

// whileEchoing is longer than what a create sets going may take.
func (s *server) whileEchoing() time.Duration {
	if s.mock == nil {
		return time.Minute
	}
	return 3 * time.Second
}

// waitUntilIdle waits until no task of this test's repository is queued or runs.
func (s *server) waitUntilIdle(t *testing.T) {
	t.Helper()
	for start := time.Now(); time.Since(start) < 2*time.Minute; time.Sleep(200 * time.Millisecond) {
		answer := s.query(t, `query($name: String!) { InfrahubTask(workflow: [$name, "git-read-only-repository-import-last-commit"],
			state: [SCHEDULED, PENDING, RUNNING], limit: 100) { edges { node { parameters } } } }`, "git-repository-pull-read-only")
		if !strings.Contains(answer, s.suffix) {
			return
		}
	}
	t.Fatal("the repository is not idle")
}

// waitForTask waits until the task of a workflow for this ref has a state.
func (s *server) waitForTask(t *testing.T, workflow, ref, state string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < 2*time.Minute; time.Sleep(100 * time.Millisecond) {
		answer := s.query(t, `query($name: String!) { InfrahubTask(workflow: [$name], limit: 50) { edges { node { state parameters } } } }`, workflow)
		for line := range strings.SplitSeq(answer, `{"node"`) {
			if strings.Contains(line, s.name("network")) && strings.Contains(line, `"ref":"`+ref+`"`) && strings.Contains(line, `"state":"`+state+`"`) {
				return
			}
		}
	}
	t.Fatalf("no task %s for %s is %s", workflow, ref, state)
}
