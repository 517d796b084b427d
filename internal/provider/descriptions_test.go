package provider

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
)

// A description says what a user cannot see in the schema: the default, and what a change does.

// described is an attribute of a resource that a configuration can set.
type described struct {
	path, description  string
	required, computed bool
	// value is the default, "" if there is none.
	value string
	// replaces is whether a change can replace the object.
	replaces bool
}

// describedAttributes returns the attributes that a configuration can set, of every resource.
func describedAttributes(t *testing.T) []described {
	t.Helper()
	var all []described
	for name, r := range registeredTypes(t).resources {
		var resp resource.SchemaResponse
		r.Schema(t.Context(), resource.SchemaRequest{}, &resp)
		for attribute, a := range resp.Schema.Attributes {
			if !a.IsRequired() && !a.IsOptional() {
				continue
			}
			value, modifiers := defaultAndModifiers(t, a)
			all = append(all, described{
				path: name + "." + attribute, description: a.GetMarkdownDescription(), required: a.IsRequired(), computed: a.IsComputed(),
				value: value, replaces: strings.Contains(strings.Join(modifiers, "\n"), "destroy and recreate") || strings.Contains(strings.Join(modifiers, "\n"), "replaces"),
			})
		}
	}
	return all
}

// defaultAndModifiers returns the default of an attribute as a configuration writes it, "" if there is none, and what its plan
// modifiers say.
func defaultAndModifiers(t *testing.T, attribute schema.Attribute) (string, []string) {
	t.Helper()
	switch a := attribute.(type) {
	case schema.StringAttribute:
		value := ""
		if a.Default != nil {
			var resp defaults.StringResponse
			a.Default.DefaultString(t.Context(), defaults.StringRequest{}, &resp)
			value = resp.PlanValue.ValueString()
		}
		return value, descriptionsOf(t.Context(), a.PlanModifiers)
	case schema.BoolAttribute:
		value := ""
		if a.Default != nil {
			var resp defaults.BoolResponse
			a.Default.DefaultBool(t.Context(), defaults.BoolRequest{}, &resp)
			value = fmt.Sprint(resp.PlanValue.ValueBool())
		}
		return value, descriptionsOf(t.Context(), a.PlanModifiers)
	case schema.Int64Attribute:
		return noDefault(t, a.Default != nil), descriptionsOf(t.Context(), a.PlanModifiers)
	case schema.SetAttribute:
		return noDefault(t, a.Default != nil), descriptionsOf(t.Context(), a.PlanModifiers)
	case schema.MapAttribute:
		return noDefault(t, a.Default != nil), descriptionsOf(t.Context(), a.PlanModifiers)
	case schema.SingleNestedAttribute:
		return noDefault(t, a.Default != nil), descriptionsOf(t.Context(), a.PlanModifiers)
	default:
		t.Fatalf("%T is not known here: read its default and its plan modifiers", attribute)
		return "", nil
	}
}

// noDefault fails the test if an attribute has a default of a type for which no description is known.
func noDefault(t *testing.T, has bool) string {
	t.Helper()
	if has {
		t.Fatal("an attribute of this type has a default: read it here")
	}
	return ""
}

func descriptionsOf[M interface{ Description(context.Context) string }](ctx context.Context, modifiers []M) []string {
	var descriptions []string
	for _, modifier := range modifiers {
		descriptions = append(descriptions, modifier.Description(ctx))
	}
	return descriptions
}

func TestDescriptions_NameTheDefault(t *testing.T) {
	t.Parallel()
	without := regexp.MustCompile(`(?i)without it|removing it|defaults to`)
	for _, a := range describedAttributes(t) {
		switch {
		case a.value != "" && !strings.Contains(a.description, "Defaults to `"+a.value+"`"):
			t.Errorf("%s: the description does not say \"Defaults to `%s`\": %s", a.path, a.value, a.description)
		case a.value == "" && !a.required && !without.MatchString(a.description):
			t.Errorf("%s: the description does not say what holds without it: %s", a.path, a.description)
		}
	}
}

func TestDescriptions_SayWhatAChangeDoes(t *testing.T) {
	t.Parallel()
	change := regexp.MustCompile(`(?i)\b(chang(es?|ed|ing)|removing|sent when)\b`)
	for _, a := range describedAttributes(t) {
		if says := strings.Contains(a.description, "**replaces**"); says != a.replaces {
			t.Errorf("%s: a change replaces the object: %t; the description says so: %t: %s", a.path, a.replaces, says, a.description)
		}
		if !change.MatchString(a.description) {
			t.Errorf("%s: the description does not say what a change does: %s", a.path, a.description)
		}
	}
}

// Attributes of the provider block and of data sources have no effect that lasts, so only their defaults matter.
func TestDescriptions_SayWhatHoldsWithoutASetting(t *testing.T) {
	t.Parallel()
	without := regexp.MustCompile(`(?i)without it|defaults to|set either|required`)
	for name, s := range newProvider(t).allSchemas() {
		if strings.HasPrefix(name, "resource.") {
			continue
		}
		for _, attribute := range s.Block.Attributes {
			if attribute.Optional && !without.MatchString(attribute.Description) {
				t.Errorf("%s.%s: the description does not say what holds without it: %s", name, attribute.Name, attribute.Description)
			}
		}
	}
}
