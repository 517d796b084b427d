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
	// Name is short (main, v1.0.0), or the hash of a commit.
	Name string
	Kind Kind
	// Commit is a hash of 40 hexadecimal digits.
	Commit string
	// Annotated is whether a tag is an object of its own. Commit is then the hash of the commit, not of that
	// object.
	Annotated bool
}

// Refs are the refs that a remote advertises. The zero Refs are those of an empty repository.
type Refs struct {
	branches, tags map[string]Ref // by their names
	head           map[string]Ref // the branch that a clone checks out, by its name
	commit         string         // the commit of HEAD, "" if there is none
}

func newRefs(advertised *packp.AdvRefs) *Refs {
	refs := &Refs{branches: map[string]Ref{}, tags: map[string]Ref{}, head: map[string]Ref{}}
	for full, hash := range advertised.References {
		if name, found := strings.CutPrefix(full, "refs/heads/"); found {
			refs.branches[name] = Ref{Name: name, Kind: Branch, Commit: hash.String()}
		}
		if name, found := strings.CutPrefix(full, "refs/tags/"); found {
			peeled, annotated := advertised.Peeled[full]
			if annotated {
				hash = peeled
			}
			refs.tags[name] = Ref{Name: name, Kind: Tag, Commit: hash.String(), Annotated: annotated}
		}
	}
	for _, symbolic := range advertised.Capabilities.Get(capability.SymRef) {
		if branch, found := refs.branches[strings.TrimPrefix(symbolic, "HEAD:refs/heads/")]; found {
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

// Resolve returns what a ref resolves to in the clone that Infrahub makes: a branch, or else a tag, or else the
// full name of either, or else a commit. A commit is not looked up, because a remote does not list its commits. A
// clone has the branches below refs/remotes/origin/, and below refs/heads/ only the one that HEAD names; it has
// no other refs, such as those of pull requests. The error is *RefNotFoundError.
func (r *Refs) Resolve(ref string) (Ref, error) {
	for _, place := range []struct {
		prefix string
		refs   map[string]Ref
	}{
		{"", r.branches},
		{"", r.tags},
		{"refs/tags/", r.tags},
		{"tags/", r.tags},
		{"refs/remotes/origin/", r.branches},
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
	if ref == "HEAD" && r.commit != "" {
		return Ref{Name: ref, Kind: Branch, Commit: r.commit}, nil
	}
	if plumbing.IsHash(ref) {
		commit := strings.ToLower(ref)
		return Ref{Name: commit, Kind: Commit, Commit: commit}, nil
	}
	return Ref{}, &RefNotFoundError{Ref: ref, Nearest: r.Nearest(ref, 5)}
}

// RefNotFoundError means that a remote does not advertise a ref.
type RefNotFoundError struct {
	Ref string
	// Nearest are at most five names of branches and tags, the most similar first.
	Nearest []string
}

// abbreviatedHash matches what may be the beginning of a commit's hash.
var abbreviatedHash = regexp.MustCompile(`^[0-9a-f]{4,39}$`)

func (e *RefNotFoundError) Error() string {
	text := fmt.Sprintf("the remote has no branch or tag %q", e.Ref)
	if abbreviatedHash.MatchString(e.Ref) {
		text += ", and a commit needs all of its 40 digits"
	}
	if len(e.Nearest) == 0 {
		return text
	}
	return text + "; the nearest are " + strings.Join(e.Nearest, ", ")
}
