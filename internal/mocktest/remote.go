package mocktest

import (
	"maps"
	"slices"
	"testing"

	"github.com/go-git/go-git/v5"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

// Remote is a bare Git repository on disk.
type Remote struct {
	// Path is its directory.
	Path string
	// Commits holds the hash of each commit by the name that the test gave it.
	Commits map[string]string

	repository *gitserver.Repository
	release    string            // what the files of a release begin with
	branch     string            // the current branch
	tips       map[string]string // the newest commit of each branch
}

// NewRemote makes a repository at a path below root, with main as its current branch and a release
// for each tag.
func NewRemote(t testing.TB, root, path string, tags ...string) *Remote {
	t.Helper()
	repository, err := gitserver.NewRepository(root, path)
	if err != nil {
		t.Fatal(err)
	}
	r := &Remote{
		Path: repository.Path, Commits: map[string]string{},
		repository: repository, release: path, branch: "main", tips: map[string]string{},
	}
	for _, tag := range tags {
		r.Release(t, tag, nil)
	}
	return r
}

// QueryFiles returns the files of a repository that imports one GraphQL query. Each version is another text.
func QueryFiles(name, version string) map[string]string {
	path := "queries/" + name + ".gql"
	return map[string]string{
		".infrahub.yml": "queries:\n  - name: " + name + "\n    file_path: " + path + "\n",
		path:            "query { BuiltinTag { count } } # " + version,
	}
}

// CheckFiles returns the files of a repository that imports one GraphQL query and one check of proposed changes. The
// check fails with a message about an object, or passes if the message is "". Each version is another text.
func CheckFiles(name, version, check, message string) map[string]string {
	files := QueryFiles(name, version)
	files[".infrahub.yml"] += "check_definitions:\n  - name: " + check + "\n    file_path: checks/check.py\n    class_name: Check\n"
	files["checks/check.py"] = "from infrahub_sdk.checks import InfrahubCheck\n\n\nclass Check(InfrahubCheck):\n    query = \"" + name + "\"\n\n" +
		"    def validate(self, data):\n        self.log_info(message=\"looked at it\")\n"
	if message != "" {
		files["checks/check.py"] += "        self.log_error(message=\"" + message + "\", object_id=\"vlan-1\", object_type=\"BuiltinTag\")\n"
	}
	return files
}

// BrokenFiles returns the files of a repository whose import fails: its configuration is no valid YAML.
func BrokenFiles() map[string]string { return map[string]string{".infrahub.yml": "queries: [\n"} }

// Commit adds a commit that holds exactly these files to the current branch, records it in Commits
// under a name, and returns its hash.
func (r *Remote) Commit(t testing.TB, name string, files map[string]string) string {
	t.Helper()
	hash, err := r.repository.Commit(files)
	if err != nil {
		t.Fatal(err)
	}
	r.Commits[name], r.tips[r.branch] = hash, hash
	return hash
}

// Release adds a commit to the current branch, tags it, and records it under the name of the tag. No
// files are a configuration that imports nothing, and a file that differs from release to release.
func (r *Remote) Release(t testing.TB, tag string, files map[string]string) {
	t.Helper()
	if files == nil {
		files = map[string]string{".infrahub.yml": "queries: []\n", "release.txt": r.release + " " + tag + "\n"}
	}
	r.Commit(t, tag, files)
	r.Tag(t, tag)
}

// Tag sets a tag, new or not, to the newest commit of the current branch.
func (r *Remote) Tag(t testing.TB, tag string) {
	t.Helper()
	r.mark(t, tag, r.repository.Tag)
}

// AnnotatedTag is Tag with a tag object, whose hash differs from the commit's.
func (r *Remote) AnnotatedTag(t testing.TB, tag string) {
	t.Helper()
	r.mark(t, tag, r.repository.AnnotatedTag)
}

// TagObject returns the hash of the object of an annotated tag, which is not the commit's.
func (r *Remote) TagObject(t testing.TB, tag string) string {
	t.Helper()
	repository, err := git.PlainOpen(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := repository.Tag(tag)
	if err != nil {
		t.Fatal(err)
	}
	return reference.Hash().String()
}

func (r *Remote) mark(t testing.TB, tag string, set func(string) error) {
	t.Helper()
	if err := set(tag); err != nil {
		t.Fatal(err)
	}
	r.Commits[tag] = r.tips[r.branch]
}

// Branch makes a branch the current one. A new branch starts at the newest commit of the branch before.
func (r *Remote) Branch(t testing.TB, name string) {
	t.Helper()
	if err := r.repository.Branch(name); err != nil {
		t.Fatal(err)
	}
	if _, exists := r.tips[name]; !exists {
		r.tips[name] = r.tips[r.branch]
	}
	r.branch = name
}

// NameOf returns the name of a commit, the last by the alphabet if it has several, and the hash of a
// commit without a name.
func (r *Remote) NameOf(hash string) string {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(r.Commits))) {
		if r.Commits[name] == hash {
			return name
		}
	}
	return hash
}
