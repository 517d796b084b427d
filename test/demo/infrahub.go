package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"

	client "github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// infrahub is the server of the demo, and the demo's own view of it.
type infrahub struct {
	description string
	address     string
	token       string
	client      *client.Client
	close       func()
}

// findInfrahub connects to the server that DEMO_INFRAHUB_ADDRESS names, or starts a mock.
func findInfrahub(ctx context.Context) (*infrahub, error) {
	server := &infrahub{
		description: "a real one at ",
		address:     os.Getenv("DEMO_INFRAHUB_ADDRESS"),
		token:       os.Getenv("DEMO_INFRAHUB_TOKEN"),
		close:       func() {},
	}
	if server.address == "" {
		if err := server.mock(); err != nil {
			return nil, err
		}
	}
	address, err := url.Parse(server.address)
	if err != nil {
		return nil, fmt.Errorf("DEMO_INFRAHUB_ADDRESS: %w", err)
	}
	server.client, err = client.New(client.Config{Address: address, Branch: "main", Token: server.token, UserAgent: "infrahub-demo"})
	if err != nil {
		return nil, err
	}
	connected, err := server.client.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to Infrahub at %s: %w", server.address, err)
	}
	server.description += fmt.Sprintf("%s, version %s", server.address, connected.Version)
	return server, nil
}

// mock starts the mock server on loopback, about as slow as a small real one.
func (s *infrahub) mock() error {
	mock, err := mockserver.New(mockserver.Options{Delay: mockserver.LiveDelay})
	if err != nil {
		return err
	}
	listening := httptest.NewServer(mock)
	s.description, s.address, s.token = "a mock at ", listening.URL, mockserver.DefaultToken
	s.close = func() {
		listening.Close()
		mock.Close()
	}
	return nil
}

// environ points the provider at the server.
func (s *infrahub) environ() []string {
	return []string{"INFRAHUB_ADDRESS=" + s.address, "INFRAHUB_API_TOKEN=" + s.token}
}

// commit is that of a repository as the server has it.
func (s *infrahub) commit(ctx context.Context, name string) (string, error) {
	repository, err := s.client.RepositoryNamed(ctx, client.ReadOnly, name)
	if err != nil || repository.Commit == nil {
		return "", errors.Join(fmt.Errorf("the server has no commit of %s", name), err)
	}
	return *repository.Commit, nil
}

// without checks that the server has neither a repository nor a credential of that name.
func (s *infrahub) without(ctx context.Context, name string) error {
	_, repository := s.client.RepositoryNamed(ctx, client.ReadOnly, name)
	_, credential := s.client.CredentialNamed(ctx, name)
	for _, err := range []error{repository, credential} {
		if !errors.Is(err, client.ErrNotFound) {
			return errors.Join(fmt.Errorf("%s is not gone from Infrahub", name), err)
		}
	}
	return nil
}
