package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// twoRepositories serves /nos and /nos.git, which are two repositories. It returns the address of the host, and the commit of each.
// The mock server appends .git to locations on localhost.
func twoRepositories(t *testing.T, host string) (address string, commits map[string]string) {
	t.Helper()
	root := t.TempDir()
	commits = map[string]string{}
	for _, path := range []string{"nos", "nos.git"} {
		commits["/"+path] = mocktest.NewRemote(t, root, path, "v1.0.0").Commits["v1.0.0"]
	}
	return strings.Replace(mocktest.ServeGit(t, root, gitserver.Options{}), "127.0.0.1", host, 1), commits
}

func TestLocation_GitSuffixIsAnotherRepositoryWhereTheServerAppendsNothing(t *testing.T) {
	t.Parallel()
	for _, steps := range [][]string{{"/nos", "/nos.git"}, {"/nos.git", "/nos"}} {
		for _, typeName := range []string{readOnlyType, readWriteType} {
			t.Run(typeName+steps[0]+" to "+steps[1], func(t *testing.T) {
				t.Parallel()
				s := startServer(t, mockserver.Options{AppendGitSuffix: []string{"localhost"}, SyncInterval: 20 * time.Millisecond})
				address, commits := twoRepositories(t, "127.0.0.1")
				i := s.connect(t).newInstance(typeName)
				for n, path := range steps {
					config := attributes{"name": "network", "location": address + path}
					if n > 0 {
						i.refresh().requireNone(t)
						if plan := i.plan(config); plan.state.text("location") != address+path || plan.state["commit"] != unknown {
							t.Errorf("planned %v", plan.state)
						}
					}
					i.mustApply(config)
					s.WaitForTasks(t)
					if i.state.text("location") != address+path || i.state.text("commit") != commits[path] {
						t.Errorf("saved %v, want commit %s", i.state, commits[path])
					}
					i.expectEmptyPlan(config)
					i.refresh().requireNone(t)
					i.expectEmptyPlan(config)
				}
			})
		}
	}
}

func TestLocation_GitSuffixThatTheServerAppendedIsNoChange(t *testing.T) {
	t.Parallel()
	for _, typeName := range []string{readOnlyType, readWriteType} {
		t.Run(typeName, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, mockserver.Options{AppendGitSuffix: []string{"localhost"}})
			address, commits := twoRepositories(t, "localhost")
			i := s.connect(t).newInstance(typeName)
			config := attributes{"name": "network", "location": address + "/nos"}
			withSuffix := config.with(attributes{"location": address + "/nos.git"})
			i.mustApply(config)
			if i.state.text("location") != address+"/nos" || i.state.text("commit") != commits["/nos.git"] {
				t.Errorf("saved %v, want commit %s", i.state, commits["/nos.git"])
			}
			s.WaitForTasks(t)
			for range 2 { // before a refresh, and after it
				i.expectEmptyPlan(config)
				i.expectEmptyPlan(withSuffix)
				i.refresh().requireNone(t)
			}
		})
	}
}

func TestLocation_GitSuffixThatIsRemovedIsAnUpdateAndThenStays(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{AppendGitSuffix: []string{"localhost"}})
	address, commits := twoRepositories(t, "localhost")
	i := s.connect(t).newInstance(readOnlyType)
	config := attributes{"name": "network", "location": address + "/nos.git"}
	i.mustApply(config)
	s.WaitForTasks(t)
	i.refresh().requireNone(t)

	config["location"] = address + "/nos" // no answer of the server shows yet that it appends on this host
	if plan := i.plan(config); plan.state.text("location") != address+"/nos" {
		t.Errorf("planned %v", plan.state)
	}
	i.mustApply(config)
	s.WaitForTasks(t)
	if i.state.text("location") != address+"/nos" || i.state.text("commit") != commits["/nos.git"] {
		t.Errorf("saved %v", i.state)
	}
	i.refresh().requireNone(t)
	i.expectEmptyPlan(config)
}

func TestLocation_OfAnotherClientIsSeen(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{AppendGitSuffix: []string{"localhost"}})
	address, _ := twoRepositories(t, "127.0.0.1")
	i := s.connect(t).newInstance(readOnlyType)
	config := attributes{"name": "network", "location": address + "/nos.git"}
	i.mustApply(config)
	s.WaitForTasks(t)
	other := *i
	other.mustApply(config.with(attributes{"location": address + "/nos"}))
	s.WaitForTasks(t)
	i.refresh().requireNone(t)
	if i.state.text("location") != address+"/nos" {
		t.Errorf("read %v", i.state)
	}
	want := i.state.with(attributes{"location": address + "/nos.git", "commit": unknown})
	if difference := cmp.Diff(want, i.plan(config).state); difference != "" {
		t.Errorf("the plan does not change it back (-want +got):\n%s", difference)
	}
}
