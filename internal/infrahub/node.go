package infrahub

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Nodes reads and writes the nodes of one kind on the client's branch. What differs between the kinds
// is in its slots; a file for each kind fills them.
type Nodes[T any] struct {
	client *Client
	// kind is what errors call a node, such as "tag".
	kind string
	// key returns the id and the name of a node.
	key func(node T) (id, name string)
	// list returns one page of the nodes that a filter picks, in an order that does not change between pages.
	list func(ctx context.Context, filter Filter, page page) ([]T, error)
	// count returns how many nodes there are. It is nil for kinds that are not read in pages.
	count func(ctx context.Context) (int, error)
	// withSecrets is whether the nodes that are read hold secrets.
	withSecrets bool
	// create sends the mutation that creates a node and returns its id.
	create func(ctx context.Context, id string, want T) (string, error)
	// update sends the mutation that turns before into after, unless nothing differs.
	update func(ctx context.Context, before, after T) error
	// remove sends the mutation that deletes a node.
	remove func(ctx context.Context, id string) error
	// serverChoosesID is whether the server ignores the id that create is given. A create whose reply is
	// lost is then looked up by its name.
	serverChoosesID bool
	// unpaged is whether the server lists all nodes in one response.
	unpaged bool
	// holder returns the other node that already has the name or location of want, if that must be unique; id is the node being
	// changed. It is nil where nothing of the kind is unique, or where requireFreeName checks the name.
	holder func(ctx context.Context, id string, want T) (*TakenError, error)
}

// Filter picks nodes by all of its conditions. The zero Filter picks every node.
type Filter struct {
	// IDs picks the nodes with one of these ids.
	IDs []string
	// Names picks the nodes with one of these names.
	Names []string
	// Locations picks the repositories with one of these locations. The other kinds have none, and ignore it.
	Locations []string
	// CredentialIDs picks the repositories that use one of these credentials. Other kinds of nodes ignore it.
	CredentialIDs []string
	// Tags picks the repositories with one of these tags, given by their names. The other kinds ignore it.
	Tags []string
	// SyncStatuses and OperationalStatuses pick the repositories with one of these statuses (infrahub-behaviour.md, Kinds 1).
	// The other kinds ignore them.
	SyncStatuses, OperationalStatuses []string
	// SourceBranch picks the proposed changes of this branch. Other kinds of nodes ignore it.
	SourceBranch string
}

// page is a part of a list.
type page struct {
	limit, offset int
}

// pageSize is how many nodes one request lists.
const pageSize = 100

// GetByName returns the node with a name: ErrNotFound if there is none, ErrAmbiguous if there are several.
func (n Nodes[T]) GetByName(ctx context.Context, name string) (*T, error) {
	return n.get(ctx, Filter{Names: []string{name}}, name)
}

// IDByName returns the id of the node with a name, with the errors of GetByName.
func (n Nodes[T]) IDByName(ctx context.Context, name string) (string, error) {
	found, err := n.GetByName(ctx, name)
	if err != nil {
		return "", err
	}
	id, _ := n.key(*found)
	return id, nil
}

func (n Nodes[T]) get(ctx context.Context, filter Filter, wanted string) (*T, error) {
	nodes, err := n.read(ctx, filter, page{limit: pageSize})
	switch {
	case err != nil:
		return nil, err
	case len(nodes) == 0:
		return nil, n.notFound(wanted)
	case len(nodes) > 1:
		return nil, fmt.Errorf("%d %ss are named %q: %w", len(nodes), n.kind, wanted, ErrAmbiguous)
	}
	return &nodes[0], nil
}

// read returns a page of the nodes that a filter picks. A node that the filter does not pick, or that has the id of another one, is an
// error: it must neither be taken for the node that was asked for, nor hide it.
func (n Nodes[T]) read(ctx context.Context, filter Filter, page page) ([]T, error) {
	nodes, err := n.list(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(nodes))
	for _, node := range nodes {
		id, name := n.key(node)
		switch {
		case len(filter.IDs) > 0 && !slices.Contains(filter.IDs, id):
			return nil, n.untrue("the response holds a %s with the id %s, which was not asked for", n.kind, id)
		case len(filter.Names) > 0 && !slices.Contains(filter.Names, name):
			return nil, n.untrue("the response holds a %s with the name %q, which was not asked for", n.kind, name)
		case seen[id]:
			return nil, n.untrue("the response holds two %ss with the id %s", n.kind, id)
		}
		seen[id] = true
	}
	return nodes, nil
}

// untrue returns the error of a response that cannot be true.
func (n Nodes[T]) untrue(format string, values ...any) error {
	return &Error{Operation: "read " + n.kind, Status: http.StatusOK, Message: fmt.Sprintf(format, values...), kind: ErrNotInfrahub}
}

// maxPages bounds the pages of one list, so that a list without end is an error.
const maxPages = 1000

// List returns the nodes that a filter picks, page by page, and each of them once: a node that is created or deleted meanwhile moves
// others from page to page. An error ends it; the nodes before it hold.
func (n Nodes[T]) List(ctx context.Context, filter Filter) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		next := page{limit: pageSize}
		if n.unpaged {
			next.limit = math.MaxInt32
		}
		seen := map[string]bool{}
		for pages := 1; ; pages++ {
			nodes, err := n.read(ctx, filter, next)
			listed := len(seen)
			for _, node := range nodes {
				id, _ := n.key(node)
				if seen[id] {
					continue
				}
				seen[id] = true
				if !yield(node, nil) {
					return
				}
			}
			switch {
			case err != nil:
			case len(nodes) < next.limit:
				return
			case len(seen) == listed:
				err = n.untrue("the server lists the same %ss again at offset %d", n.kind, next.offset)
			case pages == maxPages:
				err = n.untrue("the list of %ss does not end after %d", n.kind, len(seen))
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			next.offset += next.limit
		}
	}
}

// Create creates a node and returns its id. If the reply is lost the node is looked up, and taken over where
// it exists: nothing is created twice, nothing is lost (infrahub-behaviour.md, Writing 1). *TakenError if another node
// has the unique name or location.
func (n Nodes[T]) Create(ctx context.Context, want T) (string, error) {
	if n.serverChoosesID {
		if err := n.requireFreeName(ctx, want); err != nil {
			return "", err
		}
	}
	var id string
	err := n.whileTaken(ctx, "", want, func() error {
		var err error
		id, err = n.createDespiteLostReplies(ctx, want)
		return err
	})
	return id, err
}

func (n Nodes[T]) createDespiteLostReplies(ctx context.Context, want T) (string, error) {
	chosen := uuid.NewString()
	id, failure := n.create(ctx, chosen, want)
	for attempt := 0; failure != nil; attempt++ {
		if attempt == 0 && !OutcomeUnknown(failure) {
			return "", failure
		}
		switch found, err := n.created(context.WithoutCancel(ctx), chosen, want); {
		case err == nil:
			return found, nil
		case !errors.Is(err, ErrNotFound), ctx.Err() != nil, attempt == n.client.maxRetries:
			return "", failure
		}
		switch {
		case OutcomeUnknown(failure):
			if sleep(ctx, backoff(shortestRetry, longestRetry, attempt, nil)) != nil {
				return "", failure
			}
		case idTaken(failure):
			// The first attempt was carried out and undone, because the connection check failed. Its id is
			// never free again (infrahub-behaviour.md, Writing 1).
			chosen = uuid.NewString()
		default:
			return "", failure
		}
		id, failure = n.create(ctx, chosen, want)
	}
	return id, nil
}

// requireFreeName returns a *TakenError if a node has the name already: if the reply of the create is lost, that
// node must not be taken for the new one.
func (n Nodes[T]) requireFreeName(ctx context.Context, want T) error {
	taken, err := n.holderByName(ctx, "", want)
	if err != nil {
		return err
	}
	if taken == nil {
		return nil
	}
	taken.cause = &Error{Operation: "create " + n.kind, Message: fmt.Sprintf("the %s %s already exists", n.kind, taken.Name), Field: "name"}
	return taken
}

// created looks up the node of a create whose reply was lost, and returns its id, or ErrNotFound.
func (n Nodes[T]) created(ctx context.Context, chosen string, want T) (string, error) {
	if !n.serverChoosesID {
		_, err := n.Get(ctx, chosen)
		return chosen, err
	}
	_, name := n.key(want)
	return n.IDByName(ctx, name)
}

// Update turns before into after, and sends only what differs. ErrNotFound if the node does not exist, *TakenError if another
// node has the name or location.
func (n Nodes[T]) Update(ctx context.Context, before, after T) error {
	id, _ := n.key(before)
	return n.whileTaken(ctx, id, after, func() error {
		return n.notFoundIfGone(ctx, id, n.update(ctx, before, after))
	})
}

// Delete deletes a node. One that does not exist is no error.
func (n Nodes[T]) Delete(ctx context.Context, id string) error {
	err := n.notFoundIfGone(ctx, id, n.remove(ctx, id))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// notFoundIfGone returns the failure of a mutation: ErrNotFound if the node does not exist, by the server's code
// or, where Infrahub 1.9 gives none, by a read (infrahub-behaviour.md, Errors 11). After a mutation that was repeated in
// vain, the read is not repeated as well, or not sent to an overloaded server: that would only double the time until the user
// learns of it.
func (n Nodes[T]) notFoundIfGone(ctx context.Context, id string, failure error) error {
	if failure == nil || errors.Is(failure, ErrNotFound) {
		return failure
	}
	if refusal, ok := errors.AsType[*Error](failure); ok {
		switch {
		case refusal.Status == http.StatusTooManyRequests:
			return failure
		case refusal.Status == 0 || retryableStatus(refusal.Status):
			ctx = withoutRetries(ctx)
		}
	}
	if _, err := n.get(ctx, Filter{IDs: []string{id}}, id); errors.Is(err, ErrNotFound) {
		return err
	}
	return failure
}

// OutcomeUnknown reports whether a change that failed may have been carried out all the same, wholly or in part. Otherwise the
// server refused it, or never got it.
func OutcomeUnknown(err error) bool {
	if _, ok := errors.AsType[*PartialError](err); ok {
		return true
	}
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.outcomeUnknown
}

// idTaken reports whether a create was refused because of its id.
func idTaken(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Field == "id"
}

// nodesOf returns the nodes of a list's edges as the client knows them.
func nodesOf[E interface{ GetNode() *N }, N, T any](edges []E, convert func(node *N) T) []T {
	var nodes []T
	for _, edge := range edges {
		if node := edge.GetNode(); node != nil {
			nodes = append(nodes, convert(node))
		}
	}
	return nodes
}

// sleep waits, or returns the error of a context that ends first.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
