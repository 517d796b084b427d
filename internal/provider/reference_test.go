package provider

import (
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// generatedID is an id as mock_provider of `terraform test` generates them.
const generatedID = "6g3x8q0k"

func TestReference_GeneratedIDsAreValid(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for typeName, attribute := range map[string]string{readOnlyType: "credential_id", readWriteType: "credential_id", readOnlyRefType: "repository_id"} {
		p.validate(typeName, resourceTypeOf(t, typeName).valid.with(attributes{attribute: generatedID})).requireNone(t)
	}
	p.validateDataSource(tagType, attributes{"id": generatedID}).requireNone(t)
}

// Infrahub takes the name of a credential for its id and returns the id, so that each plan would change the id back to the name.
func TestReference_NameInPlaceOfAnIDIsRefused(t *testing.T) {
	t.Parallel()
	for typeName, test := range map[string]struct{ attribute, example string }{
		readOnlyType:    {"credential_id", "infrahub_password_credential.NAME.id"},
		readWriteType:   {"credential_id", "infrahub_password_credential.NAME.id"},
		readOnlyRefType: {"repository_id", "infrahub_read_only_repository.NAME.id"},
	} {
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			s, i, object := resourceTypeOf(t, typeName).start(t)
			s.Ask(t, `mutation{CorePasswordCredentialCreate(data:{name:{value:"git"}}){ok}}`)
			config := object.minimal.with(attributes{test.attribute: "git"})
			words := []string{test.attribute, `"git"`, "must be the id", test.example, "names are not accepted"}
			i.plan(config).diagnostics.onlyError(t).expect(t, test.attribute, "Not an Id", words...)

			knownInTheApply := i.plan(config.with(attributes{test.attribute: unknown}))
			knownInTheApply.config, knownInTheApply.state = config, knownInTheApply.state.with(attributes{test.attribute: "git"})
			i.apply(knownInTheApply).onlyError(t).expect(t, test.attribute, "Not an Id", words...)
			s.expectMutations(t)
		})
	}
}

func TestReference_NameInPlaceOfAnIDIsRefusedByAnUpdate(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(r, "v1.0.0"))
	s.Log.Reset()
	config := readOnlyConfig(r, "v1.1.0").with(attributes{"credential_id": "git"})
	i.plan(config).diagnostics.onlyError(t).expect(t, "credential_id", "Not an Id", `"git"`)
	knownInTheApply := i.plan(config.with(attributes{"credential_id": unknown}))
	knownInTheApply.config, knownInTheApply.state = config, knownInTheApply.state.with(attributes{"credential_id": "git"})
	i.apply(knownInTheApply).onlyError(t).expect(t, "credential_id", "Not an Id", `"git"`)
	s.expectMutations(t)
	if i.state["credential_id"] != nil || i.state.text("ref") != "v1.0.0" || i.recordedFailure() != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestReference_CredentialThatDoesNotExistNamesTheIDToWrite(t *testing.T) {
	t.Parallel()
	for _, version := range []string{mockserver.DefaultVersion, "1.9.9"} {
		s, r := startServer(t, mockserver.Options{Version: version}), newRemote(t)
		i := s.connect(t).newInstance(readOnlyType)
		i.apply(i.plan(readOnlyConfig(r, "v1.0.0").with(attributes{"credential_id": nodeUUID}))).onlyError(t).expect(t, "credential_id", "Read-only Repository Not Created",
			nodeUUID, "Check credential_id", "the id of a credential that exists", "infrahub_password_credential.NAME.id", "names are not accepted", "Request id: ")
	}
}

func TestReference_DataSourceThatIsGivenANameAsIDNamesTheAttributeForNames(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	p := s.connect(t)
	p.newInstance(tagType).mustApply(attributes{"name": "core"})
	_, diags := p.readDataSource(tagType, attributes{"id": "core"})
	diags.onlyError(t).expect(t, "id", "Tag Not Found", `"core"`, "names are not accepted", "set name")
	_, diags = p.readDataSource(tagType, attributes{"name": "core"})
	diags.requireNone(t)
}
