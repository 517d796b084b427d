package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// adoptable returns the types that have adopt_existing.
func adoptable() []resourceType {
	return slices.DeleteFunc(resourceTypes(), func(r resourceType) bool { return r.name == readOnlyRefType })
}

// eachAdoptable runs a test in parallel for each type that has adopt_existing.
func eachAdoptable(t *testing.T, test func(t *testing.T, r resourceType)) {
	t.Helper()
	for _, r := range adoptable() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			test(t, r)
		})
	}
}

// adopting returns a configuration with adopt_existing.
func adopting(config attributes) attributes { return config.with(attributes{"adopt_existing": true}) }

// adopt plans and applies a configuration on a provider that has no state, and returns the warning of the plan.
func (i *instance) adopt(s *server, config attributes) diagnostic {
	i.t.Helper()
	plan := i.plan(config)
	plan.diagnostics.requireNoErrors(i.t)
	s.Log.Reset()
	i.apply(plan).requireNone(i.t)
	return plan.diagnostics.onlyWarning(i.t)
}

func (s *server) newInstance(t *testing.T, typeName string) *instance {
	t.Helper()
	return s.connect(t).newInstance(typeName)
}

// newNeighbor returns a resource that a new process applies together with another one.
func (s *server) newNeighbor(t *testing.T, other *instance, typeName string) *instance {
	t.Helper()
	applying := s.connect(t)
	other.testProvider = applying
	return applying.newInstance(typeName)
}

func TestAdoption_EqualObjectIsAdoptedWithoutAMutation(t *testing.T) {
	t.Parallel()
	for name, pick := range map[string]func(testObject) attributes{
		"minimal": func(o testObject) attributes { return o.minimal }, "full": func(o testObject) attributes { return o.full },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachAdoptable(t, func(t *testing.T, r resourceType) {
				s, created, object := r.start(t)
				config := pick(object)
				created.mustApply(config)
				s.WaitForTasks(t)
				created.refresh().requireNone(t)
				want := created.state.with(attributes{"adopt_existing": true})

				i := s.newInstance(t, r.name)
				warning := i.adopt(s, adopting(config))
				s.expectMutations(t)
				destroys := "a later destroy deletes it"
				if r.name == proposedChangeType {
					destroys = "a later destroy cancels it"
				}
				warning.expect(t, "", "Existing "+r.title()+" Will Be Adopted", config.text("name"), created.id(), "None of its attributes changes.", destroys)
				expectTitleCase(t, warning.summary)
				if difference := cmp.Diff(want, i.state); difference != "" {
					t.Errorf("state (-created +adopted):\n%s", difference)
				}
				if difference := cmp.Diff(created.identity, i.identity); difference != "" {
					t.Errorf("identity (-created +adopted):\n%s", difference)
				}
				i.expectEmptyPlan(adopting(config))
				i.refresh().requireNone(t)
				i.expectEmptyPlan(adopting(config))
				i.mustApply(config) // adopt_existing is no property of the object
				s.expectMutations(t)
				i.mustDestroy()
				if sent := s.takeMutations(); len(sent) != 1 || !strings.HasPrefix(sent[0], r.deleteMutation) {
					t.Errorf("a destroy sent %v", sent)
				}
				created.refresh().requireNoErrors(t)
				if created.state != nil && created.state["state"] != "canceled" {
					t.Errorf("the destroy left %v", created.state)
				}
			})
		})
	}
}

// adoptionMutations returns the mutations of an adoption of what differs by a change. No trigger is a property of the object, and a
// password that the configuration does not set is left alone.
func adoptionMutations(change change) []string {
	if change.to["wait_for_checks"] == true {
		return []string{"RunChecks: change"} // what the checks of an earlier run have seen is not known
	}
	_, triggers := change.to["reimport_triggers"]
	password, passwordChanges := change.to["password"]
	if triggers || passwordChanges && password == nil && change.to["password_wo"] == nil {
		return nil
	}
	return change.mutations
}

func TestAdoption_SendsWhatDiffersAlone(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		_, _, described := r.start(t)
		for n, change := range described.changes {
			_, renames := change.to["name"]
			_, moves := change.to["location"]
			if change.replaces || renames || moves {
				continue // another object, or a conflict
			}
			t.Run(fmt.Sprint(change.to), func(t *testing.T) {
				t.Parallel()
				s, created, object := r.created(t)
				change := object.changes[n]
				config := adopting(object.full.with(change.to))
				i := s.newInstance(t, r.name)
				warning := i.adopt(s, config)
				s.expectMutations(t, adoptionMutations(change)...)
				for name := range change.to {
					if announced := strings.Contains(warning.detail, "\n  "+name); len(adoptionMutations(change)) > 0 && !isSettingOnly(name) && name != "password_wo_version" && (name != "password" || change.to["password_wo"] == nil) && !announced {
						t.Errorf("the plan does not announce %s:\n%s", name, warning.detail)
					}
				}
				for _, hidden := range []string{secret, writeOnlySecret} {
					if strings.Contains(warning.detail, hidden) {
						t.Errorf("the plan shows the password: %s", warning.detail)
					}
				}
				if strings.Contains(fmt.Sprint(i.state)+string(i.private), writeOnlySecret) || strings.Contains(string(i.private), secret) {
					t.Errorf("saved a secret: %v %s", i.state, i.private)
				}
				if i.id() != created.id() {
					t.Errorf("adopted %s, want %s", i.id(), created.id())
				}
				s.WaitForTasks(t)
				i.refresh().requireNone(t)
				i.expectEmptyPlan(config)
			})
		}
	})
}

func TestAdoption_AnnouncesValuesButNoPassword(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	created := s.newInstance(t, credentialType)
	created.mustApply(attributes{"name": "git", "description": "Old", "username": "bot", "password": secret})
	i := s.newInstance(t, credentialType)
	warning := i.adopt(s, adopting(attributes{"name": "git", "label": "New", "username": "bot", "password": secret + "-2"}))
	warning.expect(t, "", "Existing Credential Will Be Adopted", `description: "Old" -> null`+"\n", `label: "Git" -> "New"`+"\n")
	if !strings.HasSuffix(warning.detail, "\n  password") {
		t.Errorf("the password is announced as %q", warning.detail)
	}
	s.expectMutations(t, "UpdateCredential: description id label password")
}

func TestAdoption_OffFailsWithAnImportBlockAndAsksNothing(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, created, object := r.created(t)
		for name, setting := range map[string]attributes{"not set": {}, "false": {"adopt_existing": false}} {
			i := s.connectWith(t, attributes{"adopt_existing": setting["adopt_existing"] != nil}).newInstance(r.name)
			plan := i.plan(object.full.with(setting))
			plan.diagnostics.requireNone(t)
			if sent := s.Log.Requests(); len(sent) > 0 {
				t.Errorf("%s: the plan sent %v", name, sent)
			}
			diags := i.apply(plan)
			got := diags.onlyError(t)
			unique, otherwise := "name", "another name"
			if r.name == proposedChangeType {
				unique, otherwise = "source_branch", "close that one in Infrahub"
			}
			got.expect(t, unique, got.summary, "\n\nimport {\n  to = "+r.name+".NAME\n  id = \""+created.id()+"\"\n}\n\n", "adopt_existing = true", otherwise)
			diags.expectNoSecret(t, secret)
			if i.state != nil {
				t.Errorf("saved %v", i.state)
			}
		}
	})
}

func TestAdoption_ProviderSettingHoldsUnlessTheResourceSaysOtherwise(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, created, object := r.created(t)
		i := s.connectWith(t, attributes{"adopt_existing": true}).newInstance(r.name)
		i.adopt(s, object.full)
		s.expectMutations(t)
		if i.id() != created.id() || i.state["adopt_existing"] != nil {
			t.Errorf("adopted %v", i.state)
		}
	})
}

func TestAdoption_NothingFoundIsCreatedAsUsual(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, i, object := r.start(t)
		plan := i.plan(adopting(object.full))
		s.Log.Reset()
		i.apply(plan).requireNone(t)
		s.expectMutations(t, object.createFull)
	})
}

func TestAdoption_ObjectThatAppearsAfterThePlanIsAdopted(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, created, object := r.start(t)
		i := s.newInstance(t, r.name)
		plan := i.plan(adopting(object.full))
		plan.diagnostics.requireNone(t)
		created.mustApply(object.full)
		s.WaitForTasks(t)
		s.Log.Reset()
		i.apply(plan).requireNone(t)
		s.expectMutations(t)
		if i.id() != created.id() {
			t.Errorf("adopted %s, want %s", i.id(), created.id())
		}
	})
}

// The lookup finds nothing, and the create is refused because somebody else was faster.
func TestAdoption_ObjectThatAppearsDuringTheCreateIsAdopted(t *testing.T) {
	t.Parallel()
	empty := map[string]string{
		tagType: `{"BuiltinTag":{"edges":[]}}`, credentialType: `{"CorePasswordCredential":{"edges":[]}}`, branchType: `{"Branch":[]}`,
		readOnlyType: `{"CoreReadOnlyRepository":{"edges":[]}}`, readWriteType: `{"CoreRepository":{"edges":[]}}`,
		proposedChangeType: `{"CoreProposedChange":{"edges":[]}}`,
	}
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, created, object := r.start(t)
		i := s.newInstance(t, r.name)
		plan := i.plan(adopting(object.minimal))
		created.mustApply(object.minimal)
		s.WaitForTasks(t)
		times := 1
		if r.name == branchType {
			times = 2 // the client looks itself whether the name is free
		}
		s.Inject(mockserver.Fault{Operation: r.queries[0], Times: times, Status: 200, ContentType: "application/json", Body: `{"data":` + empty[r.name] + `}`})
		i.apply(plan).requireNone(t)
		if i.id() != created.id() {
			t.Errorf("adopted %s, want %s", i.id(), created.id())
		}
	})
}

func TestAdoption_PlanThatCannotAskSaysNothing(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, _, object := r.created(t)
		for name, changes := range map[string]attributes{
			"unknown name": {"name": unknown, "adopt_existing": true}, "unknown setting": {"adopt_existing": unknown},
		} {
			p := s.connect(t)
			plan := p.newInstance(r.name).plan(object.full.with(changes))
			plan.diagnostics.requireNone(t)
			if sent := s.Log.Requests(); len(sent) > 0 {
				t.Errorf("%s: sent %v", name, sent)
			}
		}
		p := newProvider(t)
		p.configure(s.block().with(attributes{"branch": "later"})).onlyWarning(t)
		p.newInstance(r.name).plan(adopting(object.full)).diagnostics.requireNone(t)
		newProvider(t).newInstance(r.name).plan(adopting(object.full)).diagnostics.requireNone(t)
	})
}

func TestAdoption_UnknownValuesAreAnnounced(t *testing.T) {
	t.Parallel()
	s := startServer(t, mockserver.Options{})
	s.createTag(t, "core", "Old")
	plan := s.newInstance(t, tagType).plan(adopting(attributes{"name": "core", "description": unknown}))
	plan.diagnostics.requireNoErrors(t)
	plan.diagnostics.onlyWarning(t).expect(t, "", "Existing Tag Will Be Adopted", `description: "Old" -> (known after apply)`)
}

// An adoption that fails must not leave a tainted object: Terraform would delete what it did not create.
func TestAdoption_FailureLeavesNoState(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, _, object := r.created(t)
		update := object.changes[slices.IndexFunc(object.changes, func(c change) bool {
			_, description := c.to["description"]
			return description
		})].to
		config := adopting(object.full.with(update))
		i := s.newInstance(t, r.name)
		plan := i.plan(config)
		s.failOnce(r.updateMutation, 200, refusal)
		got := i.apply(plan).onlyError(t)
		if !strings.HasSuffix(got.summary, " Not Adopted") || !strings.Contains(got.detail, "Refused.") || i.state != nil {
			t.Errorf("got %s, saved %v", got, i.state)
		}
		// The object cannot be read after it was changed.
		s.injectAfter(mockserver.Fault{Operation: r.queries[0], Times: 1, Status: 500, Body: "Internal Server Error"},
			func(request mockserver.Request) bool { return request.Mutation })
		i.apply(plan).onlyError(t)
		if i.state != nil {
			t.Errorf("saved %v", i.state)
		}
		s.WaitForTasks(t)
		i.adopt(s, config)
		s.expectMutations(t)
	})
}

// With create_before_destroy, and where a resource is renamed without a moved block, the create adopts the very object that the same
// apply then deletes.
func TestAdoption_ObjectIsNotDeletedByTheResourceThatHadIt(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, before, object := r.created(t)
		i := s.newNeighbor(t, before, r.name)
		i.adopt(s, adopting(object.full))
		before.apply(before.plan(nil)).onlyWarning(t).expect(t, "", r.title()+" Still Exists", i.id(), "another resource has adopted this object")
		s.expectMutations(t)
		if before.state != nil {
			t.Errorf("kept %v", before.state)
		}
		i.refresh().requireNone(t)
		i.mustDestroy()
		if sent := s.takeMutations(); len(sent) != 1 {
			t.Errorf("a destroy of the resource that has it sent %v", sent)
		}
	})
}

// In the other order the object is deleted between the lookup and the adoption: the create makes a new one.
func TestAdoption_ObjectThatTheSameApplyDeletesFirstIsCreatedAgain(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, before, object := r.created(t)
		i := s.newNeighbor(t, before, r.name)
		plan := i.plan(adopting(object.full))
		plan.diagnostics.requireNoErrors(t)
		destroy := before.plan(nil)
		s.Log.Reset()
		s.Inject(mockserver.Fault{Operation: r.queries[0], Times: 1, After: true, Delay: 300 * time.Millisecond})
		created := make(chan diagnostics)
		go func() { created <- i.apply(plan) }()
		time.Sleep(100 * time.Millisecond) // the lookup is carried out, and its answer is on its way
		before.apply(destroy).requireNone(t)
		(<-created).requireNone(t)
		if sent := s.takeMutations(); len(sent) != 2 || !strings.HasPrefix(sent[0], r.deleteMutation) || sent[1] != object.createFull {
			t.Errorf("sent %v, want a delete and a create", sent)
		}
		i.refresh().requireNone(t)
		if i.id() == before.id() {
			t.Errorf("the object that was deleted, %s, is still in the state", i.id())
		}
	})
}

// An object that could not be deleted is adopted after all.
func TestAdoption_WaitsForTheEndOfADelete(t *testing.T) {
	t.Parallel()
	for name, deleted := range map[string]bool{"that succeeds": true, "that fails": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var nodes adoptedNodes
				if !nodes.beginDelete("id", "") {
					t.Fatal("the delete of a node that nobody has adopted is refused")
				}
				canceled, cancel := context.WithCancel(t.Context())
				cancel()
				if _, ok := nodes.add(canceled, "id"); ok {
					t.Error("adopted during the delete")
				}
				adopted := make(chan bool, 1)
				go func() {
					_, ok := nodes.add(t.Context(), "id")
					adopted <- ok
				}()
				synctest.Wait()
				if len(adopted) > 0 {
					t.Error("did not wait")
				}
				nodes.endDelete("id", deleted)
				if got := <-adopted; got == deleted {
					t.Errorf("adopted: %t", got)
				}
			})
		})
	}
}

// title returns what diagnostics call the type.
func (r resourceType) title() string {
	return map[string]string{
		tagType: "Tag", branchType: "Branch", credentialType: "Credential", readOnlyType: "Read-only Repository", readWriteType: "Repository",
		proposedChangeType: "Proposed Change",
	}[r.name]
}

// The object of a resource that is replaced is deleted before the create.
func TestAdoption_PlanOfAReplacementSaysNothing(t *testing.T) {
	t.Parallel()
	eachAdoptable(t, func(t *testing.T, r resourceType) {
		s, before, object := r.created(t)
		byIdentity := s.newInstance(t, r.name)
		byIdentity.identity = before.identity
		byIdentity.plan(adopting(object.full)).diagnostics.requireNone(t)

		refreshed := *before
		refreshed.testProvider = s.connect(t)
		refreshed.refresh().requireNone(t)
		refreshed.newInstance(r.name).plan(adopting(object.full)).diagnostics.requireNone(t)
	})
}
