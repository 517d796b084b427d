package provider

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// The chaos suite lives lives of a configuration: create, bump, edit, both, destroy. In each step faults of the matrix hit requests
// anywhere, before or after they are carried out, Git remotes are away, tasks crash or are hidden, and some applies are killed. Then it
// applies until the plan is empty, and the server must hold exactly what the configuration says. A seed gives the same choices again.

// chaosRounds is how many applies a step gets. Faults and kills hit the first ones alone.
const chaosRounds, chaosFaultyRounds = 9, 3

// chaosCount counts what became of lives.
type chaosCount struct {
	lives, applies, faults, outages, kills, lost, doubled, orphaned, wrong, never, person, secrets int
}

func (c *chaosCount) add(o chaosCount) {
	c.lives += o.lives
	c.applies += o.applies
	c.faults += o.faults
	c.kills += o.kills
	c.outages += o.outages
	c.lost += o.lost
	c.doubled += o.doubled
	c.orphaned += o.orphaned
	c.wrong += o.wrong
	c.never += o.never
	c.person += o.person
	c.secrets += o.secrets
}

func (c *chaosCount) failed() bool {
	return c.lost+c.doubled+c.orphaned+c.wrong+c.never+c.person+c.secrets > 0
}

func (c *chaosCount) String() string {
	return fmt.Sprintf("lives %d, applies %d, faults of requests %d, of remotes and tasks %d, kills %d: lost %d, doubled %d, orphaned %d, wrong value %d, never content %d, needing a person %d, secret seen %d",
		c.lives, c.applies, c.faults, c.outages, c.kills, c.lost, c.doubled, c.orphaned, c.wrong, c.never, c.person, c.secrets)
}

// chaosLife is one life.
type chaosLife struct {
	*matrixCell
	chaosCount
	random *rand.Rand
	// readWrite is the remote of the repository, beside that of the read-only one.
	readWrite *mocktest.Remote
	// objects are in the order in which they are created.
	objects []*chaosObject
	// values are what the configuration says: the release on main and on the branch, and a description.
	mainRef, branchRef, text string

	// mu guards what follows.
	mu    sync.Mutex
	story strings.Builder
	// requests counts those of an apply; hits are the faults by the number of the request, and killAt is when the apply is killed, 0 for never.
	requests, killAt int
	hits             map[int]mockserver.Fault
}

// chaosObject is an object of the configuration, with what a CLI keeps of it.
type chaosObject struct {
	typeName string
	config   func(l *chaosLife) attributes
	kept     instance
	// tainted is whether its create failed after it existed: a CLI replaces it.
	tainted bool
}

const chaosPassword = "canary-chaos-password"

func chaosObjects() []*chaosObject {
	return []*chaosObject{
		{typeName: tagType, config: func(l *chaosLife) attributes { return attributes{"name": "core", "description": l.text} }},
		{typeName: credentialType, config: func(l *chaosLife) attributes {
			return attributes{"name": "git", "username": "bot", "password": chaosPassword, "description": l.text}
		}},
		{typeName: readOnlyType, config: func(l *chaosLife) attributes {
			return readOnlyConfig(l.remote, l.mainRef).with(attributes{"description": l.text, "credential_id": l.id(credentialType), "tags": []string{"core"}})
		}},
		{typeName: readWriteType, config: func(l *chaosLife) attributes {
			return attributes{"name": "checks", "location": l.readWrite.Path, "description": l.text}
		}},
		{typeName: "infrahub_branch", config: func(l *chaosLife) attributes {
			return attributes{"name": "release", "sync_with_git": false, "description": l.text}
		}},
		{typeName: readOnlyRefType, config: func(l *chaosLife) attributes {
			return attributes{"repository_id": l.id(readOnlyType), "branch": "release", "ref": l.branchRef}
		}},
		{typeName: proposedChangeType, config: func(l *chaosLife) attributes {
			return attributes{"name": "Release", "source_branch": "release", "description": l.text}
		}},
	}
}

func (l *chaosLife) object(typeName string) *chaosObject {
	return l.objects[slices.IndexFunc(l.objects, func(o *chaosObject) bool { return o.typeName == typeName })]
}

func (l *chaosLife) id(typeName string) any {
	if id := l.object(typeName).kept.id(); id != "" {
		return id
	}
	return unknown
}

func (l *chaosLife) tell(format string, values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(&l.story, format+"\n", values...)
}

// ServeHTTP lets a request be hit. After a kill no request arrives any more.
func (l *chaosLife) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.requests++
	number := l.requests
	fault, hit := l.hits[number]
	killed := l.killAt > 0 && number >= l.killAt
	l.mu.Unlock()
	switch {
	case killed:
		fault, hit = mockserver.Fault{Drop: true, Times: 1}, true
	case hit:
		l.mu.Lock()
		l.faults++
		l.mu.Unlock()
		l.tell("  request %d: %+v", number, fault)
	}
	if hit {
		l.Inject(fault)
	}
	l.server.ServeHTTP(w, r)
}

func (l *chaosLife) killed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.killAt > 0 && l.requests >= l.killAt
}

// prepareRound chooses what happens to the next apply.
func (l *chaosLife) prepareRound(round int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests, l.killAt, l.hits = 0, 0, map[int]mockserver.Fault{}
	if round >= chaosFaultyRounds {
		return
	}
	faults := matrixFaults()
	anywhere := func() int { // also among the first ones: most applies send few
		return 1 + l.random.IntN([]int{6, 20, 70}[l.random.IntN(3)])
	}
	for range 1 + l.random.IntN(4) {
		chosen := faults[l.random.IntN(len(faults))]
		fault := chosen.Fault
		fault.Times, fault.After = 1, chosen.lost && !fault.TruncateBody && l.random.IntN(2) == 0
		l.hits[anywhere()] = fault
	}
	if l.random.IntN(3) == 0 {
		l.killAt = anywhere()
	}
}

// longestCrash is how long a task that has crashed shows as running.
const longestCrash = 200 * time.Second

// strike lets remotes and tasks fail in the next apply, and returns what ends that.
func (l *chaosLife) strike(round int) (end func()) {
	if round >= chaosFaultyRounds || l.random.IntN(2) == 0 {
		return func() {}
	}
	l.outages++
	chosen := l.random.IntN(4)
	l.tell("  outage %d", chosen)
	switch chosen {
	case 0:
		l.Inject(mockserver.Fault{CrashedTask: true, Delay: time.Duration(1+l.random.Int64N(int64(longestCrash/time.Second))) * time.Second, Times: 1})
	case 1:
		l.Inject(mockserver.Fault{NoTasks: true, Times: 1 + l.random.IntN(3)})
	default:
		path := []string{l.remote.Path, l.readWrite.Path}[l.random.IntN(2)]
		if err := os.Rename(path, path+".away"); err != nil {
			l.t.Fatal(err)
		}
		return func() {
			if err := os.Rename(path+".away", path); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	return func() {}
}

// step applies until the plan is empty.
func (l *chaosLife) step(name string, destroy bool) {
	l.tell("== %s", name)
	for round := range chaosRounds {
		l.prepareRound(round)
		before := l.kept()
		end := l.strike(round)
		changed, failures := l.apply(destroy)
		end()
		l.applies++
		if l.killed() {
			l.kills++
			forgets := l.random.IntN(2) == 0
			if forgets { // a CLI writes its state now and then
				for n, o := range l.objects {
					*o = before[n]
				}
			}
			l.tell("  killed at request %d, without its state: %t", l.killAt, forgets)
			continue
		}
		if !changed && failures == nil {
			l.verify(destroy)
			return
		}
		for _, failure := range failures {
			l.tell("  %s: %s", failure.summary, failure.detail)
		}
		if round == chaosRounds-1 && failures != nil {
			l.person++
			return
		}
	}
	l.never++
}

// kept returns what the CLI keeps of each object.
func (l *chaosLife) kept() []chaosObject {
	var kept []chaosObject
	for _, o := range l.objects {
		kept = append(kept, *o)
	}
	return kept
}

// apply refreshes, plans and applies each object once, as one run of a CLI does. What a killed run has not saved is lost. Changed is
// whether the plan was not empty.
func (l *chaosLife) apply(destroy bool) (changed bool, failures []diagnostic) {
	p := l.newProvider()
	note := func(diags diagnostics) bool {
		text := fmt.Sprint(diags.errors(), diags.warnings())
		if strings.Contains(text, chaosPassword) || strings.Contains(text, l.Token) || strings.Contains(text, pageSecret) {
			l.secrets++
			l.tell("  a secret is seen: %s", text)
		}
		failures = append(failures, diags.errors()...)
		return !diags.hasErrors()
	}
	if !note(p.configure(l.block)) {
		return false, failures
	}
	objects := slices.Clone(l.objects)
	for _, o := range objects {
		o.kept.testProvider, o.kept.typeName = p, o.typeName
		if o.kept.state == nil {
			continue
		}
		refreshed := o.kept
		if !note(refreshed.refresh()) {
			return changed, failures
		}
		if !l.killed() {
			o.kept = refreshed
			o.tainted = o.tainted && refreshed.state != nil // what is gone is created, not replaced
		}
	}
	if destroy {
		slices.Reverse(objects)
	}
	for _, o := range objects {
		if o.tainted && !destroy {
			changed = true
			l.tell("  %s is tainted, and replaced", o.typeName)
			gone := o.kept
			if !note(gone.apply(gone.plan(nil))) {
				return changed, failures
			}
			if l.killed() {
				return changed, failures
			}
			o.kept, o.tainted = instance{testProvider: p, typeName: o.typeName}, false
		}
		var config attributes
		if !destroy {
			config = o.config(l)
		}
		if destroy && o.kept.state == nil {
			continue
		}
		done := o.kept
		plan := done.plan(config)
		if !note(plan.diagnostics) {
			return changed, failures
		}
		if fmt.Sprint(plan.state) == fmt.Sprint(done.state) && plan.replacedBy == nil {
			continue
		}
		changed = true
		if len(plan.replacedBy) > 0 {
			l.tell("  %s would be replaced because of %v", o.typeName, plan.replacedBy)
			l.wrong++
			return changed, failures
		}
		creates := done.state == nil
		applied := note(done.apply(plan))
		if !l.killed() {
			o.kept, o.tainted = done, creates && !applied && done.state != nil
		}
		if !applied || l.killed() {
			return changed, failures
		}
	}
	return changed, failures
}

// verify compares what the server holds with the configuration.
func (l *chaosLife) verify(destroyed bool) {
	for l.Post(l.t, "main", `{InfrahubTask(limit:1){count}}`).At("errors") != nil { // what is left of an outage
		l.tell("  the tasks were hidden")
	}
	time.Sleep(longestCrash) // the task that it struck may be none that the last apply waited for
	l.WaitForTasks(l.t)
	for _, check := range []struct {
		typeName, kind, branch, filter, fields string
		want                                   map[string]string
	}{
		{tagType, "BuiltinTag", "main", "", "name{value} description{value}", map[string]string{"name.value": "core", "description.value": l.text}},
		{credentialType, "CorePasswordCredential", "main", "", "name{value} description{value} username{value} password{value}", map[string]string{"username.value": "bot", "password.value": chaosPassword, "description.value": l.text}},
		{readOnlyType, "CoreReadOnlyRepository", "main", "", "name{value} description{value} ref{value} commit{value} sync_status{value} credential{node{id}} tags{edges{node{name{value}}}}", map[string]string{
			"ref.value": l.mainRef, "commit.value": l.remote.Commits[l.mainRef], "description.value": l.text, "sync_status.value": "in-sync",
			"credential.node.id": fmt.Sprint(l.id(credentialType)), "tags.edges.0.node.name.value": "core",
		}},
		{readWriteType, "CoreRepository", "main", "", "name{value} description{value} commit{value} sync_status{value}", map[string]string{
			"description.value": l.text, "commit.value": l.readWrite.Commits["v1.0.0"], "sync_status.value": "in-sync",
		}},
		{readOnlyRefType, "CoreReadOnlyRepository", "release", "", "ref{value} commit{value}", map[string]string{"ref.value": l.branchRef, "commit.value": l.remote.Commits[l.branchRef]}},
		{proposedChangeType, "CoreProposedChange", "main", `(state__value:"open")`, "description{value}", map[string]string{"description.value": l.text}},
	} {
		if destroyed && check.branch != "main" {
			continue
		}
		resp := l.Post(l.t, check.branch, "{"+check.kind+check.filter+"{edges{node{id "+check.fields+"}}}}")
		nodes, _ := resp.At("data." + check.kind + ".edges").([]any)
		switch {
		case destroyed && len(nodes) > 0:
			l.orphaned += len(nodes)
			l.tell("  left: %s", resp.Body)
			continue
		case destroyed:
			continue
		case len(nodes) == 0:
			l.lost++
			l.tell("  lost: %s: %s", check.typeName, resp.Body)
			continue
		case len(nodes) > 1:
			l.doubled++
			l.tell("  doubled: %s: %s", check.typeName, resp.Body)
		}
		node := "data." + check.kind + ".edges.0.node."
		if id, _, _ := strings.Cut(l.object(check.typeName).kept.id(), "/"); resp.Text(node+"id") != id {
			l.orphaned++
			l.tell("  another id than %s: %s: %s", id, check.typeName, resp.Body)
		}
		for path, want := range check.want {
			if got := resp.Text(node + path); got != want {
				l.wrong++
				l.tell("  %s: %s is %q, want %q", check.typeName, path, got, want)
			}
		}
	}
	branches := 0
	listed, _ := l.Ask(l.t, `{Branch{name}}`).At("data.Branch").([]any)
	branches = len(listed) - 1
	switch {
	case destroyed && branches > 0:
		l.orphaned++
		l.tell("  left: %d branches", branches)
	case !destroyed && branches != 1:
		l.lost++
		l.tell("  %d branches", branches)
	}
}

// live lives a life and returns its story.
func live(t *testing.T, seed uint64) (chaosCount, string) {
	t.Helper()
	remote, readWrite := newRemote(t), mocktest.NewRemote(t, t.TempDir(), "checks.git", "v1.0.0")
	l := &chaosLife{random: rand.New(rand.NewPCG(seed, 0)), readWrite: readWrite, objects: chaosObjects()} //nolint:gosec // repeatable on purpose
	synctest.Test(t, func(t *testing.T) {
		s := &server{Server: mocktest.New(t, mockserver.Options{SyncInterval: time.Minute})} // that of Infrahub; each sync starts a process of Git
		l.matrixCell = &matrixCell{server: s, t: t, remote: remote, block: attributes{"address": s.Address, "api_token": s.Token, "adopt_existing": true}}
		l.pipes = mocktest.ServePipes(t, l)
		t.Cleanup(func() { time.Sleep(time.Hour) }) // what still runs after this fails the test
		l.mainRef, l.branchRef, l.text = "v1.0.0", "v1.1.0", "first"
		l.lives = 1
		l.step("create", false)
		for _, step := range []struct {
			name string
			edit func()
		}{
			{"bump", func() { l.mainRef, l.branchRef = "v1.1.0", "v1.0.0" }},
			{"edit", func() { l.text = "second" }},
			{"both", func() { l.mainRef, l.branchRef, l.text = "v1.0.0", "v1.1.0", "third" }},
		} {
			if !l.failed() {
				step.edit()
				l.step(step.name, false)
			}
		}
		if !l.failed() {
			l.step("destroy", true)
		}
	})
	return l.chaosCount, l.story.String()
}

// chaosLives returns how many lives are lived and the first seed: TEST_CHAOS_LIVES and TEST_CHAOS_SEED, or a few from 1.
func chaosLives(t *testing.T) (count, first uint64) {
	t.Helper()
	count, first = 3, 1
	for name, value := range map[string]*uint64{"TEST_CHAOS_LIVES": &count, "TEST_CHAOS_SEED": &first} {
		if text := os.Getenv(name); text != "" {
			number, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			*value = number
		}
	}
	return count, first
}

func TestChaos(t *testing.T) {
	t.Parallel()
	count, first := chaosLives(t)
	var mu sync.Mutex
	var total chaosCount
	t.Cleanup(func() { t.Log(total.String()) }) // after all of them
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			became, story := live(t, seed)
			mu.Lock()
			defer mu.Unlock()
			total.add(became)
			if !became.failed() {
				return
			}
			t.Errorf("seed %d: %s\n%s", seed, became.String(), story)
			if directory := os.Getenv("TEST_CHAOS_KEEP"); directory != "" {
				if err := os.WriteFile(filepath.Join(directory, fmt.Sprintf("life-%d.txt", seed)), []byte(became.String()+"\n"+story), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
