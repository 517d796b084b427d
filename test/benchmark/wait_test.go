// Package benchmark measures the cost of the provider, each figure relative to a floor of the same run.
package benchmark

import (
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

const repositories = 20

// BenchmarkWait changes the refs of twenty read-only repositories at once: with one client for all of them, as an apply
// does, and with one client for each. It reports
//
//	requests/wait     lists of tasks that the one client requested
//	of-separate       the same as a ratio of the requests of twenty clients
//	lag-intervals     time from the end of the last task to the end of the last wait, in longest intervals
func BenchmarkWait(b *testing.B) {
	for b.Loop() {
		shared, lag := wait(b, 1)
		separate, _ := wait(b, repositories)
		b.ReportMetric(float64(shared), "requests/wait")
		b.ReportMetric(float64(shared)/float64(separate), "of-separate")
		b.ReportMetric(lag.Seconds()/longestInterval.Seconds(), "lag-intervals")
	}
}

// longestInterval is the longest time between two requests of a wait.
const longestInterval = 2 * time.Second

// wait waits for all imports with a number of clients. It returns how many lists of tasks they requested, and the time
// from the end of the last task to the end of the last wait.
func wait(b *testing.B, clients int) (lists int, lag time.Duration) {
	b.Helper()
	server := mocktest.Start(b, mockserver.Options{Delay: mockserver.LiveDelay})
	pool := make([]*infrahub.Client, clients)
	for n := range pool {
		pool[n] = newClient(b, server.Address)
	}
	existing := create(b, pool[0])

	var changed, waited sync.WaitGroup
	started := make([]*infrahub.Import, repositories)
	for n, before := range existing {
		changed.Go(func() {
			after := before
			after.Ref = "v1.1.0"
			var err error
			if started[n], err = pool[n%clients].UpdateRepository(b.Context(), before, after); err != nil {
				b.Error(err)
			}
		})
	}
	changed.Wait()
	if b.Failed() {
		b.FailNow()
	}
	server.Log.Reset()
	for _, started := range started {
		waited.Go(func() {
			if _, err := started.Wait(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
	waited.Wait()
	end := time.Now()
	for _, request := range server.Log.Requests() {
		if request.Operation == "Tasks" {
			lists++
		}
	}
	return lists, end.Sub(lastEnd(b, server.Endpoint))
}

func newClient(b *testing.B, address string) *infrahub.Client {
	b.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	client, err := infrahub.New(infrahub.Config{Address: parsed, Branch: "main", Token: sensitive.New(mockserver.DefaultToken)})
	if err != nil {
		b.Fatal(err)
	}
	return client
}

// create creates the repositories at v1.0.0 and waits until their imports and echoes have ended.
func create(b *testing.B, client *infrahub.Client) []infrahub.Repository {
	b.Helper()
	root := b.TempDir()
	existing := make([]infrahub.Repository, repositories)
	var created sync.WaitGroup
	for n := range existing {
		remote := mocktest.NewRemote(b, root, fmt.Sprintf("network-%d.git", n), "v1.0.0", "v1.1.0")
		created.Go(func() {
			wanted := infrahub.Repository{Kind: infrahub.ReadOnly, Name: fmt.Sprintf("network-%d", n), Location: remote.Path, Ref: "v1.0.0"}
			id, started, err := client.CreateRepository(b.Context(), wanted)
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := started.Wait(b.Context()); err != nil {
				b.Error(err)
			}
			wanted.ID = id
			existing[n] = wanted
		})
	}
	created.Wait()
	if b.Failed() {
		b.FailNow()
	}
	time.Sleep(3 * time.Second) // until the echoes have ended, so that no change waits for them
	return existing
}

// lastEnd returns when the last task of a changed ref ended, by the clock of the mock.
func lastEnd(b *testing.B, server mocktest.Endpoint) time.Time {
	b.Helper()
	tasks := server.Ask(b, `query($workflows: [String]) {
		InfrahubTask(workflow: $workflows, limit: 500) { edges { node { updated_at parameters } } } }`,
		"workflows", []string{"git-repository-pull-read-only", "git-read-only-repository-import-last-commit"})
	var last time.Time
	for n := range 500 {
		task := fmt.Sprintf("data.InfrahubTask.edges.%d.node.", n)
		if tasks.Text(task+"parameters.model.ref") != "v1.1.0" || tasks.At(task+"parameters.model.commit") != nil {
			continue
		}
		updated, err := time.Parse(time.RFC3339, tasks.Text(task+"updated_at"))
		if err != nil {
			b.Fatal(err)
		}
		if updated.After(last) {
			last = updated
		}
	}
	if last.IsZero() {
		b.Fatalf("no task of a changed ref in %.300s", tasks.Body)
	}
	return last
}
