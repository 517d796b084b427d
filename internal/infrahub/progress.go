package infrahub

import "context"

// progressKey is the key under which a context holds the function of WithProgress.
type progressKey struct{}

// WithProgress returns a context for calls that wait. They call report with one line, without a period, whenever what they wait for
// changes: at most once each second, and never at the same time. Report must return soon, because the wait stands still meanwhile.
func WithProgress(ctx context.Context, report func(line string)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// reportProgress calls the function of WithProgress, if there is one.
func reportProgress(ctx context.Context, line string) {
	if report, ok := ctx.Value(progressKey{}).(func(line string)); ok {
		report(line)
	}
}
