package acceptance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// newTag creates a tag. It is deleted when the test ends.
func (s *server) newTag(t *testing.T, base string) {
	t.Helper()
	s.direct.Ask(t, `mutation($name: String!) { BuiltinTagCreate(data: {name: {value: $name}}) { ok } }`, "name", s.name(base))
	t.Cleanup(func() { s.deleteTag(t, s.name(base)) })
}

func (s *server) deleteTag(t *testing.T, name string) {
	t.Helper()
	s.direct.Ask(t, `mutation($name: String!) { BuiltinTagDelete(data: {hfid: [$name]}) { ok } }`, "name", name)
}

func (s *server) deleteBranch(t *testing.T, name string) {
	t.Helper()
	s.direct.Ask(t, `mutation($name: String!) { BranchDelete(data: {name: $name}, wait_until_completion: true) { ok } }`, "name", name)
}

func (s *server) deleteCredential(t *testing.T, id string) {
	t.Helper()
	if err := s.client.Credentials(false).Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func (s *server) updateCredential(t *testing.T, id string, edit func(*infrahub.Credential)) {
	t.Helper()
	before, err := s.client.Credentials(true).Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	after := *before
	edit(&after)
	if err := s.client.Credentials(false).Update(t.Context(), *before, after); err != nil {
		t.Fatal(err)
	}
}

// expectPassword checks the password that the server has.
func (s *server) expectPassword(t *testing.T, want string) statecheck.StateCheck {
	t.Helper()
	return stateCheck(func(state *tfjson.State) error {
		for _, r := range state.Values.RootModule.Resources {
			id, ok := r.AttributeValues["id"].(string)
			if r.Type != "infrahub_password_credential" || !ok {
				continue
			}
			found, err := s.client.Credentials(true).Get(t.Context(), id)
			if err != nil {
				return err
			}
			got := ""
			if found.Password != nil {
				got = found.Password.Reveal()
			}
			if got != want {
				return errors.New("the server has another password")
			}
		}
		return nil
	})
}

// updateRepository changes a repository and waits for the import that this starts.
func (s *server) updateRepository(t *testing.T, kind infrahub.Kind, id string, edit func(*infrahub.Repository)) {
	t.Helper()
	ctx := t.Context()
	before := s.repository(t, kind, id)
	after := *before
	edit(&after)
	started, err := s.client.UpdateRepository(ctx, *before, after)
	if err != nil {
		t.Fatal(err)
	}
	if started != nil {
		if _, err := started.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *server) deleteRepository(t *testing.T, kind infrahub.Kind, id string) {
	t.Helper()
	if err := s.client.Repositories(kind).Delete(context.WithoutCancel(t.Context()), id); err != nil {
		t.Fatal(err)
	}
}

func (s *server) repository(t *testing.T, kind infrahub.Kind, id string) *infrahub.Repository {
	t.Helper()
	found, err := s.client.Repositories(kind).Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// echoTimeout returns a time in which the echo of an import ends.
func (s *server) echoTimeout() time.Duration {
	if s.mock == nil {
		return time.Minute
	}
	return 3 * time.Second
}

// assertCommitStays checks that the echo of an import does not change the commit.
func (s *server) assertCommitStays(t *testing.T, kind infrahub.Kind, id, commit string) {
	t.Helper()
	for deadline := time.Now().Add(s.echoTimeout()); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if found := s.repository(t, kind, id); found.Commit == nil || *found.Commit != commit {
			t.Fatalf("the commit is %v, want %s", found.Commit, commit)
		}
	}
}

// waitUntilImported waits until a repository has a commit, is in sync and online.
func (s *server) waitUntilImported(t *testing.T, kind infrahub.Kind, id string) {
	t.Helper()
	poll(t, "the import", time.Minute, func() bool {
		found := s.repository(t, kind, id)
		return found.Commit != nil && found.SyncStatus == "in-sync" && found.OperationalStatus == "online"
	})
}

// Workflows of a changed ref.
const (
	pull       = "git-repository-pull-read-only"
	importLast = "git-read-only-repository-import-last-commit"
)

// waitUntilIdle waits until no import of this test's repositories is queued or running.
func (s *server) waitUntilIdle(t *testing.T) {
	t.Helper()
	poll(t, "the imports to end", 2*time.Minute, func() bool {
		unfinished := s.direct.Ask(t, `query($workflows: [String]) {
			InfrahubTask(workflow: $workflows, state: [SCHEDULED, PENDING, RUNNING], limit: 100) { edges { node { parameters } } } }`,
			"workflows", []string{pull, importLast})
		return !strings.Contains(unfinished.Body, s.suffix)
	})
}

// waitForTask waits until the task of a workflow for a ref of the repository network has a state.
func (s *server) waitForTask(t *testing.T, workflow, ref, state string) {
	t.Helper()
	poll(t, fmt.Sprintf("the task %s for %s to be %s", workflow, ref, state), 2*time.Minute, func() bool {
		tasks := s.direct.Ask(t, `query($workflow: String) { InfrahubTask(workflow: [$workflow], limit: 50) { edges { node { state parameters } } } }`, "workflow", workflow)
		for i := range 50 {
			task := fmt.Sprintf("data.InfrahubTask.edges.%d.node.", i)
			model := task + "parameters.model."
			if tasks.Text(model+"repository_name") == s.name("network") && tasks.Text(model+"ref") == ref && tasks.Text(task+"state") == state {
				return true
			}
		}
		return false
	})
}
