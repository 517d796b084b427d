package acceptance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// builtProvider is the environment variable with the directory into which TestMain builds the provider.
const builtProvider = "TEST_BUILT_PROVIDER"

// TestMain builds the provider once, for the tests that run its binary.
func TestMain(m *testing.M) {
	code, err := withBuiltProvider(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func withBuiltProvider(run func() int) (int, error) {
	directory, err := os.MkdirTemp("", "infrahub-provider-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	build := exec.CommandContext(context.Background(), "go", "build", "-o", directory, "../..")
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the provider: %w\n%s", err, output)
	}
	if err := os.Setenv(builtProvider, directory); err != nil {
		return 0, err
	}
	return run(), nil
}

// requirement begins the configuration of a workspace. The provider block takes its settings from the environment.
const requirement = `terraform {
  required_providers {
    infrahub = { source = "infrahub-community/infrahub" }
  }
}

provider "infrahub" {}
`

// workspace is a directory in which the CLI runs the provider's binary.
type workspace struct {
	t           *testing.T
	directory   string
	environment []string
	// printed holds what each command of the CLI printed last, and transcript all that it has printed.
	printed, transcript map[string]string
}

// newWorkspace returns a workspace with a configuration. The environment is added to that of the test.
func newWorkspace(t *testing.T, configuration string, environment ...string) *workspace {
	t.Helper()
	requireFeatures(t, configuration)
	directory := t.TempDir()
	w := &workspace{t: t, directory: directory, printed: map[string]string{}, transcript: map[string]string{}}
	w.write("cli.tfrc", "provider_installation {\n  dev_overrides { \"infrahub-community/infrahub\" = \""+os.Getenv(builtProvider)+"\" }\n  direct {}\n}\n")
	w.write("main.tf", configuration)
	w.environment = append(append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(directory, "cli.tfrc"), "CHECKPOINT_DISABLE=1", "TF_INPUT=0"), environment...)
	return w
}

// newWorkspace returns a workspace whose provider is configured for the server.
func (s *server) newWorkspace(t *testing.T, configuration string, environment ...string) *workspace {
	t.Helper()
	return newWorkspace(t, configuration, append(s.environment(), environment...)...)
}

func (w *workspace) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.directory, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workspace) read(name string) string {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.directory, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

// command returns a command of the CLI in the workspace.
func (w *workspace) command(arguments ...string) *exec.Cmd {
	w.t.Helper()
	cli := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if cli == "" {
		w.t.Skip("TF_ACC_TERRAFORM_PATH names no CLI: make test sets it")
	}
	command := exec.CommandContext(w.t.Context(), cli, append([]string{arguments[0], "-no-color"}, arguments[1:]...)...)
	command.Dir, command.Env = w.directory, w.environment
	return command
}

// run runs the CLI and checks its exit code.
func (w *workspace) run(code int, arguments ...string) {
	w.t.Helper()
	output, err := w.command(arguments...).CombinedOutput()
	w.record(arguments[0], string(output))
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		w.t.Fatal(err)
	}
	if got != code {
		w.t.Fatalf("%v exits with %d, want %d\n%s", arguments, got, code, output)
	}
}

func (w *workspace) record(command, output string) {
	w.printed[command] = output
	w.transcript[command] += output
}

func (w *workspace) apply(arguments ...string) {
	w.t.Helper()
	w.run(0, append([]string{"apply", "-auto-approve"}, arguments...)...)
}

func (w *workspace) destroy(arguments ...string) {
	w.t.Helper()
	w.run(0, append([]string{"destroy", "-auto-approve"}, arguments...)...)
}

// planNothing checks that a plan changes nothing.
func (w *workspace) planNothing(arguments ...string) {
	w.t.Helper()
	w.run(0, append([]string{"plan", "-detailed-exitcode"}, arguments...)...)
}

// planChanges checks that a plan changes something.
func (w *workspace) planChanges(arguments ...string) {
	w.t.Helper()
	w.run(2, append([]string{"plan", "-detailed-exitcode"}, arguments...)...)
}

// assertPrinted checks that a command of the CLI has printed texts, wherever it broke the lines.
func (w *workspace) assertPrinted(command string, want ...string) {
	w.t.Helper()
	printed := strings.Join(strings.Fields(w.printed[command]), " ")
	for _, text := range want {
		if !strings.Contains(printed, text) {
			w.t.Errorf("%s has not printed %q:\n%s", command, text, w.printed[command])
		}
	}
}

// assertNoWarning checks that a command of the CLI has printed no warning but that of the dev_overrides of the workspace.
func (w *workspace) assertNoWarning(command string) {
	w.t.Helper()
	if strings.Count(w.printed[command], "Warning: ") > strings.Count(w.printed[command], "Warning: Provider development overrides") {
		w.t.Errorf("%s has printed a warning:\n%s", command, w.printed[command])
	}
}

// runUntil runs the CLI in a process group of its own, calls do as soon as a condition holds, and returns how the
// CLI exited.
func (w *workspace) runUntil(condition func() bool, do func(started *exec.Cmd), arguments ...string) error {
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
	for !condition() {
		select {
		case err := <-exited:
			w.t.Fatalf("%v exited (%v) before the condition held\n%s", arguments, err, output.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	do(command)
	err := <-exited
	w.record(arguments[0], output.String())
	return err
}
