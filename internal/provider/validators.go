package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// longest is how many bytes of UTF-8 the server takes in a text, whatever its error says (infrahub.md, Kinds).
const longest = 4092

// anyText validates a text that the server takes. An empty one would come back as not set.
func anyText() []validator.String {
	return []validator.String{
		stringvalidator.LengthAtMost(longest),
		stringvalidator.RegexMatches(regexp.MustCompile(`(?s).`), "must not be empty: remove the attribute to clear it"),
	}
}

// requiredText validates a text that must not be empty.
func requiredText() []validator.String {
	return []validator.String{stringvalidator.LengthBetween(1, longest)}
}

// repositoryName validates as the server does (infrahub.md, Kinds).
func repositoryName() []validator.String {
	return append(requiredText(), stringvalidator.RegexMatches(regexp.MustCompile(`^[^/]*$`), "must not contain a slash"))
}

// nodeID validates a UUID.
func nodeID() validator.String {
	return stringvalidator.RegexMatches(uuid(), "must be the id of the object (a UUID), not its name")
}

func uuid() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
}

// optional is what the client has for an attribute that may not be set.
func optional(value types.String) *string {
	if value.IsNull() || value.IsUnknown() {
		return nil
	}
	return value.ValueStringPointer()
}
