package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const (
	firstRelease  = "v1.0.0"
	secondRelease = "v1.1.0"
)

// subject is what a run measures.
type subject string

const (
	// infrahubProvider is this provider with a mock server.
	infrahubProvider subject = "infrahub"
	// serverless is a provider with the same schemas that asks no server: the framework's own floor.
	serverless subject = "serverless"
	// terraformData is the CLI's own resource without a provider process: the floor of the CLI.
	terraformData subject = "terraform_data"
)

const variables = `
variable "n" { type = number }
variable "ref" { type = string }
`

const repositories = `terraform {
  required_providers {
    infrahub = { source = "infrahub-community/infrahub" }
  }
}

provider "infrahub" {}

resource "infrahub_read_only_repository" "all" {
  count    = var.n
  name     = "network-${count.index}"
  location = "/git/network-${count.index}.git"
  ref      = var.ref
}
`

const builtIn = `resource "terraform_data" "all" {
  count = var.n
  input = { name = "network-${count.index}", location = "/git/network-${count.index}.git", ref = var.ref }
}
`

// workspace is a directory in which the CLI works on one subject.
type workspace struct {
	cli, directory string
	environment    []string
}

// newWorkspace returns a workspace of n resources in a directory. Providers has a directory with a built provider for each subject
// that is one.
func newWorkspace(cli, directory, providers string, of subject, n int, address string) (*workspace, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	configuration, overrides := builtIn, ""
	if of != terraformData {
		configuration = repositories
		overrides = fmt.Sprintf("  dev_overrides { \"infrahub-community/infrahub\" = %q }\n", filepath.Join(providers, string(of)))
	}
	settings := "provider_installation {\n" + overrides + "  direct {}\n}\n"
	for name, content := range map[string]string{"main.tf": variables + configuration, "cli.tfrc": settings} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	environment := append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(directory, "cli.tfrc"), "CHECKPOINT_DISABLE=1", "TF_INPUT=0",
		"TF_VAR_n="+strconv.Itoa(n), "INFRAHUB_ADDRESS="+address, "INFRAHUB_API_TOKEN="+mockserver.DefaultToken)
	return &workspace{cli: cli, directory: directory, environment: environment}, nil
}

// usage is what a run of the CLI, with its provider, took.
type usage struct {
	wall, cpu time.Duration
	// peak is the largest resident memory of the provider in bytes, 0 where it is not known.
	peak int64
}

// run runs the CLI and measures it. It is an error if the CLI does not change as many resources as it should.
func (w *workspace) run(ctx context.Context, ref, changes string, arguments ...string) (usage, error) {
	command := exec.CommandContext(ctx, w.cli, append([]string{arguments[0], "-no-color"}, arguments[1:]...)...)
	command.Dir, command.Env = w.directory, slices.Concat(w.environment, []string{"TF_VAR_ref=" + ref})
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	began := time.Now()
	if err := command.Start(); err != nil {
		return usage{}, err
	}
	peak := watchMemory(command.Process.Pid)
	err := command.Wait()
	used := usage{wall: time.Since(began), peak: peak()}
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w:\n%.3000s", strings.Join(arguments, " "), err, output.String())
	}
	if !strings.Contains(output.String(), changes) {
		return usage{}, fmt.Errorf("%s does not print %q:\n%.3000s", strings.Join(arguments, " "), changes, output.String())
	}
	used.cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return used, nil
}

// watchMemory watches the processes that a process starts until the returned function is called, which returns the largest resident
// memory of one of them. It knows Linux only.
func watchMemory(parent int) (peak func() int64) {
	const interval = 20 * time.Millisecond
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		var largest int64
		for {
			for _, child := range childrenOf(parent) {
				largest = max(largest, peakOf(child))
			}
			select {
			case <-stop:
				result <- largest
				return
			case <-time.After(interval):
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-result
	}
}

func childrenOf(parent int) []string {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent)) // the pattern is valid
	var children []string
	for _, list := range lists {
		content, err := os.ReadFile(list)
		if err == nil { // otherwise the thread has ended
			children = append(children, strings.Fields(string(content))...)
		}
	}
	return children
}

// peakOf returns the largest resident memory of a process so far, 0 if it has ended.
func peakOf(process string) int64 {
	content, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(content), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes * 1024
}
