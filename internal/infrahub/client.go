// Package infrahub talks to an Infrahub server: it manages credentials and Git repositories, and
// waits for the imports that they set going. It knows nothing of Terraform.
//
// What the server does and does not promise was measured; comments cite it as infrahub.md.
package infrahub

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/hashicorp/go-version"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// OldestVersion is the oldest server that the client is proven against.
const OldestVersion = "1.9.0"

// Config says where a server is and how to talk to it.
type Config struct {
	// Address is the server's base URL; GraphQL is at Address/graphql/Branch.
	Address *url.URL
	// Branch is the Infrahub branch to work on.
	Branch string
	// Token authenticates every request. If it is empty, Username and Password log in.
	Token    string
	Username string
	Password string
	// Timeout bounds one request, retries not included. Zero means a minute.
	Timeout time.Duration
	// MaxRetries bounds how often one request is repeated after the first try.
	MaxRetries int
	// UserAgent names the caller to the server.
	UserAgent string
	// Network is how to reach the server.
	Network Network
	// Logger receives a debug line for every answer and an info line for every change of a task that
	// is waited for. Nil means silence.
	Logger *slog.Logger
	// Polling bounds how often a waiting client asks for tasks. The zero value is right for people.
	Polling Polling
}

// Polling is how often a waiting client asks: from MinInterval, growing to MaxInterval while nothing changes.
type Polling struct {
	MinInterval, MaxInterval time.Duration
}

// Client is a connection to one branch of one server. It is safe for concurrent use.
type Client struct {
	branch     string
	graphql    *transport
	maxRetries int
	tasks      *poller
	log        *slog.Logger
}

// New returns a client. It sends nothing yet: Connect does.
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
		tasks: newPoller(transport, config.Polling, config.Logger), log: config.Logger,
	}, nil
}

// Branch is the Infrahub branch that the client works on.
func (c *Client) Branch() string { return c.branch }

// Server is what a client is connected to.
type Server struct {
	// Version is that of Infrahub, such as 1.11.9.
	Version string
	// Branch is the client's branch; of a server that does not tell only the name is known.
	Branch Branch
}

// Connect makes sure that the server is there, that it accepts the credentials, that it has the
// branch and that it is not too old.
func (c *Client) Connect(ctx context.Context) (*Server, error) {
	info, err := graphql.ServerInfo(ctx, c.graphql, c.branch)
	if err != nil {
		return nil, err
	}
	running, err := version.NewVersion(info.InfrahubInfo.Version)
	if err != nil {
		return nil, fmt.Errorf("the server says that its version is %q: %w", info.InfrahubInfo.Version, err)
	}
	if oldest := version.Must(version.NewVersion(OldestVersion)); running.Core().LessThan(oldest) {
		return nil, &TooOldError{Version: info.InfrahubInfo.Version}
	}
	connected := &Server{Version: info.InfrahubInfo.Version, Branch: Branch{Name: c.branch}}
	for _, found := range info.Branch {
		connected.Branch = newBranch(found)
	}
	return connected, nil
}
