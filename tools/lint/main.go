// Command lint is golangci-lint with kube-api-linter in it. golangci-lint's own way to add a linter (`golangci-lint
// custom`) clones a repository; this builds from modules alone.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"
	_ "sigs.k8s.io/kube-api-linter" // registers itself
)

func main() {
	// The Go version decides which language version it accepts; its own version is in go.mod.
	if err := commands.Execute(commands.BuildInfo{Version: "(see go.mod)", GoVersion: runtime.Version()}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitcodes.Failure)
	}
}
