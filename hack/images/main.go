// Command images writes a container image as a tar archive, in the format that `docker load`, `kind load image-archive` and `ctr images
// import` read. It needs no daemon and no registry, and the same input gives the same bytes: times are dropped, names sorted, owners
// kept as numbers.
//
//	images -out redis.tar -tag ragservice/redis:dev -dir ROOTFS=/ -user 999:999 -entrypoint redis-server
//
// Each -dir is a layer, in the order given; all -file and -mkdir together are one more. It prints the image's tag with twelve digits of
// the image's hash appended, under which the archive holds it too: a rollout follows that tag by itself, as :dev stays.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// spec is what the flags say.
type spec struct {
	out, tag, user, workdir            string
	caBundle                           string
	dirs, files, mkdirs                list
	entrypoint, cmd, env, ports, label list
}

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func parse(args []string) (spec, error) {
	var s spec
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.StringVar(&s.out, "out", "", "the archive to write")
	flags.StringVar(&s.tag, "tag", "", "the image's name and tag")
	flags.StringVar(&s.user, "user", "", "UID or UID:GID of the process")
	flags.StringVar(&s.workdir, "workdir", "", "its working folder")
	flags.StringVar(&s.caBundle, "ca-bundle", "", "path in the image for the root certificates of public authorities")
	flags.Var(&s.dirs, "dir", "FOLDER=/PATH[:UID:GID], a layer of its own; with UID and GID everything belongs to them")
	flags.Var(&s.files, "file", "FILE=/PATH:MODE[:UID:GID]")
	flags.Var(&s.mkdirs, "mkdir", "/PATH:MODE:UID:GID, an empty folder")
	flags.Var(&s.entrypoint, "entrypoint", "one word of the entrypoint")
	flags.Var(&s.cmd, "cmd", "one word of the default arguments")
	flags.Var(&s.env, "env", "NAME=VALUE")
	flags.Var(&s.ports, "port", "a port that the process listens on")
	flags.Var(&s.label, "label", "NAME=VALUE")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.out == "" || s.tag == "" || flags.NArg() > 0 {
		return s, fmt.Errorf("-out and -tag are needed, and nothing but flags")
	}
	return s, nil
}

func run(args []string, stdout io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "images-")
	if err != nil {
		return fmt.Errorf("make a working folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	layers, err := buildLayers(s, work)
	if err != nil {
		return err
	}
	tag, err := writeImage(s, layers)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, tag)
	return err
}
