package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// errorOf returns an error of the framework as the tests of responses see it.
func errorOf(t *testing.T, d diag.Diagnostic) diagnostic {
	t.Helper()
	if d.Severity() != diag.SeverityError {
		t.Errorf("%q is no error", d.Summary())
	}
	expectTitleCase(t, d.Summary())
	attribute := ""
	if with, ok := d.(diag.DiagnosticWithPath); ok {
		attribute = with.Path().String()
	}
	return diagnostic{attribute, d.Summary(), d.Detail()}
}

func TestDiagnostics_OfRequests(t *testing.T) {
	t.Parallel()
	serverError := func(field, message string) error {
		return &infrahub.Error{Operation: "CreateRepository", Status: 200, Field: field, Message: message, RequestID: "5d41402a"}
	}
	for name, test := range map[string]struct {
		err       error
		attribute string
		parts     []string
		never     string
	}{
		"name is taken": {
			serverError("name", "Violates uniqueness constraint 'name'"), "name",
			[]string{"Violates uniqueness constraint 'name'.", "terraform import", "choose another name", "Request id: 5d41402a"},
			"",
		},
		"location is taken": {
			serverError("location", "Violates uniqueness constraint 'location'."), "location",
			[]string{"constraint 'location'.\n", "terraform import", "choose another location"},
			"..",
		},
		"location is not reached": {
			serverError("location", "Unable to clone the repository"), "location",
			[]string{"the Infrahub server itself reaches", "credential"},
			"terraform import",
		},
		"name is refused": {
			serverError("name", "must match '^[^/]*$' at name"), "name", []string{"must match"}, "terraform import",
		},
		"credential": {
			serverError("credential", "Authentication failed for network"), "credential_id",
			[]string{"Check credential_id", "username and password", "Request id: 5d41402a"},
			"",
		},
		"tag": {
			serverError("tags", "Unable to find the node core / BuiltinTag"), "tags", []string{"core", "Create the tag in Infrahub first"}, "",
		},
		"a field that is no attribute": {
			serverError("label", "too long at label"), "", []string{"too long at label.", "Request id: 5d41402a"}, "",
		},
		"no field": {serverError("", "Something is wrong"), "", []string{"Something is wrong.", "Request id: 5d41402a"}, ""},
		"no answer": {
			&infrahub.Error{Operation: "CreateRepository", Message: "no answer from https://h: EOF"}, "", []string{"no answer from https://h: EOF."}, "Request id",
		},
		"not allowed": {
			fmt.Errorf("%w: %w", serverError("", "You do not have the permission"), infrahub.ErrUnauthorized), "",
			[]string{"You do not have the permission.", "Check that the account", "Request id: 5d41402a"},
			"CreateRepository",
		},
		"branch is gone": {
			fmt.Errorf("read: %w", infrahub.ErrBranchNotFound), "", []string{"Create the branch, or set another one"}, "Request id",
		},
		"object is gone": {
			fmt.Errorf("repository 5 on branch main: %w", infrahub.ErrNotFound), "", []string{"deleted outside of Terraform", "plan again"}, "",
		},
		"name of the same kind": {
			fmt.Errorf("%w: %w", &infrahub.TakenError{Field: "name", Kind: "read-only repository", ID: "5d41", Name: "network"}, serverError("name", "Violates uniqueness constraint 'name'")), "name",
			[]string{"Violates uniqueness constraint 'name'.", `The read-only repository "network" has this name.`, "\n\nimport {\n  to = infrahub_read_only_repository.NAME\n  id = \"5d41\"\n}\n\n", "exchange", "create_before_destroy", "Request id: 5d41402a"},
			"either kind",
		},
		"name of another kind": {
			fmt.Errorf("%w: %w", &infrahub.TakenError{Field: "name", Kind: "repository", ID: "5d41", Name: "network"}, serverError("name", "Violates uniqueness constraint 'name'")), "name",
			[]string{`The repository "network" has this name.`, "choose another name"},
			"terraform import",
		},
		"busy":           {fmt.Errorf("read: %w", infrahub.ErrBusy), "", []string{"busy, restarting or failing", "Nothing was changed by this request", "max_retries"}, "Something else"},
		"not Infrahub":   {fmt.Errorf("read: %w", infrahub.ErrNotInfrahub), "", []string{"Something else than Infrahub answered", "proxies", "apply again"}, ""},
		"interrupted":    {fmt.Errorf("read: %w", context.Canceled), "", []string{"it was interrupted", "Nothing more was sent"}, "context canceled"},
		"unreachable":    {fmt.Errorf("read: %w", infrahub.ErrUnreachable), "", []string{"Check the connection", "apply again"}, ""},
		"timeout":        {fmt.Errorf("read: %w", context.DeadlineExceeded), "", []string{"timeouts", "apply again"}, ""},
		"something else": {errors.New("odd"), "", []string{"odd."}, "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := errorOf(t, errorDiagnostic("Repository Not Created", subject{
				object: "Repository network on branch main", kind: "infrahub_read_only_repository", attributes: []string{"name", "location", "ref", "credential_id", "tags"},
			}, test.err))
			got.expect(t, test.attribute, "Repository Not Created", append(test.parts, "Repository network on branch main: ")...)
			if test.never != "" && strings.Contains(got.detail, test.never) {
				t.Errorf("the detail contains %q:\n%s", test.never, got.detail)
			}
		})
	}
}

func TestDiagnostics_OfImports(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind  infrahub.Kind
		cause infrahub.Cause
		owner string
		hint  string
		never string
	}{
		"missing ref":            {infrahub.ReadOnly, infrahub.RefMissing, "", `Push "v9" to the remote, or correct ref.`, "default_branch"},
		"missing default branch": {infrahub.ReadWrite, infrahub.RefMissing, "", `Push "v9" to the remote, or correct default_branch.`, "correct ref"},
		"credential":             {infrahub.ReadOnly, infrahub.CredentialRefused, "", "Check credential_id", "reaches"},
		"unreachable":            {infrahub.ReadWrite, infrahub.RemoteUnreachable, "", "Infrahub server itself reaches https://h/r.", "credential"},
		"configuration":          {infrahub.ReadOnly, infrahub.ConfigurationInvalid, "", "Correct .infrahub.yml in the Git repository, and push it or set ref", "default_branch"},
		"configuration, no ref":  {infrahub.ReadWrite, infrahub.ConfigurationInvalid, "", "Correct .infrahub.yml in the Git repository", "set ref"},
		"content":                {infrahub.ReadOnly, infrahub.ContentInvalid, "", "Correct the file", "credential"},
		"content, no ref":        {infrahub.ReadWrite, infrahub.ContentInvalid, "", "Correct the file", "set ref"},
		"exists elsewhere":       {infrahub.ReadOnly, infrahub.ObjectExists, "devices", `belongs to the repository "devices"`, "credential"},
		"exists":                 {infrahub.ReadOnly, infrahub.ObjectExists, "", "another name", "belongs"},
		"anything else":          {infrahub.ReadOnly, infrahub.CauseUnknown, "", "Correct what the reason says", "credential"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure := infrahub.ImportError{
				Repository: infrahub.Repository{Kind: test.kind, Name: "network", Location: "https://h/r", Ref: "v9"},
				Branch:     "stable", Reason: "It went wrong", Cause: test.cause, Owner: test.owner, RequestID: "5d41402a",
				Workflow: "git-repository-pull-read-only", TaskID: "0d0c96ac", State: "FAILED",
			}
			got := errorOf(t, importFailed(&failure, startedByUpdate))
			got.expect(t, "", "Import Failed", test.kind.String()+` "network" at "v9" into branch "stable": It went wrong.`,
				test.hint, "Then apply again", "Task 0d0c96ac (git-repository-pull-read-only, FAILED)", "Request id: 5d41402a")
			if strings.Contains(got.detail, test.never) {
				t.Errorf("the detail contains %q: %s", test.never, got.detail)
			}
			failure.TaskID, failure.RequestID = "", ""
			if got := errorOf(t, importFailed(&failure, startedByUpdate)); strings.Contains(got.detail, "Task ") || strings.Contains(got.detail, "Request id") {
				t.Errorf("the detail names a task or a request, and there is none: %s", got.detail)
			}
		})
	}
}

func TestDiagnostics_OfImportsThatWereInterrupted(t *testing.T) {
	t.Parallel()
	unfinished := &infrahub.UnfinishedError{
		Repository: infrahub.Repository{Kind: infrahub.ReadWrite, Name: "network", Ref: "main"}, Branch: "stable",
		Tasks: []string{"first: RUNNING, task 1", "second: not started"}, RequestID: "5d41402a",
	}
	errorOf(t, importUnfinished(unfinished, startedByUpdate)).expect(t, "", "Import Not Finished", "The wait was interrupted.",
		`repository "network" at "main" into branch "stable"`, "  first: RUNNING, task 1\n  second: not started\n", "Plan again", "Request id: 5d41402a")
	unfinished.RequestID = ""
	if got := errorOf(t, importUnfinished(unfinished, startedByUpdate)); strings.Contains(got.detail, "Request id") {
		t.Errorf("the detail names a request, and there is none: %s", got.detail)
	}
}

func TestWithPeriod(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "it failed": "it failed.", "It failed.": "It failed."} {
		if got := withPeriod(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
