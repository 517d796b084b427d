package provider

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// branchName validates as the server does (infrahub.md, Branches).
func branchName() []validator.String {
	return []validator.String{stringvalidator.UTF8LengthBetween(3, 250), gitName{}}
}

// gitName refuses what Git would refuse as the name of a branch.
type gitName struct{}

func (gitName) Description(context.Context) string {
	return "must be a name that Git takes for a branch, such as release-1.2"
}

func (v gitName) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v gitName) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	var wrong []string
	for _, rule := range []struct{ pattern, what string }{
		{`[\x00-\x20\x7f~^:?*\[]`, "a space, a control character, or one of ~ ^ : ? * ["},
		{`\\`, "a backslash"},
		{`\.\.`, "two dots in a row"},
		{`@\{`, "@{"},
		{`//`, "two slashes in a row"},
		{`/\.`, "a part that begins with a dot"},
		{`^/|/$`, "a slash at an end"},
		{`\.$`, "a dot at its end"},
		{`\.lock$`, ".lock at its end"},
	} {
		if regexp.MustCompile(rule.pattern).MatchString(req.ConfigValue.ValueString()) {
			wrong = append(wrong, rule.what)
		}
	}
	if wrong != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Branch Name", fmt.Sprintf(
			"Infrahub refuses the name %q: it has %s. It %s.", req.ConfigValue.ValueString(), strings.Join(wrong, ", and "), v.Description(ctx)))
	}
}

// branchMerged tells what follows for a configuration that still names a branch that was merged.
func branchMerged(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Branch Was Merged", fmt.Sprintf(
		"The Infrahub branch %q was merged, and takes no more changes: the default branch has got what was on it.\n\n"+
			"For the next change use a branch of another name; to clean up, remove from the configuration the branch and what is managed on it.", name))
}

// branchGone tells what follows for a configuration that still names a branch that was deleted.
func branchGone(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Branch Is Gone", fmt.Sprintf(
		"The Infrahub branch %q was deleted outside of Terraform, and what was changed on it with it, unless it was merged before.\n\n"+
			"The plan makes it again, with what the configuration has on it. If its work is done, remove from the configuration the branch and what is managed on it, or use a branch of another name.", name))
}
