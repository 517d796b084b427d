package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// story is told in steps: each is a command and claims that are checked.
type story struct {
	screen   *screen
	cli      *cli
	git      *git
	infrahub *infrahub
	name     string // of all that it creates
	version  string // the flag that sets the release, but for its value
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

// tell runs the steps. Whatever happens, nothing is left behind.
func (s *story) tell(ctx context.Context, title, access string, steps ...step) error {
	if err := s.introduce(ctx, title, access); err != nil {
		return err
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

func (s *story) introduce(ctx context.Context, title, access string) error {
	version, err := s.cli.output(ctx, "version")
	if err != nil {
		return err
	}
	product, _, _ := strings.Cut(string(version), "\n")
	s.screen.title(title)
	s.screen.fact("CLI", product+" with the provider as it was just built")
	s.screen.fact("Infrahub", s.infrahub.description)
	s.screen.fact("Git", s.git.location+access)
	s.screen.fact("", fmt.Sprintf("v1.0.0 is commit %s, v1.1.0 is commit %s", s.git.short("v1.0.0"), s.git.short("v1.1.0")))
	return nil
}

func (s *story) install(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, starting("- Install"), "init"); err != nil {
		return nil, err
	}
	return []string{"installed from a directory: no registry, no development override"}, nil
}

func (s *story) destroy(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, progress("Destroy complete!"), "destroy", "-auto-approve", s.version+"v1.1.0"); err != nil {
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
	return []string{"all is gone from Infrahub and from the state"}, nil
}

// leaveNothing removes what an unfinished story has created, also after an interrupt.
func (s *story) leaveNothing(ctx context.Context) error {
	if _, err := s.cli.read(stateFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := s.cli.output(context.WithoutCancel(ctx), "destroy", "-auto-approve", s.version+"v1.0.0")
	return err
}

func (s *story) plan(ctx context.Context, ref string) error {
	return s.cli.show(ctx, between("  # ", "Plan: "), "plan", "-out="+planFile, s.version+ref)
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
