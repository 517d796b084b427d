package mockserver

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Fault is something that goes wrong on purpose.
type Fault struct {
	// Operation is the name of the GraphQL operation or of a top-level field that fails, "login" or
	// "refresh"; for StuckTask it may be a workflow. "" is any.
	Operation string
	// Times is how often it fails; 0 is always.
	Times int
	// After lets the request be carried out first: only its answer is lost.
	After bool
	// Delay is how long the answer takes longer.
	Delay time.Duration
	// Status, RetryAfter, Body and ContentType replace the answer, if Status is not 0.
	Status            int
	RetryAfter        time.Duration
	Body, ContentType string
	// Drop closes the connection without an answer.
	Drop bool
	// TruncateBody closes it in the middle of the answer.
	TruncateBody bool
	// StuckTask lets a task that starts run for ever.
	StuckTask bool
	// NoTasks refuses the list of tasks, as to a user without permission.
	NoTasks bool
}

// faults are those that wait for their request.
type faults struct {
	mu      sync.Mutex
	pending []*Fault
}

// Inject adds a fault; the first that fits a request acts on it.
func (s *Server) Inject(f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.pending = append(s.faults.pending, &f)
}

// take returns the first fault that fits, and counts it; nil if there is none.
func (f *faults) take(fits func(*Fault) bool) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, each := range f.pending {
		if !fits(each) {
			continue
		}
		found := *each
		if each.Times--; each.Times == 0 {
			f.pending = slices.Delete(f.pending, i, i+1)
		} else if each.Times < 0 {
			each.Times = 0
		}
		return &found
	}
	return nil
}

// ofRequest returns the fault of a request that goes by any of these names.
func (f *faults) ofRequest(names ...string) *Fault {
	return f.take(func(each *Fault) bool {
		if each.StuckTask || each.NoTasks {
			return false
		}
		return each.Operation == "" || slices.Contains(names, each.Operation)
	})
}

func (f *faults) stuck(workflow string) bool {
	return f.take(func(each *Fault) bool {
		return each.StuckTask && (each.Operation == "" || each.Operation == workflow)
	}) != nil
}

func (f *faults) noTasks() bool {
	return f.take(func(each *Fault) bool { return each.NoTasks }) != nil
}

// act lets a fault loose on a request; serve is what would have answered it.
func (f *Fault) act(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	select {
	case <-time.After(f.Delay):
	case <-r.Context().Done():
		return
	}
	replaced := f.Drop || f.Status != 0
	switch {
	case f.TruncateBody:
		whole := &unsent{header: http.Header{}}
		serve(whole)
		truncate(w, whole)
		return
	case !replaced:
		serve(w)
		return
	case f.After:
		serve(&unsent{header: http.Header{}})
	}
	if f.Drop {
		drop(w)
		return
	}
	if f.ContentType != "" {
		w.Header().Set("Content-Type", f.ContentType)
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body)) // the client may be gone
}

// drop closes the connection under an answer.
func drop(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

// truncate promises the whole answer, sends half of it and closes the connection.
func truncate(w http.ResponseWriter, whole *unsent) {
	maps.Copy(w.Header(), whole.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(whole.body)))
	w.WriteHeader(whole.status)
	_, _ = w.Write(whole.body[:len(whole.body)/2]) // the client may be gone
	_ = http.NewResponseController(w).Flush()
	drop(w)
}

// unsent is an answer that is not sent.
type unsent struct {
	header http.Header
	status int
	body   []byte
}

func (m *unsent) Header() http.Header { return m.header }

func (m *unsent) WriteHeader(status int) { m.status = status }

func (m *unsent) Write(content []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	m.body = append(m.body, content...)
	return len(content), nil
}
