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

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// exchange is one request recorded in testdata/exchanges and its answer, or what was seen of a repository after it.
type exchange struct {
	Name, Branch, Auth, Query string
	Variables                 map[string]any
	Status                    int
	Response                  any
	Kind                      string
	Timeline                  []moment
}

// moment is a state of the repository or of one of its tasks.
type moment struct {
	Seconds                       float64
	Node                          map[string]any
	Task, Workflow, State, Branch string
}

// recordings are those that belong to one server, in their order.
type recordings struct {
	files   []string
	version string
	delay   mockserver.Delay
	// remotes are those that the server was given.
	remotes []string
	// before is what the server held already.
	before []string
	// happened is what else went on, by the name of the exchange before which it did.
	happened map[string]func(t *testing.T, r *replay)
}

// unlike are the exchanges that the mock does not answer alike, by file and name, and why.
func unlike(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "unlike.json"))
	if err != nil {
		t.Fatal(err)
	}
	var why map[string]string
	if err := json.Unmarshal(content, &why); err != nil {
		t.Fatal(err)
	}
	return why
}

// Every exchange that was recorded on a live server is answered alike: status, shape, values, error codes
// and messages, and the order of the states that were seen.
func TestReplay(t *testing.T) {
	t.Parallel()
	git := `mutation{CorePasswordCredentialCreate(data:{name:{value:"%s"} username:{value:"bot"} password:{value:"` + gitPassword + `"}}){ok}}`
	quiet := func(t *testing.T, r *replay) { t.Helper(); r.quiet(t) }
	for name, each := range map[string]recordings{
		"credentials": {
			files: []string{"credential.json"},
			before: []string{
				`mutation{CorePasswordCredentialCreate(data:{name:{value:"a first one"}}){ok}}`,
				`mutation{CorePasswordCredentialCreate(data:{name:{value:"my-git-credential"}}){ok}}`,
			},
		},
		"create errors": {
			files:   []string{"create-errors.json", "tasks.json"},
			remotes: []string{"demo.git", "demo-a.git", "private/demo-a.git", "private/demo-b.git", "demo-c.git", "private/demo-d.git", "master.git", "empty.git"},
			before: []string{
				fmt.Sprintf(git, "my-git-credential"),
				`mutation{CoreRepositoryCreate(data:{name:{value:"demo"} location:{value:"http://127.0.0.1:8418/demo.git"}}){ok}}`,
			},
			happened: map[string]func(t *testing.T, r *replay){
				"read-only create with id": func(_ *testing.T, r *replay) { // its import came after its credential was deleted
					r.mock.Inject(mockserver.Fault{Operation: addReadOnly, Times: 1, Delay: 3 * time.Second})
				},
				"tasks of ro-hl": quiet,
			},
		},
		"refs": {files: []string{"ref-bumps.json", "updates.json", "update-response.json"}, remotes: []string{"private/p1.git", "private/p2.git"}},
		"branches": {
			files: []string{"branches.json"}, remotes: []string{"demo.git", "private/p2.git", "p3.git", "p4.git", "private/p5.git"},
			before: []string{
				fmt.Sprintf(git, "git"),
				`mutation{CoreRepositoryCreate(data:{name:{value:"demo"} location:{value:"http://127.0.0.1:8418/demo.git"}}){ok}}`,
				`mutation{CoreRepositoryCreate(data:{name:{value:"p2"} location:{value:"http://127.0.0.1:8418/private/p2.git"} credential:{hfid:["git"]}}){ok}}`,
			},
			happened: map[string]func(t *testing.T, r *replay){"queries left": quiet},
		},
		"location and merge": {
			files: []string{"location-merge.json"}, delay: mockserver.LiveDelay, // a proposed change is validated only after a while
			remotes:  []string{"s1.git", "s2.git", "s3.git", "s4.git", "m1.git"},
			happened: map[string]func(t *testing.T, r *replay){"m1 create": quiet},
		},
		"read-write": {
			files: []string{"read-write.json"}, remotes: []string{"e2.git"},
			happened: map[string]func(t *testing.T, r *replay){"push to main and feature": func(t *testing.T, r *replay) {
				t.Helper()
				r.push(t, "e2.git", "main", recordedFiles("q_e2", "5"))
				r.push(t, "e2.git", "feature", broken("6"))
			}},
		},
		"1.9.9": {
			files: []string{"1.9.9.json"}, version: oldest, remotes: []string{"private/o1.git", "o2.git", "o3.git"},
			happened: map[string]func(t *testing.T, r *replay){"bump": quiet},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, each)
			t.Attr("mock", r.version)
			for _, file := range each.files {
				exchanges := load(t, file)
				for i, recorded := range exchanges {
					watched := i+1 < len(exchanges) && exchanges[i+1].Kind != "" && recorded.Kind == ""
					if watched && recorded.Query == "" {
						r.gate.Lock() // imports wait until the watch has begun
					}
					if happened := each.happened[recorded.Name]; happened != nil {
						happened(t, r)
					}
					if watched && recorded.Query != "" {
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

// replay asks a mock what was asked a live server.
type replay struct {
	*server
	// ours is what stands here for an id or a commit of the recording, theirs the other way round.
	ours, theirs map[string]string
	// gate is held where an import must not go on: between a change and the beginning of its watch.
	gate sync.Mutex
	// last is the repository that was changed last, by its id here.
	last string
	// see notes the state of a watched repository; nil while none is watched.
	see func(branch, repository string)
	// seen are the tasks, here and there, that were watched to their end.
	seen    map[string]bool
	unlike  map[string]string
	remotes map[string]*recordedRepository
}

func newReplay(t *testing.T, of recordings) *replay {
	t.Helper()
	r := &replay{ours: map[string]string{}, theirs: map[string]string{}, seen: map[string]bool{}, unlike: unlike(t), remotes: map[string]*recordedRepository{}}
	r.server = newMock(t, mockserver.Options{Version: of.version, Delay: of.delay, SyncInterval: time.Second, BeforeChange: func(branch, repository string) {
		r.gate.Lock()
		defer r.gate.Unlock()
		if r.see != nil {
			r.see(branch, repository)
		}
	}})
	for _, path := range of.remotes {
		r.recordedRemote(t, path)
	}
	for _, document := range of.before {
		if got := r.on(t, "main", r.here(t, document)); got.at("errors") != nil {
			t.Fatal(got.body)
		}
	}
	r.quiet(t)
	return r
}

// recordedRemote makes a repository as those of the recordings were.
func (r *replay) recordedRemote(t *testing.T, path string) {
	t.Helper()
	made, err := gitserver.NewRepository(r.root, path)
	if err != nil {
		t.Fatal(err)
	}
	r.remotes[path] = &recordedRepository{Repository: made, branch: "main"}
	name := "q_" + strings.TrimSuffix(filepath.Base(path), ".git")
	if strings.Contains(path, "demo") {
		name = "tags_query" // each of them brought the same along
	}
	mark := func(mark func(string) error, name string) {
		if err := mark(name); err != nil {
			t.Fatal(err)
		}
	}
	switch path {
	case "empty.git":
		return
	case "master.git":
		r.push(t, path, "main", recordedFiles(name, "1"))
		if err := os.Rename(filepath.Join(made.Path, "refs", "heads", "main"), filepath.Join(made.Path, "refs", "heads", "master")); err != nil {
			t.Fatal(err)
		}
		return
	}
	r.push(t, path, "main", recordedFiles(name, "1"))
	mark(made.Tag, "v1.0.0")
	r.push(t, path, "main", recordedFiles(name, "2"))
	mark(made.Tag, "v1.1.0")
	feature := recordedFiles(name, "f")
	if path == "e2.git" {
		feature = broken("f")
	}
	r.push(t, path, "feature", feature)
	r.push(t, path, "main", recordedFiles(name, "3"))
	mark(made.AnnotatedTag, "v2.0.0")
	if strings.HasPrefix(path, "s") || strings.HasPrefix(path, "private/p1") { // where a broken one was asked for
		r.push(t, path, "broken", broken("b"))
		mark(made.Tag, "v3.0.0-broken")
	}
}

func recordedFiles(query, version string) map[string]string {
	return map[string]string{
		".infrahub.yml": "queries:\n  - name: " + query + "\n    file_path: queries/q.gql\n", "queries/q.gql": "query { BuiltinTag { count } } # " + version,
	}
}

// push commits to a branch of a remote.
func (r *replay) push(t *testing.T, path, branch string, files map[string]string) {
	t.Helper()
	to := r.remotes[path]
	if to.branch != branch {
		if err := to.Branch(branch); err != nil {
			t.Fatal(err)
		}
		to.branch = branch
	}
	if _, err := to.Commit(files); err != nil {
		t.Fatal(err)
	}
}

// recordedRepository is a remote, and the branch that is checked out there.
type recordedRepository struct {
	*gitserver.Repository
	branch string
}

// quiet waits until no task waits or runs.
func (r *replay) quiet(t *testing.T) {
	t.Helper()
	idle := 0
	wait(t, "the tasks to end", time.Minute, 50*time.Millisecond, func() bool {
		idle++
		if r.ask(t, `{InfrahubTask(state:[SCHEDULED PENDING RUNNING]){count}}`).at("data.InfrahubTask.count") != 0.0 {
			idle = 0
		}
		return idle > 4
	})
}

const (
	recordedGit       = "http://127.0.0.1:8418"
	recordedLocalhost = "http://localhost:8418"
)

// here translates what was recorded to what stands for it on this server, and there the other way round.
func (r *replay) here(t *testing.T, text string) string {
	t.Helper()
	text = strings.NewReplacer(recordedGit, r.git, recordedLocalhost, r.onLocalhost(t), "u:p@localhost:8418", "u:p@"+strings.TrimPrefix(r.onLocalhost(t), "http://")).Replace(text)
	return translate(text, r.ours)
}

func (r *replay) there(t *testing.T, text string) string {
	t.Helper()
	host := strings.TrimPrefix(r.onLocalhost(t), "http://")
	return translate(strings.NewReplacer(r.git, recordedGit, host, "localhost:8418").Replace(text), r.theirs)
}

// translate replaces words, the longest first: a short hash is the beginning of a long one.
func translate(text string, words map[string]string) string {
	longest := slices.SortedFunc(maps.Keys(words), func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	var pairs []string
	for _, word := range longest {
		pairs = append(pairs, word, words[word])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// bind makes two words stand for each other; false if one of them stands for another already.
func (r *replay) bind(theirs, ours string) bool {
	if r.ours[theirs] == "" && r.theirs[ours] == "" {
		r.ours[theirs], r.theirs[ours] = ours, theirs
		if len(theirs) == 40 { // a short hash stands for the same
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
	case recorded.Query == "": // something that happened at a remote
	default:
		if i+1 < len(exchanges) {
			r.takeTurns(exchanges[i+1])
		}
		differences = r.repeat(t, recorded)
	}
	why, excused := r.unlike[about]
	switch {
	case excused && differences == nil:
		t.Errorf("%s: is answered alike, and need not be excused: %s", about, why)
	case !excused && differences != nil:
		t.Errorf("%s\n%s", about, strings.Join(differences, "\n"))
	}
}

// takeTurns lets that one of the two tasks of a changed ref come first that came first then.
func (r *replay) takeTurns(watched exchange) {
	for _, each := range watched.Timeline {
		if each.State == "RUNNING" || r.seen[each.Task] {
			continue
		}
		switch each.Workflow {
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

// repeat asks what was asked, and tells how the answer differs.
func (r *replay) repeat(t *testing.T, recorded exchange) []string {
	t.Helper()
	headers := map[string][]string{"token": {"X-INFRAHUB-KEY", r.token}, "bad": {"X-INFRAHUB-KEY", "bad"}}[recorded.Auth]
	body, err := json.Marshal(map[string]any{"query": recorded.Query, "variables": recorded.Variables})
	if err != nil {
		t.Fatal(err)
	}
	got := r.send(t, http.MethodPost, "/graphql/"+recorded.Branch, r.here(t, string(body)), headers...)
	differences := r.compare(t, recorded, got)
	for _, kind := range []string{readOnly, readWrite} {
		if id := got.text("data." + kind + "Create.object.id"); id != "" {
			r.last = id
		}
	}
	if of := regexp.MustCompile(`data:\{id:"([0-9a-f-]{36})"`).FindStringSubmatch(recorded.Query); of != nil && got.at("errors") == nil && !strings.Contains(recorded.Query, "Create(") {
		r.last = r.here(t, of[1])
	}
	return differences
}

func (r *replay) compare(t *testing.T, recorded exchange, got reply) []string {
	t.Helper()
	var differences []string
	if got.status != recorded.Status {
		differences = append(differences, fmt.Sprintf("the status is %d, was %d: %s", got.status, recorded.Status, got.body))
	}
	answered := got.parsed
	if answered == nil {
		answered = got.body
	}
	r.diff(t, "", sortTasks(recorded.Response), sortTasks(answered), func(path, theirs, ours string) {
		differences = append(differences, fmt.Sprintf("%s\n  was %s\n  is  %s", path, theirs, ours))
	})
	return differences
}

// sortTasks orders a list of tasks by their workflows: which of two comes first is chance.
func sortTasks(response any) any {
	list, ok := reply{parsed: response}.at("data.InfrahubTask.edges").([]any)
	if ok {
		slices.SortStableFunc(list, func(a, b any) int {
			order := func(edge any) string {
				of := reply{parsed: edge}
				return of.text("node.workflow") + of.text("node.created_at")
			}
			return cmp.Compare(order(a), order(b))
		})
	}
	return response
}

// diff tells where two answers differ, after translation.
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
		if is, ok := ours.(string); !ok || !r.alike(t, was, is) {
			differs(path, was, fmt.Sprint(ours))
		}
	default:
		if theirs != ours {
			differs(path, fmt.Sprint(theirs), fmt.Sprint(ours))
		}
	}
}

// alike compares two texts. Ids and commits have to stand for each other throughout; times, the names
// of workers and runs, and what a YAML parser says are not the server's rule.
func (r *replay) alike(t *testing.T, theirs, ours string) bool {
	t.Helper()
	isID, isCommit := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), regexp.MustCompile(`^[0-9a-f]{40}$`)
	for _, form := range []*regexp.Regexp{isID, isCommit} {
		if form.MatchString(theirs) && form.MatchString(ours) {
			return r.bind(theirs, ours)
		}
	}
	return mask(theirs) == mask(r.there(t, ours))
}

func mask(text string) string {
	text = strings.NewReplacer(`\'`, `'`, `"`, `'`).Replace(text) // Python quotes as it needs
	for _, form := range []string{
		`\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)`, `Worker '[^']*'`, `Flow run '[^']*'`, `flow run '[0-9a-f-]{36}'`, `value_[0-9a-f]{32}`, `[0-9a-f]{64}`,
		`(?s)(YAML format .infrahub.yml|valid YAML): .*`,
	} {
		text = regexp.MustCompile(form).ReplaceAllString(text, "…")
	}
	return text
}

// compareTimeline watches what was watched: every state that was seen then has to be seen now, in the
// same order, and it has to begin and to end alike. Of the mock no state is missed, so more may be seen.
func (r *replay) compareTimeline(t *testing.T, recorded exchange) (differences []string) {
	t.Helper()
	if r.last == "" {
		t.Fatal("no repository to watch")
	}
	nodes, outcomes := r.look(t, recorded)
	var were []string
	for _, each := range recorded.Timeline {
		if each.Node != nil {
			were = append(were, written(each.Node))
		}
	}
	nodes = r.bindCommits(nodes, were)
	if !subsequence(were, nodes) || nodes[0] != were[0] || nodes[len(nodes)-1] != were[len(were)-1] {
		differences = append(differences, fmt.Sprintf("the states were\n  %s\nare\n  %s", strings.Join(were, "\n  "), strings.Join(nodes, "\n  ")))
	}
	for workflow, states := range r.recordedOutcomes(recorded) {
		has := outcomes[workflow]
		if workflow == importFile { // how many there are is chance
			states, has = slices.Compact(states), slices.Compact(has)
		}
		for i, state := range states {
			if i >= len(has) || state != has[i] && state != "RUNNING" {
				differences = append(differences, fmt.Sprintf("%s: the tasks ended as %v, end as %v", workflow, states, has))
				break
			}
		}
	}
	return differences
}

// look watches the last repository until it has been quiet for a while, and returns its distinct states
// and, by workflow, how its new tasks ended.
func (r *replay) look(t *testing.T, recorded exchange) (nodes []string, outcomes map[string][]string) {
	t.Helper()
	note := func() {
		if state := r.stateOf(t, recorded); len(nodes) == 0 || nodes[len(nodes)-1] != state {
			nodes = append(nodes, state)
		}
	}
	r.gate.TryLock() // a watch after a watch finds it open, any other closed
	note()
	r.see = func(branch, repository string) {
		if branch == recorded.Branch && repository == r.last {
			note()
		}
	}
	r.gate.Unlock()
	var tasks []task
	began, changed, before := time.Now(), time.Now(), ""
	wait(t, "the tasks to end", time.Minute, 50*time.Millisecond, func() bool {
		tasks = r.tasks(t, r.last)
		if now := fmt.Sprint(tasks); now != before {
			before, changed = now, time.Now()
		}
		running := slices.ContainsFunc(tasks, func(each task) bool { return each.state != "COMPLETED" && each.state != "FAILED" })
		missing := r.fresh(tasks) < r.recordedTasks(recorded) && time.Since(began) < 10*time.Second
		return !running && !missing && time.Since(changed) > 400*time.Millisecond
	})
	r.gate.Lock()
	defer r.gate.Unlock()
	r.see = nil
	note()
	outcomes = map[string][]string{}
	for _, each := range tasks {
		if !r.seen[each.id] {
			outcomes[each.workflow] = append(outcomes[each.workflow], each.state)
		}
		r.seen[each.id] = true
	}
	return nodes, outcomes
}

// stateOf is what a watch noted of the last repository, in one line.
func (r *replay) stateOf(t *testing.T, recorded exchange) string {
	t.Helper()
	node, state := r.readOn(t, recorded.Branch, recorded.Kind, r.last), map[string]any{}
	for _, name := range []string{map[string]string{readOnly: "ref", readWrite: "default_branch"}[recorded.Kind], "commit", "sync_status", "operational_status", "internal_status"} {
		state[name] = node.at(name + ".value")
	}
	return written(state)
}

// fresh counts the tasks, sub-tasks aside, that no earlier watch saw.
func (r *replay) fresh(tasks []task) (count int) {
	for _, each := range tasks {
		if !r.seen[each.id] && each.workflow != importFile {
			count++
		}
	}
	return count
}

// recordedTasks counts those of a recording likewise.
func (r *replay) recordedTasks(recorded exchange) int {
	tasks := map[string]bool{}
	for _, each := range recorded.Timeline {
		if each.Task != "" && !r.seen[each.Task] && each.Workflow != importFile {
			tasks[each.Task] = true
		}
	}
	return len(tasks)
}

// recordedOutcomes is, by workflow, how the tasks ended that no earlier watch saw, in the order of their appearance.
func (r *replay) recordedOutcomes(recorded exchange) map[string][]string {
	states, workflows := map[string]string{}, map[string]string{}
	var order []string
	for _, each := range recorded.Timeline {
		if each.Task == "" || r.seen[each.Task] {
			continue
		}
		if states[each.Task] == "" {
			order = append(order, each.Task)
		}
		states[each.Task], workflows[each.Task] = each.State, each.Workflow
	}
	outcomes := map[string][]string{}
	for _, id := range order {
		outcomes[workflows[id]] = append(outcomes[workflows[id]], states[id])
		r.seen[id] = true
	}
	return outcomes
}

// written is a state in one line.
func written(node map[string]any) string {
	var values []string
	for _, name := range []string{"ref", "default_branch", "commit", "sync_status", "operational_status", "internal_status"} {
		if held, ok := node[name]; ok {
			values = append(values, fmt.Sprint(held))
		}
	}
	return strings.Join(values, " ")
}

// bindCommits lets the commits of two timelines stand for each other in the order of their appearance,
// and returns ours in their words.
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

// subsequence reports whether the parts are in the whole in their order.
func subsequence(parts, whole []string) bool {
	for _, each := range whole {
		if len(parts) > 0 && parts[0] == each {
			parts = parts[1:]
		}
	}
	return len(parts) == 0
}
