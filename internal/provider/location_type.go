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

// StringSemanticEquals keeps the value of the configuration where the server returns it with .git appended. It is called on the new
// value, with the one before.
func (l location) StringSemanticEquals(_ context.Context, before basetypes.StringValuable) (bool, diag.Diagnostics) {
	configured, same := before.(location)
	return same && configured.storedAs(l), nil
}

// storedAs reports whether the server may have stored a location as another: as it is, or with .git appended.
func (l location) storedAs(stored location) bool {
	if l.IsNull() || l.IsUnknown() || stored.IsNull() || stored.IsUnknown() {
		return l.Equal(stored)
	}
	text := l.ValueString()
	isHTTP := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
	return stored.ValueString() == text || isHTTP && !strings.HasSuffix(text, ".git") && stored.ValueString() == text+".git"
}

// ignoreGitSuffix plans no change to the location that the server has already because it appended .git: Terraform does not look at
// semantic equality while it plans.
type ignoreGitSuffix struct{}

func (ignoreGitSuffix) Description(context.Context) string {
	return "A suffix .git that Infrahub has appended already is no change."
}

func (m ignoreGitSuffix) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (ignoreGitSuffix) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	state, planned := location{req.StateValue}, location{req.PlanValue}
	if state.IsNull() || planned.IsNull() || planned.IsUnknown() {
		return
	}
	onServer, diags := loadText(ctx, req.Private, serverLocationKey)
	resp.Diagnostics.Append(diags...)
	if onServer == "" {
		// No refresh of this version of the provider has written it yet.
		if state.storedAs(planned) || planned.storedAs(state) {
			resp.PlanValue = req.StateValue
		}
		return
	}
	if state.storedAs(planned) && planned.Equal(newLocation(onServer)) {
		resp.PlanValue = req.StateValue
	}
}
