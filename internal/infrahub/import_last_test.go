package infrahub_test

import (
	"errors"
	"net/http"
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

// deleteRelease deletes the branch, and with it the tasks that have imported on it.
func (l *lastImportTest) deleteRelease(t *testing.T) {
	t.Helper()
	l.Post(t, "main", `mutation{BranchDelete(data:{name:"release"}){ok}}`)
	time.Sleep(time.Minute)
}

// storeRef stores a ref on main without an import.
func (l *lastImportTest) storeRef(t *testing.T, ref string) {
	t.Helper()
	l.Post(t, "main", `mutation{CoreReadOnlyRepositoryUpsert(data:{id:"`+l.repository.ID+`" ref:{value:"`+ref+`"}}){ok}}`)
}

// listNoTasks makes the server list no tasks.
func (l *lastImportTest) listNoTasks() {
	l.Inject(mockserver.Fault{Operation: "Tasks", Status: http.StatusOK, ContentType: "application/json", Body: `{"data":{"InfrahubTask":{"edges":[]}}}`})
}

func TestLastImport(t *testing.T) {
	t.Parallel()
	failed := func(reason string) infrahub.LastImport { return infrahub.LastImport{Failure: errors.New(reason)} }
	neverImported := errors.New("no task of Infrahub has imported it")
	proven, stored := infrahub.LastImport{Proven: true}, infrahub.LastImport{Stored: true, Failure: neverImported}
	for _, test := range []struct {
		name string
		do   func(t *testing.T, l *lastImportTest)
		// want has the beginning of the reason as its Failure.
		want infrahub.LastImport
	}{
		{"a create that worked", func(*testing.T, *lastImportTest) {}, proven},
		{"a change that worked", func(t *testing.T, l *lastImportTest) { l.importRef(t, "v1.1.0") }, proven},
		{"a change that worked after one that failed", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.importRef(t, "v1.0.0")
		}, proven},
		{"a change that failed", func(t *testing.T, l *lastImportTest) { l.failRef(t, "v9.9.9") }, failed("Ref v9.9.9 not found.")},
		{"a change that failed after one that worked", func(t *testing.T, l *lastImportTest) {
			l.importRef(t, "v1.1.0")
			l.failRef(t, "v2.0.0")
		}, failed("Repository 'network' has an invalid configuration file")},
		{"a change of the location that started no import", func(t *testing.T, l *lastImportTest) {
			l.Ask(t, `mutation{CoreReadOnlyRepositoryUpdate(data:{id:"`+l.repository.ID+`" location:{value:"`+newFork(t).Path+`"}}){ok}}`)
		}, infrahub.LastImport{Moved: true, Stored: true, Failure: neverImported}},
		{"a change of which half failed because a tag was moved", func(t *testing.T, l *lastImportTest) {
			l.remote.Release(t, "v1.1.0", queryFiles("moved"))
			l.failRef(t, "v1.1.0")
		}, failed("git fetch -v --prune --tags")},
		{"a merge", func(t *testing.T, l *lastImportTest) { l.mergeRef(t, "v1.1.0") }, proven},
		{"a merge after a change to the same ref that failed", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.importRef(t, "v1.0.0")
			time.Sleep(time.Minute)
			l.remote.Release(t, "v9.9.9", queryFiles("9"))
			l.mergeRef(t, "v9.9.9")
		}, proven},
		{"a merge of a branch that was deleted", func(t *testing.T, l *lastImportTest) {
			l.mergeRef(t, "v1.1.0")
			l.deleteRelease(t)
		}, infrahub.LastImport{}},
		{"a ref that was stored alone before a merge", func(t *testing.T, l *lastImportTest) {
			l.storeRef(t, "v1.1.0")
			l.createRelease(t)
			l.mergeRelease(t)
			l.deleteRelease(t)
		}, stored},
		{"an import on demand after a change that failed", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.remote.Release(t, "v9.9.9", queryFiles("9"))
			wantImported(t, startReimport(t, l.client, l.repository), l.remote, "v9.9.9")
		}, proven},
		{"tasks that are not visible", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.Inject(mockserver.Fault{NoTasks: true})
		}, infrahub.LastImport{TasksHidden: true}},
		{"tasks that are not listed any more", func(_ *testing.T, l *lastImportTest) { l.listNoTasks() }, infrahub.LastImport{}},
		{"a ref that was stored", func(t *testing.T, l *lastImportTest) { l.storeRef(t, "v1.1.0") }, stored},
		{"a ref that was stored after the commit was imported again", func(t *testing.T, l *lastImportTest) {
			wantImported(t, startReimport(t, l.client, l.repository), l.remote, "v1.0.0")
			l.storeRef(t, "v1.1.0")
		}, stored},
		{"an earlier ref that was stored again", func(t *testing.T, l *lastImportTest) {
			l.importRef(t, "v1.1.0")
			l.storeRef(t, "v1.0.0")
		}, stored},
		{"a ref that failed and was stored again after another", func(t *testing.T, l *lastImportTest) {
			l.failRef(t, "v9.9.9")
			l.importRef(t, "v1.1.0")
			l.storeRef(t, "v9.9.9")
		}, stored},
		{"an earlier ref that was stored again with the commit that it had", func(t *testing.T, l *lastImportTest) {
			l.importRef(t, "v1.1.0")
			l.importRef(t, "v1.0.0")
			l.storeRef(t, "v1.1.0")
			l.storeRef(t, "v1.0.0")
		}, proven},
		{"a stored ref that was imported on demand", func(t *testing.T, l *lastImportTest) {
			l.storeRef(t, "v1.1.0")
			l.repository.Ref = "v1.1.0"
			wantImported(t, startReimport(t, l.client, l.repository), l.remote, "v1.1.0")
		}, proven},
		{"a stored ref that was imported on demand, and another one stored then", func(t *testing.T, l *lastImportTest) {
			l.importRef(t, "v1.1.0")
			l.storeRef(t, "v1.0.0")
			l.repository.Ref = "v1.0.0"
			wantImported(t, startReimport(t, l.client, l.repository), l.remote, "v1.0.0")
			l.storeRef(t, "v1.1.0")
		}, stored},
		{"a ref that was stored with its commit", func(t *testing.T, l *lastImportTest) {
			l.Ask(t, `mutation{CoreReadOnlyRepositoryUpsert(data:{id:"`+l.repository.ID+`" ref:{value:"v1.1.0"} commit:{value:"`+l.remote.Commits["v1.1.0"]+`"}}){ok}}`)
		}, stored},
		{"a create that failed", func(t *testing.T, l *lastImportTest) {
			l.Ask(t, `mutation{CoreReadOnlyRepositoryDelete(data:{id:"`+l.repository.ID+`"}){ok}}`)
			created, started := startCreate(t, l.client, readOnly(l.remote, "v9.9.9"))
			wantFailure(t, started, "")
			l.repository = created
		}, failed("The branch v9.9.9 isn't a valid branch")},
		{"a repository without a commit and tasks", func(t *testing.T, l *lastImportTest) {
			l.Ask(t, `mutation{CoreReadOnlyRepositoryDelete(data:{id:"`+l.repository.ID+`"}){ok}}`)
			created, started := startCreate(t, l.client, readOnly(l.remote, "v9.9.9"))
			wantFailure(t, started, "")
			l.repository = created
			l.listNoTasks()
		}, failed("it has no commit")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client, r := s.client(t), newRemote(t)
				created := createImported(t, client, readOnly(r, "v1.0.0"))
				l := &lastImportTest{server: s, client: client, remote: r, repository: created}
				test.do(t, l)
				last, err := client.LastImport(t.Context(), *getRepository(t, client, infrahub.ReadOnly, l.repository.ID))
				must(t, err)
				failure, failed := errors.AsType[*infrahub.ImportError](last.Failure)
				switch {
				case test.want.Failure == nil && last.Failure != nil:
					t.Errorf("got %v, want no failure", last.Failure)
				case test.want.Failure != nil && (!failed || !strings.HasPrefix(failure.Reason, test.want.Failure.Error())):
					t.Errorf("got %v, want an ImportError for %q", last.Failure, test.want.Failure)
				}
				last.Failure, test.want.Failure = nil, nil
				wantEqual(t, "last import", test.want, last)
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
		last, err := client.LastImport(t.Context(), created)
		must(t, err)
		wantUnfinished(t, last.Failure, infrahub.ErrStillRunning(), addReadOnly+": RUNNING")
	})
}

// A changed ref starts two tasks: one that has completed proves nothing while the other runs.
func TestLastImport_HalfOfWhichHasNotEnded(t *testing.T) {
	t.Parallel()
	for half, running := range map[string]string{"the pull": pullReadOnly, "the fetch": importLast} {
		t.Run(half, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client, r := s.client(t), newRemote(t)
				created := createImported(t, client, readOnly(r, "v1.0.0"))
				time.Sleep(time.Minute)
				s.Inject(mockserver.Fault{StuckTask: true, Operation: running})
				changeRef(t, client, created, "v1.1.0")
				time.Sleep(time.Minute)
				last, err := client.LastImport(t.Context(), *getRepository(t, client, infrahub.ReadOnly, created.ID))
				must(t, err)
				wantUnfinished(t, last.Failure, infrahub.ErrStillRunning(), running+": RUNNING")
			})
		})
	}
}

// The server lists the tasks of all repositories, a page at a time.
func TestLastImport_WhoseTasksAreNotOnTheFirstPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client, r := s.client(t), newRemote(t)
		l := &lastImportTest{server: s, client: client, remote: r, repository: createImported(t, client, readOnly(r, "v1.0.0"))}
		busy := createImported(t, client, infrahub.Repository{Kind: infrahub.ReadOnly, Name: "busy", Location: mocktest.NewRemote(t, t.TempDir(), "busy.git", "v1.0.0").Path, Ref: "v1.0.0"})
		for range 200 {
			l.Ask(t, `mutation{InfrahubReadOnlyRepositoryImportLastCommit(data:{id:"`+busy.ID+`"}){ok}}`)
		}
		time.Sleep(time.Minute)
		last, err := client.LastImport(t.Context(), l.repository)
		must(t, err)
		wantEqual(t, "last import", infrahub.LastImport{Proven: true}, last)
		l.storeRef(t, "v1.1.0")
		last, err = client.LastImport(t.Context(), *getRepository(t, client, infrahub.ReadOnly, l.repository.ID))
		must(t, err)
		wantEqual(t, "stored", true, last.Stored)
	})
}

func TestLastImport_OfAReadWriteRepositorySendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		last, err := s.client(t).LastImport(t.Context(), infrahub.Repository{Kind: infrahub.ReadWrite, ID: missingID})
		must(t, err)
		wantEqual(t, "last import", infrahub.LastImport{Proven: true}, last)
		s.wantOperations(t)
	})
}
