package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// generated is an id as mock_provider makes them up.
const generated = "6g3x8q0k"

func TestReference_GeneratedIDsAreValid(t *testing.T) {
	t.Parallel()
	p := newProtocol(t)
	for kind, attribute := range map[string]string{readOnly: "credential_id", readWrite: "credential_id", readOnlyRef: "repository_id"} {
		p.validate(kind, minimal(kind).with(attributes{attribute: generated})).none(t)
	}
	schema := p.schemas.DataSourceSchemas[tag]
	resp, err := p.ValidateDataResourceConfig(p.ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: tag, Config: p.encode(schema, attributes{"id": generated})})
	if err != nil {
		t.Fatal(err)
	}
	diagnostics(resp.Diagnostics).none(t)
}

// Infrahub takes the name of a credential for its id, and returns the id: each plan would change the one to the other.
func TestReference_NameInPlaceOfAnIDIsRefusedByThePlan(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	p := s.connected(t)
	git := p.newInstance(credential)
	git.applied(attributes{"name": "git"})
	for kind, test := range map[string]struct {
		attribute string
		config    attributes
		example   string
	}{
		readOnly:    {"credential_id", r.pinned("v1.0.0"), "infrahub_password_credential.NAME.id"},
		readWrite:   {"credential_id", r.pinned("v1.0.0").with(attributes{"ref": nil}), "infrahub_password_credential.NAME.id"},
		readOnlyRef: {"repository_id", minimal(readOnlyRef), "infrahub_read_only_repository.NAME.id"},
	} {
		config := test.config.with(attributes{test.attribute: "git"})
		p.newInstance(kind).plan(config).diagnostics.oneError(t).is(t, test.attribute, "Not an Id", `"git"`, "must be the id", test.example, "names are not accepted")
		s.sent()

		// Known only in the apply.
		i := p.newInstance(kind)
		plan := i.plan(config.with(attributes{test.attribute: unknown}))
		plan.config, plan.state = config, plan.state.with(attributes{test.attribute: "git"})
		i.apply(plan).oneError(t).is(t, test.attribute, "Not an Id", `"git"`, "must be the id", test.example, "names are not accepted")
		i.wrote(s)
	}
}

func TestReference_NameInPlaceOfAnIDIsRefusedByAnUpdate(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	i.applied(r.pinned("v1.0.0"))
	s.sent()
	config := r.pinned("v1.0.0").with(attributes{"credential_id": "git"})
	i.plan(config).diagnostics.oneError(t).is(t, "credential_id", "Not an Id", `"git"`)
	plan := i.plan(config.with(attributes{"credential_id": unknown}))
	plan.config, plan.state = config, plan.state.with(attributes{"credential_id": "git"})
	i.apply(plan).oneError(t).is(t, "credential_id", "Not an Id", `"git"`)
	i.wrote(s)
	if i.state["credential_id"] != nil || i.remembered() != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestReference_UnknownCredentialSaysWhatAnIDIs(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	const none = "9d0c96ac-83d5-4ca5-9f28-68b527a471d7"
	i := s.connected(t).newInstance(readOnly)
	i.apply(i.plan(r.pinned("v1.0.0").with(attributes{"credential_id": none}))).oneError(t).is(t, "credential_id", "Read-only Repository Not Created",
		none, "Check credential_id", "the id of a credential that exists", "infrahub_password_credential.NAME.id", "names are not accepted", "Request id: ")
}

func TestReference_DataSourceThatIsGivenANameAsIDSaysWhereNamesGo(t *testing.T) {
	t.Parallel()
	s := newServer(t, mockserver.Options{})
	p := s.connected(t)
	p.newInstance(tag).applied(attributes{"name": "core"})
	_, diags := p.read(tag, attributes{"id": "core"})
	diags.oneError(t).is(t, "id", "Tag Not Found", `"core"`, "names are not accepted", "set name")
	_, diags = p.read(tag, attributes{"name": "core"})
	diags.none(t)
}
