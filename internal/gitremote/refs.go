package gitremote

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Kind is the kind of a ref.
type Kind string

// The kinds of refs.
const (
	Branch Kind = "branch"
	Tag    Kind = "tag"
	Commit Kind = "commit"
)

// Ref is a name and the commit that it resolves to.
type Ref struct {
	// Name is short (main, v1.0.0), or the hash of a commit, or the text that was looked up if the remote does not advertise it.
	Name string
	Kind Kind
	// Commit is a hash of 40 hexadecimal digits. It is "" if it is not known; then Unadvertised is true.
	Commit string
	// Annotated is whether a tag is an object of its own. Commit is then the hash of the commit, not of that
	// object.
	Annotated bool
	// Unadvertised is whether the ref is a hash that the remote does not advertise, or an expression such as main~1. The remote
	// advertises the ends of its branches and its tags alone, so that nothing shows whether it has the commit. Commit is then the
	// hash if the ref has all of its 40 digits.
	Unadvertised bool
	// Copied is whether the ref names a branch of Infrahub's own clone (refs/heads/main or heads/main), which does not follow the
	// remote (infrahub-behaviour.md, Importing 8).
	Copied bool
}

// Refs are the refs that a remote advertises. The zero Refs are those of an empty repository.
type Refs struct {
	branches, tags map[string]Ref // by their names
	head           map[string]Ref // the branch that a clone checks out, by its name
	commit         string         // the commit of HEAD, "" if there is none
	objects        map[string]Ref // annotated tags, by the hash of the tag's object
}

func newRefs(advertised *packp.AdvRefs) *Refs {
	refs := &Refs{branches: map[string]Ref{}, tags: map[string]Ref{}, head: map[string]Ref{}, objects: map[string]Ref{}}
	for full, hash := range advertised.References {
		if name, found := strings.CutPrefix(full, "refs/heads/"); found {
			refs.branches[name] = Ref{Name: name, Kind: Branch, Commit: hash.String()}
		}
		if name, found := strings.CutPrefix(full, "refs/tags/"); found {
			commit, annotated := advertised.Peeled[full]
			if !annotated {
				commit = hash
			}
			refs.tags[name] = Ref{Name: name, Kind: Tag, Commit: commit.String(), Annotated: annotated}
			if annotated {
				refs.objects[hash.String()] = refs.tags[name]
			}
		}
	}
	for _, symbolic := range advertised.Capabilities.Get(capability.SymRef) {
		if branch, found := refs.branches[strings.TrimPrefix(symbolic, "HEAD:refs/heads/")]; found {
			branch.Copied = true
			refs.head[branch.Name] = branch
		}
	}
	if advertised.Head != nil {
		refs.commit = advertised.Head.String()
	}
	return refs
}

// Branches returns the branches sorted by name.
func (r *Refs) Branches() []Ref { return sorted(r.branches) }

// Tags returns the tags sorted by name. Tags that are versions are sorted with the newest first.
func (r *Refs) Tags() []Ref { return sorted(r.tags) }

func sorted(refs map[string]Ref) []Ref {
	var list []Ref
	for _, name := range sortNames(slices.Collect(maps.Keys(refs))) {
		list = append(list, refs[name])
	}
	return list
}

// Resolve returns what a ref resolves to in the clone that Infrahub makes: a branch, or else a tag, or else the full name of either,
// or else HEAD, or else the hash of a commit or of a tag's object, which may be abbreviated. A clone has the branches below
// refs/remotes/origin/, and below refs/heads/ only the one that HEAD names; it has no other refs, such as those of pull requests.
// An expression such as v1^{commit} resolves to the same commit, one such as main~1 to a commit that is not known
// (infrahub-behaviour.md, Importing 8). The error is *RefNotFoundError.
func (r *Refs) Resolve(ref string) (Ref, error) {
	base, walks := splitExpression(ref)
	if base == "" && walks && strings.HasPrefix(ref, "@") {
		base = "HEAD" // @{0} is short for HEAD@{0}
	}
	found, err := r.resolveName(base)
	if err == nil && walks {
		return Ref{Name: ref, Kind: Commit, Unadvertised: true}, nil
	}
	return found, err
}

// splitExpression returns the name with which a Git expression begins, and whether the rest may walk to another commit.
func splitExpression(ref string) (base string, walks bool) {
	for trimmed := true; trimmed; {
		trimmed = false
		for _, sameCommit := range []string{"^{}", "^{commit}", "^0", "~0"} {
			if before, found := strings.CutSuffix(ref, sameCommit); found {
				ref, trimmed = before, true
			}
		}
	}
	end := strings.IndexAny(ref, "^~")
	if reflog := strings.Index(ref, "@{"); reflog >= 0 && (end < 0 || reflog < end) {
		end = reflog
	}
	if end < 0 {
		return ref, false
	}
	return ref[:end], true
}

// resolveName resolves a ref that is no expression.
func (r *Refs) resolveName(ref string) (Ref, error) {
	for _, place := range []struct {
		prefix string
		refs   map[string]Ref
	}{
		{"", r.branches},
		{"", r.tags},
		{"refs/tags/", r.tags},
		{"tags/", r.tags},
		{"refs/remotes/origin/", r.branches},
		{"remotes/origin/", r.branches},
		{"origin/", r.branches},
		{"refs/heads/", r.head},
		{"heads/", r.head},
	} {
		if name, hasPrefix := strings.CutPrefix(ref, place.prefix); hasPrefix {
			if found, exists := place.refs[name]; exists {
				return found, nil
			}
		}
	}
	if r.commit != "" && slices.Contains([]string{"HEAD", "@", "origin", "origin/HEAD", "remotes/origin/HEAD", "refs/remotes/origin/HEAD"}, ref) {
		return Ref{Name: "HEAD", Kind: Branch, Commit: r.commit}, nil
	}
	return r.resolveHash(ref)
}

// hash matches the hash of an object, which may be abbreviated, also at the end of what git describe writes.
var hash = regexp.MustCompile(`^(?:.+-[0-9]+-g)?([0-9a-f]{4,40})$`)

// resolveHash resolves the hash of a commit or of a tag's object. A short hash with one advertised match counts as that commit,
// although commits that the remote does not advertise may begin alike.
func (r *Refs) resolveHash(ref string) (Ref, error) {
	notFound := &RefNotFoundError{Ref: ref, Nearest: r.Nearest(ref, 5)}
	parts := hash.FindStringSubmatch(strings.ToLower(ref))
	if parts == nil {
		return Ref{}, notFound
	}
	found := map[string]Ref{} // by their commits
	for _, object := range slices.Sorted(maps.Keys(r.objects)) {
		if tag := r.objects[object]; strings.HasPrefix(object, parts[1]) {
			found[tag.Commit] = tag
		}
	}
	for _, commit := range r.commits() {
		if _, isTag := found[commit]; !isTag && strings.HasPrefix(commit, parts[1]) {
			found[commit] = Ref{Name: commit, Kind: Commit, Commit: commit}
		}
	}
	switch {
	case len(found) > 1:
		notFound.Ambiguous = slices.Sorted(maps.Keys(found))
		return Ref{}, notFound
	case len(found) == 1:
		return slices.Collect(maps.Values(found))[0], nil
	case plumbing.IsHash(parts[1]):
		return Ref{Name: parts[1], Kind: Commit, Commit: parts[1], Unadvertised: true}, nil
	default:
		return Ref{Name: ref, Kind: Commit, Unadvertised: true}, nil
	}
}

// commits returns the commits of the branches, of the tags and of HEAD.
func (r *Refs) commits() []string {
	var commits []string
	for _, refs := range []map[string]Ref{r.branches, r.tags} {
		for _, ref := range refs {
			commits = append(commits, ref.Commit)
		}
	}
	if r.commit != "" {
		commits = append(commits, r.commit)
	}
	return commits
}

// RefNotFoundError means that a ref names no commit that the remote advertises, or several.
type RefNotFoundError struct {
	Ref string
	// Nearest are at most five names of branches and tags, the most similar first.
	Nearest []string
	// Ambiguous are the commits that the ref may stand for.
	Ambiguous []string
}

func (e *RefNotFoundError) Error() string {
	if len(e.Ambiguous) > 0 {
		return fmt.Sprintf("%q may be any of several commits: %s", e.Ref, strings.Join(e.Ambiguous, ", "))
	}
	text := fmt.Sprintf("the remote has no branch or tag %q", e.Ref)
	if len(e.Nearest) == 0 {
		return text
	}
	return text + "; the nearest are " + strings.Join(e.Nearest, ", ")
}
