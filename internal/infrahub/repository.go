package infrahub

import (
	"context"
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

// String is the kind as people know it.
func (k Kind) String() string {
	if k == ReadOnly {
		return "read-only repository"
	}
	return "repository"
}

// Repository is a repository as it is on one branch. A nil field is not set; an empty one counts as
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
	// Tags are names of tags, in the alphabet's order.
	Tags []string

	// Commit is what was imported last, nil before the first import.
	Commit            *string
	InternalStatus    string // active, staging or inactive
	OperationalStatus string // unknown, online, error-cred, error-connection or error
	SyncStatus        string // unknown, syncing, in-sync or error-import
}

// Repository returns the repository with an id, or ErrNotFound.
func (c *Client) Repository(ctx context.Context, kind Kind, id string) (*Repository, error) {
	return c.repository(ctx, kind, id, []string{id}, nil)
}

// RepositoryNamed returns the repository with a name, or ErrNotFound.
func (c *Client) RepositoryNamed(ctx context.Context, kind Kind, name string) (*Repository, error) {
	return c.repository(ctx, kind, name, nil, []string{name})
}

func (c *Client) repository(ctx context.Context, kind Kind, what string, ids, names []string) (*Repository, error) {
	if kind == ReadOnly {
		answer, err := graphql.ReadOnlyRepositories(ctx, c.graphql, ids, names)
		if err != nil {
			return nil, err
		}
		for _, edge := range answer.CoreReadOnlyRepository.Edges {
			if edge.Node != nil {
				return repository(kind, graphql.Repository(*edge.Node)), nil
			}
		}
	} else {
		answer, err := graphql.Repositories(ctx, c.graphql, ids, names)
		if err != nil {
			return nil, err
		}
		for _, edge := range answer.CoreRepository.Edges {
			if edge.Node != nil {
				return repository(kind, *edge.Node), nil
			}
		}
	}
	return nil, missing(kind.String()+" "+what, c.branch)
}

// repository maps an answer. The fragments of both kinds have the same fields in the same order, so
// the one type converts to the other.
func repository(kind Kind, node graphql.Repository) *Repository {
	found := &Repository{
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
		found.CredentialID = node.Credential.Node.Id
	}
	for _, edge := range node.Tags.Edges {
		if edge.Node != nil {
			found.Tags = append(found.Tags, deref(value(edge.Node.Name)))
		}
	}
	slices.Sort(found.Tags)
	return found
}

// CreateRepository creates a repository and returns its id and the import that this starts.
func (c *Client) CreateRepository(ctx context.Context, want Repository) (string, *Import, error) {
	ctx, from, err := c.baseline(ctx, "")
	if err != nil {
		return "", nil, err
	}
	credential, tags := changedNode(nil, want.CredentialID), changedNames(nil, want.Tags)
	id, err := c.create(ctx, func(ctx context.Context, id string) error {
		var err error
		if want.Kind == ReadOnly {
			_, err = graphql.CreateReadOnlyRepository(ctx, c.graphql, id, text(&want.Name), text(&want.Location),
				text(&want.Ref), text(want.Description), credential, tags)
		} else {
			_, err = graphql.CreateRepository(ctx, c.graphql, id, text(&want.Name), text(&want.Location),
				text(&want.Ref), text(want.Description), credential, tags)
		}
		return err
	}, func(ctx context.Context, id string) error {
		_, err := c.Repository(ctx, want.Kind, id)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	want.ID = id
	return id, c.importOfCreate(want, from), nil
}

// UpdateRepository makes after of before, sends only what differs between them, and returns the import
// that this starts, nil if none. The ref of a ReadWrite repository cannot change.
func (c *Client) UpdateRepository(ctx context.Context, before, after Repository) (*Import, error) {
	after.Kind, after.ID = before.Kind, before.ID
	switch {
	case before.Location != after.Location:
		return c.Relocate(ctx, before, after)
	case before.Kind == ReadOnly && before.Ref != after.Ref:
		return c.bump(ctx, before, after)
	default:
		return nil, c.update(ctx, before, after)
	}
}

// Relocate makes after of before and imports from the location of after, also where that is the one of
// before: so a move that failed is tried again.
//
// A changed location imports nothing by itself (infrahub.md, Importing), and imports on demand go on
// with the remote that was cloned. Only a pull, which a changed ref starts, takes a read-only repository
// to its new location: so the ref is written in another way and then as it should be. Only the
// periodic sync takes a read-write repository there.
func (c *Client) Relocate(ctx context.Context, before, after Repository) (*Import, error) {
	after.Kind, after.ID = before.Kind, before.ID
	if before.Kind == ReadOnly {
		ctx, from, err := c.baseline(ctx, before.ID)
		if err != nil {
			return nil, err
		}
		between := after
		between.Ref += "^0" // the same commit for Git, another ref for Infrahub
		if err := c.update(ctx, before, between); err != nil {
			return nil, err
		}
		if err := c.update(ctx, between, after); err != nil {
			return nil, err
		}
		return c.importOfRelocation(after, between, from), nil
	}
	current, err := c.Repository(ctx, before.Kind, before.ID)
	if err != nil {
		return nil, err
	}
	if err := c.update(ctx, before, after); err != nil {
		return nil, err
	}
	return c.importOfSync(ctx, after, current.Commit)
}

// bump is an update that changes the ref. The server starts no import for the ref that it has already:
// if someone else was faster, one is asked for.
func (c *Client) bump(ctx context.Context, before, after Repository) (*Import, error) {
	ctx, from, err := c.baseline(ctx, before.ID)
	if err != nil {
		return nil, err
	}
	current, err := c.Repository(ctx, before.Kind, before.ID)
	if err != nil {
		return nil, err
	}
	if err := c.update(ctx, before, after); err != nil {
		return nil, err
	}
	if current.Ref == after.Ref {
		return c.Reimport(ctx, after)
	}
	from.previousCommit = current.Commit
	return c.importOfRefChange(after, from), nil
}

func (c *Client) update(ctx context.Context, before, after Repository) error {
	return c.updated(c.sendUpdate(ctx, before, after), func() error {
		_, err := c.Repository(ctx, before.Kind, before.ID)
		return err
	})
}

func (c *Client) sendUpdate(ctx context.Context, before, after Repository) error {
	name := changedText(&before.Name, &after.Name)
	location := changedText(&before.Location, &after.Location)
	description := changedText(before.Description, after.Description)
	credential := changedNode(before.CredentialID, after.CredentialID)
	tags := changedNames(before.Tags, after.Tags)
	ref := changedText(&before.Ref, &after.Ref)
	if name == nil && location == nil && description == nil && credential == nil && tags == nil && ref == nil {
		return nil
	}
	if before.Kind == ReadOnly {
		_, err := graphql.UpdateReadOnlyRepository(ctx, c.graphql, before.ID, name, location, ref, description, credential, tags)
		return err
	}
	_, err := graphql.UpdateRepository(ctx, c.graphql, before.ID, name, location, description, credential, tags)
	return err
}

// DeleteRepository deletes a repository on every branch; one that is gone already is no error. Some
// of what was imported from it stays (infrahub.md, Writing 7).
func (c *Client) DeleteRepository(ctx context.Context, kind Kind, id string) error {
	return c.remove(func() error {
		if kind == ReadOnly {
			_, err := graphql.DeleteReadOnlyRepository(ctx, c.graphql, id)
			return err
		}
		_, err := graphql.DeleteRepository(ctx, c.graphql, id)
		return err
	}, func() error {
		_, err := c.Repository(ctx, kind, id)
		return err
	})
}
