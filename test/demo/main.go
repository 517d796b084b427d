// Demo shows the provider at work: a repository added, its release bumped, and everything removed.
//
//	demo PLUGINS CONFIGURATION
//
// PLUGINS is a filesystem mirror that holds the provider, CONFIGURATION the directory to apply. Git is
// served on loopback, and so is a mock Infrahub, unless DEMO_INFRAHUB_ADDRESS and DEMO_INFRAHUB_TOKEN
// name a real one, which then has to run on this machine. What the CLI says is shown as it comes; the
// demo checks every claim that it makes, and exits with 1 if one does not hold.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	screen := newScreen(os.Stdout)
	if err := run(screen, os.Args[1:]); err != nil {
		screen.failed(err)
		os.Exit(1)
	}
}

func run(screen *screen, args []string) (err error) {
	if len(args) != 2 {
		return errors.New("usage: demo PLUGINS CONFIGURATION")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	start := time.Now()
	dir, err := os.MkdirTemp("", "infrahub-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	git, err := serveGit(dir + "/git")
	if err != nil {
		return err
	}
	defer git.close()
	infrahub, err := findInfrahub(ctx)
	if err != nil {
		return err
	}
	defer infrahub.close()

	name := "demo-" + strings.ToLower(rand.Text()[:6])
	environ := append(infrahub.environ(), append(git.environ(), "TF_VAR_name="+name)...)
	cli, err := newCLI(screen, dir+"/terraform", args[1], args[0], environ)
	if err != nil {
		return err
	}
	story := story{screen: screen, cli: cli, git: git, infrahub: infrahub, name: name}
	if err := story.tell(ctx); err != nil {
		return err
	}
	screen.closing(fmt.Sprintf("Done in %.0f s, and nothing is left behind. README.md says how to use it.", time.Since(start).Seconds()))
	return nil
}
