package infrahub_test

import (
	"maps"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// tagged makes the tags that a repository can have.
func (s *server) tagged(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		s.ask(t, `mutation{BuiltinTagCreate(data:{name:{value:"`+name+`"}}){ok}}`)
	}
}

// imported ignores what an import makes of a repository.
func imported() cmp.Option {
	return cmpopts.IgnoreFields(infrahub.Repository{}, "Commit", "InternalStatus", "OperationalStatus", "SyncStatus")
}

// operation names what is done to a kind, as the documents do.
func operation(verb string, kind infrahub.Kind) string {
	if kind == infrahub.ReadOnly {
		return verb + "ReadOnlyRepository"
	}
	return verb + "Repository"
}

func TestRepository_CreateSendsWhatIsSet(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		for _, full := range []bool{false, true} {
			name := "a " + kind.String() + " with what it needs"
			if full {
				name = "a " + kind.String() + " with everything"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{})
					client := s.client(t)
					r := newRemote(t)
					wanted := readOnly(r, "main")
					wanted.Kind = kind
					refName := "ref"
					if kind == infrahub.ReadWrite {
						refName = "default_branch"
					}
					sent := object{"name": set("network"), "location": set(r.Path), refName: set("main")}
					if full {
						s.tagged(t, "blue", "green", "red")
						wanted.Description, wanted.Tags = new("Our network"), []string{"red", "blue"}
						wanted.CredentialID = new(credential(t, client).ID)
						sent["description"], sent["credential"] = set("Our network"), object{"id": *wanted.CredentialID}
						sent["tags"] = []any{object{"hfid": []any{"blue"}}, object{"hfid": []any{"red"}}}
					}
					id, _, err := client.CreateRepository(t.Context(), wanted)
					if err != nil {
						t.Fatal(err)
					}
					sent["id"] = id
					if difference := cmp.Diff(sent, s.variables(t, operation("Create", kind))); difference != "" {
						t.Error(difference)
					}
					wanted.ID = id
					if full {
						wanted.Tags = []string{"blue", "red"}
					}
					byID, err := client.Repositories(kind).Get(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					if difference := cmp.Diff(&wanted, byID, imported()); difference != "" {
						t.Error(difference)
					}
					byName, err := client.Repositories(kind).GetByName(t.Context(), "network")
					if err != nil {
						t.Fatal(err)
					}
					if difference := cmp.Diff(byID, byName, imported()); difference != "" {
						t.Error(difference)
					}
				})
			})
		}
	}
}

func TestRepository_UpdateSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		edit func(after *infrahub.Repository)
		sent object // nil is nothing
	}{
		{"nothing", func(*infrahub.Repository) {}, nil},
		{"the order of tags", func(after *infrahub.Repository) { after.Tags = []string{"red", "blue"} }, nil},
		{"what the server computes", func(after *infrahub.Repository) {
			after.Commit, after.InternalStatus, after.OperationalStatus, after.SyncStatus = new("c"), "", "", ""
		}, nil},
		{"name", func(after *infrahub.Repository) { after.Name = "other" }, object{"name": set("other")}},
		{"description", func(after *infrahub.Repository) { after.Description = new("new") }, object{"description": set("new")}},
		{"no description", func(after *infrahub.Repository) { after.Description = nil }, object{"description": set(nil)}},
		{"no credential", func(after *infrahub.Repository) { after.CredentialID = nil }, object{"credential": nil}},
		{"no tags", func(after *infrahub.Repository) { after.Tags = nil }, object{"tags": []any{}}},
		{"another tag", func(after *infrahub.Repository) { after.Tags = []string{"green", "blue"} }, object{
			"tags": []any{object{"hfid": []any{"blue"}}, object{"hfid": []any{"green"}}},
		}},
	} {
		for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
			t.Run(test.name+" of a "+kind.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{})
					client := s.client(t)
					s.tagged(t, "blue", "green", "red")
					wanted := readOnly(newRemote(t), "main")
					wanted.Kind, wanted.Description, wanted.Tags = kind, new("Our network"), []string{"blue", "red"}
					wanted.CredentialID = new(credential(t, client).ID)
					id, started, err := client.CreateRepository(t.Context(), wanted)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := started.Wait(patient(t)); err != nil {
						t.Fatal(err)
					}
					before, err := client.Repositories(kind).Get(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					after := *before
					test.edit(&after)
					s.log.Reset()
					following, err := client.UpdateRepository(t.Context(), *before, after)
					if err != nil || following != nil {
						t.Fatalf("got %v, %v; want no import", following, err)
					}
					if test.sent == nil {
						if sent := s.operations(); sent != nil {
							t.Errorf("sent %v, want nothing", sent)
						}
						return
					}
					sent := maps.Clone(test.sent)
					sent["id"] = id
					if difference := cmp.Diff(sent, s.variables(t, operation("Update", kind))); difference != "" {
						t.Error(difference)
					}
					got, err := client.Repositories(kind).Get(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					if difference := cmp.Diff(&after, got, imported(), cmpopts.SortSlices(func(a, b string) bool { return a < b })); difference != "" {
						t.Error(difference)
					}
				})
			})
		}
	}
}

// The server stores another default branch and never acts on it (infrahub.md, Importing).
func TestRepository_DefaultBranchIsNeverSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		before := readWrite(newRemote(t))
		id, _, err := client.CreateRepository(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		before.ID = id
		after := before
		after.Name, after.Ref = "other", "feature"
		if _, err := client.UpdateRepository(t.Context(), before, after); err != nil {
			t.Fatal(err)
		}
		if difference := cmp.Diff(object{"id": id, "name": set("other")}, s.variables(t, "UpdateRepository")); difference != "" {
			t.Error(difference)
		}
	})
}

func TestRepository_DeleteIsForGood(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				wanted := readOnly(newRemote(t), "main")
				wanted.Kind = kind
				id, _, err := client.CreateRepository(t.Context(), wanted)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second finds it gone already
					if err := client.Repositories(kind).Delete(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
				_, err = client.Repositories(kind).Get(t.Context(), id)
				ofKind(t, err, infrahub.ErrNotFound)
				if difference := cmp.Diff([]any{id, id}, s.ids(operation("Delete", kind))); difference != "" {
					t.Error(difference)
				}
			})
		})
	}
}
