package mockserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// clone is the server's local copy of a repository. The server decides by the branches that the clone has
// checked out and the tags that it knows whether there is something to import.
type clone struct {
	url            string
	ref            string // the ref that was checked out
	repository     *git.Repository
	advertised     []*plumbing.Reference
	remoteBranches map[string]string // commits by branch
	localBranches  map[string]string // commits by branch
	tags           map[string]string // commits by tag
}

// errRefNotFound is the error of a ref that the remote does not have.
var errRefNotFound = errors.New("no such ref")

// newClone clones a remote and checks a ref out. If the ref does not exist it returns the clone and
// errRefNotFound.
func newClone(ctx context.Context, r remote, ref string) (*clone, error) {
	repository, err := git.Init(memory.NewStorage(), nil)
	if err != nil {
		return nil, fmt.Errorf("make a clone: %w", err)
	}
	c := &clone{url: r.url, ref: ref, repository: repository, localBranches: map[string]string{}, tags: map[string]string{}}
	if err := c.fetch(ctx, r); err != nil {
		return nil, err
	}
	maps.Copy(c.tags, c.advertisedTags())
	if tip, ok := c.remoteBranches[c.remoteHead()]; ok {
		c.localBranches[c.remoteHead()] = tip
	}
	commit, err := c.resolve(ref)
	if err != nil {
		return c, err
	}
	if c.remoteBranches[ref] == commit {
		c.localBranches[ref] = commit
	}
	return c, nil
}

// fetch updates the clone's view of the remote. Tags that the clone knows do not move.
func (c *clone) fetch(ctx context.Context, r remote) error {
	references, err := r.list(ctx)
	if err != nil {
		return err
	}
	if equalReferences(references, c.advertised) && c.remoteBranches != nil {
		return nil
	}
	if len(references) > 0 {
		ctx, cancel := context.WithTimeout(ctx, remoteTimeout)
		defer cancel()
		from := git.NewRemote(c.repository.Storer, &config.RemoteConfig{Name: "origin", URLs: []string{r.url}})
		err = from.FetchContext(ctx, &git.FetchOptions{
			Auth: r.auth(), Force: true, Tags: git.NoTags,
			RefSpecs: []config.RefSpec{"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"},
		})
		if err != nil && !errors.Is(err, git.NoErrAlreadyUpToDate) {
			return fmt.Errorf("fetch: %w", err)
		}
	}
	c.advertised, c.remoteBranches = references, map[string]string{}
	for _, reference := range references {
		if reference.Name().IsBranch() {
			c.remoteBranches[reference.Name().Short()] = reference.Hash().String()
		}
	}
	for name, commit := range c.advertisedTags() {
		if _, known := c.tags[name]; !known && c.tags != nil {
			c.tags[name] = commit
		}
	}
	return nil
}

func equalReferences(a, b []*plumbing.Reference) bool {
	return slices.EqualFunc(a, b, func(a, b *plumbing.Reference) bool {
		return a.Name() == b.Name() && a.Hash() == b.Hash() && a.Target() == b.Target()
	})
}

// advertisedTags returns the commits of the remote's tags, annotated tags included.
func (c *clone) advertisedTags() map[string]string {
	tags := map[string]string{}
	for _, reference := range c.advertised {
		if reference.Name().IsTag() {
			if commit, err := c.peel(reference.Hash()); err == nil {
				tags[reference.Name().Short()] = commit
			}
		}
	}
	return tags
}

// peel returns the commit of a tag's hash, which may be the hash of a tag of a tag.
func (c *clone) peel(hash plumbing.Hash) (string, error) {
	tag, err := c.repository.TagObject(hash)
	switch {
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return hash.String(), nil
	case err != nil:
		return "", fmt.Errorf("read tag %s: %w", hash, err)
	case tag.TargetType == plumbing.TagObject:
		return c.peel(tag.Target)
	}
	commit, err := tag.Commit()
	if err != nil {
		return "", fmt.Errorf("read the commit of tag %s: %w", hash, err)
	}
	return commit.Hash.String(), nil
}

// tagsMoved reports whether the remote has another commit for a tag that the clone knows. Git then refuses
// to fetch tags (infrahub-behaviour.md, Importing 15).
func (c *clone) tagsMoved() bool {
	for name, commit := range c.advertisedTags() {
		if known, ok := c.tags[name]; ok && known != commit {
			return true
		}
	}
	return false
}

// resolve returns the commit that a ref leads to: the name of a ref, a hash, or an expression that begins with either
// (infrahub-behaviour.md, Importing 8). It returns errRefNotFound if it leads to none.
func (c *clone) resolve(ref string) (string, error) {
	name, expression := ref, ""
	if end := strings.IndexAny(ref, "^~"); end >= 0 {
		name, expression = ref[:end], ref[end:]
	}
	commit, err := c.resolveName(name)
	if err != nil || expression == "" {
		return commit, err
	}
	hash, err := c.repository.ResolveRevision(plumbing.Revision(commit + expression))
	if err != nil {
		return "", errRefNotFound
	}
	return hash.String(), nil
}

// resolveName returns the commit of a branch of the remote, a tag, a local branch, the full name of one, HEAD, or a hash.
func (c *clone) resolveName(name string) (string, error) {
	if slices.Contains([]string{"HEAD", "@", "origin", "origin/HEAD", "remotes/origin/HEAD", "refs/remotes/origin/HEAD"}, name) {
		name = c.remoteHead()
	}
	for _, place := range []struct {
		prefix  string
		commits map[string]string
	}{
		{"", c.remoteBranches},
		{"", c.tags},
		{"", c.localBranches},
		{"refs/tags/", c.tags},
		{"tags/", c.tags},
		{"refs/remotes/origin/", c.remoteBranches},
		{"remotes/origin/", c.remoteBranches},
		{"origin/", c.remoteBranches},
		{"refs/heads/", c.localBranches},
		{"heads/", c.localBranches},
	} {
		if short, hasPrefix := strings.CutPrefix(name, place.prefix); hasPrefix {
			if commit, ok := place.commits[short]; ok {
				return commit, nil
			}
		}
	}
	return c.resolveHash(name)
}

// remoteHead returns the branch that HEAD of the remote names, "" if it names none.
func (c *clone) remoteHead() string {
	for _, reference := range c.advertised {
		if reference.Name() == plumbing.HEAD && reference.Type() == plumbing.SymbolicReference {
			return reference.Target().Short()
		}
	}
	return ""
}

// abbreviatedHash matches a hash, long or short, also at the end of what git describe writes.
var abbreviatedHash = regexp.MustCompile(`^(?:.+-g)?([0-9a-f]{4,40})$`)

// resolveHash returns the commit of the hash of a commit or of a tag's object.
func (c *clone) resolveHash(text string) (string, error) {
	parts := abbreviatedHash.FindStringSubmatch(strings.ToLower(text))
	if parts == nil {
		return "", errRefNotFound
	}
	found := map[string]bool{}
	for _, kind := range []plumbing.ObjectType{plumbing.CommitObject, plumbing.TagObject} {
		objects, err := c.repository.Storer.IterEncodedObjects(kind)
		if err != nil {
			return "", fmt.Errorf("list objects: %w", err)
		}
		_ = objects.ForEach(func(object plumbing.EncodedObject) error {
			if strings.HasPrefix(object.Hash().String(), parts[1]) {
				if commit, err := c.peel(object.Hash()); err == nil {
					found[commit] = true
				}
			}
			return nil
		})
	}
	if len(found) != 1 {
		return "", errRefNotFound
	}
	return slices.Collect(maps.Keys(found))[0], nil
}

// checkedOut returns the commit that the clone itself has for a tag or a local branch, "" if it has none.
func (c *clone) checkedOut(ref string) string {
	if commit, ok := c.tags[ref]; ok {
		return commit
	}
	return c.localBranches[ref]
}

// changedBranches returns the branches of the remote whose commit is not the clone's: first those that
// are new, then those that moved.
func (c *clone) changedBranches(defaultBranch string) []string {
	var added, moved []string
	for name, commit := range c.remoteBranches {
		known, ok := c.localBranches[name]
		switch {
		case name == mainBranch && name != defaultBranch: // Infrahub's main is the remote's default branch
		case !ok:
			added = append(added, name)
		case known != commit:
			moved = append(moved, name)
		}
	}
	slices.Sort(added)
	slices.Sort(moved)
	return append(added, moved...)
}

// maxLinks is how many symbolic links lead to a file at most, as on Linux.
const maxLinks = 40

// file returns the content of a file of a commit; symbolic links are followed. The error matches isFileNotFound if there is none.
func (c *clone) file(commit, name string) (string, error) {
	object, err := c.repository.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return "", fmt.Errorf("read commit %s: %w", commit, err)
	}
	for range maxLinks {
		file, err := object.File(path.Clean(name))
		if err != nil {
			return "", err
		}
		content, err := file.Contents()
		if err != nil || file.Mode != filemode.Symlink {
			return content, err
		}
		if path.IsAbs(content) {
			return "", gitobject.ErrFileNotFound
		}
		name = path.Join(path.Dir(name), content)
	}
	return "", gitobject.ErrFileNotFound
}

// isFileNotFound reports whether an error says that a commit has no such file.
func isFileNotFound(err error) bool { return errors.Is(err, gitobject.ErrFileNotFound) }

func (e *engine) clone(repository string) *clone {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clones[repository]
}

func (e *engine) setClone(repository string, c *clone) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clones[repository] = c
}

// cloneRef clones a repository anew and returns the commit of its ref.
func (e *engine) cloneRef(ctx context.Context, j job) (*clone, string, error) {
	c, err := e.cloneAnew(ctx, j)
	if err != nil {
		return nil, "", err
	}
	commit, err := c.resolve(cmp.Or(j.ref, mainBranch))
	return c, commit, err
}

// cloneAnew replaces the clone of a repository. If that fails, operational_status says so.
func (e *engine) cloneAnew(ctx context.Context, j job) (*clone, error) {
	if err := e.pause(ctx, e.server.options.Delay.git()); err != nil {
		return nil, err
	}
	c, err := newClone(ctx, e.server.remote(j.repository, j.location), cmp.Or(j.ref, mainBranch))
	if c != nil {
		e.setClone(j.repository, c)
	}
	if failed := newGitError(err, j.name, j.location, j.ref, gitClone); failed != nil {
		return nil, e.writeGitError(ctx, j, failed)
	}
	return c, nil
}

// openClone returns the clone of a repository and makes it if there is none. It fetches from a location
// that is not the clone's, unless the location is "". If the tags there differ the fetch fails
// (infrahub-behaviour.md, Importing 16).
func (e *engine) openClone(ctx context.Context, j job, location string) (*clone, error) {
	c := e.clone(j.repository)
	if c == nil {
		return e.cloneAnew(ctx, j)
	}
	if location == "" || location == c.url {
		return c, nil
	}
	if err := e.pause(ctx, e.server.options.Delay.git()); err != nil {
		return nil, err
	}
	err := c.fetch(ctx, e.server.remote(j.repository, location))
	c.url = location
	failed := newGitError(err, j.name, location, "", lsRemote)
	if failed == nil && c.tagsMoved() {
		failed = &gitError{"RepositoryError", "\n  stderr: ' ! [rejected] (would clobber existing tag)'", "error"}
	}
	if failed != nil {
		return nil, e.writeGitError(ctx, j, failed)
	}
	return c, e.writeAttribute(ctx, j, "operational_status", "online")
}
