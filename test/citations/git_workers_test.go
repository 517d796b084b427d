package citations

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const gitWorkers = "examples/guides/git-workers"

// composeOverride is what the files of the guide may have.
type composeOverride struct {
	Services map[string]composeService
}

type composeService struct {
	Image       string
	Build       composeBuild
	Environment map[string]string
	Volumes     []string
}

type composeBuild struct {
	Context string
	Args    map[string]string
}

func readOverride(t *testing.T, path string) composeOverride {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(readFile(t, path)))
	decoder.KnownFields(true)
	var override composeOverride
	if err := decoder.Decode(&override); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return override
}

func overrides(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, path := range sources(t, "docker-compose.override.yml") {
		if strings.HasPrefix(path, gitWorkers) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		t.Fatal("no files for Docker Compose found")
	}
	return paths
}

// The names are those in docker-compose.yml and in config.py of Infrahub 1.11.9. A file that a variable names is mounted.
func TestGitWorkers_OverridesNameWhatInfrahubHas(t *testing.T) {
	t.Parallel()
	services := []string{"infrahub-server", "task-worker"}
	variable := regexp.MustCompile(`^(INFRAHUB_GIT_TLS_CA_FILE|INFRAHUB_GIT_TLS_INSECURE|GIT_CONFIG_COUNT|GIT_CONFIG_(KEY|VALUE)_\d+)$`)
	for _, path := range overrides(t) {
		override := readOverride(t, path)
		if len(override.Services) == 0 {
			t.Errorf("%s changes no service", path)
		}
		for name, service := range override.Services {
			if !slices.Contains(services, name) {
				t.Errorf("%s: Infrahub has no service %s", path, name)
			}
			var mounted []string
			for _, volume := range service.Volumes {
				parts := strings.Split(volume, ":")
				if len(parts) != 3 || !strings.HasPrefix(parts[0], "./") || !strings.HasPrefix(parts[1], "/") || parts[2] != "ro" {
					t.Errorf("%s: the volume %s is not ./FILE:/PATH:ro", path, volume)
					continue
				}
				mounted = append(mounted, parts[1])
			}
			for key, value := range service.Environment {
				if !variable.MatchString(key) {
					t.Errorf("%s: the variable %s is not known", path, key)
				}
				if strings.HasPrefix(value, "/") && !slices.Contains(mounted, value) {
					t.Errorf("%s: %s names %s, which is not mounted", path, key, value)
				}
			}
		}
	}
}

// Both services read the settings when they start, and one whose file is missing does not.
func TestGitWorkers_SettingsOfInfrahubAreTheSameForBothServices(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"authority", "insecure"} {
		override := readOverride(t, filepath.Join(gitWorkers, name, "docker-compose.override.yml"))
		if difference := cmp.Diff(override.Services["infrahub-server"], override.Services["task-worker"]); difference != "" || len(override.Services) != 2 {
			t.Errorf("%s (-server +worker):\n%s", name, difference)
		}
	}
}

// Git takes the proxy from the environment of the worker, whatever its global file says.
func TestGitWorkers_GitTakesTheProxyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	environment := readOverride(t, filepath.Join(gitWorkers, "proxy", "docker-compose.override.yml")).Services["task-worker"].Environment
	count, err := strconv.Atoi(environment["GIT_CONFIG_COUNT"])
	if err != nil || len(environment) != 1+2*count {
		t.Fatalf("GIT_CONFIG_COUNT does not fit %v (%v)", slices.Sorted(maps.Keys(environment)), err)
	}
	var variables []string
	for key, value := range environment {
		variables = append(variables, key+"="+value)
	}
	if got, want := gitProxy(t, variables...), environment["GIT_CONFIG_VALUE_0"]; got != want || want == "" {
		t.Errorf("Git has the proxy %q, want %q", got, want)
	}
}

// gitProxy returns the proxy that Git has, in an environment whose global file is empty, as that of a worker that starts.
func gitProxy(t *testing.T, environment ...string) string {
	t.Helper()
	return runGit(t, environment, "config", "--get", "http.proxy")
}

func runGit(t *testing.T, environment []string, arguments ...string) string {
	t.Helper()
	directory := t.TempDir()
	command := exec.CommandContext(t.Context(), "git", arguments...)
	command.Dir = directory
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + directory, "GIT_CONFIG_GLOBAL=" + filepath.Join(directory, "global")}, environment...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", arguments, err, stderr.String())
	}
	return strings.TrimSpace(string(output))
}

// The image builds from a version that must be given, with instructions that Docker knows, and what it writes is read by a worker.
func TestGitWorkers_ImageSetsWhatAWorkerReads(t *testing.T) {
	t.Parallel()
	dockerfile := readFile(t, filepath.Join(gitWorkers, "image", "Dockerfile"))
	var instructions []string
	var copied bool
	system := []string{"GIT_CONFIG_SYSTEM=" + filepath.Join(t.TempDir(), "system")}
	configure := regexp.MustCompile(`^RUN git config (--system \S+ \S+)$`)
	for line := range strings.SplitSeq(dockerfile, "\n") {
		line = strings.TrimPrefix(line, "# RUN ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "git ") {
			line = "RUN " + line // a commented one
		}
		instruction, _, _ := strings.Cut(line, " ")
		instructions = append(instructions, instruction)
		copied = copied || strings.HasPrefix(line, "COPY ") && strings.HasSuffix(line, " /usr/local/share/ca-certificates/")
		if strings.Contains(line, "git config") {
			match := configure.FindStringSubmatch(line)
			if match == nil {
				t.Errorf("%s: a worker reads the system's file of Git only", line)
				continue
			}
			runGit(t, system, append([]string{"config"}, strings.Fields(match[1])...)...)
		}
	}
	if want := []string{"ARG", "FROM", "COPY", "RUN", "RUN", "RUN"}; !slices.Equal(instructions, want) || !copied {
		t.Errorf("the instructions are %v, want %v; certificates are copied: %t", instructions, want, copied)
	}
	if proxy := gitProxy(t, system...); !strings.HasPrefix(proxy, "http://proxy.example.com:") {
		t.Errorf("Git has the proxy %q", proxy)
	}
	build := readOverride(t, filepath.Join(gitWorkers, "image", "docker-compose.override.yml")).Services["task-worker"].Build
	for name := range build.Args {
		if !strings.Contains(dockerfile, "ARG "+name+"\n") {
			t.Errorf("the Dockerfile has no ARG %s", name)
		}
	}
	if build.Context != "." || len(build.Args) == 0 {
		t.Errorf("the image is not built from its directory, with a version: %+v", build)
	}
}
