package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// TestMain takes away what the shell says of its user's Infrahub.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "INFRAHUB_") {
			if err := os.Unsetenv(name); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

// protocol is the provider as a CLI talks to it, with no process between them.
type protocol struct {
	tfprotov6.ProviderServer
	t       *testing.T
	ctx     context.Context
	schemas *tfprotov6.GetProviderSchemaResponse
}

func newProtocol(t *testing.T) *protocol {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	diagnostics(schemas.Diagnostics).none(t)
	return &protocol{ProviderServer: server, t: t, ctx: t.Context(), schemas: schemas}
}

// configure answers what a CLI is told before it plans.
func (p *protocol) configure(block attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ConfigureProvider(p.ctx, &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.14.0", Config: p.encode(p.schemas.Provider, block),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

func (p *protocol) validateProvider(block attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ValidateProviderConfig(p.ctx, &tfprotov6.ValidateProviderConfigRequest{Config: p.encode(p.schemas.Provider, block)})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// validate answers what a CLI that knows write-only attributes is told about a resource.
func (p *protocol) validate(kind string, config attributes) diagnostics {
	p.t.Helper()
	return p.validateAs(kind, config, &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true})
}

func (p *protocol) validateAs(kind string, config attributes, cli *tfprotov6.ValidateResourceConfigClientCapabilities) diagnostics {
	p.t.Helper()
	resp, err := p.ValidateResourceConfig(p.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: kind, Config: p.encode(p.schemas.ResourceSchemas[kind], config), ClientCapabilities: cli,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// instance is a resource as a CLI keeps it.
type instance struct {
	*protocol
	kind string
	// state is nil where there is none.
	state attributes
	// private is what the provider keeps beside the state.
	private []byte
}

func (p *protocol) newInstance(kind string) *instance { return &instance{protocol: p, kind: kind} }

// planned is what an apply would do. Its state is nil for a destroy.
type planned struct {
	diagnostics diagnostics
	config      attributes
	state       attributes
	private     []byte
	// replace are the attributes whose change replaces the resource.
	replace []string
}

// plan plans a configuration; nil is a destroy.
func (i *instance) plan(config attributes) planned {
	i.t.Helper()
	schema := i.schemas.ResourceSchemas[i.kind]
	resp, err := i.PlanResourceChange(i.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: i.kind, PriorPrivate: i.private, PriorState: i.encode(schema, i.state),
		Config: i.encode(schema, config), ProposedNewState: i.encode(schema, proposed(schema, i.state, config)),
	})
	if err != nil {
		i.t.Fatal(err)
	}
	made := planned{diagnostics: resp.Diagnostics, config: config, private: resp.PlannedPrivate}
	if !made.diagnostics.failed() {
		made.state = i.decode(schema, resp.PlannedState)
	}
	for _, path := range resp.RequiresReplace {
		made.replace = append(made.replace, attributeOf(path))
	}
	return made
}

// proposed merges a configuration with the state before, as a CLI does: what the provider computes stays.
func proposed(schema *tfprotov6.Schema, prior, config attributes) attributes {
	merged := maps.Clone(config)
	for _, attribute := range schema.Block.Attributes {
		if before, held := prior[attribute.Name]; config != nil && config[attribute.Name] == nil && attribute.Computed && held {
			merged[attribute.Name] = before
		}
	}
	return merged
}

// apply carries out a plan and keeps what comes of it. As a CLI does it insists on what was planned.
func (i *instance) apply(plan planned) diagnostics {
	i.t.Helper()
	plan.diagnostics.noErrors(i.t)
	if len(plan.replace) > 0 {
		i.t.Fatalf("this plan replaces: %v", plan.replace)
	}
	schema := i.schemas.ResourceSchemas[i.kind]
	resp, err := i.ApplyResourceChange(i.ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: i.kind, PriorState: i.encode(schema, i.state), PlannedState: i.encode(schema, plan.state),
		Config: i.encode(schema, plan.config), PlannedPrivate: plan.private,
	})
	if err != nil {
		i.t.Fatal(err)
	}
	i.state, i.private = i.decode(schema, resp.NewState), resp.Private
	applied := diagnostics(resp.Diagnostics)
	if applied.failed() || plan.state == nil {
		return applied
	}
	for _, attribute := range schema.Block.Attributes {
		want := plan.state[attribute.Name]
		if difference := cmp.Diff(want, i.state[attribute.Name]); want != unknown && difference != "" {
			i.t.Errorf("inconsistent result after apply: %s (-planned +applied)\n%s", attribute.Name, difference)
		}
	}
	return applied
}

// applied plans and applies a configuration that must work.
func (i *instance) applied(config attributes) {
	i.t.Helper()
	i.apply(i.plan(config)).none(i.t)
}

// refresh reads the resource anew.
func (i *instance) refresh() diagnostics {
	i.t.Helper()
	schema := i.schemas.ResourceSchemas[i.kind]
	resp, err := i.ReadResource(i.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: i.kind, CurrentState: i.encode(schema, i.state), Private: i.private,
	})
	if err != nil {
		i.t.Fatal(err)
	}
	i.state, i.private = i.decode(schema, resp.NewState), resp.Private
	return resp.Diagnostics
}

// adopt imports an existing object and reads it.
func (i *instance) adopt(id string) diagnostics {
	i.t.Helper()
	resp, err := i.ImportResourceState(i.ctx, &tfprotov6.ImportResourceStateRequest{TypeName: i.kind, ID: id})
	if err != nil {
		i.t.Fatal(err)
	}
	if diagnostics(resp.Diagnostics).failed() {
		return resp.Diagnostics
	}
	if len(resp.ImportedResources) != 1 {
		i.t.Fatalf("%d resources were imported", len(resp.ImportedResources))
	}
	imported := resp.ImportedResources[0]
	i.state, i.private = i.decode(i.schemas.ResourceSchemas[i.kind], imported.State), imported.Private
	return i.refresh()
}

// remembered is the failed import that the private state holds, nil if there is none.
func (i *instance) remembered() *failedImport {
	i.t.Helper()
	var keys map[string][]byte
	if len(i.private) == 0 {
		return nil
	}
	if err := json.Unmarshal(i.private, &keys); err != nil {
		i.t.Fatal(err)
	}
	if len(keys[failedImportKey]) == 0 {
		return nil
	}
	var m failedImport
	if err := json.Unmarshal(keys[failedImportKey], &m); err != nil {
		i.t.Fatal(err)
	}
	return &m
}

// private is a private state that holds a text under the key of the failed import.
func private(t *testing.T, text string) []byte {
	t.Helper()
	encoded, err := json.Marshal(map[string][]byte{failedImportKey: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// attributes is a block of a configuration or a state: string, int, bool, []string (a set),
// map[string]string or attributes by name. What is left out is null; unknown is not known yet.
type attributes map[string]any

const unknown = tftypes.UnknownValue

// ordered is an attribute whose order counts.
type ordered []string

// with is a copy with other values; nil takes an attribute out.
func (a attributes) with(changes attributes) attributes {
	changed := maps.Clone(a)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

// text is a string attribute, "" if it is none.
func (a attributes) text(name string) string {
	text, _ := a[name].(string)
	return text
}

func (p *protocol) encode(schema *tfprotov6.Schema, given attributes) *tfprotov6.DynamicValue {
	p.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(schema.ValueType(), encode(p.t, schema.ValueType(), given))
	if err != nil {
		p.t.Fatal(err)
	}
	return &encoded
}

// encode makes a value of a type, with nulls for everything that is not given.
func encode(t *testing.T, of tftypes.Type, given any) tftypes.Value {
	t.Helper()
	switch given := given.(type) {
	case attributes:
		object, ok := of.(tftypes.Object)
		if !ok {
			t.Fatalf("%v is no %v", given, of)
		}
		if given == nil {
			return tftypes.NewValue(of, nil)
		}
		fields := map[string]tftypes.Value{}
		for name, inner := range object.AttributeTypes {
			fields[name] = encode(t, inner, given[name])
		}
		for name := range given {
			if _, ok := fields[name]; !ok {
				t.Fatalf("there is no attribute %q", name)
			}
		}
		return tftypes.NewValue(of, fields)
	case []string:
		elements := []tftypes.Value{}
		for _, each := range given {
			elements = append(elements, tftypes.NewValue(tftypes.String, each))
		}
		return tftypes.NewValue(of, elements)
	case map[string]string:
		elements := map[string]tftypes.Value{}
		for key, each := range given {
			elements[key] = tftypes.NewValue(tftypes.String, each)
		}
		return tftypes.NewValue(of, elements)
	default:
		return tftypes.NewValue(of, given)
	}
}

func (p *protocol) decode(schema *tfprotov6.Schema, encoded *tfprotov6.DynamicValue) attributes {
	p.t.Helper()
	value, err := encoded.Unmarshal(schema.ValueType())
	if err != nil {
		p.t.Fatal(err)
	}
	decoded, _ := decode(p.t, value).(attributes)
	return decoded
}

// decode is the reverse of encode.
func decode(t *testing.T, value tftypes.Value) any {
	t.Helper()
	read := func(into any) {
		t.Helper()
		if err := value.As(into); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case !value.IsKnown():
		return unknown
	case value.IsNull():
		return nil
	case value.Type().Is(tftypes.String):
		var text string
		read(&text)
		return text
	case value.Type().Is(tftypes.Number):
		var number big.Float
		read(&number)
		whole, _ := number.Int64()
		return int(whole)
	case value.Type().Is(tftypes.Bool):
		var truth bool
		read(&truth)
		return truth
	case value.Type().Is(tftypes.Set{}):
		var elements []tftypes.Value
		read(&elements)
		texts := []string{}
		for _, each := range elements {
			texts = append(texts, fmt.Sprint(decode(t, each)))
		}
		slices.Sort(texts)
		return texts
	case value.Type().Is(tftypes.List{}):
		var elements []tftypes.Value
		read(&elements)
		texts := ordered{}
		for _, each := range elements {
			texts = append(texts, fmt.Sprint(decode(t, each)))
		}
		return texts
	case value.Type().Is(tftypes.Map{}):
		var elements map[string]tftypes.Value
		read(&elements)
		texts := map[string]string{}
		for key, each := range elements {
			texts[key] = fmt.Sprint(decode(t, each))
		}
		return texts
	default:
		var fields map[string]tftypes.Value
		read(&fields)
		decoded := attributes{}
		for name, each := range fields {
			if inner := decode(t, each); inner != nil {
				decoded[name] = inner
			}
		}
		return decoded
	}
}

// diagnostics are what a person is told.
type diagnostics []*tfprotov6.Diagnostic

// complaint is one of them. Its attribute is "" if it is about none.
type complaint struct{ attribute, summary, detail string }

func (c complaint) String() string {
	return fmt.Sprintf("%s: %s: %s", c.attribute, c.summary, c.detail)
}

func (d diagnostics) of(severity tfprotov6.DiagnosticSeverity) []complaint {
	var found []complaint
	for _, each := range d {
		if each.Severity == severity {
			found = append(found, complaint{attributeOf(each.Attribute), each.Summary, each.Detail})
		}
	}
	return found
}

func (d diagnostics) errors() []complaint { return d.of(tfprotov6.DiagnosticSeverityError) }

func (d diagnostics) warnings() []complaint { return d.of(tfprotov6.DiagnosticSeverityWarning) }

func (d diagnostics) failed() bool { return len(d.errors()) > 0 }

// none wants no error and no warning.
func (d diagnostics) none(t *testing.T) {
	t.Helper()
	d.noErrors(t)
	if warnings := d.warnings(); len(warnings) > 0 {
		t.Errorf("unexpected warnings: %v", warnings)
	}
}

func (d diagnostics) noErrors(t *testing.T) {
	t.Helper()
	if errors := d.errors(); len(errors) > 0 {
		t.Fatalf("unexpected errors: %v", errors)
	}
}

// oneError wants exactly one error.
func (d diagnostics) oneError(t *testing.T) complaint {
	t.Helper()
	errors := d.errors()
	if len(errors) != 1 {
		t.Fatalf("%d errors, want one: %v", len(errors), errors)
	}
	return errors[0]
}

// oneWarning wants exactly one warning.
func (d diagnostics) oneWarning(t *testing.T) complaint {
	t.Helper()
	warnings := d.warnings()
	if len(warnings) != 1 {
		t.Fatalf("%d warnings, want one: %v", len(warnings), warnings)
	}
	return warnings[0]
}

// is wants a complaint about an attribute, with a summary and all these parts in its detail.
func (c complaint) is(t *testing.T, attribute, summary string, parts ...string) {
	t.Helper()
	if c.attribute != attribute || c.summary != summary {
		t.Errorf("got %q on %q, want %q on %q\n%s", c.summary, c.attribute, summary, attribute, c.detail)
	}
	for _, part := range parts {
		if !strings.Contains(c.detail, part) {
			t.Errorf("the detail does not say %q:\n%s", part, c.detail)
		}
	}
}

// hides wants that no complaint repeats a secret.
func (d diagnostics) hides(t *testing.T, secrets ...string) {
	t.Helper()
	for _, each := range append(d.errors(), d.warnings()...) {
		for _, secret := range secrets {
			if strings.Contains(each.String(), secret) {
				t.Errorf("the secret %q is told: %s", secret, each)
			}
		}
	}
}

// attributeOf is the name that a path begins with.
func attributeOf(path *tftypes.AttributePath) string {
	if path == nil || len(path.Steps()) == 0 {
		return ""
	}
	name, _ := path.Steps()[0].(tftypes.AttributeName)
	return string(name)
}
