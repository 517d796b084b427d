package attribute_test

import (
	"encoding/json"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/attribute"
)

// Variables as a generated document has them: omitempty leaves a nil pointer out.
type variables struct {
	Text *attribute.Text   `json:"text,omitempty"`
	Node *attribute.Node   `json:"node,omitempty"`
	Many *[]attribute.Node `json:"many,omitempty"`
}

func TestVariables(t *testing.T) {
	t.Parallel()
	value, empty := "main", ""
	for _, test := range []struct {
		name string
		sent variables
		want string
	}{
		{"all left alone", variables{}, `{}`},
		{"a text that is set", variables{Text: &attribute.Text{Value: &value}}, `{"text":{"value":"main"}}`},
		{"a text that is empty", variables{Text: &attribute.Text{Value: &empty}}, `{"text":{"value":""}}`},
		{"a text that is cleared", variables{Text: &attribute.Text{}}, `{"text":{"value":null}}`},
		{"a node by its id", variables{Node: &attribute.Node{ID: "1"}}, `{"node":{"id":"1"}}`},
		{"a node by its name", variables{Node: &attribute.Node{HFID: []string{"red"}}}, `{"node":{"hfid":["red"]}}`},
		{"a node by its id rather than its name", variables{Node: &attribute.Node{ID: "1", HFID: []string{"red"}}}, `{"node":{"id":"1"}}`},
		{"no node any more", variables{Node: &attribute.Node{}}, `{"node":null}`},
		{"many nodes", variables{Many: &[]attribute.Node{{ID: "1"}, {HFID: []string{"a", "b"}}}}, `{"many":[{"id":"1"},{"hfid":["a","b"]}]}`},
		{"no nodes any more", variables{Many: &[]attribute.Node{}}, `{"many":[]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(test.sent)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}
