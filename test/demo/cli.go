package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cli is Terraform or OpenTofu in a directory of its own, with the provider in a filesystem mirror.
type cli struct {
	screen  *screen
	path    string
	dir     string
	environ []string
	// expected are the warnings that are no failure.
	expected []string
}

// newCLI returns a CLI that applies a copy of config in dir, with the providers of the mirror in plugins only.
func newCLI(screen *screen, dir, config, plugins string, environ []string) (*cli, error) {
	path := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if path == "" {
		return nil, errors.New("TF_ACC_TERRAFORM_PATH names no CLI to run; `make demo` sets it")
	}
	plugins, err := filepath.Abs(plugins)
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, os.DirFS(config)); err != nil {
		return nil, fmt.Errorf("copy the configuration: %w", err)
	}
	settings := filepath.Join(dir, "cli.tfrc")
	mirror := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", filepath.ToSlash(plugins))
	if err := os.WriteFile(settings, []byte(mirror), 0o600); err != nil {
		return nil, err
	}
	environ = append(append(os.Environ(), environ...), "TF_CLI_CONFIG_FILE="+settings, "TF_IN_AUTOMATION=1", "TF_INPUT=0")
	return &cli{screen: screen, path: path, dir: dir, environ: environ, expected: []string{onePlatform}}, nil
}

// name returns the name of the CLI as a person types it.
func (c *cli) name() string {
	return strings.TrimSuffix(filepath.Base(c.path), ".exe")
}

// onePlatform is the warning about a mirror that has the provider for this platform only.
const onePlatform = "Warning: Incomplete lock file information"

// show runs a command and quotes an excerpt of its output as it comes. The error of a failure has the whole output. An
// unexpected warning is a failure, too.
func (c *cli) show(ctx context.Context, quoted excerpt, args ...string) error {
	text, err := c.run(ctx, quoted, args)
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", c.name(), args[0], err, text)
	}
	for line := range strings.Lines(text) {
		expected := slices.ContainsFunc(c.expected, func(warning string) bool { return strings.Contains(line, warning) })
		if strings.Contains(line, "Warning: ") && !expected {
			return fmt.Errorf("%s %s warns:\n%s", c.name(), args[0], text)
		}
	}
	return nil
}

// showFailure runs a command that has to fail, quotes an excerpt of its output, and checks that it prints these texts.
func (c *cli) showFailure(ctx context.Context, quoted excerpt, want []string, args ...string) error {
	text, err := c.run(ctx, quoted, args)
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		return errors.Join(fmt.Errorf("%s %s has not failed:\n%s", c.name(), args[0], text), err)
	}
	for _, each := range want {
		if !strings.Contains(text, each) {
			return fmt.Errorf("%s %s has not printed %q:\n%s", c.name(), args[0], each, text)
		}
	}
	return nil
}

// run runs a command, quotes an excerpt of its output as it comes, and returns all of it without colours.
func (c *cli) run(ctx context.Context, quoted excerpt, args []string) (text string, err error) {
	c.screen.command(c.name() + " " + strings.Join(args, " "))
	if !c.screen.colour {
		args = append([]string{args[0], "-no-color"}, args[1:]...)
	}
	command := c.command(ctx, args...)
	output, err := command.StdoutPipe()
	if err != nil {
		return "", err
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		return "", err
	}
	var all strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		line := lines.Text()
		all.WriteString(line + "\n")
		if quoted(plain(line)) {
			c.screen.quote(line)
		}
	}
	return plain(all.String()), errors.Join(lines.Err(), command.Wait())
}

// output runs a command and returns its output.
func (c *cli) output(ctx context.Context, args ...string) ([]byte, error) {
	output, err := c.command(ctx, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s %s: %w\n%s", c.name(), args[0], err, exit.Stderr)
	}
	return output, err
}

// command returns a command of the CLI. The terminal interrupts the CLI itself, and a second signal would be a request to
// stop at once. So an interrupt only kills the CLI if it does not stop by itself.
func (c *cli) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, c.path, args...)
	command.Dir, command.Env = c.dir, c.environ
	command.Cancel = func() error { return nil }
	command.WaitDelay = time.Minute
	return command
}

// read returns a file of the CLI's directory.
func (c *cli) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(c.dir, name))
}

// excerpt reports of each line of the output, in order and without colours, whether the demo quotes it.
type excerpt func(line string) bool

// starting quotes the lines with one of these prefixes.
func starting(prefixes ...string) excerpt {
	return func(line string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				return true
			}
		}
		return false
	}
}

// progress quotes the progress of each resource that the CLI changes, and the lines that start with end.
func progress(end ...string) excerpt {
	quoted := starting(append(end, "infrahub_")...)
	return func(line string) bool { return quoted(line) && !strings.Contains(line, ": Refreshing state") }
}

// failure quotes the progress of each resource, and the error.
func failure() excerpt {
	running, begun := progress(), false
	return func(line string) bool {
		begun = begun || strings.HasPrefix(line, "╷") || strings.HasPrefix(line, "Error: ") // without colours there is no frame
		return begun || running(line)
	}
}

// between quotes the lines from the first that starts with first to the next that starts with last.
func between(first, last string) excerpt {
	var begun, ended bool
	return func(line string) bool {
		begun = begun || strings.HasPrefix(line, first)
		keep := begun && !ended
		ended = ended || strings.HasPrefix(line, last)
		return keep
	}
}
