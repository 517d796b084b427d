package infrahub

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// syncWithRemote is the workflow of the periodic sync of a read-write repository (infrahub-behaviour.md, Importing 19).
const syncWithRemote = "sync-git-repo-with-origin"

// Task is a task of a repository, as a person looks at it.
type Task struct {
	ID       string
	Workflow string
	State    string // SCHEDULED, PENDING, RUNNING, COMPLETED, FAILED, CRASHED or another one of Prefect
	// Branch is the Infrahub branch that it works on, "" if that is unknown.
	Branch string
	// Started is nil if the task has not started.
	Started *time.Time
	// Duration is the time from the start to the end, nil if the task has not ended.
	Duration *time.Duration
	// Reason is why the task failed, in one line in the server's words, "" if it did not fail.
	Reason string
}

// RepositoryTasks returns the latest tasks that import a repository on any branch, latest first and as many as limit. The log of a
// task is read only if the task failed. ErrUnauthorized if the account may not list tasks; a repository that does not exist has none.
func (c *Client) RepositoryTasks(ctx context.Context, repositoryID string, limit int) ([]Task, error) {
	reports, err := c.reportedTasks(ctx, repositoryID, limit)
	if err != nil {
		return nil, err
	}
	var tasks []Task
	for _, report := range reports {
		described := report.describe()
		if (report.ended() || report.crashed()) && !report.completed() {
			raised, err := c.readExceptionUntil(ctx, report.ID, report.updated.Add(logTimeout))
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			described.Reason = report.reason(raised, err)
		}
		tasks = append(tasks, described)
	}
	return tasks, nil
}

// reportedTasks lists the tasks of a repository. A task belongs to its repository only once it has started, so those that have not
// are found by their parameters (infrahub-behaviour.md, Importing 2).
func (c *Client) reportedTasks(ctx context.Context, repositoryID string, limit int) ([]taskReport, error) {
	waiting, err := c.requestReports(ctx, nil, []graphql.StateType{graphql.StateTypeScheduled, graphql.StateTypePending}, tasksPerPage)
	if err != nil {
		return nil, err
	}
	waiting = slices.DeleteFunc(waiting, func(t taskReport) bool { return t.Model.RepositoryID != repositoryID })
	started, err := c.requestReports(ctx, []string{repositoryID}, nil, limit)
	if err != nil {
		return nil, err
	}
	tasks := slices.DeleteFunc(waiting, func(t taskReport) bool {
		return slices.ContainsFunc(started, func(other taskReport) bool { return other.ID == t.ID }) // it has started meanwhile
	})
	tasks = append(tasks, started...)
	slices.SortStableFunc(tasks, func(a, b taskReport) int { return b.at().Compare(a.at()) })
	return tasks[:min(limit, len(tasks))], nil
}

func (c *Client) requestReports(ctx context.Context, nodes []string, states []graphql.StateType, limit int) ([]taskReport, error) {
	workflows := append(importWorkflows(), syncWithRemote)
	resp, err := graphql.RepositoryTasks(ctx, c.graphql, nodes, states, workflows, limit)
	if err != nil {
		return nil, err
	}
	var tasks []taskReport
	for _, edge := range resp.InfrahubTask.Edges {
		if edge.Node != nil {
			tasks = append(tasks, newTaskReport(*edge.Node))
		}
	}
	return tasks, nil
}

// taskReport is a task with what a person wants to know beyond its outcome.
type taskReport struct {
	task
	branch string
	// updated is when the task last changed, by the server's clock: its end, once it has ended.
	updated time.Time
}

// newTaskReport takes the branch from the parameters, because that of the task may be another one (infrahub-behaviour.md,
// Importing 23).
func newTaskReport(node graphql.RepositoryTask) taskReport {
	report := taskReport{task: newTask(graphql.Task{
		Id: node.Id, State: node.State, Workflow: node.Workflow, Created_at: node.Created_at, Start_time: node.Start_time, Parameters: node.Parameters,
	})}
	var ofSync struct {
		Branch string `json:"infrahub_branch"`
	}
	if node.Parameters != nil {
		_ = json.Unmarshal(*node.Parameters, &ofSync) // a task without these parameters has no such branch
	}
	report.branch = cmp.Or(report.Model.Branch, ofSync.Branch, deref(node.Branch))
	if updated, err := time.Parse(time.RFC3339Nano, node.Updated_at); err == nil {
		report.updated = updated
	}
	return report
}

// at returns when the task started, or was created if it has not started.
func (t taskReport) at() time.Time {
	if t.Started == nil {
		return t.Created
	}
	return *t.Started
}

func (t taskReport) describe() Task {
	described := Task{ID: t.ID, Workflow: t.Workflow, State: string(t.State), Branch: t.branch, Started: t.Started}
	if t.ended() && t.Started != nil {
		duration := max(0, t.updated.Sub(*t.Started))
		described.Duration = &duration
	}
	return described
}
