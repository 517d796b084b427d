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

// Repository is a bare repository on disk. The same calls give the same hashes: the author is fixed, and so are
// the times, which are a minute apart.
type Repository struct {
	// Path is the directory of the repository.
	Path string

	git        *git.Repository
	branch     string // the current branch
	signatures int    // how many there are so far
}

// NewRepository creates an empty repository at a path below root, with main as its current branch.
func NewRepository(root, path string) (*Repository, error) {
	directory := filepath.Join(root, filepath.FromSlash(path))
	repository, err := git.PlainInitWithOptions(directory, &git.PlainInitOptions{
		Bare: true, InitOptions: git.InitOptions{DefaultBranch: plumbing.Main},
	})
	if err != nil {
		return nil, fmt.Errorf("create the repository %s: %w", directory, err)
	}
	return &Repository{Path: directory, git: repository, branch: "main"}, nil
}

// signature returns the author of the next commit or annotated tag.
func (r *Repository) signature() object.Signature {
	r.signatures++
	return object.Signature{
		Name: "Automation", Email: "automation@example.com",
		When: time.Date(2024, time.January, 1, 12, r.signatures, 0, 0, time.UTC),
	}
}

// Commit adds a commit to the current branch and returns its hash. The commit holds exactly these files: path to
// content.
func (r *Repository) Commit(files map[string]string) (string, error) {
	tree, err := r.tree(files)
	if err != nil {
		return "", err
	}
	author := r.signature()
	commit := &object.Commit{Author: author, Committer: author, Message: fmt.Sprintf("Commit %d\n", r.signatures), TreeHash: tree}
	branch := plumbing.NewBranchReferenceName(r.branch)
	switch tip, err := r.git.Reference(branch, true); {
	case err == nil:
		commit.ParentHashes = []plumbing.Hash{tip.Hash()}
	case !errors.Is(err, plumbing.ErrReferenceNotFound):
		return "", fmt.Errorf("find the branch %s: %w", r.branch, err)
	}
	hash, err := r.store(commit)
	if err != nil {
		return "", err
	}
	if err := r.setRef(branch, hash); err != nil {
		return "", err
	}
	return hash.String(), nil
}

// linkPrefix begins the content of a file that is a symbolic link.
const linkPrefix = "\x00link to "

// Link returns the content for Commit of a file that is a symbolic link.
func Link(target string) string { return linkPrefix + target }

// tree stores files and their directories, the deepest first, and returns the hash of the root.
func (r *Repository) tree(files map[string]string) (plumbing.Hash, error) {
	tree, directories := &object.Tree{}, map[string]map[string]string{}
	for path, content := range files {
		directory, rest, nested := strings.Cut(path, "/")
		if nested {
			if directories[directory] == nil {
				directories[directory] = map[string]string{}
			}
			directories[directory][rest] = content
			continue
		}
		mode := filemode.Regular
		if target, isLink := strings.CutPrefix(content, linkPrefix); isLink {
			mode, content = filemode.Symlink, target
		}
		hash, err := r.blob(content)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: path, Mode: mode, Hash: hash})
	}
	for directory, contents := range directories {
		hash, err := r.tree(contents)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: directory, Mode: filemode.Dir, Hash: hash})
	}
	slices.SortFunc(tree.Entries, func(a, b object.TreeEntry) int { return strings.Compare(sortKey(a), sortKey(b)) })
	return r.store(tree)
}

// sortKey returns the name by which Git sorts an entry: directories as if their names ended in a slash.
func sortKey(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

// blob stores the content of a file.
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

// store stores a commit, a tree or an annotated tag.
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

// tip returns the newest commit of the current branch.
func (r *Repository) tip() (plumbing.Hash, error) {
	tip, err := r.git.Reference(plumbing.NewBranchReferenceName(r.branch), true)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("find the branch %s: %w", r.branch, err)
	}
	return tip.Hash(), nil
}

// Tag sets a tag to the newest commit of the current branch. It moves a tag that exists.
func (r *Repository) Tag(name string) error {
	tip, err := r.tip()
	if err != nil {
		return err
	}
	return r.setRef(plumbing.NewTagReferenceName(name), tip)
}

// AnnotatedTag sets a tag like Tag, but as an object of its own, which has another hash than the commit.
func (r *Repository) AnnotatedTag(name string) error {
	tip, err := r.tip()
	if err != nil {
		return err
	}
	hash, err := r.store(&object.Tag{Name: name, Tagger: r.signature(), Message: name + "\n", TargetType: plumbing.CommitObject, Target: tip})
	if err != nil {
		return err
	}
	return r.setRef(plumbing.NewTagReferenceName(name), hash)
}

// Branch makes a branch the current one. A new branch starts at the newest commit of the current one.
func (r *Repository) Branch(name string) error {
	reference := plumbing.NewBranchReferenceName(name)
	_, err := r.git.Reference(reference, true)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		var tip plumbing.Hash
		if tip, err = r.tip(); err == nil {
			err = r.setRef(reference, tip)
		}
	}
	if err != nil {
		return fmt.Errorf("switch to the branch %s: %w", name, err)
	}
	r.branch = name
	return nil
}

func (r *Repository) setRef(name plumbing.ReferenceName, hash plumbing.Hash) error {
	if err := r.git.Storer.SetReference(plumbing.NewHashReference(name, hash)); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}
