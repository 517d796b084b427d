package mockserver

import (
	"fmt"
	"slices"
	"strings"
)

// configSection is a list in the configuration of a repository: of paths, or of elements with fields.
type configSection struct {
	name, class string // the class of its elements, "" for paths
	fields      []configField
}

// configField is a field of an element, in the order in which the server checks them.
type configField struct {
	name     string
	valid    fieldType
	required bool
}

// fieldType is what the server accepts in a field.
type fieldType int

const (
	textField fieldType = iota
	optionalText
	pathField
	dictField
	boolField
	listField
	watchField
)

// booleans are the texts and numbers that the server takes for a boolean.
func booleans() []string {
	return []string{"0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes"}
}

// configSections returns what `.infrahub.yml` may have, in the order of the server's model.
func configSections() []configSection {
	name, path := configField{"name", textField, true}, configField{"file_path", pathField, true}
	parameters, watch := configField{"parameters", dictField, false}, configField{"watch", watchField, false}
	text := func(name string) configField { return configField{name, textField, true} }
	class := configField{"class_name", textField, false}
	option := func(name string) configField { return configField{name, boolField, false} }
	return []configSection{
		{"check_definitions", "InfrahubCheckDefinitionConfig", []configField{name, path, parameters, {"targets", optionalText, false}, class}},
		{"schemas", "", nil},
		{"jinja2_transforms", "InfrahubJinja2TransformConfig", []configField{name, text("query"), {"template_path", pathField, true}, {"description", optionalText, false}, watch}},
		{"artifact_definitions", "InfrahubRepositoryArtifactDefinitionConfig", []configField{
			name, {"artifact_name", optionalText, false}, {"parameters", dictField, true}, text("content_type"), text("targets"), text("transformation"),
		}},
		{"python_transforms", "InfrahubPythonTransformConfig", []configField{name, path, class, option("convert_query_response"), {"description", optionalText, false}, watch}},
		{"generator_definitions", "InfrahubGeneratorDefinitionConfig", []configField{
			name, path, text("query"), parameters, text("targets"), class, option("convert_query_response"), option("execute_in_proposed_change"),
			option("execute_after_merge"), watch,
		}},
		{"queries", "InfrahubRepositoryGraphQLConfig", []configField{name, path}},
		{"graphql_fragments", "InfrahubRepositoryFragmentConfig", []configField{name, path}},
		{"objects", "", nil},
		{"menus", "", nil},
	}
}

// configProblems are the problems of a configuration in the words of pydantic, which the server uses.
type configProblems []string

func (p *configProblems) add(where, what, kind string, input any) {
	*p = append(*p, fmt.Sprintf("%s\n  %s [type=%s, %s]\n    For further information visit https://errors.pydantic.dev/2.12/v/%s",
		where, what, kind, pydanticInput(input), kind))
}

func (p configProblems) String() string {
	if len(p) == 1 {
		return "1 validation error for InfrahubRepositoryConfig\n" + p[0]
	}
	return fmt.Sprintf("%d validation errors for InfrahubRepositoryConfig\n%s", len(p), strings.Join(p, "\n"))
}

// pydanticInput describes a value as pydantic does: the middle of a long one is left out.
func pydanticInput(input any) string {
	shown := []rune(pythonRepr(input))
	if len(shown) > 50 {
		shown = slices.Concat(shown[:25], []rune("..."), shown[len(shown)-24:])
	}
	return fmt.Sprintf("input_value=%s, input_type=%s", string(shown), pythonType(input))
}

// checkConfig returns the problems of a configuration, nil if there are none.
func checkConfig(config pythonDict) configProblems {
	var problems configProblems
	sections := configSections()
	for _, section := range sections {
		if value, given := config.get(section.name); given {
			section.check(value, &problems)
		}
	}
	for _, item := range config {
		if !slices.ContainsFunc(sections, func(s configSection) bool { return s.name == item.key }) {
			problems.add(item.key, "Extra inputs are not permitted", "extra_forbidden", item.value)
		}
	}
	return problems
}

func (c configSection) check(value any, problems *configProblems) {
	items, isList := value.([]any)
	if !isList {
		problems.add(c.name, "Input should be a valid list", "list_type", value)
		return
	}
	before := len(*problems)
	for i, item := range items {
		where := fmt.Sprintf("%s.%d", c.name, i)
		element, isDict := item.(pythonDict)
		switch {
		case c.class == "":
			configField{valid: pathField}.check(where, item, problems)
		case !isDict:
			problems.add(where, "Input should be a valid dictionary or instance of "+c.class, "model_type", item)
		default:
			c.checkElement(where, element, problems)
		}
	}
	if c.class != "" && len(*problems) == before {
		if twice := duplicateNames(items); len(twice) > 0 {
			problems.add(c.name, "Value error, Found multiples element with the same names: "+pythonRepr(twice), "value_error", value)
		}
	}
}

func (c configSection) checkElement(where string, element pythonDict, problems *configProblems) {
	for _, field := range c.fields {
		value, given := element.get(field.name)
		switch {
		case given:
			field.check(where+"."+field.name, value, problems)
		case field.required:
			problems.add(where+"."+field.name, "Field required", "missing", element)
		}
	}
	for _, item := range element {
		if item.other != nil {
			problems.add(where+"."+item.key, "Keys should be strings", "invalid_key", item.other)
			continue
		}
		if !slices.ContainsFunc(c.fields, func(f configField) bool { return f.name == item.key }) {
			problems.add(where+"."+item.key, "Extra inputs are not permitted", "extra_forbidden", item.value)
		}
	}
}

func (f configField) check(where string, value any, problems *configProblems) {
	_, isText := value.(string)
	dict, isDict := value.(pythonDict)
	items, isList := value.([]any)
	_, isBool := value.(bool)
	_, isNumber := value.(int)
	switch {
	case value == nil && (f.valid == optionalText || f.valid == watchField):
	case (f.valid == textField || f.valid == optionalText) && !isText:
		problems.add(where, "Input should be a valid string", "string_type", value)
	case f.valid == pathField && !isText:
		*problems = append(*problems, fmt.Sprintf("%s\n  Input is not a valid path for <class 'pathlib.Path'> [type=path_type, %s]", where, pydanticInput(value)))
	case f.valid == dictField && !isDict:
		problems.add(where, "Input should be a valid dictionary", "dict_type", value)
	case f.valid == watchField && !isDict:
		problems.add(where, "Input should be a valid dictionary or instance of InfrahubWatchConfig", "model_type", value)
	case f.valid == watchField:
		configSection{fields: []configField{{"files", listField, false}}}.checkElement(where, dict, problems)
	case f.valid == listField && !isList:
		problems.add(where, "Input should be a valid list", "list_type", value)
	case f.valid == listField:
		for i, item := range items {
			configField{valid: textField}.check(fmt.Sprintf("%s.%d", where, i), item, problems)
		}
	case f.valid == boolField && (isText || isNumber) && !slices.Contains(booleans(), strings.ToLower(fmt.Sprint(value))):
		problems.add(where, "Input should be a valid boolean, unable to interpret input", "bool_parsing", value)
	case f.valid == boolField && !isBool && !isText && !isNumber:
		problems.add(where, "Input should be a valid boolean", "bool_type", value)
	}
}

// duplicateNames returns the names that more than one element has.
func duplicateNames(items []any) []any {
	var names, twice []any
	for _, item := range items {
		element, _ := item.(pythonDict)
		name, _ := element.get("name")
		if slices.Contains(names, name) && !slices.Contains(twice, name) {
			twice = append(twice, name)
		}
		names = append(names, name)
	}
	return twice
}
