package gitremote

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Versions returns the tags that a constraint such as ">= 1.2, < 2.0" or "~> 1.2" allows, the newest first and at
// least one; "" allows all. It considers tags that consist of prefix and a semantic version, with or without a v
// before it. Prereleases count only if prereleases is set or the constraint names one. Errors: *ConstraintError,
// *NoMatchError.
func (r *Refs) Versions(constraint, prefix string, prereleases bool) ([]Ref, error) {
	allowed, err := semver.NewConstraint(cmp.Or(terraformConstraint(constraint), "*"))
	if err != nil {
		return nil, &ConstraintError{Constraint: constraint, cause: err}
	}
	allowed.IncludePrerelease = prereleases
	var matches []Ref
	noMatch := &NoMatchError{Constraint: constraint, Prefix: prefix}
	for _, release := range r.releases(prefix) {
		if allowed.Check(release.version) {
			matches = append(matches, release.tag)
		}
		noMatch.Seen = append(noMatch.Seen, release.tag.Name)
	}
	if len(matches) == 0 {
		return nil, noMatch
	}
	return matches, nil
}

// twoPartPessimistic matches ~> before a version of two parts.
var twoPartPessimistic = regexp.MustCompile(`~>\s*v?(\d+)\.(\d+)(\s|,|\||$)`)

// terraformConstraint returns a constraint in which ~> 1.2 means what it means in Terraform: at least 1.2 and
// below 2.0. To semver it means below 1.3.
func terraformConstraint(constraint string) string {
	return twoPartPessimistic.ReplaceAllString(strings.TrimSpace(constraint), ">=${1}.${2}, ~${1}${3}")
}

// release is a tag that is a version.
type release struct {
	tag     Ref
	version *semver.Version
}

// releases returns the tags that consist of prefix and a version, the newest first.
func (r *Refs) releases(prefix string) []release {
	var list []release
	for name, tag := range r.tags {
		rest, hasPrefix := strings.CutPrefix(name, prefix)
		if !hasPrefix {
			continue
		}
		if version, err := semver.StrictNewVersion(strings.TrimPrefix(rest, "v")); err == nil {
			list = append(list, release{tag, version})
		}
	}
	slices.SortFunc(list, func(a, b release) int {
		return cmp.Or(b.version.Compare(a.version), strings.Compare(b.tag.Name, a.tag.Name))
	})
	return list
}

// ConstraintError means that a version constraint is invalid.
type ConstraintError struct {
	Constraint string

	cause error
}

func (e *ConstraintError) Error() string {
	return fmt.Sprintf("%q is not a version constraint, such as \">= 1.2, < 2.0\"", e.Constraint)
}

func (e *ConstraintError) Unwrap() error { return e.cause }

// NoMatchError means that no tag is a version that the constraint allows.
type NoMatchError struct {
	Constraint, Prefix string
	// Seen are the tags that are versions, the newest first.
	Seen []string
}

func (e *NoMatchError) Error() string {
	switch {
	case len(e.Seen) == 0 && e.Prefix == "":
		return "no tag is a semantic version"
	case len(e.Seen) == 0:
		return fmt.Sprintf("no tag consists of %q and a semantic version", e.Prefix)
	}
	shown, rest := e.Seen, ""
	if len(shown) > 5 {
		shown, rest = shown[:5], fmt.Sprintf(" and %d more", len(shown)-5)
	}
	if e.Constraint == "" {
		return fmt.Sprintf("no release is among the tags, only prereleases: %s%s", strings.Join(shown, ", "), rest)
	}
	return fmt.Sprintf("no version matches %q among %s%s", e.Constraint, strings.Join(shown, ", "), rest)
}
