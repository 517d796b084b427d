package infrahub_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const (
	addReadOnly  = "git-repository-add-read-only"
	addReadWrite = "git-repository-add-read-write"
	pullReadOnly = "git-repository-pull-read-only"
	importLast   = "git-read-only-repository-import-last-commit"
)

// live is a mock that takes its time as a server does.
func live() mockserver.Options { return mockserver.Options{Delay: mockserver.LiveDelay} }

// patient is for an import that ends: one that does not fails the test instead of hanging it.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// begin creates a repository without waiting for its import.
func begin(t *testing.T, client *infrahub.Client, wanted infrahub.Repository) (infrahub.Repository, *infrahub.Import) {
	t.Helper()
	id, started, err := client.CreateRepository(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	wanted.ID = id
	return wanted, started
}

// settle waits for an import that has to work.
func settle(t *testing.T, started *infrahub.Import) *infrahub.Imported {
	t.Helper()
	done, err := started.Wait(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// established creates a repository and returns it as imported.
func established(t *testing.T, client *infrahub.Client, wanted infrahub.Repository) infrahub.Repository {
	t.Helper()
	_, started := begin(t, client, wanted)
	return settle(t, started).Repository
}

// bump starts the import of another ref.
func bump(t *testing.T, client *infrahub.Client, before infrahub.Repository, ref string) *infrahub.Import {
	t.Helper()
	after := before
	after.Ref = ref
	started, err := client.UpdateRepository(t.Context(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	if started == nil {
		t.Fatalf("a bump to %s started no import", ref)
	}
	return started
}

// done checks that an import worked, and what it imported.
func (r remote) done(t *testing.T, started *infrahub.Import, name string) {
	t.Helper()
	got, err := started.Wait(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	if commit := r.name(got.Commit); commit != name || got.SyncStatus != "in-sync" || got.OperationalStatus != "online" || got.Warning != "" {
		t.Errorf("imported %s, %s and %s, warning %q; want %s, in-sync and online", commit, got.SyncStatus, got.OperationalStatus, got.Warning, name)
	}
}

// importError checks that an import failed, and for what reason (its beginning).
func importError(t *testing.T, started *infrahub.Import, reason string) *infrahub.ImportError {
	t.Helper()
	done, err := started.Wait(patient(t))
	var failure *infrahub.ImportError
	if !errors.As(err, &failure) || !strings.HasPrefix(failure.Reason, reason) {
		t.Fatalf("got %v, %v; want an ImportError for %q", done, err, reason)
	}
	return failure
}

// fails is importError where the reason is all that counts.
func fails(t *testing.T, started *infrahub.Import, reason string) {
	t.Helper()
	_ = importError(t, started, reason)
}

// unfinished checks that the wait for an import was given up.
func unfinished(t *testing.T, err, cause error) *infrahub.UnfinishedError {
	t.Helper()
	var failure *infrahub.UnfinishedError
	if !errors.As(err, &failure) || !errors.Is(err, cause) {
		t.Fatalf("got %v, want an UnfinishedError for %v", err, cause)
	}
	return failure
}

// ended are the tasks of a workflow that have ended, on any branch.
func (s *server) ended(t *testing.T, workflow string) int {
	t.Helper()
	tasks, _ := s.ask(t, `{InfrahubTask(workflow:["`+workflow+`"] state:[COMPLETED FAILED]){count}}`)["InfrahubTask"].(map[string]any)
	count, _ := tasks["count"].(float64)
	return int(count)
}

// delays are the times that an import may take: all of them must do.
func delays(t *testing.T, test func(t *testing.T, options mockserver.Options)) {
	t.Helper()
	for name, delay := range map[string]mockserver.Delay{"no delay": mockserver.NoDelay, "live delay": mockserver.LiveDelay} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, mockserver.Options{Delay: delay}) })
		})
	}
}

func TestImport_OfACreate(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			delays(t, func(t *testing.T, options mockserver.Options) {
				s := start(t, options)
				r := newRemote(t)
				wanted := readOnly(r, "main")
				wanted.Kind = kind
				_, started := begin(t, s.client(t), wanted)
				r.done(t, started, "main")
				if s.ended(t, map[infrahub.Kind]string{infrahub.ReadOnly: addReadOnly, infrahub.ReadWrite: addReadWrite}[kind]) != 1 {
					t.Error("the wait was over before the task")
				}
			})
		})
	}
}

func TestImport_OfABump(t *testing.T) {
	t.Parallel()
	delays(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := established(t, client, readOnly(r, "v1.0.0"))
		time.Sleep(time.Minute) // the echo of the create is over
		pulls, imports := s.ended(t, pullReadOnly), s.ended(t, importLast)
		s.log.Reset()
		r.done(t, bump(t, client, before, "v1.1.0"), "v1.1.0")
		if s.ended(t, pullReadOnly) <= pulls || s.ended(t, importLast) <= imports {
			t.Error("the wait was over before both tasks")
		}
		if difference := cmp.Diff(object{"id": before.ID, "ref": set("v1.1.0")}, s.variables(t, "UpdateReadOnlyRepository")); difference != "" {
			t.Error(difference)
		}
		if node, err := client.Repositories(infrahub.ReadOnly).Get(t.Context(), before.ID); err != nil || node.Ref != "v1.1.0" {
			t.Errorf("the ref is %v, %v", node, err)
		}
	})
}

func TestImport_OfABumpWithOtherChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		before := established(t, client, readOnly(r, "v1.0.0"))
		after := before
		after.Ref, after.Name = "v1.1.0", "renamed"
		started, err := client.UpdateRepository(t.Context(), before, after)
		if err != nil {
			t.Fatal(err)
		}
		r.done(t, started, "v1.1.0")
		want := object{"id": before.ID, "ref": set("v1.1.0"), "name": set("renamed")}
		if difference := cmp.Diff(want, s.variables(t, "UpdateReadOnlyRepository")); difference != "" {
			t.Error(difference)
		}
	})
}

// Every import, its echo included, has tasks much like the next one's.
func TestImport_IsNotMistakenForAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		do   func(t *testing.T, client *infrahub.Client, r remote, created infrahub.Repository, creating *infrahub.Import)
	}{
		{"a bump right after a create", func(t *testing.T, client *infrahub.Client, r remote, created infrahub.Repository, creating *infrahub.Import) {
			settle(t, creating) // its echo goes on
			r.done(t, bump(t, client, created, "v1.1.0"), "v1.1.0")
		}},
		{"a bump while a create goes on", func(t *testing.T, client *infrahub.Client, r remote, created infrahub.Repository, _ *infrahub.Import) {
			r.done(t, bump(t, client, created, "v1.1.0"), "v1.1.0")
		}},
		{"a bump to a missing ref right after a create", func(t *testing.T, client *infrahub.Client, _ remote, created infrahub.Repository, creating *infrahub.Import) {
			settle(t, creating)
			fails(t, bump(t, client, created, "v9.9.9"), "Ref v9.9.9 not found.")
		}},
		{"a bump back", func(t *testing.T, client *infrahub.Client, r remote, created infrahub.Repository, creating *infrahub.Import) {
			settle(t, creating)
			for _, ref := range []string{"v1.1.0", "v1.0.0", "v1.1.0", "v1.0.0"} {
				r.done(t, bump(t, client, created, ref), ref)
				created.Ref = ref
			}
		}},
		{"a bump to a ref that failed before", func(t *testing.T, client *infrahub.Client, r remote, created infrahub.Repository, creating *infrahub.Import) {
			settle(t, creating)
			fails(t, bump(t, client, created, "v3.0.0"), "Ref v3.0.0 not found.")
			created.Ref = "v3.0.0"
			r.done(t, bump(t, client, created, "v1.0.0"), "v1.0.0")
			created.Ref = "v1.0.0"
			r.release(t, "v3.0.0", imports("3.0"))
			r.done(t, bump(t, client, created, "v3.0.0"), "v3.0.0")
		}},
		{"a bump to a ref that worked before", func(t *testing.T, client *infrahub.Client, r remote, created infrahub.Repository, creating *infrahub.Import) {
			settle(t, creating)
			r.on(t, "moving")
			r.done(t, bump(t, client, created, "moving"), "main")
			created.Ref = "moving"
			r.done(t, bump(t, client, created, "v1.0.0"), "v1.0.0")
			created.Ref = "v1.0.0"
			r.commit(t, "moved", broken())
			fails(t, bump(t, client, created, "moving"), "Repository 'network' has an invalid configuration file '.infrahub.yml'.")
		}},
		{"a bump while another one goes on", func(t *testing.T, client *infrahub.Client, r remote, created infrahub.Repository, creating *infrahub.Import) {
			settle(t, creating)
			first := bump(t, client, created, "v1.1.0")
			created.Ref = "v1.1.0"
			r.done(t, bump(t, client, created, "main"), "main")
			if _, err := first.Wait(patient(t)); err != nil {
				t.Errorf("the first bump: %v", err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			delays(t, func(t *testing.T, options mockserver.Options) {
				client := start(t, options).client(t)
				r := newRemote(t)
				created, creating := begin(t, client, readOnly(r, "v1.0.0"))
				test.do(t, client, r, created, creating)
			})
		})
	}
}

func TestImport_OnABranchLeavesMainAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		before := established(t, client, readOnly(r, "v1.0.0"))
		s.ask(t, `mutation{BranchCreate(data:{name:"release"} wait_until_completion:true){ok}}`)
		onBranch := s.client(t, func(config *infrahub.Config) { config.Branch = "release" })
		r.done(t, bump(t, onBranch, before, "v1.1.0"), "v1.1.0")
		if node, err := client.Repositories(infrahub.ReadOnly).Get(t.Context(), before.ID); err != nil || r.name(node.Commit) != "v1.0.0" || node.Ref != "v1.0.0" {
			t.Errorf("main has %v, %v", node, err)
		}
		failure := importError(t, bump(t, onBranch, before, "v9.9.9"), "Ref v9.9.9 not found.")
		if failure.Branch != "release" {
			t.Errorf("failed on branch %s", failure.Branch)
		}
	})
}

func TestImport_Fails(t *testing.T) {
	t.Parallel()
	const invalid = "Repository 'network' has an invalid configuration file '.infrahub.yml'. The file could not be parsed as valid YAML: "
	for _, test := range []struct {
		name, before, ref string // a before of "" is a create
		reason            string
		cause             infrahub.Cause
		workflows         []string
		commit            string // what the node has then
	}{
		{"a create, ref missing", "", "v9.9.9", "The branch v9.9.9 isn't a valid branch for the repository network at ", infrahub.RefMissing, []string{addReadOnly}, "none"},
		{"a create, broken .infrahub.yml", "", "v2.0.0", invalid, infrahub.ConfigurationInvalid, []string{addReadOnly}, "v2.0.0"},
		{"a bump, ref missing", "v1.0.0", "v9.9.9", "Ref v9.9.9 not found.", infrahub.RefMissing, []string{pullReadOnly, importLast}, "v1.0.0"},
		{"a bump, broken .infrahub.yml", "v1.0.0", "v2.0.0", invalid, infrahub.ConfigurationInvalid, []string{pullReadOnly, importLast}, "v2.0.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			delays(t, func(t *testing.T, options mockserver.Options) {
				s := start(t, options)
				client := s.client(t)
				r := newRemote(t)
				asked, request := readOnly(r, test.ref), "CreateReadOnlyRepository"
				var started *infrahub.Import
				if test.before == "" {
					asked, started = begin(t, client, asked)
				} else {
					request = "UpdateReadOnlyRepository"
					before := established(t, client, readOnly(r, test.before))
					asked.ID = before.ID
					started = bump(t, client, before, test.ref)
				}
				failure := importError(t, started, test.reason)
				if failure.Repository.ID != asked.ID || failure.Repository.Ref != test.ref || failure.Branch != "main" || failure.State != "FAILED" ||
					failure.TaskID == "" || !slices.Contains(test.workflows, failure.Workflow) || failure.Cause != test.cause {
					t.Errorf("got %+v", failure)
				}
				if id := s.requests(request)[0].RequestID; failure.RequestID != id {
					t.Errorf("started by the request %q, want %q", failure.RequestID, id)
				}
				if text := failure.Error(); !strings.HasPrefix(text, "import of read-only repository network at "+test.ref+": "+test.reason) {
					t.Errorf("says %q", text)
				}
				if node, err := client.Repositories(infrahub.ReadOnly).Get(t.Context(), asked.ID); err != nil || r.name(node.Commit) != test.commit {
					t.Errorf("the node is %+v, %v; want commit %s", node, err, test.commit)
				}
			})
		})
	}
}

func TestImport_ReadWriteWithABrokenDefaultBranch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t)
		r.commit(t, "main", broken())
		_, started := begin(t, start(t, live()).client(t), readWrite(r))
		failure := importError(t, started, "Repository 'network' has an invalid configuration file '.infrahub.yml'.")
		if failure.Workflow != addReadWrite {
			t.Errorf("got %+v", failure)
		}
	})
}

// What was asked for is the default branch: the others are worth a warning (infrahub.md, Importing).
func TestImport_ReadWriteWithAnotherBranchThatIsBroken(t *testing.T) {
	t.Parallel()
	delays(t, func(t *testing.T, options mockserver.Options) {
		r := newRemote(t)
		r.on(t, "feature")
		r.commit(t, "feature", broken())
		_, started := begin(t, start(t, options).client(t), readWrite(r))
		done := settle(t, started)
		if commit := r.name(done.Commit); commit != "main" || done.SyncStatus != "in-sync" {
			t.Errorf("imported %s, %s; want main, in-sync", commit, done.SyncStatus)
		}
		for _, part := range []string{"Unable to synchronize the following branches of repository network", "feature (step=import)"} {
			if !strings.Contains(done.Warning, part) {
				t.Errorf("warns %q, want %q in it", done.Warning, part)
			}
		}
	})
}

// The server starts nothing for a ref that it has already.
func TestImport_OfARefThatSomeoneElseWasFasterToSet(t *testing.T) {
	t.Parallel()
	delays(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := established(t, client, readOnly(r, "v1.0.0"))
		settle(t, bump(t, s.client(t), before, "v1.1.0"))
		s.log.Reset()
		r.done(t, bump(t, client, before, "v1.1.0"), "v1.1.0")
		for _, operation := range []string{"ImportLatestCommit", "ReimportCommit"} {
			if difference := cmp.Diff(object{"id": before.ID}, s.variables(t, operation)); difference != "" {
				t.Error(difference)
			}
		}
	})
}

func TestReimport_ReadOnlyTakesOverWhatTheRefStandsForNow(t *testing.T) {
	t.Parallel()
	delays(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := established(t, client, readOnly(r, "main"))
		r.commit(t, "pushed", imports("pushed"))
		s.log.Reset()
		started, err := client.Reimport(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		r.done(t, started, "pushed")
		for _, operation := range []string{"ImportLatestCommit", "ReimportCommit"} {
			if difference := cmp.Diff(object{"id": before.ID}, s.variables(t, operation)); difference != "" {
				t.Error(difference)
			}
		}
		if changed := s.requests("UpdateReadOnlyRepository"); len(changed) != 0 {
			t.Errorf("sent %d updates", len(changed))
		}
	})
}

func TestReimport_ReadWriteImportsItsCommitAgain(t *testing.T) {
	t.Parallel()
	delays(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r := newRemote(t)
		before := established(t, client, readWrite(r))
		s.log.Reset()
		started, err := client.Reimport(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		r.done(t, started, "main")
		if difference := cmp.Diff(object{"id": before.ID}, s.variables(t, "ReimportCommit")); difference != "" {
			t.Error(difference)
		}
		if asked := s.requests("ImportLatestCommit"); len(asked) != 0 {
			t.Errorf("asked %d times for the latest commit", len(asked))
		}
		if ended := s.ended(t, "git-repository-import-object"); ended != 1 {
			t.Errorf("the wait was over after %d imports, want one", ended)
		}
	})
}

func TestReimport_OfWhatIsBrokenNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		r := newRemote(t)
		before := established(t, client, readOnly(r, "main"))
		r.commit(t, "pushed", broken())
		started, err := client.Reimport(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		fails(t, started, "Repository 'network' has an invalid configuration file '.infrahub.yml'.")
	})
}

func TestReimport_OfAMissingRepository(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, err := start(t, mockserver.Options{}).client(t).Reimport(t.Context(), infrahub.Repository{Kind: kind, ID: nobody, Name: "network"})
				ofKind(t, err, infrahub.ErrNotFound)
			})
		})
	}
}

// Tasks that have all completed do not make up for a repository that says it is not well.
func TestImport_ThatTheRepositoryDoesNotAgreeWith(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		options := live()
		options.SyncInterval = 10 * time.Second
		client := start(t, options).client(t)
		r := newRemote(t)
		before := established(t, client, readWrite(r))
		if err := os.Rename(r.Path, r.Path+".gone"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second) // the periodic sync finds nothing
		started, err := client.Reimport(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		fails(t, started, "its tasks completed, but the repository is in-sync and error")
		if took := time.Since(began); took < time.Minute || took > 70*time.Second {
			t.Errorf("gave it %s to settle, want a minute", took)
		}
	})
}

func TestImport_OfARepositoryThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]*mockserver.Fault{"its task fails": nil, "its task never ends": {StuckTask: true, Operation: addReadOnly}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				if fault != nil {
					s.Inject(*fault)
				}
				client := s.client(t)
				created, started := begin(t, client, readOnly(newRemote(t), "v1.0.0"))
				time.AfterFunc(400*time.Millisecond, func() {
					if err := client.Repositories(infrahub.ReadOnly).Delete(t.Context(), created.ID); err != nil {
						t.Error(err)
					}
				})
				began := time.Now()
				_, err := started.Wait(patient(t))
				var failure *infrahub.ImportError
				if !errors.As(err, &failure) && !errors.Is(err, infrahub.ErrNotFound) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > 40*time.Second {
					t.Errorf("noticed it after %s", took)
				}
			})
		})
	}
}

func TestImport_ThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, stuck string
		states      []string // the beginnings, of pull and import
	}{
		{"one task runs", pullReadOnly, []string{pullReadOnly + ": RUNNING, task ", importLast + ": COMPLETED, task "}},
		{"the other task runs", importLast, []string{pullReadOnly + ": COMPLETED, task ", importLast + ": RUNNING, task "}},
		{"both run", "", []string{pullReadOnly + ": RUNNING, task ", importLast + ": RUNNING, task "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				before := established(t, client, readOnly(newRemote(t), "v1.0.0"))
				time.Sleep(time.Minute) // the echo of the create is over
				s.Inject(mockserver.Fault{StuckTask: true, Operation: test.stuck})
				started := bump(t, client, before, "v1.1.0")
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
				defer cancel()
				began := time.Now()
				_, err := started.Wait(ctx)
				failure := unfinished(t, err, context.DeadlineExceeded)
				if took := time.Since(began); took != 100*time.Second {
					t.Errorf("waited for %s, want 100 s", took)
				}
				if len(failure.Tasks) != 2 || !strings.HasPrefix(failure.Tasks[0], test.states[0]) || !strings.HasPrefix(failure.Tasks[1], test.states[1]) {
					t.Errorf("was at %q, want %q", failure.Tasks, test.states)
				}
				if id := s.requests("UpdateReadOnlyRepository")[0].RequestID; failure.RequestID != id || failure.Branch != "main" || failure.Repository.Ref != "v1.1.0" {
					t.Errorf("got %+v, want the request %s", failure, id)
				}
			})
		})
	}
}

func TestImport_ThatIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		_, started := begin(t, s.client(t), readOnly(newRemote(t), "v1.0.0"))
		began := time.Now()
		_, err := started.Wait(canceledAfter(t, 7*time.Second))
		failure := unfinished(t, err, context.Canceled)
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("waited for %s, want 7 s", took)
		}
		if len(failure.Tasks) != 1 || !strings.HasPrefix(failure.Tasks[0], addReadOnly+": RUNNING, task ") {
			t.Errorf("was at %q", failure.Tasks)
		}
	})
}

func TestImport_ThatHasNotStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		_, started := begin(t, s.client(t), readOnly(newRemote(t), "v1.0.0"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := started.Wait(ctx)
		if failure := unfinished(t, err, context.Canceled); !slices.Equal(failure.Tasks, []string{addReadOnly + ": not started"}) {
			t.Errorf("was at %q", failure.Tasks)
		}
	})
}

// logged is an answer about a failed task whose log has these lines.
func logged(times int, messages ...string) mockserver.Fault {
	var lines []string
	for _, message := range messages {
		lines = append(lines, `{"node":{"message":"`+message+`","severity":"error"}}`)
	}
	return mockserver.Fault{
		Operation: "TaskLogs", Times: times, Status: 200, ContentType: "application/json",
		Body: `{"data":{"InfrahubTask":{"edges":[{"node":{"logs":{"edges":[` + strings.Join(lines, ",") + `]}}}]}}}`,
	}
}

// The line of a log that tells the reason can come seconds after the task has ended.
func TestImport_LogThatComesLate(t *testing.T) {
	t.Parallel()
	const half = "Encountered exception during execution: ValueError('Half the reason')"
	for _, test := range []struct {
		name         string
		fault        mockserver.Fault
		reason       string
		least, limit time.Duration
	}{
		{"it is waited for", logged(8), "The branch v9.9.9 isn't a valid branch", time.Second, 4 * time.Second},
		{"also where there is half a reason", logged(8, half), "The branch v9.9.9 isn't a valid branch", time.Second, 4 * time.Second},
		{"but not for ever", logged(0, half), "Half the reason", 10 * time.Second, 11 * time.Second},
		{"and not where it never comes", logged(0), "the task ended as FAILED and its log does not say why", 10 * time.Second, 11 * time.Second},
		{
			"nor where it cannot be read", refused("TaskLogs", "PERMISSION_DENIED", 0),
			"the task ended as FAILED; its log could not be read: TaskLogs: Refused", 0, time.Second,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				_, started := begin(t, client, readOnly(newRemote(t), "v9.9.9"))
				time.Sleep(time.Minute) // the task has ended
				s.Inject(test.fault)
				began := time.Now()
				fails(t, started, test.reason)
				if took := time.Since(began); took < test.least || took > test.limit {
					t.Errorf("took %s, want %s to %s", took, test.least, test.limit)
				}
			})
		})
	}
}

// A late echo would record the earlier commit over the later one, so a bump waits for the end of it.
func TestImport_BumpWaitsForEarlierImports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		client := s.client(t)
		r := newRemote(t)
		created, _ := begin(t, client, readOnly(r, "v1.0.0"))
		started := bump(t, client, created, "v1.1.0")
		if before := s.ended(t, addReadOnly) + s.ended(t, pullReadOnly) + s.ended(t, importLast); before != 3 {
			t.Errorf("the bump was sent after the end of %d tasks, want the create's and both of its echo", before)
		}
		r.done(t, started, "v1.1.0")
	})
}

func TestImport_BumpDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true, Operation: addReadOnly, Times: 1})
		client := s.client(t)
		r := newRemote(t)
		created, _ := begin(t, client, readOnly(r, "v1.0.0"))
		time.Sleep(10 * time.Second)
		began := time.Now()
		started := bump(t, client, created, "v1.1.0")
		if took := time.Since(began); took < infrahub.IdleTimeout || took > infrahub.IdleTimeout+5*time.Second {
			t.Errorf("waited for %s, want %s", took, infrahub.IdleTimeout)
		}
		r.done(t, started, "v1.1.0")
	})
}

func TestImport_BumpThatIsGivenUpWhileItWaitsIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		client := s.client(t)
		before, _ := begin(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(10 * time.Second)
		after := before
		after.Ref = "v1.1.0"
		if _, err := client.UpdateRepository(canceledAfter(t, 5*time.Second), before, after); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if sent := s.requests("UpdateReadOnlyRepository"); len(sent) != 0 {
			t.Errorf("sent %d updates", len(sent))
		}
	})
}

func TestLastImport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		do     func(t *testing.T, s *server, client *infrahub.Client, r remote, created infrahub.Repository)
		reason string // "" is that it worked
		moved  bool
	}{
		{"worked", func(*testing.T, *server, *infrahub.Client, remote, infrahub.Repository) {}, "", false},
		{"worked, a bump", func(t *testing.T, _ *server, client *infrahub.Client, r remote, created infrahub.Repository) {
			r.done(t, bump(t, client, created, "v1.1.0"), "v1.1.0")
		}, "", false},
		{"worked, after one that failed", func(t *testing.T, _ *server, client *infrahub.Client, r remote, created infrahub.Repository) {
			fails(t, bump(t, client, created, "v9.9.9"), "")
			created.Ref = "v9.9.9"
			r.done(t, bump(t, client, created, "v1.0.0"), "v1.0.0")
		}, "", false},
		{"failed", func(t *testing.T, _ *server, client *infrahub.Client, _ remote, created infrahub.Repository) {
			fails(t, bump(t, client, created, "v9.9.9"), "")
		}, "Ref v9.9.9 not found.", false},
		{"failed, after one that worked", func(t *testing.T, _ *server, client *infrahub.Client, r remote, created infrahub.Repository) {
			r.done(t, bump(t, client, created, "v1.1.0"), "v1.1.0")
			created.Ref = "v1.1.0"
			fails(t, bump(t, client, created, "v2.0.0"), "")
		}, "Repository 'network' has an invalid configuration file", false},
		{"was never started, for the location changed alone", func(t *testing.T, s *server, _ *infrahub.Client, _ remote, created infrahub.Repository) {
			s.ask(t, `mutation{CoreReadOnlyRepositoryUpdate(data:{id:"`+created.ID+`" location:{value:"`+newFork(t).Path+`"}}){ok}}`)
		}, "it was never imported", true},
		{"failed by half, for a tag was moved", func(t *testing.T, _ *server, client *infrahub.Client, r remote, created infrahub.Repository) {
			r.release(t, "v1.1.0", imports("moved"))
			fails(t, bump(t, client, created, "v1.1.0"), "")
		}, "git fetch -v --prune --tags", false},
		{"was brought by a merge", func(t *testing.T, s *server, client *infrahub.Client, r remote, created infrahub.Repository) {
			s.newRelease(t)
			r.done(t, bump(t, client.WithBranch("release"), created, "v1.1.0"), "v1.1.0")
			time.Sleep(time.Minute) // the echo
			s.mergeRelease(t)
		}, "", false},
		{"failed, and was brought by a merge then", func(t *testing.T, s *server, client *infrahub.Client, r remote, created infrahub.Repository) {
			fails(t, bump(t, client, created, "v9.9.9"), "")
			created.Ref = "v9.9.9"
			r.done(t, bump(t, client, created, "v1.0.0"), "v1.0.0")
			created.Ref = "v1.0.0"
			time.Sleep(time.Minute)
			s.newRelease(t)
			r.release(t, "v9.9.9", imports("9"))
			r.done(t, bump(t, client.WithBranch("release"), created, "v9.9.9"), "v9.9.9")
			time.Sleep(time.Minute)
			s.mergeRelease(t)
		}, "", false},
		{"failed, and was repaired by an import on demand", func(t *testing.T, _ *server, client *infrahub.Client, r remote, created infrahub.Repository) {
			fails(t, bump(t, client, created, "v9.9.9"), "")
			r.release(t, "v9.9.9", imports("9"))
			created.Ref = "v9.9.9"
			started, err := client.Reimport(t.Context(), created)
			if err != nil {
				t.Fatal(err)
			}
			r.done(t, started, "v9.9.9")
		}, "", false},
		{"cannot be seen", func(t *testing.T, s *server, client *infrahub.Client, _ remote, created infrahub.Repository) {
			fails(t, bump(t, client, created, "v9.9.9"), "")
			s.Inject(mockserver.Fault{NoTasks: true})
		}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, live())
				client := s.client(t)
				r := newRemote(t)
				created := established(t, client, readOnly(r, "v1.0.0"))
				test.do(t, s, client, r, created)
				node, err := client.Repositories(infrahub.ReadOnly).Get(t.Context(), created.ID)
				if err != nil {
					t.Fatal(err)
				}
				moved, err := client.LastImport(t.Context(), *node)
				var failure *infrahub.ImportError
				switch {
				case moved != test.moved:
					t.Errorf("moved: %t, want %t", moved, test.moved)
				case test.reason == "" && err != nil:
					t.Errorf("got %v, want none", err)
				case test.reason != "" && (!errors.As(err, &failure) || !strings.HasPrefix(failure.Reason, test.reason)):
					t.Errorf("got %v, want an ImportError for %q", err, test.reason)
				}
			})
		})
	}
}

func TestLastImport_ThatGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		s.Inject(mockserver.Fault{StuckTask: true})
		client := s.client(t)
		created, _ := begin(t, client, readOnly(newRemote(t), "v1.0.0"))
		time.Sleep(10 * time.Second)
		moved, err := client.LastImport(t.Context(), created)
		if failure := unfinished(t, err, context.Canceled); moved || !strings.HasPrefix(failure.Tasks[0], addReadOnly+": RUNNING, task ") {
			t.Errorf("moved: %t, was at %q", moved, failure.Tasks)
		}
	})
}

func TestLastImport_OfAReadWriteRepositoryIsNotAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, live())
		moved, err := s.client(t).LastImport(t.Context(), infrahub.Repository{Kind: infrahub.ReadWrite, ID: nobody})
		if sent := s.operations(); moved || err != nil || sent != nil {
			t.Errorf("moved: %t, %v, sent %v", moved, err, sent)
		}
	})
}

// The one who has the object already is who a person has to talk to.
func TestImport_OfAnObjectThatAnotherRepositoryHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		owner := readOnly(newRemote(t), "v1.0.0")
		owner.Name = "owner"
		established(t, client, owner)
		_, started := begin(t, client, readOnly(newRemote(t), "v1.0.0"))
		failure := importError(t, started, `Violates uniqueness constraint 'name' (while creating the CoreGraphQLQuery "tags")`)
		if failure.Cause != infrahub.ObjectExists || failure.Owner != "owner" {
			t.Errorf("got %+v", failure)
		}
	})
}
