package infrahub

import (
	"net/url"
	"testing"
	"time"
)

// Of all tasks on a server those that a bump started are told by what they were asked to do and when: an
// echo has the commit, and what was there before the bump is older (infrahub.md, Importing).
func TestExpectation_OfABump(t *testing.T) {
	t.Parallel()
	client, err := New(Config{Address: &url.URL{Scheme: "http", Host: "infrahub.test"}, Branch: "main", Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	since := time.Date(2024, time.January, 1, 12, 0, 0, 0, time.UTC)
	bumped := client.importOfRefChange(Repository{Kind: ReadOnly, ID: "ours", Ref: "v1.1.0"}, baseline{since: since})
	for _, test := range []struct {
		name string
		edit func(t *task)
		want bool
	}{
		{"its own", func(*task) {}, true},
		{"its echo", func(t *task) { t.Model.Commit = new("0d0c96ac") }, false},
		{"of another ref", func(t *task) { t.Model.Ref = new("v1.0.0") }, false},
		{"of no ref", func(t *task) { t.Model.Ref = nil }, false},
		{"of another repository", func(t *task) { t.Model.RepositoryID = "other" }, false},
		{"on another branch", func(t *task) { t.Model.Branch = "feature" }, false},
		{"of an earlier bump to the same ref", func(t *task) { t.Created = since }, false},
		{"of another workflow", func(t *task) { t.Workflow = addReadOnly }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, expected := range bumped.expected {
				of := task{ID: "1", Workflow: expected.workflow, Created: since.Add(time.Millisecond)}
				of.Model.RepositoryID, of.Model.Branch, of.Model.Ref = "ours", "main", new("v1.1.0")
				test.edit(&of)
				if got := expected.matches(of); got != test.want {
					t.Errorf("%s: %t, want %t", expected.workflow, got, test.want)
				}
			}
		})
	}
}
