// Command infrahub-mock serves a mock Infrahub to try the provider and to test modules with. It keeps
// everything in memory and imports repositories from real Git remotes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := start(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// start runs the program and returns its exit code. It writes an error as one line to stderr.
func start(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	err := run(ctx, arguments, stdout, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) || errors.Is(err, context.Canceled) {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "infrahub-mock:", strings.Join(strings.Fields(err.Error()), " "))
	return 1
}

// config holds the values of the command line.
type config struct {
	listen string
	log    bool
	seed   mockserver.Seed
	faults []mockserver.Fault
	server mockserver.Options
}

// parse reads the command line. It prints the help on stderr if the command line asks for it.
func parse(arguments []string, stderr io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("infrahub-mock", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.listen, "listen", "127.0.0.1:8000", "the `address` to listen on; port 0 picks a free port")
	flags.Func("delay", "how long imports take: `live` (the default) or none", func(name string) (err error) {
		c.server.Delay, err = mockserver.ParseDelay(name)
		return err
	})
	flags.StringVar(&c.server.Version, "version", mockserver.DefaultVersion, "the Infrahub `version` to behave like; errors of 1.9.9 have no codes")
	flags.StringVar(&c.server.Token, "token", mockserver.DefaultToken, "the API `token` to accept")
	flags.Func("append-git-suffix", "the `hosts`, with commas between them, whose http(s) locations get .git appended (default github.com,gitlab.com)", func(hosts string) error {
		c.server.AppendGitSuffix = strings.FieldsFunc(hosts, func(r rune) bool { return r == ',' || r == ' ' })
		return nil
	})
	flags.BoolVar(&c.log, "log", false, "log a line for each request to stderr, without variables")
	flags.Func("seed", "a YAML `file` with tags, credentials, repositories and branches to create at the start", func(name string) (err error) {
		c.seed, err = readSeed(name)
		return err
	})
	flags.Func("fault", "make requests fail, as in `operation=NAME,times=2,status=503`; may be repeated.\n"+
		"Effects: delay=DURATION, status=CODE, retry-after=DURATION, html, drop, truncate, expire, stuck, crashed, no-tasks.\n"+
		"With after, the request is carried out first. Default: every operation, every time.", func(text string) error {
		fault, err := mockserver.ParseFault(text)
		c.faults = append(c.faults, fault)
		return err
	})
	c.server.Delay = mockserver.LiveDelay
	err := flags.Parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(stderr, "Serves a mock Infrahub, in memory, to try the provider and to test modules with.")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return c, err
}

// readSeed reads a seed from a file.
func readSeed(name string) (mockserver.Seed, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return mockserver.Seed{}, err
	}
	return mockserver.ParseSeed(content)
}

// run parses the command line and serves until the context ends.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	c, err := parse(arguments, stderr)
	if err != nil {
		return err
	}
	if c.log {
		c.server.Log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -listen, such as 127.0.0.1:0 for a free port", err)
	}
	mock, err := c.mock(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer mock.Close()
	greet(stdout, reachable(listener.Addr()), c.server)
	server := &http.Server{Handler: mock, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	_, _ = fmt.Fprintln(stdout, "Stopping.")
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// mock starts the server, applies the seed and then injects the faults.
func (c config) mock(ctx context.Context) (*mockserver.Server, error) {
	mock, err := mockserver.New(c.server)
	if err != nil {
		return nil, err
	}
	if err := mock.ApplySeed(ctx, c.seed); err != nil {
		mock.Close()
		return nil, fmt.Errorf("seed: %w", err)
	}
	for _, fault := range c.faults {
		mock.Inject(fault)
	}
	return mock, nil
}

// reachable returns an address that a client on this machine can use: a server in a container listens on all addresses.
func reachable(address net.Addr) string {
	tcp, isTCP := address.(*net.TCPAddr)
	if !isTCP || !tcp.IP.IsUnspecified() {
		return address.String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
}

// greet prints how to use the server.
func greet(stdout io.Writer, address string, options mockserver.Options) {
	url := "http://" + address
	_, _ = fmt.Fprintf(stdout, strings.TrimLeft(`
A mock of Infrahub %s listens on %s. Stop it with Ctrl-C.
Open that address in a browser to see its content.

Point the provider at it with environment variables:

  export INFRAHUB_ADDRESS=%s
  export INFRAHUB_API_TOKEN=%s

or in its configuration:

  provider "infrahub" {
    address   = %q
    api_token = %q
  }
`, "\n"), options.Version, url, url, options.Token, url, options.Token)
}
