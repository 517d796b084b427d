package provider

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// version is what a repository has on the server after one change.
type version struct {
	text string
	// sent and answered are when the mutation was sent and answered; answered is zero while it is under way.
	sent, answered time.Time
}

// deleted is the text of a repository that does not exist any more.
const deleted = "deleted"

// histories are the versions of repositories, by their ids.
type histories struct {
	mutex    sync.Mutex
	versions map[string][]*version
}

// change notes a version before its mutation is sent, and that it was answered.
func (h *histories) change(id, text string, send func()) {
	next := &version{text: text, sent: time.Now()}
	h.mutex.Lock()
	h.versions[id] = append(h.versions[id], next)
	h.mutex.Unlock()
	send()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	next.answered = time.Now()
}

// last returns the text of a repository's last version.
func (h *histories) last(id string) string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	versions := h.versions[id]
	return versions[len(versions)-1].text
}

// wasTrue reports whether a repository may have had a text at some moment of a time.
func (h *histories) wasTrue(id, text string, from, to time.Time) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	versions := h.versions[id]
	for i, candidate := range versions {
		began := !candidate.sent.After(to)
		ended := i+1 < len(versions) && !versions[i+1].answered.IsZero() && versions[i+1].answered.Before(from)
		if candidate.text == text && began && !ended {
			return true
		}
	}
	return false
}

// shown returns what a refreshed state shows of a repository, in the form of a version's text.
func shown(i *instance) string {
	if i.state == nil {
		return deleted
	}
	return i.state.text("ref") + " " + i.state.text("description")
}

// TEST_REFRESH_TIME and TEST_REFRESH_REPOSITORIES make it longer and larger.
func TestRefresh_ShowsWhatWasTrueDuringThePlan(t *testing.T) {
	t.Parallel()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("TEST_REFRESH_REPOSITORIES"), "300"))
	if err != nil {
		t.Fatal(err)
	}
	duration, err := time.ParseDuration(cmp.Or(os.Getenv("TEST_REFRESH_TIME"), "5s"))
	if err != nil {
		t.Fatal(err)
	}
	s, remote, known := startServer(t, mockserver.Options{}), newRemote(t), &histories{versions: map[string][]*version{}}
	ids := s.createFleet(t, remote, known, n)
	var instances []*instance
	for n, id := range ids {
		i := &instance{typeName: "infrahub_read_only_repository"}
		i.state = readOnlyConfig(remote, "v1.0.0").with(attributes{
			"id": id, "name": nameOf(n), "location": linkTo(t, remote, n), "commit": remote.Commits["v1.0.0"],
			"internal_status": "active", "operational_status": "online", "sync_status": "in-sync",
		})
		instances = append(instances, i)
	}
	s.Inject(mockserver.Fault{Operation: "ReadOnlyRepositories", After: true, Delay: 10 * time.Millisecond}) // so that responses are old when they arrive
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for changes := 0; !isClosed(stop); changes++ {
			s.changeRandomly(t, known, ids, changes)
		}
	}()
	plans, values := 0, 0
	for end := time.Now().Add(duration); time.Now().Before(end); plans++ {
		began := time.Now()
		p := s.connect(t) // a new process
		refreshAtOnce(t, p, instances)
		over := time.Now()
		for n, i := range instances {
			values++
			if !known.wasTrue(ids[n], shown(i), began, over) {
				t.Errorf("plan %d shows %q of repository %d, which was not true between its start and its end", plans, shown(i), n)
			}
		}
		if reads := len(s.requestsOf("ReadOnlyRepositories")); reads > n/2 {
			t.Errorf("plan %d read %d repositories by %d requests, so that it hardly read ahead", plans, n, reads)
		}
		if t.Failed() {
			break
		}
	}
	close(stop)
	<-stopped
	t.Logf("%d plans, %d values", plans, values)
}

func isClosed(channel chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// refreshAtOnce refreshes resources in a random order, as many at once as Terraform does. Those that are deleted are left out.
func refreshAtOnce(t *testing.T, p *testProvider, instances []*instance) {
	t.Helper()
	slots := make(chan struct{}, parallelism)
	var refreshed sync.WaitGroup
	for _, n := range rand.Perm(len(instances)) {
		i := instances[n]
		if i.testProvider = p; i.state == nil {
			continue
		}
		slots <- struct{}{}
		refreshed.Go(func() {
			defer func() { <-slots }()
			if diags := i.refresh(); diags.hasErrors() {
				t.Errorf("refresh: %v", diags.errors())
			}
		})
	}
	refreshed.Wait()
}

// requestsOf returns the requests of an operation.
func (s *server) requestsOf(operation string) []mockserver.Request {
	var requests []mockserver.Request
	for _, request := range s.Log.Requests() {
		if request.Operation == operation {
			requests = append(requests, request)
		}
	}
	return requests
}

// createFleet creates n repositories of one remote, waits for their imports and returns their ids.
func (s *server) createFleet(t *testing.T, remote *mocktest.Remote, known *histories, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		description := fmt.Sprintf("created as %d", i)
		began := time.Now()
		response := s.Ask(t, `mutation($name:String!,$location:String!,$description:String!){
			CoreReadOnlyRepositoryCreate(data:{name:{value:$name} location:{value:$location} ref:{value:"v1.0.0"} description:{value:$description}}){ok object{id}}
		}`, "name", nameOf(i), "location", linkTo(t, remote, i), "description", description)
		id := response.Text("data.CoreReadOnlyRepositoryCreate.object.id")
		known.versions[id] = []*version{{text: "v1.0.0 " + description, sent: began, answered: time.Now()}}
		ids = append(ids, id)
	}
	s.WaitForTasks(t)
	return ids
}

func nameOf(n int) string { return fmt.Sprintf("network-%d", n) }

// linkTo returns another location of a remote for each number.
func linkTo(t *testing.T, remote *mocktest.Remote, n int) string {
	t.Helper()
	location := filepath.Join(filepath.Dir(remote.Path), nameOf(n)+".git")
	if err := os.Symlink(remote.Path, location); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	return location
}

// changeRandomly changes a repository on the server: mostly its description, rarely its ref as well, more rarely it deletes it.
func (s *server) changeRandomly(t *testing.T, known *histories, ids []string, change int) {
	t.Helper()
	id := ids[rand.IntN(len(ids))]
	if known.last(id) == deleted {
		return
	}
	time.Sleep(rand.N(4 * time.Millisecond))
	dice := rand.IntN(1000)
	if dice == 0 {
		known.change(id, deleted, func() {
			s.Ask(t, `mutation($id:String!){CoreReadOnlyRepositoryDelete(data:{id:$id}){ok}}`, "id", id)
		})
		return
	}
	ref, description := known.last(id)[:len("v1.0.0")], fmt.Sprintf("change %d", change)
	if dice < 5 {
		ref = map[string]string{"v1.0.0": "v1.1.0", "v1.1.0": "v1.0.0"}[ref]
	}
	known.change(id, ref+" "+description, func() {
		s.Ask(t, `mutation($id:String!,$ref:String!,$description:String!){
			CoreReadOnlyRepositoryUpdate(data:{id:$id ref:{value:$ref} description:{value:$description}}){ok}
		}`, "id", id, "ref", ref, "description", description)
	})
}
