package infrahub_test

import (
	"errors"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// createTags creates the tags that a repository can have.
func (s *server) createTags(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		s.Ask(t, `mutation{BuiltinTagCreate(data:{name:{value:"`+name+`"}}){ok}}`)
	}
}

// ignoreImported ignores the fields of a repository that an import changes.
func ignoreImported() cmp.Option {
	return cmpopts.IgnoreFields(infrahub.Repository{}, "Commit", "InternalStatus", "OperationalStatus", "SyncStatus")
}

// operationName returns the name of an operation on a kind, as in the documents.
func operationName(verb string, kind infrahub.Kind) string {
	if kind == infrahub.ReadOnly {
		return verb + "ReadOnlyRepository"
	}
	return verb + "Repository"
}

// getRepository returns a repository as the server has it.
func getRepository(t *testing.T, client *infrahub.Client, kind infrahub.Kind, id string) *infrahub.Repository {
	t.Helper()
	repository, err := client.Repositories(kind).Get(t.Context(), id)
	must(t, err)
	return repository
}

func TestRepository_CreateSendsWhatIsSet(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		for _, full := range []bool{false, true} {
			name := kind.String() + " with what it needs"
			if full {
				name = kind.String() + " with everything"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := start(t, mockserver.Options{})
					client := s.client(t)
					want := ofKind(newRemote(t), kind)
					refName := map[infrahub.Kind]string{infrahub.ReadOnly: "ref", infrahub.ReadWrite: "default_branch"}[kind]
					sent := object{"name": set("network"), "location": set(want.Location), refName: set("main")}
					if full {
						s.createTags(t, "blue", "green", "red")
						want.Description, want.Tags = new("Our network"), []string{"red", "blue"}
						want.CredentialID = new(createCredential(t, client).ID)
						sent["description"], sent["credential"] = set("Our network"), object{"id": *want.CredentialID}
						sent["tags"] = []any{object{"hfid": []any{"blue"}}, object{"hfid": []any{"red"}}}
					}
					want, _ = startCreate(t, client, want)
					sent["id"] = want.ID
					wantEqual(t, "variables", sent, s.variables(t, operationName("Create", kind)))
					if full {
						want.Tags = []string{"blue", "red"}
					}
					wantEqual(t, "repository by id", &want, getRepository(t, client, kind, want.ID), ignoreImported())
					byName, err := client.Repositories(kind).GetByName(t.Context(), "network")
					must(t, err)
					wantEqual(t, "repository by name", &want, byName, ignoreImported())
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
		sent object // nil: nothing
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
					s.createTags(t, "blue", "green", "red")
					want := ofKind(newRemote(t), kind)
					want.Description, want.Tags = new("Our network"), []string{"blue", "red"}
					want.CredentialID = new(createCredential(t, client).ID)
					id := createImported(t, client, want).ID
					before := getRepository(t, client, kind, id)
					after := *before
					test.edit(&after)
					s.Log.Reset()
					started, err := client.UpdateRepository(t.Context(), *before, after)
					if err != nil || started != nil {
						t.Fatalf("got %v, %v; want no import", started, err)
					}
					if test.sent == nil {
						s.wantOperations(t)
						return
					}
					sent := maps.Clone(test.sent)
					sent["id"] = id
					wantEqual(t, "variables", sent, s.variables(t, operationName("Update", kind)))
					wantEqual(t, "repository", &after, getRepository(t, client, kind, id),
						ignoreImported(), cmpopts.SortSlices(func(a, b string) bool { return a < b }))
				})
			})
		}
	}
}

// The server stores another default branch and never acts on it (infrahub-behaviour.md, Importing 18).
func TestRepository_ChangedDefaultBranchIsStoredAndImportsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		before, _ := startCreate(t, client, readWrite(newRemote(t)))
		after := before
		after.Name, after.Ref = "other", "feature"
		started, err := client.UpdateRepository(t.Context(), before, after)
		must(t, err)
		if started != nil {
			t.Errorf("got the import %v, want none", started)
		}
		wantEqual(t, "variables", object{"id": before.ID, "name": set("other"), "default_branch": set("feature")}, s.variables(t, "UpdateRepository"))
	})
}

func TestRepository_DeleteOfADeletedOneIsNoError(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				created, _ := startCreate(t, client, ofKind(newRemote(t), kind))
				for range 2 {
					must(t, client.Repositories(kind).Delete(t.Context(), created.ID))
				}
				_, err := client.Repositories(kind).Get(t.Context(), created.ID)
				wantKind(t, err, infrahub.ErrNotFound)
				wantEqual(t, "deleted ids", []any{created.ID, created.ID}, s.sentIDs(operationName("Delete", kind)))
			})
		})
	}
}

func TestFindRepository_FindsEitherKindByItsID(t *testing.T) {
	t.Parallel()
	for _, kind := range []infrahub.Kind{infrahub.ReadOnly, infrahub.ReadWrite} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				want := createImported(t, client, ofKind(newRemote(t), kind))
				got, err := client.FindRepository(t.Context(), want.ID)
				must(t, err)
				wantEqual(t, "repository", &want, got)
				_, err = client.FindRepository(t.Context(), missingID)
				wantKind(t, err, infrahub.ErrNotFound)
				wantContains(t, err.Error(), missingID+" on branch main")
				s.Inject(mockserver.Fault{Operation: "ReadOnlyRepositories", Status: http.StatusUnauthorized})
				_, err = client.FindRepository(t.Context(), want.ID)
				if err == nil || errors.Is(err, infrahub.ErrNotFound) {
					t.Errorf("got %v, want the error of the first read", err)
				}
			})
		})
	}
}

func TestRepository_IsInactiveOnABranchThatIsOlder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		s.createRelease(t)
		client := s.client(t)
		created := createImported(t, client, ofKind(newRemote(t), infrahub.ReadOnly))
		wantEqual(t, "inactive on main", false, created.Inactive())
		older, err := client.WithBranch("release").FindRepository(t.Context(), created.ID)
		must(t, err)
		wantEqual(t, "inactive on the older branch", true, older.Inactive())
	})
}
