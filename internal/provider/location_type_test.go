package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestLocation_CloneableFormsAreValid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"https://git.example.com/network.git", "https://git.example.com:8443/a/b", "http://git.example.com/network", "HTTPS://git.example.com/network",
		"ssh://git@git.example.com:22/network.git", "ssh://git.example.com/network.git", "git://git.example.com/network.git",
		"git@git.example.com:network.git", "git.example.com:network/automation.git",
		"file:///srv/git/network.git", "/srv/git/network.git",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			newProvider(t).validate(readOnlyType, resourceTypeOf(t, readOnlyType).valid.with(attributes{"location": text})).requireNone(t)
		})
	}
}

func TestLocation_OtherFormsAndPasswordsAreInvalid(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		"":                                  "must be the URL",
		"network.git":                       "must be the URL",
		"./network.git":                     "must be the URL",
		"~/network.git":                     "must be the URL",
		"git.example.com/network.git":       "must be the URL",
		"ftp://git.example.com/network.git": "must be the URL",
		"git@git.example.com: network.git":  "white space",
		"https://git.example.com/%zz":       "not a URL",
		"https://":                          "names no host",
		"https:///network.git":              "names no host",
		"ssh:///network.git":                "names no host",
		"file://":                           "no path",
		"https://bot:SECRET@h/network":      "credential_id",
		"https://SECRET@h/network":          "credential_id",
		"http://bot:SECRET@h/network":       "credential_id",
		"HTTPS://bot:SECRET@h/network":      "credential_id",
		"https://bot:SECRET@h/%zz":          "not a URL",
		"ssh://git:SECRET@h/network":        "password",
		// What a browser, a shell or another system has.
		" https://h/network.git":                     "trimspace",
		"https://h/net work.git":                     "%20",
		`C:\network`:                                 "path of Windows",
		"C:/network":                                 "path of Windows",
		"https:/h/network.git":                       "Two slashes must follow https:",
		"localhost:8332/network.git":                 "write the scheme: https://localhost:8332/network.git",
		"https://h:99999/network.git":                "port 99999",
		"https://h/network.git?token=SECRET":         "has a query",
		"https://h/network.git#main":                 "has a fragment",
		"https://github.com/x/y/tree/main":           `location = "https://github.com/x/y.git" and ref = "main"`,
		"https://gitlab.example.com/a/b/-/tree/v1.0": `location = "https://gitlab.example.com/a/b.git" and ref = "v1.0"`,
		"git://git:SECRET@h/network":                 "password",
		// A URL with a password, without its scheme.
		"bot:SECRET@git.example.com/network.git":                       "",
		"bot:SECRET@git.example.com:network.git":                       "",
		"https://git.example.com/" + strings.Repeat("a", maxTextBytes): "4092",
	} {
		t.Run(text[:min(len(text), 40)], func(t *testing.T) {
			t.Parallel()
			for _, typeName := range []string{readOnlyType, readWriteType} {
				diags := newProvider(t).validate(typeName, resourceTypeOf(t, typeName).valid.with(attributes{"location": strings.ReplaceAll(text, "SECRET", secret)}))
				diags.expectNoSecret(t, secret)
				details := ""
				for _, each := range diags.errors() {
					each.expect(t, "location", each.summary)
					details += each.detail
				}
				switch {
				case details == "":
					t.Errorf("%s: it is accepted", typeName)
				case !strings.Contains(details, why):
					t.Errorf("%s: got %q, want %q", typeName, details, why)
				}
			}
		})
	}
}

func TestLocation_GitSuffixThatTheServerAppendsIsNoDifference(t *testing.T) {
	t.Parallel()
	null, unknown := location{types.StringNull()}, location{types.StringUnknown()}
	for name, test := range map[string]struct {
		before, server location
		want           bool
	}{
		"equal":              {newLocation("https://h/r"), newLocation("https://h/r"), true},
		"suffix":             {newLocation("https://h/r"), newLocation("https://h/r.git"), true},
		"suffix, http":       {newLocation("http://h/r"), newLocation("http://h/r.git"), true},
		"suffix after slash": {newLocation("http://h/r/"), newLocation("http://h/r/.git"), true},
		"suffix removed":     {newLocation("https://h/r.git"), newLocation("https://h/r"), false},
		"suffix, not slash":  {newLocation("http://h/r/"), newLocation("http://h/r.git"), false},
		"suffix twice":       {newLocation("http://h/r.git"), newLocation("http://h/r.git.git"), false},
		"other repository":   {newLocation("https://h/r"), newLocation("https://h/s"), false},
		"other scheme":       {newLocation("https://h/r"), newLocation("http://h/r.git"), false},
		"suffix, ssh":        {newLocation("ssh://h/r"), newLocation("ssh://h/r.git"), false},
		"suffix, user@host":  {newLocation("git@h:r"), newLocation("git@h:r.git"), false},
		"suffix, path":       {newLocation("/srv/r"), newLocation("/srv/r.git"), false},
		"null":               {null, null, true},
		"null and text":      {null, newLocation("https://h/r"), false},
		"text and null":      {newLocation("https://h/r"), null, false},
		"null and empty":     {null, newLocation(""), false},
		"unknown":            {unknown, unknown, true},
		"unknown and text":   {unknown, newLocation("https://h/r"), false},
		"unknown and null":   {unknown, null, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, diags := test.server.StringSemanticEquals(t.Context(), test.before); got != test.want || diags.HasError() {
				t.Errorf("%s and then %s: %t, want %t", test.before, test.server, got, test.want)
			}
		})
	}
	if same, _ := newLocation("r").StringSemanticEquals(t.Context(), types.StringValue("r")); same {
		t.Error("a location equals a plain text")
	}
}

func TestLocation_GitSuffixAlonePlansNoChangeOfAStateOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ state, plan, want types.String }{
		"suffix added":   {types.StringValue("https://h/r"), types.StringValue("https://h/r.git"), types.StringValue("https://h/r")},
		"suffix removed": {types.StringValue("https://h/r.git"), types.StringValue("https://h/r"), types.StringValue("https://h/r.git")},
		"equal":          {types.StringValue("https://h/r"), types.StringValue("https://h/r"), types.StringValue("https://h/r")},
		"other":          {types.StringValue("https://h/r"), types.StringValue("https://h/s"), types.StringValue("https://h/s")},
		"path":           {types.StringValue("/srv/r"), types.StringValue("/srv/r.git"), types.StringValue("/srv/r.git")},
		"create":         {types.StringNull(), types.StringValue("https://h/r"), types.StringValue("https://h/r")},
		"unknown":        {types.StringValue("https://h/r"), types.StringUnknown(), types.StringUnknown()},
		"unknown create": {types.StringNull(), types.StringUnknown(), types.StringUnknown()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := planmodifier.StringResponse{PlanValue: test.plan}
			ignoreGitSuffix{}.PlanModifyString(t.Context(), planmodifier.StringRequest{
				Path: path.Root("location"), StateValue: test.state, PlanValue: test.plan, ConfigValue: test.plan,
			}, &resp)
			if !resp.PlanValue.Equal(test.want) || resp.Diagnostics.HasError() || resp.RequiresReplace {
				t.Errorf("planned %s, want %s", resp.PlanValue, test.want)
			}
		})
	}
}

func TestLocation_ConvertsToAndFromTerraform(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, raw := range []tftypes.Value{
		tftypes.NewValue(tftypes.String, "https://h/r"), tftypes.NewValue(tftypes.String, nil), tftypes.NewValue(tftypes.String, unknown),
	} {
		value, err := locationType{}.ValueFromTerraform(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		back, err := value.ToTerraformValue(ctx)
		if err != nil || !back.Equal(raw) {
			t.Errorf("%s became %s: %v", raw, back, err)
		}
		if !value.Type(ctx).Equal(locationType{}) {
			t.Errorf("%s is a %s", raw, value.Type(ctx))
		}
	}
	if _, err := (locationType{}).ValueFromTerraform(ctx, tftypes.NewValue(tftypes.Number, 1)); err == nil {
		t.Error("a number was accepted as a location")
	}
	converted, diags := locationType{}.ValueFromString(ctx, types.StringValue("https://h/r"))
	if !converted.Equal(newLocation("https://h/r")) || diags.HasError() {
		t.Errorf("got %v, %v", converted, diags)
	}
	var plain attr.Type = basetypes.StringType{}
	if (locationType{}).Equal(plain) || newLocation("r").Equal(types.StringValue("r")) {
		t.Error("a location equals a plain text")
	}
	if _, ok := (locationType{}).ValueType(ctx).(location); !ok || (locationType{}).String() != "location" {
		t.Errorf("its description is %s", locationType{})
	}
}
