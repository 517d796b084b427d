package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// screen shows numbered steps, each with the output of the CLI and the claims that were checked.
type screen struct {
	out    io.Writer
	colour bool
	steps  int
}

// newScreen returns a screen on out, in colour if it is a terminal and NO_COLOR is not set.
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

// print ignores errors: if the output is gone, nobody watches.
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

// quote shows a line of the CLI as it is. A style that the line leaves open ends with it.
func (s *screen) quote(line string) {
	s.print("   %s %s\n", s.paint("│", dim), s.paint(line))
}

// claims shows the claims of a step, and how long it took.
func (s *screen) claims(claims []string, took time.Duration) {
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

// plain returns a text of the CLI without its colours.
func plain(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "\x1b[") {
		if rest, isColour := strings.CutPrefix(strings.TrimLeft(part, "0123456789;"), "m"); i > 0 && isColour {
			part = rest
		}
		out.WriteString(part)
	}
	return out.String()
}
