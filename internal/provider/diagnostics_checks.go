package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// checksAdvice is what a user can do after a wait for checks or a merge that did not succeed, each as sentences.
type checksAdvice struct {
	// again says how the checks run again.
	again string
	// newBranch says how the changes get to a new branch.
	newBranch string
}

// checksDiagnostic returns the diagnostic, on an attribute, of checks or a merge that did not succeed, nil of any other error.
func checksDiagnostic(err error, attribute string, advice checksAdvice) diag.Diagnostic {
	var found diag.Diagnostic
	if failed, ok := errors.AsType[*infrahub.ChecksFailedError](err); ok {
		found = checksFailed(failed, advice)
	} else if unfinished, ok := errors.AsType[*infrahub.ChecksUnfinishedError](err); ok {
		found = checksUnfinished(unfinished, advice)
	} else if ended, ok := errors.AsType[*infrahub.NotOpenError](err); ok {
		found = changeNotOpen(ended)
	} else if taken, ok := errors.AsType[*infrahub.TakenBackError](err); ok {
		found = mergeTakesBack(taken, advice)
	} else if unfinished, ok := errors.AsType[*infrahub.UnfinishedMergeError](err); ok {
		found = mergeUnfinished(unfinished)
	}
	if found == nil {
		return nil
	}
	return diag.WithPath(path.Root(attribute), found)
}

// messagesShown is how many messages of a check a diagnostic shows. The state has all.
const messagesShown = 10

// checksFailed returns which checks have failed and why, in Infrahub's words.
func checksFailed(failed *infrahub.ChecksFailedError, advice checksAdvice) diag.Diagnostic {
	var lines, steps []string
	for _, check := range failed.Failed {
		lines = append(lines, "  "+check.Label)
		for _, message := range check.Messages[:min(len(check.Messages), messagesShown)] {
			lines = append(lines, "    - "+strings.ReplaceAll(message, "\n", "\n      "))
		}
		if more := len(check.Messages) - messagesShown; more > 0 {
			lines = append(lines, fmt.Sprintf("    and %d more", more))
		}
		if step := checkStep(check); !slices.Contains(steps, step) {
			steps = append(steps, step)
		}
	}
	return diag.NewErrorDiagnostic("Checks Failed", fmt.Sprintf("Infrahub has checked the %s, and it does not pass:\n\n%s\n\n%s %s",
		describeChange(failed.Change), strings.Join(lines, "\n"), strings.Join(steps, " "), advice.again))
}

// checkStep returns what to do about a check that has failed.
func checkStep(check infrahub.Check) string {
	switch check.Kind {
	case "data":
		return "About a conflict of data, make both branches have the same value, or make the change on a new branch."
	case "schema":
		return "About a conflict of schemas, correct the objects that do not comply, or the schema."
	case "repository":
		return "About a conflict of Git branches, merge the default branch into the other one in Git, and push it."
	default:
		return "About a check of a repository, correct what it says in Infrahub, or in Git and set a ref that has the correction."
	}
}

// checksUnfinished returns what was not done when the wait ended.
func checksUnfinished(unfinished *infrahub.ChecksUnfinishedError, advice checksAdvice) diag.Diagnostic {
	why, next := "The wait was interrupted.", ""
	if errors.Is(unfinished, context.DeadlineExceeded) {
		why, next = "The timeout expired.", "If none has started, see whether Infrahub's workers run. Give the checks more time in timeouts. "
	}
	return diag.NewErrorDiagnostic("Checks Not Finished", fmt.Sprintf(
		"%s When it was last looked at, Infrahub was checking the %s; it goes on without Terraform:\n\n  %s\n\n%s%s",
		why, describeChange(unfinished.Change), strings.Join(unfinished.Pending, "\n  "), next, advice.again))
}

// changeNotOpen returns what has become of a proposed change in the meantime.
func changeNotOpen(ended *infrahub.NotOpenError) diag.Diagnostic {
	next := "To propose the branch again, apply with -replace for this resource."
	switch ended.State {
	case "canceled":
		next = "Infrahub does that when the branch is deleted, or merged without its proposed change. If neither has happened, apply with -replace for this resource to propose the branch again."
	case "merging", "merged":
		next = "Plan again to see how it ended."
	}
	return diag.NewErrorDiagnostic("Proposed Change Is Not Open", fmt.Sprintf(
		"The %s became %s in the meantime, and not by Terraform. %s", describeChange(ended.Change), ended.State, next))
}

// mergeTakesBack returns what a merge, which was not begun, would have taken back.
func mergeTakesBack(taken *infrahub.TakenBackError, advice checksAdvice) diag.Diagnostic {
	var lines []string
	for _, repository := range taken.Repositories {
		since := ""
		if repository.Younger {
			since = ", created after the branch"
		}
		lines = append(lines, fmt.Sprintf("  %s (id %s%s): it has %s, and would get %s", repository.Name, repository.ID, since,
			pinnedTo(repository.Ref, repository.Commit), pinnedTo(repository.BranchRef, repository.BranchCommit)))
	}
	return diag.NewErrorDiagnostic("Merge Would Take Back Refs", fmt.Sprintf(
		"The branch %q was not merged. A merge gives every read-only repository of the default branch the ref and commit that the branch has, and the default branch has got others since the branch was created:\n\n%s\n\n"+
			"%s To release several repositories together, set all their refs on one branch.", taken.Branch, strings.Join(lines, "\n"), advice.newBranch))
}

func pinnedTo(ref, commit string) string {
	if commit == "" {
		return fmt.Sprintf("%q without a commit", ref)
	}
	return fmt.Sprintf("%q at commit %s", ref, commit)
}

// mergeUnfinished returns that a merge still ran when the wait ended, or had not been begun.
func mergeUnfinished(unfinished *infrahub.UnfinishedMergeError) diag.Diagnostic {
	why, next := "The wait was interrupted.", ""
	if errors.Is(unfinished, context.DeadlineExceeded) {
		why, next = "The timeout expired.", " Give it more time in timeouts."
	}
	if unfinished.NotAsked {
		return diag.NewErrorDiagnostic("Merge Not Begun", fmt.Sprintf(
			"%s Infrahub was merging another branch or was overloaded, and was not asked to merge the %s. Apply again.%s", why, describeChange(unfinished.Change), next))
	}
	return diag.NewErrorDiagnostic("Merge Not Finished", fmt.Sprintf(
		"%s Infrahub was asked to merge the %s, and goes on without Terraform. Plan again to see how it ended: the next apply merges what is not merged by then.%s",
		why, describeChange(unfinished.Change), next))
}

// mergeRefused returns the diagnostic, on merge, of a merge of an object that the server refused or that failed. Otherwise says how the
// configuration leaves the merge to others, such as "remove merge".
func mergeRefused(object, otherwise string, err error) diag.Diagnostic {
	about := subject{object: object}
	next := nextStep(about, whatIsKnown(err), err)
	failure, isFailure := errors.AsType[*infrahub.Error](err)
	switch {
	case !isFailure:
	case strings.Contains(failure.Message, "not allowed to merge"):
		next = "Give the account of the provider a role with the permission merge_proposed_change, or leave the merge to a reviewer: " + otherwise + "."
	case strings.Contains(failure.Message, "draft"):
		next = "Set is_draft to false if the configuration has it; otherwise people have made it a draft in Infrahub, and can end that there."
	case strings.Contains(failure.Message, "conflict"):
		next = "The default branch has changed since the checks: make both branches have the same value, or make the change on a new branch. Then apply again."
	case strings.Contains(failure.Message, "failing checks"):
		next = "The checks have run again since Terraform saw them pass. Apply again: it waits for them."
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("merge"), "Proposed Change Not Merged", detail(object, err, next))
}

// checksNotRead returns the diagnostic, on an attribute, of checks that could not be run or read.
func checksNotRead(change infrahub.ProposedChange, attribute string, err error) diag.Diagnostic {
	object := "Checks of the " + describeChange(change)
	if errors.Is(err, infrahub.ErrUnauthorized) {
		return diag.WithPath(path.Root(attribute), diag.NewErrorDiagnostic("Checks Not Read", detail(object, err,
			"Give the account of the provider a role that may view validators and checks and edit the default branch, or remove wait_for_checks and merge.")))
	}
	return diag.WithPath(path.Root(attribute), errorDiagnostic("Checks Not Read", subject{object: object}, err))
}

func describeChange(change infrahub.ProposedChange) string {
	return fmt.Sprintf("proposed change %q of branch %s", change.Name, change.SourceBranch)
}
