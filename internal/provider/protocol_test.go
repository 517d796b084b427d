package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// TestMain removes the environment variables that configure the provider of the user who runs the tests.
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

// testProvider is the provider as a CLI calls it, in the process of the test.
type testProvider struct {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
	t          *testing.T
	ctx        context.Context
	schemas    *tfprotov6.GetProviderSchemaResponse
	identities map[string]*tfprotov6.ResourceIdentitySchema
}

// newProvider returns a provider that is not configured. It waits for imports at the pace of the mock server.
func newProvider(t *testing.T) *testProvider {
	t.Helper()
	return serveProvider(t, &infrahubProvider{
		version: "test", polling: infrahub.Polling{MinInterval: 5 * time.Millisecond, MaxInterval: 50 * time.Millisecond},
	})
}

// serveProvider returns a provider as a CLI calls it.
func serveProvider(t *testing.T, served *infrahubProvider) *testProvider {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(served)()
	if err != nil {
		t.Fatal(err)
	}
	lists, ok := server.(tfprotov6.ListResourceServer)
	if !ok {
		t.Fatalf("%T serves no list resources", server)
	}
	actions, ok := server.(tfprotov6.ActionServer)
	if !ok {
		t.Fatalf("%T serves no actions", server)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	diagnostics(schemas.Diagnostics).requireNone(t)
	identities, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	diagnostics(identities.Diagnostics).requireNone(t)
	return &testProvider{
		ProviderServer: server, ListResourceServer: lists, ActionServer: actions,
		t: t, ctx: t.Context(), schemas: schemas, identities: identities.IdentitySchemas,
	}
}

// configure configures the provider.
func (p *testProvider) configure(block attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ConfigureProvider(p.ctx, &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.14.0", Config: p.encode(p.schemas.Provider, block),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// validateProvider validates the provider block.
func (p *testProvider) validateProvider(block attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ValidateProviderConfig(p.ctx, &tfprotov6.ValidateProviderConfigRequest{Config: p.encode(p.schemas.Provider, block)})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// validate validates a resource for a CLI that knows write-only attributes.
func (p *testProvider) validate(typeName string, config attributes) diagnostics {
	p.t.Helper()
	return p.validateFor(&tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true}, typeName, config)
}

// validateFor validates a resource for a CLI with some capabilities; nil is a CLI that sends none.
func (p *testProvider) validateFor(cli *tfprotov6.ValidateResourceConfigClientCapabilities, typeName string, config attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ValidateResourceConfig(p.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: typeName, Config: p.encode(p.schemas.ResourceSchemas[typeName], config), ClientCapabilities: cli,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// validateDataSource validates a data source.
func (p *testProvider) validateDataSource(typeName string, config attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ValidateDataResourceConfig(p.ctx, &tfprotov6.ValidateDataResourceConfigRequest{
		TypeName: typeName, Config: p.encode(p.schemas.DataSourceSchemas[typeName], config),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// readDataSource validates and reads a data source. It returns no state if either fails.
func (p *testProvider) readDataSource(typeName string, config attributes) (attributes, diagnostics) {
	p.t.Helper()
	if invalid := p.validateDataSource(typeName, config); invalid.hasErrors() {
		return nil, invalid
	}
	schema := p.schemas.DataSourceSchemas[typeName]
	resp, err := p.ReadDataSource(p.ctx, &tfprotov6.ReadDataSourceRequest{TypeName: typeName, Config: p.encode(schema, config)})
	if err != nil {
		p.t.Fatal(err)
	}
	if diagnostics(resp.Diagnostics).hasErrors() {
		return nil, resp.Diagnostics
	}
	return p.decode(schema, resp.State), resp.Diagnostics
}

// validateList validates a list resource.
func (p *testProvider) validateList(typeName string, config attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ValidateListResourceConfig(p.ctx, &tfprotov6.ValidateListResourceConfigRequest{
		TypeName: typeName, Config: p.encode(p.schemas.ListResourceSchemas[typeName], config),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// validateAction validates an action.
func (p *testProvider) validateAction(typeName string, config attributes) diagnostics {
	p.t.Helper()
	resp, err := p.ValidateActionConfig(p.ctx, &tfprotov6.ValidateActionConfigRequest{
		ActionType: typeName, Config: p.encode(p.schemas.ActionSchemas[typeName].Schema, config),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// planAction plans an action.
func (p *testProvider) planAction(typeName string, config attributes) diagnostics {
	p.t.Helper()
	resp, err := p.PlanAction(p.ctx, &tfprotov6.PlanActionRequest{
		ActionType: typeName, Config: p.encode(p.schemas.ActionSchemas[typeName].Schema, config),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.Diagnostics
}

// invokeAction invokes an action, calls onProgress for each line that it sends, and returns how it completed.
func (p *testProvider) invokeAction(ctx context.Context, typeName string, config attributes, onProgress func(line string)) diagnostics {
	p.t.Helper()
	stream, err := p.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{
		ActionType: typeName, Config: p.encode(p.schemas.ActionSchemas[typeName].Schema, config),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	completions, result := 0, diagnostics{}
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			if completions > 0 {
				p.t.Errorf("%q comes after the completion", event.Message)
			}
			onProgress(event.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			completions++
			result = event.Diagnostics
		default:
			p.t.Errorf("unexpected event %T", event)
		}
	}
	if completions != 1 {
		p.t.Errorf("the action completed %d times", completions)
	}
	return result
}

// instance is a resource instance with what a CLI keeps of it.
type instance struct {
	*testProvider
	typeName string
	// state is nil if there is none.
	state attributes
	// private is the provider's private state.
	private []byte
	// identity is nil if there is none, as with a CLI that does not know identities.
	identity attributes
}

func (p *testProvider) newInstance(typeName string) *instance {
	return &instance{testProvider: p, typeName: typeName}
}

func (i *instance) schema() *tfprotov6.Schema { return i.schemas.ResourceSchemas[i.typeName] }

// id returns the id in the state, "" if there is none.
func (i *instance) id() string { return i.state.text("id") }

// resourcePlan is what an apply will do. Its state is nil for a destroy.
type resourcePlan struct {
	diagnostics diagnostics
	config      attributes
	state       attributes
	private     []byte
	identity    *tfprotov6.ResourceIdentityData
	// replacedBy are the attributes whose change replaces the resource.
	replacedBy []string
}

// plan plans a configuration; nil is a destroy.
func (i *instance) plan(config attributes) resourcePlan {
	i.t.Helper()
	schema := i.schema()
	resp, err := i.PlanResourceChange(i.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: i.typeName, PriorPrivate: i.private, PriorState: i.encode(schema, i.state), PriorIdentity: i.encodeIdentity(i.identity),
		Config: i.encode(schema, config), ProposedNewState: i.encode(schema, proposedState(schema, i.state, config)),
	})
	if err != nil {
		i.t.Fatal(err)
	}
	plan := resourcePlan{diagnostics: resp.Diagnostics, config: config, private: resp.PlannedPrivate, identity: resp.PlannedIdentity}
	if !plan.diagnostics.hasErrors() {
		plan.state = i.decode(schema, resp.PlannedState)
	}
	for _, path := range resp.RequiresReplace {
		plan.replacedBy = append(plan.replacedBy, attributeOf(path))
	}
	return plan
}

// proposedState merges a configuration with the prior state, as a CLI does: what the provider computes stays.
func proposedState(schema *tfprotov6.Schema, prior, config attributes) attributes {
	merged := maps.Clone(config)
	for _, attribute := range schema.Block.Attributes {
		if before, exists := prior[attribute.Name]; config != nil && config[attribute.Name] == nil && attribute.Computed && exists {
			merged[attribute.Name] = before
		}
	}
	return merged
}

// apply applies a plan and keeps its result. As a CLI does, it insists on what was planned.
func (i *instance) apply(plan resourcePlan) diagnostics {
	i.t.Helper()
	plan.diagnostics.requireNoErrors(i.t)
	if len(plan.replacedBy) > 0 {
		i.t.Fatalf("the plan replaces the resource: %v", plan.replacedBy)
	}
	schema := i.schema()
	resp, err := i.ApplyResourceChange(i.ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: i.typeName, PriorState: i.encode(schema, i.state), PlannedState: i.encode(schema, plan.state),
		Config: i.encode(schema, plan.config), PlannedPrivate: plan.private, PlannedIdentity: plan.identity,
	})
	if err != nil {
		i.t.Fatal(err)
	}
	i.state, i.private, i.identity = i.decode(schema, resp.NewState), resp.Private, i.decodeIdentity(resp.NewIdentity)
	diags := diagnostics(resp.Diagnostics)
	if diags.hasErrors() || plan.state == nil {
		return diags
	}
	for _, attribute := range schema.Block.Attributes {
		want := plan.state[attribute.Name]
		if difference := cmp.Diff(want, i.state[attribute.Name]); want != unknown && difference != "" {
			i.t.Errorf("inconsistent result after apply: %s (-planned +applied)\n%s", attribute.Name, difference)
		}
	}
	return diags
}

// refresh reads the resource.
func (i *instance) refresh() diagnostics {
	i.t.Helper()
	resp, err := i.ReadResource(i.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: i.typeName, CurrentState: i.encode(i.schema(), i.state), Private: i.private, CurrentIdentity: i.encodeIdentity(i.identity),
	})
	if err != nil {
		i.t.Fatal(err)
	}
	i.state, i.private, i.identity = i.decode(i.schema(), resp.NewState), resp.Private, i.decodeIdentity(resp.NewIdentity)
	return resp.Diagnostics
}

// importByID imports an object by its id or name, and reads it.
func (i *instance) importByID(id string) diagnostics {
	i.t.Helper()
	return i.importState(&tfprotov6.ImportResourceStateRequest{TypeName: i.typeName, ID: id})
}

// importByIdentity imports an object by its identity, and reads it.
func (i *instance) importByIdentity(identity attributes) diagnostics {
	i.t.Helper()
	return i.importState(&tfprotov6.ImportResourceStateRequest{TypeName: i.typeName, Identity: i.encodeIdentity(identity)})
}

func (i *instance) importState(req *tfprotov6.ImportResourceStateRequest) diagnostics {
	i.t.Helper()
	resp, err := i.ImportResourceState(i.ctx, req)
	if err != nil {
		i.t.Fatal(err)
	}
	if diagnostics(resp.Diagnostics).hasErrors() {
		return resp.Diagnostics
	}
	if len(resp.ImportedResources) != 1 {
		i.t.Fatalf("%d resources were imported", len(resp.ImportedResources))
	}
	imported := resp.ImportedResources[0]
	i.state, i.private, i.identity = i.decode(i.schema(), imported.State), imported.Private, i.decodeIdentity(imported.Identity)
	return i.refresh()
}

func (i *instance) encodeIdentity(identity attributes) *tfprotov6.ResourceIdentityData {
	i.t.Helper()
	if identity == nil {
		return nil
	}
	objectType := i.identities[i.typeName].ValueType()
	encoded, err := tfprotov6.NewDynamicValue(objectType, encode(i.t, objectType, identity))
	if err != nil {
		i.t.Fatal(err)
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: &encoded}
}

func (i *instance) decodeIdentity(encoded *tfprotov6.ResourceIdentityData) attributes {
	i.t.Helper()
	if encoded == nil || encoded.IdentityData == nil {
		return nil
	}
	value, err := encoded.IdentityData.Unmarshal(i.identities[i.typeName].ValueType())
	if err != nil {
		i.t.Fatal(err)
	}
	decoded, _ := decode(i.t, value).(attributes)
	return decoded
}

// recordedFailure returns the failed import that the private state holds, nil if there is none.
func (i *instance) recordedFailure() *failedImport {
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
	var record failedImport
	if err := json.Unmarshal(keys[failedImportKey], &record); err != nil {
		i.t.Fatal(err)
	}
	return &record
}

// privateWithFailure returns a private state that holds a text under the key of the failed import.
func privateWithFailure(t *testing.T, text string) []byte {
	t.Helper()
	encoded, err := json.Marshal(map[string][]byte{failedImportKey: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// mustApply plans and applies a configuration without an error or a warning.
func (i *instance) mustApply(config attributes) {
	i.t.Helper()
	i.apply(i.plan(config)).requireNone(i.t)
}

// mustDestroy destroys the resource without an error or a warning.
func (i *instance) mustDestroy() {
	i.t.Helper()
	i.apply(i.plan(nil)).requireNone(i.t)
}

// expectEmptyPlan expects that the plan of a configuration changes nothing.
func (i *instance) expectEmptyPlan(config attributes) {
	i.t.Helper()
	plan := i.plan(config)
	plan.diagnostics.requireNone(i.t)
	if difference := cmp.Diff(i.state, plan.state); difference != "" || plan.replacedBy != nil {
		i.t.Errorf("the plan is not empty: replaced by %v (-state +plan):\n%s", plan.replacedBy, difference)
	}
}

// generatedConfig returns the configuration that a CLI generates for the state: what can be set, and is neither null nor
// sensitive.
func (i *instance) generatedConfig() attributes {
	config := attributes{}
	for _, attribute := range i.schema().Block.Attributes {
		if (attribute.Required || attribute.Optional) && !attribute.Sensitive && i.state[attribute.Name] != nil {
			config[attribute.Name] = i.state[attribute.Name]
		}
	}
	return config
}

// attributeOf returns the name that a path begins with, "" if there is none.
func attributeOf(path *tftypes.AttributePath) string {
	if path == nil || len(path.Steps()) == 0 {
		return ""
	}
	name, _ := path.Steps()[0].(tftypes.AttributeName)
	return string(name)
}
