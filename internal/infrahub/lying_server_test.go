package infrahub_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// A server that breaks its own schema must never look like one that has lost an object: that would create the object twice.

// answering serves the same response to every request.
func answering(t *testing.T, body string) *infrahub.Client {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	})).client(t, noRetries)
}

const anID = "6ce18e51-f3b0-4e0c-9a3e-0a1f2b3c4d5e"

func TestLyingServer_ResponseThatBreaksTheSchemaIsAnError(t *testing.T) {
	t.Parallel()
	getTag := func(t *testing.T, c *infrahub.Client) error {
		t.Helper()
		_, err := c.Tags().Get(t.Context(), anID)
		return err
	}
	getRepository := func(t *testing.T, c *infrahub.Client) error {
		t.Helper()
		_, err := c.Repositories(infrahub.ReadOnly).Get(t.Context(), anID)
		return err
	}
	tag := func(nodes string) string { return `{"data":{"BuiltinTag":{"edges":[` + nodes + `]}}}` }
	repository := func(fields string) string {
		return `{"data":{"CoreReadOnlyRepository":{"edges":[{"node":{"id":"` + anID + `",` + fields + `}}]}}}`
	}
	for name, test := range map[string]struct {
		body, want string
		read       func(t *testing.T, c *infrahub.Client) error
	}{
		"data is null":            {`{"data":null}`, "BuiltinTag is missing", getTag},
		"data is missing":         {`{}`, "the response does not fit the schema", getTag},
		"the body is null":        {`null`, "the response does not fit the schema", getTag},
		"the body is a list":      {`[]`, "HTTP status 200 []", getTag},
		"the root is null":        {`{"data":{"BuiltinTag":null}}`, "BuiltinTag is missing", getTag},
		"the list is null":        {`{"data":{"BuiltinTag":{"edges":null}}}`, "BuiltinTag.edges is missing", getTag},
		"an edge is null":         {tag("null"), "BuiltinTag.edges.0 is missing", getTag},
		"an id is null":           {tag(`{"node":{"id":null}}`), "BuiltinTag.edges.0.node.id is missing", getTag},
		"an id is a number":       {tag(`{"node":{"id":7}}`), "the response does not fit the schema", getTag},
		"a text is an object":     {tag(`{"node":{"id":"` + anID + `","name":{"value":{}}}}`), "the response does not fit the schema", getTag},
		"a list is an object":     {`{"data":{"BuiltinTag":{"edges":{}}}}`, "the response does not fit the schema", getTag},
		"a credential is null":    {repository(`"credential":null,"tags":{"edges":[]}`), "CoreReadOnlyRepository.edges.0.node.credential is missing", getRepository},
		"tags are null":           {repository(`"credential":{"node":null},"tags":null`), "CoreReadOnlyRepository.edges.0.node.tags is missing", getRepository},
		"the list of tags":        {repository(`"credential":{"node":null},"tags":{"edges":null}`), "CoreReadOnlyRepository.edges.0.node.tags.edges is missing", getRepository},
		"another node":            {tag(`{"node":{"id":"another","name":{"value":"blue"}}}`), "a tag with the id another, which was not asked for", getTag},
		"two nodes for an id":     {tag(`{"node":{"id":"` + anID + `"}},{"node":{"id":"` + anID + `"}}`), "two tags with the id " + anID, getTag},
		"an error that is null":   {`{"data":null,"errors":[null]}`, "the server's error could not be read", getTag},
		"an error without a word": {`{"data":null,"errors":[{}]}`, "the server gives no reason", getTag},
		"another name": {tag(`{"node":{"id":"` + anID + `","name":{"value":"red"}}}`), `a tag with the name "red", which was not asked for`, func(t *testing.T, c *infrahub.Client) error {
			t.Helper()
			_, err := c.Tags().GetByName(t.Context(), "blue")
			return err
		}},
		"no branches": {`{"data":{"Branch":null}}`, "Branch is missing", func(t *testing.T, c *infrahub.Client) error {
			t.Helper()
			_, err := c.Branches().GetByName(t.Context(), "release")
			return err
		}},
		"no tasks": {`{"data":{"InfrahubTask":null}}`, "InfrahubTask is missing", func(t *testing.T, c *infrahub.Client) error {
			t.Helper()
			_, err := c.RepositoryTasks(t.Context(), anID, 10)
			return err
		}},
		"no server": {`{"data":{"InfrahubInfo":null,"Branch":[]}}`, "InfrahubInfo is missing", func(t *testing.T, c *infrahub.Client) error {
			t.Helper()
			_, err := c.Connect(t.Context())
			return err
		}},
		"a change that is not told of": {`{"data":{"BuiltinTagUpdate":null}}`, "BuiltinTagUpdate is missing", func(t *testing.T, c *infrahub.Client) error {
			t.Helper()
			err := c.Tags().Update(t.Context(), infrahub.Tag{ID: anID, Name: "blue"}, infrahub.Tag{ID: anID, Name: "red"})
			if !infrahub.OutcomeUnknown(err) {
				t.Errorf("the change is not said to be possible: %v", err)
			}
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := test.read(t, answering(t, test.body))
				if err == nil || errors.Is(err, infrahub.ErrNotFound) {
					t.Fatalf("got %v, want an error that does not say that the object is gone", err)
				}
				wantContains(t, err.Error(), test.want)
			})
		})
	}
}

// endless is a body that never ends, as fast as it is read.
type endless struct{}

// Read implements io.Reader.
func (endless) Read(to []byte) (int, error) {
	for i := range to {
		to[i] = ' '
	}
	return len(to), nil
}

func TestLyingServer_BodyWithoutEndIsRefusedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests++
			_, _ = io.Copy(w, endless{}) // until the client has enough
		})).client(t)
		_, err := client.Tags().Get(t.Context(), anID)
		wantKind(t, err, infrahub.ErrNotInfrahub)
		wantContains(t, err.Error(), "the response is longer than 64 MiB")
		wantEqual(t, "requests", 1, requests)
	})
}

func TestLyingServer_OneByteASecondEndsWithTheTimeoutOfTheRequest(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*infrahub.Config){
		"with a token": func(*infrahub.Config) {},
		"with a login": func(config *infrahub.Config) { config.Token, config.Username = sensitive.Text{}, "admin" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for r.Context().Err() == nil {
						_, _ = io.WriteString(w, " ")
						_ = http.NewResponseController(w).Flush()
						time.Sleep(time.Second)
					}
				})).client(t, noRetries, edit)
				began := time.Now()
				_, err := client.Tags().Get(t.Context(), anID)
				wantKind(t, err, infrahub.ErrUnreachable)
				wantDuration(t, began, time.Minute, time.Minute)
			})
		})
	}
}

// listing serves pages of 100 tags whose ids a function chooses by the offset.
func listing(t *testing.T, ids func(offset int) []string) (*infrahub.Client, *int) {
	t.Helper()
	requests := 0
	client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var edges []string
		for _, id := range ids(100 * requests) {
			edges = append(edges, fmt.Sprintf(`{"node":{"id":%q,"name":{"value":%q}}}`, id, id))
		}
		requests++
		_, _ = io.WriteString(w, `{"data":{"BuiltinTag":{"edges":[`+strings.Join(edges, ",")+`]}}}`)
	})).client(t)
	return client, &requests
}

func idsFrom(offset, count int) []string {
	var ids []string
	for i := range count {
		ids = append(ids, fmt.Sprint("tag ", offset+i))
	}
	return ids
}

func listTags(t *testing.T, client *infrahub.Client) (ids []string, err error) {
	t.Helper()
	for tag, err := range client.Tags().List(t.Context(), infrahub.Filter{}) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, tag.ID)
	}
	return ids, nil
}

func TestLyingServer_PageThatRepeatsEndsTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, requests := listing(t, func(int) []string { return idsFrom(0, 100) })
		_, err := listTags(t, client)
		wantKind(t, err, infrahub.ErrNotInfrahub)
		wantContains(t, err.Error(), "the server lists the same tags again")
		wantEqual(t, "requests", 2, *requests)
	})
}

func TestLyingServer_PagesWithoutEndEndTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, requests := listing(t, func(offset int) []string { return idsFrom(offset, 100) })
		_, err := listTags(t, client)
		wantKind(t, err, infrahub.ErrNotInfrahub)
		wantContains(t, err.Error(), "the list of tags does not end after 100000")
		wantEqual(t, "requests", 1000, *requests)
	})
}

// A node that is created while the list is read moves the last one of a page to the next page.
func TestList_NodeOnTwoPagesIsListedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := listing(t, func(offset int) []string {
			if offset == 0 {
				return idsFrom(0, 100)
			}
			return idsFrom(99, 50)
		})
		ids, err := listTags(t, client)
		must(t, err)
		wantEqual(t, "ids", idsFrom(0, 149), ids)
	})
}
