package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// options are the command line.
type options struct {
	manifest, config    string
	listen, adminListen string
	dataDir, secretsDir string
	logDir              string
	loopbackAdmin       bool
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
	flags.StringVar(&o.dataDir, "data-dir", "", "with --manifest: `folder` of documents and generated keys "+
		"(default: $XDG_DATA_HOME/ragservice/<namespace>/<name>, or the same under ~/.local/share)")
	flags.StringVar(&o.secretsDir, "secrets-dir", config.DefaultSecretsDir, "with --config: `folder` of the mounted Secrets")
	flags.StringVar(&o.logDir, "log-dir", "", "`folder` of the log's files, where spec.logging.file wants them "+
		"(default: logs in the folder of documents; with --config "+config.DefaultLogDir+")")
	flags.BoolVar(&o.loopbackAdmin, "loopback-admin", false, "with --manifest and auth.mode Anonymous: callers of this machine are administrators; "+
		"so is everybody behind a proxy on it")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(stderr, "Usage: ragserver --manifest FILE [--listen ADDRESS] [--admin-listen ADDRESS] [--data-dir FOLDER] "+
			"[--loopback-admin]\n       ragserver --config FILE\n       "+snapshotsUsage)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return o, errHelp
	}
	switch {
	case err != nil:
		return o, fmt.Errorf("%w (ragserver --help lists the flags)", err)
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q (ragserver --help lists the flags)", flags.Arg(0))
	case o.loopbackAdmin && o.manifest == "":
		return o, errors.New("--loopback-admin is for --manifest alone (ragserver --help lists the flags)")
	case (o.manifest == "") == (o.config == ""):
		return o, errors.New("give one of --manifest and --config (ragserver --help lists the flags)")
	}
	return o, nil
}
