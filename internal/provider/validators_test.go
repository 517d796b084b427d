package provider

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestText_Optional(t *testing.T) {
	t.Parallel()
	text, empty := "text", ""
	for name, test := range map[string]struct {
		value types.String
		want  *string
	}{
		"text":    {types.StringValue("text"), &text},
		"empty":   {types.StringValue(""), &empty},
		"null":    {types.StringNull(), nil},
		"unknown": {types.StringUnknown(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if difference := cmp.Diff(test.want, optional(test.value)); difference != "" {
				t.Errorf("(-want +got)\n%s", difference)
			}
		})
	}
}

func TestText_Sentence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "it failed": "it failed.", "It failed.": "It failed."} {
		if got := withPeriod(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestText_WebURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://infrahub.example.com": true, "http://127.0.0.1:8000": true, "https://h/at/infrahub/": true, "https://[::1]:8000": true,
		"": false, "infrahub": false, "infrahub:8000": false, "ftp://h": false, "https://": false, "https:///path": false,
		"https://h?a=b": false, "https://h#a": false, "https://h:port": false, "https://bot:" + secret + "@h:port": false,
	} {
		parsed, err := parseHTTPURL(text)
		if (err == nil) != want || (parsed != nil) != want {
			t.Errorf("%q: %v, want it to be accepted: %t", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the secret is told: %v", err)
		}
	}
}
