package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// operation is one run of the CLI.
type operation struct {
	name      string
	ref       string
	arguments []string
	// changes is what the CLI prints about a number of resources.
	changes string
	// repeats is whether it changes nothing, so that it can be repeated.
	repeats bool
}

// operations returns what is measured, in its order.
func operations(n int) []operation {
	apply := []string{"apply", "-auto-approve"}
	return []operation{
		{"create", firstRelease, apply, fmt.Sprintf("%d added", n), false},
		{"plan", firstRelease, []string{"plan"}, "No changes", true},
		{"plan without refresh", firstRelease, []string{"plan", "-refresh=false"}, "No changes", true},
		{"apply of no change", firstRelease, apply, "0 added, 0 changed", true},
		{"bump of all", secondRelease, apply, fmt.Sprintf("%d changed", n), false},
		{"destroy", secondRelease, []string{"destroy", "-auto-approve"}, fmt.Sprintf("%d destroyed", n), false},
	}
}

// row is one measured operation.
type row struct {
	Subject       subject `json:"subject"`
	N             int     `json:"n"`
	LatencyMillis int64   `json:"latency_ms"`
	Operation     string  `json:"operation"`
	Seconds       float64 `json:"seconds"`
	CPUSeconds    float64 `json:"cpu_seconds"`
	Requests      int     `json:"requests"`
	Bytes         int64   `json:"bytes"`
	PeakMiB       float64 `json:"peak_mib"`
	// OfTerraformData and OfServerless are the time and the CPU time as ratios to those of the two floors.
	OfTerraformData *ratio `json:"of_terraform_data,omitempty"`
	OfServerless    *ratio `json:"of_serverless,omitempty"`
}

type ratio struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
}

// mostAtEveryLatency is up to how many repositories changes are measured at each latency. With more, the CLI itself takes minutes for
// them: they are measured at the highest latency alone.
const mostAtEveryLatency = 100

// measureScale measures every operation for each number of repositories: the floors, and the provider at each latency. It calls write
// with the rows so far after each number.
func (b bench) measureScale(ctx context.Context, write func([]row) error) error {
	var rows []row
	printHeader()
	for _, n := range b.numbers {
		floors := map[string]map[subject]row{}
		for _, floor := range []subject{terraformData, serverless} {
			measured, err := b.measure(ctx, floor, n, []time.Duration{0})
			if err != nil {
				return err
			}
			for _, r := range measured {
				if floors[r.Operation] == nil {
					floors[r.Operation] = map[subject]row{}
				}
				floors[r.Operation][floor] = r
			}
			printRows(measured)
			rows = append(rows, measured...)
		}
		rounds := [][]time.Duration{slices.Sorted(slices.Values(b.latencies))}
		if n <= mostAtEveryLatency {
			rounds = slices.Collect(slices.Chunk(rounds[0], 1))
		}
		for _, round := range rounds {
			measured, err := b.measure(ctx, infrahubProvider, n, round)
			if err != nil {
				return err
			}
			for i, r := range measured {
				measured[i].OfTerraformData = r.ratioTo(floors[r.Operation][terraformData])
				measured[i].OfServerless = r.ratioTo(floors[r.Operation][serverless])
			}
			printRows(measured)
			rows = append(rows, measured...)
		}
		if err := write(rows); err != nil {
			return err
		}
	}
	return nil
}

func (r row) ratioTo(floor row) *ratio {
	return &ratio{Seconds: r.Seconds / floor.Seconds, CPUSeconds: r.CPUSeconds / floor.CPUSeconds}
}

// measure measures every operation of one subject: what changes nothing at each latency, changes at the last one.
func (b bench) measure(ctx context.Context, of subject, n int, latencies []time.Duration) ([]row, error) {
	s, err := startServer(ctx, mockserver.NoDelay)
	if err != nil {
		return nil, err
	}
	defer s.close()
	highest := latencies[len(latencies)-1]
	directory := filepath.Join(b.directory, fmt.Sprintf("%s-%d-%d", of, n, highest.Milliseconds()))
	w, err := newWorkspace(b.cli, directory, b.providers, of, n, s.address)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, o := range operations(n) {
		at := latencies
		if !o.repeats && o.name != "create" && n > b.changes {
			continue
		}
		if !o.repeats {
			at = []time.Duration{highest}
		}
		for _, latency := range at {
			s.latency.Store(int64(latency))
			measured, err := b.repeat(ctx, w, s, o)
			if err != nil {
				return nil, fmt.Errorf("%s of %d %s: %w", o.name, n, of, err)
			}
			measured.Subject, measured.N, measured.LatencyMillis, measured.Operation = of, n, latency.Milliseconds(), o.name
			rows = append(rows, measured)
		}
	}
	return rows, nil
}

// repeat measures an operation, and returns the median where it can be repeated.
func (b bench) repeat(ctx context.Context, w *workspace, s *server, o operation) (row, error) {
	times := 1
	if o.repeats {
		times = b.count
	}
	var rows []row
	for range times {
		s.reset()
		used, err := w.run(ctx, o.ref, o.changes, o.arguments...)
		if err != nil {
			return row{}, err
		}
		rows = append(rows, row{
			Seconds: used.wall.Seconds(), CPUSeconds: used.cpu.Seconds(), PeakMiB: float64(used.peak) / (1 << 20),
			Requests: len(s.log.Requests()), Bytes: s.transferred.Load(),
		})
		if err := s.waitForTasks(ctx); err != nil {
			return row{}, err
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.Seconds, b.Seconds) })
	return rows[len(rows)/2], nil
}

func printHeader() {
	fmt.Printf("%-14s %5s %7s  %-20s %8s %8s %9s %10s %6s   %s\n",
		"", "n", "latency", "", "time", "CPU", "requests", "bytes", "peak", "time (CPU) of terraform_data and of the provider without a server")
}

func printRows(rows []row) {
	for _, r := range rows {
		var ratios strings.Builder
		for _, of := range []*ratio{r.OfTerraformData, r.OfServerless} {
			if of != nil {
				fmt.Fprintf(&ratios, "  %5.2f (%5.2f)", of.Seconds, of.CPUSeconds)
			}
		}
		fmt.Printf("%-14s %5d %4d ms  %-20s %6.2f s %6.2f s %9d %10d %4.0f M %s\n",
			r.Subject, r.N, r.LatencyMillis, r.Operation, r.Seconds, r.CPUSeconds, r.Requests, r.Bytes, r.PeakMiB, ratios.String())
	}
}
