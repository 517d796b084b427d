package gitremote

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Versions are the tags that a constraint allows.
type Versions struct {
	// Tags are sorted with the newest first. There is at least one.
	Tags []Ref
	// Unreadable are the names of tags that look like a version which the constraint allows and which is at least as new as the
	// newest, but that are no semantic version.
	Unreadable []string
}

// Versions returns the tags that a constraint such as ">= 1.2, < 2.0" or "~> 1.2" allows; "" allows all. It considers tags that
// consist of prefix and a semantic version, with or without a v before it; numbers may begin with zeros. Prereleases count only if
// prereleases is set, or if the constraint names a prerelease of the same version. Errors: *ConstraintError, *NoMatchError.
func (r *Refs) Versions(constraint, prefix string, prereleases bool) (Versions, error) {
	allowed, err := newConstraint(constraint)
	if err != nil {
		return Versions{}, err
	}
	readable, unreadable := r.releases(prefix)
	noMatch := &NoMatchError{Constraint: constraint, Prefix: prefix}
	var found Versions
	var newest *semver.Version
	for _, release := range readable {
		if allowed.allows(release.version, prereleases) {
			found.Tags = append(found.Tags, release.tag)
			newest = cmp.Or(newest, release.version)
		}
		noMatch.Seen = append(noMatch.Seen, release.tag.Name)
	}
	for _, release := range unreadable {
		if newest == nil || allowed.allows(release.version, false) && release.version.Compare(newest) >= 0 {
			found.Unreadable = append(found.Unreadable, release.tag.Name)
		}
	}
	if found.Tags == nil {
		noMatch.Unreadable = found.Unreadable
		return Versions{}, noMatch
	}
	return found, nil
}

// release is a tag that is a version.
type release struct {
	tag     Ref
	version *semver.Version
}

// releases returns the tags that consist of prefix and a version, the newest first, and those that only look like it, with the
// version that their numbers make. A tag such as v1, which a host moves to the newest v1.2.3, does not look like a version if there
// is a version that begins with it.
func (r *Refs) releases(prefix string) (readable, unreadable []release) {
	var names []string
	for name, tag := range r.tags {
		rest, hasPrefix := strings.CutPrefix(name, prefix)
		if !hasPrefix {
			continue
		}
		bare := strings.TrimPrefix(rest, "v")
		if version := readVersion(bare); version != nil {
			readable = append(readable, release{tag, version})
			names = append(names, bare)
		} else if version := guessVersion(rest); version != nil {
			unreadable = append(unreadable, release{tag, version})
		}
	}
	unreadable = slices.DeleteFunc(unreadable, func(alias release) bool {
		beginning := strings.TrimPrefix(strings.TrimPrefix(alias.tag.Name, prefix), "v") + "."
		return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, beginning) })
	})
	slices.SortFunc(readable, newestFirst)
	slices.SortFunc(unreadable, newestFirst)
	return readable, unreadable
}

// newestFirst compares two versions. Of versions that differ in their build metadata only, the one without any is first.
func newestFirst(a, b release) int {
	return cmp.Or(b.version.Compare(a.version), compareBuilds(a.version, b.version), strings.Compare(b.tag.Name, a.tag.Name))
}

// compareBuilds compares the build metadata of two versions, the newest first, as prereleases are compared: numbers by value.
func compareBuilds(a, b *semver.Version) int {
	switch {
	case a.Metadata() == b.Metadata():
		return 0
	case a.Metadata() == "":
		return -1
	case b.Metadata() == "":
		return 1
	}
	build := func(version *semver.Version) *semver.Version {
		return readVersion("0.0.0-" + version.Metadata())
	}
	return build(b).Compare(build(a))
}

// zeroPadded matches a version of three numbers, of which the last two may begin with zeros, and what follows them.
var zeroPadded = regexp.MustCompile(`^(\d+)\.0*(\d+)\.0*(\d+)(?:-([^+]*))?(\+.*)?$`)

// readVersion returns the semantic version that a text is, nil if it is none. Other than in a semantic version, numbers except for
// the first may begin with zeros, as in 2025.01.3 or 1.0.0-rc.01.
func readVersion(text string) *semver.Version {
	parts := zeroPadded.FindStringSubmatch(text)
	if parts == nil {
		return nil
	}
	strict := strings.Join(parts[1:4], ".")
	if strings.Contains(strings.TrimSuffix(text, parts[5]), "-") {
		identifiers := strings.Split(parts[4], ".")
		for n, identifier := range identifiers {
			if strings.Trim(identifier, "0123456789") == "" && identifier != "" {
				identifiers[n] = cmp.Or(strings.TrimLeft(identifier, "0"), "0")
			}
		}
		strict += "-" + strings.Join(identifiers, ".")
	}
	version, err := semver.StrictNewVersion(strict + parts[5])
	if err != nil {
		return nil
	}
	return version
}

// numbers matches the numbers with which a version begins.
var numbers = regexp.MustCompile(`^v?\d+(?:\.\d+){0,2}`)

// guessVersion returns the version that the numbers at the beginning of a text make, nil if the text does not look like a version:
// a v and a number, or two numbers with a dot between them.
func guessVersion(text string) *semver.Version {
	beginning := numbers.FindString(text)
	parts := strings.Split(strings.TrimPrefix(beginning, "v"), ".")
	rest := text[len(beginning):]
	if len(parts) == 1 && (!strings.HasPrefix(text, "v") || rest != "" && !strings.ContainsAny(rest[:1], ".+-")) {
		return nil
	}
	version, err := semver.NewVersion(padded(parts))
	if err != nil {
		return nil
	}
	return version
}

// NoMatchError means that no tag is a version that the constraint allows.
type NoMatchError struct {
	Constraint, Prefix string
	// Seen are the tags that are versions, the newest first.
	Seen []string
	// Unreadable are the tags that look like a version, but are no semantic version.
	Unreadable []string
}

func (e *NoMatchError) Error() string {
	text := e.versions()
	if len(e.Unreadable) > 0 {
		text += "; not read as versions: " + atMost(5, e.Unreadable)
	}
	return text
}

func (e *NoMatchError) versions() string {
	switch {
	case len(e.Seen) == 0 && e.Prefix == "":
		return "no tag is a semantic version"
	case len(e.Seen) == 0:
		return fmt.Sprintf("no tag consists of %q and a semantic version", e.Prefix)
	case e.Constraint == "":
		return "no release is among the tags, only prereleases: " + atMost(5, e.Seen)
	default:
		return fmt.Sprintf("no version matches %q among %s", e.Constraint, atMost(5, e.Seen))
	}
}

// atMost returns the first n names, and how many more there are.
func atMost(n int, names []string) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}
