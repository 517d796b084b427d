// Package benchmark measures what the provider costs, each figure against a floor of the same run.
package benchmark

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const repositories = 20

// BenchmarkWait bumps twenty read-only repositories at once, with one client for all of them, as an apply
// does, and with a client each. It reports
//
//	requests/wait     lists of tasks that one client asked for
//	of-separate       the same as a ratio of what twenty clients asked for
//	lag-intervals     time from the end of the last task to the end of the last wait, in longest intervals
func BenchmarkWait(b *testing.B) {
	for b.Loop() {
		shared, lag := wait(b, 1)
		separate, _ := wait(b, repositories)
		b.ReportMetric(float64(shared), "requests/wait")
		b.ReportMetric(float64(shared)/float64(separate), "of-separate")
		b.ReportMetric(lag.Seconds()/slowest.Seconds(), "lag-intervals")
	}
}

const slowest = 2 * time.Second

// wait returns how many lists of tasks were asked for while all imports were waited for, by this many
// clients, and how long after the end of the last task the last wait returned.
func wait(b *testing.B, clients int) (lists int, lag time.Duration) {
	b.Helper()
	mock, err := mockserver.New(mockserver.Options{Delay: mockserver.LiveDelay})
	if err != nil {
		b.Fatal(err)
	}
	defer mock.Close()
	log := mockserver.Record(mock)
	listening := httptest.NewServer(log)
	defer listening.Close()
	pool := make([]*infrahub.Client, clients)
	for n := range pool {
		pool[n] = newClient(b, listening.URL)
	}
	existing := create(b, pool[0])
	log.Reset()

	var bumped, waited sync.WaitGroup
	started := make([]*infrahub.Import, repositories)
	for n, before := range existing {
		bumped.Go(func() {
			after := before
			after.Ref = "v1.1.0"
			if started[n], err = pool[n%clients].UpdateRepository(b.Context(), before, after); err != nil {
				b.Error(err)
			}
		})
	}
	bumped.Wait()
	if b.Failed() {
		b.FailNow()
	}
	log.Reset()
	for _, started := range started {
		waited.Go(func() {
			if _, err := started.Wait(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
	waited.Wait()
	end := time.Now()
	for _, request := range log.Requests() {
		if request.Operation == "Tasks" {
			lists++
		}
	}
	return lists, end.Sub(lastEnd(b, listening.URL))
}

func newClient(b *testing.B, address string) *infrahub.Client {
	b.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	client, err := infrahub.New(infrahub.Config{Address: parsed, Branch: "main", Token: mockserver.DefaultToken})
	if err != nil {
		b.Fatal(err)
	}
	return client
}

// create makes the repositories at v1.0.0 and waits until their echoes have ended too.
func create(b *testing.B, client *infrahub.Client) []infrahub.Repository {
	b.Helper()
	root := b.TempDir()
	existing := make([]infrahub.Repository, repositories)
	var created sync.WaitGroup
	for n := range existing {
		remote, err := gitserver.NewRepository(root, fmt.Sprintf("network-%d.git", n))
		if err != nil {
			b.Fatal(err)
		}
		for _, tag := range []string{"v1.0.0", "v1.1.0"} {
			if _, err := remote.Commit(map[string]string{".infrahub.yml": "queries: []\n", "release.txt": tag}); err != nil {
				b.Fatal(err)
			}
			if err := remote.Tag(tag); err != nil {
				b.Fatal(err)
			}
		}
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
	time.Sleep(3 * time.Second) // the echoes, so that no bump waits for them
	return existing
}

// lastEnd is when the last task ended that a bump asked for, by the mock's clock, which is ours.
func lastEnd(b *testing.B, address string) time.Time {
	b.Helper()
	const query = `{"query": "{ InfrahubTask(workflow: [\"git-repository-pull-read-only\", \"git-read-only-repository-import-last-commit\"], limit: 500) { edges { node { updated_at parameters } } } }"}`
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, address+"/graphql/main", strings.NewReader(query))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	var answer struct {
		Data struct {
			InfrahubTask struct {
				Edges []struct {
					Node struct {
						Updated    time.Time `json:"updated_at"`
						Parameters struct {
							Model struct{ Ref, Commit *string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		b.Fatal(err)
	}
	var last time.Time
	for _, edge := range answer.Data.InfrahubTask.Edges {
		if model := edge.Node.Parameters.Model; model.Ref != nil && *model.Ref == "v1.1.0" && model.Commit == nil && edge.Node.Updated.After(last) {
			last = edge.Node.Updated
		}
	}
	if last.IsZero() {
		b.Fatalf("no task of a bump in %.300s", content)
	}
	return last
}
