// Package firstminute checks what a person sees whose machine lacks something.
package firstminute

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runWith runs a command in the repository with a PATH that has these programs alone, and returns what it prints.
func runWith(t *testing.T, programs []string, command ...string) (printed string, ok bool) {
	t.Helper()
	path := t.TempDir()
	for _, program := range programs {
		found, err := exec.LookPath(program)
		if err != nil {
			t.Skipf("this machine has no %s: %v", program, err)
		}
		if err := os.Symlink(found, filepath.Join(path, program)); err != nil {
			t.Fatal(err)
		}
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		t.Skip(err)
	}
	run := exec.CommandContext(t.Context(), program, command[1:]...)
	run.Dir, run.Env = "../..", []string{"PATH=" + path, "HOME=" + t.TempDir()}
	output, err := run.CombinedOutput()
	if _, isExit := errors.AsType[*exec.ExitError](err); err != nil && !isExit {
		t.Fatal(err)
	}
	return string(output), err == nil
}

func TestMake_NamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for missing, programs := range map[string][]string{
		"Go is not on PATH":  {"bash", "git"},
		"git is not on PATH": {"bash", "go"},
	} {
		printed, ok := runWith(t, programs, "make", "demo")
		if ok || !strings.Contains(printed, missing) || !strings.Contains(printed, "https://") {
			t.Errorf("want %q and where to get it, got:\n%s", missing, printed)
		}
	}
}

func TestMake_HelpNeedsNothing(t *testing.T) {
	t.Parallel()
	printed, ok := runWith(t, []string{"bash", "awk"}, "make")
	for _, target := range []string{"make demo ", "make test ", "make release-check ", "make pictures "} {
		if !ok || !strings.Contains(printed, target) {
			t.Errorf("the help lacks %q:\n%s", target, printed)
		}
	}
}

// The downloader fails here, because there is no Go: a person without a CLI then reads how to get one.
func TestCLI_SaysHowToGetOne(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("../../.cache/cli/terraform"); err == nil {
		t.Skip("there is a terraform in .cache/cli")
	}
	printed, ok := runWith(t, []string{"bash", "dirname", "mkdir"}, "bash", "test/cli.sh", "true")
	for _, part := range []string{"Neither terraform nor tofu is on PATH", "opentofu.org", "TF_ACC_TERRAFORM_PATH"} {
		if ok || !strings.Contains(printed, part) {
			t.Errorf("want %q, got:\n%s", part, printed)
		}
	}
}
