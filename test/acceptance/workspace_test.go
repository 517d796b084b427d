package acceptance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// builtProvider is the variable that holds where TestMain has put the provider's binary.
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

// workspace is a directory in which the CLI runs the provider's binary.
type workspace struct {
	t           *testing.T
	directory   string
	environment []string
	printed     map[string]string
}

func newWorkspace(t *testing.T, configuration string, environment ...string) *workspace {
	t.Helper()
	directory := t.TempDir()
	w := &workspace{t: t, directory: directory, printed: map[string]string{}}
	w.write("cli.tfrc", "provider_installation {\n  dev_overrides { \"infrahub-community/infrahub\" = \""+os.Getenv(builtProvider)+"\" }\n  direct {}\n}\n")
	w.write("main.tf", configuration)
	w.environment = append(append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(directory, "cli.tfrc"), "CHECKPOINT_DISABLE=1"), environment...)
	return w
}

func (w *workspace) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.directory, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// command is the CLI in the workspace.
func (w *workspace) command(arguments ...string) *exec.Cmd {
	w.t.Helper()
	cli := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if cli == "" {
		w.t.Skip("TF_ACC_TERRAFORM_PATH names no CLI: make test sets it")
	}
	command := exec.CommandContext(w.t.Context(), cli, append(arguments, "-no-color")...)
	if arguments[0] == "show" {
		command.Args = append([]string{cli, "show", "-no-color"}, arguments[1:]...)
	}
	command.Dir, command.Env = w.directory, w.environment
	return command
}

func (w *workspace) run(arguments ...string) {
	w.t.Helper()
	output, err := w.command(arguments...).CombinedOutput()
	w.printed[arguments[0]] += string(output)
	if err != nil {
		w.t.Fatalf("%v: %v\n%s", arguments, err, output)
	}
}

func (w *workspace) fails(arguments ...string) {
	w.t.Helper()
	output, err := w.command(arguments...).CombinedOutput()
	w.printed[arguments[0]] += string(output)
	if err == nil {
		w.t.Fatalf("%v succeeded\n%s", arguments, output)
	}
	if !strings.Contains(string(output), "Import Failed") {
		w.t.Fatalf("%v failed otherwise than by its import\n%s", arguments, output)
	}
}
