// Package infrahub is a client of an Infrahub server. It manages credentials, tags, branches, proposed changes
// and Git repositories, and waits for the imports that changes of repositories start. It knows nothing of
// Terraform.
//
// How a server behaves was measured. Comments cite a fact of docs/guides/infrahub-behaviour.md by its section and
// number, as in (infrahub-behaviour.md, Writing 2).
package infrahub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// OldestVersion is the oldest server that the client is tested against.
const OldestVersion = "1.9.0"

// Config configures a client.
type Config struct {
	// Address is the server's base URL; GraphQL is at Address/graphql/Branch.
	Address *url.URL
	// Branch is the Infrahub branch to work on.
	Branch string
	// Token authenticates every request. If it is empty, Username and Password log in.
	Token    sensitive.Text
	Username string
	Password sensitive.Text
	// Timeout bounds one request without its retries. Zero means a minute.
	Timeout time.Duration
	// MaxRetries bounds how often one request is repeated after the first attempt. Refusals of an overloaded server do not count:
	// they are repeated for two minutes, unless MaxRetries is zero.
	MaxRetries int
	// Concurrency bounds how many requests are under way at once. Zero means 10.
	Concurrency int
	// UserAgent identifies the caller to the server.
	UserAgent string
	// Network configures how to reach the server.
	Network Network
	// Logger receives a debug line for every response, and an info line whenever a task that the client waits for
	// changes. Nil logs nothing.
	Logger *slog.Logger
	// Polling bounds how often the client asks for tasks while it waits. The zero value suits interactive use.
	Polling Polling
}

// Polling is the time between two requests of a waiting client: MinInterval at first and after each change, growing
// to MaxInterval while nothing changes.
type Polling struct {
	MinInterval, MaxInterval time.Duration
}

// Client works on one branch of one server. It is safe for concurrent use.
type Client struct {
	branch     string
	graphql    *transport
	maxRetries int
	tasks      *poller
	reads      *sharedReads
	// turns is held by the release that this process merges.
	turns chan struct{}
	log   *slog.Logger
}

// New returns a client. It sends nothing; Connect sends the first request.
func New(config Config) (*Client, error) {
	if config.Timeout == 0 {
		config.Timeout = time.Minute
	}
	if config.Polling == (Polling{}) {
		config.Polling = Polling{MinInterval: 250 * time.Millisecond, MaxInterval: 2 * time.Second}
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	transport, err := newTransport(config)
	if err != nil {
		return nil, err
	}
	return &Client{
		branch: config.Branch, graphql: transport, maxRetries: config.MaxRetries,
		tasks: newPoller(transport, config.Polling, config.Logger), reads: transport.reads, log: config.Logger,
		turns: make(chan struct{}, 1),
	}, nil
}

// Branch returns the name of the Infrahub branch that the client works on.
func (c *Client) Branch() string { return c.branch }

// Server describes the server that a client is connected to.
type Server struct {
	// Version is the version of Infrahub, such as 1.11.9.
	Version string
	// DeploymentID identifies the installation.
	DeploymentID string
	// Branch is the client's branch. Only its name is set if the server does not describe the branch.
	Branch Branch
	// BranchMissing is whether the server has no such branch.
	BranchMissing bool
}

// Connect checks that the server responds, accepts the credentials and is not too old, and whether it has the branch. Errors:
// ErrUnreachable, ErrBusy, ErrNotInfrahub, ErrUnauthorized, *TooOldError.
func (c *Client) Connect(ctx context.Context) (*Server, error) {
	info, err := graphql.ServerInfo(ctx, c.graphql, c.branch)
	missing := errors.Is(err, ErrBranchNotFound)
	if missing {
		info, err = graphql.ServerInfo(ctx, c.OnDefaultBranch().graphql, c.branch)
	}
	if err != nil {
		return nil, err
	}
	version := info.InfrahubInfo.Version
	release, err := parseRelease(version)
	if err != nil {
		return nil, fmt.Errorf("the server reports the version %q: %w", version, err)
	}
	if release.LessThan(semver.MustParse(OldestVersion)) {
		return nil, &TooOldError{Version: version}
	}
	connected := &Server{Version: version, DeploymentID: info.InfrahubInfo.Deployment_id, Branch: Branch{Name: c.branch}, BranchMissing: missing}
	for _, found := range info.Branch {
		connected.Branch = newBranch(found)
	}
	return connected, nil
}

// parseRelease returns the release that a server's version belongs to: 1.9.0 for 1.9.0-rc1 as well as for
// 1.9.0rc1, as Python writes it. So a prerelease counts as its release, not as older.
func parseRelease(version string) (*semver.Version, error) {
	suffix := strings.TrimLeft(version, "v.0123456789")
	return semver.NewVersion(strings.TrimSuffix(version, suffix))
}
