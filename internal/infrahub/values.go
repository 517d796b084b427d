package infrahub

import (
	"reflect"
	"slices"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/attribute"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// set returns the input that sets a text attribute; nil, which leaves it to the server's default, for nil.
func set(value *string) *attribute.Text {
	if value == nil {
		return nil
	}
	return &attribute.Text{Value: value}
}

// changedText returns the input that sets or clears a text attribute, nil where it does not change
// (infrahub-behaviour.md, Writing 4).
func changedText(before, after *string) *attribute.Text {
	if equal(before, after) {
		return nil
	}
	return &attribute.Text{Value: after}
}

// setSecret is set for a secret.
func setSecret(value *sensitive.Text) *attribute.Secret {
	if value == nil {
		return nil
	}
	return &attribute.Secret{Value: value}
}

// changedSecret is changedText for a secret.
func changedSecret(before, after *sensitive.Text) *attribute.Secret {
	if (before == nil) == (after == nil) && deref(before).Equal(deref(after)) {
		return nil
	}
	return &attribute.Secret{Value: after}
}

// changedCheckbox returns the input that sets an attribute that is true or false, nil where it does not change.
func changedCheckbox(before, after bool) *attribute.Checkbox {
	if before == after {
		return nil
	}
	return &attribute.Checkbox{Value: after}
}

// changedNode returns the input that sets or clears a relationship to one node, given by its id; nil where it
// does not change.
func changedNode(before, after *string) *attribute.Node {
	switch {
	case equal(before, after):
		return nil
	case after == nil:
		return &attribute.Node{}
	default:
		return &attribute.Node{ID: *after}
	}
}

// changedNames returns the input that replaces a relationship to many nodes, given by their names; nil where it
// does not change. An empty list, unlike null, clears it.
func changedNames(before, after []string) *[]attribute.Node {
	before, after = slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(after))
	if slices.Equal(before, after) {
		return nil
	}
	nodes := []attribute.Node{}
	for _, name := range after {
		nodes = append(nodes, attribute.Node{HFID: []string{name}})
	}
	return &nodes
}

// unchanged reports whether the input of an update holds no more than the input that names its node.
func unchanged[I any](update, name I) bool { return reflect.DeepEqual(update, name) }

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// value returns what a text attribute holds; nil where the server has null or "", which both mean that it is not set.
func value(text *attribute.Text) *string {
	if text == nil || deref(text.Value) == "" {
		return nil
	}
	return text.Value
}

// secretValue is value for a secret.
func secretValue(text *attribute.Secret) *sensitive.Text {
	if text == nil || deref(text.Value).IsEmpty() {
		return nil
	}
	return text.Value
}

// deref returns what a pointer points to, the zero value of nil.
func deref[V any](pointer *V) V {
	if pointer == nil {
		var none V
		return none
	}
	return *pointer
}

// emptyAsNil returns nil for "".
func emptyAsNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
