package provider

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// resources are all resources by their types.
func resources(t *testing.T) map[string]resource.Resource {
	t.Helper()
	found := map[string]resource.Resource{}
	for _, construct := range New("test")().Resources(t.Context()) {
		r := construct()
		var resp resource.MetadataResponse
		r.Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "infrahub"}, &resp)
		found[resp.TypeName] = r
	}
	return found
}

func schemaOf(t *testing.T, r resource.Resource) resource.SchemaResponse {
	t.Helper()
	var resp resource.SchemaResponse
	r.Schema(t.Context(), resource.SchemaRequest{}, &resp)
	if resp.Diagnostics.HasError() {
		t.Fatal(resp.Diagnostics)
	}
	return resp
}

func TestSchema_IsValid(t *testing.T) {
	t.Parallel()
	var resp provider.SchemaResponse
	New("test")().Schema(t.Context(), provider.SchemaRequest{}, &resp)
	if diags := resp.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Errorf("provider: %v", diags)
	}
	for kind, r := range resources(t) {
		if diags := schemaOf(t, r).Schema.ValidateImplementation(t.Context()); diags.HasError() {
			t.Errorf("%s: %v", kind, diags)
		}
	}
}

// schemas are the provider's own schema, and those of everything that it offers, by name.
func schemas(t *testing.T) map[string]*tfprotov6.Schema {
	t.Helper()
	resp := newProtocol(t).schemas
	all := map[string]*tfprotov6.Schema{"provider": resp.Provider}
	maps.Copy(all, resp.ResourceSchemas)
	for kind, schema := range resp.DataSourceSchemas {
		all["data."+kind] = schema
	}
	return all
}

// eachAttribute calls visit for every attribute, also for those within others, by its path.
func eachAttribute(path string, attributes []*tfprotov6.SchemaAttribute, visit func(path string, attribute *tfprotov6.SchemaAttribute)) {
	for _, attribute := range attributes {
		at := path + "." + attribute.Name
		visit(at, attribute)
		if attribute.NestedType != nil {
			eachAttribute(at, attribute.NestedType.Attributes, visit)
		}
	}
}

func TestSchema_EverythingIsDescribedInSentences(t *testing.T) {
	t.Parallel()
	for name, schema := range schemas(t) {
		if !isSentence(schema.Block.Description) {
			t.Errorf("%s: %q is no sentence", name, schema.Block.Description)
		}
		eachAttribute(name, schema.Block.Attributes, func(path string, attribute *tfprotov6.SchemaAttribute) {
			if attribute.Name == "timeouts" {
				return // the library that makes it describes only what is in it
			}
			if !isSentence(attribute.Description) {
				t.Errorf("%s: %q is no sentence", path, attribute.Description)
			}
		})
	}
}

func isSentence(text string) bool {
	return len(text) > 10 && strings.ToUpper(text[:1]) == text[:1] && strings.HasSuffix(text, ".")
}

func TestSchema_SecretsAreSensitiveAndWriteOnlyIsFlagged(t *testing.T) {
	t.Parallel()
	var sensitive, writeOnly []string
	for name, schema := range schemas(t) {
		eachAttribute(name, schema.Block.Attributes, func(path string, attribute *tfprotov6.SchemaAttribute) {
			if attribute.Sensitive {
				sensitive = append(sensitive, path)
			}
			if attribute.WriteOnly {
				writeOnly = append(writeOnly, path)
			}
		})
	}
	slices.Sort(sensitive)
	if difference := cmp.Diff([]string{
		"infrahub_password_credential.password", "infrahub_password_credential.password_wo", "provider.api_token", "provider.git_token", "provider.password",
	}, sensitive); difference != "" {
		t.Errorf("sensitive (-want +got):\n%s", difference)
	}
	if difference := cmp.Diff([]string{"infrahub_password_credential.password_wo"}, writeOnly); difference != "" {
		t.Errorf("write-only (-want +got):\n%s", difference)
	}
}

func TestSchema_ModelsHaveItsAttributes(t *testing.T) {
	t.Parallel()
	models := map[string]any{
		branch:         &branchModel{},
		credential:     &passwordCredentialModel{},
		proposedChange: &proposedChangeModel{},
		readOnly:       &readOnlyRepositoryModel{},
		readOnlyRef:    &readOnlyRepositoryRefModel{},
		readWrite:      &readWriteRepositoryModel{},
		tag:            &tagModel{},
	}
	all := resources(t)
	if len(all) != len(models) {
		t.Errorf("%d resources, but %d models are compared", len(all), len(models))
	}
	for kind, model := range models {
		schema := schemaOf(t, all[kind]).Schema
		var attributes []string
		for name := range schema.Attributes {
			attributes = append(attributes, name)
		}
		sameFields(t, kind, attributes, model)
		of := schema.Type().TerraformType(t.Context())
		for _, state := range []any{attributesOf(of, nil), attributesOf(of, unknown)} {
			raw := encode(t, of, state)
			if diags := (tfsdk.Plan{Raw: raw, Schema: schema}).Get(t.Context(), model); diags.HasError() {
				t.Errorf("%s: the model does not hold what the schema describes: %v", kind, diags)
			}
		}
	}
	var resp provider.SchemaResponse
	New("test")().Schema(t.Context(), provider.SchemaRequest{}, &resp)
	var attributes []string
	for name := range resp.Schema.Attributes {
		attributes = append(attributes, name)
	}
	sameFields(t, "provider", attributes, &providerModel{})
}

// attributesOf gives every attribute of an object the same value.
func attributesOf(of tftypes.Type, value any) attributes {
	filled := attributes{}
	if object, ok := of.(tftypes.Object); ok {
		for name := range object.AttributeTypes {
			filled[name] = value
		}
	}
	return filled
}

func sameFields(t *testing.T, name string, attributes []string, model any) {
	t.Helper()
	fields := fieldsOf(reflect.TypeOf(model).Elem())
	slices.Sort(fields)
	slices.Sort(attributes)
	if difference := cmp.Diff(attributes, fields); difference != "" {
		t.Errorf("%s: attributes and fields of the model (-schema +model):\n%s", name, difference)
	}
}

// fieldsOf are the attributes that the fields of a struct, and of those embedded in it, are for.
func fieldsOf(model reflect.Type) []string {
	var fields []string
	for field := range model.Fields() {
		if field.Anonymous {
			fields = append(fields, fieldsOf(field.Type)...)
			continue
		}
		fields = append(fields, field.Tag.Get("tfsdk"))
	}
	return fields
}

func TestSchema_RefusesForeignProviderData(t *testing.T) {
	t.Parallel()
	for kind, r := range resources(t) {
		configurable, ok := r.(resource.ResourceWithConfigure)
		if !ok {
			t.Errorf("%s takes no connection", kind)
			continue
		}
		var resp resource.ConfigureResponse
		configurable.Configure(t.Context(), resource.ConfigureRequest{}, &resp)
		if resp.Diagnostics.HasError() {
			t.Errorf("%s, not configured: %v", kind, resp.Diagnostics)
		}
		configurable.Configure(t.Context(), resource.ConfigureRequest{ProviderData: "foreign"}, &resp)
		if resp.Diagnostics.ErrorsCount() != 1 {
			t.Errorf("%s, foreign data: %v", kind, resp.Diagnostics)
		}
	}
}
