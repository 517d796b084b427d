package acceptance

import (
	"os"
	"path/filepath"
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

func TestTestingGuide_AllTestsPassBesideTheMock(t *testing.T) {
	t.Parallel()
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
	w := newTestedModule(t, append(s.environment(), "TF_VAR_location="+s.gitAddress+"/network/automation.git")...)
	w.run(0, "test")
	w.assertPrinted("test", "4 passed, 0 failed")
}
