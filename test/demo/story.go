package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// story is a release, rolled out: each step is a command and a claim that is checked.
type story struct {
	screen   *screen
	cli      *cli
	git      *git
	infrahub *infrahub
	name     string // of all that it creates
}

const (
	repository = "infrahub_read_only_repository.automation"
	planFile   = "release.tfplan"
	stateFile  = "terraform.tfstate"
)

// step is one of them. Its proof runs the command and returns what was found to hold.
type step struct {
	title string
	proof func(context.Context) (claims []string, err error)
}

func (s *story) tell(ctx context.Context) error {
	if err := s.introduce(ctx); err != nil {
		return err
	}
	steps := []step{
		{"Install the provider.", s.install},
		{"Plan a credential, and a read-only repository pinned to v1.0.0.", s.planFirst},
		{"Apply: done when Infrahub has imported the commit, not when it has said yes.", s.applyFirst},
		{"Plan the next release: one line.", s.planBump},
		{"Apply the next release.", s.applyBump},
		{"Plan again.", s.planNothing},
		{"Remove everything.", s.destroy},
	}
	for _, step := range steps {
		s.screen.step(step.title)
		start := time.Now()
		claims, err := step.proof(ctx)
		if err != nil {
			return errors.Join(err, s.leaveNothing(ctx))
		}
		s.screen.proven(claims, time.Since(start))
	}
	return nil
}

func (s *story) introduce(ctx context.Context) error {
	version, err := s.cli.output(ctx, "version")
	if err != nil {
		return err
	}
	product, _, _ := strings.Cut(string(version), "\n")
	s.screen.title("A Git repository in Infrahub: added, bumped to its next release, removed")
	s.screen.fact("CLI", product+" with the provider as it was just built")
	s.screen.fact("Infrahub", s.infrahub.description)
	s.screen.fact("Git", s.git.location+", for which Infrahub needs a password")
	s.screen.fact("", fmt.Sprintf("v1.0.0 is commit %s, v1.1.0 is commit %s", s.git.short("v1.0.0"), s.git.short("v1.1.0")))
	return nil
}

func (s *story) install(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, starting("- Install"), "init"); err != nil {
		return nil, err
	}
	return []string{"installed from a directory: no registry, no development override"}, nil
}

func (s *story) planFirst(ctx context.Context) ([]string, error) {
	if err := s.plan(ctx, "v1.0.0"); err != nil {
		return nil, err
	}
	changes, err := s.changes(ctx)
	if err != nil {
		return nil, err
	}
	for address, change := range changes {
		if !slices.Equal(change.Actions, []string{"create"}) {
			return nil, fmt.Errorf("the plan is to %v %s, not to create it", change.Actions, address)
		}
	}
	if len(changes) != 2 {
		return nil, fmt.Errorf("the plan is to create %d resources, not 2", len(changes))
	}
	return []string{"two resources to create, and nothing else"}, nil
}

func (s *story) applyFirst(ctx context.Context) ([]string, error) {
	if err := s.apply(ctx); err != nil {
		return nil, err
	}
	if err := s.imported(ctx, "v1.0.0"); err != nil {
		return nil, err
	}
	if err := s.keptSecret(); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("Infrahub has imported %s, which is v1.0.0 in Git", s.git.short("v1.0.0")),
		"neither the saved plan nor the state has the Git password",
	}, nil
}

func (s *story) planBump(ctx context.Context) ([]string, error) {
	if err := s.plan(ctx, "v1.1.0"); err != nil {
		return nil, err
	}
	changes, err := s.changes(ctx)
	if err != nil {
		return nil, err
	}
	for address, change := range changes {
		if address != repository && !slices.Equal(change.Actions, []string{"no-op"}) {
			return nil, fmt.Errorf("the plan is to %v %s, with which the ref has nothing to do", change.Actions, address)
		}
	}
	bump := changes[repository]
	if !slices.Equal(bump.Actions, []string{"update"}) {
		return nil, fmt.Errorf("the plan is to %v the repository, not to update it in place", bump.Actions)
	}
	if changed := bump.changed(); !slices.Equal(changed, []string{"ref"}) {
		return nil, fmt.Errorf("the plan changes %v, not the ref alone", changed)
	}
	if bump.AfterUnknown["commit"] != true {
		return nil, errors.New("the plan does not say that the commit will change")
	}
	return []string{"an update in place of the ref alone; the commit follows from it"}, nil
}

func (s *story) applyBump(ctx context.Context) ([]string, error) {
	if err := s.apply(ctx); err != nil {
		return nil, err
	}
	if err := s.imported(ctx, "v1.1.0"); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("Infrahub had imported %s and now has %s, which is v1.1.0 in Git", s.git.short("v1.0.0"), s.git.short("v1.1.0"))}, nil
}

// planNothing relies on -detailed-exitcode, which makes any change a failure.
func (s *story) planNothing(ctx context.Context) ([]string, error) {
	err := s.cli.show(ctx, starting("No changes."), "plan", "-detailed-exitcode", "-var=ref=v1.1.0")
	return []string{"nothing left to do"}, err
}

func (s *story) destroy(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, progress("Destroy complete!"), "destroy", "-auto-approve", "-var=ref=v1.1.0"); err != nil {
		return nil, err
	}
	left, err := s.cli.output(ctx, "state", "list")
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("the state still has %s", left)
	}
	if err := s.infrahub.without(ctx, s.name); err != nil {
		return nil, err
	}
	return []string{"both are gone from Infrahub and from the state"}, nil
}

// leaveNothing removes what an unfinished story has created, also after an interrupt.
func (s *story) leaveNothing(ctx context.Context) error {
	if _, err := s.cli.read(stateFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := s.cli.output(context.WithoutCancel(ctx), "destroy", "-auto-approve", "-var=ref=v1.0.0")
	return err
}

func (s *story) plan(ctx context.Context, ref string) error {
	return s.cli.show(ctx, between("  # ", "Plan: "), "plan", "-out="+planFile, "-var=ref="+ref)
}

func (s *story) apply(ctx context.Context) error {
	return s.cli.show(ctx, progress("Apply complete!", "commit = "), "apply", planFile)
}

// change is what a plan says of one resource.
type change struct {
	Actions      []string
	Before       map[string]any
	After        map[string]any
	AfterUnknown map[string]any `json:"after_unknown"`
}

// changed names the attributes whose value becomes another, known one.
func (c change) changed() []string {
	var names []string
	for name, after := range c.After {
		if fmt.Sprint(after) != fmt.Sprint(c.Before[name]) {
			names = append(names, name)
		}
	}
	return names
}

// changes reads the saved plan, by resource.
func (s *story) changes(ctx context.Context) (map[string]change, error) {
	said, err := s.cli.output(ctx, "show", "-json", planFile)
	if err != nil {
		return nil, err
	}
	var plan struct {
		ResourceChanges []struct {
			Address string
			Change  change
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(said, &plan); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	changes := make(map[string]change, len(plan.ResourceChanges))
	for _, resource := range plan.ResourceChanges {
		changes[resource.Address] = resource.Change
	}
	return changes, nil
}

// imported checks that the state, and Infrahub itself, have the commit of tag.
func (s *story) imported(ctx context.Context, tag string) error {
	state, err := s.cli.output(ctx, "output", "-raw", "commit")
	if err != nil {
		return err
	}
	server, err := s.infrahub.commit(ctx, s.name)
	if err != nil {
		return err
	}
	if want := s.git.commits[tag]; string(state) != want || server != want {
		return fmt.Errorf("%s is commit %s, but the state has %q and Infrahub %q", tag, want, state, server)
	}
	return nil
}

// keptSecret checks that neither the saved plan, an archive, nor the state has the password.
func (s *story) keptSecret() error {
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
