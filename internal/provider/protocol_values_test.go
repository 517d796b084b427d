package provider

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// attributes is a configuration, a state or an identity: string, int, bool, []string (a set), stringList,
// map[string]string, attributes or a list of attributes by name. An attribute that is left out is null.
type attributes map[string]any

// unknown is a value that is not known yet.
const unknown = tftypes.UnknownValue

// stringList is a list of strings.
type stringList []string

// with returns a copy with other values; nil removes an attribute.
func (a attributes) with(changes attributes) attributes {
	changed := maps.Clone(a)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
	return changed
}

// text returns a string attribute, "" if it is not one.
func (a attributes) text(name string) string {
	text, _ := a[name].(string)
	return text
}

func (p *testProvider) encode(schema *tfprotov6.Schema, given attributes) *tfprotov6.DynamicValue {
	p.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(schema.ValueType(), encode(p.t, schema.ValueType(), given))
	if err != nil {
		p.t.Fatal(err)
	}
	return &encoded
}

// encode returns a value of a type in which everything that is not given is null.
func encode(t *testing.T, valueType tftypes.Type, given any) tftypes.Value {
	t.Helper()
	switch given := given.(type) {
	case attributes:
		object, ok := valueType.(tftypes.Object)
		if !ok {
			t.Fatalf("%v is no %v", given, valueType)
		}
		if given == nil {
			return tftypes.NewValue(valueType, nil)
		}
		fields := map[string]tftypes.Value{}
		for name, inner := range object.AttributeTypes {
			fields[name] = encode(t, inner, given[name])
		}
		for name := range given {
			if _, ok := fields[name]; !ok {
				t.Fatalf("there is no attribute %q", name)
			}
		}
		return tftypes.NewValue(valueType, fields)
	case []attributes:
		list, ok := valueType.(tftypes.List)
		if !ok {
			t.Fatalf("%v is no %v", given, valueType)
		}
		elements := []tftypes.Value{}
		for _, each := range given {
			elements = append(elements, encode(t, list.ElementType, each))
		}
		return tftypes.NewValue(valueType, elements)
	case stringList:
		return encode(t, valueType, []string(given))
	case []string:
		elements := []tftypes.Value{}
		for _, each := range given {
			elements = append(elements, tftypes.NewValue(tftypes.String, each))
		}
		return tftypes.NewValue(valueType, elements)
	case map[string]string:
		elements := map[string]tftypes.Value{}
		for key, each := range given {
			elements[key] = tftypes.NewValue(tftypes.String, each)
		}
		return tftypes.NewValue(valueType, elements)
	default:
		return tftypes.NewValue(valueType, given)
	}
}

func (p *testProvider) decode(schema *tfprotov6.Schema, encoded *tfprotov6.DynamicValue) attributes {
	p.t.Helper()
	value, err := encoded.Unmarshal(schema.ValueType())
	if err != nil {
		p.t.Fatal(err)
	}
	decoded, _ := decode(p.t, value).(attributes)
	return decoded
}

// decode is the reverse of encode.
func decode(t *testing.T, value tftypes.Value) any {
	t.Helper()
	switch {
	case !value.IsKnown():
		return unknown
	case value.IsNull():
		return nil
	case value.Type().Is(tftypes.String):
		return decodeAs[string](t, value)
	case value.Type().Is(tftypes.Number):
		number := decodeAs[big.Float](t, value)
		whole, _ := number.Int64()
		return int(whole)
	case value.Type().Is(tftypes.Bool):
		return decodeAs[bool](t, value)
	case value.Type().Is(tftypes.Set{}):
		texts := decodeTexts(t, value)
		slices.Sort(texts)
		return texts
	case isObjectList(value.Type()):
		objects := []attributes{}
		for _, each := range decodeAs[[]tftypes.Value](t, value) {
			object, _ := decode(t, each).(attributes)
			objects = append(objects, object)
		}
		return objects
	case value.Type().Is(tftypes.List{}):
		return stringList(decodeTexts(t, value))
	case value.Type().Is(tftypes.Map{}):
		texts := map[string]string{}
		for key, each := range decodeAs[map[string]tftypes.Value](t, value) {
			texts[key] = fmt.Sprint(decode(t, each))
		}
		return texts
	default:
		decoded := attributes{}
		for name, each := range decodeAs[map[string]tftypes.Value](t, value) {
			if inner := decode(t, each); inner != nil {
				decoded[name] = inner
			}
		}
		return decoded
	}
}

func isObjectList(valueType tftypes.Type) bool {
	list, ok := valueType.(tftypes.List)
	return ok && list.ElementType.Is(tftypes.Object{})
}

func decodeAs[T any](t *testing.T, value tftypes.Value) T {
	t.Helper()
	var decoded T
	if err := value.As(&decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func decodeTexts(t *testing.T, value tftypes.Value) []string {
	t.Helper()
	texts := []string{}
	for _, each := range decodeAs[[]tftypes.Value](t, value) {
		texts = append(texts, fmt.Sprint(decode(t, each)))
	}
	return texts
}
