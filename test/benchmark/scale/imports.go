package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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
	// at once as the CLI changes resources. TasksSeconds leaves out the tasks that the server starts once it has recorded the commit;
	// until these end too, it shows that the repository is syncing (infrahub-behaviour.md, Importing 7).
	CapacitySeconds float64 `json:"capacity_seconds"`
	TasksSeconds    float64 `json:"tasks_seconds"`
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
		if err := s.waitForTasks(ctx); err != nil {
			return nil, err
		}
		tasks, whole, err := s.importTime(ctx, o.ref)
		if err != nil {
			return nil, err
		}
		measured.CapacitySeconds, measured.TasksSeconds = whole.Seconds()/float64(min(n, parallelism)), tasks.Seconds()/float64(min(n, parallelism))
		measured.OfCapacity = measured.Seconds / measured.CapacitySeconds
		measured.ListsPerInterval = float64(measured.TaskLists) * shortestInterval.Seconds() / measured.Seconds
		fmt.Printf("%-12s of %d: %.1f s, %.2f of the capacity (%.1f s, without echo %.1f s); %d requests, %.2f a repository; %d lists of tasks, %.2f an interval\n", o.name, n,
			measured.Seconds, measured.OfCapacity, measured.CapacitySeconds, measured.TasksSeconds, measured.Requests, float64(measured.Requests)/float64(n), measured.TaskLists, measured.ListsPerInterval)
		rows = append(rows, measured)
	}
	return rows, nil
}

// importTime returns the sum of the times that the imports of a ref took: the tasks that a change starts, and these with their echo.
func (s *server) importTime(ctx context.Context, ref string) (tasks, whole time.Duration, err error) {
	type edge struct {
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
	}
	var listed struct {
		InfrahubTask struct {
			Edges []edge
		}
	}
	if err := s.ask(ctx, `{ InfrahubTask(limit: 100000, workflow: ["git-repository-add-read-only", "git-repository-pull-read-only",
		"git-read-only-repository-import-last-commit"]) { edges { node { workflow created_at updated_at parameters } } } }`, &listed); err != nil {
		return 0, 0, err
	}
	// The first task of a workflow for a ref belongs to the change; a later one, or one for a commit, is of the echo.
	own, all := map[string]span{}, map[string]span{}
	seen := map[[2]string]bool{}
	slices.SortFunc(listed.InfrahubTask.Edges, func(a, b edge) int { return a.Node.Created.Compare(b.Node.Created) })
	for _, edge := range listed.InfrahubTask.Edges {
		task := edge.Node
		model, took := task.Parameters.Model, span{task.Created, task.Updated}
		if model.Ref != ref {
			continue
		}
		if key := [2]string{model.Repository, task.Workflow}; model.Commit == nil && !seen[key] {
			seen[key] = true
			own[model.Repository] = own[model.Repository].with(took)
		}
		all[model.Repository] = all[model.Repository].with(took)
	}
	for _, took := range own {
		tasks += took.to.Sub(took.from)
	}
	for _, took := range all {
		whole += took.to.Sub(took.from)
	}
	if tasks == 0 {
		return 0, 0, errors.New("no task imported " + ref)
	}
	return tasks, whole, nil
}

// span is a time between two moments. The zero span is empty.
type span struct{ from, to time.Time }

// with returns the span from the beginning of the first to the end of the last of two.
func (s span) with(other span) span {
	if s == (span{}) {
		return other
	}
	if other.from.Before(s.from) {
		s.from = other.from
	}
	if other.to.After(s.to) {
		s.to = other.to
	}
	return s
}
