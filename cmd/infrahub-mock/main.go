// Command infrahub-mock is an Infrahub to try the provider with: everything is in memory, and
// repositories are imported from real Git remotes.
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

// start runs the program and returns its exit code; what went wrong is one line on stderr.
func start(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	err := run(ctx, arguments, stdout, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) || errors.Is(err, context.Canceled) {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "infrahub-mock:", strings.Join(strings.Fields(err.Error()), " "))
	return 1
}

// settings are what the command line says.
type settings struct {
	listen string
	log    bool
	seed   mockserver.Seed
	faults []mockserver.Fault
	server mockserver.Options
}

func parse(arguments []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("infrahub-mock", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8000", "`address` to listen on; port 0 is any")
	flags.Func("delay", "how long imports take: `live` (the default) or none", func(name string) (err error) {
		s.server.Delay, err = mockserver.ParseDelay(name)
		return err
	})
	flags.StringVar(&s.server.Version, "version", mockserver.DefaultVersion, "the Infrahub `version` to behave like; 1.9.9 has errors without codes")
	flags.StringVar(&s.server.Token, "token", mockserver.DefaultToken, "the API `token` to accept")
	flags.BoolVar(&s.log, "log", false, "log a line for each request, without variables")
	flags.Func("seed", "a YAML `file` of tags, credentials, repositories and branches to begin with", func(name string) (err error) {
		s.seed, err = readSeed(name)
		return err
	})
	flags.Func("fault", "what is to go wrong, as in `operation=NAME,times=2,status=503`; may be repeated.\n"+
		"What: delay=DURATION, status=CODE, retry-after=DURATION, html, drop, truncate, expire, stuck, no-tasks.\n"+
		"after carries the request out first. Without operation it is any, without times always.", func(text string) error {
		fault, err := mockserver.ParseFault(text)
		s.faults = append(s.faults, fault)
		return err
	})
	s.server.Delay = mockserver.LiveDelay
	err := flags.Parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(stderr, "An Infrahub in memory, to try the provider and to test modules with.")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return s, err
}

func readSeed(name string) (mockserver.Seed, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return mockserver.Seed{}, err
	}
	return mockserver.ParseSeed(content)
}

// run serves until the context ends.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	s, err := parse(arguments, stderr)
	if err != nil {
		return err
	}
	if s.log {
		s.server.Log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	mock, err := s.mock(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer mock.Close()
	greet(stdout, listener.Addr().String(), s.server)
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

// mock starts the server with what it is to hold, and what is to go wrong from then on.
func (s settings) mock(ctx context.Context) (*mockserver.Server, error) {
	mock, err := mockserver.New(s.server)
	if err != nil {
		return nil, err
	}
	if err := mock.ApplySeed(ctx, s.seed); err != nil {
		mock.Close()
		return nil, fmt.Errorf("seed: %w", err)
	}
	for _, fault := range s.faults {
		mock.Inject(fault)
	}
	return mock, nil
}

func greet(stdout io.Writer, address string, options mockserver.Options) {
	url := "http://" + address
	_, _ = fmt.Fprintf(stdout, strings.TrimLeft(`
Infrahub %s (a mock, in memory) answers at %s. Stop it with Ctrl-C.
What is in it is shown there, to a browser.

Point the provider at it by the environment:

  export INFRAHUB_ADDRESS=%s
  export INFRAHUB_API_TOKEN=%s

or in the configuration:

  provider "infrahub" {
    address   = %q
    api_token = %q
  }
`, "\n"), options.Version, url, url, options.Token, url, options.Token)
}
