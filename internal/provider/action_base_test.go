package provider

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The names of the actions.
const (
	checkConnectivityType = "infrahub_check_connectivity"
	importLatestType      = "infrahub_import_latest_commit"
	reimportType          = "infrahub_reimport"
)

// actionCase is one action on one kind of repository.
type actionCase struct {
	action, resource string
	// mutation is what the action sends.
	mutation string
	// workflow is the task that it starts, "" if it starts none.
	workflow string
}

// actionCases returns every action on every kind of repository that it takes.
func actionCases() []actionCase {
	const importObjects = "git-repository-import-object"
	return []actionCase{
		{importLatestType, readOnlyType, "ImportLatestCommit", "git-read-only-repository-import-last-commit"},
		{reimportType, readOnlyType, "ReimportCommit", importObjects},
		{reimportType, readWriteType, "ReimportCommit", importObjects},
		{checkConnectivityType, readOnlyType, "CheckConnectivity", ""},
		{checkConnectivityType, readWriteType, "CheckConnectivity", ""},
	}
}

func (c actionCase) imports() bool { return c.workflow != "" }

// actionTest is an action and the repository that it acts on, which Terraform has created and does not touch any more.
type actionTest struct {
	actionCase
	*server
	*testProvider
	t      *testing.T
	remote *mocktest.Remote
	id     string
	// lines are the progress lines of the last invocation.
	lines []string
}

// eachAction runs a test for each action and kind of repository. The repository follows main, which was imported.
func eachAction(t *testing.T, test func(t *testing.T, a *actionTest)) {
	t.Helper()
	for _, c := range actionCases() {
		t.Run(c.action+" of "+c.resource, func(t *testing.T) {
			t.Parallel()
			test(t, newActionTest(t, c))
		})
	}
}

func newActionTest(t *testing.T, c actionCase) *actionTest {
	t.Helper()
	s, r := startServer(t, mockserver.Options{}), newRemote(t)
	p := s.connect(t)
	i := p.newInstance(c.resource)
	config := readWriteConfig(r)
	if c.resource == readOnlyType {
		config = readOnlyConfig(r, "main")
	}
	i.mustApply(config)
	s.WaitForTasks(t)
	s.Log.Reset()
	return &actionTest{actionCase: c, server: s, testProvider: p, t: t, remote: r, id: i.id()}
}

// kind returns what diagnostics call the repository.
func (a *actionTest) kind() string {
	if a.resource == readOnlyType {
		return "read-only repository"
	}
	return "repository"
}

func (a *actionTest) config(changes attributes) attributes {
	return attributes{"repository_id": a.id}.with(changes)
}

// invoke invokes the action.
func (a *actionTest) invoke(changes attributes) diagnostics {
	a.t.Helper()
	return a.invokeUntil(changes, func(string) bool { return false })
}

// invokeUntil invokes the action, and cancels it at the first line for which until returns true.
func (a *actionTest) invokeUntil(changes attributes, until func(line string) bool) diagnostics {
	a.t.Helper()
	ctx, cancel := context.WithCancel(a.t.Context())
	defer cancel()
	a.lines = nil
	return a.invokeAction(ctx, a.action, a.config(changes), func(line string) {
		a.lines = append(a.lines, line)
		if until(line) {
			cancel()
		}
	})
}

// hang makes the server never finish what the action asks for, as far as a test can wait.
func (a *actionTest) hang() {
	if a.imports() {
		a.Inject(mockserver.Fault{Operation: a.workflow, Times: 1, StuckTask: true})
	} else {
		a.Inject(mockserver.Fault{Operation: a.mutation, Times: 1, Delay: 3 * time.Second})
	}
}

// expectLines expects the last progress line, and that each line is one, without a period.
func (a *actionTest) expectLines(last string) {
	a.t.Helper()
	for _, line := range a.lines {
		if strings.ContainsAny(line, "\n") || strings.HasSuffix(line, ".") || line == "" {
			a.t.Errorf("the progress line %q is not one line without a period", line)
		}
	}
	if len(a.lines) == 0 || !strings.HasPrefix(a.lines[len(a.lines)-1], last) {
		a.t.Errorf("the progress ends with %q, want %q", a.lines, last)
	}
}

func TestActions_SucceedWithOneMutationAndTellTheProgress(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		a.planAction(a.action, a.config(nil)).requireNone(t)
		a.expectMutations(t)
		if a.action == importLatestType {
			a.remote.Release(t, "v1.2.0", nil)
		}
		a.invoke(nil).requireNone(t)
		a.expectMutations(t, a.mutation+": id")
		switch a.action {
		case importLatestType:
			a.expectLines("Imported network at main into branch main: commit " + a.remote.Commits["v1.2.0"])
		case reimportType:
			a.expectLines("Imported network at main into branch main: commit " + a.remote.Commits["v1.1.0"] + ", as before")
		default:
			a.expectLines("Infrahub reaches " + a.remote.Path)
		}
		if a.imports() && !slices.ContainsFunc(a.lines, func(line string) bool {
			return strings.HasPrefix(line, "Importing network at main into branch main: "+a.workflow+": ")
		}) {
			t.Errorf("the task is not in the progress: %q", a.lines)
		}
	})
}

func TestActions_FailureHasTheReasonOfInfrahub(t *testing.T) {
	t.Parallel()
	for _, c := range actionCases() {
		t.Run(c.action+" of "+c.resource, func(t *testing.T) {
			t.Parallel()
			if !c.imports() {
				a := newActionTest(t, c)
				if err := os.Rename(a.remote.Path, a.remote.Path+".gone"); err != nil {
					t.Fatal(err)
				}
				a.invoke(nil).onlyError(t).expect(t, "repository_id", "Repository Not Reached", a.kind()+` "network" on branch main`,
					"Infrahub does not reach "+a.remote.Path, "check the address", "the next import of it fails", "terraform apply -invoke=action.", "Request id: ")
				a.expectMutations(t, "CheckConnectivity: id")
				return
			}
			s, r := startServer(t, mockserver.Options{}), mocktest.NewRemote(t, t.TempDir(), "network.git")
			r.Release(t, "v1.0.0", mocktest.BrokenFiles())
			p := s.connect(t)
			i := p.newInstance(c.resource)
			config := readWriteConfig(r)
			if c.resource == readOnlyType {
				config = readOnlyConfig(r, "main")
			}
			i.apply(i.plan(config)).onlyError(t)
			s.WaitForTasks(t)
			if c.action == importLatestType {
				r.Commit(t, "pushed", map[string]string{".infrahub.yml": "queries: [\n", "other.txt": "other"})
			}
			s.Log.Reset()
			a := &actionTest{actionCase: c, server: s, testProvider: p, t: t, remote: r, id: i.id()}
			got := a.invoke(nil).onlyError(t)
			got.expect(t, "", "Import Failed", a.kind()+` "network" at "main" into branch "main"`, "invalid configuration file '.infrahub.yml'",
				"Correct .infrahub.yml", "terraform apply -invoke=action.", "("+c.workflow+", FAILED)", "Request id: ")
			if strings.Contains(got.detail, "apply again") || strings.Contains(got.detail, "aint") {
				t.Errorf("the detail suggests what does not repeat an action:\n%s", got.detail)
			}
			a.expectMutations(t, c.mutation+": id")
		})
	}
}

func TestActions_CancelEndsAtOnceAndNamesWhatStillRuns(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		a.hang()
		began := time.Now()
		got := a.invokeUntil(nil, func(line string) bool {
			return strings.Contains(line, ": RUNNING") || strings.HasPrefix(line, "Infrahub connects")
		}).onlyError(t)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it ended after %s", took)
		}
		if a.imports() {
			got.expect(t, "", "Import Not Finished", "The wait was interrupted.", "it goes on without Terraform", a.workflow+": RUNNING, task ", "under Tasks", "Request id: ")
		} else {
			got.expect(t, "", "Connectivity Check Not Finished", "The wait was interrupted.", a.kind()+` "network"`, "operational status")
		}
		if strings.Contains(got.detail, "Plan again") || strings.Contains(got.detail, "apply again") {
			t.Errorf("the detail suggests what does not concern an action:\n%s", got.detail)
		}
	})
}

func TestActions_TimeoutNamesWhatStillRuns(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		a.hang()
		began := time.Now()
		got := a.invoke(attributes{"timeouts": attributes{"invoke": "700ms"}}).onlyError(t)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it ended after %s", took)
		}
		again := []string{"The timeout expired.", "goes on without Terraform", "workers run", "timeouts", "terraform apply -invoke=action."}
		if a.imports() {
			got.expect(t, "", "Import Not Finished", append(again, a.workflow+": RUNNING, task ", "Request id: ")...)
			a.expectMutations(t, a.mutation+": id")
		} else { // the check is logged once it has ended
			got.expect(t, "", "Connectivity Check Not Finished", append(again, "may still be connecting to "+a.remote.Path)...)
		}
	})
}

func TestActions_TimeoutThatLeavesNoTimeIsInvalid(t *testing.T) {
	t.Parallel()
	for name, config := range actionTypes() {
		for _, timeout := range []string{"0s", "-1m", "soon"} {
			got := newProvider(t).validateAction(name, config.with(attributes{"timeouts": attributes{"invoke": timeout}})).onlyError(t)
			if got.attribute != "timeouts" {
				t.Errorf("%s, %s: got %s", name, timeout, got)
			}
		}
	}
}

func TestActions_IDThatIsNoneOfARepositoryIsRefusedByThePlan(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		tag := a.createTag(t, "core", nil)
		a.Log.Reset()
		for description, test := range map[string]struct {
			id, summary string
			parts       []string
		}{
			"a name":      {"network", "Not an Id", []string{`repository_id is "network"`, "names are not accepted", "infrahub_repository.NAME.id"}},
			"a missing":   {nodeUUID, "Repository Not Found", []string{nodeUUID, "branch main", "no repository of either kind", "deleted"}},
			"that of tag": {tag, "Repository Not Found", []string{tag, "that of another object"}},
		} {
			config := attributes{"repository_id": test.id}
			a.planAction(a.action, config).onlyError(t).expect(t, "repository_id", test.summary, test.parts...)
			t.Log(description)
			a.invokeAction(t.Context(), a.action, config, func(string) {}).onlyError(t).expect(t, "repository_id", test.summary, test.parts...)
		}
		a.expectMutations(t)
	})
}

func TestActions_UnknownIDIsPlannedWithoutARequest(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		config := attributes{"repository_id": unknown, "timeouts": unknown}
		a.validateAction(a.action, config).requireNone(t)
		a.planAction(a.action, config).requireNone(t)
		if sent := a.Log.Requests(); len(sent) > 0 {
			t.Errorf("sent %v", sent)
		}
		if got := a.validateAction(a.action, attributes{"repository_id": ""}).onlyError(t); got.attribute != "repository_id" {
			t.Errorf("got %s", got)
		}
	})
}

func TestActions_RepositoryThatCannotBeReadIsNotOneThatIsMissing(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		for name, run := range map[string]func() diagnostics{
			"plan":   func() diagnostics { return a.planAction(a.action, a.config(nil)) },
			"invoke": func() diagnostics { return a.invoke(nil) },
		} {
			a.failOnce("ReadOnlyRepositories", http.StatusServiceUnavailable, "no healthy upstream")
			got := run().onlyError(t)
			got.expect(t, "", "Repository Not Read", a.id, "no healthy upstream", "terraform apply -invoke=action.", "Request id: ")
			t.Log(name)
		}
		a.expectMutations(t)
	})
}

func TestActions_RefusalOfInfrahubStartsNothing(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		a.failOnce(a.mutation, http.StatusUnauthorized, refusal)
		summary := "Import Not Started"
		if !a.imports() {
			summary = "Connectivity Not Checked"
		}
		a.invoke(nil).onlyError(t).expect(t, "", summary, `"network" on branch main`, "Refused.", "Request id: ")
		if a.imports() {
			a.expectLinesWithout("Imported")
		} else {
			a.expectLinesWithout("reaches")
		}
	})
}

// expectLinesWithout expects that no progress line contains a text.
func (a *actionTest) expectLinesWithout(text string) {
	a.t.Helper()
	for _, line := range a.lines {
		if strings.Contains(line, text) {
			a.t.Errorf("the progress has %q", line)
		}
	}
}

func TestActions_MissingBranchIsLeftToTheInvocation(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		p := newProvider(t)
		p.configure(a.block().with(attributes{"branch": "gone"})).onlyWarning(t)
		p.planAction(a.action, a.config(nil)).requireNone(t)
		a.Log.Reset()
		p.invokeAction(t.Context(), a.action, a.config(nil), func(string) {}).onlyError(t).
			expect(t, "", "Repository Not Read", "branch gone", "Create the branch")
		a.expectMutations(t)
	})
}

func TestActions_ResourceStaysAsItIs(t *testing.T) {
	t.Parallel()
	eachAction(t, func(t *testing.T, a *actionTest) {
		i := a.testProvider.newInstance(a.resource)
		i.importByID(a.id).requireNoErrors(t)
		before := i.state
		a.invoke(nil).requireNone(t)
		a.WaitForTasks(t)
		i.refresh().requireNone(t)
		if difference := cmp.Diff(before, i.state); difference != "" {
			t.Errorf("the refreshed state (-before +after):\n%s", difference)
		}
		config := readWriteConfig(a.remote)
		if a.resource == readOnlyType {
			config = readOnlyConfig(a.remote, "main")
		}
		i.expectEmptyPlan(config)
	})
}
