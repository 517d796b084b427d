package infrahub

import (
	"testing"
	"time"
)

// The tasks that a changed ref starts differ from all others by their parameters and their age
// (infrahub-behaviour.md, Importing 21).
func TestExpectation_OfAChangedRef(t *testing.T) {
	t.Parallel()
	since := time.Date(2024, time.January, 1, 12, 0, 0, 0, time.UTC)
	changed := newOffline(t).importOfRefChange(Repository{Kind: ReadOnly, ID: "id", Ref: "v1.1.0"}, baseline{since: since})
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
		{"of an earlier change to the same ref", func(t *task) { t.Created = since }, false},
		{"of another workflow", func(t *task) { t.Workflow = addReadOnly }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, expected := range changed.expected {
				candidate := task{ID: "1", Workflow: expected.workflow, Created: since.Add(time.Millisecond)}
				candidate.Model.RepositoryID, candidate.Model.Branch, candidate.Model.Ref = "id", "main", new("v1.1.0")
				test.edit(&candidate)
				if got := expected.matches(candidate); got != test.want {
					t.Errorf("%s: %t, want %t", expected.workflow, got, test.want)
				}
			}
		})
	}
}
