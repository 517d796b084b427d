package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// release is the demo of a release that Infrahub checks on a branch of its own before it reaches main.
func (s *story) release(ctx context.Context) error {
	s.version = "-var=release="
	return s.play(
		ctx, "The next release of a Git repository: imported on a branch, checked, merged", "; each release brings a check of its VLANs",
		step{"Install the provider.", s.install},
		step{"Roll out v1.0.0: the first import goes to main at once.", s.rollOut},
		step{"Plan the next release: one line.", s.planRelease},
		step{"Apply: Infrahub imports v1.1.0 on a branch and checks it. The check does not pass.", s.applyFailing},
		step{"Correct it in Git, tag that as v1.1.1, and release it.", s.applyCorrected},
		step{"Plan again.", s.planNothing},
		step{"Remove everything.", s.destroy},
	)
}

// released is the resource of the release.
const released = "infrahub_release.automation"

func (s *story) rollOut(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, progress("Apply complete!", "released = "), "apply", "-auto-approve", s.version+"v1.0.0"); err != nil {
		return nil, err
	}
	if err := errors.Join(s.imported(ctx, "v1.0.0"), s.hasBranches(ctx, 0)); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("main has %s, which is v1.0.0 in Git; no branch and no proposed change was made", s.git.short("v1.0.0"))}, nil
}

func (s *story) planRelease(ctx context.Context) ([]string, error) {
	if err := s.infrahub.settle(ctx, s.name); err != nil {
		return nil, err
	}
	if err := s.plan(ctx, "v1.1.0"); err != nil {
		return nil, err
	}
	if err := s.planned(ctx, "update", released); err != nil {
		return nil, err
	}
	changes, err := s.changes(ctx)
	if err != nil {
		return nil, err
	}
	bump := changes[released]
	if changed := bump.changed(); !slices.Equal(changed, []string{"ref"}) {
		return nil, fmt.Errorf("the plan changes %v, not only the ref", changed)
	}
	return []string{"an update in place of the ref only; the repository on main is not touched"}, nil
}

func (s *story) applyFailing(ctx context.Context) ([]string, error) {
	if err := s.cli.showFailure(ctx, failure(), []string{"Checks Failed", "Check: vlans-" + s.name, usedTwice}, "apply", planFile); err != nil {
		return nil, err
	}
	if err := errors.Join(s.imported(ctx, "v1.0.0"), s.hasBranches(ctx, 1)); err != nil {
		return nil, err
	}
	return []string{
		"the apply failed with Infrahub's own words",
		fmt.Sprintf("main still has %s, which is v1.0.0; the branch waits for what you decide", s.git.short("v1.0.0")),
	}, nil
}

func (s *story) applyCorrected(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, progress("Apply complete!", "released = "), "apply", "-auto-approve", s.version+"v1.1.1"); err != nil {
		return nil, err
	}
	if err := errors.Join(s.imported(ctx, "v1.1.1"), s.hasBranches(ctx, 0)); err != nil {
		return nil, err
	}
	states := map[string]string{}
	for tag, want := range map[string]string{"v1.1.0": "canceled", "v1.1.1": "merged"} {
		change, err := s.infrahub.client.ProposedChanges().GetByName(ctx, s.name+" "+tag)
		if err != nil {
			return nil, err
		}
		if states[tag] = change.State; change.State != want {
			return nil, fmt.Errorf("the proposed change %q is %s, not %s", change.Name, change.State, want)
		}
	}
	return []string{
		fmt.Sprintf("main has %s, which is v1.1.1 in Git, by the merge of a proposed change that passed its checks", s.git.short("v1.1.1")),
		"v1.1.0 was given up: its proposed change is " + states["v1.1.0"] + "; both branches are gone",
	}, nil
}

// hasBranches checks how many branches of releases the repository has.
func (s *story) hasBranches(ctx context.Context, want int) error {
	found, err := s.infrahub.repository(ctx, "main", s.name)
	if err != nil {
		return err
	}
	branches, err := s.infrahub.client.ReleaseBranches(ctx, found.ID)
	if err == nil && len(branches) != want {
		err = fmt.Errorf("there are %d branches of releases, not %d", len(branches), want)
	}
	return err
}
