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
	// begun is whether pages are being read, or were read and are not read again; postponed is whether they are read again once
	// enough nodes were asked for.
	begun, postponed bool
	// total is how many nodes the server has, or unknownTotal. Once it is known the first page has been requested.
	total int
	// arrival is closed when the next page arrives, or none will. It is nil while no page is under way.
	arrival chan struct{}
	nodes   map[string]T
}

const (
	unknownTotal = -1
	// fewReads is how many nodes are read one by one before it is worth asking how many there are.
	fewReads = 10
	// pagesAtOnce is how many pages are requested at the same time, so that other reads do not wait for them all.
	pagesAtOnce = defaultConcurrency - 1
)

// Refresh returns the node with an id, or ErrNotFound, as it is now or was since the client began to read nodes of the kind. A client
// that refreshes many nodes reads them in pages, until it sends its first mutation; what no page has is read by Get.
func (n Nodes[T]) Refresh(ctx context.Context, id string) (*T, error) {
	if n.count == nil {
		return n.Get(ctx, id)
	}
	reads := n.reads()
	if reads.ask() {
		go reads.readPages(context.WithoutCancel(ctx), n)
	}
	for {
		node, arrival := reads.look(id)
		switch {
		case node != nil:
			return node, nil
		case arrival == nil:
			return n.Get(ctx, id)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-arrival:
		}
	}
}

// ask counts a read, and reports whether the caller has to begin to read pages.
func (r *nodeReads[T]) ask() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.asked++
	if r.begun || r.asked < fewReads || !r.worthPages(r.total) || r.shared.mutated.Load() {
		return false
	}
	r.begun, r.arrival = true, make(chan struct{})
	return true
}

// worthPages reports whether the pages of so many nodes are no more than the reads so far. The last of these waits for a page instead
// of its own request, so that with the count it is at most twice the requests of single reads, whatever their order.
func (r *nodeReads[T]) worthPages(total int) bool { return pageCount(total) <= r.asked }

// look returns a copy of a node that a page had. If none had it, it returns the arrival of the next page, nil if there is none to wait for.
func (r *nodeReads[T]) look(id string) (*T, <-chan struct{}) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.shared.mutated.Load() {
		return nil, nil
	}
	if node, ok := r.nodes[id]; ok {
		return &node, nil
	}
	return nil, r.arrival
}

// readPages reads all nodes of the kind if they are few enough for the reads so far. Pages that fail are not read again: their nodes
// are read one by one.
func (r *nodeReads[T]) readPages(ctx context.Context, nodes Nodes[T]) {
	var readers sync.WaitGroup
	defer func() {
		readers.Wait()
		r.end()
	}()
	slots := make(chan struct{}, pagesAtOnce)
	read := func(offset int) {
		slots <- struct{}{}
		readers.Go(func() {
			defer func() { <-slots }()
			if listed, err := nodes.read(ctx, Filter{}, page{limit: pageSize, offset: offset}); err == nil {
				r.keep(nodes, listed)
			}
		})
	}
	r.mutex.Lock()
	total := r.total
	r.mutex.Unlock()
	if total == unknownTotal {
		read(0)
		var err error
		if total, err = nodes.count(ctx); err != nil {
			return
		}
	}
	if !r.counted(total) {
		return
	}
	for offset := pageSize; offset < total; offset += pageSize {
		read(offset)
	}
}

// counted notes how many nodes there are, and reports whether to read their pages now. Otherwise a later read begins again.
func (r *nodeReads[T]) counted(total int) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.total, r.postponed = total, !r.worthPages(total)
	return !r.postponed
}

// keep lets reads find the nodes of a page.
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
	close(r.arrival)
	r.arrival = make(chan struct{})
}

// end lets no read wait any more.
func (r *nodeReads[T]) end() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	close(r.arrival)
	r.arrival, r.begun = nil, !r.postponed
}

// pageCount returns how many pages hold a number of nodes.
func pageCount(total int) int { return (total + pageSize - 1) / pageSize }
