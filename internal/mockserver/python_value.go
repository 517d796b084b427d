package mockserver

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A value of a YAML document as the server's Python has it is nil, a bool, an int, a float64, a string, a pythonDate, a []any or a
// pythonDict.

// pythonDate is a date, as in YAML.
type pythonDate string

// pythonDict is a dictionary, which keeps the order of its keys.
type pythonDict []pythonItem

type pythonItem struct {
	key   string
	value any
	other any // the key, if it is no text
}

// get returns the value of a key.
func (d pythonDict) get(key string) (any, bool) {
	for _, item := range d {
		if item.key == key {
			return item.value, true
		}
	}
	return nil, false
}

// maxPythonValues is how many values a document may have: aliases multiply them.
const maxPythonValues = 100_000

// newPythonValue returns the value of a YAML document. Of a key that stands twice in a mapping the last value holds. It fails if
// aliases make the document too large, or endless.
func newPythonValue(document *yaml.Node) (any, error) {
	var r pythonReader
	value := r.read(document)
	if r.count > maxPythonValues {
		return nil, errors.New("document contains excessive aliasing")
	}
	return value, nil
}

// pythonReader counts the values that it reads, and reads no more once there are too many.
type pythonReader struct{ count int }

func (r *pythonReader) read(node *yaml.Node) any {
	if r.count++; r.count > maxPythonValues {
		return nil
	}
	switch node.Kind {
	case yaml.DocumentNode:
		return r.read(node.Content[0])
	case yaml.AliasNode:
		return r.read(node.Alias)
	case yaml.SequenceNode:
		items := []any{}
		for _, item := range node.Content {
			items = append(items, r.read(item))
		}
		return items
	case yaml.MappingNode:
		dict := pythonDict{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			dict = r.readItem(dict, node.Content[i], node.Content[i+1])
		}
		return dict
	}
	return newPythonScalar(node)
}

// readItem returns a dictionary with one more item. A key is text, also one that Python would refuse as a key.
func (r *pythonReader) readItem(d pythonDict, keyNode, valueNode *yaml.Node) pythonDict {
	key, value := r.read(keyNode), r.read(valueNode)
	if inherited, ok := value.(pythonDict); ok && keyNode.Tag == "!!merge" {
		return append(slices.Clone(inherited), d...)
	}
	text, isText := key.(string)
	if isText {
		key = nil
	} else {
		text = pythonRepr(key)
	}
	for i := range d {
		if d[i].key == text {
			d[i].value = value
			return d
		}
	}
	return append(d, pythonItem{text, value, key})
}

// newPythonScalar returns the value of a scalar. Python's YAML is 1.1, in which yes and off are booleans.
func newPythonScalar(node *yaml.Node) any {
	switch node.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(node.Value, "true")
	case "!!int":
		if number, err := strconv.ParseInt(strings.ReplaceAll(node.Value, "_", ""), 0, 64); err == nil {
			return int(number)
		}
	case "!!float":
		if number, err := strconv.ParseFloat(node.Value, 64); err == nil && strings.Contains(node.Value, ".") {
			return number
		}
	case "!!timestamp":
		return pythonDate(node.Value)
	case "!!str":
		if node.Style == 0 && slices.Contains([]string{"yes", "no", "on", "off"}, strings.ToLower(node.Value)) {
			return slices.Contains([]string{"yes", "on"}, strings.ToLower(node.Value))
		}
	}
	return node.Value
}

// pythonRepr returns a value as Python's repr does.
func pythonRepr(value any) string {
	switch value := value.(type) {
	case nil:
		return "None"
	case bool:
		return titleCase(strconv.FormatBool(value))
	case string:
		return quote(value)
	case float64:
		text := strconv.FormatFloat(value, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	case pythonDate:
		if day, err := time.Parse(time.DateOnly, string(value)); err == nil {
			return fmt.Sprintf("datetime.date(%d, %d, %d)", day.Year(), day.Month(), day.Day())
		}
	case []any:
		items := make([]string, len(value))
		for i, item := range value {
			items[i] = pythonRepr(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case pythonDict:
		items := make([]string, len(value))
		for i, item := range value {
			key := item.key
			if item.other == nil {
				key = quote(key)
			}
			items[i] = key + ": " + pythonRepr(item.value)
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return fmt.Sprint(value)
}

// isFalse reports whether Python takes a value for false.
func isFalse(value any) bool {
	return slices.Contains([]string{"None", "False", "0", "0.0", "''", "[]", "{}"}, pythonRepr(value))
}

// pythonType returns the name of a value's type.
func pythonType(value any) string {
	switch value.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case int:
		return "int"
	case float64:
		return "float"
	case pythonDate:
		return "date"
	case []any:
		return "list"
	}
	return "dict"
}
