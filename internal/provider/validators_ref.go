package provider

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// branchName validates the name of an Infrahub branch as the server does (infrahub-behaviour.md, Branches 4).
func branchName() []validator.String {
	return []validator.String{stringvalidator.UTF8LengthBetween(3, 250), gitName{}}
}

// gitRef validates a branch, a tag or a commit.
func gitRef() []validator.String { return append(requiredText(), gitRevision{}) }

// gitBranch validates a branch of a Git repository.
func gitBranch() []validator.String { return append(requiredText(), gitBranchName{}) }

// gitName refuses what Git refuses as the name of a branch.
type gitName struct{}

func (gitName) Description(context.Context) string {
	return "must be a name that Git accepts for a branch, such as release-1.2"
}

func (v gitName) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v gitName) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	name := req.ConfigValue.ValueString() // "" if it is null or unknown
	if faults := nameFaults(name); name != "" && faults != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Branch Name", fmt.Sprintf(
			"Infrahub refuses the name %q: it has %s. It %s.", name, strings.Join(faults, ", and "), v.Description(ctx)))
	}
}

// gitBranchName refuses what Git refuses as the name of a branch, and names that Git gives another meaning.
type gitBranchName struct{}

func (gitBranchName) Description(context.Context) string {
	return "must be the name of a Git branch, such as main"
}

func (v gitBranchName) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v gitBranchName) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	name := req.ConfigValue.ValueString() // "" if it is null or unknown
	if name == "" {
		return
	}
	faults := refFaults(name)
	switch short, full := strings.CutPrefix(name, "refs/heads/"); {
	case full:
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Branch Name", fmt.Sprintf(
			"%q is the full name of a ref. Infrahub looks for a branch by its short name: write %q.", name, short))
	case name == "HEAD" || name == "@":
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Branch Name", fmt.Sprintf(
			"%q is no branch: it names the branch that a clone checks out. Write the name of that branch, such as main.", name))
	case faults != nil:
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Branch Name", fmt.Sprintf(
			"%q is no name of a Git branch: it has %s. It %s.", name, strings.Join(faults, ", and "), v.Description(ctx)))
	}
}

// gitRevision refuses what Git cannot read as a commit: neither as a name or a hash, nor as an expression such as v1^{commit}.
type gitRevision struct{}

func (gitRevision) Description(context.Context) string {
	return "must be a branch, a tag or a commit that Git can read, such as v1.2.0"
}

func (v gitRevision) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v gitRevision) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	ref := req.ConfigValue.ValueString() // "" if it is null or unknown
	if ref == "" {
		return
	}
	faults := revisionFaults(ref)
	if faults == nil {
		return
	}
	next := "It " + v.Description(ctx) + "."
	if trimmed := strings.TrimSpace(ref); trimmed != ref && trimmed != "" && revisionFaults(trimmed) == nil {
		next = fmt.Sprintf("Write %q, or trim the value: trimspace(…).", trimmed)
	}
	resp.Diagnostics.AddAttributeError(req.Path, "Invalid Git Ref", fmt.Sprintf(
		"Git cannot read the ref %q: it has %s. %s", ref, strings.Join(faults, ", and "), next))
}

// operators matches what may follow a name in an expression that resolves to a commit.
var operators = regexp.MustCompile(`^(?:\^\{[^{}]*\}|\^[0-9]*|~[0-9]*|@\{[^{}]+\})*$`)

// revisionFaults returns what keeps Git from reading a commit, nil if nothing does.
func revisionFaults(ref string) []string {
	name, expression := ref, ""
	if end := strings.IndexAny(ref, "^~"); end >= 0 {
		name, expression = ref[:end], ref[end:]
	}
	if end := strings.Index(name, "@{"); end >= 0 {
		name, expression = ref[:end], ref[end:]
	}
	faults := refFaults(name)
	switch {
	case strings.ContainsFunc(expression, unicode.IsSpace):
		faults = append(faults, "white space")
	case strings.ContainsFunc(expression, unicode.IsControl):
		faults = append(faults, "a control character")
	case name == "" && !strings.HasPrefix(expression, "@{"), !operators.MatchString(expression):
		faults = append(faults, "an expression that leads to no commit")
	}
	return faults
}

// refFaults returns what Git refuses in the name of a ref that is looked up, nil if it refuses nothing. Git would read a hyphen at
// the beginning as an option. White space that Git accepts, such as a no-break space, came by mistake.
func refFaults(name string) []string {
	faults := nameFaults(name)
	if strings.HasPrefix(name, "-") {
		faults = append(faults, "a hyphen at its beginning")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f && unicode.IsSpace(r) }) {
		faults = append(faults, "white space")
	}
	return faults
}

// nameFaults returns what Git refuses in the name of a ref, nil if it refuses nothing.
func nameFaults(name string) []string {
	isControl := func(r rune) bool { return r <= ' ' || r == 0x7f }
	var faults []string
	for _, rule := range []struct {
		broken bool
		what   string
	}{
		{strings.ContainsFunc(name, isControl) || strings.ContainsAny(name, "~^:?*["), "a space, a control character, or one of ~ ^ : ? * ["},
		{strings.Contains(name, `\`), "a backslash"},
		{strings.Contains(name, ".."), "two dots in a row"},
		{strings.Contains(name, "@{"), "@{"},
		{strings.Contains(name, "//"), "two slashes in a row"},
		{strings.HasPrefix(name, ".") || strings.Contains(name, "/."), "a part that begins with a dot"},
		{strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/"), "a slash at an end"},
		{strings.HasSuffix(name, "."), "a dot at its end"},
		{strings.HasSuffix(name, ".lock") || strings.Contains(name, ".lock/"), ".lock at the end of a part"},
	} {
		if rule.broken {
			faults = append(faults, rule.what)
		}
	}
	return faults
}
