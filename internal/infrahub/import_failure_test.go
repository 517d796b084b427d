package infrahub

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// The lines that ended tasks on a live server, and what a person is told of each.
func TestReason_OfRecordedLogs(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("testdata", "failures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []struct {
		Name, Message, Reason string
		Cause                 Cause
	}
	if err := json.Unmarshal(content, &lines); err != nil || len(lines) < 20 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for n, line := range lines {
		t.Run(line.Name+" "+strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			thrown := parseException(line.Message)
			if got := thrown.reason(); got != line.Reason {
				t.Errorf("reason\ngot  %s\nwant %s", got, line.Reason)
			}
			if got := thrown.cause(); got != line.Cause {
				t.Errorf("cause = %d, want %d", got, line.Cause)
			}
		})
	}
}

func TestReason_InOtherShapes(t *testing.T) {
	t.Parallel()
	const ended = "Finished in state Failed('Flow run encountered an exception: "
	for _, test := range []struct{ name, message, want string }{
		{"of an exception", ended + "ValueError: Ref v9.9.9 not found.')", "Ref v9.9.9 not found."},
		{"of an exception with its module", ended + "infrahub.git.RepositoryError: No.')", "No."},
		{"of an exception without a class", ended + "something broke')", "something broke"},
		{"of an exception that quotes", ended + `RepositoryError: It\'s \"here\" in a\\b')`, `It's "here" in a\b`},
		{"of an exception of several lines", ended + `CommandError: \n  stderr: \'fatal\'\n')`, "stderr: 'fatal'"},
		{"before the traceback", "It broke.\nTraceback (most recent call last):\n  File", "It broke."},
		{"of a line that Prefect did not write", "  Something  else\nhappened ", "Something else happened"},
		{"of nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := parseException(test.message).reason(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
