package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const (
	// parallelism is how many resources the CLI changes at once by default.
	parallelism = 10
	// shortestInterval is the shortest time between two requests of the provider for tasks.
	shortestInterval = 250 * time.Millisecond
)

// importRow is one apply that waits for the imports of many repositories, at delays like those of a live server.
type importRow struct {
	N         int     `json:"n"`
	Operation string  `json:"operation"`
	Seconds   float64 `json:"seconds"`
	// CapacitySeconds is how long the imports alone take, from the creation of the first task of each to the end of its last, as many
	// at once as the CLI changes resources.
	CapacitySeconds float64 `json:"capacity_seconds"`
	OfCapacity      float64 `json:"of_capacity"`
	// Requests are all requests, and TaskLists those that list tasks while an import is waited for.
	Requests  int `json:"requests"`
	TaskLists int `json:"task_lists"`
	// ListsPerInterval is how many lists of tasks were requested in each shortest interval.
	ListsPerInterval float64 `json:"lists_per_interval"`
}

// measureImports measures a create and a bump that wait for imports.
func (b bench) measureImports(ctx context.Context) ([]importRow, error) {
	n := b.imports
	if n == 0 {
		return nil, nil
	}
	s, err := startServer(ctx, mockserver.LiveDelay)
	if err != nil {
		return nil, err
	}
	defer s.close()
	w, err := newWorkspace(b.cli, filepath.Join(b.directory, "imports"), b.providers, infrahubProvider, n, s.address)
	if err != nil {
		return nil, err
	}
	var rows []importRow
	fmt.Printf("Imports at delays like those of a live server:\n")
	for _, o := range operations(n) {
		if o.name != "create" && o.name != "bump of all" {
			continue
		}
		s.reset()
		used, err := w.run(ctx, o.ref, o.changes, o.arguments...)
		if err != nil {
			return nil, err
		}
		measured := importRow{N: n, Operation: o.name, Seconds: used.wall.Seconds()}
		for _, request := range s.log.Requests() {
			measured.Requests++
			if request.Operation == "Tasks" && request.Header.Get("X-Priority") == "low" {
				measured.TaskLists++
			}
		}
		alone, err := s.importTime(ctx, o.ref)
		if err != nil {
			return nil, err
		}
		measured.CapacitySeconds = alone.Seconds() / float64(min(n, parallelism))
		measured.OfCapacity = measured.Seconds / measured.CapacitySeconds
		measured.ListsPerInterval = float64(measured.TaskLists) * shortestInterval.Seconds() / measured.Seconds
		fmt.Printf("%-12s of %d: %.1f s, %.2f of the capacity (%.1f s); %d requests, %.2f a repository; %d lists of tasks, %.2f an interval\n", o.name, n,
			measured.Seconds, measured.OfCapacity, measured.CapacitySeconds, measured.Requests, float64(measured.Requests)/float64(n), measured.TaskLists, measured.ListsPerInterval)
		rows = append(rows, measured)
		if err := s.waitForTasks(ctx); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// importTime returns the sum of the times that the imports of a ref took.
func (s *server) importTime(ctx context.Context, ref string) (time.Duration, error) {
	var listed struct {
		InfrahubTask struct {
			Edges []struct {
				Node struct {
					Workflow   string    `json:"workflow"`
					Created    time.Time `json:"created_at"`
					Updated    time.Time `json:"updated_at"`
					Parameters struct {
						Model struct {
							Repository string  `json:"repository_id"`
							Ref        string  `json:"ref"`
							Commit     *string `json:"commit"`
						} `json:"model"`
					} `json:"parameters"`
				} `json:"node"`
			} `json:"edges"`
		}
	}
	if err := s.ask(ctx, `{ InfrahubTask(limit: 100000, workflow: ["git-repository-add-read-only", "git-repository-pull-read-only",
		"git-read-only-repository-import-last-commit"]) { edges { node { workflow created_at updated_at parameters } } } }`, &listed); err != nil {
		return 0, err
	}
	type span struct{ from, to time.Time }
	// The first task of a workflow for a ref belongs to the change; a later one to the import that its commit starts.
	firsts, imports := map[[2]string]span{}, map[string]span{}
	for _, edge := range listed.InfrahubTask.Edges {
		task := edge.Node
		model, key := task.Parameters.Model, [2]string{task.Parameters.Model.Repository, task.Workflow}
		if known, ok := firsts[key]; model.Ref == ref && model.Commit == nil && (!ok || task.Created.Before(known.from)) {
			firsts[key] = span{task.Created, task.Updated}
		}
	}
	for key, task := range firsts {
		whole, ok := imports[key[0]]
		if !ok {
			whole = task
		}
		if task.from.Before(whole.from) {
			whole.from = task.from
		}
		if task.to.After(whole.to) {
			whole.to = task.to
		}
		imports[key[0]] = whole
	}
	var sum time.Duration
	for _, whole := range imports {
		sum += whole.to.Sub(whole.from)
	}
	if sum == 0 {
		return 0, errors.New("no task imported " + ref)
	}
	return sum, nil
}
