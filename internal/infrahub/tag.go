package infrahub

import (
	"context"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Tag is a BuiltinTag. A nil field is not set; an empty one counts as not set.
type Tag struct {
	ID          string
	Name        string
	Description *string
}

// Tag returns the tag with an id, or ErrNotFound.
func (c *Client) Tag(ctx context.Context, id string) (*Tag, error) {
	return c.tag(ctx, id, []string{id}, nil)
}

// TagNamed returns the tag with a name, or ErrNotFound.
func (c *Client) TagNamed(ctx context.Context, name string) (*Tag, error) {
	return c.tag(ctx, name, nil, []string{name})
}

func (c *Client) tag(ctx context.Context, what string, ids, names []string) (*Tag, error) {
	answer, err := graphql.Tags(ctx, c.graphql, ids, names)
	if err != nil {
		return nil, err
	}
	for _, edge := range answer.BuiltinTag.Edges {
		if edge.Node != nil {
			return &Tag{ID: edge.Node.Id, Name: deref(value(edge.Node.Name)), Description: value(edge.Node.Description)}, nil
		}
	}
	return nil, missing("tag "+what, c.branch)
}

// CreateTag creates a tag and returns its id.
func (c *Client) CreateTag(ctx context.Context, want Tag) (string, error) {
	return c.create(ctx, func(ctx context.Context, id string) error {
		_, err := graphql.CreateTag(ctx, c.graphql, id, text(&want.Name), text(want.Description))
		return err
	}, func(ctx context.Context, id string) error {
		_, err := c.Tag(ctx, id)
		return err
	})
}

// UpdateTag makes after of before, and sends only what differs between them.
func (c *Client) UpdateTag(ctx context.Context, before, after Tag) error {
	name, description := changedText(&before.Name, &after.Name), changedText(before.Description, after.Description)
	if name == nil && description == nil {
		return nil
	}
	_, err := graphql.UpdateTag(ctx, c.graphql, before.ID, name, description)
	return c.updated(err, func() error {
		_, err := c.Tag(ctx, before.ID)
		return err
	})
}

// DeleteTag deletes a tag; one that is gone already is no error. What has the tag is silently detached
// by the server (infrahub.md, Writing 7).
func (c *Client) DeleteTag(ctx context.Context, id string) error {
	return c.remove(func() error {
		_, err := graphql.DeleteTag(ctx, c.graphql, id)
		return err
	}, func() error {
		_, err := c.Tag(ctx, id)
		return err
	})
}
