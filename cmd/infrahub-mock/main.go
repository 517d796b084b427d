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
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "infrahub-mock:", err)
		os.Exit(1)
	}
}

// settings are what the command line says.
type settings struct {
	listen string
	log    bool
	server mockserver.Options
}

func parse(arguments []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("infrahub-mock", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8000", "`address` to listen on")
	delay := flags.String("delay", "live", "how long imports take: `live` or none")
	flags.StringVar(&s.server.Version, "version", mockserver.DefaultVersion, "the Infrahub `version` to behave like")
	flags.StringVar(&s.server.Token, "token", mockserver.DefaultToken, "the API `token` to accept")
	flags.BoolVar(&s.log, "log", false, "log a line for each request")
	err := flags.Parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(stderr, "An Infrahub in memory, to try the provider with.")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err == nil {
		s.server.Delay, err = mockserver.ParseDelay(*delay)
	}
	return s, err
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
	mock, err := mockserver.New(s.server)
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

func greet(stdout io.Writer, address string, options mockserver.Options) {
	url := "http://" + address
	_, _ = fmt.Fprintf(stdout, strings.TrimLeft(`
Infrahub %s (a mock, in memory) answers at %s. Stop it with Ctrl-C.

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
