package infrahub

import (
	"context"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// Credential is a CorePasswordCredential. A nil field is not set; an empty one counts as not set.
type Credential struct {
	ID          string
	Name        string
	Label       *string
	Description *string
	Username    *string
	// Password is nil unless it was asked for.
	Password *sensitive.Text
}

// SameLogin reports whether a credential has the username and the password of another one.
func (c Credential) SameLogin(other Credential) bool {
	return deref(c.Username) == deref(other.Username) && deref(c.Password).Equal(deref(other.Password))
}

// WithPassword makes a read ask for the password, which the server returns in clear (infrahub-behaviour.md,
// Writing 6).
type WithPassword bool

// Credentials returns the credentials, with their passwords if those are asked for. The server makes a label of the
// name of a new one that has none (infrahub-behaviour.md, Writing 5). Deleting one silently detaches it from the
// repositories that use it (infrahub-behaviour.md, Writing 7).
func (c *Client) Credentials(password WithPassword) Nodes[Credential] {
	credentials := Nodes[Credential]{
		client: c, kind: "credential", withSecrets: bool(password),
		key: func(credential Credential) (string, string) { return credential.ID, credential.Name },
		list: func(ctx context.Context, filter Filter, page page) ([]Credential, error) {
			resp, err := graphql.Credentials(ctx, c.graphql, filter.IDs, filter.Names, page.limit, page.offset, bool(password))
			if err != nil {
				return nil, err
			}
			return nodesOf(resp.CorePasswordCredential.Edges, newCredential), nil
		},
		count: func(ctx context.Context) (int, error) {
			resp, err := graphql.CountCredentials(ctx, c.graphql)
			if err != nil {
				return 0, err
			}
			return resp.CorePasswordCredential.Count, nil
		},
		create: func(ctx context.Context, id string, want Credential) (string, error) {
			_, err := graphql.CreateCredential(ctx, c.graphql, &graphql.CorePasswordCredentialCreateInput{
				Id: &id, Name: set(&want.Name), Label: set(want.Label), Description: set(want.Description),
				Username: set(want.Username), Password: setSecret(want.Password),
			})
			return id, err
		},
		update: func(ctx context.Context, before, after Credential) error {
			data := graphql.CorePasswordCredentialUpdateInput{
				Id: &before.ID, Name: changedText(&before.Name, &after.Name), Label: changedText(before.Label, after.Label),
				Description: changedText(before.Description, after.Description),
				Username:    changedText(before.Username, after.Username), Password: changedSecret(before.Password, after.Password),
			}
			if unchanged(data, graphql.CorePasswordCredentialUpdateInput{Id: &before.ID}) {
				return nil
			}
			_, err := graphql.UpdateCredential(ctx, c.graphql, &data)
			return err
		},
		remove: func(ctx context.Context, id string) error {
			_, err := graphql.DeleteCredential(ctx, c.graphql, id)
			return err
		},
	}
	credentials.holder = credentials.holderByName
	return credentials
}

func newCredential(node *graphql.Credential) Credential {
	return Credential{
		ID: node.Id, Name: deref(value(node.Name)), Label: value(node.Label), Description: value(node.Description),
		Username: value(node.Username), Password: secretValue(node.Password),
	}
}
