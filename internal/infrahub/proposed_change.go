package infrahub

import (
	"context"
	"errors"
	"fmt"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/input"
)

// ProposedChange is a CoreProposedChange: a branch that waits to be reviewed and merged. All branches of
// the server see it alike.
type ProposedChange struct {
	ID          string
	Name        string // not unique
	Description *string
	// SourceBranch is merged into DestinationBranch; neither can change.
	SourceBranch, DestinationBranch string
	// Draft is whether it may not be merged yet.
	Draft bool
	State string // open, merging, merged, closed or canceled
}

// Open reports whether the change still waits; what is not open can no longer be changed.
func (p ProposedChange) Open() bool { return p.State == "open" }

// ProposedChange returns the proposed change with an id, or ErrNotFound.
func (c *Client) ProposedChange(ctx context.Context, id string) (*ProposedChange, error) {
	found, err := c.proposedChanges(ctx, []string{id}, nil)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, missing("proposed change "+id, c.branch)
	}
	return &found[0], nil
}

// ProposedChangeNamed returns the one proposed change with a name, or ErrNotFound; ErrAmbiguous if
// several have it.
func (c *Client) ProposedChangeNamed(ctx context.Context, name string) (*ProposedChange, error) {
	found, err := c.proposedChanges(ctx, nil, []string{name})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, missing("proposed change "+name, c.branch)
	case len(found) > 1:
		return nil, fmt.Errorf("%d proposed changes are named %q: %w", len(found), name, ErrAmbiguous)
	}
	return &found[0], nil
}

func (c *Client) proposedChanges(ctx context.Context, ids, names []string) ([]ProposedChange, error) {
	answer, err := graphql.ProposedChanges(ctx, c.graphql, ids, names)
	if err != nil {
		return nil, err
	}
	var found []ProposedChange
	for _, edge := range answer.CoreProposedChange.Edges {
		if node := edge.Node; node != nil {
			found = append(found, ProposedChange{
				ID: node.Id, Name: deref(value(node.Name)), Description: value(node.Description),
				SourceBranch: deref(value(node.Source_branch)), DestinationBranch: deref(value(node.Destination_branch)),
				Draft: node.Is_draft != nil && node.Is_draft.Value != nil && *node.Is_draft.Value,
				State: deref(value(node.State)),
			})
		}
	}
	return found, nil
}

// CreateProposedChange proposes a branch and returns the id of the proposed change.
func (c *Client) CreateProposedChange(ctx context.Context, want ProposedChange) (string, error) {
	return c.create(ctx, func(ctx context.Context, id string) error {
		_, err := graphql.CreateProposedChange(ctx, c.graphql, id, text(&want.Name), text(want.Description),
			text(&want.SourceBranch), text(&want.DestinationBranch), &input.Checkbox{Value: want.Draft})
		return err
	}, func(ctx context.Context, id string) error {
		_, err := c.ProposedChange(ctx, id)
		return err
	})
}

// UpdateProposedChange makes after of before, and sends only what differs between them.
func (c *Client) UpdateProposedChange(ctx context.Context, before, after ProposedChange) error {
	name, description := changedText(&before.Name, &after.Name), changedText(before.Description, after.Description)
	var draft *input.Checkbox
	if before.Draft != after.Draft {
		draft = &input.Checkbox{Value: after.Draft}
	}
	if name == nil && description == nil && draft == nil {
		return nil
	}
	_, err := graphql.UpdateProposedChange(ctx, c.graphql, before.ID, name, description, draft)
	return c.updated(err, func() error {
		_, err := c.ProposedChange(ctx, before.ID)
		return err
	})
}

// CancelProposedChange cancels an open proposed change; one that is not open, or gone, is left alone.
func (c *Client) CancelProposedChange(ctx context.Context, id string) error {
	waits := func() (bool, error) {
		found, err := c.ProposedChange(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		return err == nil && found.Open(), err
	}
	if open, err := waits(); err != nil || !open {
		return err
	}
	_, failure := graphql.CancelProposedChange(ctx, c.graphql, id)
	if failure == nil {
		return nil
	}
	if open, err := waits(); err == nil && !open { // somebody else was faster
		return nil
	}
	return failure
}
