package provider

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var (
	_ basetypes.StringTypable                    = locationType{}
	_ basetypes.StringValuableWithSemanticEquals = location{}
)

// locationType is the type of a Git repository's URL, to which the server may append .git
// (infrahub.md, Writing 8).
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

// keepLocation plans no change where only the suffix differs: semantic equality is not looked at
// while planning.
type keepLocation struct{}

func (keepLocation) Description(context.Context) string {
	return "A suffix .git that only one of the two has is no change."
}

func (m keepLocation) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (keepLocation) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !req.StateValue.IsNull() && (location{req.StateValue}).sameRemote(location{req.PlanValue}) {
		resp.PlanValue = req.StateValue
	}
}

// gitURL validates what Infrahub can clone from.
type gitURL struct{}

func (gitURL) Description(context.Context) string {
	return "must be the URL of a Git repository (https, http, ssh, git, file, or user@host:path) or an absolute path"
}

func (v gitURL) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v gitURL) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	invalid := func(detail string) { resp.Diagnostics.AddAttributeError(req.Path, "Invalid Location", detail) }
	text := req.ConfigValue.ValueString()
	if path.IsAbs(text) || regexp.MustCompile(`^([^@:/\s]+@)?[^@:/\s]+:[^@\s]+$`).MatchString(text) && !strings.Contains(text, "://") {
		return // a path, or [user@]host:path
	}
	parsed, err := url.Parse(text)
	if err != nil {
		invalid("This is not a URL: it " + v.Description(ctx) + ".") // not err, which repeats a password
		return
	}
	switch parsed.Scheme {
	case "http", "https":
		if parsed.User != nil {
			invalid("The URL holds a username or a password, which Infrahub would store and show to everybody. Leave it out, and set credential_id to an infrahub_password_credential.")
			return
		}
	case "ssh", "git":
		if _, password := parsed.User.Password(); password {
			invalid("The URL holds a password, which Infrahub would store and show to everybody. Leave it out.")
			return
		}
	case "file":
		if parsed.Path == "" {
			invalid("The URL has no path.")
		}
		return
	default:
		invalid("It " + v.Description(ctx) + ".")
		return
	}
	if parsed.Host == "" {
		invalid("The URL names no host.")
	}
}
