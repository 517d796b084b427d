package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const testingGuide = examples + "/guides/testing-with-the-mock"

// newTestedModule returns the module of the guide "Testing modules with the mock", with its tests.
func newTestedModule(t *testing.T, environment ...string) *workspace {
	t.Helper()
	w := newWorkspace(t, "", environment...)
	if err := os.CopyFS(filepath.Join(w.directory, "module"), os.DirFS(testingGuide)); err != nil {
		t.Fatal(err)
	}
	w.directory = filepath.Join(w.directory, "module")
	return w
}

func TestTestingGuide_MockProviderNeedsNoServer(t *testing.T) {
	t.Parallel()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance tests run a CLI: make test sets TF_ACC=1")
	}
	w := newTestedModule(t, "INFRAHUB_ADDRESS=", "INFRAHUB_API_TOKEN=")
	w.run(0, "test", "-filter=tests/wiring.tftest.hcl")
	w.assertPrinted("test", "2 passed, 0 failed")
}

// newTestingServer returns a mock with the seed and the Git repository of the guide, and the environment of its module.
func newTestingServer(t *testing.T) []string {
	t.Helper()
	s := newServer(t)
	s.mockOnly(t, "the guide plants a seed")
	content, err := os.ReadFile(filepath.Join(testingGuide, "tests", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := mockserver.ParseSeed(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.mock.ApplySeed(t.Context(), seed); err != nil {
		t.Fatal(err)
	}
	s.newRemote(t, "network/automation.git")
	return append(s.environment(), "TF_VAR_location="+s.gitAddress+"/network/automation.git", "TF_VAR_git_password=not-a-secret")
}

func TestTestingGuide_AllTestsPassBesideTheMock(t *testing.T) {
	t.Parallel()
	w := newTestedModule(t, newTestingServer(t)...)
	w.run(0, "test")
	w.assertPrinted("test", "4 passed, 0 failed")
}

func TestTestingGuide_SDKReadsWhatTheModuleManages(t *testing.T) {
	t.Parallel()
	newestOnly(t)
	python := os.Getenv("CLIENTS_PYTHON")
	if python == "" {
		t.Skip("needs Infrahub's SDK: make clients installs it and sets CLIENTS_PYTHON")
	}
	environment := newTestingServer(t)
	w := newTestedModule(t, environment...)
	script := exec.CommandContext(t.Context(), "./sdk.sh")
	script.Dir = w.directory
	cli := w.command("version")
	script.Env = slices.Concat(cli.Env, []string{"cli=" + cli.Path, "python=" + python})
	output, err := script.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "Infrahub has what the module manages.") {
		t.Errorf("%v\n%s", err, output)
	}
}
