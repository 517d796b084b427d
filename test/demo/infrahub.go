package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"time"

	client "github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// infrahub is the server of the demo, with a client past the provider.
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
		description: "a live server at ",
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
	server.client, err = client.New(client.Config{Address: address, Branch: "main", Token: sensitive.New(server.token), UserAgent: "infrahub-demo"})
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

// mock starts the mock server on loopback, with delays like those of a live server.
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

// environ returns the settings of the provider for the server.
func (s *infrahub) environ() []string {
	return []string{"INFRAHUB_ADDRESS=" + s.address, "INFRAHUB_API_TOKEN=" + s.token}
}

// repository returns a repository on a branch. A repository without a commit is an error.
func (s *infrahub) repository(ctx context.Context, branch, name string) (*client.Repository, error) {
	found, err := s.client.WithBranch(branch).Repositories(client.ReadOnly).GetByName(ctx, name)
	if err != nil || found.Commit == nil {
		return nil, errors.Join(fmt.Errorf("branch %s has no commit of %s", branch, name), err)
	}
	return found, nil
}

// settle waits until the echo of an import has ended (infrahub-behaviour.md, Importing 7), as it has long before a next release. While
// it runs a plan also shows the statuses.
func (s *infrahub) settle(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		found, err := s.repository(ctx, "main", name)
		if err != nil {
			return err
		}
		tasks, err := s.client.RepositoryTasks(ctx, found.ID, 10)
		if err != nil {
			return fmt.Errorf("wait for the tasks of %s: %w", name, err)
		}
		running := slices.ContainsFunc(tasks, func(t client.Task) bool { return t.Duration == nil })
		if found.Healthy() && !running {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the tasks of %s: %w", name, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// hasNothing checks that the server has neither a repository nor a credential with a name.
func (s *infrahub) hasNothing(ctx context.Context, name string) error {
	_, repository := s.client.Repositories(client.ReadOnly).GetByName(ctx, name)
	_, credential := s.client.Credentials(false).GetByName(ctx, name)
	for _, err := range []error{repository, credential} {
		if !errors.Is(err, client.ErrNotFound) {
			return errors.Join(fmt.Errorf("%s still exists in Infrahub", name), err)
		}
	}
	return nil
}
