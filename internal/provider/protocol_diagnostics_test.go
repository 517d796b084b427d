package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// diagnostics are the errors and warnings of a response.
type diagnostics []*tfprotov6.Diagnostic

// diagnostic is one of them. Its attribute is "" if it is on none.
type diagnostic struct{ attribute, summary, detail string }

func (d diagnostic) String() string {
	return fmt.Sprintf("%s: %s: %s", d.attribute, d.summary, d.detail)
}

func (d diagnostics) of(severity tfprotov6.DiagnosticSeverity) []diagnostic {
	var found []diagnostic
	for _, each := range d {
		if each.Severity == severity {
			found = append(found, diagnostic{attributeOf(each.Attribute), each.Summary, each.Detail})
		}
	}
	return found
}

func (d diagnostics) errors() []diagnostic { return d.of(tfprotov6.DiagnosticSeverityError) }

func (d diagnostics) warnings() []diagnostic { return d.of(tfprotov6.DiagnosticSeverityWarning) }

func (d diagnostics) hasErrors() bool { return len(d.errors()) > 0 }

// requireNone requires that there is no error, and no warning.
func (d diagnostics) requireNone(t *testing.T) {
	t.Helper()
	d.requireNoErrors(t)
	if warnings := d.warnings(); len(warnings) > 0 {
		t.Errorf("unexpected warnings: %v", warnings)
	}
}

func (d diagnostics) requireNoErrors(t *testing.T) {
	t.Helper()
	if errors := d.errors(); len(errors) > 0 {
		t.Fatalf("unexpected errors: %v", errors)
	}
}

// onlyError returns the one error that is required.
func (d diagnostics) onlyError(t *testing.T) diagnostic {
	t.Helper()
	errors := d.errors()
	if len(errors) != 1 {
		t.Fatalf("%d errors, want one: %v", len(errors), errors)
	}
	return errors[0]
}

// onlyWarning returns the one warning that is required.
func (d diagnostics) onlyWarning(t *testing.T) diagnostic {
	t.Helper()
	warnings := d.warnings()
	if len(warnings) != 1 {
		t.Fatalf("%d warnings, want one: %v", len(warnings), warnings)
	}
	return warnings[0]
}

// expect expects a diagnostic on an attribute, with a summary and all parts in its detail.
func (d diagnostic) expect(t *testing.T, attribute, summary string, parts ...string) {
	t.Helper()
	if d.attribute != attribute || d.summary != summary {
		t.Errorf("got %q on %q, want %q on %q\n%s", d.summary, d.attribute, summary, attribute, d.detail)
	}
	for _, part := range parts {
		if !strings.Contains(d.detail, part) {
			t.Errorf("the detail does not contain %q:\n%s", part, d.detail)
		}
	}
}

// expectNoSecret expects that no diagnostic repeats a secret.
func (d diagnostics) expectNoSecret(t *testing.T, secrets ...string) {
	t.Helper()
	for _, each := range append(d.errors(), d.warnings()...) {
		for _, secret := range secrets {
			if strings.Contains(each.String(), secret) {
				t.Errorf("a diagnostic contains the secret %q: %s", secret, each)
			}
		}
	}
}

// expectTitleCase expects a summary in Title Case.
func expectTitleCase(t *testing.T, summary string) {
	t.Helper()
	small := []string{"a", "an", "and", "by", "in", "of", "on", "or", "the", "to"}
	for n, word := range strings.Fields(summary) {
		if first := word[:1]; first != strings.ToUpper(first) && (n == 0 || !slices.Contains(small, word)) {
			t.Errorf("the summary %q is not in Title Case", summary)
		}
	}
}
