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

// Seed lists the objects that a server has on main from the start. Repositories are imported as if they had
// just been created. Branches are created after the imports, so they see what main sees.
type Seed struct {
	Tags                 []SeedTag        `yaml:"tags"`
	Credentials          []SeedCredential `yaml:"credentials"`
	Repositories         []SeedRepository `yaml:"repositories"`
	ReadOnlyRepositories []SeedRepository `yaml:"read_only_repositories"`
	Branches             []SeedBranch     `yaml:"branches"`
	// Kinds are the names of kinds of a schema that the server does not have. The queries of repositories may ask for them.
	Kinds []string `yaml:"kinds"`

	lines map[string][]int // the line of each item by list
}

// SeedTag is a tag. A field that is nil, here and below, gets the server's default.
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

// SeedRepository is a repository: read-write with default_branch, or read-only with ref.
type SeedRepository struct {
	ID            *string  `yaml:"id"`
	Name          *string  `yaml:"name"`
	Location      *string  `yaml:"location"`
	Description   *string  `yaml:"description"`
	DefaultBranch *string  `yaml:"default_branch"`
	Ref           *string  `yaml:"ref"`
	Credential    *string  `yaml:"credential"` // by name
	Tags          []string `yaml:"tags"`       // by name
}

// SeedBranch is an Infrahub branch.
type SeedBranch struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	SyncWithGit bool   `yaml:"sync_with_git"`
}

// ParseSeed reads a seed from YAML. It refuses unknown fields. Errors name the line.
func ParseSeed(content []byte) (Seed, error) {
	var seed Seed
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	var invalid *yaml.TypeError
	switch err := decoder.Decode(&seed); {
	case errors.Is(err, io.EOF):
		return Seed{}, nil
	case errors.As(err, &invalid):
		for i, message := range invalid.Errors {
			invalid.Errors[i], _, _ = strings.Cut(message, " in type ")
		}
		return Seed{}, errors.New(strings.Join(invalid.Errors, "; "))
	case err != nil:
		return Seed{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if !errors.Is(decoder.Decode(&Seed{}), io.EOF) {
		return Seed{}, errors.New("there is more than one document")
	}
	lines, err := itemLines(content)
	if err != nil {
		return Seed{}, err
	}
	seed.lines = lines
	return seed, seed.check()
}

// itemLines returns the line on which each item begins, by the name of its list.
func itemLines(content []byte) (map[string][]int, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("read the lines: %w", err)
	}
	lines := map[string][]int{}
	for _, root := range document.Content {
		for i := 0; i+1 < len(root.Content); i += 2 {
			list, items := root.Content[i].Value, root.Content[i+1].Content
			for _, item := range items {
				lines[list] = append(lines[list], item.Line)
			}
		}
	}
	return lines, nil
}

// check refuses fields that would be ignored.
func (s Seed) check() error {
	for i, repository := range s.Repositories {
		if repository.Ref != nil {
			return s.errorAt("repositories", i, errors.New("a read-write repository has a default_branch, no ref"))
		}
	}
	for i, repository := range s.ReadOnlyRepositories {
		if repository.DefaultBranch != nil {
			return s.errorAt("read_only_repositories", i, errors.New("a read-only repository has a ref, no default_branch"))
		}
	}
	return nil
}

// errorAt returns an error with the line and the list of an item.
func (s Seed) errorAt(list string, i int, err error) error {
	if lines := s.lines[list]; i < len(lines) {
		return fmt.Errorf("line %d: %s: %s", lines[i], list, strings.TrimSpace(err.Error()))
	}
	return fmt.Errorf("%s, item %d: %s", list, i+1, strings.TrimSpace(err.Error()))
}

// ApplySeed creates the objects of a seed. It waits for the imports before it creates branches.
func (s *Server) ApplySeed(ctx context.Context, seed Seed) error {
	s.store.mu.Lock()
	s.store.seededKinds = seed.Kinds
	s.store.mu.Unlock()
	main := s.branch(mainBranch)
	for _, list := range []struct {
		name, kind string
		inputs     []map[string]any
	}{
		{"tags", tagKind, inputs(seed.Tags)},
		{"credentials", credentialKind, inputs(seed.Credentials)},
		{"repositories", repositoryKind, inputs(seed.Repositories)},
		{"read_only_repositories", readOnlyRepositoryKind, inputs(seed.ReadOnlyRepositories)},
	} {
		create := s.kindMutations(s.store.kinds.named(list.kind))[list.kind+"Create"]
		for i, input := range list.inputs {
			if _, err := create(ctx, main, input); err != nil {
				return seed.errorAt(list.name, i, err)
			}
			s.options.Log.InfoContext(ctx, "created "+list.kind+" from the seed")
		}
	}
	for i, branch := range seed.Branches {
		if err := s.engine.waitIdle(ctx); err != nil {
			return err
		}
		input := map[string]any{"name": branch.Name, "description": branch.Description, "sync_with_git": branch.SyncWithGit}
		if _, err := s.createBranch(ctx, input, true); err != nil {
			return seed.errorAt("branches", i, err)
		}
	}
	return nil
}

// seedItem is an item of a seed that a create mutation creates.
type seedItem interface{ input() map[string]any }

func inputs[T seedItem](items []T) []map[string]any {
	all := make([]map[string]any, len(items))
	for i, item := range items {
		all[i] = item.input()
	}
	return all
}

func (t SeedTag) input() map[string]any {
	return createInput(t.ID, map[string]*string{"name": t.Name, "description": t.Description})
}

func (c SeedCredential) input() map[string]any {
	return createInput(c.ID, map[string]*string{
		"name": c.Name, "label": c.Label, "description": c.Description, "username": c.Username, "password": c.Password,
	})
}

func (r SeedRepository) input() map[string]any {
	input := createInput(r.ID, map[string]*string{
		"name": r.Name, "location": r.Location, "description": r.Description, "default_branch": r.DefaultBranch, "ref": r.Ref,
	})
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

// createInput returns the input of a create mutation with the attributes that are not nil.
func createInput(id *string, attributes map[string]*string) map[string]any {
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
