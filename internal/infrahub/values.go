package infrahub

import (
	"slices"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/input"
)

// text sets an attribute on create; nil leaves it to the server's default.
func text(value *string) *input.Text {
	if value == nil {
		return nil
	}
	return &input.Text{Value: value}
}

// changedText sets, clears or (nil) leaves alone an attribute that may have changed.
func changedText(before, after *string) *input.Text {
	if equal(before, after) {
		return nil
	}
	return &input.Text{Value: after}
}

// changedNode sets, clears or leaves alone a relationship to one node, given by its id.
func changedNode(before, after *string) *input.Node {
	if equal(before, after) {
		return nil
	}
	if after == nil {
		return &input.Node{}
	}
	return &input.Node{ID: *after}
}

// changedNames replaces or leaves alone a relationship to many nodes, given by their names.
func changedNames(before, after []string) *[]input.Node {
	before, after = slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(after))
	if slices.Equal(before, after) {
		return nil
	}
	nodes := []input.Node{} // empty, not null: it clears
	for _, name := range after {
		nodes = append(nodes, input.Node{HFID: []string{name}})
	}
	return &nodes
}

func equal(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
