package provider

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// FuzzLocation asserts that a location is accepted, or refused with a reason that does not repeat its password.
func FuzzLocation(f *testing.F) {
	for _, parts := range [][2]string{
		{"https://", "git.example.com/network.git"},
		{"https://", "github.com/o/r/tree/main"},
		{"http://", "h/g/-/blob/x?y#z"},
		{"ssh://", "h:99999/x"},
		{"", "host:22"},
		{"C:\\", "x"},
		{"https:", "h"},
		{"file:", "//"},
		{"git@", "h:p"},
		{"https://", "%zz"},
		{" https://", "h\x00"},
	} {
		f.Add(parts[0], parts[1])
	}
	const secret = "correct-horse-battery"
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		for _, text := range []string{scheme + rest, scheme + "user:" + secret + "@" + rest, scheme + rest + "?token=" + secret} {
			resp := &validator.StringResponse{}
			gitURL{stored: true}.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("location"), ConfigValue: types.StringValue(text)}, resp)
			for _, found := range resp.Diagnostics {
				if strings.Contains(found.Detail(), secret) && strings.Contains(text, "://") && isScheme(strings.TrimSuffix(scheme, "://")) {
					t.Errorf("%q: %s", text, found.Detail())
				}
			}
			if parsed, err := url.Parse(text); err == nil {
				_ = pageOf(parsed)
			}
			_ = newLocation(text).storedAs(newLocation(text + ".git"))
		}
		if address, err := parseAddress(scheme + rest); err == nil && (address.Scheme != "http" && address.Scheme != "https" || address.Host == "") {
			t.Errorf("%q is the address %s", scheme+rest, address)
		}
	})
}

// FuzzRef asserts that what is accepted as a ref or a branch is neither an option of Git nor more than one word.
func FuzzRef(f *testing.F) {
	for _, ref := range []string{"main", "v1^{commit}", "main~1", "-f", "@{0}", "a..b", ".a", "a.lock", "a\\b", "refs/heads/main", "^", "a b", "\u00a0", "x@{y}", "a/./b", "..", "."} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		if revisionFaults(ref) == nil && (strings.HasPrefix(ref, "-") || strings.ContainsAny(ref, "\n\r\t\x00")) {
			t.Errorf("%q is accepted as a ref", ref)
		}
		if nameFaults(ref) == nil && ref != "" && (strings.Contains(ref, "..") || strings.ContainsAny(ref, " ~^:?*[\\\x7f\n")) {
			t.Errorf("%q is accepted as a branch", ref)
		}
	})
}

// FuzzImportID asserts that an import of anything that does not exist is one error, and changes nothing.
func FuzzImportID(f *testing.F) {
	for _, id := range []string{"network", "network/release", "/", "a/", "/b", "a/b/c", "6ce18e51-f3b0-4e0c-9a3e-0a1f2b3c4d5e", "6ce18e51-f3b0-4e0c-9a3e-0a1f2b3c4d5e/main", "", " ", "x/../../api", "\x00", "%2f"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		s := &server{Server: mocktest.New(t, mockserver.Options{})}
		pipes := mocktest.ServePipes(t, s.Log)
		p := serveProvider(t, &infrahubProvider{version: "test", dial: pipes.Dial})
		p.configure(attributes{"address": s.Address, "api_token": s.Token}).requireNone(t)
		for _, typeName := range []string{"infrahub_tag", "infrahub_read_only_repository_ref"} {
			if diags := p.newInstance(typeName).importByID(id); len(diags.errors()) != 1 {
				t.Errorf("%s %q: %v", typeName, id, diags)
			}
		}
		for _, request := range s.Log.Requests() {
			if request.Mutation || request.Operation == "" {
				t.Errorf("%q sent %+v", id, request)
			}
		}
	})
}

// FuzzPrivateState asserts that a private state which somebody else wrote is read, or is an error.
func FuzzPrivateState(f *testing.F) {
	for _, text := range []string{`{"ref":"v1","reason":"x"}`, `null`, `[]`, `"v1"`, `{"ref":{}}`, `{`, ``, `7`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return // the framework accepts nothing else
		}
		s := &server{Server: mocktest.New(t, mockserver.Options{})}
		pipes := mocktest.ServePipes(t, s.Log)
		p := serveProvider(t, &infrahubProvider{version: "test", dial: pipes.Dial})
		p.configure(attributes{"address": s.Address, "api_token": s.Token}).requireNone(t)
		i := p.newInstance(readOnlyType)
		resp, err := p.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: readOnlyType, PriorPrivate: privateWithFailure(t, text), PriorState: p.encode(i.schema(), nil),
			Config:           p.encode(i.schema(), attributes{"name": "n", "location": "/srv/n.git", "ref": "v1"}),
			ProposedNewState: p.encode(i.schema(), attributes{"name": "n", "location": "/srv/n.git", "ref": "v1"}),
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = diagnostics(resp.Diagnostics).errors()
	})
}
