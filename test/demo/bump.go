package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// bump is the demo of a release that is rolled out directly.
func (s *story) bump(ctx context.Context) error {
	s.version = "-var=ref="
	return s.play(
		ctx, "A Git repository in Infrahub: added, bumped to its next release, removed", ", for which Infrahub needs a password",
		step{"Install the provider.", s.install},
		step{"Plan a credential, and a read-only repository pinned to v1.0.0.", s.planFirst},
		step{"Apply: it ends when Infrahub has imported the commit, not when it accepts the change.", s.applyFirst},
		step{"Plan the next release: one line.", s.planBump},
		step{"Apply the next release.", s.applyBump},
		step{"Plan again.", s.planNothing},
		step{"Remove everything.", s.destroy},
	)
}

func (s *story) planFirst(ctx context.Context) ([]string, error) {
	if err := s.plan(ctx, "v1.0.0"); err != nil {
		return nil, err
	}
	if err := s.planned(ctx, "create", credential, repository); err != nil {
		return nil, err
	}
	return []string{"two resources to create, and nothing else"}, nil
}

func (s *story) applyFirst(ctx context.Context) ([]string, error) {
	if err := s.apply(ctx); err != nil {
		return nil, err
	}
	if err := s.applied(ctx, "v1.0.0"); err != nil {
		return nil, err
	}
	if err := s.hasNoPassword(); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("Infrahub has imported %s, which is v1.0.0 in Git", s.git.short("v1.0.0")),
		"neither the saved plan nor the state has the Git password",
	}, nil
}

func (s *story) planBump(ctx context.Context) ([]string, error) {
	if err := s.infrahub.settle(ctx, s.name); err != nil {
		return nil, err
	}
	if err := s.plan(ctx, "v1.1.0"); err != nil {
		return nil, err
	}
	if err := s.planned(ctx, "update", repository); err != nil {
		return nil, err
	}
	changes, err := s.changes(ctx)
	if err != nil {
		return nil, err
	}
	bump := changes[repository]
	if changed := bump.changed(); !slices.Equal(changed, []string{"ref"}) {
		return nil, fmt.Errorf("the plan changes %v, not only the ref", changed)
	}
	if bump.AfterUnknown["commit"] != true {
		return nil, errors.New("the plan does not change the commit")
	}
	return []string{"an update in place of the ref only; the commit follows from it"}, nil
}

func (s *story) applyBump(ctx context.Context) ([]string, error) {
	if err := s.apply(ctx); err != nil {
		return nil, err
	}
	if err := s.applied(ctx, "v1.1.0"); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("Infrahub had imported %s and now has %s, which is v1.1.0 in Git", s.git.short("v1.0.0"), s.git.short("v1.1.0"))}, nil
}

// planNothing relies on -detailed-exitcode: a plan with a change fails.
func (s *story) planNothing(ctx context.Context) ([]string, error) {
	err := s.cli.show(ctx, starting("No changes."), "plan", "-detailed-exitcode", s.version+s.newest())
	return []string{"nothing left to do"}, err
}

// applied checks that the state and Infrahub have the commit of a tag.
func (s *story) applied(ctx context.Context, tag string) error {
	state, err := s.cli.output(ctx, "output", "-raw", "commit")
	if err != nil {
		return err
	}
	if want := s.git.commits[tag]; string(state) != want {
		return fmt.Errorf("%s is commit %s, but the state has %q", tag, want, state)
	}
	return s.imported(ctx, tag)
}

// hasNoPassword checks that neither the state nor the saved plan, which is an archive, has the Git password.
func (s *story) hasNoPassword() error {
	state, err := s.cli.read(stateFile)
	if err != nil {
		return err
	}
	if bytes.Contains(state, []byte(s.git.password)) {
		return errors.New("the state has the Git password")
	}
	plan, err := s.cli.read(planFile)
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(bytes.NewReader(plan), int64(len(plan)))
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	for _, file := range archive.File {
		content, err := fs.ReadFile(archive, file.Name)
		if err != nil {
			return fmt.Errorf("read the plan: %w", err)
		}
		if bytes.Contains(content, []byte(s.git.password)) {
			return fmt.Errorf("the plan has the Git password, in %s", file.Name)
		}
	}
	return nil
}
