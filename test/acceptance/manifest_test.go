package acceptance

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The registry tells a CLI from the manifest which protocol a release speaks. The program says so itself in the line with which it
// begins: "1|6|unix|…".
func TestManifest_NamesTheProtocolThatIsServed(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../terraform-registry-manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Metadata struct {
			ProtocolVersions []string `json:"protocol_versions"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(os.Getenv(builtProvider), "terraform-provider-infrahub"))
	command.Env = append(os.Environ(), "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2", "PLUGIN_PROTOCOL_VERSIONS=5,6")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("read %q: %v", line, err)
	}
	_, after, _ := strings.Cut(line, "|")
	served, _, _ := strings.Cut(after, "|")
	if !slices.Equal(manifest.Metadata.ProtocolVersions, []string{served + ".0"}) {
		t.Errorf("the manifest names protocols %v, the program serves %s", manifest.Metadata.ProtocolVersions, served)
	}
}
