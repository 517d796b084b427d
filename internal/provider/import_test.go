package provider

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestImport_InvalidIdentityIsRefusedBeforeARequest(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.start(t)
		i.mustApply(object.minimal)
		s.WaitForTasks(t)
		s.Log.Reset()
		imported := i.newInstance(r.name)
		for description, test := range map[string]struct {
			identity      attributes
			summary, part string
		}{
			"no id":                   {attributes{}, "Invalid Import Id", "empty"},
			"an empty id":             {attributes{"id": ""}, "Invalid Import Id", "empty"},
			"a name":                  {attributes{"id": object.importName}, "Invalid Identity", object.importName},
			"a UUID that is cut off":  {attributes{"id": nodeUUID[:35] + r.importSuffix}, "Invalid Identity", "UUID"},
			"a UUID in braces":        {attributes{"id": "{" + nodeUUID + "}" + r.importSuffix}, "Invalid Identity", "UUID"},
			"a UUID with white space": {attributes{"id": " " + nodeUUID + r.importSuffix}, "Invalid Identity", "UUID"},
		} {
			got := imported.importByIdentity(test.identity).onlyError(t)
			if got.summary != test.summary || !strings.Contains(got.detail, test.part) {
				t.Errorf("%s: got %s", description, got)
			}
		}
		imported.importByID("").onlyError(t).expect(t, "", "Invalid Import Id", "empty")
		if sent := s.Log.Requests(); len(sent) > 0 || imported.state != nil {
			t.Errorf("sent %v, imported %v", sent, imported.state)
		}
	})
}

// A CLI checks an import block against the schema of the identity. Another client of the protocol may not.
func TestImport_IdentityWithAnUnknownFieldIsRefused(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, _ := r.start(t)
		i.importState(&tfprotov6.ImportResourceStateRequest{
			TypeName: r.name,
			Identity: &tfprotov6.ResourceIdentityData{IdentityData: &tfprotov6.DynamicValue{JSON: []byte(`{"id":"` + nodeUUID + r.importSuffix + `","branch":"main"}`)}},
		}).onlyError(t).expect(t, "", "Unable to Convert Resource Identity", "unsupported attribute", "branch")
		if sent := s.Log.Requests(); len(sent) > 0 || i.state != nil {
			t.Errorf("sent %v, imported %v", sent, i.state)
		}
	})
}

// Terraform 1.11 keeps no identity.
func TestImport_WorksForACLIWithoutIdentities(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, object := r.created(t)
		for name, importInto := range map[string]func(imported *instance) diagnostics{
			"id":       func(imported *instance) diagnostics { return imported.importByID(i.id()) },
			"name":     func(imported *instance) diagnostics { return imported.importByID(object.importName) },
			"identity": func(imported *instance) diagnostics { return imported.importByIdentity(i.identity) },
		} {
			imported := i.newInstance(r.name)
			importInto(imported).requireNone(t)
			before := imported.state
			imported.identity = nil
			imported.refresh().requireNone(t)
			if difference := cmp.Diff(before, imported.state); difference != "" {
				t.Errorf("refresh after an import by %s (-imported +refreshed):\n%s", name, difference)
			}
			imported.identity = nil
			imported.expectEmptyPlan(imported.generatedConfig())
		}
		s.expectMutations(t)
	})
}

func TestImport_ByIdentityOfAnObjectThatIsGone(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		s, i, _ := r.created(t)
		identity, imported := i.identity, i.newInstance(r.name)
		imported.importByIdentity(identity).requireNone(t)
		r.deleteOutside(t, s, i.state)
		imported.identity = nil
		imported.refresh().requireNoErrors(t) // of an object that was deleted between the import and this
		if imported.state != nil {
			t.Errorf("kept %v", imported.state)
		}
		got := i.newInstance(r.name).importByIdentity(identity).onlyError(t)
		if r.name == readOnlyRefType { // its branch is gone
			got.expect(t, "", "Object Not Read", "Create the branch")
			return
		}
		got.expect(t, "", "Object Not Found", identity.text("id"))
	})
}

// An identity is an id, also where the name of another object looks like one.
func TestImport_IdentityIsNoName(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		_, i, object := r.start(t)
		if object.full["name"] == nil {
			return // it is imported by the name of another object
		}
		i.mustApply(object.full.with(attributes{"name": nodeUUID}))
		i.newInstance(r.name).importByIdentity(attributes{"id": nodeUUID}).onlyError(t).expect(t, "", "Object Not Found", nodeUUID)
	})
}

func TestImport_RepositoryOfTheOtherKindNamesItsResourceType(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p, remotes := s.connect(t), serveEmptyRemotes(t)
	names := map[string]string{readOnlyType: "pinned", readWriteType: "synced"}
	ids := map[string]string{}
	for typeName, kind := range map[string]string{readOnlyType: "CoreReadOnlyRepository", readWriteType: "CoreRepository"} {
		ids[typeName] = s.Ask(t, `mutation($name:String!,$location:String!){`+kind+`Create(data:{name:{value:$name} location:{value:$location}}){object{id}}}`,
			"name", names[typeName], "location", remotes+"/"+names[typeName]+".git").Text("data." + kind + "Create.object.id")
	}
	s.WaitForTasks(t)
	s.createBranch(t, "release")
	for typeName, other := range map[string]string{readOnlyType: readWriteType, readWriteType: readOnlyType} {
		for _, id := range []string{names[other], ids[other]} {
			p.newInstance(typeName).importByID(id).onlyError(t).expect(t, "", "Object Not Found", id, "another kind", "use the resource type "+other+".")
		}
		p.newInstance(typeName).importByIdentity(attributes{"id": ids[other]}).onlyError(t).expect(t, "", "Object Not Found", "use the resource type "+other+".")
		p.newInstance(typeName).importByID("nope").onlyError(t).expect(t, "", "Object Not Found", "check the resource type")
	}
	p.newInstance(readOnlyRefType).importByID("synced/release").onlyError(t).expect(t, "", "Object Not Found", `"synced"`, "read-write repository", readWriteType)
	// What cannot be found out is not claimed.
	s.failOnce("Repositories", http.StatusServiceUnavailable, "no healthy upstream")
	p.newInstance(readOnlyType).importByID("synced").onlyError(t).expect(t, "", "Object Not Found", "check the resource type")
	s.expectMutations(t)
}

// terraform plan -generate-config-out writes what an import has read.
func TestImport_GeneratedConfigurationPlansEmpty(t *testing.T) {
	t.Parallel()
	eachResourceType(t, func(t *testing.T, r resourceType) {
		for name, configOf := range map[string]func(object testObject) attributes{
			"minimal": func(object testObject) attributes { return object.minimal },
			"full":    func(object testObject) attributes { return object.full },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, i, object := r.start(t)
				i.mustApply(configOf(object))
				s.WaitForTasks(t)
				s.Log.Reset()
				imported := i.newInstance(r.name)
				imported.importByID(object.importName).requireNone(t)
				config := imported.generatedConfig()
				imported.validate(r.name, config).requireNone(t)
				imported.expectEmptyPlan(config)
				s.expectMutations(t)
			})
		}
	})
}
