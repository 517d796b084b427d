// Scale measures the CLI with many repositories at several latencies of a mock server, prints tables and writes JSON:
//
//	scale PROVIDERS RESULTS
//
// PROVIDERS is a directory with the built provider in infrahub/ and the one without a server in serverless/. RESULTS is the file to
// write. TF_ACC_TERRAFORM_PATH names the CLI. The environment restricts what is measured:
//
//	BENCH_N          numbers of repositories, "1 10 100 1000" by default
//	BENCH_LATENCY    latencies of the server in milliseconds, "0 20 100" by default
//	BENCH_COUNT      how often plans are repeated, of which the median counts: 3 by default
//	BENCH_CHANGES    up to how many repositories a bump and a destroy are measured: 1000 by default
//	BENCH_IMPORTS    with how many repositories the wait for imports is measured: 100 by default, 0 for not at all
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// results is the content of the file that is written.
type results struct {
	CLI     string      `json:"cli"`
	CPUs    int         `json:"cpus"`
	Rows    []row       `json:"rows"`
	Imports []importRow `json:"imports"`
}

// bench is one run of the program.
type bench struct {
	cli, providers, directory string
	numbers                   []int
	latencies                 []time.Duration
	// count is how often plans are repeated, changes up to how many repositories bumps and destroys are measured, and imports with how
	// many the wait for imports is.
	count, changes, imports int
}

func start(arguments []string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(arguments) != 2 {
		return errors.New("usage: scale PROVIDERS RESULTS")
	}
	b, err := readEnvironment()
	if err != nil {
		return err
	}
	b.cli, b.providers = os.Getenv("TF_ACC_TERRAFORM_PATH"), arguments[0]
	if b.cli == "" {
		return errors.New("TF_ACC_TERRAFORM_PATH names no CLI to run; `make bench` sets it")
	}
	if b.directory, err = os.MkdirTemp("", "infrahub-scale-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.directory)) }()
	if err := serveGit(b.directory); err != nil {
		return err
	}
	measured := results{CPUs: runtime.NumCPU()}
	if measured.CLI, err = b.version(ctx); err != nil {
		return err
	}
	if measured.Imports, err = b.measureImports(ctx); err != nil {
		return err
	}
	return b.measureScale(ctx, func(rows []row) error {
		measured.Rows = rows
		content, err := json.MarshalIndent(measured, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(arguments[1], append(content, '\n'), 0o600)
	})
}

// readEnvironment returns what the environment says of a run.
func readEnvironment() (bench, error) {
	var b bench
	numbers, first := readNumbers("BENCH_N", "1 10 100 1000")
	milliseconds, second := readNumbers("BENCH_LATENCY", "0 20 100")
	counts, third := readNumbers("BENCH_COUNT", "3")
	changes, fourth := readNumbers("BENCH_CHANGES", "1000")
	imports, fifth := readNumbers("BENCH_IMPORTS", "100")
	if err := cmp.Or(first, second, third, fourth, fifth); err != nil {
		return b, err
	}
	for _, number := range milliseconds {
		b.latencies = append(b.latencies, time.Duration(number)*time.Millisecond)
	}
	b.numbers, b.count, b.changes, b.imports = numbers, max(counts[0], 1), changes[0], imports[0]
	return b, nil
}

// readNumbers returns the numbers in a variable of the environment: at least one.
func readNumbers(name, standard string) ([]int, error) {
	var numbers []int
	for word := range strings.FieldsSeq(cmp.Or(os.Getenv(name), standard)) {
		number, err := strconv.Atoi(word)
		if err != nil || number < 0 {
			return nil, fmt.Errorf("%s: %q is no number", name, word)
		}
		numbers = append(numbers, number)
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("%s has no number", name)
	}
	return numbers, nil
}

// version returns the first line that the CLI prints about itself.
func (b bench) version(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, b.cli, "version").Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", b.cli, err)
	}
	line, _, _ := strings.Cut(string(output), "\n")
	return line, nil
}
