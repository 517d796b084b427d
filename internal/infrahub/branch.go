package infrahub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Branch is an Infrahub branch. It is the same on every branch of the server.
type Branch struct {
	ID   string
	Name string
	// Description is nil if there is none.
	Description *string
	// SyncWithGit is whether read-write repositories get the branch too; nil leaves it to the server.
	SyncWithGit *bool
	// Default is whether it is the branch that all others start from and are merged into.
	Default bool
	Status  string // OPEN, NEED_REBASE, NEED_UPGRADE_REBASE, MERGING, MERGE_FAILED, MERGED or DELETING
}

// Merged reports whether the branch was merged. It takes no changes any more, although the server still accepts some for a
// while (infrahub-behaviour.md, Branches 10).
func (b Branch) Merged() bool { return b.Status == string(graphql.BranchStatusMerged) }

// Writable reports whether what is written to the branch now can last: it is not merged, and neither being merged
// nor being deleted.
func (b Branch) Writable() bool {
	return !b.Merged() && b.Status != string(graphql.BranchStatusMerging) && b.Status != string(graphql.BranchStatusDeleting)
}

// CheckWritable returns ErrBranchNotFound if the client's branch does not exist, and ErrMerged if it was merged or is being merged.
// The server may accept a change of a merged branch, and lose it (infrahub-behaviour.md, Branches 10).
func (c *Client) CheckWritable(ctx context.Context) error {
	branch, err := c.Branches().GetByName(ctx, c.branch)
	switch {
	case errors.Is(err, ErrNotFound):
		return fmt.Errorf("branch %s: %w", c.branch, ErrBranchNotFound)
	case err != nil:
		return err
	case !branch.Writable():
		return fmt.Errorf("branch %s: %w", c.branch, ErrMerged)
	default:
		return nil
	}
}

// WithBranch returns a client for another branch of the same server. Both share connections, login and polling.
func (c *Client) WithBranch(branch string) *Client {
	other := *c
	other.branch, other.graphql = branch, c.graphql.withBranch(branch)
	return &other
}

// OnDefaultBranch returns a client for the default branch of the same server, whatever its name.
func (c *Client) OnDefaultBranch() *Client { return c.WithBranch("") }

// Branches returns the branches. The server chooses their ids, and changes and deletes them by name; of a branch only
// the description changes. Deleting one deletes what was changed on it.
func (c *Client) Branches() Nodes[Branch] {
	global := c.graphql.withBranch("") // the client's own branch may be missing
	branches := Nodes[Branch]{
		client: c, kind: "branch", serverChoosesID: true, unpaged: true,
		key:  func(branch Branch) (string, string) { return branch.ID, branch.Name },
		list: c.listBranches,
		create: func(ctx context.Context, _ string, want Branch) (string, error) {
			resp, err := graphql.CreateBranch(ctx, global, &graphql.BranchCreateInput{
				Name: want.Name, Description: want.Description, Sync_with_git: want.SyncWithGit,
			})
			if err != nil {
				return "", err
			}
			if resp.BranchCreate == nil || resp.BranchCreate.Object == nil {
				return "", &Error{Operation: "CreateBranch", Message: "the response holds no branch", kind: ErrNotInfrahub, outcomeUnknown: true}
			}
			return resp.BranchCreate.Object.Id, nil
		},
		update: func(ctx context.Context, before, after Branch) error {
			if equal(before.Description, after.Description) {
				return nil
			}
			description := deref(after.Description)
			_, err := graphql.UpdateBranch(ctx, global, &graphql.BranchUpdateInput{Name: before.Name, Description: &description})
			return err
		},
		remove: func(ctx context.Context, id string) error {
			branch, err := c.Branches().Get(ctx, id) // not by the name alone, which another branch may have by now
			if err != nil {
				return err
			}
			_, err = graphql.DeleteBranch(ctx, global, branch.Name)
			return err
		},
	}
	branches.holder = branches.holderByName // for a branch of another client that is created after requireFreeName
	return branches
}

// listBranches returns a page of the branches by name. The server lists all of them at once, and takes one name.
func (c *Client) listBranches(ctx context.Context, filter Filter, page page) ([]Branch, error) {
	var name *string
	if len(filter.Names) == 1 {
		name = &filter.Names[0]
	}
	resp, err := graphql.Branches(ctx, c.graphql.withBranch(""), filter.IDs, name)
	if err != nil {
		return nil, err
	}
	var branches []Branch
	for _, node := range resp.Branch {
		if len(filter.Names) == 0 || slices.Contains(filter.Names, node.Name) {
			branches = append(branches, newBranch(node))
		}
	}
	slices.SortFunc(branches, func(a, b Branch) int { return strings.Compare(a.Name, b.Name) })
	start := min(page.offset, len(branches))
	return branches[start:min(start+page.limit, len(branches))], nil
}

func newBranch(node *graphql.Branch) Branch {
	branch := Branch{
		ID: node.Id, Name: node.Name, Status: string(node.Status),
		SyncWithGit: node.Sync_with_git, Default: deref(node.Is_default),
	}
	if deref(node.Description) != "" {
		branch.Description = node.Description
	}
	return branch
}
