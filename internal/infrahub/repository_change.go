package infrahub

import (
	"context"
	"errors"
	"fmt"
)

// SetRef sets the ref of a read-only repository on the client's branch alone, and returns the import that
// this starts: nil if the branch has that ref and a task proves that it has imported it, unless again asks for
// another one. ErrMerged if the branch was merged or is being merged, ErrInactive if it is older than the
// repository.
func (c *Client) SetRef(ctx context.Context, id, ref string, again bool) (*Import, error) {
	// Asked for here, for the server may take the change and lose it (infrahub.md, Branches).
	branch, err := c.BranchNamed(ctx, c.branch)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, fmt.Errorf("branch %s: %w", c.branch, ErrBranchNotFound)
	case err != nil:
		return nil, err
	case !branch.Writable():
		return nil, fmt.Errorf("branch %s: %w", c.branch, ErrMerged)
	}
	current, err := c.Repository(ctx, ReadOnly, id)
	if err != nil {
		return nil, err
	}
	if current.InternalStatus == "inactive" {
		// The server would not keep the ref, and import without end (infrahub.md, Branches).
		return nil, fmt.Errorf("%s %s on branch %s: %w", ReadOnly, current.Name, c.branch, ErrInactive)
	}
	if current.Ref != ref {
		pinned := *current
		pinned.Ref = ref
		return c.UpdateRepository(ctx, *current, pinned)
	}
	if !again {
		last, err := c.lastImport(ctx, *current)
		if err != nil || last.proven {
			return nil, err
		}
	}
	return c.Reimport(ctx, *current)
}
