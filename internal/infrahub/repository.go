package infrahub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Kind is one of the two kinds of repository.
type Kind string

const (
	// ReadWrite follows a branch, both ways.
	ReadWrite Kind = "CoreRepository"
	// ReadOnly is pinned to a ref and imports when the ref changes.
	ReadOnly Kind = "CoreReadOnlyRepository"
)

// inactive is the internal status of a repository that is not in use on a branch.
const inactive = "inactive"

// String returns what people call the kind.
func (k Kind) String() string {
	if k == ReadOnly {
		return "read-only repository"
	}
	return "repository"
}

// Other returns the other one of the two kinds.
func (k Kind) Other() Kind {
	if k == ReadOnly {
		return ReadWrite
	}
	return ReadOnly
}

// Repository is a repository of either kind, as it is on one branch. A nil field is not set; an empty one counts as
// not set.
type Repository struct {
	Kind     Kind
	ID       string
	Name     string
	Location string
	// Ref is the branch, tag or commit of a ReadOnly repository, the default branch of a ReadWrite one.
	Ref         string
	Description *string
	// CredentialID is the id of a CorePasswordCredential.
	CredentialID *string
	// Tags are names of tags, sorted.
	Tags []string

	// Commit is what was imported last, nil before the first import.
	Commit            *string
	InternalStatus    string // active, staging or inactive
	OperationalStatus string // unknown, online, error-cred, error-connection or error
	SyncStatus        string // unknown, syncing, in-sync or error-import
}

// Repositories returns the repositories of a kind. CreateRepository and UpdateRepository also return the import that
// they start. Deleting one deletes it on every branch; some of what was imported from it stays
// (infrahub-behaviour.md, Writing 7).
func (c *Client) Repositories(kind Kind) Nodes[Repository] {
	if kind == ReadOnly {
		return c.readOnlyRepositories()
	}
	return c.readWriteRepositories()
}

// readWriteRepositories updates the default branch, which the server stores and does nothing about (infrahub-behaviour.md,
// Importing 18).
func (c *Client) readWriteRepositories() Nodes[Repository] {
	return Nodes[Repository]{
		client: c, kind: ReadWrite.String(),
		key: repositoryKey, holder: c.repositoryHolder,
		list: func(ctx context.Context, filter Filter, page page) ([]Repository, error) {
			resp, err := graphql.Repositories(ctx, c.graphql, filter.IDs, filter.Names, filter.Locations, filter.CredentialIDs,
				filter.Tags, filter.SyncStatuses, filter.OperationalStatuses, page.limit, page.offset)
			if err != nil {
				return nil, err
			}
			return nodesOf(resp.CoreRepository.Edges, newReadWrite), nil
		},
		count: func(ctx context.Context) (int, error) {
			resp, err := graphql.CountRepositories(ctx, c.graphql)
			if err != nil {
				return 0, err
			}
			return resp.CoreRepository.Count, nil
		},
		create: func(ctx context.Context, id string, want Repository) (string, error) {
			_, err := graphql.CreateRepository(ctx, c.graphql, &graphql.CoreRepositoryCreateInput{
				Id: &id, Name: set(&want.Name), Location: set(&want.Location), Default_branch: set(&want.Ref), Description: set(want.Description),
				Credential: changedNode(nil, want.CredentialID), Tags: changedNames(nil, want.Tags),
			})
			return id, err
		},
		update: func(ctx context.Context, before, after Repository) error {
			data := graphql.CoreRepositoryUpdateInput{
				Id: &before.ID, Name: changedText(&before.Name, &after.Name), Location: changedText(&before.Location, &after.Location),
				Default_branch: changedText(&before.Ref, &after.Ref), Description: changedText(before.Description, after.Description),
				Credential: changedNode(before.CredentialID, after.CredentialID), Tags: changedNames(before.Tags, after.Tags),
			}
			if unchanged(data, graphql.CoreRepositoryUpdateInput{Id: &before.ID}) {
				return nil
			}
			_, err := graphql.UpdateRepository(ctx, c.graphql, &data)
			return err
		},
		remove: func(ctx context.Context, id string) error {
			_, err := graphql.DeleteRepository(ctx, c.graphql, id)
			return err
		},
	}
}

func (c *Client) readOnlyRepositories() Nodes[Repository] {
	return Nodes[Repository]{
		client: c, kind: ReadOnly.String(),
		key: repositoryKey, holder: c.repositoryHolder,
		list: func(ctx context.Context, filter Filter, page page) ([]Repository, error) {
			resp, err := graphql.ReadOnlyRepositories(ctx, c.graphql, filter.IDs, filter.Names, filter.Locations, filter.CredentialIDs,
				filter.Tags, filter.SyncStatuses, filter.OperationalStatuses, page.limit, page.offset)
			if err != nil {
				return nil, err
			}
			return nodesOf(resp.CoreReadOnlyRepository.Edges, newReadOnly), nil
		},
		count: func(ctx context.Context) (int, error) {
			resp, err := graphql.CountReadOnlyRepositories(ctx, c.graphql)
			if err != nil {
				return 0, err
			}
			return resp.CoreReadOnlyRepository.Count, nil
		},
		create: func(ctx context.Context, id string, want Repository) (string, error) {
			_, err := graphql.CreateReadOnlyRepository(ctx, c.graphql, &graphql.CoreReadOnlyRepositoryCreateInput{
				Id: &id, Name: set(&want.Name), Location: set(&want.Location), Ref: set(&want.Ref), Description: set(want.Description),
				Credential: changedNode(nil, want.CredentialID), Tags: changedNames(nil, want.Tags),
			})
			return id, err
		},
		update: func(ctx context.Context, before, after Repository) error {
			data := graphql.CoreReadOnlyRepositoryUpdateInput{
				Id: &before.ID, Name: changedText(&before.Name, &after.Name), Location: changedText(&before.Location, &after.Location),
				Ref: changedText(&before.Ref, &after.Ref), Description: changedText(before.Description, after.Description),
				Credential: changedNode(before.CredentialID, after.CredentialID), Tags: changedNames(before.Tags, after.Tags),
			}
			if unchanged(data, graphql.CoreReadOnlyRepositoryUpdateInput{Id: &before.ID}) {
				return nil
			}
			_, err := graphql.UpdateReadOnlyRepository(ctx, c.graphql, &data)
			return err
		},
		remove: func(ctx context.Context, id string) error {
			_, err := graphql.DeleteReadOnlyRepository(ctx, c.graphql, id)
			return err
		},
	}
}

func repositoryKey(repository Repository) (id, name string) { return repository.ID, repository.Name }

// FindRepository returns the repository of either kind with an id, or ErrNotFound.
func (c *Client) FindRepository(ctx context.Context, id string) (*Repository, error) {
	for _, kind := range []Kind{ReadOnly, ReadWrite} {
		if found, err := c.Repositories(kind).Get(ctx, id); !errors.Is(err, ErrNotFound) {
			return found, err
		}
	}
	return nil, fmt.Errorf("repository %s on branch %s: %w", id, c.branch, ErrNotFound)
}

// Inactive reports whether the repository is not in use on the branch: the branch is older than the repository, or the repository
// was created on another branch (infrahub-behaviour.md, Branches 1).
func (r Repository) Inactive() bool { return r.InternalStatus == inactive }

// Healthy reports whether the statuses show neither an error nor work in progress.
func (r Repository) Healthy() bool { return isHealthy(&r) && r.Commit != nil }

func newReadWrite(node *graphql.Repository) Repository { return newRepository(ReadWrite, node) }

// newReadOnly relies on the fragments of both kinds having the same fields in the same order, so that one type converts to
// the other.
func newReadOnly(node *graphql.ReadOnlyRepository) Repository {
	return newRepository(ReadOnly, (*graphql.Repository)(node))
}

func newRepository(kind Kind, node *graphql.Repository) Repository {
	repository := Repository{
		Kind:              kind,
		ID:                node.Id,
		Name:              deref(value(node.Name)),
		Location:          deref(value(node.Location)),
		Ref:               deref(value(node.Ref)),
		Description:       value(node.Description),
		Commit:            value(node.Commit),
		InternalStatus:    deref(value(node.Internal_status)),
		OperationalStatus: deref(value(node.Operational_status)),
		SyncStatus:        deref(value(node.Sync_status)),
	}
	if node.Credential.Node != nil {
		repository.CredentialID = node.Credential.Node.Id
	}
	for _, edge := range node.Tags.Edges {
		if edge.Node != nil {
			repository.Tags = append(repository.Tags, deref(value(edge.Node.Name)))
		}
	}
	slices.Sort(repository.Tags)
	return repository
}
