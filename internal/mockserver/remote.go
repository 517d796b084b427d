package mockserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

const remoteTimeout = 10 * time.Second

// remote is where a repository is, and how to log in there.
type remote struct{ url, username, password string }

func (r remote) auth() transport.AuthMethod {
	if r.username == "" && r.password == "" || !strings.HasPrefix(r.url, "http") {
		return nil
	}
	return &http.BasicAuth{Username: r.username, Password: r.password}
}

// list returns what the remote advertises; an empty repository advertises nothing.
func (r remote) list(ctx context.Context) ([]*plumbing.Reference, error) {
	ctx, cancel := context.WithTimeout(ctx, remoteTimeout)
	defer cancel()
	from := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{r.url}})
	references, err := from.ListContext(ctx, &git.ListOptions{Auth: r.auth()})
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, nil
	}
	if errors.Is(err, transport.ErrAuthenticationRequired) && r.auth() != nil {
		return nil, errCredentialRefused
	}
	return references, err
}

// errCredentialRefused is a credential that the remote does not accept.
var errCredentialRefused = errors.New("authentication failed")

// gitError is what the server makes of a failed Git command.
type gitError struct{ class, message, operational string }

func (e *gitError) Error() string { return e.message }

// command is the Git command that failed: they say the same thing differently.
type command int

const (
	lsRemote command = iota
	gitClone
)

// newGitError words a failure as the server does; nil for nil.
func newGitError(err error, name, location, ref string, doing command) *gitError {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errRefNotFound):
		return &gitError{"RepositoryInvalidBranchError", fmt.Sprintf("The branch %s isn't a valid branch for the repository %s at %s.", ref, name, location), "error"}
	case errors.Is(err, errCredentialRefused):
		return &gitError{"RepositoryCredentialsError", fmt.Sprintf("Authentication failed for %s, please validate the credentials.", name), "error-cred"}
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return &gitError{"RepositoryCredentialsError", fmt.Sprintf("Unable to correctly lookup credentials for repository %s (%s).", name, location), "error-cred"}
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return &gitError{"RepositoryError", fmt.Sprintf("\n  stderr: 'fatal: unable to access '%s/': The requested URL returned error: 403'", location), "error"}
	case errors.Is(err, transport.ErrRepositoryNotFound) && strings.HasPrefix(location, "http"):
		return &gitError{"RepositoryError", fmt.Sprintf("\n  stderr: 'fatal: repository '%s/' not found'", location), "error"}
	case errors.Is(err, transport.ErrRepositoryNotFound) && doing == gitClone:
		return &gitError{"RepositoryError", fmt.Sprintf("\n  stderr: 'fatal: repository '%s' does not exist\n'", location), "error"}
	}
	message := fmt.Sprintf("Unable to clone the repository %s, please check the address and the credential", name)
	return &gitError{"RepositoryConnectionError", message, "error-connection"}
}

// clone is the worker's local copy of a repository. Its branches are those that were checked out and
// its tags those that were known, for the server tells by them whether an import is needed.
type clone struct {
	url            string
	ref            string // the ref that was checked out
	repository     *git.Repository
	advertised     []*plumbing.Reference
	remoteBranches map[string]string // branches of the remote
	localBranches  map[string]string // local branches
	tags           map[string]string // peeled
}

// errRefNotFound is a ref that the remote does not have.
var errRefNotFound = errors.New("no such ref")

// newClone clones a remote and checks a ref out. The clone is there even if the ref is not.
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
	for _, each := range c.advertised {
		if each.Name() == plumbing.HEAD && each.Type() == plumbing.SymbolicReference {
			name := each.Target().Short()
			if tip, ok := c.remoteBranches[name]; ok {
				c.localBranches[name] = tip
			}
		}
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

// fetch brings the clone's view of the remote up to date; known tags do not move.
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
	for _, each := range references {
		if each.Name().IsBranch() {
			c.remoteBranches[each.Name().Short()] = each.Hash().String()
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

// advertisedTags are the remote's tags with the commits they stand for, annotated ones too.
func (c *clone) advertisedTags() map[string]string {
	tags := map[string]string{}
	for _, each := range c.advertised {
		if each.Name().IsTag() {
			if commit, err := c.peel(each.Hash()); err == nil {
				tags[each.Name().Short()] = commit
			}
		}
	}
	return tags
}

func (c *clone) peel(hash plumbing.Hash) (string, error) {
	tag, err := c.repository.TagObject(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return hash.String(), nil
	}
	if err != nil {
		return "", fmt.Errorf("read tag %s: %w", hash, err)
	}
	commit, err := tag.Commit()
	if err != nil {
		return "", fmt.Errorf("read the commit of tag %s: %w", hash, err)
	}
	return commit.Hash.String(), nil
}

// tagsMoved reports whether the remote has another commit for a tag that the clone knows: a fetch of
// tags is refused then.
func (c *clone) tagsMoved() bool {
	for name, commit := range c.advertisedTags() {
		if known, ok := c.tags[name]; ok && known != commit {
			return true
		}
	}
	return false
}

// resolve returns the commit of a branch of the remote, a tag, a local branch or a hash.
func (c *clone) resolve(ref string) (string, error) {
	for _, known := range []map[string]string{c.remoteBranches, c.tags, c.localBranches} {
		if commit, ok := known[ref]; ok {
			return commit, nil
		}
	}
	if len(ref) < 4 || strings.Trim(strings.ToLower(ref), "0123456789abcdef") != "" {
		return "", errRefNotFound
	}
	hash, err := c.repository.ResolveRevision(plumbing.Revision(ref))
	if err != nil {
		return "", errRefNotFound
	}
	return hash.String(), nil
}

// checkedOut returns what the clone itself holds for a ref: a tag or a local branch.
func (c *clone) checkedOut(ref string) string {
	if commit, ok := c.tags[ref]; ok {
		return commit
	}
	return c.localBranches[ref]
}

// file reads a file of a commit; gitobject.ErrFileNotFound if it has none.
func (c *clone) file(commit, path string) (string, error) {
	of, err := c.repository.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return "", fmt.Errorf("read commit %s: %w", commit, err)
	}
	file, err := of.File(path)
	if err != nil {
		return "", err
	}
	return file.Contents()
}

// isFileNotFound reports whether an error says that a commit has no such file.
func isFileNotFound(err error) bool { return errors.Is(err, gitobject.ErrFileNotFound) }
