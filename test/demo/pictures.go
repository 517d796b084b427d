package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// slowGit is how long the Git server waits before it answers while the picture of an apply is taken: longer than the CLI takes to
// report that it still waits.
const slowGit = 3 * time.Second

// pictures writes what the CLI prints, with its colours, into a directory: plan.ansi, apply.ansi and failed.ansi.
func (s *story) pictures(ctx context.Context, directory string) (err error) {
	s.version = "-var=ref="
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	if _, err := s.cli.output(ctx, "init"); err != nil {
		return err
	}
	if _, err := s.cli.output(ctx, "apply", "-auto-approve", s.version+"v1.0.0"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.removeAll(ctx)) }()

	shot := func(file string, quoted excerpt, wantSuccess bool, args ...string) error {
		output, err := s.cli.command(ctx, args...).CombinedOutput()
		if _, isExit := errors.AsType[*exec.ExitError](err); err != nil && !isExit || (err == nil) != wantSuccess {
			return fmt.Errorf("%v: %w\n%s", args, err, output)
		}
		lines := excerptOf(output, quoted)
		if len(lines) == 0 {
			return fmt.Errorf("%v printed nothing to show:\n%s", args, output)
		}
		command := s.screen.paint("$ "+s.cli.name()+" "+strings.Join(args, " "), bold)
		s.screen.fact(file, fmt.Sprintf("%d lines", len(lines)))
		return os.WriteFile(filepath.Join(directory, file), []byte(command+"\n\n"+strings.Join(lines, "\n")+"\n"), 0o600)
	}
	if err := shot("plan.ansi", between("  # ", "Plan: "), true, "plan", s.version+"v1.1.0"); err != nil {
		return err
	}
	s.git.delay.Store(int64(slowGit))
	err = shot("apply.ansi", progress("Apply complete!", "commit = "), true, "apply", "-auto-approve", s.version+"v1.1.0")
	s.git.delay.Store(0)
	if err != nil {
		return err
	}
	if waited, err := os.ReadFile(filepath.Join(directory, "apply.ansi")); err != nil || !bytes.Contains(waited, []byte("Still modifying")) {
		return errors.Join(errors.New("the apply ended before the CLI reported that it waits"), err)
	}
	return shot("failed.ansi", between("╷", "╵"), false, "apply", "-auto-approve", s.version+"v1.2.0")
}

// excerptOf returns the quoted lines of an output, with their colours. A colour may begin on an earlier line that is not quoted.
func excerptOf(output []byte, quoted excerpt) []string {
	var lines []string
	colours := ""
	for line := range strings.Lines(string(output)) {
		line = strings.TrimRight(line, "\n")
		if quoted(plain(line)) {
			lines = append(lines, colours+line)
			colours = ""
		} else if plain(line) == "" {
			colours += line
		}
	}
	return lines
}
