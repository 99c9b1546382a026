package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// tree makes a folder with a program, a link to it of each kind, and a folder that only its owner may enter.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "bin"), 0o755),
		os.WriteFile(filepath.Join(dir, "bin", "tool"), []byte("#!"), 0o755),
		os.Link(filepath.Join(dir, "bin", "tool"), filepath.Join(dir, "bin", "same")),
		os.Symlink("tool", filepath.Join(dir, "bin", "alias")),
		os.Mkdir(filepath.Join(dir, "private"), 0o700),
		os.Chmod(filepath.Join(dir, "bin", "tool"), 0o755|os.ModeSetuid),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func layerOf(t *testing.T, dir string) v1.Layer {
	t.Helper()
	layers, err := buildLayers(spec{dirs: list{dir + "=/opt:7:8"}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return layers[0]
}

func headers(t *testing.T, layer v1.Layer) map[string]*tar.Header {
	t.Helper()
	body, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	found := map[string]*tar.Header{}
	for archive := tar.NewReader(body); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header
	}
}

func TestLayerKeepsLinksAndModes(t *testing.T) {
	found := headers(t, layerOf(t, tree(t)))
	if h := found["opt/bin/alias"]; h == nil || h.Typeflag != tar.TypeSymlink || h.Linkname != "tool" {
		t.Errorf("symbolic link: %+v", h)
	}
	if h := found["opt/bin/tool"]; h == nil || h.Typeflag != tar.TypeLink || h.Linkname != "opt/bin/same" {
		t.Errorf("hard link: %+v", h) // "same" comes first
	}
	if h := found["opt/bin/same"]; h == nil || h.Mode != 0o4755 || h.Size != 2 || h.Uid != 7 || h.Gid != 8 || h.Uname != "" {
		t.Errorf("program: %+v", h)
	}
	if h := found["opt/private/"]; h == nil || h.Mode != 0o700 || h.Typeflag != tar.TypeDir {
		t.Errorf("folder: %+v", h)
	}
}

func TestLayerIgnoresTimes(t *testing.T) {
	dir := tree(t)
	first, err := layerOf(t, dir).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "bin"), time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	second, err := layerOf(t, dir).Digest()
	if err != nil || first != second {
		t.Errorf("%v, then %v, %v", first, second, err)
	}
}

func TestImage(t *testing.T) {
	out := filepath.Join(t.TempDir(), "image.tar")
	program := filepath.Join(tree(t), "bin", "tool")
	var stdout bytes.Buffer
	err := run([]string{
		"-out", out, "-tag", "ragservice/server:dev", "-file", program + "=/server:0755", "-mkdir", "/data:0750:999:999",
		"-user", "65532:65532", "-workdir", "/data", "-entrypoint", "/server", "-cmd", "--verbose", "-env", "A=b=c", "-port", "8080",
		"-label", "x=y",
	}, &stdout)
	if err != nil {
		t.Fatal(err)
	}
	content := strings.TrimSpace(stdout.String())
	if !strings.HasPrefix(content, "ragservice/server:dev-") {
		t.Fatalf("tag %q", content)
	}
	for _, reference := range []string{"ragservice/server:dev", content} {
		tag, err := name.NewTag(reference)
		if err != nil {
			t.Fatal(err)
		}
		image, err := tarball.ImageFromPath(out, &tag)
		if err != nil {
			t.Fatalf("%s: %v", reference, err)
		}
		checkConfig(t, image)
	}
}

func checkConfig(t *testing.T, image v1.Image) {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := file.Config
	_, port := c.ExposedPorts["8080/tcp"]
	if c.User != "65532:65532" || c.WorkingDir != "/data" || c.Entrypoint[0] != "/server" || c.Cmd[0] != "--verbose" ||
		c.Env[0] != "A=b=c" || !port || c.Labels["x"] != "y" || file.OS != "linux" {
		t.Errorf("configuration %+v", file)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	found := headers(t, layers[0])
	if h := found["data/"]; h == nil || h.Mode != 0o750 || h.Uid != 999 {
		t.Errorf("empty folder: %+v", h)
	}
	if h := found["server"]; h == nil || h.Mode != 0o755 || h.Uid != 0 {
		t.Errorf("program: %+v", h)
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-out", "x"},
		{"-out", "x", "-tag", "a b"},
		{"-out", "x", "-tag", "a:b", "-dir", "nowhere"},
		{"-out", "x", "-tag", "a:b", "-dir", "/=/x:one:2"},
		{"-out", "x", "-tag", "a:b", "-file", "/does/not/exist=/x:0644"},
		{"-out", "x", "-tag", "a:b", "-mkdir", "/x"},
		{"-out", "x", "-tag", "a:b", "-mkdir", "/x:rwx"},
		{"-out", "x", "-tag", "a:b", "rest"},
	} {
		t.Chdir(t.TempDir())
		if err := run(args, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
		if _, err := os.Stat("x"); err == nil {
			t.Errorf("%q left an archive", args)
		}
	}
}

func TestRootCertificates(t *testing.T) {
	rest, count := []byte(rootCertificates()), 0
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count < 100 {
		t.Errorf("only %d roots", count)
	}
}
