package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// adoptionConfig has objects of every kind that can be adopted, and what refers to them.
const adoptionConfig = `
	resource "infrahub_tag" "test" {
		count       = 3
		name        = "tag${count.index}-NAME"
		description = "Tag ${count.index}"
	}
	resource "infrahub_password_credential" "test" {
		name     = "git-NAME"
		username = "` + gitUsername + `"
		password = "` + gitPassword + `"
	}
	resource "infrahub_read_only_repository" "test" {
		count         = 2
		name          = "lab${count.index}-NAME"
		location      = "GIT/private/lab${count.index}.git"
		ref           = "v1.0.0"
		credential_id = infrahub_password_credential.test.id
		tags          = infrahub_tag.test[*].name
	}
	resource "infrahub_repository" "test" {
		name     = "network-NAME"
		location = "GIT/network.git"
	}
	resource "infrahub_branch" "test" {
		name          = "release-NAME"
		description   = "The next release"
		sync_with_git = false
		depends_on    = [infrahub_read_only_repository.test, infrahub_repository.test]
	}
`

// adoptionObjects is how many objects adoptionConfig describes.
const adoptionObjects = 8

// newAdoptionWorkspace returns a workspace with adoptionConfig. The environment is added to that of the test.
func (s *server) newAdoptionWorkspace(t *testing.T, environment ...string) *workspace {
	t.Helper()
	for _, path := range []string{"private/lab0.git", "private/lab1.git", "network.git"} {
		s.newRemote(t, path)
	}
	return s.newWorkspace(t, requirement+s.fill(adoptionConfig), environment...)
}

const adoptExisting = "INFRAHUB_ADOPT_EXISTING=true"

// throwStateAway removes the state, as a pipeline does that keeps none.
func (w *workspace) throwStateAway() {
	w.t.Helper()
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup", ".terraform.tfstate.lock.info"} {
		if err := os.Remove(filepath.Join(w.directory, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			w.t.Fatal(err)
		}
	}
}

// stateIDs returns the ids in the state by the names of the objects.
func (w *workspace) stateIDs() map[string]string {
	w.t.Helper()
	var state struct {
		Resources []struct {
			Instances []struct {
				Attributes struct{ ID, Name string } `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal([]byte(w.read("terraform.tfstate")), &state); err != nil {
		w.t.Fatal(err)
	}
	ids := map[string]string{}
	for _, resource := range state.Resources {
		for _, instance := range resource.Instances {
			ids[instance.Attributes.Name] = instance.Attributes.ID
		}
	}
	return ids
}

// objects returns the ids on the server, of every kind, by the names that end with the suffix of the test.
func (s *server) objects(t *testing.T) map[string][]string {
	t.Helper()
	ctx, ids := context.WithoutCancel(t.Context()), map[string][]string{}
	add := func(name, id string, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, s.suffix) {
			ids[name] = append(ids[name], id)
		}
	}
	for tag, err := range s.client.Tags().List(ctx, infrahub.Filter{}) {
		add(tag.Name, tag.ID, err)
	}
	for credential, err := range s.client.Credentials(false).List(ctx, infrahub.Filter{}) {
		add(credential.Name, credential.ID, err)
	}
	for branch, err := range s.client.Branches().List(ctx, infrahub.Filter{}) {
		add(branch.Name, branch.ID, err)
	}
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		for repository, err := range s.client.Repositories(kind).List(ctx, infrahub.Filter{}) {
			add(repository.Name, repository.ID, err)
		}
	}
	return ids
}

// compareObjects returns how many objects of the server exist twice, and how many are lost: they are in the state alone, or on the
// server alone.
func (s *server) compareObjects(t *testing.T, w *workspace) (twice, lost int) {
	t.Helper()
	state, objects := w.stateIDs(), s.objects(t)
	for name, ids := range objects {
		twice += len(ids) - 1
		if !slices.Contains(ids, state[name]) {
			lost++
		}
	}
	for name := range state {
		if objects[name] == nil {
			lost++
		}
	}
	if len(state) != adoptionObjects {
		t.Errorf("the state has %d objects, want %d: %v", len(state), adoptionObjects, state)
	}
	return twice, lost
}

func TestAdoption_StateThatIsThrownAwayTwiceIsBuiltAgainWithoutAMutation(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := s.newAdoptionWorkspace(t, adoptExisting)
	w.apply()
	first := w.stateIDs()
	for range 2 {
		w.throwStateAway()
		s.resetLog()
		w.apply()
		s.assertMutations(t)
		w.assertPrinted("apply", "Existing Tag Will Be Adopted", "Existing Credential Will Be Adopted", "Existing Branch Will Be Adopted",
			"Existing Repository Will Be Adopted", "Existing Read-only Repository Will Be Adopted", "None of its attributes changes.")
		for name, id := range w.stateIDs() {
			if first[name] != id {
				t.Errorf("%s is %s, want %s", name, id, first[name])
			}
		}
		if twice, lost := s.compareObjects(t, w); twice != 0 || lost != 0 {
			t.Errorf("%d objects twice, %d lost", twice, lost)
		}
		w.planNothing()
	}
	w.destroy()
	s.assertNothingLeft(t)
}

// The create adopts the object that the same apply deletes next, if nobody prevents that.
func TestAdoption_ObjectOfAnotherResourceOfTheSameApplyIsKept(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	configuration := func(name string) string {
		return requirement + s.fill(`
			resource "infrahub_tag" "`+name+`" {
				name = "tag-NAME"
				lifecycle { create_before_destroy = true }
			}
		`)
	}
	w := s.newWorkspace(t, configuration("test"), adoptExisting)
	w.apply()
	first := w.stateIDs()
	w.apply("-replace=infrahub_tag.test")
	w.assertPrinted("apply", "Tag Still Exists", "another resource has adopted this object")
	w.planNothing()
	if second := w.stateIDs(); second[s.name("tag")] != first[s.name("tag")] || len(s.objects(t)) != 1 {
		t.Errorf("the tag %v became %v", first, second)
	}

	w.write("main.tf", configuration("renamed")) // without a moved block: the order of destroy and create is open
	w.apply()
	w.planNothing()
	if twice, ids := len(s.objects(t)[s.name("tag")]), w.stateIDs(); twice != 1 || len(ids) != 1 {
		t.Errorf("%d tags, in the state %v", twice, ids)
	}
	w.destroy()
	s.assertNothingLeft(t)
}

// importBlock finds the import blocks in what a CLI prints, with its frame around diagnostics removed.
var importBlock = regexp.MustCompile(`import \{\s+to = (infrahub_\w+)\.NAME\s+id = "([0-9a-f-]+)"\s+\}`)

func TestAdoption_OffPrintsImportBlocksThatWork(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.newRemote(t, "lab.git")
	s.newRemote(t, "network.git")
	w := s.newWorkspace(t, requirement+s.fill(`
		resource "infrahub_tag" "test" { name = "tag-NAME" }
		resource "infrahub_password_credential" "test" { name = "git-NAME" }
		resource "infrahub_branch" "test" {
			name          = "release-NAME"
			sync_with_git = false
		}
		resource "infrahub_repository" "test" {
			name     = "network-NAME"
			location = "GIT/network.git"
		}
		resource "infrahub_read_only_repository" "test" {
			name     = "lab-NAME"
			location = "GIT/lab.git"
		}
	`))
	w.apply()
	w.throwStateAway()
	s.resetLog()
	w.run(1, "apply", "-auto-approve")
	printed := strings.ReplaceAll(w.printed["apply"], "│", "")
	blocks := importBlock.FindAllString(printed, -1)
	if len(blocks) != 5 {
		t.Fatalf("printed %d import blocks, want 5\n%s", len(blocks), w.printed["apply"])
	}
	w.write("import.tf", strings.ReplaceAll(strings.Join(blocks, "\n"), ".NAME", ".test"))
	s.resetLog()
	w.apply()
	s.assertMutations(t)
	w.assertPrinted("apply", "5 imported, 0 added, 0 changed, 0 destroyed")
	w.destroy()
	s.assertNothingLeft(t)
}

// life is what became of one workspace whose applies were killed.
type life struct {
	applies, twice, lost int
	kills                int
	byHand               bool
}

// seeds is how many lives are lived: TEST_SEEDS, or a few.
func seeds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TEST_SEEDS")
	if text == "" {
		return 3
	}
	count, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func TestAdoption_KilledAppliesHealByThemselves(t *testing.T) {
	t.Parallel()
	lives := make(chan life, seeds(t))
	t.Cleanup(func() { reportLives(t, lives) }) // after all of them
	for seed := range uint64(cap(lives)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			lives <- liveWithKills(t, seed)
		})
	}
}

// reportLives logs what became of all lives, and fails the test if one needed more than applies.
func reportLives(t *testing.T, lives chan life) {
	t.Helper()
	close(lives)
	var total life
	count, byHand := 0, 0
	for l := range lives {
		count++
		total.applies, total.kills, total.twice, total.lost = total.applies+l.applies, total.kills+l.kills, total.twice+l.twice, total.lost+l.lost
		if l.byHand {
			byHand++
		}
	}
	t.Logf("%d lives, %d kills, %d applies until green, objects twice %d, lost %d, lives that needed a person %d",
		count, total.kills, total.applies, total.twice, total.lost, byHand)
	if total.twice+total.lost+byHand > 0 {
		t.Error("a killed apply has left something to repair")
	}
}

// liveWithKills kills one to three applies at random points, throws the state away after some of them, and applies until that works.
func liveWithKills(t *testing.T, seed uint64) life {
	t.Helper()
	s := newServer(t)
	s.mockOnly(t, "it kills applies many times")
	w := s.newAdoptionWorkspace(t, adoptExisting)
	random := rand.New(rand.NewPCG(seed, 12))
	var l life
	for range 1 + random.IntN(3) {
		s.resetLog()
		if w.killAt(s.randomPoint(random)) {
			l.kills++
		}
		if random.IntN(2) == 0 {
			w.throwStateAway()
		}
	}
	for l.applies = 1; !w.tryApply(); l.applies++ {
		if l.applies == 5 {
			t.Errorf("seed %d needs a person\n%s", seed, w.printed["apply"])
			l.byHand = true
			return l
		}
	}
	l.twice, l.lost = s.compareObjects(t, w)
	if l.twice+l.lost > 0 {
		t.Errorf("seed %d: %d objects twice, %d lost", seed, l.twice, l.lost)
	}
	w.planNothing()
	w.destroy()
	s.assertNothingLeft(t)
	return l
}

// randomPoint returns a condition that holds at a random moment of an apply: once some mutation was received, or after some time.
func (s *server) randomPoint(random *rand.Rand) func() bool {
	if random.IntN(3) == 0 {
		moment := time.Now().Add(time.Duration(random.IntN(6000)) * time.Millisecond)
		return func() bool { return time.Now().After(moment) }
	}
	count, delay := 1+random.IntN(adoptionObjects), time.Duration(random.IntN(300))*time.Millisecond
	var since time.Time
	return func() bool {
		if since.IsZero() && len(s.mutations()) >= count {
			since = time.Now()
		}
		return !since.IsZero() && time.Since(since) >= delay
	}
}

// killAt applies, and kills the CLI and all that it has started once a condition holds. It reports whether the apply was still going on.
func (w *workspace) killAt(condition func() bool) bool {
	w.t.Helper()
	command := w.command("apply", "-auto-approve")
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = command.Wait() // killed or not, the next apply shows what it has left
	}()
	defer func() { w.record("apply", output.String()) }()
	for !condition() {
		select {
		case <-exited:
			return false
		case <-time.After(2 * time.Millisecond):
		}
	}
	if err := syscall.Kill(-command.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		w.t.Error(err)
	}
	<-exited
	return true
}

// tryApply applies and reports whether that worked.
func (w *workspace) tryApply() bool {
	w.t.Helper()
	output, err := w.command("apply", "-auto-approve").CombinedOutput()
	w.record("apply", string(output))
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		w.t.Fatal(err)
	}
	return err == nil
}
