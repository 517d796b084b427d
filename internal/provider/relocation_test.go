package provider

import (
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

func TestRelocation_OfAReadWriteRepositoryHasAHintForTheCause(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	mocktest.NewRemote(t, root, "private/network.git", "v1.0.0")
	git := mocktest.ServeGit(t, root, gitserver.Options{Username: "bot", Password: secret})
	for name, test := range map[string]struct {
		location, reason, hint string
	}{
		// Port 1, because another test may use a port that was free a moment ago.
		"unreachable": {"http://127.0.0.1:1/network.git", "Unable to clone the repository network", "Check that the Infrahub server itself reaches"},
		"credential":  {git + "/private/network.git", "Unable to correctly lookup credentials for repository network", "Check credential_id, and username and password of that credential."},
		"missing":     {git + "/none.git", ": fatal: repository '" + git + "/none.git/' not found.", "Check location: the remote has no such repository, or hides it from this credential."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{SyncInterval: 20 * time.Millisecond})
			i := s.connect(t).newInstance(readWriteType)
			config := readWriteConfig(newRemote(t))
			i.mustApply(config)
			i.apply(i.plan(config.with(attributes{"location": test.location}))).onlyError(t).expect(t, "", "Import Failed", `"network"`, test.reason, test.hint)
			if got := i.recordedFailure(); got == nil || !got.Moved {
				t.Errorf("recorded %+v", got)
			}
		})
	}
}

// Without tasks the cause is that of the status.
func TestRelocation_CauseIsFoundInTheStatusIfNoTaskTellsIt(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	mocktest.NewRemote(t, root, "private/network.git", "v1.0.0")
	git := mocktest.ServeGit(t, root, gitserver.Options{Username: "bot", Password: secret})
	s := startServer(t, mockserver.Options{})
	i := s.connect(t).newInstance(readOnlyType)
	i.mustApply(readOnlyConfig(newRemote(t), "v1.0.0"))
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	s.hideTasks()
	config := attributes{"name": "network", "location": git + "/private/network.git", "ref": "v1.0.0"}
	i.apply(i.plan(config)).onlyError(t).expect(t, "", "Import Failed", "error-cred", "Check credential_id, and username and password of that credential.")
}
