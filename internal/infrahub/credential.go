package infrahub

import (
	"context"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Credential is a CorePasswordCredential. A nil field is not set; an empty one counts as not set.
type Credential struct {
	ID          string
	Name        string
	Label       *string
	Description *string
	Username    *string
	// Password is nil unless it was asked for.
	Password *string
}

// WithPassword makes a read ask for the password, which the server returns in clear (infrahub.md,
// Writing 6).
type WithPassword bool

// Credential returns the credential with an id, or ErrNotFound.
func (c *Client) Credential(ctx context.Context, id string, password WithPassword) (*Credential, error) {
	return c.credential(ctx, "credential "+id, []string{id}, nil, password)
}

// CredentialNamed returns the credential with a name, or ErrNotFound. It never holds the password.
func (c *Client) CredentialNamed(ctx context.Context, name string) (*Credential, error) {
	return c.credential(ctx, "credential "+name, nil, []string{name}, false)
}

func (c *Client) credential(ctx context.Context, what string, ids, names []string, password WithPassword) (*Credential, error) {
	answer, err := graphql.Credentials(ctx, c.graphql, ids, names, bool(password))
	if err != nil {
		return nil, err
	}
	for _, edge := range answer.CorePasswordCredential.Edges {
		if edge.Node != nil {
			return &Credential{
				ID:          edge.Node.Id,
				Name:        deref(value(edge.Node.Name)),
				Label:       value(edge.Node.Label),
				Description: value(edge.Node.Description),
				Username:    value(edge.Node.Username),
				Password:    value(edge.Node.Password),
			}, nil
		}
	}
	return nil, missing(what, c.branch)
}

// CreateCredential creates a credential and returns its id. The server makes a label of the name if
// there is none (infrahub.md, Writing 5).
func (c *Client) CreateCredential(ctx context.Context, want Credential) (string, error) {
	return c.create(ctx, func(ctx context.Context, id string) error {
		_, err := graphql.CreateCredential(ctx, c.graphql, id, text(&want.Name), text(want.Label),
			text(want.Description), text(want.Username), text(want.Password))
		return err
	}, func(ctx context.Context, id string) error {
		_, err := c.Credential(ctx, id, false)
		return err
	})
}

// UpdateCredential makes after of before, and sends only what differs between them.
func (c *Client) UpdateCredential(ctx context.Context, before, after Credential) error {
	name, label := changedText(&before.Name, &after.Name), changedText(before.Label, after.Label)
	description, username := changedText(before.Description, after.Description), changedText(before.Username, after.Username)
	password := changedText(before.Password, after.Password)
	if name == nil && label == nil && description == nil && username == nil && password == nil {
		return nil
	}
	_, err := graphql.UpdateCredential(ctx, c.graphql, before.ID, name, label, description, username, password)
	return c.updated(err, func() error {
		_, err := c.Credential(ctx, before.ID, false)
		return err
	})
}

// DeleteCredential deletes a credential; one that is gone already is no error. Repositories that use
// it are silently detached by the server (infrahub.md, Writing 7).
func (c *Client) DeleteCredential(ctx context.Context, id string) error {
	return c.remove(func() error {
		_, err := graphql.DeleteCredential(ctx, c.graphql, id)
		return err
	}, func() error {
		_, err := c.Credential(ctx, id, false)
		return err
	})
}

// attribute is a text attribute in any answer.
type attribute interface{ GetValue() *string }

// value is what an attribute holds; the server's null and "" both mean that it is not set.
func value[A interface {
	attribute
	comparable
}](a A) *string {
	var none A
	if a == none {
		return nil
	}
	if v := a.GetValue(); v != nil && *v != "" {
		return v
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
