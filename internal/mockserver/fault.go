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
	// "refresh"; for StuckTask, CrashedTask and Delay it may be a workflow. "" is any.
	Operation string
	// Times is how often it fails; 0 is always.
	Times int
	// After carries the request out before the fault delays or replaces its response.
	After bool
	// Delay is how much later the response is sent or, if Operation is a workflow, its task starts. Of the
	// two tasks that a changed ref starts, one with a delay runs last.
	Delay time.Duration
	// Status, RetryAfter, Body and ContentType replace the response, if Status is not 0.
	Status            int
	RetryAfter        time.Duration
	Body, ContentType string
	// Drop closes the connection without a response.
	Drop bool
	// TruncateBody closes the connection in the middle of the response.
	TruncateBody bool
	// StuckTask lets a task that starts run for ever.
	StuckTask bool
	// CrashedTask lets a task that starts become CRASHED, as the server's watchdog does with one that it has not heard of. The
	// task goes on after Delay and ends, or never if that is 0 (infrahub-behaviour.md, Importing 28).
	CrashedTask bool
	// NoTasks refuses the list of tasks, as if the user had no permission.
	NoTasks bool
	// ExpireTokens expires every access token before the request is carried out.
	ExpireTokens bool
}

const errorPage = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something is wrong</h1></body></html>\n"

// ParseFault reads a fault from words and key=value pairs with commas between them, as in
// "operation=BuiltinTagCreate,times=2,after,status=503,retry-after=2s". The keys are operation, times,
// delay, status and retry-after; the words are after, html, drop, truncate, expire, stuck, crashed and no-tasks.
func ParseFault(text string) (Fault, error) {
	var f Fault
	for part := range strings.SplitSeq(text, ",") {
		key, value, hasValue := strings.Cut(strings.TrimSpace(part), "=")
		var err error
		if hasValue {
			err = f.setValue(key, value)
		} else {
			err = f.setWord(key)
		}
		if err != nil {
			return Fault{}, err
		}
	}
	switch {
	case f == Fault{Operation: f.Operation, Times: f.Times, After: f.After, RetryAfter: f.RetryAfter}:
		return Fault{}, errors.New("the fault has no effect: add delay, status, html, drop, truncate, expire, stuck, crashed or no-tasks")
	case f.After && f.Status == 0 && !f.Drop && f.Delay == 0:
		return Fault{}, errors.New("after needs delay, status, html or drop: the request is carried out, then its response is late or lost")
	case f.RetryAfter > 0 && f.Status == 0:
		return Fault{}, errors.New("retry-after needs status")
	}
	return f, nil
}

func (f *Fault) setWord(word string) error {
	switch word {
	case "after":
		f.After = true
	case "html":
		f.Body, f.ContentType, f.Status = errorPage, "text/html", cmp.Or(f.Status, http.StatusOK)
	case "drop":
		f.Drop = true
	case "truncate":
		f.TruncateBody = true
	case "expire":
		f.ExpireTokens = true
	case "stuck":
		f.StuckTask = true
	case "crashed":
		f.CrashedTask = true
	case "no-tasks":
		f.NoTasks = true
	default:
		return fmt.Errorf("unknown fault %q: use after, html, drop, truncate, expire, stuck, crashed, no-tasks, or key=value with operation, times, delay, status or retry-after", word)
	}
	return nil
}

func (f *Fault) setValue(key, value string) (err error) {
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
		return fmt.Errorf("unknown key %q of a fault: use operation, times, delay, status or retry-after", key)
	}
	if err != nil || f.Times < 0 || f.Delay < 0 || f.RetryAfter < 0 {
		return fmt.Errorf("invalid value: %s=%s", key, value)
	}
	return nil
}

// pendingFaults are the faults that act on later requests.
type pendingFaults struct {
	mu      sync.Mutex
	pending []*Fault
}

// Inject adds a fault. If several faults match a request, the one that was added first acts on it.
func (s *Server) Inject(f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.pending = append(s.faults.pending, &f)
}

// take returns the first fault that matches and counts it, nil if there is none.
func (f *pendingFaults) take(matches func(*Fault) bool) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, candidate := range f.pending {
		if !matches(candidate) {
			continue
		}
		taken := *candidate
		if candidate.Times--; candidate.Times == 0 {
			f.pending = slices.Delete(f.pending, i, i+1)
		} else if candidate.Times < 0 {
			candidate.Times = 0
		}
		return &taken
	}
	return nil
}

// forRequest returns the fault that acts on a request with any of these names, nil if there is none.
func (f *pendingFaults) forRequest(names ...string) *Fault {
	return f.take(func(candidate *Fault) bool {
		if candidate.StuckTask || candidate.CrashedTask || candidate.NoTasks {
			return false
		}
		return candidate.Operation == "" || slices.Contains(names, candidate.Operation)
	})
}

// stopsTask reports whether a task of a workflow runs for ever.
func (f *pendingFaults) stopsTask(workflow string) bool {
	return f.take(func(candidate *Fault) bool {
		return candidate.StuckTask && (candidate.Operation == "" || candidate.Operation == workflow)
	}) != nil
}

// crashesTask returns the fault that lets a task of a workflow become CRASHED, nil if there is none.
func (f *pendingFaults) crashesTask(workflow string) *Fault {
	return f.take(func(candidate *Fault) bool {
		return candidate.CrashedTask && (candidate.Operation == "" || candidate.Operation == workflow)
	})
}

// taskDelay returns how much later than usual a task of a workflow starts.
func (f *pendingFaults) taskDelay(workflow string) time.Duration {
	taken := f.take(func(candidate *Fault) bool {
		return candidate.Delay > 0 && !candidate.CrashedTask && candidate.Operation == workflow
	})
	if taken == nil {
		return 0
	}
	return taken.Delay
}

// hidesTasks reports whether the list of tasks is refused.
func (f *pendingFaults) hidesTasks() bool {
	return f.take(func(candidate *Fault) bool { return candidate.NoTasks }) != nil
}

// serve serves a request with the fault; serve is the handler without it.
func (f *Fault) serve(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) {
	whole := &bufferedResponse{header: http.Header{}}
	if f.After || f.TruncateBody {
		serve(whole)
	}
	select {
	case <-time.After(f.Delay):
	case <-r.Context().Done():
		return
	}
	switch {
	case f.TruncateBody:
		truncate(w, whole)
	case f.Drop:
		closeConnection(w)
	case f.Status != 0:
		f.replace(w)
	case f.After:
		whole.send(w)
	default:
		serve(w)
	}
}

// replace sends the response of the fault.
func (f *Fault) replace(w http.ResponseWriter) {
	if f.ContentType != "" {
		w.Header().Set("Content-Type", f.ContentType)
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body)) // the client may be gone
}

// closeConnection closes the connection of a response.
func closeConnection(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

// truncate announces the length of the whole response, sends half of it and closes the connection.
func truncate(w http.ResponseWriter, whole *bufferedResponse) {
	maps.Copy(w.Header(), whole.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(whole.body)))
	w.WriteHeader(whole.status)
	_, _ = w.Write(whole.body[:len(whole.body)/2]) // the client may be gone
	_ = http.NewResponseController(w).Flush()
	closeConnection(w)
}

// bufferedResponse is an http.ResponseWriter that keeps the response instead of sending it.
type bufferedResponse struct {
	header http.Header
	status int
	body   []byte
}

func (b *bufferedResponse) Header() http.Header { return b.header }

func (b *bufferedResponse) WriteHeader(status int) { b.status = status }

func (b *bufferedResponse) Write(content []byte) (int, error) {
	b.status = cmp.Or(b.status, http.StatusOK)
	b.body = append(b.body, content...)
	return len(content), nil
}

// send sends the response that was kept.
func (b *bufferedResponse) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), b.header)
	w.WriteHeader(b.status)
	_, _ = w.Write(b.body) // the client may be gone
}
