package acceptance

import (
	"context"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// newRefWorkspace makes a remote, and applies a read-only repository of it at v1.0.0, whose ref is a variable. Arguments
// are further arguments of the resource.
func (s *server) newRefWorkspace(t *testing.T, arguments string) (*workspace, remote) {
	t.Helper()
	r := s.newRemote(t, "network.git")
	w := s.newWorkspace(t, requirement+s.fill(`
		variable "ref" {}
		resource "infrahub_read_only_repository" "test" {
			name     = "network-NAME"
			location = "GIT/network.git"
			ref      = var.ref
			`+arguments+`
		}
		output "commit" { value = infrahub_read_only_repository.test.commit }
	`))
	t.Cleanup(func() {
		found, err := s.client.Repositories(infrahub.ReadOnly).GetByName(context.WithoutCancel(t.Context()), s.name("network"))
		if err == nil {
			s.deleteRepository(t, infrahub.ReadOnly, found.ID)
		}
	})
	w.apply("-var=ref=v1.0.0")
	return w, r
}

func TestInterrupted_KilledBeforeAFailedImportRetriesIt(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w, remote := s.newRefWorkspace(t, "")
	s.resetLog()
	w.interrupt(syscall.SIGKILL, func() bool { return s.hasSent("UpdateReadOnlyRepository") }, "-var=ref=v9.9.9")
	s.waitForTask(t, pull, "v9.9.9", "FAILED")

	w.planChanges("-var=ref=v9.9.9")
	w.assertPrinted("plan", "Import Is Due Again", "Ref v9.9.9 not found")
	remote.release(t, "v9.9.9")
	s.resetLog()
	w.apply("-var=ref=v9.9.9")
	s.assertMutations(t, "ImportLatestCommit: id", "ReimportCommit: id")
	w.assertPrinted("apply", remote.Commits["v9.9.9"])
	w.planNothing("-var=ref=v9.9.9")
}

func TestInterrupted_KilledBeforeAGoodImportSendsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w, remote := s.newRefWorkspace(t, "")
	s.resetLog()
	w.interrupt(syscall.SIGKILL, func() bool { return s.hasSent("UpdateReadOnlyRepository") }, "-var=ref=v1.1.0")
	s.waitForTask(t, pull, "v1.1.0", "COMPLETED")
	s.waitForTask(t, importLast, "v1.1.0", "COMPLETED")
	s.resetLog()
	w.apply("-var=ref=v1.1.0")
	s.assertMutations(t)
	w.assertPrinted("apply", remote.Commits["v1.1.0"])
}

func TestInterrupted_CtrlCSavesStateAndNamesTheRunningTasks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.mockOnly(t, "no task of a live server can be made to run for ever")
	w, _ := s.newRefWorkspace(t, "")
	s.resetLog()
	s.mock.Inject(mockserver.Fault{Operation: pull, StuckTask: true, Times: 1})
	w.interrupt(syscall.SIGINT, func() bool { return s.count("Tasks") > 3 }, "-var=ref=v1.1.0")
	w.assertPrinted("apply", "Import Not Finished", "interrupted", pull)
	w.planChanges("-var=ref=v1.1.0")
	w.assertPrinted("plan", "Import Is Due Again")
}

func TestInterrupted_DestroyDuringAnImportLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w, _ := s.newRefWorkspace(t, "wait_for_import = false")
	w.destroy("-var=ref=v1.0.0")
	time.Sleep(s.echoTimeout())
	s.assertNothingLeft(t)
}

// interrupt applies, and sends a signal to the CLI and all that it has started as soon as a condition holds.
func (w *workspace) interrupt(signal syscall.Signal, condition func() bool, arguments ...string) {
	w.t.Helper()
	arguments = append([]string{"apply", "-auto-approve"}, arguments...)
	err := w.runUntil(condition, func(started *exec.Cmd) {
		if err := syscall.Kill(-started.Process.Pid, signal); err != nil {
			w.t.Error(err)
		}
	}, arguments...)
	if err == nil {
		w.t.Fatalf("%v succeeded\n%s", arguments, w.printed["apply"])
	}
}
