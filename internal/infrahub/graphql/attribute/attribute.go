// Package attribute holds the values of attributes and relationships, each of which a mutation can leave alone, clear or set
// (infrahub-behaviour.md, Writing 4).
package attribute

import (
	"encoding/json"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// Text is a text attribute. As input, a nil *Text leaves it alone and a nil Value clears it.
type Text struct {
	Value *string `json:"value"`
}

// Secret is a text attribute that nothing shows but its JSON, which is what goes to the server. As input, a nil *Secret leaves it alone
// and a nil Value clears it.
type Secret struct {
	Value *sensitive.Text
}

// MarshalJSON reveals the text to the server.
func (s Secret) MarshalJSON() ([]byte, error) {
	var text Text
	if s.Value != nil {
		revealed := s.Value.Reveal()
		text.Value = &revealed
	}
	return json.Marshal(text)
}

// UnmarshalJSON reads what the server sends.
func (s *Secret) UnmarshalJSON(content []byte) error {
	var text Text
	if err := json.Unmarshal(content, &text); err != nil {
		return err
	}
	s.Value = nil
	if text.Value != nil {
		hidden := sensitive.New(*text.Value)
		s.Value = &hidden
	}
	return nil
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
