package infrahub_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// syncing is a mock that looks at the remotes of read-write repositories each minute, as a server does.
func syncing() mockserver.Options {
	options := live()
	options.SyncInterval = time.Minute
	return options
}

// newFork makes a repository with other commits under the same names.
func newFork(t *testing.T) remote {
	t.Helper()
	r := newRemote(t)
	r.on(t, "fork")
	r.release(t, "v1.0.0", imports("another 1.0"))
	r.on(t, "main")
	r.commit(t, "main", imports("another main"))
	return r
}

// move starts an import from another location.
func move(t *testing.T, client *infrahub.Client, before infrahub.Repository, location string) *infrahub.Import {
	t.Helper()
	after := before
	after.Location = location
	started, err := client.UpdateRepository(t.Context(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	if started == nil {
		t.Fatal("a move started no import")
	}
	return started
}

// A changed location imports nothing by itself (infrahub.md, Importing): the ref is written in another
// way and then as it should be.
func TestMove_ReadOnly(t *testing.T) {
	t.Parallel()
	delays(t, func(t *testing.T, options mockserver.Options) {
		s := start(t, options)
		client := s.client(t)
		r, fork := newRemote(t), newFork(t)
		before := established(t, client, readOnly(r, "v1.0.0"))
		s.log.Reset()
		fork.done(t, move(t, client, before, fork.Path), "v1.0.0")
		var sent []object
		for _, request := range s.requests("UpdateReadOnlyRepository") {
			sent = append(sent, request.Input())
		}
		want := []object{
			{"id": before.ID, "location": set(fork.Path), "ref": set("v1.0.0^0")},
			{"id": before.ID, "ref": set("v1.0.0")},
		}
		if difference := cmp.Diff(want, sent); difference != "" {
			t.Error(difference)
		}
		if node, err := client.Repositories(infrahub.ReadOnly).Get(t.Context(), before.ID); err != nil || node.Ref != "v1.0.0" || node.Location != fork.Path {
			t.Errorf("the node is %+v, %v", node, err)
		}
	})
}

func TestMove_ReadOnlyWithABump(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		r, fork := newRemote(t), newFork(t)
		before := established(t, client, readOnly(r, "v1.0.0"))
		after := before
		after.Location, after.Ref, after.Name = fork.Path, "main", "renamed"
		started, err := client.UpdateRepository(t.Context(), before, after)
		if err != nil {
			t.Fatal(err)
		}
		fork.done(t, started, "main")
		if node, err := client.Repositories(infrahub.ReadOnly).GetByName(t.Context(), "renamed"); err != nil || node.Ref != "main" {
			t.Errorf("the node is %+v, %v", node, err)
		}
	})
}

func TestMove_ReadOnlyThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		r, fork := newRemote(t), newFork(t)
		hidden := fork.Path + ".hidden"
		if err := os.Rename(fork.Path, hidden); err != nil {
			t.Fatal(err)
		}
		before := established(t, client, readOnly(r, "main"))
		fails(t, move(t, client, before, fork.Path), "")
		if err := os.Rename(hidden, fork.Path); err != nil {
			t.Fatal(err)
		}
		now, err := client.Repositories(infrahub.ReadOnly).Get(t.Context(), before.ID)
		if err != nil {
			t.Fatal(err)
		}
		started, err := client.Relocate(t.Context(), *now, *now)
		if err != nil {
			t.Fatal(err)
		}
		fork.done(t, started, "main")
	})
}

func TestMove_ReadOnlyToWhereTheRefIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		r, other := newRemote(t), newFork(t)
		r.release(t, "v3.0.0", imports("3.0"))
		before := established(t, client, readOnly(r, "v3.0.0"))
		failure := importError(t, move(t, client, before, other.Path), "")
		if failure.Repository.Ref != "v3.0.0" || failure.Workflow != pullReadOnly {
			t.Errorf("got %+v", failure)
		}
	})
}

// Only the periodic sync takes a read-write repository to its new location.
func TestMove_ReadWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, syncing())
		client := s.client(t)
		r, fork := newRemote(t), newFork(t)
		before := established(t, client, readWrite(r))
		s.log.Reset()
		fork.done(t, move(t, client, before, fork.Path), "main")
		want := object{"id": before.ID, "location": set(fork.Path)}
		if difference := cmp.Diff(want, s.variables(t, "UpdateRepository")); difference != "" {
			t.Error(difference)
		}
	})
}

func TestMove_ReadWriteToTheSameCommits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, syncing()).client(t)
		r, same := newRemote(t), newRemote(t)
		before := established(t, client, readWrite(r))
		began := time.Now()
		done := settle(t, move(t, client, before, same.Path))
		if commit := r.name(done.Commit); commit != "main" || !strings.Contains(done.Warning, "no other commit") {
			t.Errorf("got %s, warning %q", commit, done.Warning)
		}
		if took := time.Since(began); took < time.Minute {
			t.Errorf("gave the periodic sync %s", took)
		}
	})
}

func TestMove_ReadWriteToNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, syncing()).client(t)
		r := newRemote(t)
		before := established(t, client, readWrite(r))
		began := time.Now()
		fails(t, move(t, client, before, r.Path+".none"), "")
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %s, want an answer at once", took)
		}
	})
}

func TestMove_ReadWriteToSomethingBroken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, syncing()).client(t)
		r, fork := newRemote(t), newFork(t)
		fork.commit(t, "main", broken())
		before := established(t, client, readWrite(r))
		fails(t, move(t, client, before, fork.Path), "after its periodic sync the repository is error-import and ")
	})
}

func TestMove_ReadWriteThatIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := start(t, live()).client(t)
		r, same := newRemote(t), newRemote(t)
		before := established(t, client, readWrite(r))
		started := move(t, client, before, same.Path)
		_, err := started.Wait(canceledAfter(t, 5*time.Second))
		if failure := unfinished(t, err, context.Canceled); len(failure.Tasks) != 1 || failure.Tasks[0] != "the next periodic sync" {
			t.Errorf("was at %q", failure.Tasks)
		}
	})
}
