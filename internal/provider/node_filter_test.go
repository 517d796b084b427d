package provider

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func TestNodeFilter_PickTheRepositoriesThatPassAll(t *testing.T) {
	t.Parallel()
	for _, name := range []string{readOnlyType, readWriteType} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, i, object := resourceTypeOf(t, name).created(t) // with the tag core, the credential nodeUUID, in-sync and online
			other := i.newInstance(name)
			other.apply(other.plan(attributes{"name": "other", "location": serveEmptyRemotes(t) + "/other.git", "tags": []string{"edge"}, "wait_for_import": false})).requireNoErrors(t)
			s.WaitForTasks(t)
			other.refresh().requireNoErrors(t)
			all := []string{object.importName, "other"}
			for description, test := range map[string]struct {
				config attributes
				want   []string
			}{
				"no filter":            {attributes{}, all},
				"tag":                  {attributes{"tag": "core"}, all[:1]},
				"other tag":            {attributes{"tag": "edge"}, all[1:]},
				"credential":           {attributes{"credential_id": nodeUUID}, all[:1]},
				"unused credential":    {attributes{"credential_id": otherUUID}, nil},
				"sync status":          {attributes{"sync_status": "in-sync"}, all[:1]},
				"other sync status":    {attributes{"sync_status": other.state.text("sync_status")}, all[1:]},
				"status of none":       {attributes{"sync_status": "error-import"}, nil},
				"operational status":   {attributes{"operational_status": "online"}, all[:1]},
				"name and tag":         {attributes{"names": all, "tag": "edge"}, all[1:]},
				"name and another tag": {attributes{"names": all[:1], "tag": "edge"}, nil},
				"all": {attributes{
					"names": all, "tag": "core", "credential_id": nodeUUID, "sync_status": "in-sync", "operational_status": "online",
				}, all[:1]},
			} {
				if difference := cmp.Diff(test.want, keys(i.listAll(name, listRequest{config: test.config}))); difference != "" {
					t.Errorf("%s (-want +got):\n%s", description, difference)
				}
			}
		})
	}
}

func TestNodeFilter_ValueThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	for _, name := range []string{readOnlyType, readWriteType} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, i, _ := resourceTypeOf(t, name).created(t)
			s.Ask(t, `mutation{CorePasswordCredentialCreate(data:{name:{value:"git"}}){ok}}`)
			for _, test := range []struct{ attribute, value, expects string }{
				{"tag", "nope", "the name of a tag"},
				{"credential_id", "0d0c96ac-0000-4ca5-9f28-68b527a471d7", "the id of a password credential"},
				{"credential_id", "git", "the id of a password credential that exists; names are not accepted"},
			} {
				s.Log.Reset()
				listed, failure := i.listFailing(t.Context(), name, listRequest{config: attributes{test.attribute: test.value}}, func(int) {})
				failure.expect(t, test.attribute, "Filter Value Not Found", test.value, "does not exist on branch main", test.attribute+" must be "+test.expects, "remove it to list without this filter")
				if sent := s.Log.Requests(); listed > 0 || slices.ContainsFunc(sent, func(r mockserver.Request) bool { return r.Operation == listResourceTypes()[name].operation }) {
					t.Errorf("%d results, sent %v", listed, sent)
				}
			}
			s.failOnce("Tags", http.StatusServiceUnavailable, "no healthy upstream")
			_, failure := i.listFailing(t.Context(), name, listRequest{config: attributes{"tag": "core"}}, func(int) {})
			failure.expect(t, "tag", "Filter Value Not Read", "no healthy upstream")
		})
	}
}
