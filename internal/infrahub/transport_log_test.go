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
)

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// line is one line of a log.
type line struct {
	Time                   time.Time
	Level, Msg             string
	Operation, Branch, Ref string
	Status                 int
	RequestID              string `json:"request_id"`
	Tasks, Elapsed         string
}

func (j *journal) lines(t *testing.T) []line {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []line
	for each := range strings.Lines(j.text.String()) {
		var parsed line
		if err := json.Unmarshal([]byte(each), &parsed); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, parsed)
	}
	return lines
}

func (j *journal) keep(config *infrahub.Config) {
	config.Logger = slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestLog_EveryAnswerIsALine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := start(t, mockserver.Options{}), &journal{}
		client := s.client(t, j.keep)
		connect(t, client)
		credential(t, client)
		requests := s.requests()
		lines := j.lines(t)
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

// Variables and bodies carry passwords: no secret is in a log, a failure or not.
func TestLog_HoldsNoSecrets(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]func(*infrahub.Config){
		"token": func(*infrahub.Config) {}, "login": login(mockserver.DefaultUsername, "canary-login"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, j := start(t, mockserver.Options{Password: "canary-login"}), &journal{}
				client := s.client(t, as, j.keep)
				wanted := infrahub.Credential{Name: "git", Password: new("canary-password")}
				id, err := client.Credentials(false).Create(t.Context(), wanted)
				if err != nil {
					t.Fatal(err)
				}
				var said []string
				_, err = client.Credentials(false).Create(t.Context(), wanted)
				failed(t, err, want{code: "UNDEFINED_ERROR", field: "name"})
				said = append(said, err.Error())
				s.Inject(mockserver.Fault{Operation: "Credentials", TruncateBody: true})
				_, err = client.Credentials(true).Get(t.Context(), id)
				failed(t, err, want{operation: "Credentials"})
				said = append(said, err.Error(), j.text.String())
				for _, text := range said {
					if strings.Contains(text, "canary") || strings.Contains(text, mockserver.DefaultToken) || strings.Contains(text, "Bearer") {
						t.Errorf("a secret is in %s", text)
					}
				}
			})
		})
	}
}

func TestLog_TellsHowAnImportGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := start(t, live()), &journal{}
		client := s.client(t, j.keep)
		before := established(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(time.Minute)
		settle(t, bump(t, client, before, "v1.1.0"))
		var told []line
		for _, each := range j.lines(t) {
			if each.Level == "INFO" && each.Ref == "v1.1.0" {
				told = append(told, each)
			}
		}
		if len(told) == 0 {
			t.Fatal("nothing was told")
		}
		for n, each := range told {
			if each.Msg != "Importing network" || each.Branch != "main" || each.Elapsed == "" ||
				!strings.Contains(each.Tasks, pullReadOnly+": ") || !strings.Contains(each.Tasks, importLast+": ") {
				t.Errorf("told %+v", each)
			}
			if n > 0 && (each.Tasks == told[n-1].Tasks || each.Time.Sub(told[n-1].Time) < time.Second) {
				t.Errorf("told %q %s after %q", each.Tasks, each.Time.Sub(told[n-1].Time), told[n-1].Tasks)
			}
		}
	})
}
