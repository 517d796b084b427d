package mockserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Seed is what a server holds to begin with, on main. Repositories are imported as if they had been
// created; branches are made when that is over, so they see what main sees.
type Seed struct {
	Tags                 []SeedTag        `yaml:"tags"`
	Credentials          []SeedCredential `yaml:"credentials"`
	Repositories         []SeedRepository `yaml:"repositories"`
	ReadOnlyRepositories []SeedRepository `yaml:"read_only_repositories"`
	Branches             []SeedBranch     `yaml:"branches"`

	lines map[string][]int // where each list's items begin
}

// SeedTag is a tag. Here and below, what is not given is what the server makes it.
type SeedTag struct {
	ID          *string `yaml:"id"`
	Name        *string `yaml:"name"`
	Description *string `yaml:"description"`
}

// SeedCredential is a password credential.
type SeedCredential struct {
	ID          *string `yaml:"id"`
	Name        *string `yaml:"name"`
	Label       *string `yaml:"label"`
	Description *string `yaml:"description"`
	Username    *string `yaml:"username"`
	Password    *string `yaml:"password"`
}

// SeedRepository is a repository: read-write with default_branch, read-only with ref.
type SeedRepository struct {
	ID            *string  `yaml:"id"`
	Name          *string  `yaml:"name"`
	Location      *string  `yaml:"location"`
	Description   *string  `yaml:"description"`
	DefaultBranch *string  `yaml:"default_branch"`
	Ref           *string  `yaml:"ref"`
	Credential    *string  `yaml:"credential"` // its name
	Tags          []string `yaml:"tags"`       // their names
}

// SeedBranch is an Infrahub branch.
type SeedBranch struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	SyncWithGit bool   `yaml:"sync_with_git"`
}

// ParseSeed reads a seed from YAML. It is strict: errors say the line.
func ParseSeed(content []byte) (Seed, error) {
	var seed Seed
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	var wrong *yaml.TypeError
	switch err := decoder.Decode(&seed); {
	case errors.Is(err, io.EOF):
		return Seed{}, nil
	case errors.As(err, &wrong):
		for i, each := range wrong.Errors {
			wrong.Errors[i], _, _ = strings.Cut(each, " in type ")
		}
		return Seed{}, errors.New(strings.Join(wrong.Errors, "; "))
	case err != nil:
		return Seed{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if !errors.Is(decoder.Decode(&Seed{}), io.EOF) {
		return Seed{}, errors.New("there is more than one document")
	}
	var whole yaml.Node
	if err := yaml.Unmarshal(content, &whole); err != nil {
		return Seed{}, fmt.Errorf("read the lines: %w", err)
	}
	seed.lines = map[string][]int{}
	for _, root := range whole.Content {
		for i := 0; i+1 < len(root.Content); i += 2 {
			for _, item := range root.Content[i+1].Content {
				seed.lines[root.Content[i].Value] = append(seed.lines[root.Content[i].Value], item.Line)
			}
		}
	}
	return seed, seed.check()
}

// check refuses what would be ignored: a ref on a read-write repository, a default branch on a read-only one.
func (s Seed) check() error {
	for i, each := range s.Repositories {
		if each.Ref != nil {
			return s.at("repositories", i, errors.New("a read-write repository has a default_branch, no ref"))
		}
	}
	for i, each := range s.ReadOnlyRepositories {
		if each.DefaultBranch != nil {
			return s.at("read_only_repositories", i, errors.New("a read-only repository has a ref, no default_branch"))
		}
	}
	return nil
}

// at says in which line of which list an error is.
func (s Seed) at(list string, i int, err error) error {
	if lines := s.lines[list]; i < len(lines) {
		return fmt.Errorf("line %d: %s: %s", lines[i], list, strings.TrimSpace(err.Error()))
	}
	return fmt.Errorf("%s, item %d: %s", list, i+1, strings.TrimSpace(err.Error()))
}

// ApplySeed makes what a seed holds, and waits for its imports if there are branches to make after them.
func (s *Server) ApplySeed(ctx context.Context, seed Seed) error {
	b := s.branch(mainBranch)
	plant := func(kindName string, create mutation, input map[string]any) error {
		_, err := create(ctx, b, input)
		if err == nil {
			s.options.Log.InfoContext(ctx, "planted "+kindName)
		}
		return err
	}
	for i, each := range seed.Tags {
		input := inputOfAttributes(map[string]*string{"name": each.Name, "description": each.Description}, each.ID)
		if err := plant("BuiltinTag", s.onKind("BuiltinTag", s.create), input); err != nil {
			return seed.at("tags", i, err)
		}
	}
	for i, each := range seed.Credentials {
		input := inputOfAttributes(map[string]*string{
			"name": each.Name, "label": each.Label, "description": each.Description, "username": each.Username, "password": each.Password,
		}, each.ID)
		if err := plant("CorePasswordCredential", s.onKind("CorePasswordCredential", s.create), input); err != nil {
			return seed.at("credentials", i, err)
		}
	}
	for i, each := range seed.Repositories {
		if err := plant("CoreRepository", s.createRepository("CoreRepository"), each.input()); err != nil {
			return seed.at("repositories", i, err)
		}
	}
	for i, each := range seed.ReadOnlyRepositories {
		if err := plant("CoreReadOnlyRepository", s.createRepository("CoreReadOnlyRepository"), each.input()); err != nil {
			return seed.at("read_only_repositories", i, err)
		}
	}
	for i, each := range seed.Branches {
		if err := s.engine.waitIdle(ctx); err != nil {
			return err
		}
		if _, err := s.createBranch(ctx, map[string]any{"name": each.Name, "description": each.Description, "sync_with_git": each.SyncWithGit}, true); err != nil {
			return seed.at("branches", i, err)
		}
	}
	return nil
}

// inputOfAttributes is the input of a create mutation with the attributes that are inputOfAttributes.
func inputOfAttributes(attributes map[string]*string, id *string) map[string]any {
	input := map[string]any{}
	if id != nil {
		input["id"] = *id
	}
	for name, text := range attributes {
		if text != nil {
			input[name] = map[string]any{"value": *text}
		}
	}
	return input
}

func (r SeedRepository) input() map[string]any {
	input := inputOfAttributes(map[string]*string{
		"name": r.Name, "location": r.Location, "description": r.Description, "default_branch": r.DefaultBranch, "ref": r.Ref,
	}, r.ID)
	if r.Credential != nil {
		input["credential"] = map[string]any{"hfid": []any{*r.Credential}}
	}
	var tags []any
	for _, name := range r.Tags {
		tags = append(tags, map[string]any{"hfid": []any{name}})
	}
	if tags != nil {
		input["tags"] = tags
	}
	return input
}
