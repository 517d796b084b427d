package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// story is a demo. Each step runs a command, and checks what it claims.
type story struct {
	screen   *screen
	cli      *cli
	git      *git
	infrahub *infrahub
	name     string // of all objects that the demo creates
	version  string // the flag that sets the release, without its value
}

const (
	credential = "infrahub_password_credential.git"
	repository = "infrahub_read_only_repository.automation"
	planFile   = "release.tfplan"
	stateFile  = "terraform.tfstate"
)

// step is a part of a demo. Run returns the claims that it has checked.
type step struct {
	title string
	run   func(context.Context) (claims []string, err error)
}

// play runs the steps. If one fails, it removes what the demo has created.
func (s *story) play(ctx context.Context, title, access string, steps ...step) error {
	if err := s.introduce(ctx, title, access); err != nil {
		return err
	}
	for _, step := range steps {
		s.screen.step(step.title)
		start := time.Now()
		claims, err := step.run(ctx)
		if err != nil {
			return errors.Join(err, s.removeAll(ctx))
		}
		s.screen.claims(claims, time.Since(start))
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
	s.screen.fact("", s.git.describe())
	return nil
}

func (s *story) install(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, starting("- Install"), "init"); err != nil {
		return nil, err
	}
	return []string{"installed from a directory: no registry, no development override"}, nil
}

func (s *story) destroy(ctx context.Context) ([]string, error) {
	if err := s.cli.show(ctx, progress("Destroy complete!"), "destroy", "-auto-approve", s.version+s.newest()); err != nil {
		return nil, err
	}
	left, err := s.cli.output(ctx, "state", "list")
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("the state still has %s", left)
	}
	if err := s.infrahub.hasNothing(ctx, s.name); err != nil {
		return nil, err
	}
	return []string{"all is gone from Infrahub and from the state"}, nil
}

// removeAll destroys what an unfinished demo has created, also after an interrupt.
func (s *story) removeAll(ctx context.Context) error {
	if _, err := s.cli.read(stateFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := s.cli.output(context.WithoutCancel(ctx), "destroy", "-auto-approve", s.version+"v1.0.0")
	return err
}

// newest returns the tag that the demo releases last.
func (s *story) newest() string { return s.git.tags[len(s.git.tags)-1] }

func (s *story) plan(ctx context.Context, ref string) error {
	return s.cli.show(ctx, between("  # ", "Plan: "), "plan", "-out="+planFile, s.version+ref)
}

func (s *story) apply(ctx context.Context) error {
	return s.cli.show(ctx, progress("Apply complete!", "commit = "), "apply", planFile)
}

// change is the plan of one resource.
type change struct {
	Actions      []string
	Before       map[string]any
	After        map[string]any
	AfterUnknown map[string]any `json:"after_unknown"`
}

// changed returns the names of the attributes that get another, known value.
func (c change) changed() []string {
	var names []string
	for name, after := range c.After {
		if fmt.Sprint(after) != fmt.Sprint(c.Before[name]) {
			names = append(names, name)
		}
	}
	return names
}

// changes returns the changes of the saved plan, by resource.
func (s *story) changes(ctx context.Context) (map[string]change, error) {
	output, err := s.cli.output(ctx, "show", "-json", planFile)
	if err != nil {
		return nil, err
	}
	var plan struct {
		ResourceChanges []struct {
			Address string
			Change  change
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(output, &plan); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	changes := make(map[string]change, len(plan.ResourceChanges))
	for _, resource := range plan.ResourceChanges {
		changes[resource.Address] = resource.Change
	}
	return changes, nil
}

// planned checks that the saved plan does one action to these resources, and nothing to any other.
func (s *story) planned(ctx context.Context, action string, want ...string) error {
	changes, err := s.changes(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(changes, func(_ string, c change) bool { return slices.Equal(c.Actions, []string{"no-op"}) })
	for address, change := range changes {
		if !slices.Equal(change.Actions, []string{action}) {
			return fmt.Errorf("the plan is to %v %s, not to %s it", change.Actions, address, action)
		}
	}
	if got := slices.Sorted(maps.Keys(changes)); !slices.Equal(got, want) {
		return fmt.Errorf("the plan is to %s %v, not %v", action, got, want)
	}
	return nil
}

// imported checks that main in Infrahub has a tag and its commit.
func (s *story) imported(ctx context.Context, tag string) error {
	found, err := s.infrahub.repository(ctx, "main", s.name)
	if err != nil {
		return err
	}
	if found.Ref != tag || *found.Commit != s.git.commits[tag] {
		return fmt.Errorf("%s is commit %s, but main has ref %s and commit %s", tag, s.git.commits[tag], found.Ref, *found.Commit)
	}
	return nil
}
