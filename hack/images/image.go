package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// writeImage puts the layers under the configuration, writes the archive, and returns the tag that follows the content.
func writeImage(s spec, layers []v1.Layer) (string, error) {
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return "", fmt.Errorf("append layers: %w", err)
	}
	if image, err = mutate.ConfigFile(image, configFile(s, image)); err != nil {
		return "", fmt.Errorf("set the configuration: %w", err)
	}
	id, err := image.ConfigName()
	if err != nil {
		return "", fmt.Errorf("compute the image's hash: %w", err)
	}
	refs := map[name.Reference]v1.Image{}
	content := s.tag + "-" + id.Hex[:12]
	for _, t := range []string{s.tag, content} {
		ref, err := name.NewTag(t)
		if err != nil {
			return "", fmt.Errorf("read the tag: %w", err)
		}
		refs[ref] = image
	}
	return content, writeArchive(s.out, refs)
}

// writeArchive moves the finished archive into place, so that nobody ever loads half of one.
func writeArchive(path string, refs map[name.Reference]v1.Image) error {
	partial := path + ".partial"
	if err := tarball.MultiRefWriteToFile(partial, refs); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return os.Rename(partial, path)
}

func configFile(s spec, image v1.Image) *v1.ConfigFile {
	base, err := image.ConfigFile()
	if err != nil { // of an image made in memory one line above
		panic(err)
	}
	file := base.DeepCopy()
	file.OS, file.Architecture = "linux", goarch()
	file.Config = v1.Config{
		Entrypoint: s.entrypoint, Cmd: s.cmd, Env: s.env, User: s.user, WorkingDir: s.workdir,
		Labels: map[string]string{}, ExposedPorts: map[string]struct{}{},
	}
	for _, label := range s.label {
		key, value, _ := strings.Cut(label, "=")
		file.Config.Labels[key] = value
	}
	for _, port := range s.ports {
		file.Config.ExposedPorts[port+"/tcp"] = struct{}{}
	}
	return file
}
