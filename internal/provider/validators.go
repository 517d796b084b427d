package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// maxTextBytes is the longest text that the server accepts, in bytes of UTF-8 (infrahub-behaviour.md, Kinds 3).
const maxTextBytes = 4092

// nonEmptyText validates an optional text. The server would return an empty one as not set.
func nonEmptyText() []validator.String {
	return []validator.String{
		stringvalidator.LengthAtMost(maxTextBytes),
		stringvalidator.RegexMatches(regexp.MustCompile(`(?s).`), "must not be empty: remove the attribute to clear it"),
	}
}

// requiredText validates a text that must not be empty.
func requiredText() []validator.String {
	return []validator.String{stringvalidator.LengthBetween(1, maxTextBytes)}
}

// repositoryName validates a name as the server does (infrahub-behaviour.md, Kinds 3).
func repositoryName() []validator.String {
	return append(requiredText(), stringvalidator.RegexMatches(regexp.MustCompile(`^[^/]*$`), "must not contain a slash"))
}

// nodeID validates a UUID.
func nodeID() validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
		"must be the id of the object (a UUID), not its name")
}

// isUUID reports whether a text is a UUID as the server writes them.
func isUUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }

// optional returns what the client has for an attribute that may not be set.
func optional(value types.String) *string {
	if value.IsNull() || value.IsUnknown() {
		return nil
	}
	return value.ValueStringPointer()
}

// parseHTTPURL returns the URL of a server: http or https, a host, and no more than a path. Its errors do not repeat the text,
// which may hold a password.
func parseHTTPURL(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("it is not a URL")
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return nil, errors.New("it is not an http or https URL, such as https://infrahub.example.com")
	case parsed.Host == "":
		return nil, errors.New("it names no host")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return nil, errors.New("it has a query or a fragment: leave them out")
	}
	return parsed, nil
}

// httpURL validates that parseHTTPURL accepts a text.
type httpURL struct{}

func (httpURL) Description(context.Context) string { return "must be an http or https URL" }

func (v httpURL) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (httpURL) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := parseHTTPURL(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid URL", fmt.Sprintf("This cannot be used: %v.", err))
	}
}
