// Demo shows the provider at work. Bump adds a repository, bumps it to its next release, and removes it. Release
// brings the next release of a repository to main through a branch, where a check stops it, and then its correction. Pictures
// writes what the CLI prints of a plan, an apply and a failed import into a directory, for the pictures of README.md.
//
//	demo bump|release PLUGINS CONFIGURATION
//	demo pictures PLUGINS CONFIGURATION DIRECTORY
//
// PLUGINS is a filesystem mirror with the provider, CONFIGURATION the directory to apply. The demo serves Git on
// loopback, and a mock Infrahub, unless DEMO_INFRAHUB_ADDRESS and DEMO_INFRAHUB_TOKEN name a live one, which has to run
// on this machine. The demo shows the output of the CLI as it comes, checks every claim that it makes, and exits with 1
// if one does not hold.
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
	arguments := map[string]int{"bump": 3, "release": 3, "pictures": 4}
	if len(args) == 0 || arguments[args[0]] != len(args) {
		return errors.New("usage: demo bump|release PLUGINS CONFIGURATION, or demo pictures PLUGINS CONFIGURATION DIRECTORY")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	start := time.Now()
	dir, err := os.MkdirTemp("", "infrahub-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	name := "demo-" + strings.ToLower(rand.Text()[:6])
	path, releases := "/automation.git", importingNothing() // the provider lists its refs without a password
	switch args[0] {
	case "bump":
		path = "/private/automation.git"
	case "release":
		releases = withCheck(name)
	case "pictures":
		name = "automation"
		screen.colour = true
	}
	git, err := serveGit(dir+"/git", path, releases)
	if err != nil {
		return err
	}
	defer git.close()
	infrahub, err := findInfrahub(ctx)
	if err != nil {
		return err
	}
	defer infrahub.close()

	environ := append(infrahub.environ(), append(git.environ(), "TF_VAR_name="+name)...)
	cli, err := newCLI(screen, dir+"/terraform", args[2], args[1], environ)
	if err != nil {
		return err
	}
	story := &story{screen: screen, cli: cli, git: git, infrahub: infrahub, name: name}
	switch args[0] {
	case "pictures":
		return story.pictures(ctx, args[3])
	case "release":
		err = story.release(ctx)
	default:
		err = story.bump(ctx)
	}
	if err != nil {
		return err
	}
	left := "nothing is left behind"
	if args[0] == "release" {
		left = "nothing is left behind but two proposed changes, one merged and one canceled"
	}
	screen.closing(fmt.Sprintf("Done in %.0f s, and %s. README.md shows how to use it.", time.Since(start).Seconds(), left))
	return nil
}
