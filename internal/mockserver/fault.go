package mockserver

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong on purpose.
type Fault struct {
	// Operation is the name of the GraphQL operation or of a top-level field that fails, "login" or
	// "refresh"; for StuckTask and Delay it may be a workflow. "" is any.
	Operation string
	// Times is how often it fails; 0 is always.
	Times int
	// After lets the request be carried out first: only its answer is lost.
	After bool
	// Delay is how long the answer takes longer; how much later a task starts, if Operation is its
	// workflow. Of the two tasks that a new ref starts, one that is late takes its turn last.
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
	// ExpireTokens ends every access token before the request is carried out.
	ExpireTokens bool
}

const errorPage = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something is wrong</h1></body></html>\n"

// ParseFault reads a fault as the command line has it: words and key=value pairs with commas between
// them, as in "operation=BuiltinTagCreate,times=2,after,status=503,retry-after=2s". The keys are
// operation, times, delay, status, retry-after; the words after, html, drop, truncate, expire, stuck and
// no-tasks.
func ParseFault(text string) (Fault, error) {
	var f Fault
	for part := range strings.SplitSeq(text, ",") {
		key, value, hasValue := strings.Cut(strings.TrimSpace(part), "=")
		if err := f.set(key, value, hasValue); err != nil {
			return Fault{}, err
		}
	}
	switch {
	case f == Fault{Operation: f.Operation, Times: f.Times, After: f.After, RetryAfter: f.RetryAfter}:
		return Fault{}, errors.New("it says when, but not what goes wrong: add delay, status, html, drop, truncate, expire, stuck or no-tasks")
	case f.After && f.Status == 0 && !f.Drop:
		return Fault{}, errors.New("after goes with status, html or drop: the answer is lost after the request was carried out")
	case f.RetryAfter > 0 && f.Status == 0:
		return Fault{}, errors.New("retry-after goes with status")
	}
	return f, nil
}

func (f *Fault) set(key, value string, hasValue bool) (err error) {
	words := map[string]*bool{
		"after": &f.After, "drop": &f.Drop, "truncate": &f.TruncateBody, "expire": &f.ExpireTokens, "stuck": &f.StuckTask, "no-tasks": &f.NoTasks,
	}
	if word := words[key]; word != nil && !hasValue {
		*word = true
		return nil
	}
	if key == "html" && !hasValue {
		f.Body, f.ContentType, f.Status = errorPage, "text/html", cmp.Or(f.Status, http.StatusOK)
		return nil
	}
	if !hasValue {
		return fmt.Errorf("%q is no fault: say after, html, drop, truncate, expire, stuck, no-tasks, or a key=value of operation, times, delay, status, retry-after", key)
	}
	switch key {
	case "operation":
		f.Operation = value
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "delay":
		f.Delay, err = time.ParseDuration(value)
	case "retry-after":
		f.RetryAfter, err = time.ParseDuration(value)
	case "status":
		f.Status, err = strconv.Atoi(value)
		if err == nil && (f.Status < 200 || f.Status > 599) {
			err = errors.New("out of range")
		}
	default:
		return fmt.Errorf("%q is no key of a fault: say operation, times, delay, status or retry-after", key)
	}
	if err != nil || f.Times < 0 || f.Delay < 0 || f.RetryAfter < 0 {
		return fmt.Errorf("%s=%s: no such value", key, value)
	}
	return nil
}

// pendingFaults are those that wait for their request.
type pendingFaults struct {
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
func (f *pendingFaults) take(fits func(*Fault) bool) *Fault {
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

// forRequest returns the fault of a request that goes by any of these names.
func (f *pendingFaults) forRequest(names ...string) *Fault {
	return f.take(func(each *Fault) bool {
		if each.StuckTask || each.NoTasks {
			return false
		}
		return each.Operation == "" || slices.Contains(names, each.Operation)
	})
}

func (f *pendingFaults) stopsTask(workflow string) bool {
	return f.take(func(each *Fault) bool {
		return each.StuckTask && (each.Operation == "" || each.Operation == workflow)
	}) != nil
}

// taskDelay returns how much later than usual a task of a workflow starts.
func (f *pendingFaults) taskDelay(workflow string) time.Duration {
	if found := f.take(func(each *Fault) bool { return each.Delay > 0 && each.Operation == workflow }); found != nil {
		return found.Delay
	}
	return 0
}

func (f *pendingFaults) hidesTasks() bool {
	return f.take(func(each *Fault) bool { return each.NoTasks }) != nil
}

// serve lets a fault loose on a request; serve is what would have answered it.
func (f *Fault) serve(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	select {
	case <-time.After(f.Delay):
	case <-r.Context().Done():
		return
	}
	replaced := f.Drop || f.Status != 0
	switch {
	case f.TruncateBody:
		whole := &bufferedResponse{header: http.Header{}}
		serve(whole)
		truncate(w, whole)
		return
	case !replaced:
		serve(w)
		return
	case f.After:
		serve(&bufferedResponse{header: http.Header{}})
	}
	if f.Drop {
		closeConnection(w)
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

// closeConnection closes the connection under an answer.
func closeConnection(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

// truncate promises the whole answer, sends half of it and closes the connection.
func truncate(w http.ResponseWriter, whole *bufferedResponse) {
	maps.Copy(w.Header(), whole.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(whole.body)))
	w.WriteHeader(whole.status)
	_, _ = w.Write(whole.body[:len(whole.body)/2]) // the client may be gone
	_ = http.NewResponseController(w).Flush()
	closeConnection(w)
}

// bufferedResponse is an answer that is not sent.
type bufferedResponse struct {
	header http.Header
	status int
	body   []byte
}

func (m *bufferedResponse) Header() http.Header { return m.header }

func (m *bufferedResponse) WriteHeader(status int) { m.status = status }

func (m *bufferedResponse) Write(content []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	m.body = append(m.body, content...)
	return len(content), nil
}
