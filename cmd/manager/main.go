// Command manager is the operator: it watches RAGServices and runs what they ask for.
//
// It ends with status 0 after a clean stop, 1 when it cannot start or loses its lease, and 2 for a flag that it does not
// understand.
package main

import (
	"context"
	"errors"
	"flag"
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
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Getenv, os.Stdout), os.Stderr))
}

// run is the operator. Its log goes to stdout.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	s, err := parse(args, getenv, stdout)
	if err != nil {
		return err
	}
	return operate(ctx, s, stdout)
}

// exitCode says on stderr what went wrong, and answers the status of the process.
func exitCode(err error, stderr io.Writer) int {
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "manager: %v\nRun manager -h for its flags.\n", err)
		return 2
	default:
		_, _ = fmt.Fprintf(stderr, "manager: %v\n", err)
		return 1
	}
}
