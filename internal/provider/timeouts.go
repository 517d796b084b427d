package provider

import (
	"context"
	"fmt"
	"time"

	actiontimeouts "github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// defaultTimeout bounds an operation for which timeouts says nothing.
const defaultTimeout = 20 * time.Minute

// timeoutsDescription says what a change does, as the description of each attribute does.
const timeoutsDescription = "How long an operation may take before it fails. Without it each may take 20 minutes. Changing it changes nothing in Infrahub."

// timeoutsAttribute returns the attribute timeouts, whose durations have to be positive.
func timeoutsAttribute(ctx context.Context, opts timeouts.Opts) schema.Attribute {
	attribute := timeouts.Attributes(ctx, opts)
	nested, ok := attribute.(schema.SingleNestedAttribute)
	if !ok {
		return attribute
	}
	nested.MarkdownDescription = timeoutsDescription
	for name, duration := range nested.Attributes {
		if text, ok := duration.(schema.StringAttribute); ok {
			text.Validators = append(text.Validators, positiveDuration{})
			text.MarkdownDescription = fmt.Sprintf("How long each %s may take, such as `90s` or `1h30m`. Defaults to 20 minutes.", name)
			if name == "delete" {
				text.MarkdownDescription += " A destroy uses the value that the last apply saved."
			}
			nested.Attributes[name] = text
		}
	}
	return nested
}

// actionTimeoutsAttribute returns the attribute timeouts of an action, whose duration has to be positive.
func actionTimeoutsAttribute(ctx context.Context) actionschema.Attribute {
	attribute := actiontimeouts.AttributesWithOpts(ctx, actiontimeouts.Opts{
		InvokeDescription: "How long the action may take, such as `90s` or `1h30m`. Defaults to 20 minutes.",
	})
	nested, ok := attribute.(actionschema.SingleNestedAttribute)
	if !ok {
		return attribute
	}
	nested.MarkdownDescription = "How long the action may take before it fails. Without it the action may take 20 minutes."
	for name, duration := range nested.Attributes {
		if text, ok := duration.(actionschema.StringAttribute); ok {
			text.Validators = append(text.Validators, positiveDuration{})
			nested.Attributes[name] = text
		}
	}
	return nested
}

// positiveDuration refuses durations that leave no time at all. What is no duration another validator refuses.
type positiveDuration struct{}

func (positiveDuration) Description(context.Context) string {
	return "must be longer than 0s, such as 30m"
}

func (v positiveDuration) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v positiveDuration) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if duration, err := time.ParseDuration(req.ConfigValue.ValueString()); err == nil && duration <= 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Timeout", fmt.Sprintf("%q leaves no time: a timeout %s.", req.ConfigValue.ValueString(), v.Description(ctx)))
	}
}

// withTimeout returns a context that ends with the timeout of an operation.
func withTimeout(ctx context.Context, timeout func(context.Context, time.Duration) (time.Duration, diag.Diagnostics), diags *diag.Diagnostics) (context.Context, context.CancelFunc) {
	limit, problems := timeout(ctx, defaultTimeout)
	diags.Append(problems...)
	return context.WithTimeout(ctx, limit)
}
