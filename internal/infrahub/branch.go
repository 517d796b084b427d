package infrahub

import (
	"context"
	"errors"
	"fmt"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Branch is an Infrahub branch, which all branches of the server see alike.
type Branch struct {
	ID   string
	Name string
	// Description is nil if there is none.
	Description *string
	// SyncWithGit is whether read-write repositories get the branch too; nil leaves it to the server.
	SyncWithGit *bool
	// Default is whether it is the branch that all others are made of and merged into.
	Default bool
	Status  string // OPEN, NEED_REBASE, NEED_UPGRADE_REBASE, MERGING, MERGE_FAILED, MERGED or DELETING
}

// Merged reports whether the branch was merged. It takes no changes any more, although the server goes
// on accepting some for a while (infrahub.md, Branches).
func (b Branch) Merged() bool { return b.Status == string(graphql.BranchStatusMerged) }

// Writable reports whether what is written to the branch now can last: it is not merged and not being merged.
func (b Branch) Writable() bool {
	return !b.Merged() && b.Status != string(graphql.BranchStatusMerging)
}

// WithBranch returns a client for another branch of the same server. Both share connections, login and polling.
func (c *Client) WithBranch(branch string) *Client {
	other := *c
	other.branch, other.graphql = branch, c.graphql.withBranch(branch)
	return &other
}

// BranchWithID returns the branch with an id, or ErrNotFound.
func (c *Client) BranchWithID(ctx context.Context, id string) (*Branch, error) {
	return c.findBranch(ctx, id, []string{id}, nil)
}

// BranchNamed returns the branch with a name, or ErrNotFound.
func (c *Client) BranchNamed(ctx context.Context, name string) (*Branch, error) {
	return c.findBranch(ctx, name, nil, &name)
}

func (c *Client) findBranch(ctx context.Context, what string, ids []string, name *string) (*Branch, error) {
	answer, err := graphql.Branches(ctx, c.graphql, ids, name)
	if err != nil {
		return nil, err
	}
	if len(answer.Branch) == 0 {
		return nil, fmt.Errorf("branch %s: %w", what, ErrNotFound)
	}
	found := branch(answer.Branch[0])
	return &found, nil
}

// branch maps an answer. An empty description is none.
func branch(found graphql.Branch) Branch {
	mapped := Branch{
		ID: found.Id, Name: found.Name, Status: string(found.Status),
		SyncWithGit: found.Sync_with_git,
		Default:     found.Is_default != nil && *found.Is_default,
	}
	if description := deref(found.Description); description != "" {
		mapped.Description = &description
	}
	return mapped
}

// CreateBranch makes a branch of the default branch and returns its id, which the server chooses. If the
// reply is lost, the branch of that name that was not there before is the one. A name that is taken is
// ErrExists.
func (c *Client) CreateBranch(ctx context.Context, want Branch) (string, error) {
	switch _, err := c.BranchNamed(ctx, want.Name); {
	case err == nil:
		return "", &Error{Operation: "CreateBranch", Message: fmt.Sprintf("the branch %s already exists", want.Name), Field: "name", kind: ErrExists}
	case !errors.Is(err, ErrNotFound):
		return "", err
	}
	var id string
	_, err := c.create(ctx, func(ctx context.Context, _ string) error {
		made, err := graphql.CreateBranch(ctx, c.graphql, want.Name, want.Description, want.SyncWithGit)
		if err == nil && made.BranchCreate != nil && made.BranchCreate.Object != nil {
			id = made.BranchCreate.Object.Id
		}
		return err
	}, func(ctx context.Context, _ string) error {
		found, err := c.BranchNamed(ctx, want.Name)
		if err == nil {
			id = found.ID
		}
		return err
	})
	return id, err
}

// UpdateBranch makes after of before: only a description can change.
func (c *Client) UpdateBranch(ctx context.Context, before, after Branch) error {
	if equal(before.Description, after.Description) {
		return nil
	}
	_, err := graphql.UpdateBranch(ctx, c.graphql, before.Name, deref(after.Description))
	return c.updated(err, func() error {
		_, err := c.BranchWithID(ctx, before.ID)
		return err
	})
}

// DeleteBranch deletes a branch and what was changed on it; one that is gone already is no error, and
// another one that took its name stays.
func (c *Client) DeleteBranch(ctx context.Context, id string) error {
	found, err := c.BranchWithID(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.remove(func() error {
		_, err := graphql.DeleteBranch(ctx, c.graphql, found.Name)
		return err
	}, func() error {
		_, err := c.BranchWithID(ctx, id)
		return err
	})
}
