package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var (
	_ basetypes.StringTypable                    = locationType{}
	_ basetypes.StringValuableWithSemanticEquals = location{}
)

// locationType is the type of a Git repository's URL, to which the server may append .git
// (infrahub-behaviour.md, Writing 8).
type locationType struct {
	basetypes.StringType
}

func (t locationType) Equal(other attr.Type) bool {
	_, same := other.(locationType)
	return same
}

func (locationType) String() string { return "location" }

func (locationType) ValueFromString(_ context.Context, value basetypes.StringValue) (basetypes.StringValuable, diag.Diagnostics) {
	return location{value}, nil
}

func (t locationType) ValueFromTerraform(ctx context.Context, in tftypes.Value) (attr.Value, error) {
	value, err := t.StringType.ValueFromTerraform(ctx, in)
	if err != nil {
		return nil, err
	}
	text, ok := value.(basetypes.StringValue)
	if !ok {
		return nil, fmt.Errorf("a location is a string, not %T", value)
	}
	return location{text}, nil
}

func (locationType) ValueType(context.Context) attr.Value { return location{} }

// location is the URL or path of a Git repository.
type location struct {
	basetypes.StringValue
}

func newLocation(text string) location { return location{basetypes.NewStringValue(text)} }

func (location) Type(context.Context) attr.Type { return locationType{} }

func (l location) Equal(other attr.Value) bool {
	o, same := other.(location)
	return same && l.StringValue.Equal(o.StringValue)
}

// StringSemanticEquals keeps what the configuration says where the server only appended .git.
func (l location) StringSemanticEquals(_ context.Context, other basetypes.StringValuable) (bool, diag.Diagnostics) {
	o, same := other.(location)
	return same && l.sameRemote(o), nil
}

// sameRemote reports whether two locations differ at most by the suffix that the server appends.
func (l location) sameRemote(other location) bool {
	if l.IsNull() || l.IsUnknown() || other.IsNull() || other.IsUnknown() {
		return l.Equal(other)
	}
	return withSuffix(l.ValueString()) == withSuffix(other.ValueString())
}

func withSuffix(text string) string {
	if (strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")) && !strings.HasSuffix(text, ".git") {
		return text + ".git"
	}
	return text
}

// ignoreGitSuffix plans no change where only the suffix differs: Terraform does not look at semantic equality while it plans.
type ignoreGitSuffix struct{}

func (ignoreGitSuffix) Description(context.Context) string {
	return "A suffix .git that only one of the two locations has is no change."
}

func (m ignoreGitSuffix) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (ignoreGitSuffix) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !req.StateValue.IsNull() && (location{req.StateValue}).sameRemote(location{req.PlanValue}) {
		resp.PlanValue = req.StateValue
	}
}
