package main

import (
	"context"
	"errors"
	"fmt"

	client "github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// release is the demo of a release that is reviewed in Infrahub before it reaches main.
func (s *story) release(ctx context.Context) error {
	s.version = "-var=release="
	return s.play(
		ctx, "The next release of a Git repository: imported on a branch, proposed, merged", "",
		step{"Install the provider.", s.install},
		step{"Roll out v1.0.0: nothing to review yet.", s.rollOut},
		step{"Plan the next release, a change of one line: a branch, the ref on it, a proposed change.", s.planReview},
		step{"Apply: Infrahub imports v1.1.0 on the branch, and a proposed change asks for a review.", s.openReview},
		step{"Plan again, during the review.", s.planNothing},
		step{"Merge the branch in Infrahub.", s.merge},
		step{"Apply once more: the resources of the review are removed.", s.cleanUp},
		step{"Plan again.", s.planNothing},
		step{"Remove everything.", s.destroy},
	)
}

// reviewed returns the resources of a release under review.
func reviewed() []string {
	return []string{
		`infrahub_branch.release["v1.1.0"]`, `infrahub_proposed_change.release["v1.1.0"]`, `infrahub_read_only_repository_ref.release["v1.1.0"]`,
	}
}

// branch returns the name of the branch on which the release is reviewed.
func (s *story) branch() string { return s.name + "-v1.1.0" }

func (s *story) rollOut(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, progress("Apply complete!", "released = "), "apply", "-auto-approve", s.version+"v1.0.0"); err != nil {
		return nil, err
	}
	if err := s.imported(ctx, "main", "v1.0.0"); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("main has %s, which is v1.0.0 in Git", s.git.short("v1.0.0"))}, nil
}

func (s *story) planReview(ctx context.Context) ([]string, error) {
	if err := s.plan(ctx, "v1.1.0"); err != nil {
		return nil, err
	}
	if err := s.planned(ctx, "create", reviewed()...); err != nil {
		return nil, err
	}
	return []string{"three resources to create; the repository on main is not touched"}, nil
}

func (s *story) openReview(ctx context.Context) ([]string, error) {
	if err := s.apply(ctx); err != nil {
		return nil, err
	}
	id, err := s.cli.output(ctx, "output", "-raw", "in_review")
	if err != nil {
		return nil, err
	}
	change, err := s.infrahub.client.ProposedChanges().Get(ctx, string(id))
	if err != nil {
		return nil, err
	}
	if !change.Open() || change.SourceBranch != s.branch() {
		return nil, fmt.Errorf("the proposed change is %s, of branch %s", change.State, change.SourceBranch)
	}
	if err := errors.Join(s.imported(ctx, s.branch(), "v1.1.0"), s.imported(ctx, "main", "v1.0.0")); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("branch %s has %s, which is v1.1.0 in Git", s.branch(), s.git.short("v1.1.0")),
		fmt.Sprintf("main still has %s, which is v1.0.0", s.git.short("v1.0.0")),
		fmt.Sprintf("the proposed change %q is open", change.Name),
	}, nil
}

func (s *story) merge(ctx context.Context) ([]string, error) {
	before, err := s.infrahub.repository(ctx, "main", s.name)
	if err != nil {
		return nil, err
	}
	s.screen.command("BranchMerge " + s.branch())
	if err := s.infrahub.merge(ctx, s.branch()); err != nil {
		return nil, err
	}
	if err := s.imported(ctx, "main", "v1.1.0"); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("main had %s (%.7s) and now has v1.1.0 (%s)", before.Ref, *before.Commit, s.git.short("v1.1.0"))}, nil
}

func (s *story) cleanUp(ctx context.Context) ([]string, error) {
	s.cli.expected = append(s.cli.expected, "Warning: Branch Was Merged")
	if err := s.cli.show(ctx, starting("  # infrahub_", "Plan: "), "plan", "-out="+planFile, s.version+"v1.1.0"); err != nil {
		return nil, err
	}
	if err := s.planned(ctx, "delete", reviewed()...); err != nil {
		return nil, err
	}
	if err := s.cli.show(ctx, progress("Apply complete!", "released = "), "apply", planFile); err != nil {
		return nil, err
	}
	if _, err := s.infrahub.client.Branches().GetByName(ctx, s.branch()); !errors.Is(err, client.ErrNotFound) {
		return nil, errors.Join(fmt.Errorf("the branch %s is not gone", s.branch()), err)
	}
	if err := s.imported(ctx, "main", "v1.1.0"); err != nil {
		return nil, err
	}
	return []string{"the branch is gone, and main keeps v1.1.0"}, nil
}
