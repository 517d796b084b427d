package main

import (
	"bufio"
	"bytes"
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

// cli is Terraform or OpenTofu in a directory of its own, with the provider in a mirror.
type cli struct {
	screen  *screen
	path    string
	dir     string
	environ []string
	// accepts are warnings that belong to the story.
	accepts []string
}

// newCLI makes ready to apply a copy of config in dir, with the providers of the mirror plugins alone.
func newCLI(screen *screen, dir, config, plugins string, environ []string) (*cli, error) {
	path := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if path == "" {
		return nil, errors.New("TF_ACC_TERRAFORM_PATH does not say which CLI to run; `make demo` sets it")
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
	return &cli{screen: screen, path: path, dir: dir, environ: environ}, nil
}

// name is the CLI's own, as a person types it.
func (c *cli) name() string {
	return strings.TrimSuffix(filepath.Base(c.path), ".exe")
}

// onePlatform is the warning that every mirror with a provider for this platform alone leads to.
const onePlatform = "Warning: Incomplete lock file information"

// show runs a command and quotes the lines that tell the story as they come. A failure brings all that
// the CLI said; any other warning is one too, for the demo has nothing to warn of.
func (c *cli) show(ctx context.Context, story excerpt, args ...string) error {
	c.screen.command(c.name() + " " + strings.Join(args, " "))
	if !c.screen.colour {
		args = append([]string{args[0], "-no-color"}, args[1:]...)
	}
	command := c.command(ctx, args...)
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	var complaint bytes.Buffer
	command.Stderr = &complaint
	if err := command.Start(); err != nil {
		return err
	}
	var all strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		line := lines.Text()
		all.WriteString(line + "\n")
		if story(plain(line)) {
			c.screen.quote(line)
		}
	}
	if err := errors.Join(lines.Err(), command.Wait()); err != nil {
		return fmt.Errorf("%s %s: %w\n%s%s", c.name(), args[0], err, all.String(), complaint.String())
	}
	said, unexpected := plain(all.String()), 0
	for line := range strings.Lines(said) {
		expected := slices.ContainsFunc(append(c.accepts, onePlatform), func(warning string) bool { return strings.Contains(line, warning) })
		if strings.Contains(line, "Warning: ") && !expected {
			unexpected++
		}
	}
	if unexpected > 0 {
		return fmt.Errorf("%s %s warns:\n%s", c.name(), args[0], said)
	}
	return nil
}

// output runs a command and returns what it writes.
func (c *cli) output(ctx context.Context, args ...string) ([]byte, error) {
	said, err := c.command(ctx, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s %s: %w\n%s", c.name(), args[0], err, exit.Stderr)
	}
	return said, err
}

// command leaves it to the terminal to interrupt the CLI, which would take a second signal for a
// request to stop at once; it is ended only if it does not stop by itself.
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

// excerpt says of each line, in order and without colours, whether it tells the story.
type excerpt func(line string) bool

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

// progress keeps what the CLI says of each resource that it changes, and how it ends.
func progress(end ...string) excerpt {
	told := starting(append(end, "infrahub_")...)
	return func(line string) bool { return told(line) && !strings.Contains(line, ": Refreshing state") }
}

// between keeps from the first line that starts with first to the one that starts with last.
func between(first, last string) excerpt {
	var begun, ended bool
	return func(line string) bool {
		begun = begun || strings.HasPrefix(line, first)
		keep := begun && !ended
		ended = ended || strings.HasPrefix(line, last)
		return keep
	}
}
