package provider

import "testing"

// The server offers it for read-only repositories alone (infrahub-behaviour.md, Importing 4).
func TestImportLatestCommit_ReadWriteRepositoryIsRefusedByThePlan(t *testing.T) {
	t.Parallel()
	a := newActionTest(t, actionCase{action: importLatestType, resource: readWriteType})
	for _, diags := range []diagnostics{a.planAction(a.action, a.config(nil)), a.invoke(nil)} {
		diags.onlyError(t).expect(t, "repository_id", "Not a Read-Only Repository", `"network"`, a.id, "by itself", "infrahub_reimport")
	}
	a.expectMutations(t)
}

func TestImportLatestCommit_CommitThatIsNotNewStays(t *testing.T) {
	t.Parallel()
	a := newActionTest(t, actionCases()[0])
	a.invoke(nil).requireNone(t)
	a.expectLines("Imported network at main into branch main: commit " + a.remote.Commits["v1.1.0"] + ", as before")
}
