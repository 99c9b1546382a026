// Ragserver answers requests. In a pod it runs the configuration that the operator wrote; alone it runs a RAGService
// manifest with everything that it needs inside. "ragserver snapshots" takes, lists and restores snapshots of the documents in OpenSearch.
//
// Exit codes: 0 after a clean drain, 1 for a configuration that is not valid or a failure, 2 for usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "snapshots" {
		return runSnapshots(ctx, args[1:], stdout, stderr)
	}
	o, err := parseFlags(args, stderr)
	if errors.Is(err, errHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "ragserver:", err)
		return 2
	}
	setup, err := o.load(getenv)
	if err == nil {
		err = serve(ctx, o, setup, getenv, stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "ragserver:", err)
		return 1
	}
	return 0
}
