package gitremote

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Versions returns the tags that a constraint allows, such as ">= 1.2, < 2.0" or "~> 1.2", the newest first
// and at least one; "" allows all. Tags are looked at that are prefix and a semantic version, with or
// without a v before it. Prereleases count only if asked for, or if the constraint names one. Errors:
// *ConstraintError, *NoMatchError.
func (r *Refs) Versions(constraint, prefix string, prereleases bool) ([]Ref, error) {
	allowed, err := semver.NewConstraint(cmp.Or(pessimistic(constraint), "*"))
	if err != nil {
		return nil, &ConstraintError{Constraint: constraint, cause: err}
	}
	allowed.IncludePrerelease = prereleases
	var found []Ref
	missing := &NoMatchError{Constraint: constraint, Prefix: prefix}
	for _, each := range r.releases(prefix) {
		if allowed.Check(each.version) {
			found = append(found, each.tag)
		}
		missing.Seen = append(missing.Seen, each.tag.Name)
	}
	if len(found) == 0 {
		return nil, missing
	}
	return found, nil
}

// pessimistic lets ~> 1.2 mean what it means in Terraform, at least 1.2 and below 2.0; to the library it
// is below 1.3.
func pessimistic(constraint string) string {
	return regexp.MustCompile(`~>\s*v?(\d+)\.(\d+)(\s|,|\||$)`).ReplaceAllString(strings.TrimSpace(constraint), ">=${1}.${2}, ~${1}${3}")
}

type release struct {
	tag     Ref
	version *semver.Version
}

// releases are the tags that are versions, the newest first.
func (r *Refs) releases(prefix string) []release {
	var list []release
	for name, tag := range r.tags {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
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

// ConstraintError is a version constraint that cannot be read.
type ConstraintError struct {
	Constraint string

	cause error
}

func (e *ConstraintError) Error() string {
	return fmt.Sprintf("%q is not a version constraint, such as \">= 1.2, < 2.0\"", e.Constraint)
}

func (e *ConstraintError) Unwrap() error { return e.cause }

// NoMatchError means that no version is allowed.
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
		return fmt.Sprintf("no tag is %q and a semantic version", e.Prefix)
	}
	shown, rest := e.Seen, ""
	if len(shown) > 5 {
		shown, rest = shown[:5], fmt.Sprintf(" and %d more", len(shown)-5)
	}
	wanted := fmt.Sprintf("version matches %q", e.Constraint)
	if e.Constraint == "" {
		wanted = "release is"
	}
	return fmt.Sprintf("no %s among %s%s", wanted, strings.Join(shown, ", "), rest)
}
