package provider

import (
	"context"
	"log/slog"
	"slices"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// newLogger hands what the client logs to Terraform's log (TF_LOG), of the call that it belongs to.
func newLogger() *slog.Logger { return slog.New(terraformLog{}) }

type terraformLog struct {
	attributes []slog.Attr
}

func (terraformLog) Enabled(context.Context, slog.Level) bool { return true }

func (l terraformLog) Handle(ctx context.Context, record slog.Record) error {
	fields := map[string]any{}
	for _, a := range l.attributes {
		fields[a.Key] = a.Value.Any()
	}
	record.Attrs(func(a slog.Attr) bool {
		fields[a.Key] = a.Value.Any()
		return true
	})
	switch {
	case record.Level >= slog.LevelError:
		tflog.Error(ctx, record.Message, fields)
	case record.Level >= slog.LevelWarn:
		tflog.Warn(ctx, record.Message, fields)
	case record.Level >= slog.LevelInfo:
		tflog.Info(ctx, record.Message, fields)
	default:
		tflog.Debug(ctx, record.Message, fields)
	}
	return nil
}

func (l terraformLog) WithAttrs(attributes []slog.Attr) slog.Handler {
	return terraformLog{attributes: append(slices.Clip(l.attributes), attributes...)}
}

func (l terraformLog) WithGroup(string) slog.Handler { return l }
