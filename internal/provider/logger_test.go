package provider

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"
	"github.com/hashicorp/terraform-plugin-log/tfsdklogtest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// logBuffer collects Terraform's log.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *logBuffer) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(line)
}

func (s *logBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestLogger_WritesLevelsAndFieldsToTerraformsLog(t *testing.T) {
	t.Parallel()
	var log logBuffer
	ctx := tflogtest.RootLogger(t.Context(), &log)
	logger := newLogger().With("branch", "main")
	other := logger.With("ref", "v1.0.0")
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		logger.Log(ctx, level, "Importing", "seconds", 3, "error", context.Canceled)
	}
	other.InfoContext(ctx, "Other")
	logger.WithGroup("group").InfoContext(ctx, "Grouped", "seconds", 3)
	logger.InfoContext(t.Context(), "Dropped") // outside of a call by Terraform
	lines, err := tflogtest.MultilineJSONDecode(strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	line := func(level, message string, line map[string]any) map[string]any {
		maps.Copy(line, map[string]any{"@level": level, "@message": message, "@module": "provider", "branch": "main"})
		return line
	}
	fields := func() map[string]any { return map[string]any{"seconds": 3.0, "error": "context canceled"} }
	want := []map[string]any{
		line("debug", "Importing", fields()), line("info", "Importing", fields()), line("warn", "Importing", fields()), line("error", "Importing", fields()),
		line("info", "Other", map[string]any{"ref": "v1.0.0"}), line("info", "Grouped", map[string]any{"seconds": 3.0}),
	}
	if difference := cmp.Diff(want, lines); difference != "" {
		t.Errorf("(-want +got)\n%s", difference)
	}
}

func TestLogger_NoSecretIsLogged(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{Token: "canary-token"})
	var log logBuffer
	p := newProvider(t)
	p.ctx = tfsdklogtest.RootLogger(tflogtest.RootLogger(p.ctx, &log), &log)
	p.configure(s.block().with(attributes{"api_token": "canary-token"})).requireNone(t)
	stored, writeOnly := p.newInstance(credentialType), p.newInstance(credentialType)
	stored.mustApply(attributes{"name": "state", "username": "bot", "password": "canary-one"})
	stored.mustApply(attributes{"name": "state", "username": "bot", "password": "canary-two"})
	writeOnly.mustApply(attributes{"name": "none", "username": "bot", "password_wo": "canary-three", "password_wo_version": 1})
	stored.refresh().requireNone(t)
	stored.plan(attributes{"name": "state", "password": "canary-four"}).diagnostics.requireNone(t)
	refused := writeOnly.plan(attributes{"name": "state", "username": "bot", "password_wo": "canary-five", "password_wo_version": 2})
	writeOnly.apply(refused).expectNoSecret(t, "canary")
	login := newProvider(t)
	login.ctx = p.ctx
	login.configure(s.block().with(attributes{"api_token": nil, "username": "admin", "password": "canary-six"})).onlyError(t)

	text := log.String()
	for _, part := range []string{"Infrahub answered", `"operation":"CreateCredential"`, `"operation":"UpdateCredential"`, `"status":200`, `"request_id"`} {
		if !strings.Contains(text, part) {
			t.Errorf("the log does not contain %s", part)
		}
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "canary") {
			t.Errorf("a secret is logged: %s", line)
		}
	}
}
