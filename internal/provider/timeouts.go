package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// defaultTimeout bounds an operation for which timeouts says nothing.
const defaultTimeout = 20 * time.Minute

// withTimeout returns a context that ends with the timeout of an operation.
func withTimeout(ctx context.Context, timeout func(context.Context, time.Duration) (time.Duration, diag.Diagnostics), diags *diag.Diagnostics) (context.Context, context.CancelFunc) {
	limit, problems := timeout(ctx, defaultTimeout)
	diags.Append(problems...)
	return context.WithTimeout(ctx, limit)
}
