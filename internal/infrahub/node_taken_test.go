package infrahub_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// taken wants a change that was refused because of another node, within seconds.
func taken(t *testing.T, err error, field, kind, id string) {
	t.Helper()
	failure, ok := errors.AsType[*infrahub.TakenError](err)
	if !ok || failure.Field != field || failure.Kind != kind || failure.ID != id {
		t.Errorf("got %#v (%v), want the %s of the %s %s", failure, err, field, kind, id)
	}
	if infrahub.OutcomeUnknown(err) {
		t.Error("a refused change is not known to be refused")
	}
}

func TestTaken_NamesTheNodeThatHasTheNameOrTheLocation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := start(t, mockserver.Options{}), newRemote(t)
		client := s.client(t)
		id, err := client.Tags().Create(t.Context(), infrahub.Tag{Name: "core"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Tags().Create(t.Context(), infrahub.Tag{Name: "core"})
		taken(t, err, "name", "tag", id)

		repository := createImported(t, client, readOnly(r, "v1.0.0"))
		sameName := readWrite(newRemote(t))
		sameName.Name = repository.Name
		_, _, err = client.CreateRepository(t.Context(), sameName)
		taken(t, err, "name", "read-only repository", repository.ID)
		sameLocation := readOnly(r, "v1.0.0")
		sameLocation.Name = "other"
		_, _, err = client.CreateRepository(t.Context(), sameLocation)
		taken(t, err, "location", "read-only repository", repository.ID)
	})
}

func TestTaken_ChangeIsRepeatedUntilTheNameIsFree(t *testing.T) {
	t.Parallel()
	for name, free := range map[string]func(t *testing.T, tags infrahub.Nodes[infrahub.Tag], holder infrahub.Tag) error{
		"by a rename": func(t *testing.T, tags infrahub.Nodes[infrahub.Tag], holder infrahub.Tag) error {
			return tags.Update(t.Context(), holder, infrahub.Tag{ID: holder.ID, Name: "edge"})
		},
		"by a delete": func(t *testing.T, tags infrahub.Nodes[infrahub.Tag], holder infrahub.Tag) error {
			return tags.Delete(t.Context(), holder.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tags := start(t, mockserver.Options{}).client(t).Tags()
				create := func(name string) infrahub.Tag {
					id, err := tags.Create(t.Context(), infrahub.Tag{Name: name})
					if err != nil {
						t.Error(err)
					}
					return infrahub.Tag{ID: id, Name: name}
				}
				holder, other := create("core"), create("old")
				go func() {
					time.Sleep(3 * time.Second)
					if err := free(t, tags, holder); err != nil {
						t.Error(err)
					}
				}()
				if err := tags.Update(t.Context(), other, infrahub.Tag{ID: other.ID, Name: "core"}); err != nil {
					t.Errorf("got %v, want the name once it is free", err)
				}
			})
		})
	}
}

func TestTaken_ExchangedNamesEndInAnErrorOfBoth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tags := start(t, mockserver.Options{}).client(t).Tags()
		var ids []string
		for _, name := range []string{"a", "b"} {
			id, err := tags.Create(t.Context(), infrahub.Tag{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		began := time.Now()
		other := make(chan error)
		go func() {
			other <- tags.Update(t.Context(), infrahub.Tag{ID: ids[0], Name: "a"}, infrahub.Tag{ID: ids[0], Name: "b"})
		}()
		taken(t, tags.Update(t.Context(), infrahub.Tag{ID: ids[1], Name: "b"}, infrahub.Tag{ID: ids[1], Name: "a"}), "name", "tag", ids[0])
		taken(t, <-other, "name", "tag", ids[1])
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("took %s", took)
		}
	})
}
