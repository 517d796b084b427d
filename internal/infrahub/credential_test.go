package infrahub_test

import (
	"testing"
	"testing/synctest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

func TestCredential_CreateSendsWhatIsSet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		want  infrahub.Credential
		sent  object
		label string
	}{
		{"a name alone", infrahub.Credential{Name: "my-git"}, object{"name": set("my-git")}, "My-Git"},
		{
			"everything",
			infrahub.Credential{
				Name: "git", Label: new("Git"), Description: new("For Git"), Username: new("bot"), Password: new(sensitive.New("s3cret")),
			},
			object{"name": set("git"), "label": set("Git"), "description": set("For Git"), "username": set("bot"), "password": set("s3cret")},
			"Git",
		},
		{
			"an empty text",
			infrahub.Credential{Name: "git", Label: new("Git"), Username: new("")},
			object{"name": set("git"), "label": set("Git"), "username": set("")},
			"Git",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				id, err := client.Credentials(false).Create(t.Context(), test.want)
				must(t, err)
				test.sent["id"] = id
				wantEqual(t, "variables", test.sent, s.variables(t, "CreateCredential"))
				got, err := client.Credentials(true).Get(t.Context(), id)
				must(t, err)
				test.want.ID, test.want.Label = id, &test.label
				if test.want.Username != nil && *test.want.Username == "" {
					test.want.Username = nil // an empty text counts as not set
				}
				wantEqual(t, "credential", &test.want, got)
			})
		})
	}
}

func TestCredential_UpdateSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	full := infrahub.Credential{
		Name: "git", Label: new("Git"), Description: new("For Git"), Username: new("bot"), Password: new(sensitive.New("s3cret")),
	}
	for _, test := range []struct {
		name string
		edit func(after *infrahub.Credential)
		sent object // nil: nothing
	}{
		{"nothing", func(*infrahub.Credential) {}, nil},
		{"equal texts", func(after *infrahub.Credential) { after.Username = new("bot") }, nil},
		{"the name", func(after *infrahub.Credential) { after.Name = "other" }, object{"name": set("other")}},
		{"the password", func(after *infrahub.Credential) { after.Password = new(sensitive.New("new")) }, object{"password": set("new")}},
		{
			"two attributes", func(after *infrahub.Credential) { after.Description, after.Username = new(""), new("other") },
			object{"description": set(""), "username": set("other")},
		},
		{
			"everything cleared",
			func(after *infrahub.Credential) { *after = infrahub.Credential{Name: "git"} },
			object{"label": set(nil), "description": set(nil), "username": set(nil), "password": set(nil)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := start(t, mockserver.Options{})
				client := s.client(t)
				before, after := full, full
				id, err := client.Credentials(false).Create(t.Context(), before)
				must(t, err)
				before.ID = id
				test.edit(&after)
				s.Log.Reset()
				must(t, client.Credentials(false).Update(t.Context(), before, after))
				if test.sent == nil {
					s.wantOperations(t)
					return
				}
				test.sent["id"] = id
				wantEqual(t, "variables", test.sent, s.variables(t, "UpdateCredential"))
				got, err := client.Credentials(true).Get(t.Context(), id)
				must(t, err)
				after.ID = id
				if after.Description != nil && *after.Description == "" {
					after.Description = nil // an empty text counts as not set
				}
				wantEqual(t, "credential", &after, got)
			})
		})
	}
}

// The server returns passwords in clear (infrahub-behaviour.md, Writing 6), so none may be sent without need.
func TestCredential_PasswordIsReadOnlyOnRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		id, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git", Password: new(sensitive.New("s3cret"))})
		must(t, err)
		for _, test := range []struct {
			read     func() (*infrahub.Credential, error)
			password *sensitive.Text
			sent     object
		}{
			{
				func() (*infrahub.Credential, error) { return client.Credentials(false).Get(t.Context(), id) }, nil,
				object{"ids": []any{id}, "limit": 100.0, "offset": 0.0, "withPassword": false},
			},
			{
				func() (*infrahub.Credential, error) { return client.Credentials(false).GetByName(t.Context(), "git") }, nil,
				object{"names": []any{"git"}, "limit": 100.0, "offset": 0.0, "withPassword": false},
			},
			{
				func() (*infrahub.Credential, error) { return client.Credentials(true).Get(t.Context(), id) }, new(sensitive.New("s3cret")),
				object{"ids": []any{id}, "limit": 100.0, "offset": 0.0, "withPassword": true},
			},
		} {
			s.Log.Reset()
			got, err := test.read()
			must(t, err)
			wantEqual(t, "id", id, got.ID)
			wantEqual(t, "password", test.password, got.Password)
			wantEqual(t, "variables", test.sent, s.variables(t, "Credentials"))
		}
	})
}
