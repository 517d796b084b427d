// Terraform-provider-infrahub manages Infrahub's Git integration from Terraform and OpenTofu.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/provider"
)

// version is set by the release: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	debugged := flag.Bool("debug", false, "run outside of the CLI, so that a debugger can be attached")
	flag.Parse()
	if !*debugged {
		if err := silenceUnreadLogs(); err != nil {
			return err
		}
	}
	spendMemoryForTime(os.Getenv("GOGC"))
	var options []tf6server.ServeOpt
	if *debugged {
		options = append(options, tf6server.WithManagedDebug())
	}
	return provider.Serve(version, options...)
}

// spendMemoryForTime makes the garbage collector run less often, unless the environment says how often. A provider lives for seconds,
// and holds little.
func spendMemoryForTime(gogc string) {
	if gogc == "" {
		debug.SetGCPercent(400)
	}
}
