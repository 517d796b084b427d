package infrahub

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/attribute"
)

// logged returns the message of a user check that has logged these entries.
func logged(entries ...string) *attribute.Text {
	message := ""
	for _, entry := range entries {
		message += strings.Repeat("-", 23) + "\n" + entry + "\n"
	}
	return &attribute.Text{Value: &message}
}

func text(content string) *attribute.Text { return &attribute.Text{Value: &content} }

func conflictsOf(encoded string) *graphql.Conflicts {
	raw := json.RawMessage(encoded)
	return &graphql.Conflicts{Value: &raw}
}

func TestResultMessages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		result graphql.CheckResult
		want   []string
	}{
		"errors of a user check, without what it logs besides": {
			&graphql.CheckResultCoreStandardCheck{Name: text("vlans"), Message: logged(
				"Message: looked at it\nLevel: INFO", "Message: the VLAN is missing\nLevel: ERROR\nObject ID: vlan-1\nObject ID: BuiltinTag",
				"Message: and so is its name\nLevel: ERROR", "Message: cannot go on\nLevel: CRITICAL",
			)},
			[]string{"the VLAN is missing (vlan-1, BuiltinTag)", "and so is its name", "cannot go on"},
		},
		"an error of several lines": {
			&graphql.CheckResultCoreStandardCheck{Message: logged("Message: two VLANs:\n 12\n 13\nLevel: ERROR")}, []string{"two VLANs:\n 12\n 13"},
		},
		"a user check in another form": {&graphql.CheckResultCoreStandardCheck{Name: text("vlans"), Message: text(" It raised KeyError. \n")}, []string{"It raised KeyError."}},
		"a user check without a message": {
			&graphql.CheckResultCoreStandardCheck{Name: text("vlans"), Label: text("Vlans")}, []string{"vlans"},
		},
		"a user check that has logged no error": {
			&graphql.CheckResultCoreStandardCheck{Message: logged("Message: looked at it\nLevel: INFO")},
			[]string{strings.TrimSpace(*logged("Message: looked at it\nLevel: INFO").Value)},
		},
		"a file that conflicts": {&graphql.CheckResultCoreFileCheck{Name: text("vlans/core_1.yml"), Label: text("Vlans/Core 1.Yml")}, []string{"vlans/core_1.yml"}},
		"a conflict of data": {
			&graphql.CheckResultCoreDataCheck{Label: text("ref (id-1)"), Conflicts: conflictsOf(`[{"name": "ref", "kind": "CoreReadOnlyRepository", "id": "id-1", "changes": [
				{"branch": "main", "previous": "v1", "new": "v2"}, {"branch": "release", "previous": "v1", "new": "v3"}]}]`)},
			[]string{`ref of CoreReadOnlyRepository id-1: branch main has "v2", branch release has "v3"`},
		},
		"conflicts of data with other values": {
			&graphql.CheckResultCoreDataCheck{Conflicts: conflictsOf(`[
				{"name": "size", "kind": "TestThing", "id": "id-1", "changes": [{"branch": "main", "new": 10000000}, {"branch": "release", "new": null}]},
				{"name": "used", "kind": "TestThing", "id": "id-1", "changes": [{"branch": "main", "new": true}, {"branch": "release", "new": "a <b>"}]}]`)},
			[]string{
				`size of TestThing id-1: branch main has "10000000", branch release has no value`,
				`used of TestThing id-1: branch main has "true", branch release has "a <b>"`,
			},
		},
		"a conflict of schemas": {
			&graphql.CheckResultCoreSchemaCheck{Label: text("schema/TestThing/size"), Conflicts: conflictsOf(`[{"name": "schema/TestThing/size", "kind": "TestThing",
				"id": "id-1", "value": "Node (TestThing: id-1) is not compliant. The error relates to field size='5'."}]`)},
			[]string{"Node (TestThing: id-1) is not compliant. The error relates to field size='5'."},
		},
		"conflicts that cannot be read":   {&graphql.CheckResultCoreDataCheck{Label: text("ref (id-1)"), Conflicts: conflictsOf(`{"a": 1}`)}, []string{"ref (id-1)"}},
		"a conflict that says nothing":    {&graphql.CheckResultCoreSchemaCheck{Label: text("Schema"), Conflicts: conflictsOf(`[{"value": 5}]`)}, []string{"Schema"}},
		"no conflict, as null":            {&graphql.CheckResultCoreSchemaCheck{Label: text("Schema"), Conflicts: conflictsOf(`null`)}, []string{"Schema"}},
		"a check that says nothing":       {&graphql.CheckResultCoreArtifactCheck{}, nil},
		"a check of a generator, in text": {&graphql.CheckResultCoreGeneratorCheck{Message: text("The generator failed")}, []string{"The generator failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, resultMessages(test.result)); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}
