package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

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

// isUUID reports whether a text is a UUID as the server writes them.
func isUUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }

// optional returns what the client has for an attribute that may not be set.
func optional(value types.String) *string {
	if value.IsNull() || value.IsUnknown() {
		return nil
	}
	return value.ValueStringPointer()
}

// parseAddress returns the URL of an Infrahub server. The errors say what to write instead.
func parseAddress(text string) (*url.URL, error) {
	address, err := parseHTTPURL(text)
	if err != nil {
		return nil, err
	}
	if base, _, found := strings.Cut(address.Path+"/", "/graphql/"); found {
		address.Path = base
		return nil, fmt.Errorf("it names the GraphQL endpoint, which the provider adds itself: write %s", address.Redacted())
	}
	return address, nil
}

// parseHTTPURL returns the URL of a server: http or https, a host, and no more than a path. Its errors do not repeat what may
// hold a password.
func parseHTTPURL(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return nil, errors.New("it has white space in it: remove that")
	}
	if text != "" && !strings.Contains(text, "://") {
		if strings.ContainsAny(text, "@?#") {
			return nil, errors.New("it has no scheme: begin it with https:// or http://")
		}
		return nil, fmt.Errorf("it has no scheme: write https://%s or http://%s", text, text)
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("it is not a URL")
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return nil, errors.New("it is not an http or https URL, such as https://infrahub.example.com")
	case parsed.Hostname() == "":
		return nil, errors.New("it names no host")
	case !isPortOrNone(parsed.Port()):
		return nil, fmt.Errorf("it has the port %s, and ports end at 65535", parsed.Port())
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return nil, errors.New("it has a query or a fragment: leave them out")
	}
	return parsed, nil
}

// httpURL validates that parse accepts a text.
type httpURL struct {
	parse func(text string) (*url.URL, error)
}

func (httpURL) Description(context.Context) string { return "must be an http or https URL" }

func (v httpURL) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v httpURL) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := v.parse(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid URL", fmt.Sprintf("This cannot be used: %v.", err))
	}
}

// notBlank validates a setting of the provider, of which white space alone is none.
func notBlank() validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile(`\S`), "must not be empty, nor white space alone")
}
