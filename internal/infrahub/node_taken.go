package infrahub

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TakenError is a change that the server refused because another node has what must be unique.
type TakenError struct {
	// Field is "name", "location" or, if the branch has a pending proposed change, "source_branch".
	Field string
	// Kind is what people call the node that has it, such as "read-only repository"; ID and Name are its own.
	Kind, ID, Name string
	cause          error
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the %s %s (id %s) has this %s already: %v", e.Kind, e.Name, e.ID, e.Field, e.cause)
}

// Unwrap returns the refusal.
func (e *TakenError) Unwrap() error { return e.cause }

// takenPolls bounds, in units of the longest polling interval (10 s by default), how long a change is retried while another node
// has what must be unique. When the entries of a list shift, the same apply may be about to rename or delete that node.
const takenPolls = 5

// whileTaken carries out a change, and repeats it for a while if the server refuses it because another node than the one with
// the id has the name or the location.
func (n Nodes[T]) whileTaken(ctx context.Context, id string, want T, change func() error) error {
	polling := n.client.tasks.polling
	deadline := time.Now().Add(takenPolls * polling.MaxInterval)
	for interval := 2 * polling.MinInterval; ; interval = min(2*interval, polling.MaxInterval) {
		failure := change()
		if failure == nil || n.holder == nil || !isRefusal(failure) {
			return failure
		}
		taken, err := n.holder(ctx, id, want)
		if err != nil {
			return failure
		}
		if taken == nil && !mayBeTaken(failure) {
			return failure
		}
		if taken != nil {
			taken.cause = failure
			failure = taken
		}
		if time.Now().After(deadline) || sleep(ctx, interval) != nil {
			return failure
		}
	}
}

// isRefusal reports whether the server understood a change and refused it, for a reason that has no kind of its own.
func isRefusal(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.kind == nil && !OutcomeUnknown(err) && !idTaken(err)
}

// mayBeTaken reports whether a refusal is about a field that has to be unique (infrahub-behaviour.md, Errors 2). If the refusal has
// another reason, the request is repeated in vain.
func mayBeTaken(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && (failure.Field == "name" || failure.Field == "location")
}

// holderByName returns the node of the same kind that has the name, nil if there is none but the node with the id.
func (n Nodes[T]) holderByName(ctx context.Context, id string, want T) (*TakenError, error) {
	_, name := n.key(want)
	return n.holderOf(ctx, "name", id, Filter{Names: []string{name}})
}

func (n Nodes[T]) holderOf(ctx context.Context, field, id string, filter Filter) (*TakenError, error) {
	for node, err := range n.List(ctx, filter) {
		if err != nil {
			return nil, err
		}
		if holderID, name := n.key(node); holderID != id {
			return &TakenError{Field: field, Kind: n.kind, ID: holderID, Name: name}, nil
		}
	}
	return nil, nil
}

// proposedChangeHolder returns the pending proposed change of the branch: a branch has one at a time.
func (c *Client) proposedChangeHolder(ctx context.Context, id string, want ProposedChange) (*TakenError, error) {
	change, err := c.pendingChange(ctx, want.SourceBranch)
	if err != nil || change == nil || change.ID == id {
		return nil, err
	}
	return &TakenError{Field: "source_branch", Kind: "proposed change", ID: change.ID, Name: change.Name}, nil
}

// repositoryHolder returns the repository of either kind that has the name or the location, with the suffix that the server
// may have appended (infrahub-behaviour.md, Kinds 3 and Writing 8).
func (c *Client) repositoryHolder(ctx context.Context, id string, want Repository) (*TakenError, error) {
	for _, kind := range []Kind{ReadOnly, ReadWrite} {
		taken, err := c.Repositories(kind).holderOf(ctx, "name", id, Filter{Names: []string{want.Name}})
		if taken != nil || err != nil {
			return taken, err
		}
	}
	for _, kind := range []Kind{ReadOnly, ReadWrite} {
		taken, err := c.Repositories(kind).holderOf(ctx, "location", id, Filter{Locations: []string{want.Location, want.Location + ".git"}})
		if taken != nil || err != nil {
			return taken, err
		}
	}
	return nil, nil
}

// RepositoryHolders returns the repositories of either kind that have the name and one of the locations, nil if none has. The kind
// comes first among those of a name.
func (c *Client) RepositoryHolders(ctx context.Context, kind Kind, name string, locations ...string) (byName, byLocation *Repository, err error) {
	byName, err = c.firstRepository(ctx, kind, Filter{Names: []string{name}})
	if err == nil {
		byLocation, err = c.firstRepository(ctx, kind, Filter{Locations: locations})
	}
	return byName, byLocation, err
}

func (c *Client) firstRepository(ctx context.Context, kind Kind, filter Filter) (*Repository, error) {
	for _, kind := range []Kind{kind, kind.Other()} {
		for repository, err := range c.Repositories(kind).List(ctx, filter) {
			if err != nil {
				return nil, err
			}
			return &repository, nil
		}
	}
	return nil, nil
}
