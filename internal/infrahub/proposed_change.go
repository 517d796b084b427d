package infrahub

import (
	"context"
	"fmt"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/attribute"
)

// ProposedChange is a CoreProposedChange: a branch that waits for its review and its merge. It is the
// same on every branch of the server.
type ProposedChange struct {
	ID          string
	Name        string // not unique
	Description *string
	// SourceBranch is merged into DestinationBranch; neither can change.
	SourceBranch, DestinationBranch string
	// Draft is whether the server refuses to merge it yet.
	Draft bool
	State string // open, merging, merged, closed or canceled
}

// Open reports whether the change still waits. The server does not update one that is not open.
func (p ProposedChange) Open() bool { return p.State == "open" }

// ProposedChanges returns the proposed changes. Deleting one cancels it if it is open, and else leaves it alone.
func (c *Client) ProposedChanges() Nodes[ProposedChange] {
	global := c.graphql.withBranch("") // the client's own branch may be missing
	return Nodes[ProposedChange]{
		client: c, kind: "proposed change",
		key: func(change ProposedChange) (string, string) { return change.ID, change.Name },
		list: func(ctx context.Context, filter Filter, page page) ([]ProposedChange, error) {
			resp, err := graphql.ProposedChanges(ctx, global, filter.IDs, filter.Names, emptyAsNil(filter.SourceBranch), page.limit, page.offset)
			if err != nil {
				return nil, err
			}
			return nodesOf(resp.CoreProposedChange.Edges, newProposedChange), nil
		},
		create: func(ctx context.Context, id string, want ProposedChange) (string, error) {
			_, err := graphql.CreateProposedChange(ctx, global, &graphql.CoreProposedChangeCreateInput{
				Id: &id, Name: set(&want.Name), Description: set(want.Description),
				Source_branch: set(&want.SourceBranch), Destination_branch: set(&want.DestinationBranch),
				Is_draft: &attribute.Checkbox{Value: want.Draft},
			})
			return id, err
		},
		update: func(ctx context.Context, before, after ProposedChange) error {
			data := graphql.CoreProposedChangeUpdateInput{
				Id: &before.ID, Name: changedText(&before.Name, &after.Name), Description: changedText(before.Description, after.Description),
				Is_draft: changedCheckbox(before.Draft, after.Draft),
			}
			if unchanged(data, graphql.CoreProposedChangeUpdateInput{Id: &before.ID}) {
				return nil
			}
			_, err := graphql.UpdateProposedChange(ctx, global, &data)
			return err
		},
		remove: c.cancelProposedChange,
		holder: c.proposedChangeHolder,
	}
}

// pendingChange returns the proposed change of a branch that waits for its merge or is being merged, nil if there is none.
func (c *Client) pendingChange(ctx context.Context, branch string) (*ProposedChange, error) {
	for change, err := range c.ProposedChanges().List(ctx, Filter{SourceBranch: branch}) {
		if err != nil {
			return nil, err
		}
		if change.Open() || change.State == "merging" {
			return &change, nil
		}
	}
	return nil, nil
}

// CurrentProposedChange returns the proposed change that a branch has now: the open one, or else the one that merges it or, if the
// branch is merged, has merged it. ErrNotFound if there is none, or if several have merged branches of this name: nothing tells
// which of them has merged this one.
func (c *Client) CurrentProposedChange(ctx context.Context, source, destination string) (*ProposedChange, error) {
	var merged []ProposedChange
	for change, err := range c.ProposedChanges().List(ctx, Filter{SourceBranch: source}) {
		switch {
		case err != nil:
			return nil, err
		case change.SourceBranch != source, change.DestinationBranch != destination:
		case change.Open():
			return &change, nil
		case change.State == "merging", change.State == "merged":
			merged = append(merged, change)
		}
	}
	if len(merged) == 1 {
		branch, err := c.Branches().GetByName(ctx, source)
		if err != nil {
			return nil, err
		}
		if branch.Merged() || branch.Status == "MERGING" {
			return &merged[0], nil
		}
	}
	return nil, fmt.Errorf("proposed change of branch %s: %w", source, ErrNotFound)
}

// cancelProposedChange cancels a proposed change that is open.
func (c *Client) cancelProposedChange(ctx context.Context, id string) error {
	change, err := c.ProposedChanges().Get(ctx, id)
	if err != nil || !change.Open() {
		return err
	}
	_, failure := graphql.CancelProposedChange(ctx, c.graphql.withBranch(""), id)
	if failure == nil {
		return nil
	}
	if change, err = c.ProposedChanges().Get(ctx, id); err == nil && !change.Open() {
		return nil // somebody else ended it in the meantime
	}
	return failure
}

func newProposedChange(node *graphql.ProposedChange) ProposedChange {
	change := ProposedChange{
		ID: node.Id, Name: deref(value(node.Name)), Description: value(node.Description),
		SourceBranch: deref(value(node.Source_branch)), DestinationBranch: deref(value(node.Destination_branch)),
		State: deref(value(node.State)),
	}
	if node.Is_draft != nil {
		change.Draft = node.Is_draft.Value
	}
	return change
}
