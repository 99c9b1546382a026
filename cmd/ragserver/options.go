package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// options are the command line.
type options struct {
	manifest, config    string
	listen, adminListen string
	dataDir, secretsDir string
}

var errHelp = errors.New("help was asked for")

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("ragserver", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are told once, by run
	flags.StringVar(&o.manifest, "manifest", "", "run this RAGService `file` alone, with everything it needs inside")
	flags.StringVar(&o.config, "config", "", "run this configuration `file`, as the operator writes it")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` of the API")
	flags.StringVar(&o.adminListen, "admin-listen", "127.0.0.1:8081", "`address` of health, metrics and status")
	flags.StringVar(&o.dataDir, "data-dir", "", "with --manifest: `folder` of documents and generated keys (default: ragservice in the user's cache folder)")
	flags.StringVar(&o.secretsDir, "secrets-dir", config.DefaultSecretsDir, "with --config: `folder` of the mounted Secrets")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(stderr, "Usage: ragserver --manifest FILE [--listen ADDRESS] [--admin-listen ADDRESS] [--data-dir FOLDER]\n       ragserver --config FILE")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return o, errHelp
	}
	switch {
	case err != nil:
		return o, fmt.Errorf("%w (ragserver --help lists the flags)", err)
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q (ragserver --help lists the flags)", flags.Arg(0))
	case (o.manifest == "") == (o.config == ""):
		return o, errors.New("give one of --manifest and --config (ragserver --help lists the flags)")
	}
	return o, nil
}

// data is the folder of a server that runs alone; it is made when it does not exist.
func (o options) data() (string, error) {
	dir := o.dataDir
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no folder for data: %w; set --data-dir", err)
		}
		dir = filepath.Join(cache, "ragservice")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	return dir, nil
}
