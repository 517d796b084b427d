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

// refPrefix matches what precedes the short name of a branch or tag.
var refPrefix = regexp.MustCompile(`^(refs/)?(heads/|tags/|remotes/)?(origin/)?`)

// Nearest returns at most n names of branches and tags, the most similar to ref first: the names that differ in
// the fewest characters, and among those the ones that share the longest beginning. Upper and lower case count
// only among names that are equally near otherwise. Among equally near versions the newest is first.
func (r *Refs) Nearest(ref string, n int) []string {
	names := maps.Clone(r.tags)
	maps.Copy(names, r.branches)
	ref = refPrefix.ReplaceAllString(ref, "")

	type candidate struct {
		name                        string
		similarity, exactSimilarity float64
		prefix                      int
	}
	var candidates []candidate
	noBonus, lower := levenshtein.NewParams().BonusThreshold(0), strings.ToLower(ref)
	for _, name := range sortNames(slices.Collect(maps.Keys(names))) {
		lowerName := strings.ToLower(name)
		candidates = append(candidates, candidate{
			name: name, prefix: commonPrefix(lower, lowerName),
			similarity: levenshtein.Match(lower, lowerName, noBonus), exactSimilarity: levenshtein.Match(ref, name, noBonus),
		})
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(b.prefix, a.prefix), cmp.Compare(b.exactSimilarity, a.exactSimilarity))
	})
	var nearest []string
	for _, candidate := range candidates[:max(0, min(n, len(candidates)))] {
		nearest = append(nearest, candidate.name)
	}
	return nearest
}

// commonPrefix returns how many bytes two names share at their beginning.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// versionSuffix matches a name that ends in a semantic version: what precedes the version, and the version.
var versionSuffix = regexp.MustCompile(`^(.*?)(\d+\.\d+\.\d+(?:[-+].+)?)$`)

// sortNames returns names sorted by what precedes their version, and then by their version, the newest first.
func sortNames(names []string) []string {
	type key struct {
		name, stem string
		version    *semver.Version // nil if the name does not end in a version
	}
	var keys []key
	for _, name := range names {
		sortKey := key{name: name, stem: name}
		if parts := versionSuffix.FindStringSubmatch(name); parts != nil {
			if version := readVersion(parts[2]); version != nil {
				sortKey.stem, sortKey.version = parts[1], version
			}
		}
		keys = append(keys, sortKey)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(strings.Compare(a.stem, b.stem), compareNewestFirst(a.version, b.version), strings.Compare(a.name, b.name))
	})
	var sorted []string
	for _, key := range keys {
		sorted = append(sorted, key.name)
	}
	return sorted
}

func compareNewestFirst(a, b *semver.Version) int {
	if a == nil || b == nil {
		return 0
	}
	return b.Compare(a)
}
