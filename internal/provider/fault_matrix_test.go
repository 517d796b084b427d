package provider

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// faultClass is what a failure tells of the server and of the request.
type faultClass struct {
	// connecting is the summary where the provider cannot connect, and hint a part of every next step elsewhere.
	connecting, hint string
	// passes is whether it may pass by itself, so that requests are repeated and waits go on.
	passes bool
	// bound is how long it may take until the user learns of it, but for waits.
	bound time.Duration
}

// matrixFault is a row of each table of the matrix.
type matrixFault struct {
	name  string
	class faultClass
	mockserver.Fault
	// lost is whether the request may have been carried out all the same.
	lost bool
}

const pageSecret = "0f0f-session-of-a-login-page"

func matrixFaults() []matrixFault {
	var (
		refused     = faultClass{"Infrahub Refused the Token", "Check that the account", false, 5 * time.Second}
		malformed   = faultClass{"Infrahub Refused the Request", "", false, 5 * time.Second}
		foreign     = faultClass{"Not an Infrahub Server", "Something else than Infrahub answered.", false, 5 * time.Second}
		busy        = faultClass{"Infrahub Is Not Ready", "busy, restarting or failing", true, 3 * time.Minute}
		unreachable = faultClass{"Infrahub Not Reached", "No answer came.", true, 15 * time.Second}
		silent      = faultClass{unreachable.connecting, unreachable.hint, true, 8 * time.Minute}
	)
	status := func(code int, contentType, body string) mockserver.Fault {
		return mockserver.Fault{Status: code, ContentType: contentType, Body: body}
	}
	page := func(code int) mockserver.Fault {
		return status(code, "text/html", "<html><title>Sign in</title>"+pageSecret+"</html>")
	}
	overload := status(http.StatusTooManyRequests, "text/plain", "slow down")
	overload.RetryAfter = 10 * time.Second
	return []matrixFault{
		{"401 JSON", refused, status(http.StatusUnauthorized, "application/json",
			`{"data": null, "errors": [{"message": "Authentication is required", "extensions": {"code": "AUTHENTICATION_REQUIRED", "http_status": 401}}]}`), false},
		{"401 HTML", foreign, page(http.StatusUnauthorized), false},
		{"403 HTML", foreign, page(http.StatusForbidden), false},
		{"404 HTML", foreign, page(http.StatusNotFound), false},
		{"400 JSON", malformed, status(http.StatusBadRequest, "application/json", `{"errors": ["The request could not be read"]}`), false},
		{"429, Retry-After 10 s", busy, overload, false},
		{"500", busy, status(http.StatusInternalServerError, "text/plain", "Internal Server Error"), true},
		{"502 HTML", busy, page(http.StatusBadGateway), true},
		{"503", busy, status(http.StatusServiceUnavailable, "text/plain", "no healthy upstream"), true},
		{"504 HTML", busy, page(http.StatusGatewayTimeout), true},
		{"200 HTML", foreign, page(http.StatusOK), true},
		{"dropped", unreachable, mockserver.Fault{Drop: true}, true},
		{"truncated", unreachable, mockserver.Fault{TruncateBody: true}, true},
		{"no answer", silent, mockserver.Fault{Delay: time.Hour}, true},
	}
}

// matrixPhase is a table of the matrix.
type matrixPhase struct {
	name string
	// begin is the operation that fails first; where waits is set, it is carried out well, and what follows fails.
	begin string
	// after is whether begin is carried out before its response is lost.
	after bool
	// waits is whether an import is waited for.
	waits bool
	// then is the operation that fails after begin, "" for every operation.
	then string
	// summary is that of the diagnostic, "" where the class of the fault decides. passed replaces it once the fault has passed.
	summary, passed string
	// shows is whether the repository itself shows that the import worked.
	shows bool
	// block changes the provider block.
	block attributes
	// prepare returns what is done while the fault acts, and the instance that it is done to, nil for none.
	prepare func(c *matrixCell) (*instance, func() diagnostics)
}

// mutates reports whether a change itself fails, and not a read before or after it.
func (p matrixPhase) mutates() bool { return p.begin != p.then && !p.waits }

func (p matrixPhase) creates() bool { return strings.HasPrefix(p.begin, "Create") }

// bound returns how long it may take until the user learns of a fault.
func (p matrixPhase) bound(f matrixFault) time.Duration {
	switch {
	case !p.waits:
		return f.class.bound
	case !p.shows && f.class.passes:
		return defaultTimeout + 2*time.Minute
	default:
		return 4*time.Minute + f.class.bound
	}
}

// recovers reports whether a phase has to succeed if the fault passes. An update or delete that the server crashed at is not
// repeated; that the repository cannot be read is waited for a minute.
func (p matrixPhase) recovers(f matrixFault) bool {
	if p.waits {
		return f.class.passes && (p.then != "ReadOnlyRepositories" || f.RetryAfter+f.Delay == 0)
	}
	return f.class.passes && (f.Status != http.StatusInternalServerError || !p.mutates() || p.creates())
}

func matrixPhases() []matrixPhase {
	tag := attributes{"name": "blue"}
	change := func(typeName string, before, after func(c *matrixCell) attributes) func(*matrixCell) (*instance, func() diagnostics) {
		return func(c *matrixCell) (*instance, func() diagnostics) {
			i := c.connect().newInstance(typeName)
			if before != nil {
				i.mustApply(before(c))
			}
			plan := i.plan(after(c))
			return i, func() diagnostics { return i.apply(plan) }
		}
	}
	always := func(config attributes) func(*matrixCell) attributes {
		return func(*matrixCell) attributes { return config }
	}
	at := func(ref string) func(*matrixCell) attributes {
		return func(c *matrixCell) attributes { return readOnlyConfig(c.remote, ref) }
	}
	connect := func(c *matrixCell) (*instance, func() diagnostics) {
		p := c.newProvider()
		return nil, func() diagnostics { return p.configure(c.block) }
	}
	var (
		createTag = change("infrahub_tag", nil, always(tag))
		updateTag = change("infrahub_tag", always(tag), always(tag.with(attributes{"description": "new"})))
		deleteTag = change("infrahub_tag", always(tag), always(nil))
		create    = change(readOnlyType, nil, at("v1.0.0"))
		update    = change(readOnlyType, at("v1.0.0"), at("v1.1.0"))
		mislead   = change(readOnlyType, at("v1.0.0"), at("v9.9.9"))
	)
	const created, updated = "CreateReadOnlyRepository", "UpdateReadOnlyRepository"
	return []matrixPhase{
		{name: "connect with a token", begin: "ServerInfo", then: "ServerInfo", prepare: connect},
		{
			name: "connect with a login", begin: "login", then: "login", prepare: connect,
			block: attributes{"api_token": nil, "username": mockserver.DefaultUsername, "password": mockserver.DefaultPassword},
		},
		{
			name: "plan: data source of a tag", begin: "Tags", then: "Tags", summary: "Tag Not Read",
			prepare: func(c *matrixCell) (*instance, func() diagnostics) {
				p := c.connect()
				p.newInstance("infrahub_tag").mustApply(tag)
				return nil, func() diagnostics {
					_, diags := p.readDataSource("infrahub_tag", tag)
					return diags
				}
			},
		},
		{
			name: "plan: tasks of a repository that changed outside", begin: "Tasks", then: "Tasks", summary: "Read-only Repository Not Read",
			prepare: func(c *matrixCell) (*instance, func() diagnostics) {
				i := c.connect().newInstance(readOnlyType)
				i.mustApply(readOnlyConfig(c.remote, "v1.0.0"))
				c.Ask(c.t, `mutation($id:String!){CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:"v1.1.0"}}){ok}}`, "id", i.id())
				c.WaitForTasks(c.t)
				return i, i.refresh
			},
		},
		{
			name: "read: refresh of a tag", begin: "Tags", then: "Tags", summary: "Tag Not Read",
			prepare: func(c *matrixCell) (*instance, func() diagnostics) {
				i := c.connect().newInstance("infrahub_tag")
				i.mustApply(tag)
				return i, i.refresh
			},
		},
		{name: "create a tag, not carried out", begin: "CreateTag", summary: "Tag Not Created", prepare: createTag},
		{name: "create a tag, carried out", begin: "CreateTag", after: true, summary: "Tag Not Created", prepare: createTag},
		{name: "update a tag, not carried out", begin: "UpdateTag", summary: "Tag Not Updated", prepare: updateTag},
		{name: "update a tag, carried out", begin: "UpdateTag", after: true, summary: "Tag Not Updated", prepare: updateTag},
		{name: "delete a tag, not carried out", begin: "DeleteTag", summary: "Tag Not Deleted", prepare: deleteTag},
		{name: "delete a tag, carried out", begin: "DeleteTag", after: true, summary: "Tag Not Deleted", prepare: deleteTag},
		{name: "create a repository, not carried out", begin: created, summary: "Read-only Repository Not Created", prepare: create},
		{name: "create a repository, carried out", begin: created, after: true, summary: "Read-only Repository Not Created", prepare: create},
		{name: "update a repository, not carried out", begin: updated, summary: "Read-only Repository Not Updated", prepare: update},
		{name: "update a repository, carried out", begin: updated, after: true, summary: "Read-only Repository Not Updated", prepare: update},
		{name: "wait after a create: its tasks are not listed", begin: created, waits: true, then: "Tasks", shows: true, summary: "Import Completed With Warnings", prepare: create},
		{name: "wait after an update: its tasks are not listed", begin: updated, waits: true, then: "Tasks", shows: true, summary: "Import Completed With Warnings", prepare: update},
		{name: "wait after an update to a missing ref: its tasks are not listed", begin: updated, waits: true, then: "Tasks", summary: "Import Not Observed", passed: "Import Failed", prepare: mislead},
		{name: "wait after a create: the repository is not read", begin: created, waits: true, then: "ReadOnlyRepositories", summary: "Import Not Observed", prepare: create},
		{name: "wait after a create: everything fails", begin: created, waits: true, summary: "Import Not Observed", prepare: create},
		{name: "wait after an update: everything fails", begin: updated, waits: true, summary: "Import Not Observed", prepare: update},
	}
}

// matrixCell is one fault in one phase, with a server of its own.
type matrixCell struct {
	*server
	t      *testing.T
	pipes  *mocktest.Pipes
	remote *mocktest.Remote
	block  attributes
}

func newMatrixCell(t *testing.T, remote *mocktest.Remote, block attributes) *matrixCell {
	t.Helper()
	s := &server{Server: mocktest.New(t, mockserver.Options{})}
	c := &matrixCell{server: s, t: t, remote: remote, pipes: mocktest.ServePipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond) // the request before this one, which the client gave up, injects its fault first
		s.ServeHTTP(w, r)
	}))}
	c.block = attributes{"address": s.Address, "api_token": s.Token}.with(block)
	t.Cleanup(func() { time.Sleep(time.Hour) }) // what still runs after this fails the test
	return c
}

// newProvider returns a provider with default settings.
func (c *matrixCell) newProvider() *testProvider {
	return serveProvider(c.t, &infrahubProvider{version: "test", dial: c.pipes.Dial})
}

func (c *matrixCell) connect() *testProvider {
	p := c.newProvider()
	p.configure(c.block).requireNone(c.t)
	return p
}

// injectInto lets the fault act in a phase, for ever or a few times.
func (f matrixFault) injectInto(c *matrixCell, phase matrixPhase, forever bool) {
	first, later := f.Fault, f.Fault
	first.Operation, later.Operation = phase.begin, phase.then
	first.After = phase.after
	if !forever {
		first.Times, later.Times = 2, 8
	}
	if phase.after {
		first.Times, later.Times = 1, min(later.Times, 1)
	}
	if !phase.waits {
		c.Inject(first)
	}
	if phase.mutates() && (forever || phase.after) || phase.waits {
		c.injectAfter(later, func(r mockserver.Request) bool { return r.Operation == phase.begin })
	}
}

// outcome is what a user learns, and when.
type outcome struct {
	took  time.Duration
	diags diagnostics
	// saved is whether the state has the object, and record the import that is recorded as not known to have worked.
	saved  bool
	record *failedImport
}

// run runs a cell.
func (f matrixFault) run(t *testing.T, remote *mocktest.Remote, phase matrixPhase, forever bool) outcome {
	t.Helper()
	var o outcome
	synctest.Test(t, func(t *testing.T) {
		c := newMatrixCell(t, remote, phase.block)
		i, do := phase.prepare(c)
		f.injectInto(c, phase, forever)
		began := time.Now()
		o.diags = do()
		o.took = time.Since(began)
		if i != nil {
			o.saved, o.record = i.id() != "", i.recordedFailure()
		}
		o.diags.expectNoSecret(t, mockserver.DefaultToken, `"`+mockserver.DefaultPassword+`"`, pageSecret)
	})
	return o
}

// first returns the diagnostic that a user reads first, the zero diagnostic if there is none.
func (o outcome) first() diagnostic {
	all := append(o.diags.errors(), o.diags.warnings()...)
	if len(all) == 0 {
		return diagnostic{summary: "succeeds"}
	}
	return all[0]
}

// expect checks what must hold of every fault in a phase that lasts.
func (o outcome) expect(t *testing.T, phase matrixPhase, fault matrixFault) {
	t.Helper()
	if bound := phase.bound(fault); o.took > bound {
		t.Errorf("told after %s, want within %s", o.took, bound)
	}
	if all := len(o.diags.errors()) + len(o.diags.warnings()); all != 1 {
		t.Errorf("%d diagnostics, want one: %v", all, o.diags)
	}
	told := o.first()
	expectTitleCase(t, told.summary)
	if phase.block != nil {
		fault.class.connecting = strings.ReplaceAll(fault.class.connecting, "Token", "Login")
	}
	if want := cmp.Or(phase.summary, fault.class.connecting); told.summary != want {
		t.Errorf("got %q, want %q: %s", told.summary, want, told.detail)
	}
	for part, want := range map[string]bool{
		"may have been carried out": phase.mutates() && fault.lost,
		"Nothing was changed":       phase.mutates() && !fault.lost,
		"workers run":               false,
		"context ":                  false,
	} {
		if strings.Contains(told.detail, part) != want {
			t.Errorf("contains %q: %t, want %t: %s", part, !want, want, told.detail)
		}
	}
	if phase.summary != "" && !phase.shows && !strings.Contains(told.detail, fault.class.hint) {
		t.Errorf("does not contain %q: %s", fault.class.hint, told.detail)
	}
	if saved := phase.summary != "" && (!phase.creates() || phase.waits) && !strings.HasPrefix(phase.name, "plan: data"); o.saved != saved {
		t.Errorf("the object is in the state: %t, want %t", o.saved, saved)
	}
	due := phase.begin == "UpdateReadOnlyRepository" && phase.mutates() && fault.lost
	if recorded := phase.summary == "Import Not Observed" || due; (o.record != nil) != recorded {
		t.Errorf("recorded %+v, want a record: %t", o.record, recorded)
	}
}

// TestFaultMatrix lets every fault act in every phase, with the provider's default settings. What a user reads, and within which
// time, is in testdata/fault_matrix.md; UPDATE_GOLDEN=1 writes it.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	remote := newRemote(t)
	phases, faults := matrixPhases(), matrixFaults()
	rows := make([]string, len(phases)*len(faults))
	t.Cleanup(func() { // after the last cell
		var matrix strings.Builder
		for p, phase := range phases {
			fmt.Fprintf(&matrix, "\n## %s\n\n| fault | within | summary | detail | after a few times |\n|---|---|---|---|---|\n", phase.name)
			matrix.WriteString(strings.Join(rows[p*len(faults):(p+1)*len(faults)], ""))
		}
		compareGolden(t, "fault_matrix.md", matrix.String())
	})
	for p, phase := range phases {
		for n, fault := range faults {
			if phase.mutates() && (phase.after && !fault.lost || !phase.after && fault.TruncateBody) {
				continue // the response says that nothing was carried out, or only a response to what was is truncated
			}
			t.Run(phase.name+"/"+fault.name, func(t *testing.T) {
				t.Parallel()
				forever, passing := fault.run(t, remote, phase, true), fault.run(t, remote, phase, false)
				if phase.begin != "Tasks" || fault.class.connecting != "Infrahub Refused the Token" { // hidden tasks are no failure
					forever.expect(t, phase, fault)
				}
				ended := passing.first().summary
				recovered := ended == cmp.Or(phase.passed, "succeeds") || phase.shows && ended == phase.summary
				if phase.recovers(fault) && !recovered {
					t.Errorf("after a few times: %v", passing.first())
				}
				rows[p*len(faults)+n] = fmt.Sprintf("| %s | %s | %s | %s | %s, %s |\n", fault.name,
					within(forever.took), forever.first().summary, readable(forever.first().detail, remote), ended, within(passing.took))
			})
		}
	}
}

// within returns a bound of a duration that the jitter of retries does not cross.
func within(took time.Duration) string {
	for _, bound := range []time.Duration{time.Second, 15 * time.Second, 45 * time.Second, 3 * time.Minute, 8 * time.Minute, 15 * time.Minute, 25 * time.Minute} {
		if took <= bound {
			return strings.TrimSuffix(bound.String(), "0s")
		}
	}
	return took.String()
}

// readable returns a detail in one line, without what differs between two runs.
func readable(detail string, remote *mocktest.Remote) string {
	text, _, _ := strings.Cut(detail, "Request id:")
	text = strings.ReplaceAll(text, remote.Path, "LOCATION")
	for what, pattern := range map[string]string{
		"ID": `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "COMMIT": `\b[0-9a-f]{40}\b`, "TIME": `\d{4}-\d\d-\d\dT[0-9:.]+Z`,
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, what)
	}
	return strings.Join(strings.Fields(text), " ")
}

// compareGolden compares a text with a file in testdata. UPDATE_GOLDEN=1 writes the file instead.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := cmp.Or(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if difference := gocmp.Diff(string(want), got); difference != "" {
		t.Errorf("%s (-want +got); UPDATE_GOLDEN=1 writes it:\n%s", path, difference)
	}
}
