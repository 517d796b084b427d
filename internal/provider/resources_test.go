package provider

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// What holds for every resource type is tested here, over the table in resources_table_test.go. What is special about a
// type is tested in the file that is named after it.

// dataSourceTypes returns a valid configuration of every data source.
func dataSourceTypes() map[string]attributes {
	return map[string]attributes{
		branchType:          {"name": "release"},
		branchesType:        {"names": []string{"release"}},
		credentialType:      {"name": "git"},
		gitRefType:          {"location": "https://git.example.com/network.git"},
		proposedChangeType:  {"name": "Release 1.2"},
		readOnlyType:        {"name": "network"},
		readWriteType:       {"name": "network"},
		repositoriesType:    {"kind": "CoreRepository", "tag": "core", "credential_id": nodeUUID, "sync_status": "in-sync", "operational_status": "online"},
		repositoryTasksType: {"repository_id": nodeUUID, "limit": 5},
		serverType:          {},
		tagType:             {"name": "core"},
		tagsType:            {"names": []string{"core"}},
	}
}

// actionTypes returns a valid configuration of every action.
func actionTypes() map[string]attributes {
	return map[string]attributes{
		checkConnectivityType: {"repository_id": nodeUUID},
		importLatestType:      {"repository_id": nodeUUID},
		reimportType:          {"repository_id": nodeUUID},
	}
}

// registered is what the provider registers, by type name.
type registered struct {
	resources     map[string]resource.Resource
	dataSources   map[string]datasource.DataSource
	listResources map[string]list.ListResource
	actions       map[string]action.Action
}

func registeredTypes(t *testing.T) registered {
	t.Helper()
	p, ok := New("test")().(provider.ProviderWithListResources)
	if !ok {
		t.Fatal("the provider has no list resources")
	}
	types := registered{map[string]resource.Resource{}, map[string]datasource.DataSource{}, map[string]list.ListResource{}, map[string]action.Action{}}
	for _, construct := range p.Resources(t.Context()) {
		r := construct()
		var resp resource.MetadataResponse
		r.Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "infrahub"}, &resp)
		types.resources[resp.TypeName] = r
	}
	for _, construct := range p.DataSources(t.Context()) {
		d := construct()
		var resp datasource.MetadataResponse
		d.Metadata(t.Context(), datasource.MetadataRequest{ProviderTypeName: "infrahub"}, &resp)
		types.dataSources[resp.TypeName] = d
	}
	for _, construct := range p.ListResources(t.Context()) {
		l := construct()
		var resp resource.MetadataResponse
		l.Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "infrahub"}, &resp)
		types.listResources[resp.TypeName] = l
	}
	acting, ok := New("test")().(provider.ProviderWithActions)
	if !ok {
		t.Fatal("the provider has no actions")
	}
	for _, construct := range acting.Actions(t.Context()) {
		a := construct()
		var resp action.MetadataResponse
		a.Metadata(t.Context(), action.MetadataRequest{ProviderTypeName: "infrahub"}, &resp)
		types.actions[resp.TypeName] = a
	}
	return types
}

func TestResources_AreAllInTheTable(t *testing.T) {
	t.Parallel()
	types := registeredTypes(t)
	described := map[string]bool{releaseType: true} // several mutations and no object of its own: release_resource_test.go
	for _, r := range resourceTypes() {
		described[r.name] = true
	}
	for what, names := range map[string][2][]string{
		"resources":      {keys(types.resources), keys(described)},
		"data sources":   {keys(types.dataSources), keys(dataSourceTypes())},
		"list resources": {keys(types.listResources), keys(listResourceTypes())},
		"actions":        {keys(types.actions), keys(actionTypes())},
	} {
		if difference := cmp.Diff(names[0], names[1]); difference != "" {
			t.Errorf("%s (-registered +in the table):\n%s", what, difference)
		}
	}
}

func keys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }

func TestResources_TableSetsAndClearsEveryAttribute(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		_, i, object := r.start(t)
		for _, attribute := range i.schema().Block.Attributes {
			isSet, isCleared := false, attribute.Required
			for _, change := range object.changes {
				value, changes := change.to[attribute.Name]
				isSet = isSet || changes && (value != nil || attribute.Name == "timeouts")
				// A change is also taken back.
				isCleared = isCleared || changes && (value == nil || object.full[attribute.Name] == nil)
			}
			settable := attribute.Required || attribute.Optional
			if settable && (!isSet || !isCleared) {
				t.Errorf("the changes set %s: %t, and clear it: %t", attribute.Name, isSet, isCleared)
			}
			if settable == slices.Contains(r.computed, attribute.Name) {
				t.Errorf("%s can be set: %t; the table has the computed %v", attribute.Name, settable, r.computed)
			}
			if _, inMinimal := object.minimal[attribute.Name]; inMinimal != attribute.Required {
				t.Errorf("%s is required: %t, and in the minimal configuration: %t", attribute.Name, attribute.Required, inMinimal)
			}
		}
	})
}

func TestResources_SchemasAreValid(t *testing.T) {
	t.Parallel()
	var providerSchema provider.SchemaResponse
	New("test")().Schema(t.Context(), provider.SchemaRequest{}, &providerSchema)
	if diags := providerSchema.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Errorf("provider: %v", diags)
	}
	types := registeredTypes(t)
	for name, r := range types.resources {
		var resp resource.SchemaResponse
		r.Schema(t.Context(), resource.SchemaRequest{}, &resp)
		resp.Diagnostics.Append(resp.Schema.ValidateImplementation(t.Context())...)
		if resp.Diagnostics.HasError() {
			t.Errorf("%s: %v", name, resp.Diagnostics)
		}
	}
	for name, d := range types.dataSources {
		var resp datasource.SchemaResponse
		d.Schema(t.Context(), datasource.SchemaRequest{}, &resp)
		resp.Diagnostics.Append(resp.Schema.ValidateImplementation(t.Context())...)
		if resp.Diagnostics.HasError() {
			t.Errorf("data source %s: %v", name, resp.Diagnostics)
		}
	}
	for name, l := range types.listResources {
		var resp list.ListResourceSchemaResponse
		l.ListResourceConfigSchema(t.Context(), list.ListResourceSchemaRequest{}, &resp)
		resp.Diagnostics.Append(resp.Schema.ValidateImplementation(t.Context())...)
		if resp.Diagnostics.HasError() {
			t.Errorf("list resource %s: %v", name, resp.Diagnostics)
		}
	}
	for name, a := range types.actions {
		var resp action.SchemaResponse
		a.Schema(t.Context(), action.SchemaRequest{}, &resp)
		resp.Diagnostics.Append(resp.Schema.ValidateImplementation(t.Context())...)
		if resp.Diagnostics.HasError() {
			t.Errorf("action %s: %v", name, resp.Diagnostics)
		}
	}
}

// allSchemas returns every schema, each under what it is for and the name of its type.
func (p *testProvider) allSchemas() map[string]*tfprotov6.Schema {
	all := map[string]*tfprotov6.Schema{"provider": p.schemas.Provider}
	for what, schemas := range map[string]map[string]*tfprotov6.Schema{
		"resource": p.schemas.ResourceSchemas, "data": p.schemas.DataSourceSchemas, "list": p.schemas.ListResourceSchemas,
	} {
		for name, schema := range schemas {
			all[what+"."+name] = schema
		}
	}
	for name, action := range p.schemas.ActionSchemas {
		all["action."+name] = action.Schema
	}
	return all
}

// eachAttribute calls visit for every attribute, nested ones included, with its path.
func eachAttribute(path string, attributes []*tfprotov6.SchemaAttribute, visit func(path string, attribute *tfprotov6.SchemaAttribute)) {
	for _, attribute := range attributes {
		at := path + "." + attribute.Name
		visit(at, attribute)
		if attribute.NestedType != nil {
			eachAttribute(at, attribute.NestedType.Attributes, visit)
		}
	}
}

func TestResources_SchemasAreDescribedInSentences(t *testing.T) {
	t.Parallel()
	for name, schema := range newProvider(t).allSchemas() {
		if !isSentence(schema.Block.Description) {
			t.Errorf("%s: %q is no sentence", name, schema.Block.Description)
		}
		eachAttribute(name, schema.Block.Attributes, func(path string, attribute *tfprotov6.SchemaAttribute) {
			if attribute.Name == "timeouts" {
				return // the library that defines it describes only what is in it
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

func TestResources_OnlySecretsAreSensitive(t *testing.T) {
	t.Parallel()
	var sensitive, writeOnly []string
	for name, schema := range newProvider(t).allSchemas() {
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
		"provider.api_token", "provider.git_token", "provider.password",
		"resource.infrahub_password_credential.password", "resource.infrahub_password_credential.password_wo",
	}, sensitive); difference != "" {
		t.Errorf("sensitive (-want +got):\n%s", difference)
	}
	if difference := cmp.Diff([]string{"resource.infrahub_password_credential.password_wo"}, writeOnly); difference != "" {
		t.Errorf("write-only (-want +got):\n%s", difference)
	}
}

func TestResources_ModelsHaveTheAttributesOfTheSchema(t *testing.T) {
	t.Parallel()
	types := registeredTypes(t)
	for _, r := range resourceTypes() {
		var resp resource.SchemaResponse
		types.resources[r.name].Schema(t.Context(), resource.SchemaRequest{}, &resp)
		expectFields(t, r.name, keys(resp.Schema.Attributes), r.model)
		objectType := resp.Schema.Type().TerraformType(t.Context())
		for _, state := range []any{allAttributes(objectType, nil), allAttributes(objectType, unknown)} {
			raw := encode(t, objectType, state)
			if diags := (tfsdk.Plan{Raw: raw, Schema: resp.Schema}).Get(t.Context(), r.model); diags.HasError() {
				t.Errorf("%s: the model cannot hold what the schema describes: %v", r.name, diags)
			}
		}
	}
	var resp provider.SchemaResponse
	New("test")().Schema(t.Context(), provider.SchemaRequest{}, &resp)
	expectFields(t, "provider", keys(resp.Schema.Attributes), &providerModel{})
}

// allAttributes returns an object whose attributes all have the same value.
func allAttributes(objectType tftypes.Type, value any) attributes {
	object := attributes{}
	if of, ok := objectType.(tftypes.Object); ok {
		for name := range of.AttributeTypes {
			object[name] = value
		}
	}
	return object
}

func expectFields(t *testing.T, name string, attributes []string, model any) {
	t.Helper()
	fields := slices.Sorted(slices.Values(attributesOfFields(reflect.TypeOf(model).Elem())))
	if difference := cmp.Diff(attributes, fields); difference != "" {
		t.Errorf("%s: attributes and fields of the model (-schema +model):\n%s", name, difference)
	}
}

// attributesOfFields returns the attributes that the fields of a struct, and of structs embedded in it, hold.
func attributesOfFields(model reflect.Type) []string {
	var names []string
	for field := range model.Fields() {
		if field.Anonymous {
			names = append(names, attributesOfFields(field.Type)...)
			continue
		}
		names = append(names, field.Tag.Get("tfsdk"))
	}
	return names
}

func TestResources_ForeignProviderDataIsRefused(t *testing.T) {
	t.Parallel()
	types := registeredTypes(t)
	configure := map[string]func(data any) int{}
	for name, r := range types.resources {
		configure["resource "+name] = configureResource(t, r)
	}
	for name, l := range types.listResources {
		configure["list resource "+name] = configureResource(t, l)
	}
	for name, d := range types.dataSources {
		configure["data source "+name] = func(data any) int {
			configurable, ok := d.(datasource.DataSourceWithConfigure)
			if !ok {
				return -1
			}
			var resp datasource.ConfigureResponse
			configurable.Configure(t.Context(), datasource.ConfigureRequest{ProviderData: data}, &resp)
			return resp.Diagnostics.ErrorsCount()
		}
	}
	for name, a := range types.actions {
		configure["action "+name] = func(data any) int {
			configurable, ok := a.(action.ActionWithConfigure)
			if !ok {
				return -1
			}
			var resp action.ConfigureResponse
			configurable.Configure(t.Context(), action.ConfigureRequest{ProviderData: data}, &resp)
			return resp.Diagnostics.ErrorsCount()
		}
	}
	for name, errorsOf := range configure {
		for description, test := range map[string]struct {
			data any
			want int
		}{
			"no data": {nil, 0}, "its own data": {&providerData{}, 0}, "foreign data": {"foreign", 1},
		} {
			if got := errorsOf(test.data); got != test.want {
				t.Errorf("%s, %s: %d errors, want %d", name, description, got, test.want)
			}
		}
	}
}

// configureResource returns a function that configures a resource or list resource and counts the errors, -1 if it takes
// no provider data.
func configureResource(t *testing.T, configured any) func(data any) int {
	t.Helper()
	return func(data any) int {
		configurable, ok := configured.(interface {
			Configure(ctx context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse)
		})
		if !ok {
			return -1
		}
		var resp resource.ConfigureResponse
		configurable.Configure(t.Context(), resource.ConfigureRequest{ProviderData: data}, &resp)
		return resp.Diagnostics.ErrorsCount()
	}
}

func TestResources_BeforeTheProviderIsConfiguredValidateAndPlanWork(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		_, _, object := r.start(t)
		i := newProvider(t).newInstance(r.name)
		for _, config := range []attributes{object.minimal, object.full, r.valid} {
			i.validate(r.name, config).requireNone(t)
			i.plan(config).diagnostics.requireNone(t)
		}
		i.state = maps.Clone(object.full)
		for _, attribute := range i.schema().Block.Attributes {
			if slices.Contains(r.computed, attribute.Name) && attribute.NestedType == nil {
				i.state[attribute.Name] = "computed"
			}
		}
		for _, change := range object.changes {
			if plan := i.plan(object.full.with(change.to)); !change.replaces {
				plan.diagnostics.requireNone(t)
			}
		}
		i.plan(nil).diagnostics.requireNone(t)
	})
	p := newProvider(t)
	for name, config := range dataSourceTypes() {
		p.validateDataSource(name, config).requireNone(t)
	}
	for name, l := range listResourceTypes() {
		p.validateList(name, l.valid).requireNone(t)
	}
	for name, config := range actionTypes() {
		p.validateAction(name, config).requireNone(t)
		p.planAction(name, config).requireNone(t)
	}
}

func TestResources_CreateSendsWhatIsSetAndTheNextPlanIsEmpty(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		for name, pick := range map[string]func(testObject) (attributes, string){
			"minimal": func(o testObject) (attributes, string) { return o.minimal, o.createMinimal },
			"full":    func(o testObject) (attributes, string) { return o.full, o.createFull },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, i, object := r.start(t)
				config, mutation := pick(object)
				i.mustApply(config)
				s.expectMutations(t, mutation)
				i.expectEmptyPlan(config)
				s.WaitForTasks(t)
				created := i.state
				i.refresh().requireNone(t)
				if difference := cmp.Diff(created, i.state); difference != "" {
					t.Errorf("a refresh changes the state (-created +refreshed):\n%s", difference)
				}
				i.expectEmptyPlan(config)
				s.expectMutations(t)
			})
		}
	})
}

func TestResources_UpdateSendsTheChangedAttributeAlone(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.created(t)
		for _, change := range object.changes {
			changed := object.full.with(change.to)
			if change.replaces {
				if plan := i.plan(changed); !slices.Equal(plan.replacedBy, keys(change.to)) {
					t.Errorf("the plan of %v is replaced by %v", change.to, plan.replacedBy)
				}
				continue
			}
			for _, config := range []attributes{changed, object.full} {
				i.mustApply(config)
				if difference := cmp.Diff(append([]string{}, change.mutations...), s.takeMutations()); difference != "" {
					t.Errorf("%v: mutations (-want +got):\n%s", change.to, difference)
				}
				s.WaitForTasks(t)
				i.refresh().requireNone(t)
				i.expectEmptyPlan(config)
			}
		}
	})
}

func TestResources_CreatedObjectIsSavedAlsoIfItCannotBeReadThen(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.start(t)
		config := r.withoutWaiting(i.testProvider, object.full)
		plan := i.plan(config)
		query := r.queries[len(r.queries)-1]
		fault := mockserver.Fault{Operation: query, Times: 1, Status: http.StatusInternalServerError, Body: "Internal Server Error"}
		s.injectAfter(fault, func(request mockserver.Request) bool { return request.Mutation })
		diags := i.apply(plan)
		if got := diags.onlyError(t); got.detail == "" || !strings.HasSuffix(got.summary, " Not Read") {
			t.Errorf("got %s", got)
		}
		diags.expectNoSecret(t, secret)
		for name, value := range i.state {
			if value == unknown {
				t.Errorf("%s is saved as unknown", name)
			}
		}
		if i.id() == "" || i.identity.text("id") != i.id() {
			t.Fatalf("saved %v with the identity %v", i.state, i.identity)
		}
		i.refresh().requireNone(t) // by the id, so it is the right one
		i.expectEmptyPlan(config)
	})
}

// refusal is the response of a server that refuses a mutation.
const refusal = `{"data": null, "errors": [{"message": "Refused.", "extensions": {"code": "UNDEFINED_ERROR", "http_status": 422, "data": {}}}]}`

func TestResources_RefusedCreateLeavesNoState(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.start(t)
		s.failOnce(r.createMutation, http.StatusOK, refusal)
		diags := i.apply(i.plan(object.full))
		got := diags.onlyError(t)
		got.expect(t, "", got.summary, "Refused.", "Request id: ")
		expectTitleCase(t, got.summary)
		diags.expectNoSecret(t, secret)
		if i.state != nil {
			t.Errorf("saved %v", i.state)
		}
		if sent := s.takeMutations(); len(sent) != 1 {
			t.Errorf("sent %v, want one mutation", sent)
		}
		i.mustApply(object.full)
	})
}

func TestResources_RefusedUpdateKeepsTheState(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.created(t)
		before, changed := i.state, object.full.with(object.update().to)
		s.failOnce(r.updateMutation, http.StatusOK, refusal)
		diags := i.apply(i.plan(changed))
		got := diags.onlyError(t)
		got.expect(t, "", got.summary, "Refused.", "Request id: ")
		diags.expectNoSecret(t, secret)
		if difference := cmp.Diff(before, i.state); difference != "" {
			t.Errorf("the state changed (-before +after):\n%s", difference)
		}
		i.apply(i.plan(changed)).requireNoErrors(t)
	})
}

func TestResources_OnlyNotFoundRemovesFromTheState(t *testing.T) {
	t.Parallel()
	graphqlError := func(code string) string {
		return `{"data": null, "errors": [{"message": "No.", "extensions": {"code": "` + code + `", "http_status": 404, "data": {}}}]}`
	}
	const json, text = "application/json", "text/plain"
	faults := map[string]mockserver.Fault{
		"401":                {Status: http.StatusUnauthorized, Body: graphqlError("AUTHENTICATION_REQUIRED"), ContentType: json},
		"403":                {Status: http.StatusForbidden, Body: graphqlError("PERMISSION_DENIED"), ContentType: json},
		"404 of a proxy":     {Status: http.StatusNotFound, Body: "404 page not found", ContentType: text},
		"404 of the branch":  {Status: http.StatusNotFound, Body: `{"errors": ["Branch: main not found."]}`, ContentType: json},
		"429":                {Status: http.StatusTooManyRequests, Body: "slow down", ContentType: text},
		"500":                {Status: http.StatusInternalServerError, Body: "Internal Server Error", ContentType: text},
		"503":                {Status: http.StatusServiceUnavailable, Body: "no healthy upstream", ContentType: text},
		"HTML":               {Status: http.StatusOK, Body: "<html><title>Log in</title></html>", ContentType: "text/html"},
		"other JSON":         {Status: http.StatusOK, Body: "{}", ContentType: json},
		"error without code": {Status: http.StatusOK, Body: `{"data": null, "errors": [{"message": "Unable to find the node"}]}`, ContentType: json},
		"undefined error":    {Status: http.StatusOK, Body: graphqlError("UNDEFINED_ERROR"), ContentType: json},
		"dropped":            {Drop: true},
		"truncated":          {TruncateBody: true},
	}
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, _ := r.created(t)
		before, identity := i.state, i.identity
		for name, fault := range faults {
			for _, query := range r.queries {
				fault.Operation, fault.Times = query, 1
				s.Inject(fault)
				diags := i.refresh()
				if name == "404 of the branch" && r.name != readOnlyRefType {
					diags.requireNone(t) // the default branch has the object
				} else {
					diags.onlyError(t)
				}
				diags.expectNoSecret(t, secret)
				if difference := cmp.Diff(before, i.state); difference != "" {
					t.Fatalf("%s of %s changes the state (-before +after):\n%s", name, query, difference)
				}
				if difference := cmp.Diff(identity, i.identity); difference != "" {
					t.Fatalf("%s of %s changes the identity (-before +after):\n%s", name, query, difference)
				}
			}
		}
		r.deleteOutside(t, s, i.state)
		i.refresh().requireNoErrors(t)
		if i.state != nil {
			t.Errorf("the deleted object is kept: %v", i.state)
		}
	})
}

func TestResources_DestroyOfADeletedObjectIsNoError(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.11.9", "1.9.9"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			eachResourceType(t, func(t *testing.T, r resourceType) {
				s, i, _ := r.onVersion(version).created(t)
				r.deleteOutside(t, s, i.state)
				i.mustDestroy()
				if i.state != nil || i.identity != nil {
					t.Errorf("left %v, identity %v", i.state, i.identity)
				}
			})
		})
	}
}

func TestResources_DestroySendsOneMutation(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, _ := r.created(t)
		i.mustDestroy()
		sent := s.takeMutations()
		if r.deleteMutation == "" {
			if len(sent) > 0 {
				t.Errorf("sent %v, want nothing", sent)
			}
			return
		}
		if len(sent) != 1 || !strings.HasPrefix(sent[0], r.deleteMutation+": ") {
			t.Errorf("sent %v, want %s", sent, r.deleteMutation)
		}
	})
}

func TestResources_FailedDestroyKeepsTheState(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		if r.deleteMutation == "" {
			return // nothing is sent that could fail
		}
		s, i, _ := r.created(t)
		before, identity := i.state, i.identity
		s.crashOnce(r.deleteMutation)
		got := i.apply(i.plan(nil)).onlyError(t)
		if got.detail == "" || !strings.HasSuffix(got.summary, " Not Deleted") {
			t.Errorf("got %s", got)
		}
		if difference := cmp.Diff(before, i.state); difference != "" {
			t.Errorf("the state changed (-before +after):\n%s", difference)
		}
		if difference := cmp.Diff(identity, i.identity); difference != "" {
			t.Errorf("the identity changed (-before +after):\n%s", difference)
		}
		i.mustDestroy()
	})
}

func TestResources_UpdateOfADeletedObjectFails(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.11.9", "1.9.9"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			eachResourceType(t, func(t *testing.T, r resourceType) {
				s, i, object := r.onVersion(version).created(t)
				plan := i.plan(object.full.with(object.update().to))
				r.deleteOutside(t, s, i.state)
				got := i.apply(plan).onlyError(t)
				if want := r.deletedError; want != (diagnostic{}) {
					got.expect(t, want.attribute, want.summary, want.detail)
					return
				}
				got.expect(t, "", got.summary, object.full.text("name"), "deleted outside of Terraform", "plan again")
				if !strings.HasSuffix(got.summary, " Not Updated") {
					t.Errorf("got %q", got.summary)
				}
			})
		})
	}
}

// Terraform insists on what was planned.
func TestResources_ChangeByOthersAfterThePlanIsLeftToTheNextRefresh(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.created(t)
		if len(object.byOthers) == 0 {
			return
		}
		update := object.update().to
		plan := i.plan(object.full.with(update))
		other := *i
		other.mustApply(object.full.with(object.byOthers))
		i.apply(plan).requireNone(t)
		s.WaitForTasks(t)
		i.refresh().requireNone(t)
		for name, want := range object.byOthers.with(update) {
			if difference := cmp.Diff(want, i.state[name]); difference != "" {
				t.Errorf("%s (-want +refreshed):\n%s", name, difference)
			}
		}
	})
}

func TestResources_UnknownInputsArePlanned(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		_, i, object := r.created(t)
		created, all := i.newInstance(r.name), attributes{}
		for _, attribute := range i.schema().Block.Attributes {
			if !attribute.Required && !attribute.Optional || attribute.WriteOnly {
				continue
			}
			all[attribute.Name] = unknown
			config := object.full.with(attributes{attribute.Name: unknown})
			i.validate(r.name, config).requireNone(t)
			for description, plan := range map[string]resourcePlan{"create": created.plan(config), "update": i.plan(config)} {
				plan.diagnostics.requireNoErrors(t)
				if got := plan.state[attribute.Name]; got != unknown {
					t.Errorf("%s is unknown, the %s plans %v", attribute.Name, description, got)
				}
			}
		}
		created.plan(all).diagnostics.requireNone(t)
		i.plan(all).diagnostics.requireNoErrors(t)
	})
}

func TestResources_ImportThenEmptyPlan(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.created(t)
		config, want := maps.Clone(object.full), maps.Clone(i.state)
		for _, name := range append([]string{"timeouts"}, r.notImported...) {
			delete(config, name)
			delete(want, name)
		}
		for name, importInto := range map[string]func(imported *instance) diagnostics{
			"id":       func(imported *instance) diagnostics { return imported.importByID(i.id()) },
			"name":     func(imported *instance) diagnostics { return imported.importByID(object.importName) },
			"identity": func(imported *instance) diagnostics { return imported.importByIdentity(i.identity) },
		} {
			imported := i.newInstance(r.name)
			importInto(imported).requireNone(t)
			if difference := cmp.Diff(want, imported.state); difference != "" {
				t.Errorf("by %s (-created +imported):\n%s", name, difference)
			}
			if difference := cmp.Diff(i.identity, imported.identity); difference != "" {
				t.Errorf("identity by %s (-created +imported):\n%s", name, difference)
			}
			imported.expectEmptyPlan(config)
		}
		s.expectMutations(t)
	})
}

func TestResources_ImportThatFindsNothingIsNotOneThatFails(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, _ := r.start(t)
		query := r.queries[len(r.queries)-1]
		for _, missing := range []string{"nope", nodeUUID} {
			id, quoted := missing+r.importSuffix, strconv.Quote(missing)
			i.importByID(id).onlyError(t).expect(t, "", "Object Not Found", quoted, "branch", "resource type")
			if missing == nodeUUID { // an identity is no name
				i.importByIdentity(attributes{"id": id}).onlyError(t).expect(t, "", "Object Not Found", quoted)
			}
			s.failOnce(query, http.StatusServiceUnavailable, "no healthy upstream")
			i.importByID(id).onlyError(t).expect(t, "", "Object Not Read", quoted, "no healthy upstream", "Request id: ")
		}
		if i.state != nil {
			t.Errorf("imported %v", i.state)
		}
	})
}

func TestResources_NameThatLooksLikeAnIDIsImported(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		_, i, object := r.start(t)
		if object.full["name"] == nil {
			return // it is imported by the name of another object
		}
		i.mustApply(object.full.with(attributes{"name": nodeUUID}))
		imported := i.newInstance(r.name)
		imported.importByID(nodeUUID).requireNone(t)
		if imported.id() != i.id() || i.id() == nodeUUID || imported.state["password"] != nil {
			t.Errorf("imported %v, want %v", imported.state, i.state)
		}
	})
}

func TestResources_IdentityIsSetByEveryOperation(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.start(t)
		expect := func(operation string) {
			t.Helper()
			if difference := cmp.Diff(attributes{"id": i.id()}, i.identity); difference != "" || i.id() == "" {
				t.Errorf("identity after %s (-want +got):\n%s", operation, difference)
			}
		}
		i.mustApply(object.full)
		expect("a create")
		s.WaitForTasks(t)
		i.refresh().requireNone(t)
		expect("a refresh")
		i.identity = nil
		i.refresh().requireNone(t)
		expect("a refresh of a state without an identity")
		i.identity = nil
		i.mustApply(object.full.with(object.update().to))
		expect("an update of a state without an identity")
		i.mustApply(object.full)
		expect("an update")

		deleted := *i
		r.deleteOutside(t, s, i.state)
		i.refresh().requireNoErrors(t)
		deleted.identity = nil
		deleted.refresh().requireNoErrors(t) // the framework refuses a response without an identity
		if i.state != nil || deleted.state != nil {
			t.Errorf("kept %v and %v", i.state, deleted.state)
		}
	})
}

// Terraform plans the create of a replacement with the identity of the object that it replaces.
func TestResources_IdentityIsNotThatOfTheReplacedObject(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.created(t)
		config := object.full
		if r.deleteMutation == "" { // its id names what it refers to
			s.createBranch(t, "other")
			config = config.with(attributes{"branch": "other"})
		}
		replaced := i.identity
		i.mustDestroy()
		i.identity = replaced
		plan := i.plan(config)
		if got := i.decodeIdentity(plan.identity); !maps.Equal(got, replaced) {
			t.Fatalf("planned the identity %v, want that of the replaced object: %v", got, replaced)
		}
		i.apply(plan).requireNone(t)
		if i.identity.text("id") != i.id() || i.id() == replaced.text("id") {
			t.Errorf("identity %v, id %s, replaced %v", i.identity, i.id(), replaced)
		}
		i.refresh().requireNone(t)
	})
}

func TestResources_SecretsAreNotStored(t *testing.T) {
	t.Parallel()
	const token = "canary-token"
	eachResourceType(t, func(t *testing.T, r resourceType) {
		r.options.Token = token
		s, i, object := r.start(t)
		expectClean := func(plan resourcePlan, diags diagnostics) {
			t.Helper()
			diags.expectNoSecret(t, secret, writeOnlySecret, token)
			for what, stored := range map[string]string{
				"planned state": fmt.Sprint(plan.state), "planned private state": string(plan.private),
				"state": fmt.Sprint(i.state), "private state": string(i.private), "identity": fmt.Sprint(i.identity),
			} {
				for _, hidden := range []string{writeOnlySecret, token} {
					if strings.Contains(stored, hidden) {
						t.Errorf("the %s contains %q: %s", what, hidden, stored)
					}
				}
			}
			if strings.Contains(string(plan.private)+string(i.private), secret) {
				t.Errorf("the private state contains the password: %s", i.private)
			}
		}
		apply := func(config attributes) {
			t.Helper()
			plan := i.plan(config)
			expectClean(plan, i.apply(plan))
			expectClean(resourcePlan{}, i.refresh())
		}
		s.crashOnce(r.createMutation)
		s.crashOnce(r.createMutation)
		apply(object.full)
		apply(object.full)
		changes := []change{object.update()}
		for _, change := range object.changes {
			if strings.Contains(fmt.Sprint(change.to), "canary") {
				changes = append(changes, change)
			}
		}
		for _, change := range changes {
			changed := object.full.with(change.to)
			s.failOnce(r.updateMutation, http.StatusUnauthorized, refusal)
			apply(changed)
			apply(changed)
			apply(object.full)
		}
		s.crashOnce(r.queries[0])
		expectClean(resourcePlan{}, i.refresh())
	})
}

func TestResources_TimeoutsBoundEveryOperation(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.start(t)
		within := func(operation string) attributes {
			return object.full.with(attributes{"timeouts": timeoutsOf("1ns", operation)})
		}
		expectTimeout := func(operation string, diags diagnostics) {
			t.Helper()
			got := diags.onlyError(t)
			got.expect(t, got.attribute, got.summary, "timeouts")
			if sent := s.takeMutations(); len(sent) > 0 {
				t.Errorf("%s: sent %v after the timeout", operation, sent)
			}
		}
		expectTimeout("create", i.apply(i.plan(within("create"))))
		if i.state != nil {
			t.Errorf("saved %v", i.state)
		}
		i.mustApply(within("read"))
		s.WaitForTasks(t)
		s.Log.Reset()
		before := i.state
		expectTimeout("read", i.refresh())
		if difference := cmp.Diff(before, i.state); difference != "" {
			t.Errorf("the state changed (-before +after):\n%s", difference)
		}
		expectTimeout("update", i.apply(i.plan(within("update").with(object.update().to))))
		if r.deleteMutation == "" {
			return
		}
		i.mustApply(within("delete"))
		s.Log.Reset()
		expectTimeout("delete", i.apply(i.plan(nil)))
		if i.state == nil {
			t.Error("the state was removed")
		}
	})
}
