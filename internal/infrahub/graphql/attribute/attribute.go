// Package attribute holds the values of attributes and relationships, each of which a mutation can leave alone, clear or set
// (infrahub-behaviour.md, Writing 4).
package attribute

import "encoding/json"

// Text is a text attribute. As input, a nil *Text leaves it alone and a nil Value clears it.
type Text struct {
	Value *string `json:"value"`
}

// Checkbox is an attribute that is true or false. As input, a nil *Checkbox leaves it alone.
type Checkbox struct {
	Value bool `json:"value"`
}

// Node points a relationship at a node by its ID (a UUID) or, if that is empty, by its HFID. A nil
// *Node leaves the relationship alone, the zero Node clears it.
type Node struct {
	ID   string
	HFID []string
}

// MarshalJSON writes the one identifier that is set, or null.
func (n Node) MarshalJSON() ([]byte, error) {
	switch {
	case n.ID != "":
		return json.Marshal(map[string]string{"id": n.ID})
	case len(n.HFID) > 0:
		return json.Marshal(map[string][]string{"hfid": n.HFID})
	default:
		return []byte("null"), nil
	}
}
