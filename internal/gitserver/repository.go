package gitserver

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Repository is a bare repository on disk. Its commits are the same each time it is made: author and
// times are fixed, the times a minute apart.
type Repository struct {
	// Path is the directory of the repository.
	Path string

	git    *git.Repository
	branch string
	count  int
}

// NewRepository makes an empty repository at a path below root, with main as its branch.
func NewRepository(root, path string) (*Repository, error) {
	directory := filepath.Join(root, filepath.FromSlash(path))
	made, err := git.PlainInitWithOptions(directory, &git.PlainInitOptions{
		Bare: true, InitOptions: git.InitOptions{DefaultBranch: plumbing.Main},
	})
	if err != nil {
		return nil, fmt.Errorf("make the repository %s: %w", directory, err)
	}
	return &Repository{Path: directory, git: made, branch: "main"}, nil
}

func (r *Repository) signature() object.Signature {
	r.count++
	return object.Signature{
		Name: "Automation", Email: "automation@example.com",
		When: time.Date(2024, time.January, 1, 12, r.count, 0, 0, time.UTC),
	}
}

// Commit adds a commit that holds exactly these files, path to content, to the current branch, and
// returns its hash.
func (r *Repository) Commit(files map[string]string) (string, error) {
	tree, err := r.tree(files)
	if err != nil {
		return "", err
	}
	by := r.signature()
	commit := &object.Commit{Author: by, Committer: by, Message: fmt.Sprintf("Commit %d\n", r.count), TreeHash: tree}
	name := plumbing.NewBranchReferenceName(r.branch)
	switch tip, err := r.git.Reference(name, true); {
	case err == nil:
		commit.ParentHashes = []plumbing.Hash{tip.Hash()}
	case !errors.Is(err, plumbing.ErrReferenceNotFound):
		return "", fmt.Errorf("find the branch %s: %w", r.branch, err)
	}
	hash, err := r.store(commit)
	if err != nil {
		return "", err
	}
	if err := r.git.Storer.SetReference(plumbing.NewHashReference(name, hash)); err != nil {
		return "", fmt.Errorf("move the branch %s: %w", r.branch, err)
	}
	return hash.String(), nil
}

// tree stores files and their directories, the deepest first.
func (r *Repository) tree(files map[string]string) (plumbing.Hash, error) {
	made, below := &object.Tree{}, map[string]map[string]string{}
	for path, content := range files {
		directory, rest, nested := strings.Cut(path, "/")
		if nested {
			if below[directory] == nil {
				below[directory] = map[string]string{}
			}
			below[directory][rest] = content
			continue
		}
		hash, err := r.blob(content)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		made.Entries = append(made.Entries, object.TreeEntry{Name: path, Mode: filemode.Regular, Hash: hash})
	}
	for directory, inside := range below {
		hash, err := r.tree(inside)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		made.Entries = append(made.Entries, object.TreeEntry{Name: directory, Mode: filemode.Dir, Hash: hash})
	}
	slices.SortFunc(made.Entries, func(a, b object.TreeEntry) int { return strings.Compare(sortKey(a), sortKey(b)) })
	return r.store(made)
}

// sortKey orders directories as Git does: as if their names ended in a slash.
func sortKey(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

func (r *Repository) blob(content string) (plumbing.Hash, error) {
	encoded := r.git.Storer.NewEncodedObject()
	encoded.SetType(plumbing.BlobObject)
	writer, err := encoded.Writer()
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write a file: %w", err)
	}
	_, err = writer.Write([]byte(content))
	if err := errors.Join(err, writer.Close()); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write a file: %w", err)
	}
	hash, err := r.git.Storer.SetEncodedObject(encoded)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("store a file: %w", err)
	}
	return hash, nil
}

func (r *Repository) store(o object.Object) (plumbing.Hash, error) {
	encoded := r.git.Storer.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("encode a %s: %w", o.Type(), err)
	}
	hash, err := r.git.Storer.SetEncodedObject(encoded)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("store a %s: %w", o.Type(), err)
	}
	return hash, nil
}

// tip is the newest commit of the current branch.
func (r *Repository) tip() (plumbing.Hash, error) {
	at, err := r.git.Reference(plumbing.NewBranchReferenceName(r.branch), true)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("find the branch %s: %w", r.branch, err)
	}
	return at.Hash(), nil
}

// Tag lets a tag stand for the newest commit of the current branch; a tag that exists moves.
func (r *Repository) Tag(name string) error {
	tip, err := r.tip()
	if err != nil {
		return err
	}
	return r.point(plumbing.NewTagReferenceName(name), tip)
}

// AnnotatedTag is Tag with an object of its own, which has another hash than the commit.
func (r *Repository) AnnotatedTag(name string) error {
	tip, err := r.tip()
	if err != nil {
		return err
	}
	hash, err := r.store(&object.Tag{Name: name, Tagger: r.signature(), Message: name + "\n", TargetType: plumbing.CommitObject, Target: tip})
	if err != nil {
		return err
	}
	return r.point(plumbing.NewTagReferenceName(name), hash)
}

// Branch makes a branch the current one; a new one starts at the newest commit of the one before.
func (r *Repository) Branch(name string) error {
	reference := plumbing.NewBranchReferenceName(name)
	_, err := r.git.Reference(reference, true)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		var tip plumbing.Hash
		if tip, err = r.tip(); err == nil {
			err = r.point(reference, tip)
		}
	}
	if err != nil {
		return fmt.Errorf("switch to the branch %s: %w", name, err)
	}
	r.branch = name
	return nil
}

func (r *Repository) point(name plumbing.ReferenceName, to plumbing.Hash) error {
	if err := r.git.Storer.SetReference(plumbing.NewHashReference(name, to)); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}
