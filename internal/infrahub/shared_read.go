package infrahub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// sharedReads holds, for all branches of a client, the reads that share requests.
type sharedReads struct {
	// mutated is whether the client has sent a mutation. From then on no read is served from a page, because a mutation may change
	// nodes of other kinds too (infrahub-behaviour.md, Writing 7).
	mutated atomic.Bool

	mutex  sync.Mutex
	byKind map[kindKey]any // *nodeReads of the kind
}

// kindKey tells apart reads that cannot share a request.
type kindKey struct {
	kind, branch string
	secrets      bool
}

// nodeReads are the reads of the nodes of one kind on one branch.
type nodeReads[T any] struct {
	shared *sharedReads
	byID   together[string, []T]
	pages[T]
}

// reads returns the reads that share requests with this kind's.
func (n Nodes[T]) reads() *nodeReads[T] {
	shared, key := n.client.reads, kindKey{kind: n.kind, branch: n.client.branch, secrets: n.withSecrets}
	shared.mutex.Lock()
	defer shared.mutex.Unlock()
	if reads, ok := shared.byKind[key].(*nodeReads[T]); ok {
		return reads
	}
	reads := &nodeReads[T]{shared: shared, pages: pages[T]{total: unknownTotal}}
	shared.byKind[key] = reads
	return reads
}

// Get returns the node with an id as it is now, or ErrNotFound. Reads that begin while another one of the kind is under way share a
// request. If that fails for a reason that may lie in one of the nodes, each is read by a request of its own.
func (n Nodes[T]) Get(ctx context.Context, id string) (*T, error) {
	nodes, callers, err := n.reads().byID.do(ctx, id, func(ctx context.Context, ids []string) ([]T, error) {
		return n.read(ctx, Filter{IDs: ids}, page{limit: pageSize})
	})
	if err != nil {
		if callers > 1 && !holdsForEveryNode(err) {
			return n.get(ctx, Filter{IDs: []string{id}}, id)
		}
		return nil, err
	}
	found := slices.IndexFunc(nodes, func(node T) bool {
		foundID, _ := n.key(node)
		return foundID == id
	})
	if found < 0 {
		return nil, n.notFound(id)
	}
	return &nodes[found], nil
}

// holdsForEveryNode reports whether a read of any node would fail in the same way.
func holdsForEveryNode(err error) bool {
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrBranchNotFound) || errors.Is(err, ErrNotInfrahub)
}

func (n Nodes[T]) notFound(wanted string) error {
	return fmt.Errorf("%s %s on branch %s: %w", n.kind, wanted, n.client.branch, ErrNotFound)
}
