package mockserver

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// pageTemplate is the page at "/", which shows a person what is in the server.
//
//go:embed page.html
var pageTemplate string

const (
	maxRecentRequests = 30
	maxShownTasks     = 50
)

// handledRequest is a request as the page shows it, without its variables, which may hold passwords.
type handledRequest struct {
	at                time.Time
	operation, branch string
	status            int
	duration          time.Duration
}

// recentRequests are the last requests, the newest first.
type recentRequests struct {
	mu       sync.Mutex
	requests []handledRequest
}

func (r *recentRequests) add(request handledRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = slices.Insert(r.requests, 0, request)
	r.requests = r.requests[:min(len(r.requests), maxRecentRequests)]
}

func (r *recentRequests) list() []handledRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// The data of the template.
type (
	pageData struct {
		Version  string
		Branches []pageBranch
		Tasks    []pageTask
		Requests []pageRequest
	}
	pageBranch struct {
		Name, Status, Description string
		Nodes                     []pageNode
	}
	pageNode struct {
		Kind, Name, ID string
		Values         []pageValue
	}
	pageValue struct{ Name, Text string }
	pageTask  struct{ Started, Workflow, Title, Branch, State, Reason string }
	// pageRequest has the Class "failed" unless its status is 200.
	pageRequest struct {
		At, Operation, Branch, Class string
		Status                       int
		Duration                     time.Duration
	}
)

type page struct {
	template *template.Template
	userinfo *regexp.Regexp // of a URL
}

func newPage() (*page, error) {
	parsed, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the page: %w", err)
	}
	return &page{template: parsed, userinfo: regexp.MustCompile(`://[^/@\s]*@`)}, nil
}

// servePage answers GET /.
func (s *Server) servePage(w http.ResponseWriter, _ *http.Request) {
	data := pageData{Version: s.options.Version, Branches: s.pageBranches(), Tasks: s.pageTasks()}
	for _, handled := range s.recent.list() {
		request := pageRequest{
			At: handled.at.Format(time.TimeOnly), Operation: handled.operation, Branch: handled.branch, Status: handled.status,
			Duration: handled.duration.Round(10 * time.Microsecond),
		}
		if handled.status != http.StatusOK {
			request.Class = "failed"
		}
		data.Requests = append(data.Requests, request)
	}
	var content bytes.Buffer
	if err := s.page.template.Execute(&content, data); err != nil {
		s.replyInternalError(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_, _ = content.WriteTo(w) // the browser may be gone
}

// pageBranches lists the nodes that each branch sees: main first, then the branches by name. Kinds that
// cannot be queried are left out.
func (s *Server) pageBranches() []pageBranch {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var branches []pageBranch
	for _, b := range s.store.branches {
		shown := pageBranch{Name: b.name, Status: b.status, Description: b.description}
		for _, k := range s.store.kinds {
			if s.schema.Query.Fields.ForName(k.name) == nil {
				continue
			}
			for _, n := range s.store.list(b, k.name) {
				shown.Nodes = append(shown.Nodes, s.page.node(n))
			}
		}
		branches = append(branches, shown)
	}
	slices.SortFunc(branches, func(a, b pageBranch) int {
		switch mainBranch {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return branches
}

// node lists the attributes of a node that have a value, except passwords.
func (p *page) node(n *node) pageNode {
	shown := pageNode{Kind: n.kind.name, Name: n.text("name"), ID: n.id}
	for _, a := range n.kind.attributes {
		content := n.values[a.name].content
		if content == nil || a.name == "name" || a.name == "password" || a.name == "query" || a.name == checkSource {
			continue
		}
		shown.Values = append(shown.Values, pageValue{a.name, p.withoutUserinfo(fmt.Sprint(content))})
	}
	for _, r := range n.kind.relationships {
		if count := len(n.related[r.name]); count > 0 {
			shown.Values = append(shown.Values, pageValue{r.name, fmt.Sprint(count)})
		}
	}
	return shown
}

// withoutUserinfo hides the userinfo of URLs, which the server stores (infrahub-behaviour.md, Writing 8).
func (p *page) withoutUserinfo(text string) string {
	return p.userinfo.ReplaceAllString(text, "://…@")
}

// pageTasks lists the newest tasks, with the reason of those that failed.
func (s *Server) pageTasks() []pageTask {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	var tasks []pageTask
	for _, t := range slices.Backward(s.engine.tasks) {
		shown := pageTask{Workflow: t.workflow, Title: t.title, State: t.state, Started: t.startedOrCreated().Format(time.TimeOnly)}
		if len(t.branches) > 0 {
			shown.Branch = t.branches[len(t.branches)-1]
		}
		for _, line := range t.logs {
			if line.severity == "error" && t.state == failed {
				shown.Reason = s.page.withoutUserinfo(line.message)
			}
		}
		tasks = append(tasks, shown)
		if len(tasks) == maxShownTasks {
			break
		}
	}
	return tasks
}
