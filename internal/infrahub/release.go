package infrahub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Release is a ref of a read-only repository that is imported on a branch of its own, proposed, checked, and merged into the default
// branch. Its branch is found by its description, so that a run which was killed is taken up again.
type Release struct {
	RepositoryID string
	Ref          string
	// Description is that of the proposed change, nil for none.
	Description *string
	// Review is whether the merge is left to a reviewer.
	Review bool

	// Branch is the branch of the release, "" if there is none (any more).
	Branch string
	// ChangeID is the proposed change, "" if there is none.
	ChangeID string
	// State is that of the proposed change; merged as well if the default branch had the ref without a release.
	State string
	// Commit is what was imported, "" if nothing was yet.
	Commit string
	// Checks are those of the proposed change.
	Checks []Check
	// Warning is a sentence about a part of the import that failed, "" if there is none.
	Warning string
}

// Merged reports whether the default branch has the release.
func (r Release) Merged() bool { return r.State == "merged" }

// Release brings a ref to the default branch, or up to its review, and goes on where an earlier run has ended: what is done is not
// repeated. A release of another ref of the repository that is not merged is given up. Releases that this process merges take turns,
// because each merge makes the branches of the others too old. With an error it returns how far it came. Errors: those of Import.Wait,
// CheckRun.Wait, CheckMerge and MergeProposedChange, ErrNotFound if the repository does not exist.
func (c *Client) Release(ctx context.Context, want Release) (Release, error) {
	r := releasing{Client: c.OnDefaultBranch(), release: want}
	r.release.Branch, r.release.ChangeID, r.release.State, r.release.Commit, r.release.Checks, r.release.Warning = "", "", "", "", nil, ""
	if !want.Review {
		select {
		case r.turns <- struct{}{}:
			defer func() { <-r.turns }()
		case <-ctx.Done():
			return r.release, ctx.Err()
		}
	}
	err := r.run(ctx)
	return r.release, err
}

// releasing is a release under way.
type releasing struct {
	*Client
	release    Release
	repository Repository
	branch     Branch
	change     ProposedChange
}

func (r *releasing) run(ctx context.Context) error {
	repository, err := r.Repositories(ReadOnly).Get(ctx, r.release.RepositoryID)
	if err != nil {
		return err
	}
	r.repository = *repository
	if repository.Ref == r.release.Ref {
		return r.finish(ctx, repository)
	}
	if err := r.takeUp(ctx); err != nil {
		return err
	}
	imported, err := r.importRef(ctx)
	if err != nil {
		return err
	}
	if err := r.propose(ctx, imported); err != nil {
		return err
	}
	if r.release.Review {
		return nil
	}
	return r.merge(ctx)
}

// takeUp finds the branch of an earlier run, or creates one. A branch of another ref, or one whose merge would take something back,
// is deleted; Infrahub then cancels its proposed change (infrahub-behaviour.md, Proposals 17).
func (r *releasing) takeUp(ctx context.Context) error {
	branches, err := r.ReleaseBranches(ctx, r.release.RepositoryID)
	if err != nil {
		return err
	}
	want := Branch{Description: new(r.description()), SyncWithGit: new(false)}
	var found *Branch
	for _, branch := range branches {
		keep := found == nil && deref(branch.Description) == *want.Description && !branch.Merged()
		if keep && branch.Writable() {
			switch err := r.CheckMerge(ctx, branch.Name); {
			case isTakenBack(err):
				keep = false
			case err != nil:
				return err
			}
		}
		if keep {
			found = &branch
			continue
		}
		if err := r.giveUp(ctx, branch); err != nil {
			return err
		}
	}
	if found == nil {
		want.Name = releaseBranchName(r.repository.Name, r.release.Ref)
		if want.ID, err = r.Branches().Create(ctx, want); err != nil {
			return err
		}
		found = &want
	}
	r.branch, r.release.Branch = *found, found.Name
	return nil
}

// giveUp deletes a branch. One that is being merged stays, because the merge goes on.
func (r *releasing) giveUp(ctx context.Context, branch Branch) error {
	switch {
	case branch.Writable(), branch.Merged():
		return r.Branches().Delete(ctx, branch.ID)
	case branch.Status == string(graphql.BranchStatusMerging):
		return fmt.Errorf("the branch %s of a release of this repository is being merged", branch.Name)
	default:
		return nil // it is being deleted
	}
}

// defaultBranch returns the name of the default branch.
func (r *releasing) defaultBranch(ctx context.Context) (string, error) {
	for branch, err := range r.Branches().List(ctx, Filter{}) {
		if err != nil || branch.Default {
			return branch.Name, err
		}
	}
	return "", fmt.Errorf("default branch: %w", ErrBranchNotFound)
}

func isTakenBack(err error) bool {
	_, ok := errors.AsType[*TakenBackError](err)
	return ok
}

// importRef imports the ref on the branch of the release, and returns whether it was not imported before.
func (r *releasing) importRef(ctx context.Context) (imported bool, err error) {
	onBranch := r.WithBranch(r.release.Branch)
	if !r.branch.Writable() {
		return false, r.readCommit(ctx, onBranch)
	}
	started, err := onBranch.SetRef(ctx, r.release.RepositoryID, r.release.Ref, false)
	if err != nil {
		return false, err
	}
	if started == nil {
		return false, r.readCommit(ctx, onBranch)
	}
	result, err := started.Wait(ctx)
	if err != nil {
		return false, err
	}
	r.release.Commit, r.release.Warning = deref(result.Commit), result.Warning
	return true, nil
}

func (r *releasing) readCommit(ctx context.Context, on *Client) error {
	repository, err := on.Repositories(ReadOnly).Get(ctx, r.release.RepositoryID)
	if err == nil {
		r.release.Commit = deref(repository.Commit)
	}
	return err
}

// propose proposes the branch unless that was done before, and waits for its checks. Imported is whether the branch has imported
// since it was proposed: its checks tell of the earlier commit then (infrahub-behaviour.md, Proposals 12).
func (r *releasing) propose(ctx context.Context, imported bool) error {
	found, err := r.pendingChange(ctx, r.release.Branch)
	if err != nil {
		return err
	}
	resumed := found != nil
	if !resumed {
		found = &ProposedChange{
			Name: r.repository.Name + " " + r.release.Ref, Description: r.release.Description, SourceBranch: r.release.Branch,
			State: "open",
		}
		if found.DestinationBranch, err = r.defaultBranch(ctx); err != nil {
			return err
		}
		if found.ID, err = r.ProposedChanges().Create(ctx, *found); err != nil {
			return err
		}
	}
	r.change, r.release.ChangeID, r.release.State = *found, found.ID, found.State
	if !found.Open() {
		return nil
	}
	described := *found
	described.Description = r.release.Description
	if err := r.ProposedChanges().Update(ctx, *found, described); err != nil {
		return err
	}
	return r.check(ctx, resumed, imported)
}

// check waits for the checks. Those of an earlier run that have failed, or whose tasks do not show how they ended, run once more.
func (r *releasing) check(ctx context.Context, resumed, again bool) error {
	run := r.FirstChecks(r.change)
	var err error
	if resumed && !again {
		listed, err := run.isListed(ctx)
		if err != nil {
			return err
		}
		again = !listed
	}
	if resumed && again {
		if run, err = r.RunChecks(ctx, r.change); err != nil {
			return err
		}
	}
	r.release.Checks, err = run.Wait(ctx)
	if _, failed := errors.AsType[*ChecksFailedError](err); failed && resumed && !again {
		return r.check(ctx, true, true)
	}
	if ended, ok := errors.AsType[*NotOpenError](err); ok && (ended.State == "merging" || ended.State == "merged") {
		r.release.State, r.change.State = ended.State, ended.State
		return nil // a reviewer was faster
	}
	return err
}

// merge merges the proposed change, verifies that the default branch has the release, and cleans up.
func (r *releasing) merge(ctx context.Context) error {
	if err := r.MergeProposedChange(ctx, r.change); err != nil {
		return err
	}
	repository, err := r.waitForRef(ctx)
	if err != nil {
		return err
	}
	return r.finish(ctx, repository)
}

// waitForRef waits until the default branch shows the ref and the commit of the release.
func (r *releasing) waitForRef(ctx context.Context) (*Repository, error) {
	i := &Import{client: r.Client, repository: r.repository}
	limited, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	repository, err := i.pollRepository(limited, func(repository *Repository) bool {
		return repository.Ref == r.release.Ref && deref(repository.Commit) == r.release.Commit
	})
	if err != nil && repository != nil && ctx.Err() == nil {
		return nil, &WrongReleaseError{Change: r.change, Ref: repository.Ref, Commit: deref(repository.Commit)}
	}
	return repository, err
}

// WrongReleaseError is a release after whose merge the default branch has another ref or commit.
type WrongReleaseError struct {
	Change      ProposedChange
	Ref, Commit string
}

func (e *WrongReleaseError) Error() string {
	return fmt.Sprintf("after the merge of the proposed change %s the default branch has %s, commit %s", e.Change.Name, e.Ref, e.Commit)
}

// finish records what the default branch has, and deletes what releases have left behind.
func (r *releasing) finish(ctx context.Context, repository *Repository) error {
	r.release.State, r.release.Commit = "merged", deref(repository.Commit)
	branches, err := r.ReleaseBranches(ctx, r.release.RepositoryID)
	if err != nil {
		return err
	}
	for _, branch := range branches {
		r.release.Branch = branch.Name
		if err := r.giveUp(ctx, branch); err != nil {
			return err
		}
	}
	r.release.Branch = ""
	return nil
}

// GiveUpRelease deletes the branches of the releases of a repository, and so cancels their proposed changes. The default branch keeps
// what it has.
func (c *Client) GiveUpRelease(ctx context.Context, repositoryID string) error {
	r := releasing{Client: c.OnDefaultBranch()}
	branches, err := r.ReleaseBranches(ctx, repositoryID)
	if err != nil {
		return err
	}
	for _, branch := range branches {
		if err := r.giveUp(ctx, branch); err != nil {
			return err
		}
	}
	return nil
}

// ReleaseBranches returns the branches that Release has created for a repository.
func (c *Client) ReleaseBranches(ctx context.Context, repositoryID string) ([]Branch, error) {
	var own []Branch
	for branch, err := range c.Branches().List(ctx, Filter{}) {
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(deref(branch.Description), releaseMark(repositoryID)) {
			own = append(own, branch)
		}
	}
	return own, nil
}

// releaseMark ends the description of each branch of a release.
func releaseMark(repositoryID string) string { return " Release of " + repositoryID + "." }

func (r *releasing) description() string {
	return fmt.Sprintf("%s at %s.%s", r.repository.Name, r.release.Ref, releaseMark(r.release.RepositoryID))
}

// outsideName matches what the name of a branch of a release does not have.
var outsideName = regexp.MustCompile(`[^A-Za-z0-9_.]+|\.{2,}`)

// maxNamePart bounds the length of the repository's name and of the ref in the name of a branch.
const maxNamePart = 60

// releaseBranchName returns a name such as network-v1.2.0-1f3a9c20. It is new each time, because some processes of the server learn late
// that a branch of the same name was merged or deleted (infrahub-behaviour.md, Branches 10).
func releaseBranchName(repository, ref string) string {
	var parts []string
	for _, text := range []string{repository, ref} {
		part := strings.Trim(outsideName.ReplaceAllString(text, "-"), "-._")
		parts = append(parts, cmp.Or(part[:min(len(part), maxNamePart)], "release"))
	}
	return strings.Join(append(parts, uuid.NewString()[:8]), "-")
}
