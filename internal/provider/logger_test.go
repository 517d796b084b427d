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

// sink collects what is written to Terraform's log.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(line)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestLogger_LevelsAndFieldsReachTerraformsLog(t *testing.T) {
	t.Parallel()
	var log sink
	ctx := tflogtest.RootLogger(t.Context(), &log)
	logger := newLogger().With("branch", "main")
	other := logger.With("ref", "v1.0.0")
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		logger.Log(ctx, level, "Importing", "seconds", 3, "error", context.Canceled)
	}
	other.InfoContext(ctx, "Other")
	logger.WithGroup("group").InfoContext(ctx, "Grouped", "seconds", 3)
	logger.InfoContext(t.Context(), "Lost") // not a call of Terraform's
	lines, err := tflogtest.MultilineJSONDecode(strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	line := func(level, message string, fields map[string]any) map[string]any {
		maps.Copy(fields, map[string]any{"@level": level, "@message": message, "@module": "provider", "branch": "main"})
		return fields
	}
	told := func() map[string]any { return map[string]any{"seconds": 3.0, "error": "context canceled"} }
	want := []map[string]any{
		line("debug", "Importing", told()), line("info", "Importing", told()), line("warn", "Importing", told()), line("error", "Importing", told()),
		line("info", "Other", map[string]any{"ref": "v1.0.0"}), line("info", "Grouped", map[string]any{"seconds": 3.0}),
	}
	if difference := cmp.Diff(want, lines); difference != "" {
		t.Errorf("(-want +got)\n%s", difference)
	}
}

func TestLogger_NoSecretIsLogged(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{Token: "canary-token"})
	var log sink
	p := newProtocol(t)
	p.ctx = tfsdklogtest.RootLogger(tflogtest.RootLogger(p.ctx, &log), &log)
	p.configure(s.block().with(attributes{"api_token": "canary-token"})).none(t)
	inState, writeOnly := p.newInstance(credential), p.newInstance(credential)
	inState.applied(attributes{"name": "state", "username": "bot", "password": "canary-one"})
	inState.applied(attributes{"name": "state", "username": "bot", "password": "canary-two"})
	writeOnly.applied(attributes{"name": "none", "username": "bot", "password_wo": "canary-three", "password_wo_version": 1})
	inState.refresh().none(t)
	inState.plan(attributes{"name": "state", "password": "canary-four"}).diagnostics.none(t)
	refused := writeOnly.plan(attributes{"name": "state", "username": "bot", "password_wo": "canary-five", "password_wo_version": 2})
	writeOnly.apply(refused).hides(t, "canary")
	login := newProtocol(t)
	login.ctx = p.ctx
	login.configure(s.block().with(attributes{"api_token": nil, "username": "admin", "password": "canary-six"})).oneError(t)

	written := log.String()
	for _, part := range []string{"Infrahub answered", `"operation":"CreateCredential"`, `"operation":"UpdateCredential"`, `"status":200`, `"request_id"`} {
		if !strings.Contains(written, part) {
			t.Errorf("the log does not hold %s", part)
		}
	}
	for line := range strings.Lines(written) {
		if strings.Contains(line, "canary") {
			t.Errorf("a secret is logged: %s", line)
		}
	}
}
