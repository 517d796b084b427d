package infrahub

import (
	"reflect"
	"slices"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/input"
)

// set returns the input that sets a text attribute; nil, which leaves it to the server's default, for nil.
func set(value *string) *input.Text {
	if value == nil {
		return nil
	}
	return &input.Text{Value: value}
}

// changedText returns the input that sets or clears a text attribute, nil where it does not change
// (infrahub-behaviour.md, Writing 4).
func changedText(before, after *string) *input.Text {
	if equal(before, after) {
		return nil
	}
	return &input.Text{Value: after}
}

// changedCheckbox returns the input that sets an attribute that is true or false, nil where it does not change.
func changedCheckbox(before, after bool) *input.Checkbox {
	if before == after {
		return nil
	}
	return &input.Checkbox{Value: after}
}

// changedNode returns the input that sets or clears a relationship to one node, given by its id; nil where it
// does not change.
func changedNode(before, after *string) *input.Node {
	switch {
	case equal(before, after):
		return nil
	case after == nil:
		return &input.Node{}
	default:
		return &input.Node{ID: *after}
	}
}

// changedNames returns the input that replaces a relationship to many nodes, given by their names; nil where it
// does not change. An empty list, unlike null, clears it.
func changedNames(before, after []string) *[]input.Node {
	before, after = slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(after))
	if slices.Equal(before, after) {
		return nil
	}
	nodes := []input.Node{}
	for _, name := range after {
		nodes = append(nodes, input.Node{HFID: []string{name}})
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

// value returns what an attribute holds; nil where the server has null or "", which both mean that it is not set.
func value[A interface {
	GetValue() *string
	comparable
}](attribute A) *string {
	var none A
	if attribute == none {
		return nil
	}
	if text := attribute.GetValue(); deref(text) != "" {
		return text
	}
	return nil
}

// deref returns what a pointer points to, the zero value of nil.
func deref[V any](pointer *V) V {
	if pointer == nil {
		var none V
		return none
	}
	return *pointer
}
