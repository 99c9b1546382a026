// Quickstart shows the product on one machine: it runs ragserver with a manifest, loads documents, asks a question twice
// and prints what came back. With -url it does the same to a service that runs already.
//
//	go run ./hack/quickstart -server bin/ragserver -manifest examples/quickstart.yaml
//	RAGSERVICE_ADMIN_KEY=... RAGSERVICE_CLIENT_KEY=... go run ./hack/quickstart -url http://demo-server.default.svc
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
	"time"

	"golang.org/x/term"
)

// options are the command line.
type options struct {
	server, manifest, dir string
	url                   string
	documents             string
	question              string
}

// visitTimeout bounds everything but the wait for Ctrl-C; large collections are loaded with it too.
const visitTimeout = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.StringVar(&o.server, "server", "bin/ragserver", "the server's `program`")
	flags.StringVar(&o.manifest, "manifest", "examples/quickstart.yaml", "the RAGService to run, a `file`")
	flags.StringVar(&o.dir, "dir", "", "`folder` of the server's data (default: a new one that is removed at the end)")
	flags.StringVar(&o.url, "url", "", "visit the service at this `address` instead of starting one")
	flags.StringVar(&o.documents, "documents", "", "NDJSON `file` to load (default: the documentation of this project)")
	flags.StringVar(&o.question, "ask", "Who can see documents that name groups?", "the question")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &printer{out: out}
	if o.url != "" {
		v := &visitor{url: o.url, adminKey: getenv("RAGSERVICE_ADMIN_KEY"), clientKey: getenv("RAGSERVICE_CLIENT_KEY")}
		return visit(ctx, v, o, p)
	}
	return runServer(ctx, o, p)
}

// runServer starts the server, visits it, and on a terminal keeps it up until Ctrl-C.
func runServer(ctx context.Context, o options, p *printer) error {
	began := time.Now()
	s, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer s.stop()
	p.step("start", fmt.Sprintf("%s --manifest %s --loopback-admin", o.server, o.manifest), time.Since(began))
	if err := visit(ctx, &visitor{url: s.url}, o, p); err != nil {
		return errors.Join(err, fmt.Errorf("the end of the server's log:\n%s", s.log.tail()))
	}
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		p.line("\nDone. On a terminal the service stays up to be asked more: make quickstart")
		return nil
	}
	p.line("\nThe service runs at %s. Ask it more:\n\n  curl -s %s/api/v1/ask -H 'Content-Type: application/json' -d '{\"query\":\"What happens when Redis is lost?\"}'\n\nStop it with Ctrl-C.", s.url, s.url)
	select {
	case <-ctx.Done():
		p.line("\nStopping.")
		return nil
	case <-s.ended:
		return fmt.Errorf("the server ended: %w; the end of its log:\n%s", s.err, s.log.tail())
	}
}

// visit loads the documents and asks the question twice.
func visit(ctx context.Context, v *visitor, o options, p *printer) error {
	ctx, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	body, what, err := documents(o.documents)
	if err != nil {
		return err
	}
	loaded, took, err := v.load(ctx, body)
	if err != nil {
		return fmt.Errorf("load the documents: %w", err)
	}
	p.step("load", fmt.Sprintf("%s: %d new, %d changed, %d unchanged", what, loaded.Created, loaded.Updated, loaded.Unchanged), took)
	if loaded.Failed > 0 {
		return fmt.Errorf("%d documents were refused, the first of them because: %s", loaded.Failed, loaded.firstError())
	}
	first, err := v.ask(ctx, o.question)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	p.step("ask", fmt.Sprintf("%q, X-Cache: %s", o.question, first.outcome), first.took)
	p.answer(first)
	second, err := v.ask(ctx, o.question)
	if err != nil {
		return fmt.Errorf("ask again: %w", err)
	}
	p.step("again", fmt.Sprintf("the same question, X-Cache: %s", second.outcome), second.took)
	return nil
}
