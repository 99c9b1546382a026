package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
)

const snapshotsUsage = "ragserver snapshots [--config FILE] take | list | restore NAME"

// progressEvery is how often a line tells how far a snapshot or a restore is.
const progressEvery = 5 * time.Second

// runSnapshots is "ragserver snapshots": it returns the exit code.
func runSnapshots(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("ragserver snapshots", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are told once
	file := flags.String("config", config.DefaultConfigFile, "configuration `file` of the server")
	secretsDir := flags.String("secrets-dir", config.DefaultSecretsDir, "`folder` of the mounted Secrets")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(stderr, "Usage: "+snapshotsUsage)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return 0
	}
	command := strings.Join(flags.Args(), " ")
	name, restores := strings.CutPrefix(command, "restore ")
	if err == nil && command != "take" && command != "list" && (!restores || name == "" || flags.NArg() != 2) {
		err = fmt.Errorf("%q is no command", command)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "ragserver: %v (usage: %s)\n", err, snapshotsUsage)
		return 2
	}
	err = withSnapshots(*file, *secretsDir, stdout, func(s *opensearch.Snapshots) error {
		switch command {
		case "take":
			return takeSnapshot(ctx, s, stdout)
		case "list":
			return listSnapshots(ctx, s, stdout)
		default:
			return restoreSnapshot(ctx, s, name, stdout)
		}
	})
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "ragserver:", err)
		return 1
	}
	return 0
}

// withSnapshots does something with the snapshots of the service of a configuration. Of its Secrets it reads those of OpenSearch alone.
func withSnapshots(file, secretsDir string, out io.Writer, do func(*opensearch.Snapshots) error) (err error) {
	source, _, err := config.Open(file)
	if err != nil {
		return err
	}
	c := source.Config()
	if c.Stores.OpenSearch == nil || c.Stores.OpenSearch.Snapshots == nil {
		return fmt.Errorf("%s has no stores.openSearch.snapshots: set spec.openSearch.snapshots in the RAGService", file)
	}
	credentials, err := mountedOpenSearch(secretsDir)
	if err != nil {
		return err
	}
	tell := progressTo(out)
	store, err := opensearch.New(opensearch.Options{
		Config: *c.Stores.OpenSearch, Credentials: credentials, Analyser: newAnalyser(c),
		OnRebuild: func(done, total int) { tell("documents", int64(done), int64(total)) },
	})
	if err != nil {
		return fmt.Errorf("stores.openSearch: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(opensearch.NewSnapshots(store, *c.Stores.OpenSearch.Snapshots, c.Service,
		func(done, total int64) { tell("bytes", done, total) }))
}

// progressTo writes a line every few seconds.
func progressTo(out io.Writer) func(of string, done, total int64) {
	told := time.Now()
	return func(of string, done, total int64) {
		if total > 0 && time.Since(told) >= progressEvery {
			told = time.Now()
			_, _ = fmt.Fprintf(out, "%d of %d %s\n", done, total, of)
		}
	}
}

func takeSnapshot(ctx context.Context, s *opensearch.Snapshots, out io.Writer) error {
	taken, err := s.Take(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "took %s in %s\n", taken.Name, taken.Ended.Sub(taken.Began).Round(time.Millisecond))
	switch deleted, err := s.Prune(ctx); {
	case err != nil: // the snapshot is there: another try would take another one
		_, _ = fmt.Fprintf(out, "old ones stay: %v\n", err)
	case len(deleted) > 0:
		_, _ = fmt.Fprintf(out, "deleted %s\n", strings.Join(deleted, ", "))
	}
	return nil
}

func listSnapshots(ctx context.Context, s *opensearch.Snapshots, out io.Writer) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tSTATE\tBEGAN\tTOOK")
	for _, one := range all {
		took := ""
		if !one.Ended.IsZero() {
			took = one.Ended.Sub(one.Began).Round(time.Millisecond).String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", one.Name, one.State, one.Began.UTC().Format(time.RFC3339), took)
	}
	return table.Flush()
}

func restoreSnapshot(ctx context.Context, s *opensearch.Snapshots, name string, out io.Writer) error {
	began := time.Now()
	if err := s.Restore(ctx, name); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "restored %s in %s: the documents are those of when it was taken\n", name, time.Since(began).Round(time.Second))
	return nil
}
