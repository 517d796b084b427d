package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// eachImportAction runs a test for each action that imports, and each kind of repository.
func eachImportAction(t *testing.T, test func(t *testing.T, a *actionTest)) {
	t.Helper()
	eachAction(t, func(t *testing.T, a *actionTest) {
		if a.imports() {
			test(t, a)
		}
	})
}

func TestImportActions_WithoutWaitingEndOnceTheImportIsStarted(t *testing.T) {
	t.Parallel()
	eachImportAction(t, func(t *testing.T, a *actionTest) {
		a.hang()
		a.invoke(attributes{"wait_for_import": false}).requireNone(t)
		a.expectMutations(t, a.mutation+": id")
		a.expectLines("Infrahub imports network at main into branch main; the action does not wait")
	})
}

func TestImportActions_WaitAsTheProviderSays(t *testing.T) {
	t.Parallel()
	eachImportAction(t, func(t *testing.T, a *actionTest) {
		a.testProvider = a.connectWith(t, attributes{"wait_for_import": false})
		a.invoke(nil).requireNone(t)
		a.expectLines("Infrahub imports network")
		a.WaitForTasks(t)
		a.invoke(attributes{"wait_for_import": true}).requireNone(t)
		a.expectLines("Imported network")
	})
}

func TestImportActions_WaitForEarlierImports(t *testing.T) {
	t.Parallel()
	eachImportAction(t, func(t *testing.T, a *actionTest) {
		a.hang()
		a.invoke(attributes{"wait_for_import": false}).requireNone(t)
		time.Sleep(50 * time.Millisecond)
		a.Log.Reset()
		a.invoke(attributes{"timeouts": attributes{"invoke": "3s"}}).onlyError(t).expect(t, "", "Import Not Started", "network",
			"it waited for earlier imports of the repository, which still run ("+a.workflow+": RUNNING, task ", "the timeout expired", "Nothing was changed", "terraform apply -invoke=action.")
		a.expectLines("Waiting for earlier imports to end: " + a.workflow + ": RUNNING, task ")
		a.invokeUntil(nil, func(line string) bool { return strings.HasPrefix(line, "Waiting") }).onlyError(t).
			expect(t, "", "Import Not Started", "which still run", "it was interrupted", "Nothing more was sent", "terraform apply -invoke=action.")
		a.expectMutations(t)
	})
}

// The branch is older than the repository (infrahub-behaviour.md, Branches 9).
func TestImportActions_InactiveRepositoryIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range actionCases() {
		t.Run(c.action+" of "+c.resource, func(t *testing.T) {
			t.Parallel()
			s, r := startServer(t, mockserver.Options{}), newRemote(t)
			s.createBranch(t, "early")
			i := s.connect(t).newInstance(c.resource)
			config := readWriteConfig(r)
			if c.resource == readOnlyType {
				config = readOnlyConfig(r, "main")
			}
			i.mustApply(config)
			s.WaitForTasks(t)
			a := &actionTest{actionCase: c, server: s, testProvider: s.connectWith(t, attributes{"branch": "early"}), t: t, remote: r, id: i.id()}
			a.planAction(a.action, a.config(nil)).requireNone(t) // the same apply may replace the branch
			if !c.imports() {
				a.invoke(nil).requireNone(t) // the location and the credential are the same on every branch
				return
			}
			a.invoke(nil).onlyError(t).expect(t, "repository_id", "Repository Is Inactive", `"network" on branch early`, "after this branch was created")
			a.expectMutations(t)
		})
	}
}

func TestImportActions_MergedBranchIsRefused(t *testing.T) {
	t.Parallel()
	eachImportAction(t, func(t *testing.T, a *actionTest) {
		a.createBranch(t, "release")
		a.testProvider = a.connectWith(t, attributes{"branch": "release"})
		a.mergeBranch(t, "release")
		a.WaitForTasks(t)
		a.Log.Reset()
		a.invoke(nil).onlyError(t).expect(t, "", "Import Not Started", "branch release", "merged", "another name")
		a.expectMutations(t)
	})
}

func TestImportActions_ImportIntoTheBranchOfTheProvider(t *testing.T) {
	t.Parallel()
	eachImportAction(t, func(t *testing.T, a *actionTest) {
		a.createBranch(t, "release")
		a.testProvider = a.connectWith(t, attributes{"branch": "release"})
		a.Log.Reset()
		a.invoke(nil).requireNone(t)
		a.expectLines("Imported network at main into branch release")
		for _, request := range a.Log.Requests() {
			if request.Mutation && request.Branch != "release" {
				t.Errorf("sent %s on %s", request.Operation, request.Branch)
			}
		}
	})
}

func TestImportActions_HiddenTasksAreAWarning(t *testing.T) {
	t.Parallel()
	eachImportAction(t, func(t *testing.T, a *actionTest) {
		a.Inject(mockserver.Fault{NoTasks: true})
		a.invoke(nil).onlyWarning(t).expect(t, "", "Import Completed With Warnings", "does not show its tasks to this account")
		a.expectLines("Imported network")
	})
}

func TestImportActions_RepositoryThatIsDeletedMeanwhileIsNotFound(t *testing.T) {
	t.Parallel()
	eachImportAction(t, func(t *testing.T, a *actionTest) {
		a.failOnce(a.mutation, 200, `{"data": null, "errors": [{"message": "Unable to find the node", "extensions": {"code": "NODE_NOT_FOUND", "http_status": 404, "data": {}}}]}`)
		a.invoke(nil).onlyError(t).expect(t, "repository_id", "Repository Not Found", `"network" on branch main`, "It was deleted")
	})
}
