package gitremote

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// constraint allows a version if one of its groups allows it.
type constraint []group

// group allows a version if all of its conditions allow it.
type group []condition

// condition is one comparison, such as >= 1.2.
type condition struct {
	allowed *semver.Constraints
	// prerelease is the prerelease that the condition names, nil if it names none.
	prerelease *semver.Version
}

// newConstraint reads a constraint. An empty one allows every version. The error is *ConstraintError.
func newConstraint(text string) (constraint, error) {
	strict := qualifiedVersion.ReplaceAllStringFunc(text, func(written string) string {
		if version := readVersion(written); version != nil {
			return version.String()
		}
		return written
	})
	if _, err := semver.NewConstraint(cmp.Or(strings.TrimSpace(strict), "*")); err != nil {
		return nil, &ConstraintError{Constraint: text, cause: err}
	}
	var groups constraint
	for alternative := range strings.SplitSeq(strict, "||") {
		conditions, err := newGroup(alternative)
		if err != nil {
			return nil, &ConstraintError{Constraint: text, cause: err}
		}
		groups = append(groups, conditions)
	}
	return groups, nil
}

var (
	// comparison matches one condition: an operator, the numbers of a version, and the rest of the version.
	comparison = regexp.MustCompile(`(=>|=<|>=|<=|!=|~>|[=<>~^])?\s*v?([0-9xX*]+(?:\.[0-9xX*]+){0,2})([-+][0-9A-Za-z.+-]*)?`)
	// qualifiedVersion matches a version with a prerelease or build metadata.
	qualifiedVersion = regexp.MustCompile(`\d+\.\d+\.\d+[-+][0-9A-Za-z.+-]+`)
	// hyphenRange matches a range such as 1.2 - 1.4.
	hyphenRange = regexp.MustCompile(`(\S+)\s+-\s+(\S+)`)
)

// newGroup reads the conditions between which no || stands.
func newGroup(text string) (group, error) {
	conditions := group{}
	for _, match := range comparison.FindAllStringSubmatch(hyphenRange.ReplaceAllString(text, ">= $1, <= $2"), -1) {
		allowed, err := semver.NewConstraint(terraformCondition(match[1], match[2], match[3]))
		if err != nil {
			return nil, fmt.Errorf("condition %q: %w", match[0], err)
		}
		allowed.IncludePrerelease = true // allows decides about them
		read := condition{allowed: allowed}
		if strings.HasPrefix(match[3], "-") && match[1] != "!=" {
			if read.prerelease, err = semver.NewVersion(match[2] + match[3]); err != nil {
				return nil, fmt.Errorf("condition %q: %w", match[0], err)
			}
		}
		conditions = append(conditions, read)
	}
	return conditions, nil
}

// terraformCondition returns a condition as semver reads it, with Terraform's meaning where that is another one. ~> allows the last
// number that is given to grow: ~> 1 is >= 1, ~> 1.2 is >= 1.2 and below 2. Prereleases of an upper bound are not below it.
func terraformCondition(operator, numbers, rest string) string {
	parts := strings.Split(numbers, ".")
	switch {
	case strings.ContainsAny(numbers, "xX*"): // Terraform knows no wildcards
	case operator == "<" && !strings.HasPrefix(rest, "-"):
		return "<" + padded(parts) + "-0"
	case operator == "~>" && len(parts) == 1:
		return ">=" + padded(parts) + rest
	case operator == "~>":
		return ">=" + padded(parts) + rest + ", <" + padded(next(parts[:len(parts)-1])) + "-0"
	}
	return operator + numbers + rest
}

// padded returns the three numbers of a version, of which the last ones may be missing.
func padded(parts []string) string {
	full := []string{"0", "0", "0"}
	copy(full, parts)
	return strings.Join(full, ".")
}

// next returns the numbers of a version with the last one increased by one.
func next(parts []string) []string {
	last := len(parts) - 1
	number, err := strconv.ParseUint(parts[last], 10, 64)
	if err != nil {
		return parts // newConstraint has read the number before
	}
	return append(parts[:last:last], strconv.FormatUint(number+1, 10))
}

// allows reports whether a version satisfies the constraint. A prerelease does so only if prereleases is set, or if the constraint
// names a prerelease of the same version.
func (c constraint) allows(version *semver.Version, prereleases bool) bool {
	for _, conditions := range c {
		if conditions.allow(version, prereleases) {
			return true
		}
	}
	return false
}

func (g group) allow(version *semver.Version, prereleases bool) bool {
	named := version.Prerelease() == "" || prereleases
	for _, condition := range g {
		if !condition.allowed.Check(version) {
			return false
		}
		if condition.prerelease != nil && sameRelease(version, condition.prerelease) {
			named = true
		}
	}
	return named
}

// sameRelease reports whether two versions differ in their prerelease at most.
func sameRelease(a, b *semver.Version) bool {
	return a.Major() == b.Major() && a.Minor() == b.Minor() && a.Patch() == b.Patch()
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
