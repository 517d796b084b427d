package infrahub_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// logBuffer keeps what a client logs.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// logLine is one line of the log.
type logLine struct {
	Time                   time.Time
	Level, Msg             string
	Operation, Branch, Ref string
	Status                 int
	RequestID              string `json:"request_id"`
	Tasks, Elapsed         string
}

func (b *logBuffer) lines(t *testing.T) []logLine {
	t.Helper()
	var lines []logLine
	for text := range strings.Lines(b.String()) {
		var line logLine
		must(t, json.Unmarshal([]byte(text), &line))
		lines = append(lines, line)
	}
	return lines
}

// use edits a client to log into the buffer.
func (b *logBuffer) use(config *infrahub.Config) {
	config.Logger = slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestLog_HasALineForEachResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, log := start(t, mockserver.Options{}), &logBuffer{}
		client := s.client(t, log.use)
		connect(t, client)
		createCredential(t, client)
		requests, lines := s.requests(), log.lines(t)
		if len(lines) != len(requests) {
			t.Fatalf("%d lines for %d requests", len(lines), len(requests))
		}
		for n, request := range requests {
			if got := lines[n]; got.Level != "DEBUG" || got.Operation != request.Operation || got.Branch != "main" || got.Status != 200 || got.RequestID != request.RequestID {
				t.Errorf("got %+v for %s", got, request.Operation)
			}
		}
	})
}

// Variables and bodies hold passwords. Neither the log nor an error may repeat them.
func TestLog_HoldsNoSecrets(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*infrahub.Config){
		"token": func(*infrahub.Config) {}, "login": login(mockserver.DefaultUsername, "canary-login"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, log := start(t, mockserver.Options{Password: "canary-login"}), &logBuffer{}
				client := s.client(t, edit, log.use)
				want := infrahub.Credential{Name: "git", Password: new(sensitive.New("canary-password"))}
				id, err := client.Credentials(false).Create(t.Context(), want)
				must(t, err)
				_, nameTaken := client.Credentials(false).Create(t.Context(), want)
				wantError(t, nameTaken, errorFields{code: "UNDEFINED_ERROR", field: "name"})
				s.Inject(mockserver.Fault{Operation: "Credentials", TruncateBody: true})
				_, halfReply := client.Credentials(true).Get(t.Context(), id)
				wantError(t, halfReply, errorFields{operation: "Credentials"})
				for _, text := range []string{nameTaken.Error(), halfReply.Error(), log.String()} {
					if strings.Contains(text, "canary") || strings.Contains(text, mockserver.DefaultToken) || strings.Contains(text, "Bearer") {
						t.Errorf("a secret is in %s", text)
					}
				}
			})
		})
	}
}

func TestLog_ShowsTheTasksOfAnImportWhenTheyChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, log := start(t, live()), &logBuffer{}
		client := s.client(t, log.use)
		before := createImported(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(time.Minute)
		waitFor(t, changeRef(t, client, before, "v1.1.0"))
		var lines []logLine
		for _, line := range log.lines(t) {
			if line.Level == "INFO" && line.Ref == "v1.1.0" {
				lines = append(lines, line)
			}
		}
		if len(lines) == 0 {
			t.Fatal("nothing was logged")
		}
		for n, line := range lines {
			if line.Msg != "Importing network" || line.Branch != "main" || line.Elapsed == "" ||
				!strings.Contains(line.Tasks, pullReadOnly+": ") || !strings.Contains(line.Tasks, importLast+": ") {
				t.Errorf("logged %+v", line)
			}
			if n > 0 && (line.Tasks == lines[n-1].Tasks || line.Time.Sub(lines[n-1].Time) < time.Second) {
				t.Errorf("logged %q %s after %q", line.Tasks, line.Time.Sub(lines[n-1].Time), lines[n-1].Tasks)
			}
		}
	})
}
