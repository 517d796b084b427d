package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// parseWebURL accepts the URL of a server: http or https, a host, and no more than a path. Its errors
// do not repeat the text, which may hold a password.
func parseWebURL(text string) (*url.URL, error) {
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

// webURL validates what parseWebURL accepts.
type webURL struct{}

func (webURL) Description(context.Context) string { return "must be an http or https URL" }

func (v webURL) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (webURL) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := parseWebURL(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid URL", fmt.Sprintf("This cannot be used: %v.", err))
	}
}
