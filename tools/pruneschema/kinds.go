package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// pruneKinds returns the part of the answer to GET /api/schema that keep lists: the kinds, their attributes and
// relationships. Ids are null, because they differ between servers.
func pruneKinds(keep, full string) (string, error) {
	var schema map[string]any
	if err := json.Unmarshal([]byte(full), &schema); err != nil {
		return "", fmt.Errorf("read the schema: %w", err)
	}
	kept, err := readKeep(keep)
	if err != nil {
		return "", err
	}
	fields := map[string][]keptField{}
	for _, k := range kept {
		fields[k.name] = k.fields
	}
	isKept := func(kind any) bool {
		name, _ := kind.(string)
		return len(fields[name]) > 0 && slices.ContainsFunc(fields["Query"], func(f keptField) bool { return f.name == name })
	}
	for _, list := range []string{"nodes", "generics"} {
		schema[list] = filter(schema[list], func(kind map[string]any) bool {
			if !isKept(kind["kind"]) {
				return false
			}
			name, _ := kind["kind"].(string)
			isField := func(of map[string]any) bool {
				return slices.ContainsFunc(fields[name], func(f keptField) bool { return f.name == of["name"] })
			}
			kind["attributes"], kind["relationships"] = filter(kind["attributes"], isField), filter(kind["relationships"], isField)
			if used, ok := kind["used_by"].([]any); ok {
				kind["used_by"] = slices.DeleteFunc(used, func(by any) bool { return !isKept(by) })
			}
			return true
		})
	}
	schema["profiles"], schema["templates"] = []any{}, []any{}
	forgetIDs(schema)
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(schema); err != nil {
		return "", fmt.Errorf("write the schema: %w", err)
	}
	return text.String(), nil
}

// filter returns the objects of a list that pass.
func filter(list any, passes func(map[string]any) bool) []any {
	items, _ := list.([]any)
	passed := []any{}
	for _, item := range items {
		if object, ok := item.(map[string]any); ok && passes(object) {
			passed = append(passed, object)
		}
	}
	return passed
}

// forgetIDs sets every id to null.
func forgetIDs(value any) {
	switch value := value.(type) {
	case map[string]any:
		if _, ok := value["id"]; ok {
			value["id"] = nil
		}
		for _, inner := range value {
			forgetIDs(inner)
		}
	case []any:
		for _, inner := range value {
			forgetIDs(inner)
		}
	}
}
