package infrahub_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// lastImportTest is a mock server with a read-only repository that has imported v1.0.0.
type lastImportTest struct {
	*server
	client     *infrahub.Client
	remote     *mocktest.Remote
	repository infrahub.Repository
}

// importRef changes the ref to one whose import works.
func (l *lastImportTest) importRef(t *testing.T, ref string) {
	t.Helper()
	wantImported(t, changeRef(t, l.client, l.repository, ref), l.remote, ref)
	l.repository.Ref = ref
}

// failRef changes the ref to one whose import fails.
func (l *lastImportTest) failRef(t *testing.T, ref string) {
	t.Helper()
	wantFailure(t, changeRef(t, l.client, l.repository, ref), "")
	l.repository.Ref = ref
}

// mergeRef changes the ref on a branch, and merges the branch into main once the echoes have ended.
func (l *lastImportTest) mergeRef(t *testing.T, ref string) {
	t.Helper()
	l.createRelease(t)
	wantImported(t, changeRef(t, l.client.WithBranch("release"), l.repository, ref), l.remote, ref)
	time.Sleep(time.Minute)
	l.mergeRelease(t)
}

func TestLastImport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		do     func(t *testing.T, l *lastImportTest)
		reason string // "" if it worked or nothing is known
		moved  bool
	}{
		{"a create that worked", func(*testing.T, *lastImportTest) {}, "", false},
		{"a change that worked", func(t *testing.T, l *lastImportTest) { l.importRef(t, "v1.1.0") }, "", false},
		{"a change that worked after one that failed", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.importRef(t, "v1.0.0")
		}, "", false},
		{"a change that failed", func(t *testing.T, l *lastImportTest) { l.failRef(t, "v9.9.9") }, "Ref v9.9.9 not found.", false},
		{"a change that failed after one that worked", func(t *testing.T, l *lastImportTest) {
			l.importRef(t, "v1.1.0")
			l.failRef(t, "v2.0.0")
		}, "Repository 'network' has an invalid configuration file", false},
		{"a change of the location that started no import", func(t *testing.T, l *lastImportTest) {
			l.Ask(t, `mutation{CoreReadOnlyRepositoryUpdate(data:{id:"`+l.repository.ID+`" location:{value:"`+newFork(t).Path+`"}}){ok}}`)
		}, "it was never imported", true},
		{"a change of which half failed because a tag was moved", func(t *testing.T, l *lastImportTest) {
			l.remote.Release(t, "v1.1.0", queryFiles("moved"))
			l.failRef(t, "v1.1.0")
		}, "git fetch -v --prune --tags", false},
		{"a merge", func(t *testing.T, l *lastImportTest) { l.mergeRef(t, "v1.1.0") }, "", false},
		{"a merge after a change to the same ref that failed", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.importRef(t, "v1.0.0")
			time.Sleep(time.Minute)
			l.remote.Release(t, "v9.9.9", queryFiles("9"))
			l.mergeRef(t, "v9.9.9")
		}, "", false},
		{"an import on demand after a change that failed", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.remote.Release(t, "v9.9.9", queryFiles("9"))
			wantImported(t, startReimport(t, l.client, l.repository), l.remote, "v9.9.9")
		}, "", false},
		{"tasks that are not visible", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.Inject(mockserver.Fault{NoTasks: true})
		}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client, r := s.client(t), newRemote(t)
				created := createImported(t, client, readOnly(r, "v1.0.0"))
				test.do(t, &lastImportTest{server: s, client: client, remote: r, repository: created})
				moved, err := client.LastImport(t.Context(), *getRepository(t, client, infrahub.ReadOnly, created.ID))
				wantEqual(t, "moved", test.moved, moved)
				if test.reason == "" {
					if err != nil {
						t.Errorf("got %v, want no error", err)
					}
					return
				}
				if failure, ok := errors.AsType[*infrahub.ImportError](err); !ok || !strings.HasPrefix(failure.Reason, test.reason) {
					t.Errorf("got %v, want an ImportError for %q", err, test.reason)
				}
			})
		})
	}
}

func TestLastImport_ThatHasNotEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		client := s.client(t)
		created, _ := startCreate(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(10 * time.Second)
		moved, err := client.LastImport(t.Context(), created)
		wantEqual(t, "moved", false, moved)
		wantUnfinished(t, err, context.Canceled, addReadOnly+": RUNNING")
	})
}

func TestLastImport_OfAReadWriteRepositorySendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		moved, err := s.client(t).LastImport(t.Context(), infrahub.Repository{Kind: infrahub.ReadWrite, ID: missingID})
		if moved || err != nil {
			t.Errorf("got %t, %v", moved, err)
		}
		s.wantOperations(t)
	})
}
