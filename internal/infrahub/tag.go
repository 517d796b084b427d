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

// Tags returns the tags. Deleting one silently detaches it from what carries it (infrahub-behaviour.md,
// Writing 7).
func (c *Client) Tags() Nodes[Tag] {
	tags := Nodes[Tag]{
		client: c, kind: "tag",
		key: func(tag Tag) (string, string) { return tag.ID, tag.Name },
		list: func(ctx context.Context, filter Filter, page page) ([]Tag, error) {
			resp, err := graphql.Tags(ctx, c.graphql, filter.IDs, filter.Names, page.limit, page.offset)
			if err != nil {
				return nil, err
			}
			return nodesOf(resp.BuiltinTag.Edges, newTag), nil
		},
		count: func(ctx context.Context) (int, error) {
			resp, err := graphql.CountTags(ctx, c.graphql)
			if err != nil {
				return 0, err
			}
			return resp.BuiltinTag.Count, nil
		},
		create: func(ctx context.Context, id string, want Tag) (string, error) {
			_, err := graphql.CreateTag(ctx, c.graphql, &graphql.BuiltinTagCreateInput{
				Id: &id, Name: set(&want.Name), Description: set(want.Description),
			})
			return id, err
		},
		update: func(ctx context.Context, before, after Tag) error {
			data := graphql.BuiltinTagUpdateInput{
				Id: &before.ID, Name: changedText(&before.Name, &after.Name), Description: changedText(before.Description, after.Description),
			}
			if unchanged(data, graphql.BuiltinTagUpdateInput{Id: &before.ID}) {
				return nil
			}
			_, err := graphql.UpdateTag(ctx, c.graphql, &data)
			return err
		},
		remove: func(ctx context.Context, id string) error {
			_, err := graphql.DeleteTag(ctx, c.graphql, id)
			return err
		},
	}
	tags.holder = tags.holderByName
	return tags
}

func newTag(node *graphql.Tag) Tag {
	return Tag{ID: node.Id, Name: deref(value(node.Name)), Description: value(node.Description)}
}
