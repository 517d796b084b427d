package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// exchange is a request that testdata/exchanges recorded on a live server, with its response, or the timeline of a
// repository after it.
type exchange struct {
	Name, Branch, Auth, Query string
	Variables                 map[string]any
	Status                    int
	Response                  any
	Kind                      string
	Timeline                  []moment
}

// moment is a state of the repository or of a task.
type moment struct {
	Seconds                       float64
	Node                          map[string]any
	Task, Workflow, State, Branch string
}

// recordings are the exchanges with one server, in their order.
type recordings struct {
	files   []string
	version string
	delay   mockserver.Delay
	// remotes are the paths of the Git repositories of the server.
	remotes []string
	// setup holds the mutations that create what the server had before.
	setup []string
	// events are what else happened, by the name of the exchange that followed.
	events map[string]func(t *testing.T, r *replay)
}

// exceptions returns the exchanges to which the response of the mock differs, by file and name, and why.
func exceptions(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "exceptions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var why map[string]string
	if err := json.Unmarshal(content, &why); err != nil {
		t.Fatal(err)
	}
	return why
}

// The mock answers every exchange that was recorded on a live server as the live server did: status, shape, values, error
// codes and messages, and the order of the states.
func TestReplay(t *testing.T) {
	t.Parallel()
	gitCredential := `mutation{CorePasswordCredentialCreate(data:{name:{value:"%s"} username:{value:"bot"} password:{value:"` + gitPassword + `"}}){ok}}`
	wait := func(t *testing.T, r *replay) { t.Helper(); r.WaitForTasks(t) }
	for name, recorded := range map[string]recordings{
		"credentials": {
			files: []string{"credential.json"},
			setup: []string{
				`mutation{CorePasswordCredentialCreate(data:{name:{value:"a first one"}}){ok}}`,
				`mutation{CorePasswordCredentialCreate(data:{name:{value:"my-git-credential"}}){ok}}`,
			},
		},
		"create errors": {
			files:   []string{"create-errors.json", "tasks.json"},
			remotes: []string{"demo.git", "demo-a.git", "private/demo-a.git", "private/demo-b.git", "demo-c.git", "private/demo-d.git", "master.git", "empty.git"},
			setup: []string{
				fmt.Sprintf(gitCredential, "my-git-credential"),
				`mutation{CoreRepositoryCreate(data:{name:{value:"demo"} location:{value:"http://127.0.0.1:8418/demo.git"}}){ok}}`,
			},
			events: map[string]func(t *testing.T, r *replay){
				"read-only create with id": func(_ *testing.T, r *replay) { // its import started after its credential was deleted
					r.mock.Inject(mockserver.Fault{Operation: addReadOnly, Times: 1, Delay: 3 * time.Second})
				},
				"tasks of ro-hl": wait,
			},
		},
		"refs": {files: []string{"ref-bumps.json", "updates.json", "update-response.json"}, remotes: []string{"private/p1.git", "private/p2.git"}},
		"branches": {
			files: []string{"branches.json"}, remotes: []string{"demo.git", "private/p2.git", "p3.git", "p4.git", "private/p5.git"},
			setup: []string{
				fmt.Sprintf(gitCredential, "git"),
				`mutation{CoreRepositoryCreate(data:{name:{value:"demo"} location:{value:"http://127.0.0.1:8418/demo.git"}}){ok}}`,
				`mutation{CoreRepositoryCreate(data:{name:{value:"p2"} location:{value:"http://127.0.0.1:8418/private/p2.git"} credential:{hfid:["git"]}}){ok}}`,
			},
			events: map[string]func(t *testing.T, r *replay){"queries left": wait},
		},
		"location and merge": {
			files: []string{"location-merge.json"}, delay: mockserver.LiveDelay, // the server validates a proposed change only after a while
			remotes: []string{"s1.git", "s2.git", "s3.git", "s4.git", "m1.git"},
			events:  map[string]func(t *testing.T, r *replay){"m1 create": wait, "proposed change after merge": wait},
		},
		"read-write": {
			files: []string{"read-write.json"}, remotes: []string{"e2.git"},
			events: map[string]func(t *testing.T, r *replay){"push to main and feature": func(t *testing.T, r *replay) {
				t.Helper()
				remote := r.remotes["e2.git"]
				remote.Branch(t, "main")
				remote.Commit(t, "pushed", mocktest.QueryFiles("q_e2", "5"))
				remote.Branch(t, "feature")
				remote.Commit(t, "pushed feature", mocktest.BrokenFiles())
			}},
		},
		"1.9.9": {
			files: []string{"1.9.9.json"}, version: oldest, remotes: []string{"private/o1.git", "o2.git", "o3.git"},
			events: map[string]func(t *testing.T, r *replay){"bump": wait},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, recorded)
			t.Attr("mock", r.version)
			for _, file := range recorded.files {
				exchanges := load(t, file)
				for i, next := range exchanges {
					watched := i+1 < len(exchanges) && exchanges[i+1].Kind != "" && next.Kind == ""
					if watched && next.Query == "" {
						r.gate.Lock() // imports wait until the watch begins
					}
					if event := recorded.events[next.Name]; event != nil {
						event(t, r)
					}
					if watched && next.Query != "" {
						r.gate.Lock()
					}
					r.play(t, file, exchanges, i)
				}
			}
		})
	}
}

func load(t *testing.T, file string) []exchange {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "exchanges", file))
	if err != nil {
		t.Fatal(err)
	}
	var recorded []exchange
	if err := json.Unmarshal(content, &recorded); err != nil {
		t.Fatalf("%s: %s", file, err)
	}
	return recorded
}

// replay sends recorded requests to a mock, and compares the responses. In the recording and here, ids, commits and
// addresses differ: ours are here, theirs are in the recording.
type replay struct {
	*server
	// ours maps an id or commit of the recording to ours, and theirs the other way round.
	ours, theirs map[string]string
	// gate is locked while no import may go on: between a change and the start of its watch.
	gate sync.Mutex
	// last is our id of the repository that was changed last.
	last string
	// see records the state of the watched repository, nil if none is watched.
	see func(branch, repository string)
	// seen are the tasks, ours and theirs, that were watched until they ended.
	seen       map[string]bool
	exceptions map[string]string
	forms      forms
	remotes    map[string]*mocktest.Remote
}

func newReplay(t *testing.T, of recordings) *replay {
	t.Helper()
	r := &replay{ours: map[string]string{}, theirs: map[string]string{}, seen: map[string]bool{}, exceptions: exceptions(t), forms: newForms(), remotes: map[string]*mocktest.Remote{}}
	r.server = newMock(t, mockserver.Options{Version: of.version, Delay: of.delay, SyncInterval: time.Second, BeforeChange: func(branch, repository string) {
		r.gate.Lock()
		defer r.gate.Unlock()
		if r.see != nil {
			r.see(branch, repository)
		}
	}})
	for _, path := range of.remotes {
		r.remotes[path] = r.newRecordedRemote(t, path)
	}
	for _, document := range of.setup {
		r.Ask(t, r.toOurs(t, document))
	}
	r.WaitForTasks(t)
	return r
}

// newRecordedRemote makes a repository like the one that was recorded at a path.
func (r *replay) newRecordedRemote(t *testing.T, path string) *mocktest.Remote {
	t.Helper()
	remote := mocktest.NewRemote(t, r.root, path)
	query := "q_" + strings.TrimSuffix(filepath.Base(path), ".git")
	if strings.Contains(path, "demo") {
		query = "tags_query" // all of them had the same query
	}
	switch path {
	case "empty.git":
		return remote
	case "master.git":
		remote.Commit(t, "master", mocktest.QueryFiles(query, "1"))
		if err := os.Rename(filepath.Join(remote.Path, "refs", "heads", "main"), filepath.Join(remote.Path, "refs", "heads", "master")); err != nil {
			t.Fatal(err)
		}
		return remote
	}
	remote.Release(t, "v1.0.0", mocktest.QueryFiles(query, "1"))
	remote.Release(t, "v1.1.0", mocktest.QueryFiles(query, "2"))
	feature := mocktest.QueryFiles(query, "f")
	if path == "e2.git" {
		feature = mocktest.BrokenFiles()
	}
	remote.Branch(t, "feature")
	remote.Commit(t, "feature", feature)
	remote.Branch(t, "main")
	remote.Commit(t, "main", mocktest.QueryFiles(query, "3"))
	remote.AnnotatedTag(t, "v2.0.0")
	if strings.HasPrefix(path, "s") || strings.HasPrefix(path, "private/p1") { // the recording asks for a broken release
		remote.Branch(t, "broken")
		remote.Release(t, "v3.0.0-broken", mocktest.BrokenFiles())
	}
	return remote
}

const (
	recordedGit       = "http://127.0.0.1:8418"
	recordedLocalhost = "http://localhost:8418"
)

// toOurs translates a text of the recording to ours, and toTheirs the other way round.
func (r *replay) toOurs(t *testing.T, text string) string {
	t.Helper()
	text = strings.NewReplacer(recordedGit, r.git, recordedLocalhost, r.gitOnLocalhost(t), "u:p@localhost:8418", "u:p@"+strings.TrimPrefix(r.gitOnLocalhost(t), "http://")).Replace(text)
	return translate(text, r.ours)
}

func (r *replay) toTheirs(t *testing.T, text string) string {
	t.Helper()
	host := strings.TrimPrefix(r.gitOnLocalhost(t), "http://")
	return translate(strings.NewReplacer(r.git, recordedGit, host, "localhost:8418").Replace(text), r.theirs)
}

// translate replaces words, the longest first, because a long hash begins with the short one.
func translate(text string, words map[string]string) string {
	longest := slices.SortedFunc(maps.Keys(words), func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	var pairs []string
	for _, word := range longest {
		pairs = append(pairs, word, words[word])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// bind records that two words translate to each other. It reports whether neither translates to another one.
func (r *replay) bind(theirs, ours string) bool {
	if r.ours[theirs] == "" && r.theirs[ours] == "" {
		r.ours[theirs], r.theirs[ours] = ours, theirs
		if len(theirs) == 40 { // the short hashes translate, too
			r.ours[theirs[:7]], r.theirs[ours[:7]] = ours[:7], theirs[:7]
		}
	}
	return r.ours[theirs] == ours
}

// play repeats one exchange of a file.
func (r *replay) play(t *testing.T, file string, exchanges []exchange, i int) {
	t.Helper()
	recorded := exchanges[i]
	about := file + ": " + recorded.Name
	var differences []string
	switch {
	case recorded.Kind != "":
		about += " after " + exchanges[i-1].Name
		differences = r.compareTimeline(t, recorded)
	case recorded.Query == "": // an event at a remote
	default:
		if i+1 < len(exchanges) {
			r.orderTasks(exchanges[i+1])
		}
		differences = r.repeat(t, recorded)
	}
	why, excepted := r.exceptions[about]
	switch {
	case excepted && differences == nil:
		t.Errorf("%s: the response is the same; it needs no exception: %s", about, why)
	case !excepted && differences != nil:
		t.Errorf("%s\n%s", about, strings.Join(differences, "\n"))
	}
}

// orderTasks delays one of the two tasks of a changed ref, so that the one comes first that did in the recording.
func (r *replay) orderTasks(watched exchange) {
	for _, moment := range watched.Timeline {
		if moment.State == "RUNNING" || r.seen[moment.Task] {
			continue
		}
		switch moment.Workflow {
		case pull:
			r.mock.Inject(mockserver.Fault{Operation: importLast, Times: 1, Delay: time.Millisecond})
			return
		case importLast:
			r.mock.Inject(mockserver.Fault{Operation: pull, Times: 1, Delay: time.Millisecond})
			return
		case addReadOnly, addReadWrite, importObject:
			return
		}
	}
}

// repeat sends the recorded request, and returns how the response differs.
func (r *replay) repeat(t *testing.T, recorded exchange) []string {
	t.Helper()
	headers := map[string][]string{"token": {"X-INFRAHUB-KEY", r.Token}, "bad": {"X-INFRAHUB-KEY", "bad"}}[recorded.Auth]
	body, err := json.Marshal(map[string]any{"query": recorded.Query, "variables": recorded.Variables})
	if err != nil {
		t.Fatal(err)
	}
	got := r.Send(t, http.MethodPost, "/graphql/"+recorded.Branch, r.toOurs(t, string(body)), headers...)
	differences := r.compare(t, recorded, got)
	for _, kind := range []string{readOnly, readWrite} {
		if id := got.Text("data." + kind + "Create.object.id"); id != "" {
			r.last = id
		}
	}
	if id := r.forms.update.FindStringSubmatch(recorded.Query); id != nil && got.At("errors") == nil && !strings.Contains(recorded.Query, "Create(") {
		r.last = r.toOurs(t, id[1])
	}
	return differences
}

func (r *replay) compare(t *testing.T, recorded exchange, got mocktest.Response) []string {
	t.Helper()
	var differences []string
	if got.Status != recorded.Status {
		differences = append(differences, fmt.Sprintf("the status is %d, was %d: %s", got.Status, recorded.Status, got.Body))
	}
	var response any = got.Body
	if parsed := any(nil); json.Unmarshal([]byte(got.Body), &parsed) == nil {
		response = parsed
	}
	r.diff(t, "", sortTasks(recorded.Response), sortTasks(response), func(path, theirs, ours string) {
		differences = append(differences, fmt.Sprintf("%s\n  was %s\n  is  %s", path, theirs, ours))
	})
	return differences
}

// sortTasks sorts a list of tasks by their workflows, because the order of two tasks is chance.
func sortTasks(response any) any {
	list := response
	for _, key := range []string{"data", "InfrahubTask", "edges"} {
		object, _ := list.(map[string]any)
		list = object[key]
	}
	edges, _ := list.([]any)
	slices.SortStableFunc(edges, func(a, b any) int {
		order := func(edge any) string {
			object, _ := edge.(map[string]any)
			task, _ := object["node"].(map[string]any)
			return fmt.Sprint(task["workflow"], task["created_at"])
		}
		return cmp.Compare(order(a), order(b))
	})
	return response
}

// diff calls differs for each path at which two responses differ after translation.
func (r *replay) diff(t *testing.T, path string, theirs, ours any, differs func(path, theirs, ours string)) {
	t.Helper()
	switch was := theirs.(type) {
	case map[string]any:
		is, ok := ours.(map[string]any)
		if !ok || !slices.Equal(slices.Sorted(maps.Keys(was)), slices.Sorted(maps.Keys(is))) {
			differs(path, fmt.Sprint(theirs), fmt.Sprint(ours))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(was)) {
			r.diff(t, path+"."+key, was[key], is[key], differs)
		}
	case []any:
		is, ok := ours.([]any)
		if !ok || len(is) != len(was) {
			differs(path, fmt.Sprint(theirs), fmt.Sprint(ours))
			return
		}
		for i := range was {
			r.diff(t, fmt.Sprintf("%s.%d", path, i), was[i], is[i], differs)
		}
	case string:
		if is, ok := ours.(string); !ok || !r.equal(t, was, is) {
			differs(path, was, fmt.Sprint(ours))
		}
	default:
		if theirs != ours {
			differs(path, fmt.Sprint(theirs), fmt.Sprint(ours))
		}
	}
}

// equal reports whether two texts are equal after translation. Ids and commits have to translate to each other
// throughout. Times, names of workers and runs, and the message of a YAML parser may differ.
func (r *replay) equal(t *testing.T, theirs, ours string) bool {
	t.Helper()
	for _, form := range []*regexp.Regexp{r.forms.id, r.forms.commit} {
		if form.MatchString(theirs) && form.MatchString(ours) {
			return r.bind(theirs, ours)
		}
	}
	mask := func(text string) string {
		text = strings.NewReplacer(`\'`, `'`, `"`, `'`).Replace(text) // Python chooses the quotes by the content
		return r.forms.varying.ReplaceAllString(text, "…")
	}
	return mask(theirs) == mask(r.toTheirs(t, ours))
}

// forms are the texts that a comparison treats in a special way.
type forms struct{ id, commit, update, varying *regexp.Regexp }

func newForms() forms {
	return forms{
		id:     regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`),
		commit: regexp.MustCompile(`^[0-9a-f]{40}$`),
		update: regexp.MustCompile(`data:\{id:"([0-9a-f-]{36})"`),
		varying: regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|Worker '[^']*'|Flow run '[^']*'|flow run '[0-9a-f-]{36}'|value_[0-9a-f]{32}|` +
			`[0-9a-f]{64}|(?s:(YAML format .infrahub.yml|valid YAML): .*)`),
	}
}

// compareTimeline watches the last repository as the recording did. Every recorded state has to occur, in the same order,
// and the first and last have to be the same. No state of the mock is missed, so there may be more.
func (r *replay) compareTimeline(t *testing.T, recorded exchange) (differences []string) {
	t.Helper()
	if r.last == "" {
		t.Fatal("no repository to watch")
	}
	nodes, outcomes := r.watchLast(t, recorded)
	var were []string
	for _, moment := range recorded.Timeline {
		if moment.Node != nil {
			were = append(were, line(moment.Node))
		}
	}
	nodes = r.bindCommits(nodes, were)
	if !subsequence(were, nodes) || nodes[0] != were[0] || nodes[len(nodes)-1] != were[len(were)-1] {
		differences = append(differences, fmt.Sprintf("the states were\n  %s\nare\n  %s", strings.Join(were, "\n  "), strings.Join(nodes, "\n  ")))
	}
	for workflow, states := range r.recordedOutcomes(recorded) {
		got := outcomes[workflow]
		if workflow == importFile { // their number is chance
			states, got = slices.Compact(states), slices.Compact(got)
		}
		for i, state := range states {
			if i >= len(got) || state != got[i] && state != "RUNNING" {
				differences = append(differences, fmt.Sprintf("%s: the tasks ended as %v, end as %v", workflow, states, got))
				break
			}
		}
	}
	return differences
}

// watchLast watches the last repository until nothing has changed for a while. It returns the distinct states and, by
// workflow, the final states of the new tasks.
func (r *replay) watchLast(t *testing.T, recorded exchange) (nodes []string, outcomes map[string][]string) {
	t.Helper()
	add := func() {
		if state := r.stateOf(t, recorded); len(nodes) == 0 || nodes[len(nodes)-1] != state {
			nodes = append(nodes, state)
		}
	}
	r.gate.TryLock() // unlocked if a watch follows a watch, locked otherwise
	add()
	r.see = func(branch, repository string) {
		if branch == recorded.Branch && repository == r.last {
			add()
		}
	}
	r.gate.Unlock()
	var tasks []task
	began, changed, before := time.Now(), time.Now(), ""
	poll(t, "the tasks to end", time.Minute, 50*time.Millisecond, func() bool {
		tasks = r.tasks(t, r.last)
		if now := fmt.Sprint(tasks); now != before {
			before, changed = now, time.Now()
		}
		running := slices.ContainsFunc(tasks, func(t task) bool { return t.state != "COMPLETED" && t.state != "FAILED" })
		missing := r.countNew(tasks) < r.recordedTasks(recorded) && time.Since(began) < 10*time.Second
		return !running && !missing && time.Since(changed) > 400*time.Millisecond
	})
	r.gate.Lock()
	defer r.gate.Unlock()
	r.see = nil
	add()
	outcomes = map[string][]string{}
	for _, task := range tasks {
		if !r.seen[task.id] {
			outcomes[task.workflow] = append(outcomes[task.workflow], task.state)
		}
		r.seen[task.id] = true
	}
	return nodes, outcomes
}

// stateOf returns the state of the last repository in one line.
func (r *replay) stateOf(t *testing.T, recorded exchange) string {
	t.Helper()
	node, state := r.readOn(t, recorded.Branch, recorded.Kind, r.last), map[string]any{}
	for _, name := range []string{map[string]string{readOnly: "ref", readWrite: "default_branch"}[recorded.Kind], "commit", "sync_status", "operational_status", "internal_status"} {
		state[name] = node.At(name + ".value")
	}
	return line(state)
}

// countNew returns the number of tasks, without sub-tasks, that no earlier watch has seen.
func (r *replay) countNew(tasks []task) (count int) {
	for _, task := range tasks {
		if !r.seen[task.id] && task.workflow != importFile {
			count++
		}
	}
	return count
}

// recordedTasks returns the number of such tasks in a recording.
func (r *replay) recordedTasks(recorded exchange) int {
	tasks := map[string]bool{}
	for _, moment := range recorded.Timeline {
		if moment.Task != "" && !r.seen[moment.Task] && moment.Workflow != importFile {
			tasks[moment.Task] = true
		}
	}
	return len(tasks)
}

// recordedOutcomes returns, by workflow, the final states of the tasks that no earlier watch has seen, in the order of
// their appearance.
func (r *replay) recordedOutcomes(recorded exchange) map[string][]string {
	states, workflows := map[string]string{}, map[string]string{}
	var order []string
	for _, moment := range recorded.Timeline {
		if moment.Task == "" || r.seen[moment.Task] {
			continue
		}
		if states[moment.Task] == "" {
			order = append(order, moment.Task)
		}
		states[moment.Task], workflows[moment.Task] = moment.State, moment.Workflow
	}
	outcomes := map[string][]string{}
	for _, id := range order {
		outcomes[workflows[id]] = append(outcomes[workflows[id]], states[id])
		r.seen[id] = true
	}
	return outcomes
}

// line returns a state in one line.
func line(node map[string]any) string {
	var values []string
	for _, name := range []string{"ref", "default_branch", "commit", "sync_status", "operational_status", "internal_status"} {
		if value, ok := node[name]; ok {
			values = append(values, fmt.Sprint(value))
		}
	}
	return strings.Join(values, " ")
}

// bindCommits binds the commits of two timelines in the order of their appearance, and returns our states in their words.
func (r *replay) bindCommits(ours, theirs []string) []string {
	commits := func(states []string) []string {
		var found []string
		for _, state := range states {
			for field := range strings.FieldsSeq(state) {
				if len(field) == 40 && !slices.Contains(found, field) {
					found = append(found, field)
				}
			}
		}
		return found
	}
	was, is := commits(theirs), commits(ours)
	for i := range min(len(was), len(is)) {
		r.bind(was[i], is[i])
	}
	var translated []string
	for _, state := range ours {
		translated = append(translated, translate(state, r.theirs))
	}
	return translated
}

// subsequence reports whether the whole has the parts in their order.
func subsequence(parts, whole []string) bool {
	for _, item := range whole {
		if len(parts) > 0 && parts[0] == item {
			parts = parts[1:]
		}
	}
	return len(parts) == 0
}
