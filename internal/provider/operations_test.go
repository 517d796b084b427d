package provider

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// object is a kind of resource, with a configuration and the query that reads it.
type object struct {
	kind, query string
	config      attributes
}

// objects are all kinds. They do not wait for imports.
func objects(t *testing.T) []object {
	t.Helper()
	repository := newRemote(t).pinned("v1.0.0").with(attributes{"wait_for_import": false})
	return []object{
		{credential, "Credentials", attributes{"name": "git", "username": "bot", "password": secret}},
		{readOnly, "ReadOnlyRepositories", repository},
		{readWrite, "Repositories", repository.with(attributes{"ref": nil})},
		{tag, "Tags", attributes{"name": "core", "description": "The core"}},
	}
}

func TestCreate_ObjectIsSavedAlsoIfItCannotBeReadThen(t *testing.T) {
	t.Parallel()
	for _, object := range objects(t) {
		t.Run(object.kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, mockserver.Options{})
			i := s.connected(t).newInstance(object.kind)
			s.Inject(answer(object.query, http.StatusInternalServerError, "Internal Server Error"))
			diags := i.apply(i.plan(object.config))
			if got := diags.oneError(t); got.detail == "" || !strings.HasSuffix(got.summary, " Not Read") {
				t.Errorf("got %s", got)
			}
			diags.hides(t, secret)
			var id any
			for _, request := range s.log.Requests() {
				if request.Mutation {
					id = request.Input()["id"]
				}
			}
			if id == nil || i.state["id"] != id {
				t.Fatalf("saved %v, want the id %v", i.state, id)
			}
			for name, value := range i.state {
				if value == unknown {
					t.Errorf("%s is saved as unknown", name)
				}
			}
			i.refresh().none(t)
			plan := i.plan(object.config)
			plan.diagnostics.none(t)
			if difference := cmp.Diff(i.state, plan.state); difference != "" {
				t.Errorf("the next plan is not empty (-state +plan):\n%s", difference)
			}
		})
	}
}

func TestCreate_RepositoryThatCannotBeReadWhileItIsWaitedForIsSaved(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	i := s.connected(t).newInstance(readOnly)
	s.Inject(answer("ReadOnlyRepositories", http.StatusInternalServerError, "Internal Server Error"))
	i.apply(i.plan(r.pinned("v1.0.0"))).oneError(t).is(t, "", "Read-only Repository Not Imported", "network", "main", "500")
	if i.state.text("commit") != r.commits["v1.0.0"] || i.state.text("id") == "" {
		t.Errorf("saved %v", i.state)
	}
}

func TestCreate_RefusedLeavesNoState(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{}), newRemote(t)
	p := s.connected(t)
	p.newInstance(readWrite).applied(r.pinned("v1.0.0").with(attributes{"ref": nil}))
	i := p.newInstance(readOnly)
	i.apply(i.plan(newRemote(t).pinned("v1.0.0"))).oneError(t).is(t, "name", "Read-only Repository Not Created",
		"network on branch main", "uniqueness", "terraform import", "Request id: ")
	if i.state != nil {
		t.Errorf("saved %v", i.state)
	}
}

func TestRead_OnlyNotFoundRemoves(t *testing.T) {
	t.Parallel()
	graphqlError := func(code string) string {
		return `{"data": null, "errors": [{"message": "No.", "extensions": {"code": "` + code + `", "http_status": 404, "data": {}}}]}`
	}
	faults := map[string]mockserver.Fault{
		"401":               {Status: http.StatusUnauthorized, Body: graphqlError("AUTHENTICATION_REQUIRED"), ContentType: "application/json"},
		"403":               {Status: http.StatusForbidden, Body: graphqlError("PERMISSION_DENIED"), ContentType: "application/json"},
		"404 of a proxy":    {Status: http.StatusNotFound, Body: "404 page not found", ContentType: "text/plain"},
		"404 of the branch": {Status: http.StatusNotFound, Body: `{"errors": ["Branch: main not found."]}`, ContentType: "application/json"},
		"429":               {Status: http.StatusTooManyRequests, Body: "slow down", ContentType: "text/plain"},
		"500":               {Status: http.StatusInternalServerError, Body: "Internal Server Error", ContentType: "text/plain"},
		"503":               {Status: http.StatusServiceUnavailable, Body: "no healthy upstream", ContentType: "text/plain"},
		"HTML":              {Status: http.StatusOK, Body: "<html><title>Log in</title></html>", ContentType: "text/html"},
		"other JSON":        {Status: http.StatusOK, Body: "{}", ContentType: "application/json"},
		"error without code": {
			Status: http.StatusOK, Body: `{"data": null, "errors": [{"message": "Unable to find the node"}]}`, ContentType: "application/json",
		},
		"undefined error": {Status: http.StatusOK, Body: graphqlError("UNDEFINED_ERROR"), ContentType: "application/json"},
		"dropped":         {Drop: true},
		"broken off":      {TruncateBody: true},
	}
	for _, object := range objects(t) {
		t.Run(object.kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, mockserver.Options{})
			i := s.connected(t).newInstance(object.kind)
			i.applied(object.config)
			s.idle(t)
			i.refresh().none(t)
			before := i.state
			for name, fault := range faults {
				fault.Operation, fault.Times = object.query, 1
				s.Inject(fault)
				diags := i.refresh()
				diags.oneError(t)
				diags.hides(t, secret)
				if difference := cmp.Diff(before, i.state); difference != "" {
					t.Fatalf("%s changes the state (-before +after):\n%s", name, difference)
				}
			}
			other := *i
			other.apply(other.plan(nil)).none(t)
			i.refresh().none(t)
			if i.state != nil {
				t.Errorf("what is gone is kept: %v", i.state)
			}
		})
	}
}

func TestDelete_OfWhatIsGoneIsNoError(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.11.9", "1.9.9"} {
		for _, object := range objects(t) {
			t.Run(version+"/"+object.kind, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, mockserver.Options{Version: version})
				i := s.connected(t).newInstance(object.kind)
				i.applied(object.config)
				other := *i
				other.apply(other.plan(nil)).none(t)
				i.apply(i.plan(nil)).none(t)
				if i.state != nil {
					t.Errorf("left %v", i.state)
				}
			})
		}
	}
}

func TestDelete_ThatFailsKeepsTheState(t *testing.T) {
	t.Parallel()
	for _, object := range objects(t) {
		t.Run(object.kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, mockserver.Options{})
			i := s.connected(t).newInstance(object.kind)
			i.applied(object.config)
			before := i.state
			for _, operation := range []string{"DeleteCredential", "DeleteReadOnlyRepository", "DeleteRepository", "DeleteTag"} {
				s.Inject(answer(operation, http.StatusInternalServerError, "Internal Server Error"))
			}
			if got := i.apply(i.plan(nil)).oneError(t); got.detail == "" {
				t.Error("the error says nothing")
			}
			if difference := cmp.Diff(before, i.state); difference != "" {
				t.Errorf("the state changed (-before +after):\n%s", difference)
			}
			i.apply(i.plan(nil)).none(t)
		})
	}
}

func TestUpdate_OfWhatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.11.9", "1.9.9"} {
		for _, object := range objects(t) {
			t.Run(version+"/"+object.kind, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, mockserver.Options{Version: version})
				i := s.connected(t).newInstance(object.kind)
				i.applied(object.config)
				plan := i.plan(object.config.with(attributes{"description": "Other"}))
				other := *i
				other.apply(other.plan(nil)).none(t)
				got := i.apply(plan).oneError(t)
				got.is(t, "", got.summary, object.config.text("name"), "deleted outside of Terraform", "plan again")
			})
		}
	}
}

// What others change between plan and apply is for the next plan: Terraform insists on what was planned.
func TestUpdate_ChangeByOthersSincePlanIsLeftToTheNextRefresh(t *testing.T) {
	t.Parallel()
	for _, object := range objects(t) {
		t.Run(object.kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, mockserver.Options{})
			i := s.connected(t).newInstance(object.kind)
			i.applied(object.config)
			s.idle(t)
			i.refresh().none(t)
			plan := i.plan(object.config.with(attributes{"name": "renamed"}))
			other := *i
			other.applied(object.config.with(attributes{"description": "By another"}))
			i.apply(plan).none(t)
			i.refresh().none(t)
			if i.state.text("description") != "By another" || i.state.text("name") != "renamed" {
				t.Errorf("read %v", i.state)
			}
		})
	}
}

func TestUpdate_CommitThatMovesSincePlanIsLeftToTheNextRefresh(t *testing.T) {
	t.Parallel()
	s, r := newServer(t, mockserver.Options{SyncInterval: 20 * time.Millisecond}), newRemote(t)
	i := s.connected(t).newInstance(readWrite)
	config := r.pinned("").with(attributes{"ref": nil})
	i.applied(config)
	plan := i.plan(config.with(attributes{"description": "The network"}))
	r.release(t, "v2.0.0")
	other := *i
	for start := time.Now(); other.state.text("commit") != r.commits["v2.0.0"]; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the server does not sync")
		}
		other.refresh().none(t)
	}
	s.idle(t)
	i.apply(plan).none(t)
	if i.state.text("commit") != r.commits["v1.1.0"] {
		t.Errorf("saved %v, want the commit that was planned", i.state)
	}
	i.refresh().none(t)
	if i.state.text("commit") != r.commits["v2.0.0"] {
		t.Errorf("read %v", i.state)
	}
}

func TestImportState_NotFoundIsNotTheSameAsNotRead(t *testing.T) {
	t.Parallel()
	for _, object := range objects(t) {
		t.Run(object.kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, mockserver.Options{})
			i := s.connected(t).newInstance(object.kind)
			for _, id := range []string{"nope", "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"} {
				i.adopt(id).oneError(t).is(t, "", "Object Not Found", `"`+id+`"`, "branch", "resource type")
				s.Inject(answer(object.query, http.StatusServiceUnavailable, "no healthy upstream"))
				i.adopt(id).oneError(t).is(t, "", "Object Not Read", `"`+id+`"`, "no healthy upstream", "Request id: ")
			}
		})
	}
}

func TestImportState_NameMayLookLikeAnID(t *testing.T) {
	t.Parallel()
	const name = "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"
	for _, object := range objects(t) {
		t.Run(object.kind, func(t *testing.T) {
			t.Parallel()
			p := newServer(t, mockserver.Options{}).connected(t)
			i, adopted := p.newInstance(object.kind), p.newInstance(object.kind)
			i.applied(object.config.with(attributes{"name": name}))
			adopted.adopt(name).none(t)
			if adopted.state.text("id") != i.state.text("id") || adopted.state["password"] != nil {
				t.Errorf("imported %v, want %v", adopted.state, i.state)
			}
		})
	}
}
