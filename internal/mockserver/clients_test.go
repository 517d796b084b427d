package mockserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// What a server does and the mock does not is an error that says so; what no server does is the server's error.
func TestNotImitated_IsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	for document, want := range map[string]string{
		`{CoreStandardGroup{count}}`:                         "Cannot query field 'CoreStandardGroup' on type 'Query': it is not imitated by infrahub-mock.",
		`{BuiltinTag(member_of_groups__ids:["x"]){count}}`:   "Unknown argument 'member_of_groups__ids' on field 'Query.BuiltinTag': it is not imitated by infrahub-mock.",
		`{NoSuchKind{count}}`:                                "Cannot query field 'NoSuchKind' on type 'Query'.",
		`mutation{InfrahubTaskCancel(data:{id:"x"}){ok}}`:    "Cannot query field 'InfrahubTaskCancel' on type 'Mutation': it is not imitated by infrahub-mock.",
		`mutation{BuiltinTagCreate(data:{profiles:[]}){ok}}`: "Field 'profiles' is not defined by type 'BuiltinTagCreateInput': it is not imitated by infrahub-mock.",
	} {
		if got := m.Post(t, "main", document); got.Text("errors.0.message") != want || got.At("data") != nil {
			t.Errorf("%s: got %s\nwant %s", document, got.Body, want)
		}
	}
	if got := m.Send(t, http.MethodPost, "/graphql/main?at=2026-01-01", `{"query":"{BuiltinTag{count}}"}`); !strings.Contains(got.Body, "The parameter at is not imitated by infrahub-mock.") {
		t.Errorf("got %s", got.Body)
	}
	for method, path := range map[string]string{http.MethodPost: "/api/schema/load", http.MethodGet: "/api/storage/object/x", http.MethodPut: "/api/schema/check"} {
		if got := m.Send(t, method, path, ""); got.Status != http.StatusNotImplemented || got.Text("errors.0.message") != path+" is not imitated by infrahub-mock" {
			t.Errorf("%s: got %d %s", path, got.Status, got.Body)
		}
	}
	if got := m.Send(t, http.MethodGet, "/nothing", ""); got.Status != http.StatusNotFound || got.Text("errors.0.message") == "" {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

// A query that asks for a kind that no server has cannot be imported, unless the seed names the kind.
func TestQueries_KindsOfTheSeed(t *testing.T) {
	t.Parallel()
	for _, seed := range []mockserver.Seed{{}, {Kinds: []string{"NetworkDevice"}}} {
		m := start(t, mockserver.Options{})
		if err := m.ApplySeed(t.Context(), seed); err != nil {
			t.Fatal(err)
		}
		r := mocktest.NewRemote(t, t.TempDir(), "r")
		files := mocktest.QueryFiles("devices", "1")
		files["queries/devices.gql"] = `query Q($name: String) { NetworkDevice(name__value: $name) { edges { node { name { value } ... on NetworkDevice { id } } } } }`
		r.Release(t, "v1", files)
		id := m.importReadOnly(t, r, "r", "v1")
		want := "v1 in-sync online"
		if seed.Kinds == nil {
			want = "v1 error-import online"
			reason := m.failureReason(t, id, "git-repository-add-read-only")
			if !strings.Contains(reason, "Query is not valid, [GraphQLError(") || !strings.Contains(reason, "Cannot query field") {
				t.Errorf("the reason is %s", reason)
			}
		}
		if got := m.state(t, r, "main", id); got != want {
			t.Errorf("with the kinds %v: got %s, want %s", seed.Kinds, got, want)
		}
	}
}

// A read-write repository whose remote moves gets the new commit, whatever the delay.
func TestSync_FollowsTheRemoteWithoutDelays(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{SyncInterval: 0})
	r := newRemote(t, t.TempDir(), "r")
	id := m.createReadWrite(t, r, "r", "main")
	m.WaitForTasks(t)
	r.Commit(t, "later", mocktest.QueryFiles("r", "later"))
	until(t, "the new commit", func() bool { return m.state(t, r, "main", id) == "later in-sync online" })
}
