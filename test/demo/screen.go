package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

// screen is what a person watches: numbered steps, each with what the CLI says and what was proven.
type screen struct {
	out    io.Writer
	colour bool
	steps  int
}

// newScreen writes to out, in colour if it is a terminal and NO_COLOR is not set.
func newScreen(out *os.File) *screen {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &screen{out: out, colour: terminal && os.Getenv("NO_COLOR") == ""}
}

type style string

const (
	bold  style = "1"
	dim   style = "2"
	red   style = "31"
	green style = "32"
	cyan  style = "36"
)

func (s *screen) paint(text string, styles ...style) string {
	if !s.colour {
		return text
	}
	codes := make([]string, len(styles))
	for i, style := range styles {
		codes[i] = string(style)
	}
	return "\x1b[" + strings.Join(codes, ";") + "m" + text + "\x1b[0m"
}

// print gives no error: where nobody watches any more there is nobody to tell.
func (s *screen) print(format string, values ...any) { _, _ = fmt.Fprintf(s.out, format, values...) }

func (s *screen) title(text string) {
	s.print("\n%s\n\n", s.paint(text, bold))
}

func (s *screen) fact(name, text string) {
	s.print("   %-10s %s\n", name, text)
}

func (s *screen) step(text string) {
	s.steps++
	s.print("\n%s %s\n", s.paint(fmt.Sprintf("%d.", s.steps), bold, cyan), s.paint(text, bold))
}

func (s *screen) command(text string) {
	s.print("   %s\n", s.paint("$ "+text, dim))
}

// quote shows a line of the CLI as it came; a style that it leaves open ends with it.
func (s *screen) quote(line string) {
	s.print("   %s %s\n", s.paint("│", dim), s.paint(line))
}

func (s *screen) proven(claims []string, took time.Duration) {
	for i, claim := range claims {
		last := ""
		if i == len(claims)-1 {
			last = fmt.Sprintf(" (%.1f s)", took.Seconds())
		}
		s.print("   %s %s%s\n", s.paint("✓", bold, green), claim, s.paint(last, dim))
	}
}

func (s *screen) failed(err error) {
	s.print("   %s %s\n", s.paint("✗", bold, red), err)
}

func (s *screen) closing(text string) {
	s.print("\n%s\n", s.paint(text, bold))
}

// plain is a line of the CLI without its colours.
func plain(line string) string {
	return regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(line, "")
}
