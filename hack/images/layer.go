package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func goarch() string { return runtime.GOARCH }

// fileLayer is a layer in a tar file that is not compressed: the archive stays on this machine, where packing would only cost time.
type fileLayer struct {
	path string
	hash v1.Hash
	size int64
}

var _ v1.Layer = fileLayer{}

func (l fileLayer) Digest() (v1.Hash, error)             { return l.hash, nil }
func (l fileLayer) DiffID() (v1.Hash, error)             { return l.hash, nil }
func (l fileLayer) Size() (int64, error)                 { return l.size, nil }
func (l fileLayer) MediaType() (types.MediaType, error)  { return types.DockerUncompressedLayer, nil }
func (l fileLayer) Compressed() (io.ReadCloser, error)   { return os.Open(l.path) }
func (l fileLayer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }

// buildLayers writes one layer for each folder, and one for all single files and empty folders.
func buildLayers(s spec, work string) ([]v1.Layer, error) {
	var layers []v1.Layer
	for _, dir := range s.dirs {
		source, err := parseDir(dir)
		if err != nil {
			return nil, err
		}
		layer, err := newLayer(filepath.Join(work, fmt.Sprint(len(layers))), source.write)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", dir, err)
		}
		layers = append(layers, layer)
	}
	singles, err := parseSingles(s)
	if err != nil || len(singles) == 0 {
		return layers, err
	}
	layer, err := newLayer(filepath.Join(work, "files"), singles.write)
	if err != nil {
		return nil, fmt.Errorf("layer of files: %w", err)
	}
	return append(layers, layer), nil
}

// newLayer has the content written to a file and hashes it on the way.
func newLayer(path string, write func(*tarWriter) error) (v1.Layer, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // the way out on errors; the last line closes it for good
	hash := sha256.New()
	tw := newTarWriter(io.MultiWriter(file, hash))
	if err := write(tw); err != nil {
		return nil, err
	}
	if err := tw.tar.Close(); err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return fileLayer{
		path: path, size: info.Size(),
		hash: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(hash.Sum(nil))},
	}, file.Close()
}
