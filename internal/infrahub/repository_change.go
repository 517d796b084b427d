package infrahub

import (
	"context"
	"fmt"
)

// PartialError is a change of a repository that was carried out in part: Infrahub has new values, but an import of them was
// not started, or is not known to have been.
type PartialError struct {
	cause error
}

func (e *PartialError) Error() string { return e.cause.Error() }

// Unwrap returns why the rest was not carried out.
func (e *PartialError) Unwrap() error { return e.cause }

// CreateRepository creates a repository and returns its id and the import that this starts.
func (c *Client) CreateRepository(ctx context.Context, want Repository) (string, *Import, error) {
	ctx, from, err := c.baseline(ctx, "")
	if err != nil {
		return "", nil, err
	}
	if want.ID, err = c.Repositories(want.Kind).Create(ctx, want); err != nil {
		return "", nil, err
	}
	return want.ID, c.importOfCreate(want, from), nil
}

// UpdateRepository makes after of before, sends only what differs, and returns the import that this starts, nil if none.
// A changed Ref of a ReadWrite repository imports nothing.
func (c *Client) UpdateRepository(ctx context.Context, before, after Repository) (*Import, error) {
	after.Kind, after.ID = before.Kind, before.ID
	switch {
	case before.Location != after.Location:
		return c.Relocate(ctx, before, after)
	case before.Kind == ReadOnly && before.Ref != after.Ref:
		return c.changeRef(ctx, before, after)
	default:
		return nil, c.Repositories(before.Kind).Update(ctx, before, after)
	}
}

// Relocate makes after of before and imports from the location of after, even where before has the same location, so that
// a failed relocation can be repeated.
func (c *Client) Relocate(ctx context.Context, before, after Repository) (*Import, error) {
	after.Kind, after.ID = before.Kind, before.ID
	if before.Kind == ReadOnly {
		return c.relocateReadOnly(ctx, before, after)
	}
	return c.relocateReadWrite(ctx, before, after)
}

// relocateReadOnly changes the ref twice, because only the pull that a changed ref starts goes to the new location
// (infrahub-behaviour.md, Importing 16).
func (c *Client) relocateReadOnly(ctx context.Context, before, after Repository) (*Import, error) {
	ctx, from, err := c.baseline(ctx, before.ID)
	if err != nil {
		return nil, err
	}
	between := after
	between.Ref += "^0" // Git resolves it to the same commit, Infrahub sees another ref
	repositories := c.Repositories(ReadOnly)
	if err := repositories.Update(ctx, before, between); err != nil {
		return nil, err
	}
	if err := repositories.Update(ctx, between, after); err != nil {
		return nil, &PartialError{err}
	}
	return c.importOfRelocation(after, between, from), nil
}

// relocateReadWrite leaves the import to the periodic sync, the only one that goes to the new location
// (infrahub-behaviour.md, Importing 16).
func (c *Client) relocateReadWrite(ctx context.Context, before, after Repository) (*Import, error) {
	repositories := c.Repositories(ReadWrite)
	current, err := repositories.Get(ctx, before.ID)
	if err != nil {
		return nil, err
	}
	if err := repositories.Update(ctx, before, after); err != nil {
		return nil, err
	}
	started, err := c.importOfSync(ctx, after, current.Commit)
	if err != nil {
		return nil, &PartialError{err}
	}
	return started, nil
}

// changeRef updates a read-only repository whose ref changes. If the server has that ref already, because somebody else
// set it in the meantime, the update starts no import and this asks for one.
func (c *Client) changeRef(ctx context.Context, before, after Repository) (*Import, error) {
	ctx, from, err := c.baseline(ctx, before.ID)
	if err != nil {
		return nil, err
	}
	repositories := c.Repositories(ReadOnly)
	current, err := repositories.Get(ctx, before.ID)
	if err != nil {
		return nil, err
	}
	if err := repositories.Update(ctx, before, after); err != nil {
		return nil, err
	}
	if current.Ref == after.Ref {
		started, err := c.Reimport(ctx, after)
		if err != nil {
			return nil, &PartialError{err}
		}
		return started, nil
	}
	from.previousCommit = current.Commit
	return c.importOfRefChange(after, from), nil
}

// SetRef sets the ref of a read-only repository on the client's branch alone, and returns the import that this starts. The
// import is nil if the branch has that ref and a task proves that it has imported it, unless again is set. ErrMerged if the
// branch was merged or is being merged, ErrInactive if the branch is older than the repository.
func (c *Client) SetRef(ctx context.Context, id, ref string, again bool) (*Import, error) {
	if err := c.CheckWritable(ctx); err != nil {
		return nil, err
	}
	current, err := c.Repositories(ReadOnly).Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if current.Inactive() {
		// The server would not keep the ref, and would import again and again (infrahub-behaviour.md, Branches 9).
		return nil, fmt.Errorf("%s %s on branch %s: %w", ReadOnly, current.Name, c.branch, ErrInactive)
	}
	if current.Ref != ref {
		changed := *current
		changed.Ref = ref
		return c.UpdateRepository(ctx, *current, changed)
	}
	if !again {
		last, err := c.LastImport(ctx, *current)
		if err != nil || last.Proven {
			return nil, err
		}
	}
	return c.Reimport(ctx, *current)
}
