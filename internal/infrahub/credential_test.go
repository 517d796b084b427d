package infrahub_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// object and set shorten variables as JSON has them.
type object = map[string]any

func set(value any) object { return object{"value": value} }

func TestCredential_CreateSendsWhatIsSet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		want       infrahub.Credential
		sent       object
		wantsLabel string
	}{
		{"a name alone", infrahub.Credential{Name: "my-git"}, object{"name": set("my-git")}, "My-Git"},
		{
			"everything",
			infrahub.Credential{
				Name: "git", Label: new("Git"), Description: new("For Git"), Username: new("bot"), Password: new("s3cret"),
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
				if err != nil {
					t.Fatal(err)
				}
				test.sent["id"] = id
				if difference := cmp.Diff(test.sent, s.variables(t, "CreateCredential")); difference != "" {
					t.Error(difference)
				}
				got, err := client.Credentials(true).Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				test.want.ID, test.want.Label = id, &test.wantsLabel
				if test.want.Username != nil && *test.want.Username == "" {
					test.want.Username = nil // an empty one counts as not set
				}
				if difference := cmp.Diff(&test.want, got); difference != "" {
					t.Error(difference)
				}
			})
		})
	}
}

func TestCredential_UpdateSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	full := infrahub.Credential{
		Name: "git", Label: new("Git"), Description: new("For Git"), Username: new("bot"), Password: new("s3cret"),
	}
	for _, test := range []struct {
		name string
		edit func(after *infrahub.Credential)
		sent object // nil is nothing
	}{
		{"nothing", func(*infrahub.Credential) {}, nil},
		{"equal texts", func(after *infrahub.Credential) { after.Username = new("bot") }, nil},
		{"the name", func(after *infrahub.Credential) { after.Name = "other" }, object{"name": set("other")}},
		{"the password", func(after *infrahub.Credential) { after.Password = new("new") }, object{"password": set("new")}},
		{
			"two", func(after *infrahub.Credential) { after.Description, after.Username = new(""), new("other") },
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
				if err != nil {
					t.Fatal(err)
				}
				before.ID = id
				test.edit(&after)
				s.log.Reset()
				if err := client.Credentials(false).Update(t.Context(), before, after); err != nil {
					t.Fatal(err)
				}
				if test.sent == nil {
					if sent := s.operations(); sent != nil {
						t.Errorf("sent %v, want nothing", sent)
					}
					return
				}
				test.sent["id"] = id
				if difference := cmp.Diff(test.sent, s.variables(t, "UpdateCredential")); difference != "" {
					t.Error(difference)
				}
				got, err := client.Credentials(true).Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				after.ID = id
				if after.Description != nil && *after.Description == "" {
					after.Description = nil // an empty one counts as not set
				}
				if difference := cmp.Diff(&after, got); difference != "" {
					t.Error(difference)
				}
			})
		})
	}
}

// The server returns passwords in clear (infrahub.md, Writing 6): none crosses the wire unasked.
func TestCredential_PasswordIsAskedForOnlyWhereItIsWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, mockserver.Options{})
		client := s.client(t)
		id, err := client.Credentials(false).Create(t.Context(), infrahub.Credential{Name: "git", Password: new("s3cret")})
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			read     func() (*infrahub.Credential, error)
			password *string
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
				func() (*infrahub.Credential, error) { return client.Credentials(true).Get(t.Context(), id) }, new("s3cret"),
				object{"ids": []any{id}, "limit": 100.0, "offset": 0.0, "withPassword": true},
			},
		} {
			s.log.Reset()
			got, err := test.read()
			if err != nil {
				t.Fatal(err)
			}
			if difference := cmp.Diff(test.password, got.Password); difference != "" || got.ID != id {
				t.Errorf("got %v: %s", got, difference)
			}
			if difference := cmp.Diff(test.sent, s.variables(t, "Credentials")); difference != "" {
				t.Error(difference)
			}
		}
	})
}
