package mockserver

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// pageTemplate is the page at "/": what is in the server, for people.
//
//go:embed page.html
var pageTemplate string

// handledRequest is a request as the page shows it: never its variables, they hold passwords.
type handledRequest struct {
	at                time.Time
	operation, branch string
	status            int
	duration          time.Duration
}

const maxRecentRequests = 30

// recentRequests are the last requests, the newest first.
type recentRequests struct {
	mu       sync.Mutex
	requests []handledRequest
}

func (r *recentRequests) add(a handledRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = slices.Insert(r.requests, 0, a)
	r.requests = r.requests[:min(len(r.requests), maxRecentRequests)]
}

func (r *recentRequests) list() []handledRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// The page, ready to be written.
type (
	shownPage struct {
		Version  string
		Branches []shownBranch
		Tasks    []shownTask
		Requests []shownRequest
	}
	shownBranch struct {
		Name, Status, Description string
		Nodes                     []shownNode
	}
	shownNode struct {
		Kind, Name, ID string
		Values         []shownValue
	}
	shownValue struct{ Name, Text string }
	shownTask  struct{ Started, Workflow, Title, Branch, State, Reason string }
	// shownRequest has a Class of "" where all went well.
	shownRequest struct {
		At, Operation, Branch, Class string
		Status                       int
		Duration                     time.Duration
	}
)

// servePage answers GET /.
func (s *Server) servePage(w http.ResponseWriter, _ *http.Request) {
	shown := shownPage{Version: s.options.Version, Branches: s.showBranches(), Tasks: s.engine.showTasks()}
	for _, each := range s.recent.list() {
		request := shownRequest{At: each.at.Format(time.TimeOnly), Operation: each.operation, Branch: each.branch, Status: each.status, Duration: each.duration.Round(10 * time.Microsecond)}
		if each.status != http.StatusOK {
			request.Class = "failed"
		}
		shown.Requests = append(shown.Requests, request)
	}
	var page bytes.Buffer
	if err := s.overview.Execute(&page, shown); err != nil {
		s.replyInternalError(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_, _ = page.WriteTo(w) // the browser may be gone
}

// showBranches lists what each branch sees: main first, then by name.
func (s *Server) showBranches() []shownBranch {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var shown []shownBranch
	for _, b := range s.store.branches {
		one := shownBranch{Name: b.name, Status: b.status, Description: b.description}
		for _, name := range []string{"CoreRepository", "CoreReadOnlyRepository", "CorePasswordCredential", "BuiltinTag", "CoreGraphQLQuery", "CoreProposedChange"} {
			for _, n := range s.store.list(b, name) {
				one.Nodes = append(one.Nodes, s.showNode(n))
			}
		}
		shown = append(shown, one)
	}
	slices.SortFunc(shown, func(a, b shownBranch) int {
		if (a.Name == mainBranch) != (b.Name == mainBranch) {
			return map[bool]int{true: -1, false: 1}[a.Name == mainBranch]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return shown
}

// showNode lists the attributes of a node that have a value, but never a password.
func (s *Server) showNode(n *node) shownNode {
	shown := shownNode{Kind: n.kind, Name: n.text("name"), ID: n.id}
	for _, each := range s.store.kinds[n.kind].attributes {
		held := n.values[each.name].content
		if held == nil || each.name == "name" || each.name == "password" || each.name == "query" {
			continue
		}
		shown.Values = append(shown.Values, shownValue{each.name, withoutUserinfo(fmt.Sprint(held))})
	}
	for _, each := range s.store.kinds[n.kind].relationships {
		if count := len(n.related[each.name]); count > 0 {
			shown.Values = append(shown.Values, shownValue{each.name, fmt.Sprint(count)})
		}
	}
	return shown
}

// withoutUserinfo hides what a URL may hold: a location is stored as it was given (infrahub.md, Writing 8).
func withoutUserinfo(text string) string {
	return regexp.MustCompile(`://[^/@\s]*@`).ReplaceAllString(text, "://…@")
}

const maxShownTasks = 50

// showTasks lists the newest tasks with the reason of those that failed.
func (e *engine) showTasks() []shownTask {
	e.mu.Lock()
	defer e.mu.Unlock()
	var shown []shownTask
	for _, t := range slices.Backward(e.tasks) {
		one := shownTask{Workflow: t.workflow, Title: t.title, State: t.state, Started: t.orderTime().Format(time.TimeOnly)}
		if len(t.branches) > 0 {
			one.Branch = t.branches[len(t.branches)-1]
		}
		for _, line := range t.logs {
			if line.severity == "error" && t.state == failed {
				one.Reason = withoutUserinfo(line.message)
			}
		}
		shown = append(shown, one)
		if len(shown) == maxShownTasks {
			break
		}
	}
	return shown
}
