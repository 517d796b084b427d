package gitremote

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/agext/levenshtein"
)

// Nearest returns at most n names of branches and tags, the most similar to ref first: those that differ
// in the fewest characters, and then the latest in the name. Of versions equally near, the newest is first.
func (r *Refs) Nearest(ref string, n int) []string {
	names := maps.Clone(r.tags)
	maps.Copy(names, r.branches)
	ref = regexp.MustCompile(`^(refs/)?(heads/|tags/|remotes/)?(origin/)?`).ReplaceAllString(ref, "")

	type candidate struct {
		name       string
		similarity float64
		alike      int
	}
	var candidates []candidate
	scale := levenshtein.NewParams().BonusThreshold(0)
	for _, each := range labels(slices.Collect(maps.Keys(names))) {
		candidates = append(candidates, candidate{each.name, levenshtein.Match(ref, each.name, scale), alike(ref, each.name)})
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(b.alike, a.alike))
	})
	var nearest []string
	for _, each := range candidates[:max(0, min(n, len(candidates)))] {
		nearest = append(nearest, each.name)
	}
	return nearest
}

// alike is how many bytes two names have in common at their beginning.
func alike(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// label is a name, and how it sorts: by what comes before its version, then by its version.
type label struct {
	name, stem string
	version    *semver.Version // nil if the name does not end in one
}

// labels sorts names; versions are sorted the newest first.
func labels(names []string) []label {
	versioned := regexp.MustCompile(`^(.*?)(\d+\.\d+\.\d+(?:[-+].+)?)$`)
	var list []label
	for _, name := range names {
		each := label{name: name, stem: name}
		if parts := versioned.FindStringSubmatch(name); parts != nil {
			if version, err := semver.StrictNewVersion(parts[2]); err == nil {
				each.stem, each.version = parts[1], version
			}
		}
		list = append(list, each)
	}
	slices.SortFunc(list, func(a, b label) int {
		return cmp.Or(strings.Compare(a.stem, b.stem), newestFirst(a.version, b.version), strings.Compare(a.name, b.name))
	})
	return list
}

func newestFirst(a, b *semver.Version) int {
	if a == nil || b == nil {
		return 0
	}
	return b.Compare(a)
}
