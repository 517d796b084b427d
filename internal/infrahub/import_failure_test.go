package infrahub

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// testdata/failures.json holds error messages that ended tasks on a live server, with the reason and the cause to
// show.
func TestException_FromRecordedMessages(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("testdata", "failures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var failures []struct {
		Name, Message, Reason string
		Cause                 Cause
	}
	if err := json.Unmarshal(content, &failures); err != nil || len(failures) < 20 {
		t.Fatalf("%d failures, %v", len(failures), err)
	}
	for n, failure := range failures {
		t.Run(failure.Name+" "+strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			exception := parseException(failure.Message)
			if got := exception.reason(); got != failure.Reason {
				t.Errorf("reason\ngot  %s\nwant %s", got, failure.Reason)
			}
			if got := exception.cause(); got != failure.Cause {
				t.Errorf("cause = %d, want %d", got, failure.Cause)
			}
		})
	}
}

func TestException_FromOtherMessages(t *testing.T) {
	t.Parallel()
	const ended = "Finished in state Failed('Flow run encountered an exception: "
	for _, test := range []struct{ name, message, reason string }{
		{"a class", ended + "ValueError: Ref v9.9.9 not found.')", "Ref v9.9.9 not found."},
		{"a class with its module", ended + "infrahub.git.RepositoryError: No.')", "No."},
		{"no class", ended + "something broke')", "something broke"},
		{"escaped quotes", ended + `RepositoryError: It\'s \"here\" in a\\b')`, `It's "here" in a\b`},
		{"several lines", ended + `CommandError: \n  stderr: \'fatal\'\n')`, "fatal"},
		{"a traceback", "It broke.\nTraceback (most recent call last):\n  File", "It broke."},
		{"a message that Prefect did not write", "  Something  else\nhappened ", "Something else happened"},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := parseException(test.message).reason(); got != test.reason {
				t.Errorf("got %q, want %q", got, test.reason)
			}
		})
	}
}
