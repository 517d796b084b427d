package infrahub

import (
	"context"
	"sync"
)

// pages are the nodes that a client has read ahead of those that ask for them.
type pages[T any] struct {
	mutex sync.Mutex
	// asked is how many nodes were asked for one by one.
	asked int
	// total is how many nodes the server has, or unknownTotal.
	total int
	// listing is closed when the pages were read. It is nil before.
	listing chan struct{}
	nodes   map[string]T
}

const (
	unknownTotal = -1
	// fewReads is how many nodes are read one by one before it is worth asking how many there are.
	fewReads = 10
	// sparePages is how many pages may be read more than nodes were asked for, so that no order of reads costs more than twice the
	// requests of single reads.
	sparePages = 8
	// pagesAtOnce is how many pages are requested at the same time.
	pagesAtOnce = 4
)

// Refresh returns the node with an id, or ErrNotFound, as it is now or was since the client began to read nodes of the kind. A client
// that refreshes many nodes reads them in pages, until it sends its first mutation; what no page has is read by Get.
func (n Nodes[T]) Refresh(ctx context.Context, id string) (*T, error) {
	if n.count == nil {
		return n.Get(ctx, id)
	}
	reads := n.reads()
	listing, begins := reads.ask()
	if begins {
		go reads.readPages(context.WithoutCancel(ctx), n)
	}
	if listing != nil {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-listing:
		}
	}
	if node := reads.known(id); node != nil {
		return node, nil
	}
	return n.Get(ctx, id)
}

// ask counts a read, and returns the listing to wait for, nil if there is none, and whether the caller has to begin it.
func (r *nodeReads[T]) ask() (listing chan struct{}, begins bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.asked++
	if r.listing == nil && r.asked >= fewReads && pageCount(r.total) <= r.asked+sparePages && !r.shared.mutated.Load() {
		r.listing = make(chan struct{})
		return r.listing, true
	}
	return r.listing, false
}

// known returns a copy of a node that a page had, nil if no page had it or a mutation was sent since.
func (r *nodeReads[T]) known(id string) *T {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	node, ok := r.nodes[id]
	if !ok || r.shared.mutated.Load() {
		return nil
	}
	return &node
}

// readPages reads all nodes of the kind if they are few enough for the reads so far, and ends the listing. Pages that fail are not
// read again: their nodes are read one by one.
func (r *nodeReads[T]) readPages(ctx context.Context, nodes Nodes[T]) {
	r.mutex.Lock()
	total, asked, listing := r.total, r.asked, r.listing
	r.mutex.Unlock()
	defer close(listing)
	if total == unknownTotal {
		count, err := nodes.count(ctx)
		if err != nil {
			return
		}
		total = count
	}
	if pageCount(total) > asked+sparePages {
		r.postpone(total)
		return
	}
	var readers sync.WaitGroup
	slots := make(chan struct{}, pagesAtOnce)
	for offset := 0; offset < total; offset += pageSize {
		slots <- struct{}{}
		readers.Go(func() {
			defer func() { <-slots }()
			if listed, err := nodes.read(ctx, Filter{}, page{limit: pageSize, offset: offset}); err == nil {
				r.keep(nodes, listed)
			}
		})
	}
	readers.Wait()
}

// postpone makes a later read list the pages, once enough nodes were asked for.
func (r *nodeReads[T]) postpone(total int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.total, r.listing = total, nil
}

func (r *nodeReads[T]) keep(nodes Nodes[T], listed []T) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.nodes == nil {
		r.nodes = map[string]T{}
	}
	for _, node := range listed {
		id, _ := nodes.key(node)
		r.nodes[id] = node
	}
}

// pageCount returns how many pages hold a number of nodes.
func pageCount(total int) int { return (total + pageSize - 1) / pageSize }
